# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint: where a Redis is and how to get in. The same dictionary everywhere, validated in one place."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import EndpointError
from .address import DEFAULT_PORT, check_host, joined, port_number
from .sentinel_options import Sentinel, parse_sentinel
from .shard import Place, Shard, parse_nodes
from .url import parse_url, scheme_of

DEFAULT_TIMEOUT = 15.0

# Files and names that say that TLS was meant.
_ONLY_WITH_TLS = (
    "ca_certs",
    "ca_cert_content",
    "ca_fingerprints",
    "client_cert_file",
    "client_key_file",
    "server_name",
)
# How a service is written, for sentences.
SENTINEL_EXAMPLE = "Write sentinel: {service_name: mymaster, hosts: [s1.example, s2.example, s3.example]}."


@dataclasses.dataclass(frozen=True)
class Backend:
    """The address under which the *source server* reaches the target, for the command MIGRATE."""

    host: str
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One end of a migration. ``role`` ("source", "target", "endpoint") is how messages call it. Timeout in seconds."""

    role: str
    host: str = ""
    port: int = DEFAULT_PORT
    unix_socket: str | None = None
    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    tls: bool = False
    validate_certs: bool = True
    ca_certs: str | None = None
    ca_cert_content: str | None = dataclasses.field(default=None, repr=False)
    client_cert_file: str | None = None
    client_key_file: str | None = None
    server_name: str | None = None
    # SHA-256, upper case, in pairs.
    ca_fingerprints: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    backend: Backend | None = None
    # Where they are, ``host`` is empty until they were asked, at each connection anew.
    sentinel: Sentinel | None = None
    prefer_replica: bool = False
    # Further nodes of the cluster that it may be one of.
    nodes: tuple[Place, ...] = ()
    # Of a part of a cluster; ``host`` is empty until a node was asked, at each connection anew.
    shard: Shard | None = None

    @property
    def by_shard(self) -> bool:
        """Whether the nodes of a cluster have to be asked where it is."""
        return self.shard is not None and not self.host

    @property
    def moves(self) -> bool:
        """Whether another server may take its place, by a failover that is followed."""
        return self.sentinel is not None or self.shard is not None

    @property
    def by_sentinel(self) -> bool:
        """Whether the Sentinels have to be asked where it is."""
        return self.sentinel is not None and not self.host

    @property
    def found(self) -> Endpoint | None:
        """Itself at the host and port that Sentinels, or nodes of the cluster, named last, if any."""
        asked = self.sentinel or self.shard
        if asked is None or "host" not in asked.found:
            return None
        return dataclasses.replace(self, host=asked.found["host"], port=int(asked.found["port"]))

    def at_primary(self) -> Endpoint:
        """The same where a replica is preferred, but its primary; what is found for the one is not taken for the other."""
        sentinel = self.sentinel and dataclasses.replace(self.sentinel, found={})
        return dataclasses.replace(self, prefer_replica=False, sentinel=sentinel)

    @property
    def place(self) -> str:
        """What stays the same of its address: host and port, the socket's path, or the service and its Sentinels, or what
        it serves of which cluster.
        """
        if self.unix_socket:
            return self.unix_socket
        if self.sentinel is not None and not self.host:
            return f"service {self.sentinel.service_name} ({self.sentinel})"
        if self.shard is not None and not self.host:
            return f"{self.shard} of the cluster at {', '.join(joined(*node) for node in self.shard.nodes[:3])}"
        return joined(self.host, self.port)

    @property
    def address(self) -> str:
        """Host and port, or the socket's path; never a secret. Of a service: its name, and where it was found last."""
        at = self if self.host else self.found
        if self.sentinel is not None:
            return f"{joined(at.host, at.port)} (service {self.sentinel.service_name})" if at else self.place
        if self.shard is not None:
            return f"{joined(at.host, at.port)} ({self.shard})" if at else self.place
        return self.place

    @property
    def user(self) -> str:
        """The ACL user this endpoint logs in as."""
        return self.username or "default"

    def __str__(self) -> str:
        return f"{self.role} {self.address}"


def parse_endpoint(options: t.Mapping[str, t.Any] | None, role: str) -> Endpoint:
    """The endpoint described by the dictionary ``options`` (see the documentation fragment ``endpoint``).

    A field given beside ``url`` wins over the same part of the URL.
    Raises :class:`EndpointError`, which names the field and never repeats a value that may hold a secret.
    """
    if not options:
        raise EndpointError(f"The {role} endpoint is missing.", hint=f"Give '{role}' a 'url', or a 'host'.")
    given = {name: value for name, value in options.items() if value is not None}
    url = given.pop("url", None)
    backend = given.pop("backend", None)
    sentinel = given.pop("sentinel", None)
    cluster = given.pop("cluster", None)
    _check_ways(given, url, sentinel, backend, role)
    fields = parse_url(str(url), role) if url else {}
    if fields.get("unix_socket") and given.get("host"):
        raise EndpointError(f"The {role} endpoint has both a unix:// url and a host.", hint="Give one of them.")
    if fields.get("unix_socket") and given.get("tls"):
        raise EndpointError(f"The {role} endpoint has a unix:// url and tls: true.", hint="A unix socket knows no TLS.")
    if fields.get("tls") and given.get("tls") is False:
        raise EndpointError(
            f"The {role} endpoint has a {scheme_of(str(url))}:// url and tls: false.", hint="Give one of them."
        )
    fields.update(given)
    nodes = parse_nodes(cluster, role, port_number(fields.get("port", DEFAULT_PORT), f"{role}.port"))
    if nodes and (sentinel or fields.get("unix_socket")):
        raise EndpointError(
            f"The {role} endpoint has a cluster and {'a sentinel' if sentinel else 'a unix socket'}.",
            hint="The nodes of a cluster are reached by host and port, and need no Sentinels.",
        )
    if nodes and not fields.get("host"):
        fields["host"], fields["port"] = nodes[0]
    if not fields.get("host") and not fields.get("unix_socket") and not sentinel:
        raise EndpointError(f"The {role} endpoint has neither a url nor a host.", hint=f"Give '{role}' one of them.")
    check_host(fields.get("host"), f"{role}.host")
    known = {field.name for field in dataclasses.fields(Endpoint)} - {"role", "backend", "sentinel", "nodes", "shard"}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise EndpointError(
            f"The {role} endpoint has unknown fields: {', '.join(unknown)}.",
            hint=f"Known are {', '.join(sorted(known))}.",
        )
    fields["port"] = port_number(fields.get("port", DEFAULT_PORT), f"{role}.port")
    if not fields.get("tls"):
        # Files and names that only TLS uses say that TLS was meant; a silent plain connection would betray that.
        for field in _ONLY_WITH_TLS:
            if fields.get(field) and "tls" not in given:
                raise EndpointError(
                    f"The {role} endpoint has '{field}' but does not use TLS.", hint="Use a rediss:// url or tls: true."
                )
    fields["ca_fingerprints"] = _fingerprints(fields.get("ca_fingerprints") or (), role)
    if fields["ca_fingerprints"] and not fields.get("validate_certs", True):
        raise EndpointError(
            f"The {role} endpoint has ca_fingerprints and validate_certs: false.",
            hint="Anybody can show the certificate of a CA; only verifying proves that it issued the server's.",
        )
    if fields.get("client_key_file") and not fields.get("client_cert_file"):
        raise EndpointError(f"The {role} endpoint has a client_key_file without a client_cert_file.")
    if fields.get("username") and fields.get("password") is None:
        raise EndpointError(
            f"The {role} endpoint has a username but no password.",
            hint="Give the password, or write rediss://PASSWORD@host for a server that only has a password.",
        )
    timeout = fields.get("timeout", DEFAULT_TIMEOUT)
    if not 0 < float(timeout) < float("inf"):
        raise EndpointError(f"The {role} endpoint's timeout must be above 0 seconds; {timeout} is not.")
    fields["timeout"] = float(timeout)
    for field in ("username", "password"):
        fields[field] = str(fields[field]) if fields.get(field) not in (None, "") else None
    if sentinel:
        pins = _fingerprints(sentinel.get("ca_fingerprints") or (), f"{role}'s sentinel")
        fields["sentinel"] = parse_sentinel({**sentinel, "ca_fingerprints": pins or None}, role, fields)
    return Endpoint(role=role, backend=_parse_backend(backend, role), nodes=nodes, **fields)


def _check_ways(given: t.Mapping[str, t.Any], url: t.Any, sentinel: t.Any, backend: t.Any, role: str) -> None:
    """An endpoint is named in one way, and only a service has replicas to choose from."""
    named = [name for name in ("host", "port") if given.get(name)] + (["url"] if url else [])
    if sentinel and named:
        raise EndpointError(
            f"The {role} endpoint has both a sentinel and a {named[0]}.",
            hint="The Sentinels tell host and port. User, password and TLS of the server stand beside 'sentinel'.",
        )
    if sentinel is not None and not isinstance(sentinel, t.Mapping):
        raise EndpointError(f"{role}.sentinel is no dictionary.", hint=SENTINEL_EXAMPLE)
    if sentinel and backend:
        raise EndpointError(
            f"The {role} endpoint has both a sentinel and a backend.",
            hint="MIGRATE connects where the Sentinels say that the primary is; a backend would not follow a failover.",
        )
    if not given.get("prefer_replica"):
        return
    if role == "target":
        raise EndpointError("The target endpoint has prefer_replica.", hint="A replica takes no writes: remove it.")
    if not sentinel:
        raise EndpointError(
            f"The {role} endpoint has prefer_replica but no sentinel.",
            hint="Sentinels tell which replicas there are; without them give the replica's own address.",
        )


def refuse_replica(endpoint: Endpoint, why: str) -> None:
    """Raise :class:`EndpointError` where a replica is preferred for what only a primary can do."""
    if endpoint.prefer_replica:
        raise EndpointError(f"The {endpoint.role} endpoint has prefer_replica, but {why}.", hint="Remove it here.")


def refuse_sentinel(endpoint: Endpoint) -> None:
    """Raise :class:`EndpointError` for a service, which a tunnel cannot lead to."""
    if endpoint.by_sentinel:
        raise EndpointError(
            f"The {endpoint.role} is named by Sentinels and is to be reached through a tunnel, which does not go together.",
            hint="A tunnel leads to one host and port, and Sentinels name others after a failover: run the modules on a worker"
            " inside that network, or give 'host' and 'port' of the primary in place of 'sentinel'.",
        )


def _fingerprints(given: str | t.Sequence[str], role: str) -> tuple[str, ...]:
    found = []
    for text in [given] if isinstance(given, str) else given:
        digits = re.sub(r"[\s:]", "", str(text))
        if not re.fullmatch(r"[0-9A-Fa-f]{64}", digits):
            raise EndpointError(
                f"The {role} endpoint's ca_fingerprints have '{text}', which is no SHA-256 fingerprint.",
                hint="It has 64 hexadecimal digits: openssl x509 -noout -fingerprint -sha256 -in FILE shows it.",
            )
        found.append(bytes.fromhex(digits).hex(":").upper())
    return tuple(found)


def _parse_backend(options: t.Mapping[str, t.Any] | None, role: str) -> Backend | None:
    if not options:
        return None
    given = {name: value for name, value in options.items() if value is not None}
    unknown = sorted(set(given) - {field.name for field in dataclasses.fields(Backend)})
    if unknown:
        raise EndpointError(f"The {role} endpoint's backend has unknown fields: {', '.join(unknown)}.")
    if not given.get("host"):
        raise EndpointError(f"The {role} endpoint's backend has no host.")
    check_host(given["host"], f"{role}.backend.host")
    given["port"] = port_number(given.get("port", DEFAULT_PORT), f"{role}.backend.port")
    return Backend(**given)
