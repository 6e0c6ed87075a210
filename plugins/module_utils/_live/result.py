# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live run says of itself, while it goes on and at its end."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._errors import RedisMigrationError
from .._keys.listing import LISTED, Failure, listable
from .._keys.name import key_fields
from .._migrate.choose import Choice
from .._pipeline.waits import Waits
from .carry import Carried


class Lag(t.NamedTuple):
    """At ``at`` seconds since the run began: names waiting, and the age of the oldest change that was not carried."""

    at: float
    keys: int
    seconds: float


class Extra(t.NamedTuple):
    """A key of the target that is none of the source's, by the source's database."""

    database: int
    key: bytes


@dataclasses.dataclass(frozen=True)
class Status:
    """Where a run stands. ``walked``: every key has been compared once since the feed was opened."""

    walked: bool
    keys_done: int
    keys_all: int
    lag_keys: int
    # The age of the oldest change that was not carried over.
    lag_seconds: float
    # Names that the source reports, and names that were carried over, a second.
    changes_per_second: float
    carried_per_second: float
    # Why everything has to be compared once more in the drain, as part of a sentence; empty if it need not.
    compares_in_drain: str = ""
    # Keys that could not be moved, and keys that only the target has, as far as is known by now.
    failed_keys: int = 0
    extra_keys: int = 0

    @property
    def line(self) -> str:
        """For an operator."""
        done = f"{self.keys_done} of {self.keys_all} keys compared; " if not self.walked else f"{self.keys_all} keys; "
        return (
            f"{done}{self.changes_per_second:.0f} changed keys a second at the source, {self.carried_per_second:.0f} a second"
            f" carried over; lag {self.lag_keys} keys, {self.lag_seconds:.1f} s."
        )


class NotConverging(RedisMigrationError):
    """Changes come faster than they can be carried over."""

    def __init__(self, source: Endpoint, status: Status) -> None:
        super().__init__(
            f"Changes come faster than they can be carried over: the {source} reports {status.changes_per_second:.0f}"
            f" changed keys a second, and {status.carried_per_second:.0f} a second were carried over; the lag is"
            f" {status.lag_keys} keys, {status.lag_seconds:.1f} s.",
            hint="Follow when there is less to do, from nearer to both ends, or without a rate limit; or migrate with the"
            " applications stopped.",
        )


@dataclasses.dataclass(frozen=True)
class LiveResult:
    """How a run ended. ``proved``: every key is equal; if not, ``reason`` says in a sentence why.

    ``following``, ``drain``: what was done before and after the writers stopped. ``keys``: at the source, at the end; all
    but ``in_drain`` of them were compared while it was followed, at a moment after which the feed reports no change.
    """

    proved: bool
    reason: str | None
    choice: Choice
    following: Carried
    drain: Carried
    keys: int
    in_drain: int
    failures: list[Failure]
    # Keys of the target that are none of the source's, by the source's database.
    extra: dict[int, set[bytes]]
    lag: list[Lag]
    # What other clients of the source waited, since the run began.
    waits: Waits
    changes_per_second: float
    carried_per_second: float
    drain_seconds: float
    # When the feed named the last change, in seconds since 1970.
    last_change: float | None
    feeds: int
    restarts: int
    # Keys that each server counts itself, by the source's databases: at the source, at the target.
    counts: dict[int, tuple[int, int]]

    @property
    def unchanged_since(self) -> int:
        """Keys that were compared before the drain, and not changed since."""
        return max(0, self.keys - self.in_drain)

    def as_dict(self) -> dict[str, t.Any]:
        """As a module returns it."""
        everything = [Extra(here, name) for here in sorted(self.extra) for name in sorted(self.extra[here])]
        extra = listable([], everything, LISTED)
        return {
            "proved": self.proved,
            "reason": self.reason or "",
            "strategy": self.choice.strategy,
            "strategy_reason": self.choice.reason,
            "source_keys": self.keys,
            "databases": {
                str(here): {"source_keys": mine, "target_keys": its}
                for here, (mine, its) in sorted(self.counts.items())
            },
            "verified": {"unchanged_since": self.unchanged_since, "in_drain": self.in_drain},
            **done_as_dict(Carried.total([self.following, self.drain]), self.failures),
            "extra": [{"database": one.database, **key_fields(one.key)} for one in extra],
            "extra_not_listed": len(everything) - len(extra),
            "source_latency_ms": self.waits.as_dict(),
            "last_change": self.last_change,
            "lag_over_time": [[round(point.at, 2), point.keys, round(point.seconds, 3)] for point in self.lag],
        }


def done_as_dict(done: Carried, failures: list[Failure]) -> dict[str, t.Any]:
    """What was done, as a module returns it."""
    listed = listable([], failures, LISTED)
    return {
        "totals": {**dataclasses.asdict(done), "failed": len(failures)},
        "failures": [failure.as_dict() for failure in listed],
        "failures_not_listed": len(failures) - len(listed),
    }
