# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves many small keys at once: each is read whole by one command, and all that one command makes by one transaction.

A transaction, so that nothing half done stays at the target when a connection is lost on the way. What takes more than
one command (streams, what expires) gets its name only once it is whole.
"""

from __future__ import annotations

import typing as t

from ..._connection.commands import TIME, pack
from ..._connection.explain import is_transient, reply_hint, reply_text
from ..._connection.replies import any_error, between_us, clock_ms, is_error, is_systemic
from ..._keys.temporary import TemporaryNames
from ..._pipeline.chunk import Chunk
from ..._pipeline.expiry import GONE, NEVER, Expiry, is_over
from ..._pipeline.job import Job, Take, Unsteady
from ..._pipeline.making import LOST, Made, Making, make
from ..._server.info import ASK_FIELD_EXPIRY
from ..strategy import Lane, Occupied, Outcome, Refused, Vanished
from .field_ttls import FieldTtls
from .key_build import KeyRefused
from .streams import Facts, additions, emptiness, finish, question
from .transaction import Transaction


class TooLarge(t.NamedTuple):
    """The outcome of a key that has to be moved in pieces after all."""


TOO_LARGE = TooLarge()


class Whole:
    """Moves chunks of small keys."""

    def __init__(self, lane: Lane, names: TemporaryNames, ttls: FieldTtls) -> None:
        self._lane = lane
        self._names = names
        self._ttls = ttls
        # SET with an absolute expiry in milliseconds is as old as this.
        self._sets_expiry = lane.target.server.version_tuple >= (6, 2)
        self._counters = lane.target.server.supports_stream_counters()

    def move(self, chunk: Chunk, kinds: t.Sequence[bytes], *, replace: bool) -> Job[dict[int, Outcome | TooLarge]]:
        """What became of the keys of ``chunk`` that were not moved, by position; their types are ``kinds``."""
        lane = self._lane
        yield Take(lane.payloads, chunk.size)
        try:
            values, expiries = yield from self._read(chunk, kinds)
            return (yield from self._write(lane.target.named(chunk.names), kinds, values, expiries, replace))
        finally:
            lane.flow.give(lane.payloads, chunk.size)

    def _read(self, chunk: Chunk, kinds: t.Sequence[bytes]) -> Job[tuple[list[t.Any], list[Expiry]]]:
        """Values (an outcome where there is none to write) and expiries."""
        lane, source, names = self._lane, self._lane.source, chunk.names
        commands, counts = [], []
        for name, kind in zip(names, kinds):
            command, count = _READ[kind](name)
            commands.append(command)
            counts.append(count)
        total = sum(counts)
        proof = ASK_FIELD_EXPIRY if self._ttls.possible and b"hash" in kinds else b""
        expiry_commands, expiry_count = source.expiries.commands(names)
        cost = lane.pace.cost(total * 2, chunk.size)
        yield Take(lane.pace.gate, cost)
        try:
            replies = yield source.call(
                TIME + proof + b"".join(commands) + TIME + proof + expiry_commands,
                total + 2 + 2 * bool(proof) + expiry_count,
            )
        finally:
            lane.flow.give(lane.pace.gate, cost)
        # The proof stands before the values and behind them.
        before = replies[1:2] if proof else []
        position = 1 + len(before)
        source.check((replies[0], replies[total + position]), "TIME")
        lane.pace.observe(total * 2, chunk.size, between_us(replies[0], replies[total + position]))
        values: list[t.Any] = []
        for kind, count in zip(kinds, counts):
            values.append(self._value(kind, replies[position : position + count]))
            position += count
        expiries = yield from source.expiries.read(names, replies[position + 1 + bool(proof) :])
        if proof and not self._ttls.none(*before, replies[position + 1]):
            yield from self._read_field_ttls(names, kinds, values)
        return values, expiries

    def _value(self, kind: bytes, replies: list[t.Any]) -> t.Any:
        for reply in replies if any_error(replies) else ():
            if is_error(reply):
                # Another type than a moment ago, or gone.
                if str(reply).startswith("WRONGTYPE"):
                    return TOO_LARGE
                if "no such key" in str(reply):
                    return Vanished()
                self._lane.source.check(replies, "reading a key")
        if kind == b"stream":
            return _stream_value(replies)
        value = replies[0]
        self._lane.source.check(replies[:1], _COMMANDS[kind])
        if kind == b"hash":
            return (value, {}) if value else Vanished(_COMMANDS[kind])
        if kind == b"string":
            return Vanished(_COMMANDS[kind]) if value is None else value
        return value or Vanished(_COMMANDS[kind])

    def _read_field_ttls(self, names: list[bytes], kinds: t.Sequence[bytes], values: list[t.Any]) -> Job[None]:
        hashes = [at for at, kind in enumerate(kinds) if kind == b"hash" and not isinstance(values[at], Vanished)]
        elements = [values[position][0] for position in hashes]
        ask = b"".join([FieldTtls.question(names[position], some[::2]) for position, some in zip(hashes, elements)])
        replies = yield self._lane.source.call(ask, len(hashes))
        self._lane.source.check(replies, "HPEXPIRETIME")
        contradicted = yield from self._contradicted([names[at] for at in hashes], elements, replies)
        for position, some, reply in zip(hashes, elements, replies):
            if names[position] in contradicted:
                # Read again, with a closer look at these fields.
                values[position] = TOO_LARGE
                continue
            try:
                living, expiries = self._ttls.living(some, reply)
                values[position] = (living, expiries) if living else Vanished("HPEXPIRETIME")
            except KeyRefused as refused:
                values[position] = Refused(refused.reason, refused.hint, type="hash")

    def _contradicted(
        self, hashes: t.Sequence[bytes], elements: t.Sequence[list[bytes]], replies: t.Sequence[t.Any]
    ) -> Job[set[bytes]]:
        """Those of ``hashes`` of which fields that have no expiry to tell are there all the same."""
        over = [(name, FieldTtls.over(some[::2], reply)) for name, some, reply in zip(hashes, elements, replies)]
        over = [(name, fields) for name, fields in over if fields]
        if not over:
            return set()
        ask = b"".join([FieldTtls.values(name, fields) for name, fields in over])
        there = yield self._lane.source.call(ask, len(over))
        self._lane.source.check(there, "HMGET")
        return {name for (name, _fields), found in zip(over, there) if any(value is not None for value in found)}

    def _write(
        self,
        names: list[bytes],
        kinds: t.Sequence[bytes],
        values: list[t.Any],
        expiries: list[Expiry],
        replace: bool,
    ) -> Job[dict[int, Outcome | TooLarge]]:
        """``names``: at the target."""
        target = self._lane.target
        others: dict[int, t.Any] = {}
        transactions: list[Transaction] = []
        makings: dict[int, Making] = {}
        timed = False
        for position, (name, kind, value, expiry) in enumerate(zip(names, kinds, values, expiries)):
            if isinstance(value, (Vanished, Refused, TooLarge)) or expiry == GONE:
                others[position] = Vanished("PEXPIRETIME or PTTL") if expiry == GONE else value
                continue
            timed = timed or expiry is not NEVER
            under: bytes | None = None
            if kind == b"string" and self._sets_expiry:
                commands = [_set(name, value, expiry, replace)]
            else:
                under = self._names.name(name)
                create, called = self._create(under, kind, value)
                if len(called) > 1 or expiry is not NEVER:
                    makings[position] = Making(name, under, create, called, expiry)
                    continue
                commands = [create, pack(b"RENAME" if replace else b"RENAMENX", under, name)]
            if not transactions or self._lane.target.server.in_cluster:
                transactions.append(Transaction())
            # What could not take its place is left under the other name.
            transactions[-1].add(position, commands, None if replace else under)
        if self._lane.check_mode:
            if timed:
                (now,) = yield target.call(TIME, 1)
                written = [*makings, *(span[0] for one in transactions for span in one.spans)]
                others.update({at: Vanished() for at in written if is_over(expiries[at], clock_ms(now))})
            return others
        if makings:
            made = yield from make(target, list(makings.values()), replace=replace)
            for position, one_made in zip(makings, made):
                outcome = self._made(one_made, kinds[position])
                if outcome is not None:
                    others[position] = outcome
        if not transactions:
            return others
        packed = b"".join([one.packed for one in transactions])
        replies = yield target.call(packed + TIME, sum([one.replies for one in transactions]) + 1)
        target.check(replies[-1:], "TIME")
        clock = clock_ms(replies[-1])
        first = 0
        for one in transactions:
            done = one.results(replies[first : first + one.replies], target)
            first += one.replies
            for position, start, end in one.spans:
                outcome = self._outcome(done[start:end], kinds[position])
                if outcome is None and is_over(expiries[position], clock):
                    outcome = Vanished()
                if outcome is not None:
                    others[position] = outcome
        return others

    def _create(self, name: bytes, kind: bytes, value: t.Any) -> tuple[bytes, list[str]]:
        """Commands that make a key of ``value``, and what they are called."""
        if kind == b"hash":
            elements, expiries = value
            create = pack(b"HSET", name, *elements) + FieldTtls.commands(name, expiries)
            return create, ["HSET", *(["HPEXPIREAT"] * len(expiries))]
        if kind == b"stream":
            facts, entries = value
            end = finish(name, facts, counters=self._counters)
            if entries:
                return additions(name, entries) + end, [*(["XADD"] * len(entries)), "XSETID"]
            return emptiness(name) + end, ["XGROUP", "XGROUP", "XSETID"]
        if kind == b"zset":
            args = [b""] * len(value)
            args[::2], args[1::2] = value[1::2], value[::2]
            return pack(b"ZADD", name, *args), ["ZADD"]
        command = {b"list": "RPUSH", b"set": "SADD", b"string": "SET"}[kind]
        return pack(command, name, *([value] if kind == b"string" else value)), [command]

    def _made(self, made: Made, kind: bytes) -> Outcome | None:
        if made.over:
            return Vanished()
        if made.lost:
            return Refused(*LOST, type=kind.decode())
        return self._outcome([made.error or int(made.placed)], kind, made.command)

    def _outcome(self, replies: list[t.Any], kind: bytes, command: str = "EXEC") -> Outcome | None:
        """What the replies to the commands for one key say; None where it is there."""
        error = next(filter(is_error, replies), None) if any_error(replies) else None
        if error is None:
            # SET with NX, or RENAMENX, found another key.
            return Occupied() if replies[-1] in (None, 0) else None
        text = reply_text(error)
        if "no such key" in text:
            # Its time, or that of its last field, came before it could be renamed.
            return Vanished()
        target = self._lane.target
        if is_transient(text):
            raise Unsteady(target.pipe, target.refusal(error, command))
        if is_systemic(text):
            raise target.refusal(error, command)
        return Refused(text, reply_hint(text, target.endpoint), type=kind.decode())


def _set(name: bytes, value: bytes, expiry: Expiry, replace: bool) -> bytes:
    args = [b"SET", name, value]
    if not replace:
        args.append(b"NX")
    if expiry is not NEVER:
        args += [b"PXAT", b"%d" % expiry]
    return pack(*args)


def _stream_value(replies: list[t.Any]) -> t.Any:
    # Groups have much to read one after the other; and what was written to just now is read under guard.
    if replies[1] or replies[:2] != replies[3:]:
        return TOO_LARGE
    entries = replies[2]
    try:
        return Facts.of(*replies[:2]).holding(len(entries), entries[-1][0] if entries else None), entries
    except KeyRefused as refused:
        return Refused(refused.reason, refused.hint, type="stream")


# What :data:`_READ` asks first of each type but streams.
_COMMANDS = {b"string": "GET", b"list": "LRANGE", b"set": "SMEMBERS", b"zset": "ZRANGE", b"hash": "HGETALL"}

_READ: dict[bytes, t.Callable[[bytes], tuple[bytes, int]]] = {
    b"string": lambda name: (pack(b"GET", name), 1),
    b"list": lambda name: (pack(b"LRANGE", name, b"0", b"-1"), 1),
    b"set": lambda name: (pack(b"SMEMBERS", name), 1),
    b"hash": lambda name: (pack(b"HGETALL", name), 1),
    b"zset": lambda name: (pack(b"ZRANGE", name, b"0", b"-1", b"WITHSCORES"), 1),
    b"stream": lambda name: (question(name) + pack(b"XRANGE", name, b"-", b"+") + question(name), 5),
}
TYPES = frozenset(_READ)
