# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries keys of one pair of databases: compares, moves what differs, and compares that once more behind its own write.

What the source does not have is deleted at the target. Whatever still differs is for the next move; see rules.py.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._compare.comparer import Comparer
from .._compare.verdict import Gone
from .._connection.commands import each
from .._connection.explain import reply_text
from .._connection.replies import is_error
from .._errors import ConnectError
from .._keys.listing import Failure, Tally
from .._keys.selection import Selection
from .._keys.temporary import without_temporary
from .._pipeline.absence import absent, unknown
from .._pipeline.chunk import Chunk
from .._pipeline.clashes import clashes
from .._pipeline.end import End
from .._pipeline.halving import IN_FLIGHT_BYTES, Halving, Work
from .._pipeline.job import Gate, Job, Take, restarting
from .._pipeline.throttle import Throttle
from .._transfer.strategy import Lane, Moved, Refused, Transfer, Vanished
from .names import Names

# Names that are measured together.
_BATCH_KEYS = 500

# Failed keys and keys of others whose names do not fit into so much memory are only known to be more.
_LISTED_BYTES = 4 * 1024 * 1024


# Replies to XINFO GROUPS for what is no stream (any more); any other error says nothing of its groups.
_NO_STREAM = ("ERR no such key", "WRONGTYPE")


def has_groups(reply: object) -> bool:
    """Whether a stream has groups by the ``reply`` to XINFO GROUPS, or may have some."""
    return not is_no_stream(reply) if is_error(reply) else bool(reply)


def is_no_stream(reply: object) -> bool:
    return is_error(reply) and reply_text(reply).startswith(_NO_STREAM)


@dataclasses.dataclass
class Carried(Tally):
    """What was done: keys compared (each time counts), moved, deleted at the target; bytes moved."""

    compared: int = 0
    moved: int = 0
    deleted: int = 0
    rebuilt: int = 0
    bytes: int = 0

    def without(self, earlier: Carried) -> Carried:
        """What was done since ``earlier``."""
        names = [field.name for field in dataclasses.fields(self)]
        return Carried(**{name: getattr(self, name) - getattr(earlier, name) for name in names})


class Carrier:
    """Carries chunks over ``lane``. ``fresh``: the target database is empty, so nothing needs to be compared first.

    ``ours``: whatever the target database holds is of this migration, so what the source lacks may be deleted there.
    ``most_bytes``: of the names of streams, and of those of keys that only the target has.
    """

    def __init__(
        self,
        lane: Lane,
        transfer: Transfer,
        selection: Selection,
        throttle: Throttle,
        tolerance_ms: int,
        *,
        fresh: bool,
        ours: bool,
        most_bytes: int,
    ) -> None:
        self.lane = lane
        self.transfer = transfer
        self.fresh = fresh
        self.ours = ours
        self.tally = Carried()
        # What differed behind its own write, until it is asked for.
        self.different: set[bytes] = set()
        # Keys that an end refuses, and keys of the target that are none of the source's, by name.
        self.failures: dict[bytes, Failure] = {}
        self._failed = Names(min(most_bytes, _LISTED_BYTES))
        self.extra = Names(min(most_bytes, _LISTED_BYTES))
        self.streams = Names(most_bytes)
        # Those of them that had groups when they were asked.
        self.grouped = Names(most_bytes)
        self._throttle = throttle
        self._comparer = Comparer(lane.flow, lane.source, lane.target, tolerance_ms)
        self._chooser = selection.chooser()
        self._types = {kind.encode() for kind in selection.types}
        self.chunk_keys = min(500, transfer.chunk_keys, throttle.chunk_keys or 500)
        self.chunk_bytes = min(transfer.chunk_bytes, throttle.chunk_bytes or transfer.chunk_bytes)
        self._halving = Halving(lane.flow, Gate(IN_FLIGHT_BYTES), self.chunk_bytes, self.give_up)

    def take_different(self) -> set[bytes]:
        different, self.different = self.different, set()
        return different

    @property
    def lists_all(self) -> bool:
        """Whether ``failures`` and ``extra`` are complete."""
        return self._failed.complete and self.extra.complete

    # -- parts of a walk ----------------------------------------------------------------------------------------

    def walk_begins(self) -> None:
        """Every key will be looked at: what is known of them is learned anew."""
        self.extra.clear()
        self.streams.clear()
        self.grouped.clear()
        self._failed.clear()
        self.failures.clear()

    def forward(self, _chunk: Chunk) -> Work:
        """The job that carries a chunk of the source's keys."""
        return self._carry

    def backward(self, _chunk: Chunk) -> Work:
        """The job that looks for keys of the target that the source does not have."""
        return lambda part: self._find_extra(part.names)

    def note_streams(self, _chunk: Chunk) -> Work:
        """The job that keeps the names of streams."""
        return lambda part: self._note_streams(part.names)

    def _note_streams(self, names: list[bytes]) -> Job[None]:
        self.streams.add(names)
        if names:
            replies = yield from restarting(lambda _attempt: self._groups(names))
            self.grouped.remove(names)
            self.grouped.add([name for name, reply in zip(names, replies) if has_groups(reply)])

    def _groups(self, names: list[bytes]) -> Job[list[object]]:
        replies: list[object] = yield self.lane.source.call(each(b"XINFO GROUPS", names), len(names))
        return replies

    def give_up(self, keys: Chunk, error: ConnectError) -> None:
        self._fail(keys.names[0], None, error.message, error.hint)

    # -- names --------------------------------------------------------------------------------------------------

    def spawn(self, names: t.Iterable[bytes]) -> None:
        """The jobs that carry keys of these names, as far as this database has them."""
        wanted = without_temporary([name for name in names if self._chooser is None or self._chooser(name)])
        for first in range(0, len(wanted), _BATCH_KEYS):
            batch = wanted[first : first + _BATCH_KEYS]
            self.lane.flow.spawn(self._batch(batch))

    def _batch(self, names: list[bytes]) -> Job[None]:
        kinds, sizes = yield from restarting(lambda _attempt: self._measure(names))
        claimed = [name for name, kind in zip(names, kinds) if kind == b"none"]
        gone = yield from restarting(lambda _attempt: absent(self.lane.source, claimed))
        if len(gone) < len(claimed):
            # It has been made anew, or the source says two things: whoever moves it finds out.
            there_after_all = set(claimed).difference(gone)
            kinds = [b"unknown" if name in there_after_all else kind for name, kind in zip(names, kinds)]
        wanted = self._types and {*self._types, b"unknown"}
        there = [at for at, kind in enumerate(kinds) if kind != b"none" and (not wanted or kind in wanted)]
        yield from self._note_streams([names[at] for at in there if kinds[at] in (b"stream", b"unknown")])
        others = [name for name, kind in zip(names, kinds) if wanted and kind not in wanted and kind != b"none"]
        there_called = dict(zip(self.lane.target.named(others), others))
        found = yield from restarting(lambda _attempt: self._of_types(self.lane.target, list(there_called)))
        gone += [there_called[name] for name in found]
        for chunk in self._chunks([names[at] for at in there], [sizes[at] for at in there]):
            yield from self._halving.run(chunk, self._carry)
        if gone:
            yield from restarting(lambda _attempt: self._delete(gone))

    def _measure(self, names: list[bytes]) -> Job[tuple[list[bytes], list[int]]]:
        source, pace = self.lane.source, self.lane.pace
        cost = pace.cost(len(names), 0)
        yield Take(pace.gate, cost)
        try:
            replies = yield source.call(each(b"TYPE", names) + each(b"MEMORY USAGE", names), 2 * len(names))
        finally:
            self.lane.flow.give(pace.gate, cost)
        kinds, sizes = replies[: len(names)], replies[len(names) :]
        source.check(kinds, "TYPE")
        source.check(sizes, "MEMORY USAGE")
        return kinds, [size or 0 for size in sizes]

    def _chunks(self, names: list[bytes], sizes: list[int]) -> t.Iterator[Chunk]:
        start = size = 0
        for at, key_size in enumerate(sizes):
            if at > start and (size + key_size > self.chunk_bytes or at - start >= self.chunk_keys):
                yield Chunk(names[start:at], sizes[start:at])
                start, size = at, 0
            size += key_size
        if names:
            yield Chunk(names[start:], sizes[start:])

    # -- one chunk ----------------------------------------------------------------------------------------------

    def _carry(self, chunk: Chunk) -> Job[None]:
        tally = Carried(compared=len(chunk))
        gone: list[bytes] = []
        differing = chunk
        if not self.fresh:
            verdicts = yield from self._comparer.verdicts(chunk)
            gone = [name for name, verdict in zip(chunk.names, verdicts) if isinstance(verdict, Gone)]
            differing = chunk.pick(
                [at for at, it in enumerate(verdicts) if it is not None and not isinstance(it, Gone)]
            )
        failed: list[tuple[bytes, Refused]] = []
        if differing:
            expected = yield from self._throttle.turn(len(differing), differing.size)
            moved: Moved = yield from self.transfer.transfer(differing, replace=True)
            self._throttle.moved(differing.size, expected, moved.size)
            arrived = differing.pick([at for at in range(len(differing)) if at not in moved.others])
            tally.moved, tally.bytes, tally.rebuilt = len(arrived), moved.size, moved.rebuilt
            for at, outcome in moved.others.items():
                if isinstance(outcome, Vanished):
                    gone.append(differing.names[at])
                elif isinstance(outcome, Refused):
                    failed.append((differing.names[at], outcome))
            if arrived:
                verdicts = yield from self._comparer.verdicts(arrived)
                self.different.update(name for name, verdict in zip(arrived.names, verdicts) if verdict is not None)
        if gone:
            yield from self._delete(gone)
        self._fine(chunk.names)
        for name, refused in failed:
            self._fail(name, refused.type, refused.reason, refused.hint)
        self.tally.add(tally)

    def _delete(self, keys: list[bytes]) -> Job[None]:
        """Have the target lack what the source was seen to lack. What has come back there since is named by the feed."""
        # A name that another key has there is left to that key.
        others = yield from clashes(self.lane.source, self.lane.target.renaming, keys)
        yield from self._unlink(self.lane.target.named([key for at, key in enumerate(keys) if at not in others]))
        self._fine(keys)

    def _unlink(self, names: list[bytes]) -> Job[None]:
        if names:
            target = self.lane.target
            counts = yield target.call(*target.about_all(b"UNLINK", names))
            target.check(counts, "UNLINK")
            self.tally.deleted += sum(counts)

    def _of_types(self, end: End, names: list[bytes]) -> Job[list[bytes]]:
        """Those of ``names`` that ``end`` has as a key of one of the selected types."""
        if not names:
            return []
        kinds = yield end.call(each(b"TYPE", names), len(names))
        end.check(kinds, "TYPE")
        return [name for name, kind in zip(names, kinds) if kind in self._types]

    def _find_extra(self, names: list[bytes]) -> Job[None]:
        target = self.lane.target
        extra = yield from unknown(target, names, self._not_selected if self._types else self._absent)
        if extra and self.ours:
            yield from self._unlink(extra)
            self._fine([key for name in extra for key in target.keys_of(name)])
        else:
            self.extra.add(extra)

    def _absent(self, keys: list[bytes]) -> Job[list[bytes]]:
        return (yield from absent(self.lane.source, keys))

    def _not_selected(self, keys: list[bytes]) -> Job[list[bytes]]:
        """What has become a key of another type at the source is none of those that are selected."""
        gone = yield from absent(self.lane.source, keys)
        there = [key for key in keys if key not in set(gone)]
        selected = set((yield from self._of_types(self.lane.source, there)))
        return gone + [key for key in there if key not in selected]

    def _fine(self, keys: list[bytes]) -> None:
        """These keys are no failures, and none that only the target has."""
        self.extra.remove(self.lane.target.named(keys))
        self._failed.remove(keys)
        for key in keys if self.failures else ():
            self.failures.pop(key, None)

    def _fail(self, name: bytes, kind: str | None, reason: str, hint: str | None) -> None:
        self._failed.add([name])
        if name in self._failed.names:
            self.failures[name] = Failure(self.lane.source.database, name, kind, reason, hint)
