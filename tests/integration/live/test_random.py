# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random commands of all kinds and random faults while a source is followed: equal at the latest after one more run.

Whatever happens, `proved` is said only of what an independent comparison calls equal; every write was acknowledged before.
`make test` runs an example for each pair of servers and for each fault. `make soak` draws new ones for SOAK_MINUTES (10),
each from a seed that it prints: SOAK_SEED=N begins there.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import process_identity
from tests.conftest import soak
from tests.support import dataset
from tests.support.attempt import TEMPORARY, until
from tests.support.engine import RedisMigrationError
from tests.support.faultproxy import FaultProxy
from tests.support.live_faults import FAULTS, Fault, Scene, Schedule
from tests.support.oracle import compare, report
from tests.support.random_runs import Pool, soak_seeds
from tests.support.run import run_module
from tests.support.servers import available
from tests.support.writers import Writers

from .test_follow import PAIRS as FOLLOWED_PAIRS
from .test_follow import following, walked

PAIRS = [*FOLLOWED_PAIRS, ("valkey-9", "valkey-9")]

# What an end that is away is waited for, in seconds.
AWAY = 5.0

# From the last question to both ends until it is known here that they are equal, at most.
MOMENT = 0.05

_NUMBERS = re.compile(r"\d+(\.\d+)*(:\d+)?")

happened: Counter[str] = Counter()


class Example(NamedTuple):
    pair: tuple[str, str]
    # Seconds after the fault before, or after the beginning; then what happens while it is followed, and in the drain.
    following: list[tuple[float, Fault]]
    draining: list[tuple[float, Fault]]
    strategy: str = "auto"
    upheavals: float = 0.0
    keys: int = 200
    seconds: float = 0.6
    seed: int = 1

    def __repr__(self) -> str:
        def names(faults: list[tuple[float, Fault]]) -> list[str]:
            return [f"{fault.__name__} after {seconds:.2f} s" for seconds, fault in faults]

        return str(self._replace(following=names(self.following), draining=names(self.draining))._asdict())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with contextlib.ExitStack() as stack:
        yield Pool(stack)


@contextlib.contextmanager
def scene_of(pool: Pool, pair: tuple[str, str]) -> Iterator[Scene]:
    servers = [pool.clean(pair[0], 0), pool.clean(pair[1], 1), pool.clean(pair[0], 2), pool.clean(pair[1], 3)]
    for other in servers[2:]:
        other.client().set("only at the other", 1)
    with FaultProxy(servers[0].port) as at_source, FaultProxy(servers[1].port) as at_target:
        yield Scene(*servers, at_source, at_target)  # type: ignore[arg-type]


def ends_equal(scene: Scene, example: Example) -> None:
    with (
        Writers(
            scene.source, (0, 3), keys=15, seed=example.seed, upheavals=example.upheavals, target=scene.target
        ) as writers,
        Schedule(example.following, scene) as schedule,
        contextlib.suppress(_Failed),
    ):
        _follow(scene, example, writers, schedule)
    writers.stop()
    happened.update(schedule.happened)
    another_run_ends_equal(scene, example.strategy)


class _Failed(Exception):
    """The first run ended with a sentence."""


def _follow(scene: Scene, example: Example, writers: Writers, schedule: Schedule) -> None:
    here = scene.source.endpoint(port=scene.at_source.port, timeout=3)
    there = scene.target.endpoint(port=scene.at_target.port, timeout=3)
    try:
        with following(here, there, strategy=example.strategy, prune=True, timeout=AWAY) as follower:
            end = time.monotonic() + example.seconds
            while time.monotonic() < end:
                follower.step(0.1)
            schedule.stop()
            writers.stop()
            with Schedule(example.draining, scene) as late:
                result = follower.drain(20)
                proved_at = time.monotonic()
            happened.update(f"{name} in the drain" for name in late.happened)
    except RedisMigrationError as exc:
        happened[f"failed: {_NUMBERS.sub('N', str(exc))[:150]}"] += 1
        assert str(exc).endswith("."), exc
        raise _Failed from None
    happened["proved" if result.proved else "not proved"] += 1
    if not schedule.happened and not late.happened:
        assert result.proved, (result.reason, result.failures[:3])
    if result.proved and late.lost_at < proved_at - MOMENT:
        found = compare(scene.source, scene.target)
        assert not found, report(found)
    elif not result.proved:
        assert str(result.reason).endswith("."), result.reason


def another_run_ends_equal(scene: Scene, strategy: str = "auto") -> None:
    # Where the source holds nothing any more, prune would rightly refuse.
    scene.source.client().set("always", "there")
    with following(scene.source, scene.target, strategy=strategy, prune=True) as follower:
        walked(follower)
        result = follower.drain()
    assert result.proved, (result.reason, result.failures[:3])
    found = compare(scene.source, scene.target)
    assert not found, report(found)
    for number in (0, 3, 5):
        assert not [key for key in scene.target.client(number).scan_iter(count=1000) if key.startswith(TEMPORARY)]


def fill(scene: Scene, count: int) -> None:
    for number in (0, 3):
        dataset.fill_benchmark(scene.source.client(number), "mixed", count)


def run(pool: Pool, example: Example) -> None:
    with scene_of(pool, example.pair) as scene:
        fill(scene, example.keys)
        try:
            ends_equal(scene, example)
        except BaseException:
            print(example)
            raise


@pytest.mark.parametrize(
    ("pair", "fault"),
    [(pair, FAULTS[number]) for number, pair in enumerate(PAIRS)],
    ids=lambda it: it.__name__ if callable(it) else "-to-".join(it),
)
def test_random_commands_and_a_fault_end_equal(pair: tuple[str, str], fault: Fault, pool: Pool) -> None:
    run(pool, Example(pair, [(0.2, fault)], [], upheavals=0.002))


@pytest.mark.parametrize("fault", [Scene.empty_target, soak(Scene.cut_feed)], ids=lambda fault: fault.__name__)
def test_a_fault_in_the_drain_ends_equal(fault: Fault, pool: Pool) -> None:
    run(pool, Example(("redis-7.0", "redis-8.2"), [], [(0.1, fault)], upheavals=0.002))


def example_of(number: int) -> Example:
    chance = random.Random(number)

    def faults(most: int, seconds: float) -> list[tuple[float, Fault]]:
        return [(chance.uniform(0, seconds), chance.choice(FAULTS)) for _fault in range(chance.randint(0, most))]

    return Example(
        pair=chance.choice([pair for pair in PAIRS if {*pair} <= {*available()}]),
        following=faults(3, 0.8),
        draining=faults(1, 0.3) if chance.random() < 0.3 else [],
        strategy=chance.choice(["auto", "auto", "auto", "rebuild"]),
        upheavals=chance.choice([0, 0.001, 0.01]),
        keys=chance.choice([0, 50, 300, 2000]),
        seconds=chance.uniform(0.1, 2.5),
        seed=number,
    )


@pytest.mark.soak
def test_random_commands_and_random_faults_end_equal(pool: Pool) -> None:
    for number in soak_seeds():
        run(pool, example_of(number))
    print(*(f"{count:5} {what}" for what, count in sorted(happened.items())), sep="\n")


# -- the process ------------------------------------------------------------------------------------------------------


def kill_process(pid: int, _playbook: subprocess.Popen[bytes]) -> None:
    os.kill(pid, signal.SIGKILL)


def kill_playbook(_pid: int, playbook: subprocess.Popen[bytes]) -> None:
    playbook.kill()


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("kill", [kill_process, kill_playbook], ids=lambda kill: kill.__name__)
def test_a_run_that_was_killed_is_finished_by_the_next(
    kill: Callable[..., None], seconds: float, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for pair in PAIRS:
        with scene_of(pool, pair) as scene:
            fill(scene, 1000)
            writers = Writers(scene.source, keys=15, upheavals=0.002, target=scene.target)
            with writers:
                playbook = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
                options: dict[str, Any] = {
                    "source": scene.source.endpoint(),
                    "target": scene.target.endpoint(),
                    "owner": {"pid": playbook.pid, "identity": process_identity(playbook.pid)},
                }
                log = Path(run_module("redis_live_sync", state="started", **options).ok["log"])
                pid = int(log.with_suffix(".json").read_text().split('"pid": ')[1].split(",")[0])
                time.sleep(seconds)
                kill(pid, playbook)
                playbook.kill()
                playbook.communicate()
                until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 30)
                run_module("redis_live_sync", state="stopped", **options)
                writers.stop()
                assert not list(tmp_path.iterdir())
                another_run_ends_equal(scene)
