# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asynchronous work of the Cloud Controller: started now, done later, asked about meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from .errors import BrokerError, CFError
from .faults import Faults
from .http import Response
from .model import Job, State
from .present import Presenter


class Jobs:
    def __init__(self, state: State, faults: Faults, present: Presenter) -> None:
        self._state = state
        self._faults = faults
        self._present = present

    def run(
        self,
        operation: str,
        resource_type: str,
        resource_guid: str,
        work: Callable[[], None],
        failed: Callable[[str], None],
        *,
        endless: bool = False,
    ) -> Response:
        """Answer 202 with the job's address and do `work` later; `failed` hears why it could not be done.

        An `endless` job is never finished.
        `work` runs without the state's lock (it may talk to a Redis); it raises BrokerError.
        """
        job = Job(operation=operation, resource_type=resource_type, resource_guid=resource_guid)
        self._state.jobs[job.guid] = job
        delay = self._state.job_delay
        if self._state.async_broker:
            self._state.scheduler.after(delay / 2, lambda: self._polling(job))
        if not endless:
            self._state.scheduler.after(delay, lambda: self._finish(job, work, failed))
        return Response(202, None, {"Location": f"{self._present.url}/v3/jobs/{job.guid}"})

    def _polling(self, job: Job) -> None:
        with self._state.lock:
            job.state = "POLLING"
            job.touch()

    def _finish(self, job: Job, work: Callable[[], None], failed: Callable[[str], None]) -> None:
        fault = self._faults.take_job(job.operation)
        try:
            if fault is not None:
                raise BrokerError(fault.message)
            work()
        except BrokerError as error:
            with self._state.lock:
                failed(str(error))
                job.state = "FAILED"
                action = {"service_keys.create": "bind", "service_bindings.create": "bind"}.get(
                    job.operation, job.operation.rpartition(".")[2]
                )
                if fault is None or not fault.silent:
                    job.errors = [CFError("UnableToPerform", f"{action} could not be completed: {error}").entry]
                job.touch()
            return
        with self._state.lock:
            job.state = "COMPLETE"
            job.touch()
