# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks the keys of one logical database in pages, measures each key, and hands them on in bounded chunks.

No list of all keys is ever held: pages in flight are bounded by the bytes of their names.
"""

from __future__ import annotations

import math
import typing as t

from .._connection.commands import each, pack
from .._connection.cursor import CursorWalk
from .._connection.replies import any_error, is_error
from .._keys.selection import Selection
from .._keys.temporary import without_temporary
from .._server import loss
from .._server.agreement import Side, too_few, too_few_expiring
from .._server.info import ASK_CHANGES, writes_since
from .._server.key_counts import database_in
from .absence import absent
from .chunk import Chunk
from .end import End
from .flow import Flow
from .halving import IN_FLIGHT_BYTES, GiveUp, Halving, Work
from .job import Gate, Job, Take, restarting
from .pace import Pace
from .pipe import ReplyTooLarge

# Names in flight, counting what Python needs around each.
_NAME_BYTES = 12 * 1024 * 1024
_NAME_OVERHEAD = 120

# One SCAN looks at so many buckets (that takes a server well below a millisecond); the next needs its cursor. So a
# page grows with the round trip, as far as the server's other clients do not feel it.
_PAGE = 1000
_LARGEST_PAGE = 8000
_PAGE_PER_US = 0.4

# Of a part of a cluster, or where few keys are chosen, pages leave few names, and small chunks cost both ends as much as
# large ones. So names are put together until they weigh as much as half a page of short ones, in bytes for each of it.
_FULL = 0.5 * (_NAME_OVERHEAD + 20)

# Values in flight: as many keep a near server busy, and the line to a far one full.
_NEAR_BYTES = 4 * 1024 * 1024
_LINE_BYTES_PER_US = 1000

# Where only names matter, a chunk may have so many: one EXISTS takes them all.
NAMES_AT_ONCE = 1000

# The share of keys that are no strings from which on asking for the length of strings first does not pay.
_FEW_OTHERS = 0.1

# Where a single reply with so many names is too large (names may be of 1 MB), smaller pages are tried.
_SMALLEST_PAGE = 1


class Scan:
    """One walk over one database.

    ``take_chunk(chunk)`` is told of each chunk once, of at most ``chunk_keys`` keys of at most ``chunk_bytes`` together (one
    key alone may be larger), and returns what makes the job for it, or for a part of it. ``give_up(chunk, error)`` records
    that the chunk's one key cannot be handled; without, such a key ends the run.
    ``measured`` says whether sizes are needed; without, chunks are bounded by count only.
    A walk that cannot end (see :mod:`_connection.cursor`) is ended with a sentence.
    ``should_stop()`` is asked behind every page: a walk that was stopped leaves its ``cursor``, from which another goes on.
    At least one page is walked, so that slices that are too short still come to an end.
    """

    def __init__(
        self,
        flow: Flow,
        end: End,
        pace: Pace,
        selection: Selection,
        take_chunk: t.Callable[[Chunk], Work],
        *,
        give_up: GiveUp | None = None,
        chunk_keys: int,
        chunk_bytes: int,
        measured: bool = True,
        usage_kept: bool = False,
        round_trip_us: float = 0,
        keys_ahead: int = 0,
        cursor: bytes = b"0",
        walked: t.Sequence[int] = (0, 0),
        should_stop: t.Callable[[], bool] = lambda: False,
    ) -> None:
        self._flow = flow
        self._end = end
        self._pace = pace
        self._selection = selection
        self._chosen = end.chooser(selection)
        self._in_region = end.in_region(selection)
        self._take_chunk = take_chunk
        self._chunk_keys = chunk_keys
        self._measured = measured
        self._page = min(_LARGEST_PAGE, max(_PAGE, int(round_trip_us * _PAGE_PER_US)))
        self._names = Gate(min(_NAME_BYTES, keys_ahead * _NAME_OVERHEAD) if keys_ahead else _NAME_BYTES)
        # A server carries out in one go what it has received of a connection, and others wait for all of it.
        in_flight = min(IN_FLIGHT_BYTES, _NEAR_BYTES + round_trip_us * _LINE_BYTES_PER_US)
        self._halving = Halving(flow, Gate(in_flight), chunk_bytes, give_up)
        # STRLEN is a use of the key, MEMORY USAGE is none.
        self._mostly_strings = not usage_kept
        self._should_stop = should_stop
        self.cursor = cursor
        # Names that are wanted, of the pages up to the cursor, and what they weigh.
        self._gathered: list[bytes] = []
        self._weight = 0
        # Of what was written during an earlier part of the walk nothing is known here.
        self._from_start = cursor == b"0"
        held = end.server.databases.get(end.database)
        self._cursors = CursorWalk(end.endpoint, "SCAN", held.keys if held else 0, (0, 0) if cursor == b"0" else walked)
        self.finished = False

    def job(self) -> Job[None]:
        """The walk itself, to be spawned on the flow."""
        # A cursor needs no connection: after a reconnect the walk goes on from the same one.
        return restarting(lambda _attempt: self._walk())

    def _walk(self) -> Job[None]:
        while True:
            cost = self._pace.cost(self._page // 2, 0)
            yield Take(self._pace.gate, cost)
            try:
                replies = yield self._end.call(self._command(), 1)
            except ReplyTooLarge:
                if self._page <= _SMALLEST_PAGE:
                    raise
                self._page = max(_SMALLEST_PAGE, self._page // 10)
                continue
            finally:
                self._flow.give(self._pace.gate, cost)
            self._end.check(replies, "SCAN")
            cursor, names = self._cursors.page(replies[0])
            if self._cursors.overdue and cursor != b"0":
                yield from self._count_again()
            if self._in_region is not None:
                names = self._in_region(names)
            if self._chosen is not None:
                names = [name for name in names if self._chosen(name)]
            self._gathered += names
            self._weight += sum(map(len, names)) + _NAME_OVERHEAD * len(names)
            self.cursor = cursor
            stops = cursor == b"0" or self._should_stop()
            if stops or self._weight >= self._page * _FULL:
                yield from self._hand_on()
            if cursor == b"0":
                yield from self._shown_enough()
                self.finished = True
            if stops:
                return

    def _hand_on(self) -> Job[None]:
        """Have what was gathered measured and taken."""
        # A table that is being resized can list a key twice.
        keys, weight = without_temporary(list(dict.fromkeys(self._gathered))), self._weight
        self._gathered, self._weight = [], 0
        if keys:
            yield Take(self._names, weight)
            self._flow.spawn(self._page_job(keys, weight))

    @property
    def walked(self) -> tuple[int, int]:
        """What the next part of this walk has to know beside ``cursor``."""
        return self._cursors.walked

    def _count_again(self) -> Job[None]:
        """There may be more keys by now than in the beginning. Raises where that does not explain the length of the walk."""
        (size,) = yield self._end.call(pack(b"DBSIZE"), 1)
        self._cursors.expect(size if isinstance(size, int) else 0)
        if self._cursors.overdue:
            raise self._cursors.endless()

    def _shown_enough(self) -> Job[None]:
        """Raise where the walk ended although the server counts far more keys. What it left out nobody would miss."""
        before = self._end.server.databases.get(self._end.database)
        shown, _empty = self._cursors.walked
        if self._filters or before is None or shown >= before.keys:
            return
        server = self._end.server
        replies = yield self._end.call(loss.ASK + ASK_CHANGES, loss.REPLIES + 1)
        self._end.check(replies, "INFO")
        keyspace, stats, changes = replies
        counts = database_in(keyspace, self._end.database)
        if counts is None:
            return
        now = Side(server, counts)
        writes = writes_since(server.changes, changes) if self._from_start else None
        expected = too_few(shown, before, now, writes)
        if expected is not None:
            raise self._cursors.incomplete(expected, "keys without an expiry")
        expired = max(0, loss.expired_in(stats) - server.expired_keys)
        expected = too_few_expiring(shown, before, now, writes, expired)
        if expected is not None:
            raise self._cursors.incomplete(expected, "keys, few of which can have expired,")

    @property
    def _filters(self) -> list[t.Any]:
        """What the server itself leaves out."""
        args: list[t.Any] = []
        # A pattern is about the names at the source.
        alike = self._end.renaming is None
        if alike and len(self._selection.match) == 1 and "\\x" not in self._selection.match[0]:
            args += [b"MATCH", self._selection.match[0].encode("utf-8", "surrogateescape")]
        if len(self._selection.types) == 1:
            args += [b"TYPE", self._selection.types[0]]
        return args

    def _command(self) -> bytes:
        return pack(b"SCAN", self.cursor, b"COUNT", self._page, *self._filters)

    def _page_job(self, keys: list[bytes], weight: int) -> Job[None]:
        measured = yield from restarting(lambda _attempt: self._measure(keys))
        left = _Countdown(len(measured[0]), lambda: self._flow.give(self._names, weight))
        for chunk in self._chunks(*measured):
            self._flow.spawn(self._chunk_job(chunk, left))
        left.down(0)

    def _chunk_job(self, chunk: Chunk, left: _Countdown) -> Job[None]:
        yield from self._halving.run(chunk, self._take_chunk(chunk))
        left.down(len(chunk))

    def _measure(self, keys: list[bytes]) -> Job[tuple[list[bytes], list[int]]]:
        """The keys that exist and have a wanted type, with their sizes."""
        types = self._selection.types if len(self._selection.types) > 1 else ()
        if types:
            kinds = yield self._end.call(each(b"TYPE", keys), len(keys))
            self._end.check(kinds, "TYPE")
            wanted = {kind.encode() for kind in types}
            gone = set((yield from absent(self._end, [key for key, kind in zip(keys, kinds) if kind == b"none"])))
            # What is there, and has no type by this reply, is no less wanted: whoever takes it will name it.
            keys = [key for key, kind in zip(keys, kinds) if kind in wanted or (kind == b"none" and key not in gone)]
        if not self._measured or not keys:
            return keys, [0] * len(keys)
        cost = self._pace.cost(len(keys) // 2, 0)
        yield Take(self._pace.gate, cost)
        try:
            if self._mostly_strings:
                sizes = yield from self._string_sizes(keys)
            else:
                sizes = yield from self._memory_usage(keys)
        finally:
            self._flow.give(self._pace.gate, cost)
        return keys, sizes

    def _memory_usage(self, keys: list[bytes]) -> Job[list[int]]:
        sizes = yield self._end.call(each(b"MEMORY USAGE", keys), len(keys))
        self._end.check(sizes, "MEMORY USAGE")
        return [0 if size is None else size for size in sizes] if None in sizes else sizes

    def _string_sizes(self, keys: list[bytes]) -> Job[list[int]]:
        """The sizes where most keys are strings: STRLEN costs the server a third less than MEMORY USAGE."""
        sizes: list[t.Any] = yield self._end.call(each(b"STRLEN", keys), len(keys))
        others = [position for position, size in enumerate(sizes) if is_error(size)] if any_error(sizes) else []
        if others:
            self._mostly_strings = len(others) <= len(keys) * _FEW_OTHERS
            if not str(sizes[others[0]]).startswith("WRONGTYPE"):
                self._end.check([sizes[others[0]]], "STRLEN")
            known = yield from self._memory_usage([keys[position] for position in others])
            for position, size in zip(others, known):
                sizes[position] = size
        self._end.check(sizes, "STRLEN")
        return sizes

    def _chunks(self, names: list[bytes], sizes: list[int]) -> t.Iterator[Chunk]:
        if not names:
            return
        most = self._chunk_keys
        if self._measured:
            most = min(most, self._pace.keys_at_once(len(names), sum(sizes)))
        # Evenly, so that no small rest costs a round of its own.
        most = math.ceil(len(names) / math.ceil(len(names) / most))
        for first in range(0, len(names), most):
            chunk = Chunk(names[first : first + most], sizes[first : first + most])
            if chunk.size <= self._halving.chunk_bytes:
                yield chunk
            else:
                yield from self._split(chunk)

    def _split(self, chunk: Chunk) -> t.Iterator[Chunk]:
        start = size = 0
        for position, key_size in enumerate(chunk.sizes):
            if position > start and size + key_size > self._halving.chunk_bytes:
                yield Chunk(chunk.names[start:position], chunk.sizes[start:position])
                start, size = position, 0
            size += key_size
        yield Chunk(chunk.names[start:], chunk.sizes[start:])


class _Countdown:
    """Calls ``done`` once everything counted is through."""

    def __init__(self, left: int, done: t.Callable[[], None]) -> None:
        self._left = left
        self._done: t.Callable[[], None] | None = done

    def down(self, count: int) -> None:
        self._left -= count
        if self._left <= 0 and self._done:
            done, self._done = self._done, None
            done()
