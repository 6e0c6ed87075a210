# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process behind a live run: follows until it is asked to drain, and ends itself.

It gets everything, credentials included, through its standard input. What it knows of itself is in a file, which modules
read; what it did is in a log, which people read. It ends when it is told to (SIGTERM), and when the playbook that holds it
is gone. Once it has proved both ends equal, or has failed, it lets go of both servers and waits to be asked about it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
import traceback
import typing as t

from .._background.child import begin, report
from .._errors import RedisMigrationError
from .._migrate.progress import Plan
from .._process import process_identity
from .order import (
    COUNTED,
    DRAINING,
    FAILED,
    FOLLOWING,
    PROVED,
    LiveFiles,
    LiveState,
    Order,
    options_key,
    plan_from_dict,
)
from .result import LiveResult, Status

# How long a step may take: of the first walk, and after it, when a request to drain may come any moment.
_WALK_SECONDS = 1.0
_STEP_SECONDS = 0.1

_TELL_SECONDS = 0.2
_LOG_SECONDS = 10.0
_WATCH_SECONDS = 0.5

# How long it may take to let go of both servers.
_GRACE_SECONDS = 4.0


class Log:
    """Lines with the time for an operator: numbers and sentences."""

    def __init__(self, path: str) -> None:
        self._stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", buffering=1)

    def say(self, text: str) -> None:
        # A disk that is full does not end a run.
        with contextlib.suppress(OSError):
            self._stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S%z')} {text}\n")


class Run(t.Protocol):
    """What is followed by: a :class:`follow.Follower`, or what does the same of clusters."""

    @property
    def status(self) -> Status: ...

    @property
    def done(self) -> dict[str, t.Any]: ...

    def step(self, seconds: float = 1.0) -> Status: ...

    def drain(self, seconds: float = 60.0) -> LiveResult: ...

    def close(self) -> None: ...


# An open run of a plan, for as long as it is wanted. Raises RedisMigrationError.
OpenRun = t.Callable[[Plan, t.Callable[[], bool]], Run]


class LiveProcess:
    def __init__(self, order: Order, open_run: OpenRun) -> None:
        self._plan = plan_from_dict(order.plan)
        self._lease = order.lease_seconds
        self._files = LiveFiles(self._plan, order.directory)
        self._over = threading.Event()
        self._done = threading.Event()
        self._reason = "it was told to end"
        self._ending = contextlib.ExitStack()
        self._told = self._logged = 0.0
        self._opened = float("inf")
        self._open_run = open_run
        self._follower: Run
        path = order.log_path or self._files.log_path
        self._log = Log(path)
        self._state = LiveState(
            pid=os.getpid(), identity=process_identity(os.getpid()) or "", options=options_key(self._plan), log=path
        )

    def stop(self) -> None:
        self._over.set()

    def run(self, tell: t.Callable[[dict[str, t.Any]], None]) -> None:
        """Open, tell, follow; returns when it is over and everything is cleaned up."""
        threading.Thread(target=self._watch, name="lease", daemon=True).start()
        self._log.say(f"Begin to follow the {self._plan.source} into the {self._plan.target}.")
        try:
            try:
                self._follower = self._open_run(self._plan, lambda: not self._over.is_set())
            except RedisMigrationError as exc:
                self._log.say(f"It cannot be followed: {exc}")
                tell({"open": False, "message": exc.message, "hint": exc.hint})
                return
            self._opened = time.time()
            self._note(self._follower.status)
            tell({"open": True})
            self._work()
            self._over.wait()
        finally:
            self._clean_up()

    # -- the work -----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Follow, until it is proved or has failed or is over; then both servers are let go."""
        try:
            while self._state.phase == FOLLOWING and not self._over.is_set():
                request = self._files.request()
                if request and request["id"] != self._state.answered:
                    self._drain(request)
                else:
                    walked = self._follower.status.walked
                    self._note(self._follower.step(_STEP_SECONDS if walked else _WALK_SECONDS))
        except RedisMigrationError as exc:
            self._fail(exc.message, exc.hint)
        except Exception as exc:  # whatever it is: who asks next has to learn of it
            self._log.say(traceback.format_exc())
            self._fail(f"The process met a fault of the program: {exc!r}.", "Start it again, and report the fault.")
        finally:
            self._follower.close()

    def _drain(self, request: dict[str, t.Any]) -> None:
        self._log.say("Drain: carry over the last changes.")
        self._tell(DRAINING)
        result = self._follower.drain(request["seconds"])
        seconds = time.monotonic() - request["at"]
        self._state.answered = request["id"]
        self._state.result = {**result.as_dict(), "drain_seconds": round(seconds, 3)}
        self._state.status = self._told_status(self._follower.status)
        self._log.say(_verdict(result, seconds))
        self._tell(PROVED if result.proved else FOLLOWING)

    def _fail(self, message: str, hint: str | None) -> None:
        if self._over.is_set():
            return
        self._log.say(f"Failed: {message} {hint or ''}")
        self._state.status = self._told_status(self._follower.status)
        self._state.result = self._follower.done
        self._state.message, self._state.hint = message, hint
        self._tell(FAILED)

    # -- what is told -------------------------------------------------------------------------------------------

    def _told_status(self, status: Status) -> dict[str, t.Any]:
        follower = self._follower
        return {**dataclasses.asdict(status), **{name: getattr(follower, name) for name in COUNTED}}

    def _note(self, status: Status) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._state.status = self._told_status(status)
            self._tell(FOLLOWING)
        if now - self._logged >= _LOG_SECONDS:
            self._logged = now
            self._log.say(status.line)

    def _tell(self, phase: str) -> None:
        self._told = self._state.at = time.monotonic()
        self._state.phase = phase
        self._files.write(self._state)

    # -- the lease ----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Has the process end, whatever it is doing then, once nobody wants it any more."""
        while not self._over.wait(_WATCH_SECONDS):
            if self._nobody_asks():
                self._reason = f"nobody has asked for {self._lease:.0f} s"
                self._over.set()
            elif lock := self._files.lock_if_unheld():
                self._reason = "the playbook is gone"
                self._ending = lock
                self._over.set()
        if not self._done.wait(_GRACE_SECONDS):
            # It waits for a server that does not answer.
            self._clean_up()
            os._exit(1)

    def _nobody_asks(self) -> bool:
        """Where the playbook cannot be seen, as on another machine, modules have to ask now and then."""
        holders = self._files.holders()
        unseen = holders and not any(holder.pid for holder in holders)
        return bool(unseen and time.time() - max(self._opened, self._files.renewed()) > self._lease)

    def _clean_up(self) -> None:
        self._log.say(f"The end: {self._reason}." if self._over.is_set() else "The end.")
        self._done.set()
        with self._ending:
            self._files.remove()
        self._files.remove_directory_if_empty()


def _verdict(result: LiveResult, seconds: float) -> str:
    if not result.proved:
        return f"Not proved equal after {seconds:.1f} s: {result.reason}"
    return (
        f"Proved equal after {seconds:.1f} s: {result.keys} keys, {result.in_drain} of them compared in the drain, the others"
        " while they were followed."
    )


def run_process(order: dict[str, t.Any], open_run: OpenRun) -> None:
    """C(order) is an Order as a dictionary."""
    try:
        process = LiveProcess(Order(**order), open_run)
    except OSError as exc:
        report({"open": False, "message": f"The log cannot be written: {exc}.", "hint": "Choose another log_path."})
        return
    begin(process.stop)
    process.run(report)
