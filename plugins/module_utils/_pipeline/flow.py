# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs many small jobs over a few pipes at once, on one thread.

A job is a generator that reads like the sequence of commands it sends. It yields what it waits for:

- a :class:`Call`, or a tuple of calls to different pipes: sent back are the replies (a list per call);
- :class:`Take`: an amount of a :class:`Gate`, which bounds what is in flight;
- :class:`Sleep`: seconds (rate limits).

When a pipe breaks, it is opened again with backoff within ``patience`` seconds, and every job that waited for it gets
:class:`Reconnected` thrown in; :func:`restarting` starts such a job anew.
"""

from __future__ import annotations

import collections
import heapq
import itertools
import selectors
import time
import typing as t

from .._connection.patience import at_once
from .._errors import ConnectError, RedisMigrationError
from .._process import output_is_read
from .job import Gate, Job, LostAgain, Reconnected, Reopen, Sleep, Take, Unsteady
from .pipe import Call, Pipe, PipeLost, ReplyTooLarge
from .still_wanted import StillWanted
from .task import Outage, Task, place_of

_FIRST_BACKOFF = 0.1
_LONGEST_BACKOFF = 3.0

# So often the very same commands may lose their connection before it is they that an end does not bear.
_LOSSES = 8

# A connection that has served so long since it was opened, in seconds, is no longer failing.
_STEADY = 5.0


class Flow:
    """Drives jobs until none is left.

    ``patience``: seconds a lost connection is tried again before its error is raised.
    ``on_open(pipe)`` is called after a pipe was opened, be it again, and may raise to end the run (the server behind it may
    be another one). ``still_wanted`` tells whether somebody waits for the end of the run.
    """

    def __init__(
        self,
        patience: float,
        on_open: t.Callable[[Pipe], None] | None = None,
        still_wanted: t.Callable[[], bool] = output_is_read,
    ) -> None:
        self._patience = patience
        self._on_open = on_open
        self._wanted = StillWanted(still_wanted)
        self._selector = selectors.DefaultSelector()
        self._pipes: dict[Pipe, int] = {}
        self._ready: collections.deque[tuple[Task, t.Any, BaseException | None]] = collections.deque()
        self._sleeping: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._tasks: set[Task] = set()
        # These end with the others, or go on when there are others again.
        self._background: set[Task] = set()
        self.reconnects = 0
        # How long each pipe has been failing, so that an end that fails at every try is not tried for ever.
        self._outages: dict[Pipe, Outage] = {}
        self._finished = 0

    def add_pipe(self, pipe: Pipe) -> Pipe:
        """Open ``pipe`` and take it into the loop. An end that answered a moment ago is waited for."""
        self._reopen(pipe, first=True)
        return pipe

    def add_pipes(self, *pipes: Pipe, spare: t.Sequence[Pipe] = ()) -> None:
        """As :meth:`add_pipe`, of all at once, as a far end takes some round trips for each.

        ``spare``: what a run can do without, and is left closed where it cannot be opened.
        """
        everyone = [*pipes, *spare]
        at_once([pipe.open for pipe in everyone])
        try:
            for pipe in pipes:
                self._reopen(pipe, first=True, opened=pipe.is_open)
            for pipe in spare:
                if pipe.is_open:
                    self._reopen(pipe, first=True, opened=True)
                else:
                    pipe.close()
        except BaseException:
            for pipe in everyone:
                pipe.close()
            raise

    def spawn(self, job: Job[object], *, background: bool = False) -> None:
        """Run ``job`` beside the others. One in the ``background`` is nothing that a run waits for."""
        task = Task(job)
        (self._background if background else self._tasks).add(task)
        self._ready.append((task, None, None))

    def give(self, gate: Gate, amount: float) -> None:
        """Give back what was taken from ``gate``."""
        gate.give(amount)
        while gate.waiting and gate.fits(gate.waiting[0][0]):
            wanted, task = gate.waiting.popleft()
            if task.alive:
                gate.take(wanted)
                self._ready.append((task, None, None))

    def note_progress(self) -> None:
        """Count a part of a job as work that got through: an end that lets some of it pass is not given up."""
        self._finished += 1

    def run(self) -> None:
        """Drive all jobs to their end. The first exception of a job ends all of them and is raised."""
        try:
            while self._tasks:
                self._step_ready()
                if self._tasks and not self._ready:
                    self._wait()
        except BaseException:
            self._abandon()
            raise

    def leave(self) -> None:
        """All is done: close, but leave the connections to whoever needs them next."""
        self._abandon()
        for pipe in self._pipes:
            self._selector.unregister(pipe)
            pipe.leave()
        self._pipes.clear()

    def close(self) -> None:
        """Close all pipes and forget all jobs."""
        self._abandon()
        for pipe in self._pipes:
            pipe.close()
        self._pipes.clear()
        self._selector.close()

    def _abandon(self) -> None:
        for task in (*self._tasks, *self._background):
            task.alive = False
            task.job.close()
        self._tasks.clear()
        self._background.clear()
        self._ready.clear()
        self._sleeping.clear()

    def _step_ready(self) -> None:
        ready = self._ready
        while ready:
            task, value, error = ready.popleft()
            if not task.alive:
                continue
            try:
                wanted = task.job.throw(error) if error is not None else task.job.send(value)
            except StopIteration:
                task.alive = False
                self._tasks.discard(task)
                self._background.discard(task)
                self._finished += 1
                continue
            except Unsteady as unsteady:
                raise RuntimeError("a job must run under restarting()") from unsteady
            except (TypeError, ValueError, LookupError, AttributeError) as exc:
                # A reply of a shape that nobody foresaw. Its run ends with what it has counted.
                raise RedisMigrationError(
                    f"An end answered in a way that Redis would not, and it cannot be read ({place_of(exc)}).",
                    hint="Look at what answers there: a proxy in between, or a product that differs from Redis. If it is a"
                    " Redis, report this as a fault of the collection.",
                ) from exc
            self._wait_for(task, wanted)

    def _wait_for(self, task: Task, wanted: t.Any) -> None:
        if isinstance(wanted, Call):
            task.calls, task.single, task.missing = (wanted,), True, 1
            self._submit(task, wanted)
        elif isinstance(wanted, Take):
            if not wanted.gate.waiting and wanted.gate.fits(wanted.amount):
                wanted.gate.take(wanted.amount)
                self._ready.append((task, None, None))
            else:
                wanted.gate.waiting.append((wanted.amount, task))
        elif isinstance(wanted, tuple) and not isinstance(wanted, (Sleep, Reopen)):
            task.calls, task.single, task.missing = wanted, False, len(wanted)
            for call in wanted:
                self._submit(task, call)
        elif isinstance(wanted, Sleep):
            heapq.heappush(self._sleeping, (time.monotonic() + wanted.seconds, next(self._order), task))
        else:
            if time.monotonic() - wanted.since > self._patience:
                raise wanted.error
            self._recover(wanted.pipe, wanted.error, also=task)

    def _submit(self, task: Task, call: Call) -> None:
        call.owner = task
        if call.left == 0:
            self._complete(call)
            return
        idle = not call.pipe.wants_write
        call.pipe.submit(call)
        if idle:
            try:
                call.pipe.send()
            except PipeLost:
                # The next pass of the loop meets the same error where it is dealt with.
                return

    def _complete(self, call: Call) -> None:
        task = call.owner
        if task is None or not task.alive or call not in task.calls:
            return
        if task.lost:
            task.lost.pop(call.likeness, None)
        task.missing -= 1
        if not task.missing:
            calls, task.calls = task.calls, ()
            self._ready.append((task, calls[0].replies if task.single else [c.replies for c in calls], None))

    def _wait(self) -> None:
        self._wanted.check()
        for pipe, mask in list(self._pipes.items()):
            want = selectors.EVENT_READ | (selectors.EVENT_WRITE if pipe.wants_write else 0)
            if want != mask:
                self._selector.modify(pipe, want)
                self._pipes[pipe] = want
        timeout = 0.5
        if self._sleeping:
            timeout = min(timeout, max(0.0, self._sleeping[0][0] - time.monotonic()))
        for key, events in self._selector.select(timeout):
            pipe = t.cast(Pipe, key.fileobj)
            try:
                if events & selectors.EVENT_WRITE:
                    pipe.send()
                if events & selectors.EVENT_READ:
                    pipe.receive(self._complete)
                    if pipe in self._outages:
                        self._look_for_progress(pipe)
            except PipeLost as lost:
                self._recover(pipe, lost.error, closed=True)
                return
            except ReplyTooLarge as too_large:
                self._recover(pipe, too_large, at_head=too_large)
                return
        now = time.monotonic()
        while self._sleeping and self._sleeping[0][0] <= now:
            self._ready.append((heapq.heappop(self._sleeping)[2], None, None))
        for pipe in self._pipes:
            if pipe.busy and now - pipe.last_progress > pipe.endpoint.timeout:
                error = ConnectError(
                    f"The {pipe.endpoint} stopped answering: nothing arrived for {pipe.endpoint.timeout:g} s.",
                    hint="Check the server and the network; where it is only slow, raise the endpoint's 'timeout'.",
                    transient=True,
                )
                self._give_up_if_stuck(pipe, error)
                self._recover(pipe, error)
                return

    def _give_up_if_stuck(self, pipe: Pipe, error: RedisMigrationError) -> None:
        """Raise ``error`` when the first job waiting has met nothing but silence for longer than the patience.

        The connection alone does not tell: an end may answer everything but the one command that it holds back.
        """
        task = pipe.unanswered()[0].owner
        if task is not None:
            task.silence += pipe.endpoint.timeout
            if task.silence > self._patience:
                raise error

    def _look_for_progress(self, pipe: Pipe) -> None:
        outage = self._outages[pipe]
        if self._finished > outage.finished or time.monotonic() - outage.reopened > _STEADY:
            del self._outages[pipe]

    def _recover(
        self,
        pipe: Pipe,
        error: RedisMigrationError,
        *,
        also: Task | None = None,
        at_head: BaseException | None = None,
        closed: bool = False,
    ) -> None:
        """Open ``pipe`` again; whoever waited for it learns of it. ``closed``: the other side closed it under their commands."""
        lost = pipe.unanswered()
        self._reopen(pipe, error=None if at_head else error)
        for position, call in enumerate(lost):
            task = call.owner
            if task is not None and task.alive and call in task.calls:
                task.calls = ()
                reason: BaseException = Reconnected()
                if at_head is not None and position == 0:
                    reason = at_head
                elif closed:
                    task.lost[call.likeness] += 1
                    if task.lost[call.likeness] >= _LOSSES:
                        reason = LostAgain(pipe, error)
                self._ready.append((task, None, reason))
        if also is not None:
            self._ready.append((also, None, Reconnected()))

    def _reopen(
        self, pipe: Pipe, *, first: bool = False, opened: bool = False, error: RedisMigrationError | None = None
    ) -> None:
        """``opened``: it is open, and only has to be taken into the loop."""
        if pipe in self._pipes:
            self._selector.unregister(pipe)
            del self._pipes[pipe]
        if not opened:
            pipe.close()
        now = time.monotonic()
        outage = self._outages.setdefault(pipe, Outage(now)) if error is not None else Outage(now)
        deadline = outage.since + self._patience
        backoff = _FIRST_BACKOFF
        while True:
            if error is not None:
                if time.monotonic() >= deadline:
                    raise error
                self._wanted.check()
                time.sleep(min(backoff, max(0.0, deadline - time.monotonic())))
            try:
                if not opened:
                    pipe.open()
                opened = False
                if self._on_open:
                    self._on_open(pipe)
                break
            except ConnectError as exc:
                pipe.close()
                if not exc.transient or time.monotonic() + backoff >= deadline:
                    raise
                error = exc
                backoff = min(backoff * 2, _LONGEST_BACKOFF)
            except BaseException:
                # It is in no list any more from which close() would know it.
                pipe.close()
                raise
        outage.reopened, outage.finished = time.monotonic(), self._finished
        if error is not None:
            self.reconnects += 1
        self._selector.register(pipe, selectors.EVENT_READ)
        self._pipes[pipe] = selectors.EVENT_READ
