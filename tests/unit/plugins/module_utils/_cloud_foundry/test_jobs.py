# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a job and for a resource that is in use, by plain answers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
    Problem,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.http import HttpResponse
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.jobs import (
    JobFailed,
    WaitedTooLong,
    once_free,
    wait_for_job,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._waiting import Deadline

ACCEPTED = HttpResponse(202, {"location": "https://api.example.org/v3/jobs/1"})
OVER = 0.0


class Session:
    """Answers to the question for a job, in order; the last one again and again."""

    def __init__(self, *jobs: dict[str, Any] | None) -> None:
        self._jobs = list(jobs)
        self.warnings: list[str] = []
        self.asked: list[str] = []

    def path_of(self, href: str) -> str | None:
        return href.removeprefix("https://api.example.org") or None

    def find(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        return self._jobs.pop(0) if len(self._jobs) > 1 else self._jobs[0]

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def wait(session: Any, response: HttpResponse | None = ACCEPTED, seconds: float = 5) -> None:
    wait_for_job(session, response, Deadline(seconds), 'creating the service key "k"')


@pytest.mark.parametrize("response", [None, HttpResponse(201, ACCEPTED.headers), HttpResponse(202)])
def test_what_is_no_job_is_complete(response: HttpResponse | None) -> None:
    session = Session({"state": "FAILED"})
    wait(session, response)
    assert session.asked == []


def test_a_job_is_followed_until_it_is_complete() -> None:
    session = Session({"state": "POLLING"}, {"state": "COMPLETE", "warnings": [{"detail": "The plan is old."}]})
    wait(session)
    assert session.asked == ["/v3/jobs/1"] * 2
    assert session.warnings == ['Cloud Foundry warns about creating the service key "k": The plan is old.']


def test_a_job_that_cloud_foundry_has_forgotten_is_complete() -> None:
    wait(Session(None))


def test_a_failed_job_says_why() -> None:
    errors = [{"code": 10008, "title": "CF-Unprocessable", "detail": "The token eyJhbGciOiJIUzI1 is old."}, "odd"]
    with pytest.raises(JobFailed, match='failed while creating the service key "k": ') as caught:
        wait(Session({"state": "FAILED", "errors": errors}))
    assert caught.value.problems == (Problem(10008, "CF-Unprocessable", "The token *** is old."),)
    told = caught.value.while_doing('create the service key "k"', hint="Ask the operator.")
    assert told.message.startswith('Could not create the service key "k": ')
    assert told.hint == "Ask the operator."
    with pytest.raises(JobFailed, match="Cloud Foundry gives no reason"):
        wait(Session({"state": "FAILED"}))


def test_a_job_is_looked_at_once_even_when_the_time_is_over() -> None:
    wait(Session({"state": "COMPLETE"}), seconds=OVER)
    with pytest.raises(WaitedTooLong, match=r"after 0 seconds \(job state PROCESSING\)"):
        wait(Session({"state": "PROCESSING"}), seconds=OVER)


BUSY = CloudFoundryError("An operation is in progress.", status=422, problems=[Problem(60016, "CF-Async", "")])


class Busy:
    """Refuses so many times, then answers."""

    def __init__(self, times: int, error: CloudFoundryError = BUSY) -> None:
        self._left, self._error = times, error

    def __call__(self) -> str:
        if self._left:
            self._left -= 1
            raise self._error
        return "done"


def test_what_is_in_use_is_waited_for() -> None:
    assert once_free(Busy(0), Deadline(OVER), "x") == "done"
    assert once_free(Busy(1), Deadline(5), "x") == "done"


def test_waiting_ends_with_the_deadline_and_with_any_other_error() -> None:
    with pytest.raises(WaitedTooLong, match="in the way of deleting it after 0 seconds: An operation is in progress"):
        once_free(Busy(1), Deadline(OVER), "deleting it")
    with pytest.raises(CloudFoundryError, match="no permission"):
        once_free(Busy(1, CloudFoundryError("no permission", status=403)), Deadline(5), "x")
