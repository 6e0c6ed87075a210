# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job takes: seconds, and the processor time of the worker and of both servers, which a busy machine bends less."""

from __future__ import annotations

import resource
import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.support.servers import RedisServer


class Measured(NamedTuple):
    """Seconds by the clock, and seconds of processor time. ``worker``: of all processes that the job started."""

    seconds: float
    worker: float
    source: float
    target: float

    def per_key(self, keys: int) -> str:
        """The processor time in microseconds a key."""
        return ", ".join(f"{name} {value / keys * 1e6:.1f}" for name, value in zip(self._fields[1:], self[1:]))


class Own(NamedTuple):
    """Seconds of a job, and of processor time, by its own word: without the start of an interpreter."""

    seconds: float
    worker: float


def measure(job: Callable[[], float | Own], source: RedisServer, target: RedisServer) -> Measured:
    """Run ``job``, which waits for the processes that it starts, and returns seconds."""
    worker, here, there = _cpu(), server_cpu(source), server_cpu(target)
    own = job()
    if not isinstance(own, Own):
        own = Own(own, _cpu() - worker)
    return Measured(*own, server_cpu(source) - here, server_cpu(target) - there)


def median(all_rounds: Sequence[Measured]) -> Measured:
    """Each figure's own median."""
    return Measured(*(statistics.median(figures) for figures in zip(*all_rounds, strict=True)))


def server_cpu(server: RedisServer) -> float:
    """Seconds of processor time that ``server`` has used."""
    info = server.client().info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def _cpu() -> float:
    """Of processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
