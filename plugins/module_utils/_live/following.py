# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live run as the modules see it: started, asked, drained and ended, from one call to the next."""

from __future__ import annotations

import dataclasses
import os
import secrets
import time

from .._background.files import Holder
from .._background.start import start
from .._errors import RedisMigrationError
from .._migrate.progress import Plan
from .._waiting import Deadline
from .order import DRAINING, FAILED, FOLLOWING, PROVED, LiveFiles, LiveState, Order, options_key, plan_as_dict

_LOOK_SECONDS = 0.05

# Beyond the timeouts of the servers: to start Python, to look for other runs, to get through what is under way.
_PATIENCE_SECONDS = 45.0


class ProcessFailed(RedisMigrationError):
    """The process has failed; ``state`` is the last that it said."""

    def __init__(self, message: str, hint: str | None, state: LiveState) -> None:
        super().__init__(message, hint=hint)
        self.state = state


class Following:
    """The run of ``plan`` on this machine, for ``holder``. ``module``: whose ``main`` is the process behind it."""

    def __init__(self, plan: Plan, holder: Holder, module: str) -> None:
        self._plan = plan
        self._module = module
        self._holder = holder
        self._files = LiveFiles(plan)

    def __str__(self) -> str:
        return f"the {self._plan.source} into the {self._plan.target}"

    @property
    def runs(self) -> bool:
        state = self._files.read()
        return state is not None and state.alive

    def start(self, log_path: str | None, lease_seconds: float) -> tuple[LiveState, bool, str]:
        """The state, whether the process had to be started, and what had become of an earlier one, if anything.

        Raises :class:`RedisMigrationError` where it cannot be followed, or another playbook does.
        """
        with self._files.locked():
            state, before = self._files.read(), ""
            if state is not None and state.alive:
                if state.phase in (FOLLOWING, DRAINING):
                    self._check_mine(state)
                    self._files.write_holders({self._holder})
                    return state, False, ""
                before = f"The earlier process had failed: {state.message}" if state.phase == FAILED else ""
            elif state is not None:
                before = "The earlier process was killed."
            self._files.end()
            self._files.write_holders({self._holder})
            return self._start(log_path, lease_seconds), True, before

    def _check_mine(self, state: LiveState) -> None:
        others = [holder for holder in self._files.holders() if holder.pid and holder != self._holder]
        if others:
            raise RedisMigrationError(
                f"Another playbook (process {others[0].pid}) already follows {self}.",
                hint="Wait until it has ended, or end it; the process behind it ends with it.",
            )
        if state.options != options_key(self._plan):
            raise RedisMigrationError(
                f"A process already follows {self}, with other options.",
                hint="Give it the same options, or end it first with 'state: stopped'.",
            )

    def _start(self, log_path: str | None, lease_seconds: float) -> LiveState:
        order = Order(
            plan=plan_as_dict(self._plan),
            directory=self._files.directory,
            log_path=log_path and os.path.abspath(log_path),
            lease_seconds=lease_seconds,
        )
        answer = start(self._module, dataclasses.asdict(order), Deadline(self._patience))
        state = self._files.read()
        if answer.get("open") and state is not None:
            return state
        self._files.remove()
        raise RedisMigrationError(
            str(answer.get("message") or f"The process that follows {self} did not start."),
            hint=answer.get("hint") or "See that both servers answer, and run again.",
        )

    @property
    def _patience(self) -> float:
        return _PATIENCE_SECONDS + self._plan.timeout + self._plan.source.timeout + self._plan.target.timeout

    # -- while it runs ------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Say that the run is wanted. Raises :class:`RedisMigrationError` if it is not there."""
        self.state()
        with self._files.locked():
            holders = self._files.holders()
            if not any(holder.pid for holder in holders - {self._holder}):
                self._files.write_holders({self._holder})

    def state(self, answer_to: str = "-") -> LiveState:
        """What the process says, in any case its answer to the request ``answer_to``.

        Raises :class:`RedisMigrationError` if there is no process, or it has failed or was killed.
        """
        state = self._files.read()
        if state is None:
            raise RedisMigrationError(
                f"No process here follows {self}.",
                hint="Start it with 'state: started' in the same play and with the same source, target, databases and"
                " database_map; it ends with the playbook that started it.",
            )
        if state.answered == answer_to or (state.alive and state.phase in (FOLLOWING, DRAINING)):
            return state
        with self._files.locked():
            self._files.end()
        if state.message:
            raise ProcessFailed(f"The process that follows {self} has failed: {state.message}", state.hint, state)
        if state.phase == PROVED:
            raise RedisMigrationError(
                f"The process that followed {self} has proved both equal and let go of them.",
                hint="What was written since is unknown to it. Start it again with 'state: started' to compare once more.",
            )
        raise RedisMigrationError(
            f"The process that follows {self} was killed, so what has changed since is unknown.",
            hint="Start it again with 'state: started'; it compares everything and moves what differs.",
        )

    def news(self, since: float) -> LiveState:
        """What the process says at a moment after ``since`` (monotonic). Raises as :meth:`state`."""
        deadline = Deadline(self._patience)
        while True:
            state = self.state()
            if state.at > since:
                return state
            if deadline.passed():
                raise self._no_answer(deadline.seconds)
            time.sleep(_LOOK_SECONDS)

    def drain(self, seconds: float) -> LiveState:
        """Have the last changes carried over, within ``seconds``; the state has the result. Raises as :meth:`state`."""
        number, deadline = secrets.token_hex(8), Deadline(seconds + self._patience)
        self._files.write_request({"id": number, "at": time.monotonic(), "seconds": seconds})
        while True:
            state = self.state(number)
            if state.answered == number:
                return state
            if deadline.passed():
                raise self._no_answer(deadline.seconds)
            time.sleep(_LOOK_SECONDS)

    def _no_answer(self, seconds: float) -> RedisMigrationError:
        state = self._files.read()
        where = f" Its log is {state.log}." if state else ""
        return RedisMigrationError(
            f"The process that follows {self} has not answered for {seconds:.0f} s.{where}",
            hint="See that both servers answer. Run the playbook again; a play of your own ends it with 'state: stopped' first.",
        )

    # -- the end ------------------------------------------------------------------------------------------------

    def stop(self) -> bool:
        """End the process and remove all that is left of it. Returns whether it ran."""
        with self._files.locked():
            return self._files.end()

    def close(self) -> None:
        """The call is over: leave nothing behind where there is nothing to follow."""
        self._files.remove_directory_if_empty()
