# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves one key piece by piece: build, prove that the source did not change meanwhile, and let it appear at once."""

from __future__ import annotations

from ..._compare.chunks import same_in_chunks
from ..._connection.commands import pack
from ..._connection.replies import is_error
from ..._keys.temporary import TemporaryNames
from ..._keys.types import LENGTH
from ..._pipeline.absence import lifeless
from ..._pipeline.expiry import GONE, NEVER, Expiry
from ..._pipeline.job import Job, Reconnected, Take
from ..._pipeline.pipe import ReplyTooLarge
from ..._pipeline.stride import CHANGED_TRIES
from ..strategy import Lane, Occupied, Outcome, Refused, Vanished
from .cursors import scanned_in_pieces
from .field_ttls import FieldTtls
from .key_build import BeginningLost, Changed, KeyBuild, KeyRefused, Read, Write
from .ranges import list_in_pieces, string_in_pieces
from .streams import stream_in_pieces
from .watched_key import WatchConnections, WatchedKey

_CHANGED = (
    "the key was written to while it was read",
    "Keep writers away from the source while it is moved, then run again.",
)
_LOST = (
    "the temporary key disappeared while it was built",
    "Keep others away from the target, see that it evicts no keys (maxmemory-policy), then run again.",
)
_ENORMOUS = "one of its elements is larger than 1 GiB, which is more than is read at once"

# Bytes of one key between the two ends: a piece that is read and one that is written.
_IN_FLIGHT = 1024 * 1024


class InPieces:
    """Moves single keys of any size of the types that Redis itself has."""

    def __init__(self, lane: Lane, names: TemporaryNames, ttls: FieldTtls) -> None:
        self._lane = lane
        self._names = names
        self._ttls = ttls
        self._watch_connections = WatchConnections(lane.flow, lane.source)

    def move(self, key: bytes, size: int, *, replace: bool) -> Job[Outcome | None]:
        """What became of ``key``: None where the target has it, else the outcome."""
        lane = self._lane
        yield Take(self._watch_connections.gate, 1)
        try:
            yield Take(lane.payloads, _IN_FLIGHT)
            try:
                watched = self._watch_connections.take()
                try:
                    return (yield from self._move(KeyBuild(lane, self._names, key, size), watched, replace))
                finally:
                    self._watch_connections.release(watched)
            finally:
                lane.flow.give(lane.payloads, _IN_FLIGHT)
        finally:
            lane.flow.give(self._watch_connections.gate, 1)

    def _move(self, build: KeyBuild, watched: WatchedKey, replace: bool) -> Job[Outcome | None]:
        kind = b"none"
        reason: Exception = Changed()
        for _try in range(CHANGED_TRIES):
            try:
                yield from watched.start(build.key)
                (kind,) = yield from build.read(Read(pack(b"TYPE", build.key), 1))
                if kind == b"none":
                    return (yield from self._give_up(build, Vanished("TYPE")))
                if kind not in LENGTH:
                    raise Changed()
                yield from self._fill(build, kind, watched)
                return (yield from self._appear(build, replace))
            except (Changed, BeginningLost) as again:
                reason = again
                yield from build.begin()
            except KeyRefused as refused:
                return (yield from self._give_up(build, Refused(refused.reason, refused.hint, type=kind.decode())))
            except ReplyTooLarge:
                return (yield from self._give_up(build, Refused(_ENORMOUS, type=kind.decode())))
            except Reconnected:
                # In the last step: whether the key has appeared shows when the caller compares.
                raise
            except Exception:
                yield from self._give_up(build, None)
                raise
        text, hint = _CHANGED if isinstance(reason, Changed) else _LOST
        return Refused(f"{text}, {CHANGED_TRIES} times", hint, type=kind.decode())

    def _fill(self, build: KeyBuild, kind: bytes, watched: WatchedKey) -> Job[None]:
        """Write the whole value to the temporary key. Raises :class:`Changed` unless it was the same all the time."""
        measure = LENGTH[kind]
        (length,) = yield from build.read(Read(pack(measure, build.key), 1))
        # Where fields of a hash expire, it changes by itself, and each end counts some that are over.
        alive = False
        written = length
        if kind == b"string":
            yield from string_in_pieces(build, length)
        elif kind == b"list":
            yield from list_in_pieces(build, length)
        elif kind == b"stream":
            written = yield from stream_in_pieces(build)
        else:
            alive = yield from scanned_in_pieces(build, kind.decode(), length, self._ttls)
        (now,) = yield from build.read(Read(pack(measure, build.key), 1))
        unchanged = yield from watched.unchanged()
        if not alive and (unchanged is False or now != length):
            raise Changed()
        if self._lane.check_mode:
            return
        built = yield from build.write(Write(lambda name: pack(measure, name)))
        if not alive and built != [written]:
            raise BeginningLost()
        if not unchanged and (yield from self._differs(build, kind)):
            raise Changed()

    def _differs(self, build: KeyBuild, kind: bytes) -> Job[bool]:
        while True:
            try:
                source, target = self._lane.source, self._lane.target
                verdict = yield from same_in_chunks(source, target, build.key, kind.decode(), build.temporary)
                return verdict is not None
            except Reconnected:
                # The temporary key is complete; only the look at it is repeated.
                continue

    def _appear(self, build: KeyBuild, replace: bool) -> Job[Outcome | None]:
        """The temporary key gets its expiry and its name, all at once."""
        target = self._lane.target
        expiry = yield from self._expiry(build.key)
        if expiry == GONE:
            return (yield from self._give_up(build, Vanished("PEXPIRETIME or PTTL")))
        while not self._lane.check_mode:
            name = build.temporary
            timing = pack(b"PERSIST", name) if expiry is NEVER else pack(b"PEXPIREAT", name, expiry)
            rename = pack(b"RENAME" if replace else b"RENAMENX", name, build.name)
            commands = pack(b"MULTI") + timing + rename + pack(b"UNLINK", *build.names) + pack(b"EXEC")
            try:
                replies = yield target.call(commands, 5)
            except Reconnected:
                exists, _reply = yield from build.regain()
                if exists:
                    continue
                # It has appeared, or its beginning is lost: the caller compares.
                raise
            if is_error(replies[-1]):
                target.check(replies, "EXEC")
            renamed = replies[-1][1]
            if not is_error(renamed):
                return None if replace or renamed else Occupied()
            if "no such key" not in str(renamed):
                build.refuse(renamed, target, "RENAME")
            if expiry is not NEVER or (yield from lifeless(self._lane.source, [build.key])):
                # Its time has come, or that of its last field.
                return Vanished()
            raise BeginningLost()
        return None

    def _expiry(self, key: bytes) -> Job[Expiry]:
        while True:
            try:
                (expiry,) = yield from self._lane.source.expiries.ask([key])
                return expiry
            except Reconnected:
                continue

    def _give_up(self, build: KeyBuild, outcome: Outcome | None) -> Job[Outcome | None]:
        yield from build.discard()
        return outcome
