# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host and port as operators write them. No message repeats what may hold a secret."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote

from .._errors import EndpointError

DEFAULT_PORT = 6379

ENCODE = "Characters such as / ? # @ : % in a user name or password must be percent-encoded (@ is %40)."


def joined(host: str, port: int) -> str:
    """C(host:port), an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_host(host: str | None, name: str) -> None:
    """A URL in the wrong place would show its password wherever the host is named."""
    if host and any(mark in str(host) for mark in "/@"):
        raise EndpointError(f"{name} is not a host's name.", hint="A whole Redis URL belongs into 'url'.")


def port_number(value: t.Any, name: str) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        raise EndpointError(f"{name} is not a number.") from None
    if not 1 <= port <= 65535:
        raise EndpointError(f"{name} is {port}; a port is between 1 and 65535.")
    return port


def split_location(location: str, name: str, default_port: int) -> tuple[str, int]:
    """The host and port in C(host), C(host:port), C([::1]) or C([::1]:port)."""
    if location.startswith("["):
        host, bracket, rest = location[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise EndpointError(f"{name} has a malformed IPv6 address.", hint=f"Write it as [::1]:{default_port}.")
        port = rest[1:]
    else:
        host, _colon, port = location.partition(":")
    if not host:
        raise EndpointError(f"{name} names no host.", hint=ENCODE)
    if port and not port.isdecimal():
        raise EndpointError(f"{name} has a port that is not a number.", hint=ENCODE)
    if port and not 1 <= int(port) <= 65535:
        # The number stays unsaid: without a host, what looks like a port is a password.
        raise EndpointError(f"{name} has a port that is not between 1 and 65535.", hint=ENCODE)
    return unquote(host), int(port or default_port)
