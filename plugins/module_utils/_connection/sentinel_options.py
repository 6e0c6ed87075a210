# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Sentinels that know where a server is: who they are, how to get in, and what they said last."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import EndpointError, did_you_mean
from .address import check_host, joined, split_location

SENTINEL_PORT = 26379

# A Sentinel says nothing of a certificate: what the servers behind it are verified by holds for it, too.
_AS_THE_SERVERS = (
    "validate_certs", "ca_certs", "ca_cert_content", "ca_fingerprints", "client_cert_file", "client_key_file",
)  # fmt: skip
_TEXTS = ("username", "password")


@dataclasses.dataclass(frozen=True)
class Sentinel:
    """The Sentinels of one service. ``hosts``: each as ``host:port``, asked in this order. Timeout in seconds."""

    service_name: str
    hosts: tuple[str, ...]
    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    tls: bool = False
    validate_certs: bool = True
    ca_certs: str | None = None
    ca_cert_content: str | None = dataclasses.field(default=None, repr=False)
    ca_fingerprints: tuple[str, ...] = ()
    client_cert_file: str | None = None
    client_key_file: str | None = None
    server_name: str | None = None
    timeout: float = 5.0
    # What they said last: ``host`` and ``port`` of the server, and ``by`` which of them. The only part that changes.
    found: dict[str, str] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return f"Sentinel {', '.join(self.hosts)}"

    @property
    def in_order(self) -> list[str]:
        """The one that answered last first: another may be down, and cost its timeout at each connection."""
        return sorted(self.hosts, key=lambda host: host != self.found.get("by"))


def parse_sentinel(options: t.Mapping[str, t.Any], role: str, server: t.Mapping[str, t.Any]) -> Sentinel:
    """The Sentinels in the dictionary ``options``. ``server``: the other fields of the endpoint.

    Raises :class:`EndpointError`, which repeats no value that may hold a secret.
    """
    name = f"{role}.sentinel"
    given = {field: value for field, value in options.items() if value is not None}
    known = [field.name for field in dataclasses.fields(Sentinel) if field.name != "found"]
    unknown = sorted(set(given) - set(known))
    if unknown:
        meant = "".join(did_you_mean(field, known) for field in unknown)
        raise EndpointError(
            f"{name} has unknown fields: {', '.join(unknown)}.", hint=f"Known are {', '.join(sorted(known))}.{meant}"
        )
    if not given.get("service_name"):
        raise EndpointError(
            f"{name} has no service_name.",
            hint="It is the name behind 'sentinel monitor' in their configuration, mostly mymaster:"
            " redis-cli -h HOST -p 26379 SENTINEL MASTERS lists the names.",
        )
    if given.get("password") is None and given.get("username"):
        raise EndpointError(f"{name} has a username but no password.", hint="A Sentinel has users of its own, or none.")
    fields: dict[str, t.Any] = {"tls": bool(server.get("tls")), **given}
    if fields["tls"]:
        said = any(given.get(field) for field in ("ca_certs", "ca_cert_content", "ca_fingerprints"))
        # Its own CA takes the place of the servers', in whatever form.
        lent = [field for field in _AS_THE_SERVERS if not (said and field.startswith("ca_"))]
        fields = {**{field: server[field] for field in lent if server.get(field) is not None}, **fields}
    if not fields.get("validate_certs", True):
        # Only verifying proves by whom a certificate was issued.
        fields["ca_fingerprints"] = ()
    # As with an endpoint: a user or password that is empty is none.
    fields.update({field: str(fields[field]) if fields.get(field) not in (None, "") else None for field in _TEXTS})
    fields["service_name"] = str(given["service_name"])
    fields["hosts"] = _hosts(given.get("hosts"), f"{name}.hosts")
    fields["ca_fingerprints"] = tuple(fields.get("ca_fingerprints") or ())
    # A Sentinel that is gone is one of several; the data's timeout would be spent on each of them.
    timeout = float(fields.get("timeout", min(5.0, float(server.get("timeout") or 5.0))))
    if not 0 < timeout < float("inf"):
        raise EndpointError(f"{name}.timeout must be above 0 seconds; {timeout:g} is not.")
    return Sentinel(**{**fields, "timeout": timeout})


def _hosts(given: t.Any, name: str) -> tuple[str, ...]:
    hosts = [given] if isinstance(given, str) else list(given or ())
    if not hosts:
        raise EndpointError(f"{name} is empty.", hint="List the Sentinels, such as [s1.example, s2.example:26380].")
    found = []
    for number, host in enumerate(hosts):
        place = f"{name}[{number}]"
        if not isinstance(host, str):
            raise EndpointError(f"{place} is not a text.", hint="Write it as 'host' or 'host:port'.")
        check_host(host, place)
        found.append(joined(*split_location(host.strip(), place, SENTINEL_PORT)))
    return tuple(dict.fromkeys(found))
