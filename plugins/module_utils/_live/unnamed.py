# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the feed of changes does not name: swapped databases, new ones, consumer groups, a source that was replaced, and
what the target loses by itself."""

from __future__ import annotations

import functools
import time
import typing as t

from .._connection.commands import each, one
from .._connection.identity import ASK, REPLICATION, REPLIES, checked_identity
from .._connection.replies import parse_info
from .._migrate.progress import Plan
from .._pipeline.job import Job, restarting
from .._server import loss
from .._server.activity import count_writes
from .._server.key_counts import Database, keyspace_section
from .carry import Carrier, has_groups, is_no_stream
from .feed import Feed
from .lanes import Lanes
from .rules import Rules

# How often the source is asked while it is followed.
LOOK_SECONDS = 1.0

_STATISTICS = one(b"INFO", b"commandstats")

# Commands of streams that change nothing, or whose changes the feed names. All others concern groups.
_NAMED = ("xadd", "xtrim", "xdel", "xlen", "xrange", "xrevrange", "xread", "xpending", "xsetid")

_FLUSHED = "Databases of the source were flushed or swapped (FLUSHDB, FLUSHALL, SWAPDB)."


def evicts(keys: int) -> str:
    return f"The target evicts keys ({keys} since the run began): it has too little memory (maxmemory) for what the source holds."


class Unnamed:
    """Asks the source on the connection of the feed, and tells the rules."""

    def __init__(self, plan: Plan, lanes: Lanes, rules: Rules) -> None:
        self._plan = plan
        self._lanes = lanes
        self._rules = rules
        self._looked = 0.0
        self._calls = _Calls(None, None)
        # What both ends held when they were last asked; None where they do not tell.
        self.keyspace: dict[int, Database] | None = None
        self.keyspace_of_target: dict[int, Database] | None = None
        # How many commands that write the source had run when it was last asked; None where it does not count them.
        self.writes: int | None = None
        # Why the source may lack what was written to its primary, as a sentence; empty if it is one, or is in step.
        self.behind = ""
        # How many keys the target has evicted since the run began.
        self.evictions = 0
        self._evicted: int | None = None
        # How often everything had to be compared anew for what was seen here, and why the last time.
        self.setbacks = 0
        self.setback = ""
        self._counts_calls = True

    def keys_in(self, databases: t.Iterable[int]) -> int:
        """How many keys the source held there when it was last asked."""
        keyspace = self.keyspace or {}
        return sum(keyspace[here].keys for here in databases if here in keyspace)

    @property
    def must_compare(self) -> str:
        """Why everything has to be compared once more when the writers have stopped; empty if it need not."""
        if not self._counts_calls:
            return (
                "the source does not count its commands (INFO commandstats), so that databases which change their numbers"
                " (SWAPDB) show only when everything is compared in the drain"
            )
        if not all(carrier.streams.complete for carrier in self._lanes.carriers.values()):
            return (
                "there are more streams than fit into the memory for their names, so that their groups, which no feed names,"
                " are looked at by comparing everything in the drain"
            )
        return ""

    def feed_opened(self, feed: Feed) -> None:
        self._calls = _calls_of_streams(feed)
        self.look(feed)

    def flushed(self, feed: Feed) -> None:
        """The feed said that a database was flushed: what happened until now, walks to come will find."""
        self._lanes.continuity.accept(self._plan.source, feed.ask_identity())
        self._forget(_FLUSHED)

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._looked > LOOK_SECONDS

    def look(self, feed: Feed) -> None:
        """Whether the source is who it was and its databases are in place, and the target keeps what it got.

        Raises :class:`ServerChanged`.
        """
        lanes = self._lanes
        replies = feed.ask(ASK + loss.ASK, REPLIES + loss.REPLIES)
        self._looked = time.monotonic()
        identity = checked_identity(replies, feed.endpoint)
        lanes.guard.opened(identity)
        known = lanes.continuity.latest(self._plan.source).replacements
        if known is not None and identity.replacements is not None and known != identity.replacements:
            # SWAPDB, or a FLUSH of which the feed tells in a moment.
            lanes.continuity.accept(self._plan.source, identity)
            self._forget(_FLUSHED)
        self._counts_calls = identity.replacements is not None
        self.behind = _behind(feed, replies[REPLICATION])
        calls = parse_info(replies[REPLIES - 1]) if isinstance(replies[REPLIES - 1], bytes) else {}
        counted = self._counts_calls and lanes.writing is not None
        self.writes = count_writes(calls, lanes.writing or ()) if counted else None
        self.keyspace = _keyspace(replies[REPLIES])
        lanes.discover(self.keyspace or ())
        # Also those that were found when the lanes were opened anew.
        for here in lanes.carriers:
            self._rules.discovered(here)
        # If the source comes back with less than that, the guard says so.
        held = loss.holding_in(replies[REPLIES:], list(lanes.carriers))
        lanes.progress.held = held or lanes.progress.held
        self._look_at_target()

    def _look_at_target(self) -> None:
        keyspace, stats = self._lanes.ask_target()
        self.keyspace_of_target = _keyspace(keyspace)
        told = parse_info(stats).get("evicted_keys", "") if isinstance(stats, bytes) else ""
        evicted = int(told) if told.isdecimal() else None
        if evicted is not None and self._evicted is not None and evicted > self._evicted:
            self.evictions += evicted - self._evicted
            # Nobody says which keys these were.
            self._forget(evicts(self.evictions))
        self._evicted = evicted

    def _forget(self, reason: str) -> None:
        self.setbacks, self.setback = self.setbacks + 1, reason
        self._rules.forget()

    def report(self, feed: Feed) -> bool:
        """Now that nobody writes, take all for changed that may be so unnamed. False if that does not fit."""
        self.look(feed)
        calls, before = _calls_of_streams(feed), self._calls
        every = calls.of_xsetid is None or calls.of_xsetid != before.of_xsetid
        found: set[bytes] = set()
        for carrier in self._lanes.carriers.values():
            if every:
                found |= carrier.streams.names
            elif calls.of_groups == before.of_groups:
                # From Redis 7.2 on an XREADGROUP that blocks makes a consumer, and counts only when it is served.
                found |= carrier.grouped.names
            elif carrier.streams.names:
                carrier.lane.flow.spawn(_with_groups(carrier, found))
        self._lanes.flow.run()
        return self._rules.report(found)


def _behind(feed: Feed, replication: object) -> str:
    told = parse_info(replication) if isinstance(replication, bytes) else {}
    link = told.get("master_link_status", "up")
    if link == "up":
        return ""
    return (
        f"The {feed.endpoint} is a replica whose link to its primary is {link}, so what was written there may be missing."
        " Name the primary as the source, or wait until the link is up."
    )


def _keyspace(told: object) -> dict[int, Database] | None:
    return keyspace_section(told) if isinstance(told, bytes) else None


class _Calls(t.NamedTuple):
    """How often commands of streams were called whose changes no feed names; None where the source does not count."""

    of_xsetid: str | None
    of_groups: tuple[str, ...] | None


def _calls_of_streams(feed: Feed) -> _Calls:
    (told,) = feed.ask(_STATISTICS, 1)
    info = parse_info(told) if isinstance(told, bytes) else {}
    if not any(name.startswith("cmdstat_") for name in info):
        return _Calls(None, None)
    calls = {
        name.removeprefix("cmdstat_"): counts.partition(",")[0]
        for name, counts in info.items()
        if name.startswith("cmdstat_x")
    }
    groups = [f"{name} {count}" for name, count in calls.items() if name.partition("|")[0] not in (*_NAMED, "xinfo")]
    return _Calls(calls.get("xsetid", ""), tuple(sorted(groups)))


_TOGETHER = 500


def _with_groups(carrier: Carrier, found: set[bytes]) -> Job[None]:
    """Add the streams that have groups at one of the ends."""
    streams = sorted(carrier.streams.names)
    for first in range(0, len(streams), _TOGETHER):
        part = streams[first : first + _TOGETHER]
        here, there = yield from restarting(functools.partial(_groups, carrier, part))
        for name, mine, its in zip(part, here, there):
            if has_groups(mine) or has_groups(its):
                found.add(name)
            elif is_no_stream(mine) and is_no_stream(its):
                # No stream any more; as any other key it is named.
                carrier.streams.remove([name])


def _groups(carrier: Carrier, names: list[bytes], _attempt: int) -> Job[tuple[list[object], list[object]]]:
    source, target = carrier.lane.source, carrier.lane.target
    ask, its_ask = each(b"XINFO GROUPS", names), each(b"XINFO GROUPS", target.named(names))
    here, there = yield source.call(ask, len(names)), target.call(its_ask, len(names))
    return here, there
