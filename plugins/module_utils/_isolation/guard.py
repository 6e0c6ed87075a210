# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small process that watches over a pause of writes: renews it as long as the playbook runs, and ends it with it.

Ansible runs no task any more once it is interrupted or killed, so nothing of a playbook could undo the pause then.
The guard holds the endpoint in its memory only; it sends nothing but CLIENT PAUSE and CLIENT UNPAUSE.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._errors import RedisMigrationError
from .._process import end_process, is_alive, process_identity
from .._server.info import Server
from .pause import pause_writes, release_writes

_WATCH_SECONDS = 0.5
_RELEASE_TRIES = 20

# How long applications may write to the new primary of a service, once it is named.
_SERVICE_SECONDS = 1.0


class Process(t.NamedTuple):
    """A process of this machine; ``identity`` tells it from others that get its number later."""

    pid: int
    identity: str

    @property
    def runs(self) -> bool:
        """Whether it runs, and here: one of another machine does not."""
        return is_alive(self.pid, self.identity)


# The servers that are paused, as they are now. Raises RedisMigrationError.
Find = t.Callable[[], t.Sequence[tuple[Endpoint, Server]]]


def start_guard(find: Find, seconds: float, owner: Process) -> Process | None:
    """A guard over a pause of ``seconds`` that has just begun, for as long as ``owner`` runs; None if it does not."""
    if not owner.runs:
        return None
    child = os.fork()
    if child:
        return Process(child, process_identity(child) or "")
    # From here on nothing of the module may go on, whatever happens.
    try:
        _detach()
        _watch(find, seconds, owner)
    finally:
        os._exit(0)


def stop_guard(guard: Process) -> None:
    """End a guard without its ending the pause."""
    end_process(guard.pid, guard.identity)


def _detach() -> None:
    """Out of the reach of a Ctrl-C, and of those who wait for the module's output."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.chdir("/")


def _watch(find: Find, seconds: float, owner: Process) -> None:
    known: dict[str, tuple[Endpoint, Server]] = {}
    renewed = float("-inf")
    every = 0.0
    while owner.runs:
        if time.monotonic() - renewed >= every:
            # What cannot be asked is still where it was, or tried again in the next round.
            with contextlib.suppress(RedisMigrationError):
                known = {str(endpoint): (endpoint, server) for endpoint, server in find()}
            # A new primary knows of no pause.
            moves = any(endpoint.moves for endpoint, _server in known.values())
            every = min(seconds / 3, _SERVICE_SECONDS) if moves else seconds / 3
            done = [_pause(endpoint, server, seconds) for endpoint, server in known.values()]
            if done and all(done):
                renewed = time.monotonic()
        time.sleep(_WATCH_SECONDS)
    for _attempt in range(_RELEASE_TRIES):
        for name in [name for name, (endpoint, _server) in known.items() if _release(endpoint)]:
            del known[name]
        if not known:
            return
        time.sleep(_WATCH_SECONDS)


def _pause(endpoint: Endpoint, server: Server, seconds: float) -> bool:
    """Whether it could be renewed."""
    with contextlib.suppress(RedisMigrationError), client(endpoint) as redis_client:
        pause_writes(redis_client, endpoint, server, seconds)
        return True
    return False


def _release(endpoint: Endpoint) -> bool:
    """Whether it could be ended."""
    with contextlib.suppress(RedisMigrationError), client(endpoint) as redis_client:
        release_writes(redis_client)
        return True
    return False
