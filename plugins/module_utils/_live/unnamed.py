# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the feed of changes does not name: swapped databases, new ones, consumer groups, and a source that was replaced."""

from __future__ import annotations

import functools
import time
import typing as t

from .._connection.commands import each, one
from .._connection.identity import ASK, REPLIES, checked_identity
from .._connection.replies import is_error, parse_info
from .._migrate.progress import Plan
from .._pipeline.job import Job, restarting
from .._server import loss
from .._server.key_counts import Database, keyspace_section
from .carry import Carrier
from .feed import Feed
from .lanes import Lanes
from .rules import Rules

# How often the source is asked while it is followed.
LOOK_SECONDS = 1.0

_STATISTICS = one(b"INFO", b"commandstats")


class Unnamed:
    """Asks the source on the connection of the feed, and tells the rules."""

    def __init__(self, plan: Plan, lanes: Lanes, rules: Rules) -> None:
        self._plan = plan
        self._lanes = lanes
        self._rules = rules
        self._looked = 0.0
        self._xsetid: str | None = None
        # What the source held when it was last asked, where it tells.
        self.keyspace: dict[int, Database] = {}

    def keys_in(self, databases: t.Iterable[int]) -> int:
        """How many keys the source held there when it was last asked."""
        return sum(self.keyspace[here].keys for here in databases if here in self.keyspace)

    def feed_opened(self, feed: Feed) -> None:
        self._xsetid = _calls_of_xsetid(feed)
        self.look(feed)

    def flushed(self, feed: Feed) -> None:
        """The feed said that a database was flushed: what happened until now, walks to come will find."""
        self._lanes.continuity.accept(self._plan.source, feed.ask_identity())
        self._rules.forget()

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._looked > LOOK_SECONDS

    def look(self, feed: Feed) -> None:
        """Whether the source is who it was and its databases are in place. Raises :class:`ServerChanged`."""
        lanes = self._lanes
        replies = feed.ask(ASK + loss.ASK, REPLIES + loss.REPLIES)
        self._looked = time.monotonic()
        identity = checked_identity(replies, feed.endpoint)
        lanes.guard.opened(identity)
        known = lanes.continuity.latest(self._plan.source).replacements
        if known is not None and identity.replacements is not None and known != identity.replacements:
            # SWAPDB, or a FLUSH of which the feed tells in a moment.
            lanes.continuity.accept(self._plan.source, identity)
            self._rules.forget()
        told = replies[REPLIES]
        self.keyspace = (keyspace_section(told) if isinstance(told, bytes) else None) or {}
        lanes.discover(self.keyspace)
        # Also those that were found when the lanes were opened anew.
        for here in lanes.carriers:
            self._rules.discovered(here)
        # If the source comes back with less than that, the guard says so.
        held = loss.holding_in(replies[REPLIES:], list(lanes.carriers))
        lanes.progress.held = held or lanes.progress.held

    def report(self, feed: Feed) -> bool:
        """Now that nobody writes, take all for changed that may be so unnamed. False if that does not fit."""
        self.look(feed)
        calls = _calls_of_xsetid(feed)
        every = calls is None or calls != self._xsetid
        found: set[bytes] = set()
        for carrier in self._lanes.carriers.values():
            if every:
                found |= carrier.streams
            elif carrier.streams:
                carrier.lane.flow.spawn(_with_groups(carrier, found))
        self._lanes.flow.run()
        return self._rules.report(found)


def _calls_of_xsetid(feed: Feed) -> str | None:
    (told,) = feed.ask(_STATISTICS, 1)
    return parse_info(told).get("cmdstat_xsetid", "").partition(",")[0] if isinstance(told, bytes) else None


_TOGETHER = 500


def _with_groups(carrier: Carrier, found: set[bytes]) -> Job[None]:
    """Add the streams that have groups at one of the ends."""
    streams = sorted(carrier.streams)
    for first in range(0, len(streams), _TOGETHER):
        part = streams[first : first + _TOGETHER]
        here, there = yield from restarting(functools.partial(_groups, carrier, part))
        for name, mine, its in zip(part, here, there):
            if any(reply and not is_error(reply) for reply in (mine, its)):
                found.add(name)
            elif is_error(mine) and is_error(its):
                # No stream any more; as any other key it is named.
                carrier.streams.discard(name)


def _groups(carrier: Carrier, names: list[bytes], _attempt: int) -> Job[tuple[list[object], list[object]]]:
    ask = each(b"XINFO GROUPS", names)
    here, there = yield carrier.lane.source.call(ask, len(names)), carrier.lane.target.call(ask, len(names))
    return here, there
