# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An independent comparison: are two servers equal? Ordinary commands only, no DUMP, and nothing of the collection.

    assert compare(source, target) == []

Everything that a client can see counts: key sets, types, absolute expiry, content (order-free where the type has no
order, scores as numbers), hash-field expiry, and of streams the entries, last ID, counters, groups, consumers and
pending entries with their delivery counts and times. What only one of the two versions can tell is not compared.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import hiredis
import redis

from tests.support.servers import raw_connection

KeyFilter = Callable[[int, bytes], bool]
Reply = Any

_BATCH = 500
_CHUNK = 5_000  # elements a command
_SMALL = 200  # elements of a key that is read whole, many keys a round trip
_SMALL_BYTES = 16 * 1024
_STRING_CHUNK = 8 << 20

_LENGTH = {b"string": "STRLEN", b"list": "LLEN", b"set": "SCARD", b"hash": "HLEN", b"zset": "ZCARD"}
_WHOLE: Mapping[bytes, tuple[Any, ...]] = {
    b"string": ("GET", None),
    b"list": ("LRANGE", None, 0, -1),
    b"set": ("SMEMBERS", None),
    b"hash": ("HGETALL", None),
    b"zset": ("ZRANGE", None, 0, -1, "WITHSCORES"),
}


class HasClient(Protocol):
    """A server as tests/support/servers.py has it."""

    def client(self, db: int = 0) -> redis.Redis: ...


Side = HasClient | Callable[[int], redis.Redis]


@dataclass(frozen=True)
class Difference:
    """`database` is the left one. `kind`: missing (on the right), extra, type, ttl, value."""

    database: int
    key: bytes
    kind: str
    detail: str

    def __str__(self) -> str:
        name = repr(self.key) if len(self.key) <= 80 else f"{self.key[:60]!r}... ({len(self.key)} bytes)"
        return f"db {self.database} {name}: {self.kind}, {self.detail}"


def compare(
    left: Side,
    right: Side,
    *,
    databases: Iterable[int] | None = None,
    database_map: Mapping[int, int] | None = None,
    key_filter: KeyFilter | None = None,
    ttl_tolerance_ms: int = 20,
    delivery_tolerance_ms: int = 20,
    max_differences: int = 100,
) -> list[Difference]:
    """The differences of two servers, [] when equal.

    `left` and `right` are servers, or functions from a database number to a client over RESP2 in bytes. `databases`
    are numbers on the left (default: all that hold keys on either side); `database_map` tells which right database
    belongs to a left one (default: the same number). `key_filter(left_database, key)` limits the keys of both sides.
    Times are compared as intervals measured around the reading, so the tolerance is for the data and not for a slow
    test. A key that expires while it is being compared is no difference.
    """
    open_left, open_right = _opener(left), _opener(right)
    mapping = dict(database_map or {})
    pairs: list[tuple[int, int]]
    found: list[Difference] = []
    if databases is not None:
        pairs = [(number, mapping.get(number, number)) for number in databases]
    else:
        held_left, held_right = _databases_with_keys(open_left), _databases_with_keys(open_right)
        back = {to: number for number, to in mapping.items()}
        lefts = held_left | {back.get(number, number) for number in held_right if back.get(number, number) in held_left}
        pairs = [(number, mapping.get(number, number)) for number in sorted(lefts)]
        for number in sorted(held_right - {to for _number, to in pairs}):
            with open_right(number) as client:
                for key in _keys(client, back.get(number, number), key_filter):
                    found.append(Difference(back.get(number, number), key, "extra", f"in right database {number}"))
    for left_number, right_number in pairs:
        if len(found) >= max_differences:
            break
        with (
            open_left(left_number) as left_client,
            open_right(right_number) as right_client,
            raw_connection(left_client) as left_connection,
            raw_connection(right_client) as right_connection,
        ):
            comparison = _Comparison(
                left_number, _End(left_connection), _End(right_connection), ttl_tolerance_ms, delivery_tolerance_ms
            )
            left_keys = _keys(left_client, left_number, key_filter)
            right_keys = _keys(right_client, left_number, key_filter)
            found += itertools.islice(comparison.differences(left_keys, right_keys), max_differences - len(found))
    return found[:max_differences]


def report(differences: list[Difference]) -> str:
    """One line each, for assertion messages."""
    return "\n".join(map(str, differences)) or "equal"


def _opener(side: Side) -> Callable[[int], redis.Redis]:
    return side.client if hasattr(side, "client") else side


def _databases_with_keys(open_database: Callable[[int], redis.Redis]) -> set[int]:
    with open_database(0) as client:
        return {int(name.removeprefix("db")) for name in client.info("keyspace")}


def _keys(client: redis.Redis, database: int, key_filter: KeyFilter | None) -> set[bytes]:
    return {key for key in client.scan_iter(count=2000) if key_filter is None or key_filter(database, key)}


class _End:
    """One side: raw replies over one connection, whatever the client library makes of them."""

    def __init__(self, connection: Any) -> None:
        # Straight on the socket: millions of replies through the client library take several times as long.
        self._socket = connection._sock
        self._reader = hiredis.Reader(replyError=redis.ResponseError)
        info = _text_fields(self.ask("INFO", "server"))
        version = tuple(int(part) for part in info["redis_version"].split(".")[:2])
        valkey = "valkey_version" in info
        self.has_pexpiretime = version >= (7, 0)
        if valkey:
            self.has_field_ttls = tuple(int(part) for part in info["valkey_version"].split(".")[:1]) >= (9,)
        else:
            self.has_field_ttls = version >= (7, 4)

    def ask(self, *command: Any) -> Reply:
        """One command; a server error is raised."""
        (reply,) = self.ask_all([command])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def ask_all(self, commands: list[tuple[Any, ...]]) -> list[Reply]:
        """A pipeline; errors are returned in their places."""
        self._socket.sendall(b"".join(map(hiredis.pack_command, commands)))
        replies: list[Reply] = []
        while len(replies) < len(commands):
            reply = self._reader.gets()
            if reply is not False:
                replies.append(reply)
                continue
            received = self._socket.recv(1 << 18)
            if not received:
                raise redis.ConnectionError("the server closed the connection of the check")
            self._reader.feed(received)
        return replies

    def expiries(self, keys: list[bytes]) -> list[tuple[float, float] | None]:
        """Absolute expiry in ms as an interval that holds the true one, None without."""
        if self.has_pexpiretime:
            times = self.ask_all([("PEXPIRETIME", key) for key in keys])
            return [(time, time) if time >= 0 else None for time in times]
        replies = self.ask_all([("TIME",), *((part) for key in keys for part in (("PTTL", key), ("TIME",)))])
        found: list[tuple[float, float] | None] = []
        for before, left, after in zip(replies[0::2], replies[1::2], replies[2::2], strict=False):
            found.append((_ms(before) + left - 1, _ms(after) + left + 1) if left >= 0 else None)
        return found


class _Comparison:
    """Compares one pair of databases."""

    def __init__(self, database: int, left: _End, right: _End, ttl_tolerance: int, delivery_tolerance: int) -> None:
        self._database = database
        self._left = left
        self._right = right
        self._ttl_tolerance = ttl_tolerance
        self._delivery_tolerance = delivery_tolerance

    def differences(self, left_keys: set[bytes], right_keys: set[bytes]) -> Iterator[Difference]:
        for key in sorted(left_keys - right_keys):
            if self._left.ask("EXISTS", key):
                yield self._differs(key, "missing", "only on the left")
        for key in sorted(right_keys - left_keys):
            if self._right.ask("EXISTS", key):
                yield self._differs(key, "extra", "only on the right")
        common = sorted(left_keys & right_keys)
        for begin in range(0, len(common), _BATCH):
            yield from self._batch(common[begin : begin + _BATCH])

    def _differs(self, key: bytes, kind: str, detail: str) -> Difference:
        return Difference(self._database, key, kind, detail)

    def _batch(self, keys: list[bytes]) -> Iterator[Difference]:
        left_types, right_types = self._both([("TYPE", key) for key in keys])
        left_times, right_times = self._left.expiries(keys), self._right.expiries(keys)
        alike: list[tuple[bytes, bytes]] = []
        for key, left_type, right_type, left_time, right_time in zip(
            keys, left_types, right_types, left_times, right_times, strict=True
        ):
            if b"none" in (left_type, right_type):
                if self._gone_on_both_soon(key, left_time, right_time):
                    continue
                gone = "right" if right_type == b"none" else "left"
                yield self._differs(key, "missing" if gone == "right" else "extra", f"went away on the {gone}")
                continue
            if left_type != right_type:
                yield self._differs(key, "type", f"{left_type.decode()} against {right_type.decode()}")
                continue
            ttl = _ttl_difference(left_time, right_time, self._ttl_tolerance)
            if ttl and not self._expires(key, left_time, right_time):
                yield self._differs(key, "ttl", ttl)
            alike.append((key, left_type))
        times = dict(zip(keys, zip(left_times, right_times, strict=True), strict=True))
        kinds = dict(alike)
        for key, detail in self._contents(alike):
            found = detail
            if found and kinds[key] == b"hash":
                found = self._read_again(key, kinds[key])
            if found and not self._expires(key, *times[key]):
                yield self._differs(key, "value", found)

    def _read_again(self, key: bytes, kind: bytes) -> str | None:
        """What differs still when fields that ended at one side between the first two readings have ended at both."""
        time.sleep(self._ttl_tolerance / 1000)
        return next((detail for _key, detail in self._contents([(key, kind)]) if detail), None)

    def _expires(self, key: bytes, *times: tuple[float, float] | None) -> bool:
        """Gone by now on one side at least, and on both within the tolerance."""
        if self._left.ask("EXISTS", key) and self._right.ask("EXISTS", key):
            return False
        return self._gone_on_both_soon(key, *times)

    def _gone_on_both_soon(self, key: bytes, *times: tuple[float, float] | None) -> bool:
        """Expiry lies between the two looks: gone on one side, and on the other too within the tolerance."""
        expiry = max((time[1] for time in times if time), default=None)
        if expiry is None:
            return self._vanished(key)
        while max(_ms(self._left.ask("TIME")), _ms(self._right.ask("TIME"))) < expiry + self._ttl_tolerance:
            if expiry - _ms(self._left.ask("TIME")) > 5_000:
                return False
        return not self._left.ask("EXISTS", key) and not self._right.ask("EXISTS", key)

    def _vanished(self, key: bytes) -> bool:
        return not self._left.ask("EXISTS", key) and not self._right.ask("EXISTS", key)

    def _both(self, commands: list[tuple[Any, ...]]) -> tuple[list[Reply], list[Reply]]:
        return self._left.ask_all(commands), self._right.ask_all(commands)

    # -- content ------------------------------------------------------------------------------------------------

    def _contents(self, keys: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, str | None]]:
        """(key, what differs or None)."""
        sized = [(key, kind) for key, kind in keys if kind in _LENGTH]
        left_lengths, right_lengths = self._both([(_LENGTH[kind], key) for key, kind in sized])
        small: list[tuple[bytes, bytes]] = []
        for (key, kind), length, right_length in zip(sized, left_lengths, right_lengths, strict=True):
            if length != right_length:
                yield key, f"{kind.decode()} of length {length} against {right_length}"
            elif length <= (_SMALL_BYTES if kind == b"string" else _SMALL):
                small.append((key, kind))
            else:
                yield key, self._large(key, kind)
        commands = [tuple(key if part is None else part for part in _WHOLE[kind]) for key, kind in small]
        for (key, kind), left, right in zip(small, *self._both(commands), strict=True):
            yield key, _unequal(_canonical(kind, left), _canonical(kind, right))
        for key, kind in keys:
            if kind not in _LENGTH and kind != b"stream":
                yield key, f"this check cannot read type {kind.decode()}"
        yield from self._streams([key for key, kind in keys if kind == b"stream"])
        yield from self._field_ttls([key for key, kind in keys if kind == b"hash"])

    def _large(self, key: bytes, kind: bytes) -> str | None:
        if kind == b"string":
            return self._by_ranges("GETRANGE", key, _STRING_CHUNK, kind)
        if kind == b"list":
            return self._by_ranges("LRANGE", key, _CHUNK, kind)
        if kind == b"zset":
            return self._by_ranges("ZRANGE", key, _CHUNK, kind, "WITHSCORES")
        command = "SSCAN" if kind == b"set" else "HSCAN"
        left = _canonical(kind, list(_scanned(self._left, command, key)))
        right = _canonical(kind, list(_scanned(self._right, command, key)))
        return _unequal(left, right)

    def _by_ranges(self, command: str, key: bytes, step: int, kind: bytes, *more: str) -> str | None:
        for begin in itertools.count(0, step):
            ask = (command, key, begin, begin + step - 1, *more)
            left, right = self._left.ask(*ask), self._right.ask(*ask)
            detail = _unequal(_canonical(kind, left), _canonical(kind, right))
            if detail:
                return f"{detail} (counted from {begin})"
            if not left:
                return None
        return None

    def _field_ttls(self, hashes: list[bytes]) -> Iterator[tuple[bytes, str | None]]:
        left_all, right_all = _field_expiries(self._left, hashes), _field_expiries(self._right, hashes)
        for key, left, right in zip(hashes, left_all, right_all, strict=True):
            for name in sorted(left.keys() | right.keys()):
                detail = _ttl_difference(_point(left.get(name)), _point(right.get(name)), self._ttl_tolerance)
                if detail:
                    yield key, f"field {name!r}: expiry {detail}"
                    break

    # -- streams ------------------------------------------------------------------------------------------------

    def _streams(self, keys: list[bytes]) -> Iterator[tuple[bytes, str | None]]:
        commands: list[tuple[Any, ...]] = []
        for key in keys:
            commands += [("XINFO", "STREAM", key), ("XINFO", "GROUPS", key), ("XRANGE", key, "-", "+", "COUNT", _SMALL)]
        left, right = self._both(commands)
        for number, key in enumerate(keys):
            try:
                detail = self._stream(key, left[number * 3 : number * 3 + 3], right[number * 3 : number * 3 + 3])
            except hiredis.ReplyError as error:
                # Often a key that expired since its groups were read; whoever asked looks whether it did.
                detail = f"reading failed: {error}"
            yield key, detail

    def _stream(self, key: bytes, left: list[Reply], right: list[Reply]) -> str | None:
        """`left` and `right` are the replies to XINFO STREAM, XINFO GROUPS and the first XRANGE."""
        for reply in (*left, *right):
            if isinstance(reply, Exception):
                return f"reading failed: {reply}"
        detail = _unequal_fields(_stream_facts(left[0]), _stream_facts(right[0]), "stream")
        if detail:
            return detail
        left_part, right_part = left[2], right[2]
        while left_part or right_part:
            detail = _unequal(left_part, right_part)
            if detail:
                return f"entries: {detail}"
            following = ("XRANGE", key, b"(" + left_part[-1][0], "+", "COUNT", _CHUNK)
            if len(left_part) < _SMALL:
                break
            left_part, right_part = self._left.ask(*following), self._right.ask(*following)
        left_groups, right_groups = _groups(left[1]), _groups(right[1])
        if left_groups.keys() != right_groups.keys():
            return f"groups {sorted(left_groups)} against {sorted(right_groups)}"
        for name, group in left_groups.items():
            detail = _unequal_fields(group, right_groups[name], f"group {name!r}")
            if detail:
                return detail
            left_consumers, right_consumers = (_consumers(end, key, name) for end in (self._left, self._right))
            if left_consumers != right_consumers:
                return f"group {name!r}: consumers {left_consumers} against {right_consumers}"
            detail = self._pending(key, name)
            if detail:
                return f"group {name!r}: {detail}"
        return None

    def _pending(self, key: bytes, group: bytes) -> str | None:
        last = "-"
        while True:
            left, right = (_pending_page(end, key, group, last) for end in (self._left, self._right))
            if left.keys() != right.keys():
                return f"pending entries differ: {_sample(left.keys() ^ right.keys())}"
            for entry, (consumer, count, delivered) in left.items():
                other_consumer, other_count, other_time = right[entry]
                if (consumer, count) != (other_consumer, other_count):
                    return (
                        f"pending {entry.decode()} is with {consumer!r} after {count} deliveries "
                        f"against {other_consumer!r} after {other_count}"
                    )
                apart = _apart(delivered, other_time)
                if apart > self._delivery_tolerance:
                    return f"pending {entry.decode()} was delivered {apart:.0f} ms apart"
            if len(left) < _CHUNK:
                return None
            last = "(" + next(reversed(left)).decode()


def _stream_facts(reply: Reply) -> dict[str, Reply]:
    info = _named(reply)
    wanted = ("length", "last-generated-id", "entries-added", "max-deleted-entry-id")
    return {name: info[name] for name in wanted if name in info}


def _groups(reply: Reply) -> dict[bytes, dict[str, Reply]]:
    wanted = ("last-delivered-id", "pending", "consumers", "entries-read")
    found = {}
    for group in map(_named, reply):
        found[group["name"]] = {name: group[name] for name in wanted if name in group}
    return found


def _consumers(end: _End, key: bytes, group: bytes) -> dict[bytes, int]:
    consumers = map(_named, end.ask("XINFO", "CONSUMERS", key, group))
    return {consumer["name"]: consumer["pending"] for consumer in sorted(consumers, key=lambda one: one["name"])}


_Pending = dict[bytes, tuple[bytes, int, tuple[float, float]]]


def _pending_page(end: _End, key: bytes, group: bytes, last: str) -> _Pending:
    before, page, after = end.ask_all([("TIME",), ("XPENDING", key, group, last, "+", _CHUNK), ("TIME",)])
    if isinstance(page, Exception):
        raise page
    return {
        entry: (consumer, count, (_ms(before) - idle - 1, _ms(after) - idle + 1))
        for entry, consumer, idle, count in page
    }


def _field_expiries(end: _End, keys: list[bytes]) -> list[dict[bytes, int]]:
    """Expiring fields and their absolute times, for each hash."""
    if not end.has_field_ttls:
        return [{} for _key in keys]
    commands: list[tuple[Any, ...]] = []
    asked: list[tuple[int, list[bytes]]] = []
    for number, reply in enumerate(end.ask_all([("HKEYS", key) for key in keys])):
        names = [] if isinstance(reply, Exception) else reply
        for begin in range(0, len(names), _CHUNK):
            part = names[begin : begin + _CHUNK]
            asked.append((number, part))
            commands.append(("HPEXPIRETIME", keys[number], "FIELDS", len(part), *part))
    found: list[dict[bytes, int]] = [{} for _key in keys]
    for (number, part), times in zip(asked, end.ask_all(commands), strict=True):
        if not isinstance(times, Exception) and times:
            found[number].update({name: time for name, time in zip(part, times, strict=True) if time >= 0})
    return found


# -- small things -----------------------------------------------------------------------------------------------


def _scanned(end: _End, command: str, key: bytes) -> Iterator[bytes]:
    cursor: bytes = b"0"
    while True:
        cursor, part = end.ask(command, key, cursor, "COUNT", _CHUNK)
        yield from part
        if int(cursor) == 0:
            return


def _canonical(kind: bytes, reply: Reply) -> Reply:
    if isinstance(reply, Exception) or reply is None:
        return reply
    if kind == b"set":
        return set(reply)
    if kind == b"hash":
        return dict(zip(reply[::2], reply[1::2], strict=True))
    if kind == b"zset":
        # As numbers: old servers print 3.1400000000000001 and -0 where new ones print 3.14 and 0.
        return [(member, float(score)) for member, score in zip(*[iter(reply)] * 2, strict=True)]
    return reply


def _unequal(left: Reply, right: Reply) -> str | None:
    """A short word on the first difference, None when equal."""
    if isinstance(left, Exception) or isinstance(right, Exception):
        return f"reading failed: {left!r} against {right!r}"[:300]
    if left == right:
        return None
    if isinstance(left, dict) and isinstance(right, dict):
        names = {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)}
        return f"fields {_sample(names)}"
    if isinstance(left, set) and isinstance(right, set):
        return f"members {_sample(left ^ right)}"
    if isinstance(left, bytes) and isinstance(right, bytes):
        position = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(left))
        return f"byte {position}: {left[position : position + 20]!r} against {right[position : position + 20]!r}"
    if isinstance(left, list) and isinstance(right, list):
        position = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(left))
        return f"element {position}: {left[position : position + 1]!r} against {right[position : position + 1]!r}"[:300]
    return f"{left!r} against {right!r}"[:300]


def _unequal_fields(left: dict[str, Reply], right: dict[str, Reply], what: str) -> str | None:
    """Compares what both sides can tell."""
    for name in left.keys() & right.keys():
        if left[name] != right[name]:
            return f"{what}: {name} {left[name]!r} against {right[name]!r}"
    return None


def _sample(items: Iterable[bytes]) -> str:
    listed = sorted(items)
    shown = ", ".join(repr(item[:60]) for item in listed[:3])
    return shown if len(listed) <= 3 else f"{shown} and {len(listed) - 3} more"


def _ttl_difference(
    left: tuple[float, float] | None, right: tuple[float, float] | None, tolerance: float
) -> str | None:
    if left is None and right is None:
        return None
    if left is None or right is None:
        return "only on the right" if left is None else "only on the left"
    apart = _apart(left, right)
    return f"{apart:.0f} ms apart" if apart > tolerance else None


def _apart(left: tuple[float, float], right: tuple[float, float]) -> float:
    return max(0.0, left[0] - right[1], right[0] - left[1])


def _point(time: float | None) -> tuple[float, float] | None:
    return None if time is None else (time, time)


def _ms(time: list[bytes]) -> float:
    return int(time[0]) * 1000 + int(time[1]) / 1000


def _named(flat: list[Reply]) -> dict[str, Reply]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _text_fields(info: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in info.decode(errors="replace").splitlines())
    return {name: value.strip() for name, colon, value in lines if colon}
