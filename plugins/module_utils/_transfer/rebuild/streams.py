# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams in pieces: entries with their IDs, counters, last ID, groups, consumers, and pending entries.

Pending entries come first. A server takes only those whose entry exists, but many refer to entries that were deleted
since. So empty entries stand in for all of them, are claimed as at the source, and trimmed away before the real entries
are added: trimming leaves pending entries alone and, unlike deleting, no trace in the stream's counters.
"""

from __future__ import annotations

import functools
import itertools
import typing as t

from ..._connection.commands import TIME, one, pack
from ..._connection.replies import EXACT_TRIES, clock_ms, fields_of
from ..._pipeline.absence import CONTRADICTION_HINT
from ..._pipeline.job import Job
from ..._pipeline.pipe import ReplyTooLarge
from ..._pipeline.stride import Stride
from ..._rdb.stream_id import after
from .key_build import BeginningLost, Changed, KeyBuild, KeyRefused, Read, Write, piece

_PENDING = 200

# The group that makes an empty stream come into being, where it has none of its own.
_NOBODY = b"nobody"


_GROUP = ("name", "consumers", "pending", "last-delivered-id", "entries-read")


class Facts(t.NamedTuple):
    """What XINFO STREAM and XINFO GROUPS say, as far as it is data."""

    length: int
    last_id: bytes
    entries_added: int | None
    max_deleted: bytes | None
    groups: tuple[tuple[t.Any, ...], ...]
    # The ID of its last entry, None where there is none or the server does not say.
    last_entry: bytes | None = None

    @classmethod
    def of(cls, stream: t.Sequence[t.Any], groups: t.Sequence[t.Any]) -> Facts:
        """From the two replies. Of each group there is what :data:`_GROUP` names.

        Raises :class:`KeyRefused` where the two say different things.
        """
        facts = fields_of(stream)
        if facts.get("groups", len(groups)) != len(groups):
            raise KeyRefused(
                f"XINFO STREAM counts {facts['groups']} consumer groups, and XINFO GROUPS shows {len(groups)}",
                CONTRADICTION_HINT,
            )
        return cls(
            facts["length"],
            facts["last-generated-id"],
            facts.get("entries-added"),
            facts.get("max-deleted-entry-id"),
            tuple(tuple(map(fields_of(group).get, _GROUP)) for group in groups),
            (facts.get("last-entry") or [None])[0],
        )

    def holding(self, entries: int, last: bytes | None) -> Facts:
        """The same with the number of entries that there are: a damaged stream counts other than it holds.

        ``last`` is the last one that was read. Raises :class:`KeyRefused` where not all were, or where no server would take
        what the stream says.
        """
        if entries != self.length and self.last_entry not in (None, last):
            raise KeyRefused(
                f"XINFO says that this stream has {self.length} entries, the last of them {self.last_entry.decode()},"
                f" and XRANGE showed {entries} without it",
                CONTRADICTION_HINT,
            )
        if self.entries_added is not None and self.entries_added < entries:
            raise KeyRefused(
                f"this stream is damaged: it holds {entries} entries and says that only {self.entries_added} were ever "
                "added",
                "Correct its counter at the source (XSETID … ENTRIESADDED), then run again.",
            )
        return self._replace(length=entries)

    def holds(self, other: Facts) -> bool:
        """Whether this one has as many entries, groups, consumers and pending entries as ``other``."""
        mine, its = ({group[:4] for group in facts.groups} for facts in (self, other))
        return self.length == other.length and mine == its


def question(key: bytes) -> bytes:
    """The commands whose two replies :class:`Facts` is made of."""
    return pack(b"XINFO", b"STREAM", key) + pack(b"XINFO", b"GROUPS", key)


def additions(name: bytes, entries: t.Sequence[t.Any]) -> bytes:
    """XADD of ``entries`` to the stream ``name``."""
    return b"".join([pack(b"XADD", name, entry_id, *args) for entry_id, args in entries])


def emptiness(name: bytes) -> bytes:
    """Two commands that make an empty stream without groups."""
    return pack(b"XGROUP", b"CREATE", name, _NOBODY, b"0", b"MKSTREAM") + pack(b"XGROUP", b"DESTROY", name, _NOBODY)


def finish(name: bytes, facts: Facts, *, counters: bool) -> bytes:
    """The command that sets the last ID and, where the target keeps ``counters``, these."""
    args: list[t.Any] = [b"XSETID", name, facts.last_id]
    if counters:
        # A source before 7.0 counts nothing: then what is there is all that ever was, as after a RESTORE.
        added = facts.length if facts.entries_added is None else facts.entries_added
        args += [b"ENTRIESADDED", added, b"MAXDELETEDID", facts.max_deleted or b"0-0"]
    return pack(*args)


def stream_in_pieces(build: KeyBuild) -> Job[int]:
    """Write the whole stream to the temporary key; returns the number of its entries."""
    facts = Facts.of(*(yield from build.read(Read(question(build.key), 2))))
    counters = build.lane.target.server.supports_stream_counters()
    yield from build.write(Write(emptiness, 2, "BUSYGROUP"))
    for name, _consumers, pending, _last, _read in facts.groups:
        yield from _group(build, name)
        if pending:
            yield from _pending(build, name)
    told, facts = facts, facts.holding(*(yield from _entries(build, facts)))
    yield from build.write(Write(functools.partial(finish, facts=facts, counters=counters)))
    for name, _consumers, _pending_count, last, entries_read in facts.groups:
        args = [name, last]
        if counters and entries_read is not None:
            args += [b"ENTRIESREAD", b"%d" % entries_read]
        yield from build.write(Write(functools.partial(_set_group, args=args)))
    built = yield from build.write(Write(question, 2))
    if Facts.of(*(yield from build.read(Read(question(build.key), 2)))) != told:
        raise Changed()
    if built and not Facts.of(*built).holds(facts):
        raise BeginningLost()
    return facts.length


def _set_group(stream: bytes, args: list[bytes]) -> bytes:
    return one(b"XGROUP", b"SETID", stream, *args)


def _group(build: KeyBuild, group: bytes) -> Job[None]:
    (consumers,) = yield from build.read(Read(pack(b"XINFO", b"CONSUMERS", build.key, group), 1))
    names = [fields_of(consumer)["name"] for consumer in consumers]
    yield from build.write(Write(lambda stream: pack(b"XGROUP", b"CREATE", stream, group, b"0"), 1, "BUSYGROUP"))
    for first in range(0, len(names), _PENDING):
        part = names[first : first + _PENDING]
        yield from build.write(Write(functools.partial(_create_consumers, group=group, names=part), len(part)))


def _create_consumers(stream: bytes, group: bytes, names: list[bytes]) -> bytes:
    return b"".join([one(b"XGROUP", b"CREATECONSUMER", stream, group, name) for name in names])


def _pending(build: KeyBuild, group: bytes) -> Job[None]:
    start = b"-"
    while True:
        command = TIME + pack(b"XPENDING", build.key, group, start, b"+", _PENDING) + TIME
        for _try in range(EXACT_TRIES):
            before, page, then = yield from build.read(Read(command, 3, _PENDING))
            # How long ago each was delivered is said in milliseconds: within a single one the time itself is exact.
            if clock_ms(before) == clock_ms(then):
                break
        if page:
            yield from build.write(_claims(group, page, clock_ms(before)))
        if len(page) < _PENDING:
            return
        start = after(page[-1][0])


def _claims(group: bytes, page: list[t.Any], now: int) -> Write:
    """Make the pending entries of ``page`` (ID, consumer, idle milliseconds, deliveries) as they were at ``now``."""
    groups = itertools.groupby(page, lambda entry: tuple(entry[1:]))
    alike = [(delivery, [entry[0] for entry in entries]) for delivery, entries in groups]

    def commands(stream: bytes) -> bytes:
        out = [one(b"XADD", stream, entry[0], b"", b"") for entry in page]
        for (consumer, idle, deliveries), ids in alike:
            how = (b"TIME", b"%d" % (now - idle), b"RETRYCOUNT", b"%d" % deliveries, b"FORCE", b"JUSTID")
            out.append(one(b"XCLAIM", stream, group, consumer, b"0", *ids, *how))
        out.append(one(b"XTRIM", stream, b"MAXLEN", b"0"))
        out.append(one(b"XSETID", stream, b"0-0"))
        return b"".join(out)

    return Write(commands, len(page) + len(alike) + 2, "equal or smaller")


def _entries(build: KeyBuild, facts: Facts) -> Job[tuple[int, bytes | None]]:
    """Write the entries; returns how many there are, and the ID of the last one."""
    stride = Stride(build.size, facts.length)
    start, write = b"-", None
    found = 0
    last: bytes | None = None
    while True:
        # Not to the end: a stream that grows all the time would have none.
        command = pack(b"XRANGE", build.key, start, facts.last_id, b"COUNT", stride.elements)
        try:
            (entries,) = yield from build.exchange(piece(command, stride), write)
        except ReplyTooLarge:
            if not stride.shorten():
                raise
            write = None
            continue
        write = None
        found += len(entries)
        if entries:
            write = Write(functools.partial(additions, entries=entries), len(entries), "equal or smaller")
            last = entries[-1][0]
        if not entries or last is None or last == facts.last_id:
            break
        start = after(last)
    if write:
        yield from build.write(write)
    return found, last
