# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing the same for many apps, a few at a time; what fails does not keep the others from being done."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .errors import CloudFoundryError

T = t.TypeVar("T")
R = t.TypeVar("R")


@dataclass
class Completed(t.Generic[R]):
    """Results and errors, each in the order of the things they belong to."""

    results: list[R] = field(default_factory=list)
    errors: list[CloudFoundryError] = field(default_factory=list)

    def raise_errors(self, done: str) -> None:
        """Raise one error that has all sentences; C(done) says what did work: C(3 of 5 apps were unbound)."""
        if not self.errors:
            return
        if len(self.errors) == 1 and not self.results:
            raise self.errors[0]
        hints = list(dict.fromkeys(error.hint for error in self.errors if error.hint))
        sentences = " ".join(error.message for error in self.errors[:20])
        more = f" And {len(self.errors) - 20} more failed likewise." if len(self.errors) > 20 else ""
        raise CloudFoundryError(
            f"{sentences}{more} ({done}.)",
            hint=" ".join(hints[:3]) or None,
            status=self.errors[0].status,
            problems=[problem for error in self.errors for problem in error.problems],
        )


def for_each(things: Iterable[T], action: Callable[[T], R], at_once: int) -> Completed[R]:
    """C(action) for each thing, at most C(at_once) at the same time."""
    outcome: Completed[R] = Completed()
    with ThreadPoolExecutor(max_workers=max(1, at_once)) as pool:
        for future in [pool.submit(action, thing) for thing in things]:
            try:
                outcome.results.append(future.result())
            except CloudFoundryError as exc:
                outcome.errors.append(exc)
    return outcome
