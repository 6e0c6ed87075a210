# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is connected to a server: CLIENT LIST, and which of its entries are applications."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .._connection.connect import CLIENT_NAME
from .._errors import RedisMigrationError, printable

# Sentinels watch every server of a failover group with connections of these names.
_SENTINEL = re.compile(r"sentinel-[0-9a-f]+-(cmd|pubsub)")


@dataclasses.dataclass(frozen=True)
class Client:
    """One connection as CLIENT LIST shows it. Times in seconds; ``command`` is its last one, without arguments.

    ``server``: the node of a cluster that it is connected to.
    """

    id: int
    address: str
    name: str
    user: str
    database: int
    age: int
    idle: int
    flags: str
    command: str
    server: str = ""

    def __str__(self) -> str:
        parts = [self.address]
        if self.name:
            parts.append(f"'{self.name}'")
        if self.user and self.user != "default":
            parts.append(f"as {self.user}")
        if self.server:
            parts.append(f"at {self.server}")
        return " ".join(parts)

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    @property
    def is_server(self) -> bool:
        """Whether this is a replica, the link to a primary, or a Sentinel: part of the service and no application."""
        return bool(set(self.flags) & set("SM")) or bool(_SENTINEL.fullmatch(self.name))


class Rule(t.NamedTuple):
    """Glob patterns that a client must match, all that are given."""

    address: str | None = None
    name: str | None = None
    user: str | None = None

    def covers(self, client: Client) -> bool:
        return all(
            pattern is None or fnmatch.fnmatchcase(value, pattern)
            for pattern, value in ((self.address, client.address), (self.name, client.name), (self.user, client.user))
        )


def parse_client_list(text: bytes | str) -> list[Client]:
    """CLIENT LIST of any version: fields a version does not have are empty or 0."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return [_client(printable(line)) for line in text.splitlines() if line.strip()]


def _client(line: str) -> Client:
    fields: dict[str, str] = {}
    last = ""
    for word in line.split(" "):
        name, equals, value = word.partition("=")
        if equals and re.fullmatch(r"[a-z-]+", name):
            fields[name], last = value, name
        elif last:
            # The path of a unix socket may hold spaces.
            fields[last] += " " + word
    return Client(
        id=_number(fields.get("id")),
        address=fields.get("addr", ""),
        name=fields.get("name", ""),
        user=fields.get("user", ""),
        database=_number(fields.get("db")),
        age=_number(fields.get("age")),
        idle=_number(fields.get("idle")),
        flags=fields.get("flags", ""),
        command=fields.get("cmd", ""),
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.lstrip("-").isdecimal() else 0


def other_clients(redis_client: t.Any, ignored: t.Sequence[Rule] = ()) -> list[Client]:
    """The applications connected to the server: not us, no replica, primary or Sentinel, none of ``ignored``.

    Raises :class:`CommandRefused` where the user may not use CLIENT LIST.
    """
    clients = parse_client_list(redis_client.execute_command("CLIENT", "LIST"))
    asking = _own_id(redis_client)
    return [
        client
        for client in clients
        if not client.name.startswith(CLIENT_NAME)
        and client.id != asking
        and not client.is_server
        and not any(rule.covers(client) for rule in ignored)
    ]


def _own_id(redis_client: t.Any) -> int | None:
    try:
        return int(redis_client.execute_command("CLIENT", "ID"))
    except RedisMigrationError:
        # Then our name alone tells us apart.
        return None
