# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a live run, one at a time: learn what the feed says, walk a part of a database, move names that changed.

What follows from them is in rules.py, which of them is next in follow.py and, once the writers have stopped, in drain.py.
"""

from __future__ import annotations

import time
import typing as t

from .._connection.patience import patiently
from .._errors import ConnectError, RedisMigrationError
from .._migrate.progress import Plan
from .._server.continuity import ServerChanged
from .feed import Feed
from .lanes import AGAIN_SECONDS, Lanes, PartOf
from .names import Count
from .pulse import Pulse
from .rules import Rules
from .unnamed import Unnamed
from .walk import Walker

# How often an end may come back as another one, and how often the feed may be lost, before everything was compared once.
_RESTARTS = 8

# Beyond this share of the memory for names, moving them goes before walking on.
FULL = 0.5


class Steps:
    """``most_bytes``: of each set of names that is held. ``feeds``, ``restarts``, ``overflows``: how often each happened."""

    def __init__(
        self, plan: Plan, most_bytes: int, still_wanted: t.Callable[[], bool], of: PartOf | None = None
    ) -> None:
        self.plan = plan
        self.most_bytes = most_bytes
        self.lanes = Lanes(plan, most_bytes, still_wanted, of)
        self.rules = Rules(most_bytes=most_bytes)
        self.walker = Walker(plan, self.lanes, self.rules)
        self.unnamed = Unnamed(plan, self.lanes, self.rules)
        self.pulse = Pulse()
        self.maybe_feed: Feed | None = None
        # What was compared in the drain: changed names, and keys by walks. None before.
        self.in_drain: Count | None = None
        self.walked_in_drain = 0
        self.feeds = 0
        self.restarts = 0
        self._restarts_in_a_row = 0
        self._losses_in_a_row = 0
        self._setbacks_when_walked = 0
        # How often there were more changed names than are held, after which everything is compared again.
        self.overflows = 0
        # Over all feeds, as Feed has it.
        self.last_change: float | None = None

    @property
    def feed(self) -> Feed:
        if self.maybe_feed is None:
            raise AssertionError("open_feed() comes first")
        return self.maybe_feed

    def open_feed(self) -> None:
        """Open a feed in place of any other; nothing that was known before counts. Raises :class:`ServerChanged`."""
        if self.maybe_feed is not None:
            self.maybe_feed.close()
            self.maybe_feed = None

        def opened() -> Feed:
            region = self.plan.selection.region
            feed = Feed(self.plan.source, self.most_bytes, slots=None if region is None else region.source)
            feed.open()
            return feed

        self.maybe_feed = patiently(opened, self._patience, AGAIN_SECONDS)
        self.feeds += 1
        self.pulse.feed_opened()
        self.lanes.guard.opened(self.maybe_feed.identity)
        self.rules.feed_opened()
        try:
            self.unnamed.feed_opened(self.maybe_feed)
        except ConnectError as exc:
            # If it is lost already, another one is opened when that is looked at.
            self.feed_or_raise(exc)

    def learn(self) -> bool:
        """Take in what the feed says. False if it was lost and a new one was opened. Raises :class:`RedisMigrationError`."""
        feed = self.feed
        news = feed.collect()
        if news.lost is not None:
            if not (isinstance(news.lost, ConnectError) and news.lost.transient):
                raise news.lost
            self.rules.feed_lost()
            self._losses_in_a_row += 1
            if self._losses_in_a_row > _RESTARTS:
                # No ConnectError, as that of a lost feed is passed over.
                raise RedisMigrationError(
                    f"The feed of changes was lost {self._losses_in_a_row} times before everything was compared once."
                    f" The last time: {news.lost.message}",
                    hint="See what closes this connection to the source: CLIENT KILL, client-output-buffer-limit, timeouts"
                    " of a proxy or firewall. Then run again.",
                )
            self.open_feed()
            return False
        if news.everything:
            self.unnamed.flushed(feed)
            self._see_that_it_ends()
        if news.names:
            self.overflows += not self.rules.report(news.names)
            self.pulse.waits(len(self.rules.changed), news.since)
        for _pong in range(news.pongs):
            self.rules.answered()
        self.overflows += feed.overflows
        feed.overflows = 0
        self.last_change = feed.last_change or self.last_change
        self.pulse.learned(feed.changes, len(self.rules.changed))
        return True

    def look(self) -> None:
        """Ask both ends for what no feed tells."""
        self.unnamed.look(self.feed)
        self._see_that_it_ends()

    def _see_that_it_ends(self) -> None:
        setbacks = self.unnamed.setbacks - self._setbacks_when_walked
        if setbacks > _RESTARTS and self.in_drain is None:
            raise RedisMigrationError(
                f"Everything had to be compared anew {setbacks} times before it was compared once. The last time:"
                f" {self.unnamed.setback}",
                hint="End that, then run again; or move without redis_migration_live, while applications stand still.",
            )

    def feed_or_raise(self, error: ConnectError) -> None:
        """The feed was lost in the middle of a question, which shows when it is looked at; any other loss is for good."""
        if self.rules.moving or self.maybe_feed is None or not self.maybe_feed.lost:
            raise error

    def walk(self, seconds: float) -> None:
        """A part of the walk of a database."""
        feed = self.feed
        compared, fit = self.walker.go_on(seconds, lambda: feed.share_held > FULL)
        self.overflows += not fit
        if not self.rules.unwalked:
            self._restarts_in_a_row = self._losses_in_a_row = 0
            self._setbacks_when_walked = self.unnamed.setbacks
        if self.in_drain is not None:
            self.walked_in_drain += compared

    def move(self) -> bool:
        """Carry over names that have changed, in each database. Returns whether all are equal now."""
        begin = time.monotonic()
        oldest = self.pulse.waits(len(self.rules.changed), begin)
        names = self.rules.take(self.pulse.names_at_once(self.plan.max_keys_per_second))
        if self.in_drain is not None:
            self.in_drain.add(names)
        self.pulse.waits(len(self.rules.changed), begin)
        listed = list(names)
        carriers = self.lanes.carriers.values()
        for carrier in carriers:
            carrier.spawn(listed)
        self.lanes.flow.run()
        different: set[bytes] = set().union(*(carrier.take_different() for carrier in carriers))
        self.overflows += not self.rules.moved(different)
        self.pulse.waits(len(self.rules.changed), begin)
        self.pulse.carried(len(names), begin, oldest)
        return not different

    def replaced(self, changed: ServerChanged) -> None:
        """An end is another one, or has got other data: connect anew and compare everything."""
        plan, lanes = self.plan, self.lanes
        while True:
            self.restarts += 1
            self._restarts_in_a_row += 1
            if self._restarts_in_a_row > _RESTARTS:
                raise ConnectError(
                    f"The {plan.source} or the {plan.target} was restarted, its data was replaced (SWAPDB, REPLICAOF), or"
                    f" its statistics were reset (CONFIG RESETSTAT), {self._restarts_in_a_row} times before"
                    " everything was compared once.",
                    hint="Look into their logs, and run again when they are steady and nothing resets statistics.",
                )
            before = lanes.continuity.latest(plan.source)
            lanes.close()
            self.walker.abandon()
            self.rules.moved()
            self.rules.end_replaced()
            try:
                lanes.continuity.accept(changed.endpoint, changed.identity)
                patiently(lanes.open, self._patience, AGAIN_SECONDS)
                lanes.check_source(before)
                self.open_feed()
                return
            except ServerChanged as again:
                changed = again

    @property
    def _patience(self) -> float:
        """Once the run has begun, an end that is away is waited for."""
        return self.plan.timeout if self.feeds else 0

    def close(self) -> None:
        if self.maybe_feed is not None:
            self.maybe_feed.close()
            self.maybe_feed = None
        self.lanes.close()
