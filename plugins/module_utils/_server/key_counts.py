# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which logical databases hold keys, and how many: asked until it is known.

Some products leave the keyspace section out of plain INFO, some have none at all, some count only after they were told
to. So INFO keyspace is asked next, then DBSIZE of every database; and no database is taken to be empty before a SCAN
has come to its end without a key. What cannot be known is no zero: the run ends with a sentence.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._errors import CommandRefused, RedisMigrationError

# How many databases are asked one by one where the server does not say how many it has.
_MOST_DATABASES = 1024


@dataclasses.dataclass(frozen=True)
class Database:
    """One logical database. ``avg_ttl`` in milliseconds; ``expires`` is None where the server does not tell."""

    keys: int
    expires: int | None
    avg_ttl: int = 0
    # How many hashes have fields that expire, where the server knows such fields and says.
    field_expires: int = 1

    @property
    def nothing_expires(self) -> bool:
        """Whether it is known that no key has an expiry."""
        return self.expires == 0

    @property
    def lasting(self) -> int | None:
        """Keys without an expiry; None where the server does not tell."""
        return None if self.expires is None else max(0, self.keys - self.expires)


def held_in(keyspace: t.Mapping[int, Database], number: int) -> Database:
    """What a server holds in a database: one that it does not tell of is empty."""
    return keyspace.get(number, Database(0, 0, field_expires=0))


_HEADING = re.compile(r"^#\s*keyspace\s*$", re.IGNORECASE | re.MULTILINE)
_LINES = re.compile(r"^db(\d+):(.*?)\r?$", re.MULTILINE)
_COUNT = re.compile(r"(\w+)=(\d+)(?=,|$)")


def keyspace_section(info: bytes | str) -> dict[int, Database] | None:
    """The logical databases in INFO's text (those that hold keys); None where it has no keyspace section."""
    told = _told(info.decode("utf-8", "replace") if isinstance(info, bytes) else info)
    return None if told is None else dict(told)


# A run over many databases asks behind each of them, and mostly gets the same answer.
@functools.lru_cache(maxsize=16)
def _told(text: str) -> tuple[tuple[int, Database], ...] | None:
    databases: dict[int, Database] = {}
    told = _HEADING.search(text) is not None
    for number, values in _LINES.findall(text):
        told = True
        counts = {name: int(value) for name, value in _COUNT.findall(values)}
        if "keys" not in counts:
            return None
        databases[int(number)] = Database(
            counts["keys"],
            counts.get("expires"),
            counts.get("avg_ttl", 0),
            # As Redis and as Valkey call it; a server that does not say may have some.
            counts.get("subexpiry", counts.get("keys_with_volatile_items", 1)),
        )
    return tuple(sorted(databases.items())) if told else None


def database_in(info: bytes, number: int) -> Database | None:
    """What the reply to INFO keyspace tells of a database; None where it does not tell."""
    # Of a thousand databases only the one line is read.
    start = (b"\n" + info).find(b"\ndb%d:" % number)
    told = keyspace_section(info if start < 0 else info[start:].partition(b"\n")[0])
    return None if told is None else held_in(told, number)


def databases_of(redis_client: t.Any, endpoint: Endpoint, info: bytes) -> dict[int, Database]:
    """The logical databases that hold keys. ``info``: what the server behind ``redis_client`` said to plain INFO.

    Raises :class:`RedisMigrationError` where it cannot be known.
    """
    told = keyspace_section(info)
    if told is None:
        told = keyspace_section(redis_client.execute_command("INFO", "keyspace"))
    if told is None:
        return _by_dbsize(redis_client, endpoint)
    counted = {number: database for number, database in told.items() if database.keys}
    if counted or not _holds_keys(redis_client):
        return counted
    # The first key may have come in between; else it counts nothing before it is told to.
    again = keyspace_section(redis_client.execute_command("INFO", "keyspace")) or {}
    return {number: database for number, database in again.items() if database.keys} or _by_dbsize(
        redis_client, endpoint
    )


def _by_dbsize(redis_client: t.Any, endpoint: Endpoint) -> dict[int, Database]:
    """Ask database after database. Each on a connection of its own: a refused SELECT must not leave us elsewhere."""
    known = _how_many(redis_client)
    found: dict[int, Database] = {}
    for number in range(known or _MOST_DATABASES):
        try:
            with client(endpoint, number) as there:
                keys = there.execute_command("DBSIZE")
                if not keys and _holds_keys(there):
                    raise RedisMigrationError(f"it holds keys, and DBSIZE says {keys}.")
        except RedisMigrationError as exc:
            if number and "out of range" in exc.message:
                break
            raise RedisMigrationError(
                f"The {endpoint} does not say which logical databases hold keys (INFO has no word of them), and asking"
                f" each one failed at database {number}: {exc.message}",
                hint="Permit +info and +dbsize; a product that counts only when told to (DBSIZE SCAN of Kvrocks) has to be"
                " told first.",
            ) from None
        if keys:
            found[number] = Database(keys, None)
    return found


def _how_many(redis_client: t.Any) -> int | None:
    """How many databases there are, by the server's setting; None where it cannot be asked."""
    try:
        return max(1, int(redis_client.execute_command("CONFIG", "GET", "databases")[1]))
    except (RedisMigrationError, ValueError, LookupError, TypeError):
        return None


def _holds_keys(redis_client: t.Any) -> bool:
    """Whether a first page of SCAN shows that this database holds keys; no where SCAN is not permitted."""
    try:
        cursor, names = redis_client.scan(0, count=10)
    except CommandRefused:
        return False
    return bool(names) or cursor != 0
