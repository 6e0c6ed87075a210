# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the server of a service is now: its Sentinels are asked, in order, at each connection.

What they say is not believed blindly: who is found must have the role that was asked for. One Sentinel may not have heard of
a failover, so while what it names is no primary, the next one is asked. A replica is read only once it holds all that its
primary held when the connection was opened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
import typing as t

from .._errors import ConnectError, EndpointError, RedisMigrationError, did_you_mean, printable
from .._imports import redis
from .address import DEFAULT_PORT, joined, split_location
from .endpoint import Endpoint
from .explain import explain
from .replies import odd_reply, parse_info
from .sentinel_options import SENTINEL_PORT, Sentinel

# Between looks at a replica that is behind, in seconds.
_PAUSE = 0.05

# How a Sentinel refuses a login.
_REFUSED = re.compile("NOAUTH|WRONGPASS|invalid (username-password|password)")

# Flags of an instance that a Sentinel does not reach.
_AWAY = frozenset({"s_down", "o_down", "disconnected"})


# What says how to get in, of a Sentinel as of a server.
_WAY_IN = {field.name for field in dataclasses.fields(Sentinel)} - {"service_name", "hosts", "found"}


class Opener(t.Protocol):
    """Opens connections to places that are known."""

    def client(self, endpoint: Endpoint) -> contextlib.AbstractContextManager[t.Any]:
        """A redis-py client; errors are :class:`RedisMigrationError`."""

    def connection(self, endpoint: Endpoint) -> t.Any:
        """A connection as the caller wants it."""


class NotKnown(EndpointError):
    """A Sentinel that knows no service of that name. ``names``: those that it knows."""

    def __init__(self, message: str, names: t.Sequence[str], hint: str) -> None:
        super().__init__(message, hint=hint)
        self.names = names


def doors(endpoint: Endpoint) -> list[Endpoint]:
    """The Sentinels of ``endpoint`` as endpoints, in the order in which they are asked."""
    sentinel = _sentinel(endpoint)
    return [_door(endpoint.role, sentinel, place) for place in sentinel.in_order]


def _door(role: str, sentinel: Sentinel, place: str) -> Endpoint:
    host, port = split_location(place, f"{role}.sentinel.hosts", SENTINEL_PORT)
    way_in = {field: getattr(sentinel, field) for field in _WAY_IN}
    return Endpoint(role=f"{role}'s Sentinel", host=host, port=port, **way_in)


def connected(endpoint: Endpoint, opener: Opener) -> t.Any:
    """A connection to the primary of ``endpoint``, or to a replica of it where that is preferred.

    Raises :class:`RedisMigrationError` that says of each Sentinel why it did not help.
    """
    problems: list[RedisMigrationError] = []
    tried: set[str] = set()
    for door in doors(endpoint):
        try:
            with opener.client(door) as ask:
                primary = at(endpoint, primary_of(ask, door, endpoint))
                places = [primary]
                if endpoint.prefer_replica:
                    places = [*(at(endpoint, place) for place in replicas_of(ask, door, endpoint)), primary]
        except RedisMigrationError as exc:
            problems.append(explained(exc, door))
            continue
        for place in places:
            if place.address in tried:
                continue
            tried.add(place.address)
            try:
                connection = _opened(place, primary, opener)
            except ConnectError as exc:
                if not exc.transient:
                    raise
                problems.append(exc)
                continue
            by = joined(door.host, door.port)
            _sentinel(endpoint).found.update(host=place.host, port=str(place.port), by=by)
            return connection
    raise _together(endpoint, problems)


def at(endpoint: Endpoint, place: tuple[str, int]) -> Endpoint:
    """``endpoint`` at the host and port where a Sentinel says that it is."""
    return dataclasses.replace(endpoint, host=place[0], port=place[1])


def primary_of(ask: t.Any, door: Endpoint, endpoint: Endpoint) -> tuple[str, int]:
    """Host and port of the primary, by the Sentinel behind ``ask``. Raises :class:`NotKnown` with the names it knows."""
    service = _sentinel(endpoint).service_name
    reply = ask.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
    if reply is None:
        names = sorted(_text(fields.get("name")) for fields in _instances(ask, door, "MASTERS"))
        raise NotKnown(
            f"The {door} knows no service '{printable(service)}'; it knows {', '.join(names) or 'none'}.",
            names,
            f"Give one of these as 'service_name'.{did_you_mean(service, names)}",
        )
    if not isinstance(reply, list) or len(reply) != 2:
        raise odd_reply(reply, "SENTINEL", door)
    return _place(reply[0], reply[1], door)


def replicas_of(ask: t.Any, door: Endpoint, endpoint: Endpoint) -> list[tuple[str, int]]:
    """Host and port of each replica that this Sentinel reaches and that is in touch with the primary.

    Always in the same order, so that connections of one run lead to one of them; the one that was found last is first.
    """
    sentinel = _sentinel(endpoint)
    found = []
    for fields in _instances(ask, door, "REPLICAS", sentinel.service_name):
        flags = set(_text(fields.get("flags")).split(","))
        if not flags & _AWAY and _text(fields.get("master-link-status")) == "ok":
            found.append(_place(fields.get("ip"), fields.get("port"), door))
    last = endpoint.found
    return sorted(found, key=lambda place: (last is None or place != (last.host, last.port), place))


def fields_of_service(ask: t.Any, door: Endpoint, endpoint: Endpoint) -> dict[str, str]:
    """What SENTINEL MASTER tells of the service."""
    reply = ask.execute_command("SENTINEL", "MASTER", _sentinel(endpoint).service_name)
    if not isinstance(reply, list):
        raise odd_reply(reply, "SENTINEL", door)
    return dict(zip(map(_text, reply[::2]), map(_text, reply[1::2])))


def _instances(ask: t.Any, door: Endpoint, *words: str) -> list[dict[str, t.Any]]:
    """What SENTINEL MASTERS, REPLICAS or SENTINELS lists, each as its fields."""
    reply = ask.execute_command("SENTINEL", *words)
    if not isinstance(reply, list) or not all(isinstance(one, list) for one in reply):
        raise odd_reply(reply, "SENTINEL", door)
    return [dict(zip(map(_text, one[::2]), one[1::2])) for one in reply]


def _place(host: t.Any, port: t.Any, door: Endpoint) -> tuple[str, int]:
    name, number = _text(host), _text(port)
    if not name or not number.isdecimal():
        raise odd_reply(host, "SENTINEL", door)
    return name, int(number) or DEFAULT_PORT


def _text(value: t.Any) -> str:
    return printable(value.decode("utf-8", "replace")) if isinstance(value, bytes) else str(value or "")


def _opened(place: Endpoint, primary: Endpoint, opener: Opener) -> t.Any:
    """A connection to ``place``, whose role is the one that it must have. Raises :class:`ConnectError`."""
    connection = opener.connection(place)
    with _closed_on_error(connection):
        info = _replication(connection, place)
        if place == primary and info.get("role") in ("slave", "replica"):
            raise ConnectError(
                f"The {place} is named as the primary, but is a replica of {info.get('master_host', '?')}:"
                f"{info.get('master_port', '?')}.",
                hint="A failover is under way, or that Sentinel has not heard of one yet: run again in a while.",
                transient=True,
            )
        if place != primary:
            _wait_until_in_step(connection, place, primary, opener)
    return connection


@contextlib.contextmanager
def _closed_on_error(connection: t.Any) -> t.Iterator[None]:
    try:
        yield
    except BaseException:
        connection.disconnect()
        raise


def _wait_until_in_step(connection: t.Any, place: Endpoint, primary: Endpoint, opener: Opener) -> None:
    """Until the replica holds what the primary holds now: who has stopped writing there must not miss anything here."""
    with opener.client(primary) as ask:
        there = parse_info(ask.execute_command("INFO", "replication"))
    wanted = there.get("master_repl_offset", "")
    deadline = time.monotonic() + place.timeout
    while True:
        here = _replication(connection, place)
        same = here.get("master_replid") == there.get("master_replid") and here.get("master_link_status") == "up"
        offset = here.get("slave_repl_offset", "")
        if same and wanted.isdecimal() and offset.isdecimal() and int(offset) >= int(wanted):
            return
        if time.monotonic() >= deadline:
            raise ConnectError(
                f"The {place} is a replica that did not catch up with its primary {joined(primary.host, primary.port)} within"
                f" {place.timeout:g} s (at {offset or '?'} of {wanted or '?'}).",
                hint="Wait until the replication has caught up, raise the endpoint's 'timeout', or read from the primary.",
                transient=True,
            )
        time.sleep(_PAUSE)


def _replication(connection: t.Any, place: Endpoint) -> dict[str, str]:
    """INFO replication; nothing where it is refused, which those who need it find out and say."""
    try:
        connection.send_command("INFO", "replication")
        return parse_info(connection.read_response())
    except redis.ResponseError:
        return {}
    except (redis.RedisError, OSError) as exc:
        raise explain(exc, place, command=("INFO",)) from None


def _sentinel(endpoint: Endpoint) -> Sentinel:
    if endpoint.sentinel is None:
        raise LookupError(f"the {endpoint.role} has no Sentinel")
    return endpoint.sentinel


def explained(exc: RedisMigrationError, door: Endpoint) -> RedisMigrationError:
    """The error of a Sentinel with what to do about it there: the words for servers name fields of the endpoint."""
    hint = exc.hint
    if _REFUSED.search(exc.message):
        hint = (
            "Sentinels have a password, or users, of their own: give 'username' and 'password' in 'sentinel'. Those beside"
            " 'sentinel' are for the servers."
        )
    elif "without any password configured" in exc.message or "no password is set" in exc.message:
        hint = "The Sentinel asks for no password: remove it from 'sentinel'. That of the servers stands beside 'sentinel'."
    elif "unknown command" in exc.message:
        hint = "This is a server that holds data, not a Sentinel (they mostly listen on port 26379): name it with 'url' or 'host'."
    elif door.tls and "TLS" in exc.message:
        hint = f"{hint or ''} A Sentinel is asked over TLS where its servers are; 'tls: false' in 'sentinel' says otherwise."
    elif not door.tls and "may speak TLS" in (hint or ""):
        hint = "If this happens on every try, the Sentinel may speak TLS: say 'tls: true' in 'sentinel'."
    if isinstance(exc, ConnectError):
        return ConnectError(exc.message, hint=hint and hint.strip(), transient=exc.transient)
    return exc if isinstance(exc, NotKnown) else RedisMigrationError(exc.message, hint=hint)


def _together(endpoint: Endpoint, problems: t.Sequence[RedisMigrationError]) -> RedisMigrationError:
    """One error for all Sentinels. Waiting helps where it may help with one of them."""
    sentinel = _sentinel(endpoint)
    transient = any(isinstance(exc, ConnectError) and exc.transient for exc in problems)
    said = " ".join(dict.fromkeys(exc.message for exc in problems))
    hint = " ".join(dict.fromkeys(exc.hint for exc in problems if exc.hint)) or None
    where = f"Where the {endpoint.role}'s service '{printable(sentinel.service_name)}' is could not be found out."
    if transient:
        return ConnectError(f"{where} {said}", hint=hint, transient=True)
    return EndpointError(f"{where} {said}", hint=hint)
