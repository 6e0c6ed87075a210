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
says. The rules of that are in rules.py, the steps that carry them out in steps.py.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._connection.patience import at_first
from .._errors import ConnectError
from .._migrate.progress import Plan
from .._process import output_is_read
from .._server.continuity import ServerChanged
from .carry import Carried
from .counts import counts
from .drain import Drain
from .lanes import Lanes, PartOf
from .result import LiveResult, NotConverging, Status, done_as_dict
from .steps import FULL, Steps
from .unnamed import LOOK_SECONDS, Unnamed

MOST_NAME_BYTES = 32 * 1024 * 1024


class Follower:
    """Runs a :class:`Plan`. ``most_bytes``: of the names of changed keys that are held, here and by the feed.

    ``of``: the run that it is a part of, if it is.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        most_bytes: int = MOST_NAME_BYTES,
        still_wanted: t.Callable[[], bool] = output_is_read,
        of: PartOf | None = None,
    ) -> None:
        self._plan = plan
        self._steps = Steps(plan, most_bytes, still_wanted, of)

    @property
    def feeds(self) -> int:
        return self._steps.feeds

    @property
    def restarts(self) -> int:
        return self._steps.restarts

    @property
    def overflows(self) -> int:
        return self._steps.overflows

    @property
    def evictions(self) -> int:
        return self._steps.unnamed.evictions

    # -- the run ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect to both ends and open the feed. Raises :class:`RedisMigrationError`."""
        steps = self._steps
        try:
            at_first(steps.lanes.open)
            steps.rules.databases = set(steps.lanes.carriers)
            steps.open_feed()
        except ServerChanged as changed:
            steps.replaced(changed)

    def step(self, seconds: float = 1.0) -> Status:
        """Do what is next, for about ``seconds``. Raises :class:`RedisMigrationError`."""
        steps = self._steps
        try:
            if steps.learn():
                if steps.unnamed.is_due:
                    steps.look()
                if steps.rules.unwalked and steps.rules.share_held <= FULL:
                    steps.walk(seconds)
                elif steps.rules.changed:
                    steps.move()
                else:
                    steps.feed.wait(min(seconds, LOOK_SECONDS))
        except ServerChanged as changed:
            steps.replaced(changed)
        except ConnectError as exc:
            steps.feed_or_raise(exc)
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
            if since is None and (status.walked or self.overflows or self.evictions):
                since = time.monotonic()
            if since is not None and time.monotonic() - since > patience_seconds:
                raise NotConverging(self._plan.source, status)

    def drain(self, seconds: float = 60.0) -> LiveResult:
        """Carry over the last changes of writers that have stopped, and prove both ends equal, within ``seconds``.

        Raises :class:`RedisMigrationError`. A result that is not proved says why; the run can go on then.
        """
        begin = time.monotonic()
        following = dataclasses.replace(self._steps.lanes.tally)
        reason = Drain(self._steps).run(seconds)
        result = self._result(reason, following, time.monotonic() - begin)
        self._steps.in_drain = None
        self._steps.rules.writers_resumed()
        return result

    def close(self) -> None:
        self._steps.close()

    # -- as a part of a run -------------------------------------------------------------------------------------

    @property
    def lanes(self) -> Lanes:
        return self._steps.lanes

    @property
    def unnamed(self) -> Unnamed:
        return self._steps.unnamed

    @property
    def keys_walked(self) -> int:
        """Keys compared by the walks that count."""
        return self._steps.walker.keys_done

    def compare_all(self) -> None:
        """Have everything compared once more."""
        self._steps.rules.forget()

    def wrote(self) -> bool:
        """Behind a drain: whether commands that write have run at the source since. Raises :class:`RedisMigrationError`."""
        steps, before = self._steps, self._steps.unnamed.writes
        try:
            steps.learn()
            steps.look()
        except ServerChanged as changed:
            steps.replaced(changed)
            return True
        now = steps.unnamed.writes
        return before is not None and now is not None and now > before

    # -- what is said -------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        steps = self._steps
        feed, pulse, unnamed = steps.maybe_feed, steps.pulse, steps.unnamed
        waiting, at_feed = len(steps.rules.changed), feed.waiting if feed else (0, 0.0)
        walked, keys = not steps.rules.unwalked, unnamed.keys_in(steps.lanes.carriers)
        return Status(
            walked=walked,
            keys_done=keys if walked else min(keys, steps.walker.keys_done),
            keys_all=keys,
            lag_keys=waiting + at_feed[0],
            lag_seconds=pulse.lag_seconds(waiting, at_feed),
            changes_per_second=pulse.change_rate,
            carried_per_second=pulse.carry_rate,
            compares_in_drain=unnamed.must_compare,
            failed_keys=sum(len(carrier.failures) for carrier in steps.lanes.carriers.values()),
            extra_keys=sum(len(carrier.extra) for carrier in steps.lanes.carriers.values()),
        )

    @property
    def done(self) -> dict[str, t.Any]:
        """What was done so far, as a module returns it of a run that failed."""
        failures = [failure for carrier in self._steps.lanes.carriers.values() for failure in carrier.failures.values()]
        return done_as_dict(self._steps.lanes.tally, failures)

    def _result(self, reason: str | None, following: Carried, seconds: float) -> LiveResult:
        steps = self._steps
        carriers, pulse = steps.lanes.carriers, steps.pulse
        failures = [failure for carrier in carriers.values() for failure in carrier.failures.values()]
        extra = {here: carrier.extra.names for here, carrier in carriers.items() if len(carrier.extra)}
        if reason is None and failures:
            reason = f"{len(failures)} keys could not be moved: {failures[0].reason.rstrip('.')}."
        if reason is None and extra:
            reason = f"The target holds {sum(map(len, extra.values()))} keys that the source does not have."
        if reason is None and not all(carrier.lists_all for carrier in carriers.values()):
            reason = "More keys than can be listed could not be moved, or are at the target and not at the source."
        return LiveResult(
            proved=reason is None,
            reason=reason,
            choice=steps.lanes.choice,
            following=following,
            drain=steps.lanes.tally.without(following),
            keys=steps.unnamed.keys_in(carriers),
            in_drain=(int(steps.in_drain) if steps.in_drain else 0) + steps.walked_in_drain,
            failures=failures,
            extra=extra,
            lag=pulse.points,
            waits=steps.lanes.progress.waits,
            changes_per_second=pulse.change_rate,
            carried_per_second=pulse.carry_rate,
            drain_seconds=seconds,
            last_change=steps.last_change,
            feeds=steps.feeds,
            restarts=steps.restarts,
            counts=counts(steps.lanes, steps.unnamed),
        )
