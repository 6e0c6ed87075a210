# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One key on its way in pieces: reads from the source, writes to a temporary key at the target, goes on after cuts.

A piece is read while the one before is written. After a lost connection the temporary key gets a new name, so that what
is still under way on the old connection cannot touch it; then the piece is sent again. Every piece but the first begins
by prolonging the temporary key's life: if the key is no longer there, its beginning is lost, and the key is begun anew.
"""

from __future__ import annotations

import time
import typing as t

from ..._connection.commands import TIME, pack
from ..._connection.explain import is_transient, reply_hint, reply_text
from ..._connection.replies import any_error, between_us, is_error, is_systemic
from ..._keys.temporary import LIFETIME_MS, TemporaryNames
from ..._pipeline.end import End
from ..._pipeline.job import Job, Reconnected, Sleep, Take, Unsteady
from ..._pipeline.pipe import DEFAULT_REPLY_LIMIT, Call, ReplyTooLarge
from ..._pipeline.stride import LARGEST_ELEMENT, Stride
from ..strategy import Lane

_TOO_LONG = "Raise proto-max-bulk-len of the target to that of the source (CONFIG SET), then run again."


class Changed(Exception):
    """The key is not what it was when its reading began."""


class BeginningLost(Exception):
    """The temporary key is gone: it expired or was evicted or deleted."""


class KeyRefused(Exception):
    """An end refused this key in particular."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Read(t.NamedTuple):
    """Commands for the source with so many ``replies``, which read about ``elements`` elements of ``size`` bytes.

    ``stride`` learns how long it took.
    """

    commands: bytes
    replies: int
    elements: int = 1
    size: int = 0
    limit: int = DEFAULT_REPLY_LIMIT
    stride: Stride | None = None


def piece(commands: bytes, stride: Stride, replies: int = 1) -> Read:
    """Commands that read as many elements as ``stride`` says."""
    limit = LARGEST_ELEMENT if stride.elements == 1 else DEFAULT_REPLY_LIMIT
    return Read(commands, replies, stride.elements, stride.size, limit, stride)


class Length(t.NamedTuple):
    """How to see whether a piece was written: a command for the number of elements, which was ``before``."""

    command: bytes
    before: int
    after: int


class Write(t.NamedTuple):
    """Commands for the target, made for the temporary key's name; they give so many ``replies``.

    Sent again after a cut, unless ``length`` tells that they were carried out; ``tolerated`` is in the error replies to
    what had been done already.
    """

    commands: t.Callable[[bytes], bytes]
    replies: int = 1
    tolerated: str | None = None
    length: Length | None = None
    resent: bool = False


class KeyBuild:
    """The state of one key that is moved in pieces. ``size``: bytes of memory at the source. ``name``: at the target."""

    def __init__(self, lane: Lane, names: TemporaryNames, key: bytes, size: int) -> None:
        self.lane = lane
        self.key = key
        self.size = size
        self.name = lane.target.name_of(key)
        self.temporary = names.name(self.name)
        self._names = names
        # Names of before; commands that arrive late can leave something there.
        self._former: list[bytes] = []
        # A first piece was sent; it was acknowledged.
        self._begun = self._confirmed = False
        # Bytes read since then, where they are limited.
        self._taken, self._since = 0, time.monotonic()

    @property
    def names(self) -> list[bytes]:
        """All names that the temporary key had."""
        return [self.temporary, *self._former]

    def begin(self) -> Job[None]:
        """Begin anew: nothing is written yet."""
        yield from self.discard()
        self.temporary = self._names.name(self.name)
        self._begun = self._confirmed = False

    def discard(self) -> Job[None]:
        """Delete the temporary key, under whatever name."""
        if self._begun:
            # Where even this is refused, the key's life is short anyway.
            yield self.lane.target.call(pack(b"UNLINK", *self.names), 1)

    def read(self, ask: Read) -> Job[list[t.Any]]:
        """The source's replies to ``ask``."""
        yield from self._wait_for_turn(ask.size)
        gate, cost = self.lane.pace.gate, self.lane.pace.cost(ask.elements, ask.size)
        while True:
            yield Take(gate, cost)
            try:
                replies = yield self._asking(ask)
            except Reconnected:
                continue
            finally:
                self.lane.flow.give(gate, cost)
            return self._read(replies, ask)

    def write(self, write: Write) -> Job[list[t.Any]]:
        """Write a piece; returns the target's replies, or [] in check mode and where it was found written."""
        again = False
        while not self.lane.check_mode:
            first = not self._begun
            try:
                replies = yield self._writing(write)
            except Reconnected:
                if (yield from self._is_written(write)):
                    break
                again = True
            else:
                return self._written(replies, write, first, again)
        return []

    def exchange(self, ask: Read, write: Write | None) -> Job[list[t.Any]]:
        """Read a piece while the one before is written; returns the source's replies.

        Raises :class:`ReplyTooLarge` with the piece before written.
        """
        if write is None or self.lane.check_mode:
            return (yield from self.read(ask))
        yield from self._wait_for_turn(ask.size)
        gate, cost = self.lane.pace.gate, self.lane.pace.cost(ask.elements, ask.size)
        yield Take(gate, cost)
        first = not self._begun
        try:
            replies, acknowledged = yield self._asking(ask), self._writing(write)
        except (Reconnected, ReplyTooLarge) as cut:
            lost: Exception | None = cut
        else:
            lost = None
        finally:
            self.lane.flow.give(gate, cost)
        if lost is None:
            self._written(acknowledged, write, first, False)
            return self._read(replies, ask)
        if not (yield from self._is_written(write)):
            yield from self.write(write._replace(resent=True))
        if isinstance(lost, ReplyTooLarge):
            raise lost
        return (yield from self.read(ask))

    def refuse(self, reply: t.Any, end: End, command: str) -> t.NoReturn:
        """Raise what the error reply ``reply`` of ``end`` to ``command`` means."""
        text = reply_text(reply)
        if is_transient(text):
            raise Unsteady(end.pipe, end.refusal(reply, command))
        if is_systemic(text):
            raise end.refusal(reply, command)
        hint = _TOO_LONG if "proto-max-bulk-len" in text else reply_hint(text, end.endpoint)
        raise KeyRefused(f"{end.endpoint.role}: {text}", hint)

    def _wait_for_turn(self, size: int) -> Job[None]:
        """Keep to the lane's bytes per second before ``size`` more are read."""
        rate = self.lane.bytes_per_second
        if rate:
            ahead = self._taken / rate - (time.monotonic() - self._since)
            self._taken += size
            if ahead > 0:
                yield Sleep(ahead)

    def _asking(self, ask: Read) -> Call:
        return self.lane.source.call(TIME + ask.commands + TIME, ask.replies + 2, ask.limit)

    def _read(self, replies: list[t.Any], ask: Read) -> list[t.Any]:
        source = self.lane.source
        for reply in replies if any_error(replies) else ():
            if is_error(reply):
                if str(reply).startswith("WRONGTYPE") or "no such key" in str(reply):
                    raise Changed()
                self.refuse(reply, source, "reading a key in pieces")
        took = between_us(replies[0], replies[-1])
        self.lane.pace.observe(ask.elements, ask.size, took)
        if ask.stride:
            ask.stride.took(took)
        return replies[1:-1]

    def _writing(self, write: Write) -> Call:
        commands = write.commands(self.temporary)
        prolong = pack(b"PEXPIRE", self.temporary, LIFETIME_MS)
        begun, self._begun = self._begun, True
        return self.lane.target.call(prolong + commands if begun else commands + prolong, write.replies + 1)

    def _written(self, replies: list[t.Any], write: Write, first: bool, again: bool) -> list[t.Any]:
        if replies[0] == 0 and not first:
            raise BeginningLost()
        tolerated = write.tolerated if again or write.resent else None
        for reply in replies if any_error(replies) else ():
            if is_error(reply) and not (tolerated and tolerated in str(reply)):
                self.refuse(reply, self.lane.target, "writing a key in pieces")
        if replies[-1] == 0 and first:
            raise BeginningLost()
        self._confirmed = True
        return replies[:-1] if first else replies[1:]

    def regain(self, question: bytes | None = None) -> Job[tuple[bool, t.Any]]:
        """After a cut: take hold of the temporary key. Whether it exists, and the reply to ``question`` about it."""
        self._former.append(self.temporary)
        self.temporary = self._names.name(self.name)
        target = self.lane.target
        # Only one of the former names holds what was built; one that is older can hold what arrived late.
        rename = b"".join([pack(b"RENAMENX", name, self.temporary) for name in reversed(self._former)])
        commands = rename + pack(b"PEXPIRE", self.temporary, LIFETIME_MS)
        commands += pack(question or b"EXISTS", self.temporary)
        while True:
            try:
                replies = yield target.call(commands, len(self._former) + 2)
                break
            except Reconnected:
                continue
        for reply in replies:
            if is_error(reply) and "no such key" not in str(reply):
                self.refuse(reply, target, "RENAMENX")
        return bool(replies[-2]), replies[-1]

    def _is_written(self, write: Write) -> Job[bool]:
        """After a cut: whether ``write`` had reached the target."""
        exists, length = yield from self.regain(write.length and write.length.command)
        if not exists:
            if self._confirmed:
                raise BeginningLost()
            self._begun = False
            return False
        if not write.length:
            return False
        if length not in write.length[1:]:
            raise BeginningLost()
        return bool(length == write.length.after)
