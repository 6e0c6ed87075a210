# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service of real servers under real Sentinels: a primary, its replicas, and who watches them.

    with Service("redis-6.2") as service:
        service.primary.client().set("a", 1)
        service.fail_over()

`down-after-milliseconds` is small, so that a failover takes a second or two.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import redis

from tests.support.attempt import until
from tests.support.servers import HOST, RedisServer

NAME = "mymaster"
_DOWN_AFTER_MS = 400
_FAILOVER_MS = 3000


class SentinelServer(RedisServer):
    """A Sentinel that watches `primary`; `config` adds directives of the Sentinel."""

    def __init__(
        self,
        name: str,
        primary: RedisServer,
        quorum: int,
        *,
        service: str = NAME,
        down_after_ms: int = _DOWN_AFTER_MS,
        **options: Any,
    ) -> None:
        super().__init__(name, **options)
        self._watched = primary
        self._quorum = quorum
        self._service = service
        self._down_after_ms = down_after_ms

    def _arguments(self) -> list[str]:
        return ["--sentinel"]

    def _ready(self) -> str:
        return "Sentinel ID|monitor master"

    def _configuration(self, port: int) -> str:
        lines = [
            line
            for line in super()._configuration(port).splitlines()
            if line.partition(" ")[0] not in ("databases", "save", "repl-diskless-sync-delay")
        ]
        lines += [
            f"sentinel monitor {self._service} {HOST} {self._watched.port} {self._quorum}",
            f"sentinel down-after-milliseconds {self._service} {self._down_after_ms}",
            f"sentinel failover-timeout {self._service} {_FAILOVER_MS}",
        ]
        if self._watched._guarded:
            lines.append(f"sentinel auth-user {self._service} tests-admin")
            lines.append(f"sentinel auth-pass {self._service} {self._watched._admin_password}")
        if self._watched.tls and self._watched.certificate:
            shown = self._watched.certificate
            lines.append("tls-replication yes")
            if not self.tls:
                lines.append(f"tls-cert-file {shown.cert_file}")
                lines.append(f"tls-key-file {shown.key_file}")
                lines.append(f"tls-ca-cert-file {shown.ca_file}")
                lines.append("tls-auth-clients no")
        return "\n".join(lines) + "\n"


class Service:
    """`replicas` + 1 servers and `sentinels` Sentinels of one program; a context manager."""

    def __init__(
        self,
        name: str = "redis-8.2",
        *,
        replicas: int = 1,
        sentinels: int = 3,
        sentinel_options: dict[str, Any] | None = None,
        service: str = NAME,
        **options: Any,
    ) -> None:
        self.service = service
        self._stack = contextlib.ExitStack()
        self.servers = [RedisServer(name, **options) for _number in range(1 + replicas)]
        self._name = name
        self._count = sentinels
        self._sentinel_options = sentinel_options or {}
        self.sentinels: list[SentinelServer] = []

    def __enter__(self) -> Service:
        with self._stack:
            first = self._stack.enter_context(self.servers[0])
            for replica in self.servers[1:]:
                replica._admin_password = first._admin_password
                self._stack.enter_context(replica).replicaof(first)
                # As it may be a replica itself one day.
                with first.client() as at_first, replica.client() as at_replica:
                    for setting in ("masteruser", "masterauth", "tls-replication", "tls-ca-cert-file"):
                        value = at_replica.config_get(setting).get(setting)
                        if value and value != "no":
                            at_first.config_set(setting, value)
            quorum = self._count // 2 + 1
            for _number in range(self._count):
                one = SentinelServer(self._name, first, quorum, service=self.service, **self._sentinel_options)
                self._stack.enter_context(one)
                self.sentinels.append(one)
            for one in self.sentinels:
                until(lambda one=one: self._knows_all(one))  # type: ignore[misc]
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _knows_all(self, one: SentinelServer) -> bool:
        with one.client() as client:
            fields = _fields(client.execute_command("SENTINEL", "MASTER", self.service))
            replicas = client.execute_command("SENTINEL", "REPLICAS", self.service)
        known = int(fields["num-other-sentinels"]) == self._count - 1
        healthy = [_fields(one) for one in replicas if _fields(one)["master-link-status"] == "ok"]
        return known and len(healthy) == len(self.servers) - 1 and fields["flags"] == "master"

    @property
    def primary(self) -> RedisServer:
        """The server that a Sentinel names as the primary now."""
        for one in self.sentinels:
            if one.running:
                with one.client() as client:
                    _host, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
                return next(server for server in self.servers if server.port == int(port))
        raise AssertionError("no Sentinel runs")

    @property
    def replicas(self) -> list[RedisServer]:
        primary = self.primary
        return [server for server in self.servers if server is not primary]

    def endpoint(self, *, sentinel: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """The endpoint dictionary of the service; `sentinel` and `fields` add to it."""
        first = self.servers[0].endpoint()
        first.pop("host"), first.pop("port")
        said: dict[str, Any] = {"service_name": self.service, "hosts": [f"{HOST}:{one.port}" for one in self.sentinels]}
        own = self.sentinels[0].endpoint()
        said.update({name: own[name] for name in own if name not in ("host", "port")})
        said.update(sentinel or {})
        return {**first, "sentinel": {name: value for name, value in said.items() if value is not None}, **fields}

    def client(self, db: int = 0) -> redis.Redis:
        """A client of the primary of now."""
        return self.primary.client(db)

    def fail_over(self, *, kill: bool = True) -> None:
        """Replace the primary, by its death or by command, and wait until all Sentinels name the new one."""
        old = self.primary
        if kill:
            old.kill()
        else:
            _until_accepted(lambda: self.sentinels[0].client().execute_command("SENTINEL", "FAILOVER", self.service))
        until(lambda: all(_named(one, self.service) != old.port for one in self.sentinels if one.running))


def _named(one: SentinelServer, service: str) -> int:
    with one.client() as client:
        return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)[1])


def _until_accepted(ask: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            ask()
            return
        except redis.ResponseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _fields(flat: list[bytes]) -> dict[str, str]:
    texts = [word.decode() for word in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))
