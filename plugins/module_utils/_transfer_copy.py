# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategy ``copy``: DUMP at the source, RESTORE at the target, through the machine that runs the module."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._commands import each, restores
from ansible_collections.dataservices.redis_migration.plugins.module_utils._expiry import GONE, NEVER, Expiry, clock_ms, is_over
from ansible_collections.dataservices.redis_migration.plugins.module_utils._explain import is_transient, reply_hint, reply_text
from ansible_collections.dataservices.redis_migration.plugins.module_utils._flow import Job, Take, Unsteady
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pace import between_us
from ansible_collections.dataservices.redis_migration.plugins.module_utils._payload import type_of
from ansible_collections.dataservices.redis_migration.plugins.module_utils._scan import Chunk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer import (
    Lane,
    Moved,
    Occupied,
    Outcome,
    Refused,
    Vanished,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._wire import is_error

_OK = b"OK"
_TIME = b"*1\r\n$4\r\nTIME\r\n"

# A payload is refused above this by every server whose proto-max-bulk-len is the default.
_LARGEST_PAYLOAD = 512 * 1024 * 1024


class CopyStrategy:
    """Moves keys by DUMP and RESTORE with absolute expiries."""

    chunk_keys = 500
    chunk_bytes = 1024 * 1024

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job:
        lane = self._lane
        yield Take(lane.payloads, chunk.size)
        try:
            payloads, expiries = yield from self._read(chunk.names, chunk.size)
            return (yield from self._write(chunk.names, payloads, expiries, replace))
        finally:
            lane.flow.give(lane.payloads, chunk.size)

    def _read(self, names: list[bytes], size: int) -> Job:
        lane, source = self._lane, self._lane.source
        expiry_commands, expiry_replies = source.expiries.commands(names)
        count = len(names)
        cost = lane.pace.cost(count * 2, size)
        yield Take(lane.pace.gate, cost)
        try:
            # The expiry is read after the value: a key renewed in between gets the later expiry, never the earlier.
            replies = yield source.call(
                _TIME + each(b"DUMP", names) + _TIME + expiry_commands, count + 2 + expiry_replies, _LARGEST_PAYLOAD + size
            )
        finally:
            lane.flow.give(lane.pace.gate, cost)
        source.check((replies[0], replies[count + 1]), "TIME")
        lane.pace.observe(count * 2, size, between_us(replies[0], replies[count + 1]))
        payloads = replies[1 : count + 1]
        source.check(payloads, "DUMP")
        expiries = yield from source.expiries.read(names, replies[count + 2 :])
        return payloads, expiries

    def _write(
        self, names: list[bytes], payloads: list[bytes | None], expiries: list[Expiry], replace: bool
    ) -> Job:
        target = self._lane.target
        others: dict[int, Outcome] = {}
        if None in payloads or GONE in expiries:
            others = {
                position: Vanished()
                for position, payload in enumerate(payloads)
                if payload is None or expiries[position] == GONE
            }
        items = [
            item for position, item in enumerate(zip(names, expiries, payloads)) if position not in others
        ] if others else list(zip(names, expiries, payloads))
        if not items:
            return Moved(0, others)
        timed = any([item[1] is not NEVER for item in items])
        if self._lane.check_mode:
            replies: list[t.Any] = [_OK] * len(items)
            if timed:
                replies += yield target.call(_TIME, 1)
        else:
            commands = restores(t.cast(t.Any, items), replace=replace)
            # RESTORE with an expiry in the past says OK and stores nothing: the target's clock tells which those are.
            replies = yield target.call(commands + (_TIME if timed else b""), len(items) + timed)
        size = sum([len(item[2]) for item in items])
        if timed or replies.count(_OK) != len(items):
            clock = clock_ms(replies[-1]) if timed else 0
            positions = [position for position in range(len(names)) if position not in others]
            for position, item, reply in zip(positions, items, replies):
                if reply != _OK:
                    others[position] = self._refused(reply, item[2])
                elif timed and is_over(item[1], clock):
                    others[position] = Vanished()
                else:
                    continue
                size -= len(item[2])
        return Moved(size, others)

    def _refused(self, reply: t.Any, payload: bytes) -> Outcome:
        target = self._lane.target
        text = reply_text(reply)
        if text.startswith("BUSYKEY"):
            return Occupied()
        error = target.refusal(reply, "RESTORE")
        if is_error(reply) and is_transient(text):
            raise Unsteady(target.pipe, error)
        if text.startswith(("OOM", "NOPERM", "NOAUTH", "MOVED", "ASK")) or "unknown command" in text:
            raise error
        unreadable = "payload version or checksum" in text or text.startswith("ERR Bad data format")
        hint = reply_hint(text, target.endpoint)
        if unreadable:
            hint = (
                f"{target.server.product} does not understand what {self._lane.source.server.product} writes for this "
                "key: use strategy 'rebuild', or a target of the source's version or newer."
            )
        return Refused(text, hint, unreadable, type_of(payload))
