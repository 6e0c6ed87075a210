# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs several parts at the same time, each in a process of its own: one thread of Python cannot feed a whole cluster.

A process is a fork of this one. It sends back how far it came, and the error that ended it; it ends when this one is gone.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import signal
import time
import typing as t

from .._errors import RedisMigrationError
from .._process import belong_to
from .kinds import P, Runner

# So long, in seconds, has a process that was told to stop to come to the end of what it had begun.
_GRACE = 15.0

_MOST = 4


def by_cores() -> int:
    """How many processes this machine has cores for, within reason: each takes its share of both ends, too."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST, cores))


class Outcome(t.NamedTuple, t.Generic[P]):
    """How far a part came, and what ended it before its end."""

    progress: P
    error: RedisMigrationError | None


class Crew(t.Generic[P]):
    """``most`` processes at once; with one everything is done in this process itself."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._done: list[tuple[int, Outcome[P]]] = []
        self._working: dict[int, _Worker[P]] = {}

    @property
    def has_room(self) -> bool:
        return len(self._working) + len(self._done) < self._most

    @property
    def is_idle(self) -> bool:
        return not self._working and not self._done

    def start(self, name: int, runner: Runner[P], seconds: float | None) -> None:
        """Run ``runner`` for about ``seconds``; :meth:`wait` tells what came of it, under its ``name``."""
        if self._most == 1:
            self._done.append((name, _ran(runner, seconds)))
        else:
            self._working[name] = _Worker(runner, seconds)

    def wait(self) -> tuple[int, Outcome[P]]:
        """The next that came to an end. Raises :class:`RedisMigrationError` for a process that died."""
        if self._done:
            return self._done.pop(0)
        with selectors.DefaultSelector() as selector:
            for name, worker in self._working.items():
                selector.register(worker.output, selectors.EVENT_READ, name)
            while True:
                for key, _events in selector.select():
                    worker = self._working[key.data]
                    if worker.read():
                        del self._working[key.data]
                        return key.data, worker.outcome()

    def stop(self) -> list[tuple[int, Outcome[P]]]:
        """Have all others end soon; what came of those that could still tell."""
        outcomes: list[tuple[int, Outcome[P]]] = []
        for worker in self._working.values():
            worker.tell_to_stop()
        deadline = time.monotonic() + _GRACE
        for name, worker in self._working.items():
            with contextlib.suppress(RedisMigrationError):
                worker.read_until(deadline)
                outcomes.append((name, worker.outcome()))
        self._working.clear()
        return outcomes

    def kill(self) -> None:
        """Leave no process behind."""
        for worker in self._working.values():
            worker.kill()
        self._working.clear()


def _ran(runner: Runner[P], seconds: float | None) -> Outcome[P]:
    try:
        runner.run(seconds)
    except RedisMigrationError as exc:
        return Outcome(runner.progress, exc)
    return Outcome(runner.progress, None)


class _Worker(t.Generic[P]):
    """A forked process and what it has sent so far."""

    def __init__(self, runner: Runner[P], seconds: float | None) -> None:
        self.output, its_end = os.pipe()
        self._received = bytearray()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self.output)
            _work(runner, seconds, its_end, parent)
        os.close(its_end)

    def read(self) -> bool:
        """Read what has come. Whether that is all."""
        piece = os.read(self.output, 1 << 20)
        self._received += piece
        return not piece

    def read_until(self, deadline: float) -> None:
        """Read to the end; a process that takes longer is killed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                if self.read():
                    return
        os.kill(self._pid, signal.SIGKILL)
        while not self.read():
            pass

    def outcome(self) -> Outcome[P]:
        """Behind all that it sent. Raises :class:`RedisMigrationError` where it died before it could tell."""
        os.close(self.output)
        _pid, status = os.waitpid(self._pid, 0)
        if not self._received:
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"code {os.WEXITSTATUS(status)}"
            raise RedisMigrationError(
                f"A process of the run ended in the middle of its part ({how}).",
                hint="Look into the system's log for what ended it (the machine may have run out of memory), then run again;"
                " 'processes: 1' needs the least memory.",
            )
        progress, error = pickle.loads(bytes(self._received))
        if error is not None and not isinstance(error, RedisMigrationError):
            raise error
        return Outcome(progress, error)

    def tell_to_stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.close(self.output)
        os.waitpid(self._pid, 0)


def _work(runner: Runner[P], seconds: float | None, output: int, parent: int) -> t.NoReturn:
    """What the new process does. It never goes back to what its parent was doing."""
    code = 1
    try:
        belong_to(parent)
        signal.signal(signal.SIGTERM, lambda _number, _frame: runner.stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            told: tuple[P, BaseException | None] = _ran(runner, seconds)
        except Exception as exc:
            # A fault of ours: the parent raises it.
            told = (runner.progress, exc.with_traceback(None))
        with os.fdopen(output, "wb") as stream:
            pickle.dump(tuple(told), stream)
        code = 0
    finally:
        os._exit(code)
