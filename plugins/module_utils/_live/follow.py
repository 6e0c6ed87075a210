# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live run: the target follows the source while applications write, and is proved equal once they have stopped.

    follower = Follower(plan)
    follower.open()
    follower.catch_up(max_lag_seconds=5, patience_seconds=600)  # or step() as long as there is something to wait for
    ...                                                         # the applications are stopped
    result = follower.drain()
    follower.close()

It does one thing after the other: a part of a walk, or a move of all names that changed; then it learns what the feed
says. The rules of that are in rules.py; here is what carries them out.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._connection.patience import at_first, patiently
from .._errors import ConnectError
from .._migrate.progress import Plan
from .._process import output_is_read
from .._server.continuity import ServerChanged
from .carry import Carried
from .feed import PING_SECONDS, Feed
from .lanes import Lanes
from .pulse import Pulse
from .result import LiveResult, NotConverging, Status
from .rules import Rules
from .unnamed import LOOK_SECONDS, Unnamed
from .walk import Walker

MOST_NAME_BYTES = 32 * 1024 * 1024

# Between tries to reach an end that is away, in seconds.
_AGAIN_SECONDS = 0.2

# How often an end may come back as another one.
_RESTARTS = 8

# Beyond this share of the memory for names, moving them goes before walking on.
_FULL = 0.5

# A key that differs after so many moves in the drain, without a change of it, is not going to be equal.
_MOVES = 4


class Follower:
    """Runs a :class:`Plan`. ``most_bytes``: of the names of changed keys that are held, here and by the feed."""

    def __init__(
        self, plan: Plan, *, most_bytes: int = MOST_NAME_BYTES, still_wanted: t.Callable[[], bool] = output_is_read
    ) -> None:
        self._plan = plan
        self._most = most_bytes
        self._lanes = Lanes(plan, still_wanted)
        self._rules = Rules(most_bytes=most_bytes)
        self._walker = Walker(plan, self._lanes, self._rules)
        self._unnamed = Unnamed(plan, self._lanes, self._rules)
        self._pulse = Pulse()
        self._feed: Feed | None = None
        # What was compared in the drain: changed names, and how many keys by walks. None before.
        self._in_drain: set[bytes] | None = None
        self._walked_in_drain = 0
        self._begin_drain()
        self.feeds = 0
        self.restarts = 0
        # How often there were more changed names than are held, after which everything is compared again.
        self.overflows = 0

    # -- the run ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect to both ends and open the feed. Raises :class:`RedisMigrationError`."""
        at_first(self._lanes.open)
        self._rules.databases = set(self._lanes.carriers)
        try:
            self._open_feed()
        except ServerChanged as changed:
            self._replaced(changed)

    def step(self, seconds: float = 1.0) -> Status:
        """Do what is next, for about ``seconds``. Raises :class:`RedisMigrationError`."""
        try:
            if self._learn():
                if self._unnamed.is_due:
                    self._unnamed.look(self._feed_now)
                if self._rules.unwalked and self._rules.share_held <= _FULL:
                    self._walk(seconds)
                elif self._rules.changed:
                    self._move()
                else:
                    self._feed_now.wait(min(seconds, LOOK_SECONDS))
        except ServerChanged as changed:
            self._replaced(changed)
        except ConnectError as exc:
            self._feed_or_raise(exc)
        return self.status

    def catch_up(self, max_lag_seconds: float, patience_seconds: float) -> Status:
        """Until every key was compared and the lag is below ``max_lag_seconds``.

        Raises :class:`NotConverging` where that takes longer than ``patience_seconds`` once everything was copied, or once
        there were more changes than can be held.
        """
        since: float | None = None
        while True:
            status = self.step()
            if status.walked and status.lag_seconds <= max_lag_seconds:
                return status
            if since is None and (status.walked or self.overflows):
                since = time.monotonic()
            if since is not None and time.monotonic() - since > patience_seconds:
                raise NotConverging(self._plan.source, status)

    def drain(self, seconds: float = 60.0) -> LiveResult:
        """Carry over the last changes of writers that have stopped, and prove both ends equal, within ``seconds``.

        Raises :class:`RedisMigrationError`. A result that is not proved says why; the run can go on then.
        """
        begin = time.monotonic()
        following = dataclasses.replace(self._lanes.tally)
        self._rules.writers_stopped()
        self._in_drain, self._walked_in_drain = set(), 0
        for carrier in self._lanes.carriers.values():
            # Each is tried once more.
            self._rules.report(list(carrier.failures))
        self._begin_drain()
        reason: str | None = None
        while reason is None:
            try:
                if time.monotonic() - begin > seconds:
                    reason = self._why_not()
                elif self._differing_moves > _MOVES:
                    waiting = len(self._rules.changed)
                    reason = (
                        f"{waiting} keys still differ after they were moved {_MOVES} times: something writes to them."
                    )
                elif self._learn() and self._drain_on():
                    break
            except ServerChanged as changed:
                self._replaced(changed)
            except ConnectError as exc:
                self._feed_or_raise(exc)
        result = self._result(reason, following, time.monotonic() - begin)
        self._in_drain = None
        self._rules.writers_resumed()
        return result

    def close(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        self._lanes.close()

    # -- steps --------------------------------------------------------------------------------------------------

    def _begin_drain(self) -> None:
        # Whether what the feed does not name was looked at, and moves since all was named: that found all equal, or not.
        self._looked = False
        self._equal_moves = self._differing_moves = 0

    def _drain_on(self) -> bool:
        """Do what is next, now that nobody writes. True once both ends are proved equal. Raises :class:`ServerChanged`."""
        rules, feed = self._rules, self._feed_now
        if not rules.all_changes_named and feed.may_ping:
            rules.asked()
            feed.ping()
        if rules.unwalked:
            self._begin_drain()
            self._walk(LOOK_SECONDS)
        elif rules.changed:
            if self._equal_moves >= _MOVES:
                rules.expect_only_expiries()
            named, before = rules.all_changes_named, self._lanes.tally.moved
            equal = self._move()
            if named:
                # What expires has never to be written to the target; what is written there was written to at the source.
                self._equal_moves = self._equal_moves + 1 if equal and self._lanes.tally.moved == before else 0
                self._differing_moves = 0 if equal else self._differing_moves + 1
        elif not rules.all_changes_named:
            feed.wait(PING_SECONDS)
        elif not self._looked:
            self._looked = True
            self.overflows += not self._unnamed.report(feed)
        else:
            self._unnamed.look(feed)
            self._lanes.check_targets()
            return rules.ends_are_the_same()
        return False

    @property
    def _feed_now(self) -> Feed:
        if self._feed is None:
            raise AssertionError("open() comes first")
        return self._feed

    def _open_feed(self) -> None:
        """Open a feed in place of any other; nothing that was known before counts. Raises :class:`ServerChanged`."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None

        def opened() -> Feed:
            feed = Feed(self._plan.source, self._most)
            feed.open()
            return feed

        self._feed = patiently(opened, self._patience, _AGAIN_SECONDS)
        self.feeds += 1
        self._pulse.feed_opened()
        self._lanes.guard.opened(self._feed.identity)
        self._rules.feed_opened()
        self._unnamed.feed_opened(self._feed)

    def _learn(self) -> bool:
        """Take in what the feed says. False if it was lost and a new one was opened."""
        feed = self._feed_now
        news = feed.collect()
        if news.lost is not None:
            if not (isinstance(news.lost, ConnectError) and news.lost.transient):
                raise news.lost
            self._rules.feed_lost()
            self._open_feed()
            return False
        if news.everything:
            self._unnamed.flushed(feed)
        if news.names:
            self.overflows += not self._rules.report(news.names)
            self._pulse.waits(len(self._rules.changed), news.since)
        for _pong in range(news.pongs):
            self._rules.answered()
        self.overflows += feed.overflows
        feed.overflows = 0
        self._pulse.learned(feed.changes, len(self._rules.changed))
        return True

    def _feed_or_raise(self, error: ConnectError) -> None:
        """The feed was lost in the middle of a question, which shows when it is looked at; any other loss is for good."""
        if self._rules.moving or self._feed is None or not self._feed.lost:
            raise error

    def _walk(self, seconds: float) -> None:
        feed = self._feed_now
        compared, fit = self._walker.go_on(seconds, lambda: feed.share_held > _FULL)
        self.overflows += not fit
        if self._in_drain is not None:
            self._walked_in_drain += compared

    def _move(self) -> bool:
        """Carry over names that have changed, in each database. Returns whether all are equal now."""
        begin = time.monotonic()
        oldest = self._pulse.waits(len(self._rules.changed), begin)
        names = self._rules.take(self._pulse.names_at_once(self._plan.max_keys_per_second))
        if self._in_drain is not None:
            self._in_drain |= names
        self._pulse.waits(len(self._rules.changed), begin)
        listed = list(names)
        carriers = self._lanes.carriers.values()
        for carrier in carriers:
            carrier.spawn(listed)
        self._lanes.flow.run()
        different: set[bytes] = set().union(*(carrier.take_different() for carrier in carriers))
        self.overflows += not self._rules.moved(different)
        self._pulse.waits(len(self._rules.changed), begin)
        self._pulse.carried(len(names), begin, oldest)
        return not different

    def _replaced(self, changed: ServerChanged) -> None:
        """An end is another one, or has got other data: connect anew and compare everything."""
        plan, lanes = self._plan, self._lanes
        while True:
            self.restarts += 1
            if self.restarts > _RESTARTS:
                raise ConnectError(
                    f"The {plan.source} or the {plan.target} was restarted too often ({self.restarts} times).",
                    hint="Look into their logs, and run again when they are steady.",
                )
            before = lanes.continuity.latest(plan.source)
            lanes.close()
            self._walker.abandon()
            self._rules.moved()
            self._rules.end_replaced()
            self._begin_drain()
            try:
                lanes.continuity.accept(changed.endpoint, changed.identity)
                patiently(lanes.open, self._patience, _AGAIN_SECONDS)
                lanes.check_source(before)
                self._open_feed()
                return
            except ServerChanged as again:
                changed = again

    @property
    def _patience(self) -> float:
        """Once the run has begun, an end that is away is waited for."""
        return self._plan.timeout if self.feeds else 0

    # -- what is said -------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        waiting, at_feed = len(self._rules.changed), self._feed.waiting if self._feed else (0, 0.0)
        walked, keys = not self._rules.unwalked, self._unnamed.keys_in(self._lanes.carriers)
        return Status(
            walked=walked,
            keys_done=keys if walked else min(keys, self._walker.keys_done),
            keys_all=keys,
            lag_keys=waiting + at_feed[0],
            lag_seconds=self._pulse.lag_seconds(waiting, at_feed),
            changes_per_second=self._pulse.change_rate,
            carried_per_second=self._pulse.carry_rate,
        )

    def _why_not(self) -> str:
        if self._rules.unwalked:
            return "Not every key has been compared since the feed of changes was opened or an end was replaced."
        if self._rules.changed or self._rules.all_changes_named:
            return "The source goes on reporting changes: something still writes to it."
        return "The feed of changes has not answered in time."

    def _result(self, reason: str | None, following: Carried, seconds: float) -> LiveResult:
        carriers = self._lanes.carriers
        failures = [failure for carrier in carriers.values() for failure in carrier.failures.values()]
        extra = {here: carrier.extra for here, carrier in carriers.items() if carrier.extra}
        if reason is None and failures:
            reason = f"{len(failures)} keys could not be moved."
        if reason is None and extra:
            reason = f"The target holds {sum(map(len, extra.values()))} keys that the source does not have."
        return LiveResult(
            proved=reason is None,
            reason=reason,
            choice=self._lanes.choice,
            following=following,
            drain=self._lanes.tally.without(following),
            keys=self._unnamed.keys_in(carriers),
            in_drain=len(self._in_drain or ()) + self._walked_in_drain,
            failures=failures,
            extra=extra,
            lag=self._pulse.points,
            changes_per_second=self._pulse.change_rate,
            carried_per_second=self._pulse.carry_rate,
            drain_seconds=seconds,
            feeds=self.feeds,
            restarts=self.restarts,
        )
