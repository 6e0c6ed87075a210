# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live migrations of apps that write all the time: what they were told is written is there, and they stop for seconds."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support import dataset
from tests.support.attempt import until
from tests.support.cf_scene import Interruption, Scene, scene
from tests.support.cf_sim import App
from tests.support.report_schema import check_run
from tests.support.run import PlaybookRun
from tests.support.servers import RedisServer
from tests.support.writers import Writers

__all__ = ["scene"]

GATE = "go"


def run(
    scene: Scene,
    playbook: str = "migrate",
    *arguments: str,
    started: Callable[[int], None] | None = None,
    **variables: Any,
) -> PlaybookRun:
    return scene.run(
        playbook,
        *arguments,
        started=started,
        environment={"XDG_RUNTIME_DIR": str(scene.directory)},
        redis_migration_live=True,
        redis_migration_progress_seconds=0.5,
        redis_migration_cutover=True,
        **variables,
    )


def missing(server: RedisServer, apps: list[App]) -> list[str]:
    """Keys whose writing was acknowledged, by either server, that this one does not hold with that value."""
    written = {entry.key: entry.value for app in apps for entry in app.written}
    names = list(written)
    assert len(names) > 100
    there = server.client().mget(names)
    return [name for name, value in zip(names, there) if value != written[name].encode()]


def assert_nothing_left(scene: Scene) -> None:
    until(lambda: not (scene.directory / f"redis-migration-live-{os.getuid()}").exists(), 30)


def waiting_process(scene: Scene) -> int:
    """The process that follows, once it has compared everything and the run has begun to wait for its gate."""
    found: dict[str, Any] = {}

    def walked() -> bool:
        for path in scene.directory.glob("redis-migration-live-*/*.json"):
            with contextlib.suppress(OSError, ValueError):
                found.update(json.loads(path.read_text()))
        return bool(found.get("status", {}).get("walked"))

    until(walked, 300)
    # Who waits says so to the process each time that a line is printed.
    (renewed,) = scene.directory.glob("redis-migration-live-*/*.holders")
    for _line in range(3):
        before = renewed.stat().st_mtime_ns
        until(lambda: renewed.stat().st_mtime_ns != before, 60)  # noqa: B023
    return int(found["pid"])


def untouched(scene: Scene, apps: list[App]) -> bool:
    """Whether apps are where they were, and write there; and nothing of the run is left."""
    until(lambda: not (scene.directory / f"redis-migration-live-{os.getuid()}").exists(), 30)
    before = [len(app.written_to("orders-old")) for app in apps]
    until(lambda: all(len(app.written_to("orders-old")) > many for app, many in zip(apps, before)), 10)
    return scene.bound() == (["app-0", "app-1"], []) and [app.state for app in apps] == ["STARTED", "STARTED"]


@contextlib.contextmanager
def meanwhile(scene: Scene, does: Callable[[], None]) -> Iterator[None]:
    """Do it while the run waits. If it fails, the run is let go on, and the test fails."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            does()
        except BaseException as error:
            failed.append(error)
            (scene.directory / GATE).touch()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join()
    assert not failed, failed


def test_apps_stop_for_the_last_changes_only(scene: Scene) -> None:
    dataset.fill_benchmark(scene.source.client(), "mixed", 2000)
    apps = scene.apps(2)
    # Ctrl-C.
    interruption = Interruption(signal.SIGINT)

    def interrupt() -> None:
        waiting_process(scene)
        interruption()

    with meanwhile(scene, interrupt):
        assert run(scene, started=interruption.started, redis_migration_cutover_gate=GATE).returncode != 0
    assert untouched(scene, apps)

    def give_way() -> None:
        waiting_process(scene)
        (scene.directory / GATE).touch()

    with meanwhile(scene, give_way):
        moved = run(scene, "migrate", "-vvvv", redis_migration_cutover_gate=GATE).ok
    assert "PROVED equal" in moved.output and "SENTINEL" not in moved.output
    assert "skipping:" not in moved.output
    assert scene.bound() == ([], ["app-0", "app-1"])
    until(lambda: all(app.written_to("orders-new") for app in apps), 20)
    assert missing(scene.target, apps) == []
    check_run(scene.directory / "redis-migration-report/latest")
    (migration,) = json.loads((scene.directory / "redis-migration-report/report.json").read_text())["migrations"]
    off = min(
        next(entry.at for entry in app.written if entry.instance == "orders-new")
        - max(entry.at for entry in app.written if entry.instance == "orders-old")
        for app in apps
    )
    parts = migration["downtime"]["parts"]
    assert [part["phase"] for part in parts] == ["isolate", "move", "cutover", "ansible"]
    assert migration["downtime_seconds"] > off - 1, "from before the first app is stopped until all run"
    assert 0 < migration["downtime"]["since_last_change"] <= migration["downtime_seconds"]
    assert migration["live"]["verified"]["unchanged_since"] >= 2000
    assert_nothing_left(scene)

    scene.sim.requests.clear()
    assert run(scene).ok.changed == 0
    assert scene.writes() == []

    # And back with the data, to a server that is older.
    with scene.target.client() as client:
        gone = sorted(key for key in client.scan_iter(count=1000) if not key.startswith(b"app-"))[:20]
        assert client.delete(*gone) == 20
        client.hset("since", mapping={"the": "cutover"})
        client.function_load("#!lua name=since\nredis.register_function('cutover', function() return 1 end)")
    back = run(scene, "rollback", "-vvvv", redis_migration_rollback_data=True).ok
    assert "SENTINEL" not in back.output
    assert "skipping:" not in back.output
    assert "Functions left behind: since." in " ".join(back.output.split()), "Redis 6.2 has no functions"
    assert "was brought back" in " ".join(back.output.split())
    assert scene.bound() == (["app-0", "app-1"], [])
    until(lambda: all(app.written[-1].instance == "orders-old" for app in apps), 20)
    assert missing(scene.source, apps) == []
    with scene.source.client() as client:
        assert client.hgetall("since") == {b"the": b"cutover"}
        assert client.exists(*gone) == 0
    assert_nothing_left(scene)


@pytest.mark.soak
def test_a_process_that_dies_and_a_writer_that_nobody_stops(scene: Scene) -> None:
    apps = scene.apps(2)
    # A process that dies: the run notices it while it waits.
    with meanwhile(scene, lambda: os.kill(waiting_process(scene), signal.SIGKILL)):
        killed = run(scene, redis_migration_cutover_gate=GATE)
    assert killed.returncode == 2 and "FAILED in wait" in killed.output and "was killed" in killed.output
    assert re.search(r"orders: following: .* lag .* s; waiting", killed.output)
    assert untouched(scene, apps)

    assert run(scene).ok
    assert scene.bound() == ([], ["app-0", "app-1"])
    with Writers(scene.target, databases=(0,), keys=3):
        back = run(scene, "rollback", redis_migration_rollback_data=True, redis_migration_live_patience_seconds=5)
    said = " ".join(back.output.split())
    assert back.returncode == 2 and re.search("something (still )?writes to", said), back.output[-6000:]
    assert "every app runs on the target again" in said
    assert scene.bound() == ([], ["app-0", "app-1"]) and [app.state for app in apps] == ["STARTED", "STARTED"]
    assert missing(scene.target, apps) == []
    assert_nothing_left(scene)
