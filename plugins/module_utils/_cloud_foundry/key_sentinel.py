# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service key says of Sentinels: their addresses, the name of the service there, and how to get in.

Brokers give a section C(sentinel), beside the hosts of all servers (a9s: a Sentinel runs on each of them), or fields whose names
begin so. Names are compared without case, C(_) and C(-).
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from .._connection.address import joined
from .._connection.sentinel_options import SENTINEL_PORT

_SERVICE = ("mastername", "servicename", "mastergroupname", "mastergroup", "masterset", "master", "service", "name")
_HOSTS = ("hosts", "nodes", "addresses", "endpoints", "s", "host", "hostname", "")
_HOST = ("host", "hostname", "ip", "address")
_SECTIONS = ("redis", "valkey")
_YES = ("true", "yes", "on", "1")


def read_sentinel(document: Mapping[str, t.Any]) -> dict[str, t.Any] | None:
    """The field C(sentinel) of an endpoint; None where the key names no service or no host of its Sentinels."""
    fields = _fields(document)
    service = next((fields[name] for name in _SERVICE if isinstance(fields.get(name), str) and fields[name]), None)
    port = next((fields[name] for name in ("port", "tlsport") if _is_port(fields.get(name))), SENTINEL_PORT)
    hosts = next((listed for name in _HOSTS if (listed := _hosts(fields.get(name), port))), None)
    if hosts is None and _is_port(fields.get("port")):
        # Only a port of its own: a Sentinel beside each server.
        hosts = _hosts(document.get("hosts"), port) or _hosts(document.get("host"), port)
    if service is None or not hosts:
        return None
    sentinel: dict[str, t.Any] = {"service_name": service, "hosts": hosts}
    if fields.get("password"):
        sentinel.update(password=str(fields["password"]))
        user = next((fields[name] for name in ("username", "user") if fields.get(name)), None)
        sentinel.update({} if user is None else {"username": str(user)})
    for name in ("tls", "ssl"):
        if isinstance(fields.get(name), (bool, str)):
            sentinel["tls"] = str(fields[name]).lower() in _YES
    return sentinel


def _fields(document: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What stands in a section for Sentinels, or behind that word in a name, by the rest of the name."""
    fields: dict[str, t.Any] = {}
    parts = [document, *(document[name] for name in _SECTIONS if isinstance(document.get(name), Mapping))]
    for part in parts:
        for name, value in part.items():
            before, word, rest = _plain(name).partition("sentinel")
            if not word and before == "mastername":
                fields.setdefault(before, value)
            elif word and isinstance(value, Mapping):
                fields.update({_plain(inner): given for inner, given in value.items()})
            elif word:
                fields.setdefault(rest, value)
    return fields


def _hosts(given: t.Any, port: t.Any) -> list[str] | None:
    """Texts C(host:port) of a list of texts, of objects with a host, or of one text with commas."""
    items = given.split(",") if isinstance(given, str) else given if isinstance(given, (list, tuple)) else []
    found = []
    for item in items:
        own = port
        if isinstance(item, Mapping):
            own = item.get("port") or port
            item = next((item[name] for name in _HOST if isinstance(item.get(name), str)), None)
        if isinstance(item, str) and item.strip():
            name = item.strip()
            # A name with one colon has its port; an IPv6 address has more.
            has_port = name.count(":") == 1 or "]:" in name
            found.append(name if has_port else joined(name.strip("[]"), int(own)))
    return found or None


def _is_port(value: t.Any) -> bool:
    return not isinstance(value, bool) and str(value or "").isdecimal()


def _plain(name: t.Any) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())
