# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service broker: credentials for real Redis servers, in the shapes that real brokers use."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from .errors import BrokerError
from .faults import Faults
from .model import Binding, Instance
from .resp import Redis, RespError

View = dict[str, Any]  # host, port, username, password, tls, cacrt, name: what a shape is filled from


def _hosts(host: str) -> list[str]:
    """The nodes behind a load-balanced name: red1-master.x gives red1-node-0.x and so on."""
    first, _dot, rest = host.partition(".")
    if not rest or first.isdigit():
        return [host]
    stem = first.removesuffix("-master").removesuffix("-master-1")
    return [f"{stem}-node-{index}.{rest}" for index in range(3)]


def _with_ca(view: View, credentials: View) -> View:
    return {**credentials, "cacrt": view["cacrt"]} if view["cacrt"] else credentials


def _uri(view: View) -> str:
    user = quote(view["username"], safe="")
    scheme = "rediss" if view["tls"] else "redis"
    return f"{scheme}://{user}:{quote(view['password'], safe='')}@{view['host']}:{view['port']}"


def _nested(section: str) -> Callable[[View], View]:
    def fill(view: View) -> View:
        return _with_ca(
            view,
            {
                "host": view["host"],
                "hosts": _hosts(view["host"]),
                "load_balanced_host": view["host"],
                section: {"username": view["username"], "password": view["password"], "port": view["port"]},
                "sentinel": {
                    "master_name": "mymaster",
                    "username": view["username"],
                    "password": secrets.token_hex(16),
                    "port": 26379,
                },
            },
        )

    return fill


def _a9s6(view: View) -> View:
    flat = {"host": view["host"], "hosts": _hosts(view["host"]), "password": view["password"], "port": view["port"]}
    return _with_ca(view, flat)


def _exposed(view: View) -> View:
    return {
        "host": view["host"],
        "hosts": [view["host"]],
        "password": view["password"],
        "port": view["port"],
        "uri": _uri(view),
        "username": view["username"],
    }


def _tanzu(view: View) -> View:
    if view["tls"]:
        ports: View = {"port": 6379, "tls_port": view["port"], "tls_versions": ["tlsv1.2", "tlsv1.3"]}
    else:
        ports = {"port": view["port"]}
    return {"host": view["host"], "password": view["password"], **ports}


def _csb(host_field: str) -> Callable[[View], View]:
    def fill(view: View) -> View:
        port_field = "tls_port" if view["tls"] else "port"
        return {"name": view["name"], host_field: view["host"], "password": view["password"], port_field: view["port"]}

    return fill


SHAPES: dict[str, Callable[[View], View]] = {
    "a9s6": _a9s6,
    "a9s7": _nested("redis"),
    "a9s-keyvalue": _nested("valkey"),
    "exposed": _exposed,
    "tanzu": _tanzu,
    "csb": _csb("host"),
    "csb-hostname": _csb("hostname"),
    "uri": lambda view: {"uri": _uri(view)},
}
NAMES_THE_USER = {"a9s7", "a9s-keyvalue", "exposed", "uri"}


class RedisBroker:
    """Makes and removes credentials; with `user_per_binding` they are ACL users on the real server."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def bind(self, binding: Binding) -> None:
        """Fill in the binding's credentials. Raises BrokerError."""
        self._refuse("bind")
        instance = binding.instance
        user, password = instance.endpoint.get("username") or "", instance.endpoint.get("password") or ""
        if instance.user_per_binding:
            user, password = f"a9s-brk-usr-{secrets.token_hex(10)}", secrets.token_hex(24)
            self._admin(instance, "ACL", "SETUSER", user, "on", f">{password}", "~*", "&*", "+@all", "-@admin")
            binding.redis_user = user
        binding.credentials = self.credentials(instance, user or "default", password)

    def unbind(self, binding: Binding) -> None:
        """Remove what bind made; the server then closes that user's connections. Raises BrokerError."""
        self._refuse("unbind")
        if binding.redis_user:
            self._admin(binding.instance, "ACL", "DELUSER", binding.redis_user)

    def provision(self, instance: Instance) -> None:
        """Take an endpoint out of the plan's pool. Raises BrokerError when there is none left."""
        self._refuse("provision")
        assert instance.plan is not None
        if not instance.plan.pool:
            raise BrokerError("No more capacity in this plan")
        instance.endpoint = dict(instance.plan.pool.pop(0))

    def deprovision(self, instance: Instance) -> None:
        self._refuse("deprovision")
        if instance.plan is not None and instance.endpoint:
            instance.plan.pool.append(instance.endpoint)

    def update(self) -> None:
        self._refuse("update")

    @staticmethod
    def credentials(instance: Instance, user: str, password: str) -> dict[str, Any]:
        """The credentials of that instance for that user in the instance's own shape."""
        endpoint = instance.endpoint
        view: View = {
            "name": instance.name,
            "host": instance.hostname or endpoint["host"],
            "port": instance.advertised_port or endpoint["port"],
            "username": user,
            "password": password,
            "tls": bool(endpoint.get("tls")),
            "cacrt": endpoint.get("ca_cert_content") or "",
        }
        if callable(instance.key_shape):
            return instance.key_shape(view)
        return SHAPES[instance.key_shape](view)

    def _refuse(self, action: str) -> None:
        message = self._faults.take_broker(action)
        if message is not None:
            raise BrokerError(message)

    @staticmethod
    def _admin(instance: Instance, *command: str) -> None:
        endpoint = instance.endpoint
        try:
            with Redis(
                endpoint["host"],
                endpoint["port"],
                username=endpoint.get("username") or "",
                password=endpoint.get("password") or "",
                tls=bool(endpoint.get("tls")),
                ca_pem=endpoint.get("ca_cert_content") or "",
                server_name=endpoint.get("server_name") or instance.hostname,
            ) as redis:
                redis.call(*command)
        except (OSError, RespError) as error:
            raise BrokerError(f"Service broker could not reach its Redis: {error}") from error
