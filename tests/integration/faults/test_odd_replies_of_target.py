# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As test_odd_replies.py, at the end that is written to; and of a preflight, at either end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.restore import Restore
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.restore_plan import RestorePlan
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import redis_restore
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from tests.conftest import ServerFactory, soak
from tests.integration.faults.test_odd_replies import GREETING, LARGE, ODD, OddReplies, fill
from tests.support import engine, oracle
from tests.support.attempt import attempt
from tests.support.run import run_module
from tests.support.servers import RedisServer


class Scene(NamedTuple):
    """Two servers, a proxy before each, and a backup of the source."""

    source: RedisServer
    target: RedisServer
    at_source: OddReplies
    at_target: OddReplies
    backup: Path

    @property
    def here(self) -> dict[str, Any]:
        return self.source.endpoint(port=self.at_source.port, timeout=2)

    @property
    def there(self) -> dict[str, Any]:
        return self.target.endpoint(port=self.at_target.port, timeout=2)

    def nothing_is_made_up(self, done: Mapping[str, int], failed: int) -> None:
        """`done` are counters of keys that are at the target now."""
        held = self.target.client().dbsize()
        assert sum(done.values()) <= held, (done, held)
        if not failed:
            assert not oracle.compare(self.source, self.target, delivery_tolerance_ms=3_600_000)


Work = Callable[[Scene], None]


def migrate(strategy: str) -> Work:
    def work(scene: Scene) -> None:
        client = scene.target.client()
        client.flushall()
        client.set("string:1", "another value")
        client.rpush("small list", "another", "list")
        client.copy("small list", "small set")
        tried = attempt(scene.here, scene.there, strategy=strategy, timeout=1, large_key_bytes=LARGE)
        totals = tried.result["totals"]
        done = {name: totals[name] for name in ("copied", "updated", "unchanged")}
        scene.nothing_is_made_up(done, totals["failed"] if not tried.error else 1)

    return work


def restore(scene: Scene) -> None:
    scene.target.client().flushall()
    run = Restore(RestorePlan((str(scene.backup),), parse_endpoint(scene.there, "endpoint"), Selection(), timeout=1))
    try:
        run.run()
        error = False
    except engine.RedisMigrationError as exc:
        assert str(exc).rstrip().endswith("."), exc
        error = True
    totals = redis_restore.result_of(run.result)["totals"]
    scene.nothing_is_made_up({"restored": totals["restored"]}, totals["failed"] or error)


def look(scene: Scene) -> None:
    report = preflight(Question(scene.here, scene.there, Selection()))
    for finding in report.findings:
        assert finding.verdict.message, finding
    if report.left_out:
        assert not report.passed


WORKS: dict[str, Work] = {
    "copy": migrate("copy"),
    "migrate": migrate("migrate"),
    "rebuild": migrate("rebuild"),
    "restore": restore,
    "preflight": look,
}


@pytest.fixture
def scene(redis_server: ServerFactory, tmp_path: Path) -> Iterator[Scene]:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    with source.client() as client:
        fill(client)
    backup = tmp_path / "dump.rdb"
    assert run_module("redis_backup", endpoint=source.endpoint(), dest=str(backup)).ok
    with OddReplies(source.port) as at_source, OddReplies(target.port) as at_target:
        yield Scene(source, target, at_source, at_target, backup)


@pytest.mark.parametrize("kind", [kind if kind in ("error",) else soak(kind) for kind in ODD])
@pytest.mark.parametrize(
    ("work", "end"), [*((work, "target") for work in WORKS), ("migrate", "source"), ("preflight", "source")]
)
def test_every_command_may_be_answered_oddly(scene: Scene, work: str, end: str, kind: str) -> None:
    proxy = scene.at_target if end == "target" else scene.at_source
    WORKS[work](scene)
    commands = sorted(set(proxy.seen) - (set() if kind == "error" else set(GREETING)))
    problems = []
    for command in commands:
        # These are asked again and again, for another purpose each time.
        for skip in (0, 3) if command in (b"TIME", b"INFO", b"CONFIG") else (0,):
            proxy.order(command, ODD[kind], skip)
            try:
                WORKS[work](scene)
            except Exception as exc:  # all of them are wanted at once
                problems.append(f"{command.decode()} after {skip}: {type(exc).__name__}: {str(exc)[:300]}")
    proxy.order(b"", b"", 0)
    WORKS[work](scene)
    assert len(commands) > 4
    assert not problems, "\n".join(problems)
