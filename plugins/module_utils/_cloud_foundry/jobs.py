# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for Cloud Foundry: for a job to end, for another operation to get out of the way."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from .._waiting import Deadline, pauses
from .errors import CloudFoundryError, Problem, redact, sentence_of
from .http import HttpResponse
from .session import CloudFoundrySession

T = t.TypeVar("T")


class JobFailed(CloudFoundryError):
    """The job ran and failed; trying the whole operation again may help. C(said) is why."""

    def __init__(self, what: str, said: str, problems: list[Problem]) -> None:
        super().__init__(f"A job of Cloud Foundry failed while {what}: {said}.", problems=problems)
        self.said = said

    def while_doing(self, doing: str, *, hint: str | None = None) -> CloudFoundryError:
        return CloudFoundryError(f"Could not {doing}: {self.said}.", hint=hint or self.hint, problems=self.problems)


class WaitedTooLong(CloudFoundryError):
    """C(wait_timeout) is over; what was begun may still end well."""


def wait_for_job(session: CloudFoundrySession, response: HttpResponse | None, deadline: Deadline, what: str) -> None:
    """Follow the C(Location) of a 202 answer until the job is complete; anything else is complete already.

    C(what) names the job in errors: C(creating the service key "k"). Raises JobFailed or WaitedTooLong.
    """
    path = session.path_of(response.headers.get("location", "")) if response and response.status == 202 else None
    if path is None:
        return
    for pause in pauses(0.2):
        job = session.find(path)
        if job is None:
            # CF forgets old jobs; what the job was about tells how it ended.
            return
        state = job.get("state")
        if state == "COMPLETE":
            for warning in job.get("warnings") or []:
                session.warn(f"Cloud Foundry warns about {what}: {redact(str(warning.get('detail')))}")
            return
        if state == "FAILED":
            raise _failed(job, what)
        if deadline.passed():
            raise WaitedTooLong(
                f"Cloud Foundry is still {what} after {deadline.seconds:.0f} seconds (job state {state}).",
                hint="Run again to go on waiting, or raise wait_timeout (in the playbooks redis_migration_cf_timeout).",
            )
        deadline.sleep(pause)


def _failed(job: dict[str, t.Any], what: str) -> JobFailed:
    problems = [
        Problem(int(entry.get("code") or 0), str(entry.get("title") or ""), redact(str(entry.get("detail") or "")))
        for entry in job.get("errors") or []
        if isinstance(entry, dict)
    ]
    said = sentence_of(problems) or "Cloud Foundry gives no reason"
    return JobFailed(what, said, problems)


def once_free(action: Callable[[], T], deadline: Deadline, what: str) -> T:
    """Do C(action), waiting while another operation on the same thing is in progress."""
    for pause in pauses(0.5):
        try:
            return action()
        except CloudFoundryError as exc:
            if not exc.in_progress:
                raise
            if deadline.passed():
                raise WaitedTooLong(
                    f"Another operation is still in the way of {what} after {deadline.seconds:.0f} seconds: "
                    f"{exc.message}",
                    hint="Run again when it has ended, or raise wait_timeout (in the playbooks redis_migration_cf_timeout).",
                    problems=exc.problems,
                ) from exc
            deadline.sleep(pause)
    raise AssertionError("unreachable")
