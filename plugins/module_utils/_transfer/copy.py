# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategy ``copy``: values leave the source and reach the target through the machine that runs the module.

Strings go by value, all other types by DUMP and RESTORE.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import LARGEST_ARGUMENT, TIME, each, one, restores
from .._connection.explain import is_transient, reply_hint, reply_text
from .._connection.replies import (
    between_us,
    check_list,
    clock_ms,
    is_error,
    is_systemic,
    is_unknown_command,
    is_unreadable,
)
from .._pipeline.chunk import Chunk
from .._pipeline.expiry import GONE, NEVER, Expiry, is_over
from .._pipeline.job import Job, Take, Unsteady
from .._pipeline.pipe import DEFAULT_REPLY_LIMIT
from .._rdb.payload import HASHES_THAT_EXPIRE, type_of
from .._server.dry_run import KEY, Need
from .plain_strings import MSETNX_OK, SET_OK, SET_PXAT_SINCE, Item, writes
from .strategy import Lane, Moved, Occupied, Outcome, Refused, Strategy, Vanished

_OK = b"OK"

# Below this share of strings DUMP is asked for at once; every so many chunks somebody looks whether that still holds.
_FEW = 0.3
_LOOK_AGAIN = 20
_SMOOTHING = 0.2


class _ChunkRead(t.NamedTuple):
    """What a chunk holds: per key its payload (or, at ``plain`` positions, its value as it is) and its expiry."""

    payloads: list[bytes | None]
    expiries: list[Expiry]
    plain: set[int]


class CopyStrategy(Strategy):
    """Moves strings by value and everything else by DUMP and RESTORE, with absolute expiries."""

    name = "copy"
    needs_at_source = (Need("DUMP", "copy", (KEY,)), Need("MGET", "copy", (KEY,)))
    needs_at_target = (
        Need("RESTORE", "copy", (KEY, "0", "x"), writes=True),
        Need("SET", "copy", (KEY, "v"), writes=True),
        Need("MSET", "copy", (KEY, "v"), writes=True),
        Need("MSETNX", "copy", (KEY, "v"), writes=True),
    )
    carries_usage = True
    chunk_keys = 1000
    chunk_bytes = 1024 * 1024

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        takes_pxat = lane.target.server.flavor == "valkey" or lane.target.server.version_tuple >= SET_PXAT_SINCE
        # Only RESTORE takes how a key was used.
        self._strings = takes_pxat and lane.usage is None
        # What share of the keys seen lately were strings; where hardly any are, nobody asks for them.
        self._share = 1.0
        self._chunks = 0

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        lane = self._lane
        yield Take(lane.payloads, chunk.size)
        try:
            read = yield from self._read(chunk.names, chunk.size)
            return (yield from self._write(chunk, read, replace))
        finally:
            lane.flow.give(lane.payloads, chunk.size)

    def _read(self, names: list[bytes], size: int) -> Job[_ChunkRead]:
        source = self._lane.source
        payloads: list[bytes | None] = [None] * len(names)
        self._chunks += 1
        if self._strings and (self._share > _FEW or self._chunks % _LOOK_AGAIN == 0):
            proof, proofs = source.expiries.commands(names) if source.expiries.nothing_expires else (b"", 0)
            ask, count = source.about_all(b"MGET", names)
            replies = yield from self._paced(ask + proof, count + proofs, len(names) // 2, size)
            source.check(replies[:count], "MGET")
            for reply in replies[:count]:
                check_list(reply, len(names) // count, "MGET", source.endpoint)
            payloads = replies[0] if count == 1 else [value for (value,) in replies[:count]]
            found = len(names) - payloads.count(None)
            self._share += _SMOOTHING * (found / len(names) - self._share)
            if found == len(names) and proofs:
                expiries = yield from source.expiries.read(names, replies[count:])
                return _ChunkRead(payloads, expiries, set(range(len(names))))
        others = [position for position, value in enumerate(payloads) if value is None]
        plain = set(range(len(names))).difference(others)
        # The expiry is read after the value: a key renewed in between gets the later expiry, never the earlier.
        dumps = each(b"DUMP", [names[position] for position in others] if plain else names)
        expiry_commands, expiry_replies = source.expiries.commands(names)
        count = len(others)
        replies = yield from self._paced(
            dumps + expiry_commands, count + expiry_replies, 2 * count, size if count else 0
        )
        source.check(replies[:count], "DUMP")
        for position, payload in zip(others, replies):
            payloads[position] = payload
        expiries = yield from source.expiries.read(names, replies[count:])
        return _ChunkRead(payloads, expiries, plain)

    def _paced(self, commands: bytes, count: int, work: int, size: int) -> Job[list[t.Any]]:
        """The replies to ``commands``, which are as much work to the source as ``work`` keys and ``size`` bytes."""
        lane = self._lane
        cost = lane.pace.cost(work, size)
        yield Take(lane.pace.gate, cost)
        try:
            # Far more than the server's estimate is no single payload's business.
            limit = min(DEFAULT_REPLY_LIMIT + 2 * size, LARGEST_ARGUMENT + size)
            replies: list[t.Any] = yield lane.source.call(TIME + commands + TIME, count + 2, limit)
        finally:
            lane.flow.give(lane.pace.gate, cost)
        lane.source.check((replies[0], replies[-1]), "TIME")
        lane.pace.observe(work, size, between_us(replies[0], replies[-1]))
        return replies[1:-1]

    def _write(self, chunk: Chunk, read: _ChunkRead, replace: bool) -> Job[Moved]:
        target = self._lane.target
        names = target.named(chunk.names)
        payloads, expiries, plain = read
        others: dict[int, Outcome] = {}
        if None in payloads or GONE in expiries:
            others = {
                position: Vanished("DUMP" if payload is None else "PEXPIRETIME or PTTL")
                for position, payload in enumerate(payloads)
                if payload is None or expiries[position] == GONE
            }
        if self._lane.source.clock_shift_ms:
            # Such a payload carries times by the source's clock, which is another one.
            others.update(
                {
                    position: Refused("fields of this hash expire, and the clocks differ", None, True, "hash")
                    for position, payload in enumerate(payloads)
                    if position not in others and position not in plain and payload and payload[0] in HASHES_THAT_EXPIRE
                }
            )
        present = (
            [position for position in range(len(names)) if position not in others] if others else range(len(names))
        )
        items = t.cast("list[Item]", list(zip(names, expiries, payloads)))
        strings = [position for position in present if position in plain] if plain else []
        dumped = [position for position in present if position not in plain] if len(plain) < len(names) else []
        volatile = [position for position in present if expiries[position] is not NEVER]
        timed = bool(volatile)
        alone = target.server.in_cluster
        set_strings = writes([items[position] for position in strings], replace=replace, alone=alone)
        usages = None if chunk.usages is None else [chunk.usages[position] for position in dumped]
        commands = set_strings.commands + restores(
            [items[position] for position in dumped], replace=replace, usages=usages
        )
        groups = set_strings.groups
        if len(strings) < len(names):
            groups = [[strings[index] for index in group] for group in groups]
        if self._lane.check_mode:
            replies: list[t.Any] = [_OK] * (len(groups) + len(dumped))
            if timed:
                replies += yield target.call(TIME, 1)
        else:
            # An expiry in the past answers OK and stores nothing: the target's clock tells which those are.
            replies = yield target.call(commands + (TIME if timed else b""), len(groups) + len(dumped) + timed)
        if timed:
            target.check(replies[-1:], "TIME")
        clock = clock_ms(replies[-1]) if timed else 0
        # Of single SETs there are as many replies as keys, nearly always all alike.
        for group, reply in zip(groups, replies) if replies.count(SET_OK) < len(replies) else ():
            if reply not in (SET_OK, MSETNX_OK):
                others.update((yield from self._refused_strings(items, group, reply)))
        for position, reply in zip(dumped, replies[len(groups) :]):
            if reply != _OK:
                others[position] = self._refused(reply, items[position][2])
        for position in volatile:
            if position not in others and is_over(expiries[position], clock):
                others[position] = Vanished("PEXPIRETIME or PTTL")
        return Moved(sum([len(items[position][2]) for position in present if position not in others]), others)

    def _refused_strings(self, items: list[Item], group: list[int], reply: t.Any) -> Job[dict[int, Outcome]]:
        """What became of strings whose common command was not simply carried out."""
        target = self._lane.target
        if not is_error(reply):
            if len(group) == 1:
                return {group[0]: Occupied()}
            # MSETNX wrote none of them, as one was there: each on its own.
            each_alone = b"".join([one(b"SET", items[position][0], items[position][2], b"NX") for position in group])
            replies = yield target.call(each_alone, len(group))
            target.check(replies, "SET")
            return {position: Occupied() for position, alone in zip(group, replies) if alone != SET_OK}
        text = reply_text(reply)
        error = target.refusal(reply, "SET")
        if is_transient(text):
            raise Unsteady(target.pipe, error)
        raise error

    def _refused(self, reply: t.Any, payload: bytes) -> Outcome:
        target = self._lane.target
        text = reply_text(reply)
        if text.startswith("BUSYKEY"):
            return Occupied()
        error = target.refusal(reply, "RESTORE")
        if is_error(reply) and is_transient(text):
            raise Unsteady(target.pipe, error)
        if is_systemic(text) or is_unknown_command(text):
            raise error
        unreadable = is_unreadable(text)
        hint = reply_hint(text, target.endpoint)
        if unreadable:
            hint = (
                f"{target.server.product} does not understand what {self._lane.source.server.product} writes for this "
                "key: use strategy 'rebuild', or a target of the source's version or newer."
            )
        return Refused(text, hint, unreadable, type_of(payload))
