# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documents take for granted: their servers, Sentinels and Cloud Foundry, under the names that they show."""

from __future__ import annotations

import getpass
import os
import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support import named_hosts
from tests.support.certs import Authority
from tests.support.cf_sim import CloudFoundrySim
from tests.support.cluster import Cluster
from tests.support.either import EitherFrontend
from tests.support.paths import COLLECTIONS_PATH
from tests.support.sentinels import Service
from tests.support.servers import HOST, RedisServer
from tests.support.tls_frontend import TlsFrontend

USER = "orders"
PASSWORD = "SENTINEL-shown-password"
CF_PASSWORD = "SENTINEL-developer-password"
CF_USER, CF_CLIENT = "developer@example.org", "migration"

_ACL = (f"user default on >{PASSWORD} ~* &* +@all", f"user {USER} on >{PASSWORD} ~* &* +@all")

NAMES = {
    "old": [
        "old.example.com",
        "redis.example.com",
        "orders.example.com",
        "red140220-master-1.data.eu01.onstackit.cloud",
        "orders-old.internal.example.com",
        "carts-old.internal.example.com",
        "127.0.0.1:16379",
    ],
    "new": [
        "new.example.com",
        "red297348-master-1.data.eu01.onstackit.cloud",
        "orders-new.internal.example.com",
        "carts-new.internal.example.com",
    ],
    "newer": ["redis-8-2.example.com"],
    "older": ["redis-6-2.example.com"],
    "mymaster": ["s1.example.com", "s2.example.com", "s3.example.com"],
    "orders": ["t1.example.com", "t2.example.com", "t3.example.com"],
    "cluster": ["n1.example.com", "n2.example.com", "n3.example.com"],
    "new cluster": ["m1.example.com"],
    "cf": ["api.cf.example.com", "api.cf.eu01.example.com"],
}
"""The hosts that documents name, by what stands for them here."""

# What the servers are reached by beside: server_name, and the address that Sentinels tell.
_ON_CERTIFICATES = ["redis.internal.example.com", "127.0.0.1", "localhost"]

# Folders of a machine that documents name lie below a scratch directory here.
_FOLDERS = r"(?<![\w.])/(?=(?:etc/ssl|var/backups|var/lib|srv|opt|usr/local/bin)/)"
_FINGERPRINT = r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}"
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"


class World:
    """A context manager. `root` holds the folders that documents name by absolute paths."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._stack = ExitStack()
        self._ports: dict[str, int] = {}

    def __enter__(self) -> World:
        with self._stack:
            self._start()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        enter = self._stack.enter_context
        self.authority = Authority(self.root / "authority")
        (self.root / "etc/ssl").mkdir(parents=True)
        (self.root / "etc/ssl/private-ca.pem").write_text(self.authority.ca_pem)
        names = [name for listed in NAMES.values() for name in listed if ":" not in name]
        self._certificate = self.authority.server(*names, *_ON_CERTIFICATES)
        # None fails over: a machine that is busy is no reason here.
        patient = {"down_after_ms": 3_600_000}
        options: dict[str, Any] = {"sentinels": 1, "acl_lines": _ACL}
        options["sentinel_options"] = {"password": PASSWORD, **patient}
        self.mymaster = enter(Service("redis-6.2", replicas=1, **options))
        options["sentinel_options"] = patient
        self.orders = enter(Service("redis-8.2", replicas=0, service="orders", **options))
        self.valkey = enter(Service("valkey-9", replicas=0, **options))
        clusters = [
            enter(Cluster(name, shards=shards, acl_lines=_ACL)) for name, shards in (("redis-7.0", 2), ("redis-8.2", 1))
        ]
        self.source, self.target = self.mymaster.servers[0], self.orders.servers[0]
        self.newer = enter(RedisServer("redis-8.2", acl_lines=_ACL))
        self.older = enter(RedisServer("redis-6.2", acl_lines=_ACL))
        for group, server in {
            "old": self.source,
            "new": self.target,
            "newer": self.newer,
            "older": self.older,
            "mymaster": self.mymaster.sentinels[0],
            "orders": self.orders.sentinels[0],
            "cluster": clusters[0].nodes[0],
            "new cluster": clusters[1].nodes[0],
        }.items():
            front = enter(EitherFrontend(server.port, self._certificate))
            self._ports.update(dict.fromkeys(NAMES[group], front.port))
        # Sentinels and clusters tell addresses of servers, which speak TLS where the endpoint says so.
        told = [*self.mymaster.servers, *self.orders.servers, *(node for cluster in clusters for node in cluster.nodes)]
        for server in told:
            self._ports[f"{HOST}:{server.port}"] = enter(EitherFrontend(server.port, self._certificate)).port
        self._fill()
        self._start_cloud_foundry()
        named_hosts.make(self.python.parents[1], self._ports, self.authority.ca_file)

    def _start_cloud_foundry(self) -> None:
        sim = self._stack.enter_context(CloudFoundrySim(job_delay=0.02, staging_delay=0.02))
        self.sim = sim
        front = self._stack.enter_context(TlsFrontend(int(sim.api_url.rpartition(":")[2]), self._certificate))
        self._ports.update(dict.fromkeys(NAMES["cf"], front.port))
        space = sim.add_space(sim.add_org("my-organization"), "production")
        sim.add_user(CF_USER, CF_PASSWORD, {"space_developer": [space]})
        sim.add_client(CF_CLIENT, CF_PASSWORD, {"space_developer": [space]})
        old, new = (
            {"host": HOST, "port": server.port, "username": USER, "password": PASSWORD}
            for server in (self.source, self.target)
        )
        shapes = {"orders-redis6": "a9s6", "sessions-redis6": "a9s6", "orders-redis7-internal": "a9s7"}
        for name, shape in shapes.items():
            end = new if "redis7" in name else old
            self._key(sim.add_service_instance(space, name, endpoint=end, key_shape=shape))
        for name, watched in {
            "orders-redis7": self.orders,
            "sessions-redis7": self.orders,
            "orders-valkey": self.valkey,
        }.items():
            end = {**new, "port": watched.servers[0].port}
            self._key(
                sim.add_service_instance(
                    space, name, endpoint=end, plan="redis-medium-replica", key_shape=_naming(watched)
                )
            )
        unknown = {"node": {"address": "old.example.com", "port": 6379}, "auth": {"password": PASSWORD}}
        self._key(sim.add_service_instance(space, "sessions", endpoint=old, key_shape=lambda _view: unknown))
        sim.add_plan("a9s-redis7", "redis-medium-replica", pool=[new])
        sim.add_app(space, "jumphost", start_delay=0.02)
        self.apps = [sim.add_app(space, name, start_delay=0.02) for name in ("checkout", "shop")]
        self.space = space
        self.bind_apps()

    @property
    def python(self) -> Path:
        """The environment that workers.md makes at the worker."""
        return self.root / "opt/redis_migration/bin/python"

    def _key(self, instance: Any) -> None:
        """The service key that an earlier run made."""
        self.sim.create_key(instance, "redis-migration")

    def bind_apps(self) -> None:
        """The apps use `orders-redis6` and nothing else, and nothing tells of an earlier run."""
        for instance in self.sim.state.instances.values():
            instance.annotations.clear()
        for app in self.apps:
            for binding in self.sim.state.bindings_of(app):
                self.sim.unbind(app, binding.instance)
            self.sim.bind(app, self.instance("orders-redis6"))
            self.sim.start_app(app)

    def instance(self, name: str) -> Any:
        return next(one for one in self.sim.state.instances.values() if one.name == name)

    def _fill(self) -> None:
        for server in (self.source, self.newer):
            for database in (0, 3):
                with server.client(database) as client:
                    client.set("session:1", "value")
                    client.hset("cart:1", mapping={"article": "1", "number": "2"})
                    client.rpush("queue", *range(20))

    def empty_target(self) -> None:
        self.target.admin().flushall()

    # What is shown, as it is here.

    def here(self, text: str) -> str:
        """What is shown, with this machine's folders, certificates, login name and a moment to come."""
        text = re.sub(_FOLDERS, lambda _found: f"{self.root}/", text)
        text = re.sub(_FINGERPRINT, self.authority.fingerprint, text)
        text = re.sub(_MOMENT, (datetime.now(UTC) + timedelta(seconds=1)).isoformat("T", "seconds"), text)
        return re.sub(r"ansible_user: \w+", f"ansible_user: {getpass.getuser()}", text)

    @staticmethod
    def secrets(text: str) -> dict[str, str]:
        """What the vault holds: each vault_* of the text, by its name one of these."""
        return {name: _secret(name) for name in re.findall(r"vault_\w+", text)}

    @property
    def environment(self) -> dict[str, str]:
        """Of everything that runs: somebody has logged in at Cloud Foundry."""
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CF_", "ANSIBLE_"))}
        return {
            **inherited,
            "HOME": str(home),
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "CF_API_URL": "https://api.cf.example.com",
            "CF_USER": CF_USER,
            "CF_PASSWORD": CF_PASSWORD,
            "CF_ORGANIZATION": "my-organization",
            "CF_SPACE": "production",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
        }

    @property
    def with_collection(self) -> dict[str, str]:
        """The environment where the collection is installed."""
        return {**self.environment, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS_PATH)}


def _secret(name: str) -> str:
    return USER if name.endswith("_user") else CF_PASSWORD if "client_secret" in name else PASSWORD


def _naming(watched: Service) -> Any:
    """Credentials as a9s gives them, with the Sentinels of `watched`."""

    def fill(view: dict[str, Any]) -> dict[str, Any]:
        hosts = [{"host": HOST, "port": one.port} for one in watched.sentinels]
        return {
            "host": view["host"],
            "redis": {"username": view["username"], "password": view["password"], "port": view["port"]},
            "sentinel": {"master_name": watched.service, "port": 26379, "hosts": hosts},
        }

    return fill
