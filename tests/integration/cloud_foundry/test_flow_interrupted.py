# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that ends in any phase, by the machine's death or from the keyboard, is finished by running it again."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conftest import soak
from tests.support import oracle
from tests.support.cf_scene import Interruption, Scene, scene

__all__ = ["scene"]
pytestmark = pytest.mark.needs_program("ps", "procps")

# More than are unbound, stopped, bound or started at the same time.
COUNT = 12
EVERYONE = sorted(f"app-{number}" for number in range(COUNT))
BINDINGS = "^/v3/service_credential_bindings"


@dataclass(frozen=True)
class Moment:
    """`arm` says when in this role the run ends. `tags` leaves out what ran before already; empty is all phases."""

    role: str
    arm: Callable[[Scene, Interruption], None]
    how: signal.Signals = signal.SIGKILL
    tags: str = ""


# Between two keys, two unbinds, two stops, two bindings, two starts; in the middle of the data.
MOMENTS = [
    Moment(
        "credentials",
        lambda scene, end: scene.sim.faults.on_request(end, method="POST", path=BINDINGS, skip=1),
        signal.SIGINT,
    ),
    Moment("preflight", lambda scene, end: scene.to_target.on_command("INFO", end, skip=1), tags="preflight"),
    Moment(
        "isolate",
        lambda scene, end: scene.sim.faults.on_request(end, method="DELETE", path=BINDINGS, skip=1),
        tags="isolate",
    ),
    Moment("isolate", lambda scene, end: scene.sim.faults.on_request(end, path="actions/stop", skip=1), tags="isolate"),
    Moment("backup", lambda scene, end: scene.to_source.on_command("DUMP", end, skip=2), signal.SIGINT, tags="backup"),
    Moment("migrate", lambda scene, end: scene.to_target.on_command("RESTORE", end, skip=2), tags="migrate"),
    Moment("verify", lambda scene, end: scene.to_target.on_command("ECHO", end), tags="verify"),
    Moment("cutover", lambda scene, end: scene.sim.faults.on_request(end, method="POST", path=BINDINGS, skip=1)),
    Moment("cutover", lambda scene, end: scene.sim.faults.on_request(end, path="actions/start", skip=1)),
]
# One of each kind: what asks, what changes Cloud Foundry, what moves the data, from the keyboard and by death.
FEW = [MOMENTS[index] for index in (0, 2, 5, 7)]
BACK = Moment("rollback", lambda scene, end: scene.sim.faults.on_request(end, method="POST", path=BINDINGS, skip=1))


def settle(scene: Scene) -> None:
    """Wait until Cloud Foundry has done what it was asked before the run ended."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 0.3:
        if any(binding.operation.running for binding in list(scene.sim.state.bindings.values())):
            quiet_since = time.monotonic()
        time.sleep(0.02)


def nothing_is_lost(scene: Scene) -> None:
    """Whoever is not on the source is in the record."""
    on_source, on_target = scene.bound()
    assert set(EVERYONE) - set(on_source) <= set(scene.recorded())
    assert not set(on_source) & set(on_target)


def end_at(moment: Moment, scene: Scene, playbook: str) -> tuple[int, int]:
    """How many apps were bound to source and target then."""
    end = Interruption(moment.how)
    scene.sim.faults.clear()
    scene.to_source.heal()
    scene.to_target.heal()
    moment.arm(scene, end)
    run = scene.run(playbook, *(["--tags", moment.tags] if moment.tags else []), started=end.started)
    assert end.happened, f"{moment.role}: {run.output[-4000:]}"
    assert run.returncode != 0
    last = [line for line in run.output.splitlines() if line.startswith("TASK [")][-1]
    assert f".{moment.role} :" in last, last
    settle(scene)
    nothing_is_lost(scene)
    on_source, on_target = scene.bound()
    return len(on_source), len(on_target)


@pytest.mark.parametrize("moments", [FEW, soak(MOMENTS)], ids=["few", "all"])
def test_each_phase_is_interrupted_and_the_next_run_goes_on(scene: Scene, moments: list[Moment]) -> None:
    apps = scene.apps(COUNT, write_interval=0.3)
    with scene.source.client() as client:
        for number in range(20):
            client.hset(f"cart:{number}", mapping={f"item{line}": "x" * 50 for line in range(30)})
    scene.variables = {"redis_migration_backup_dir": "backup", "redis_migration_cutover": True}
    seen = [end_at(moment, scene, "migrate") for moment in moments]
    # A module goes on for up to two seconds; on a quick machine it may be through by then.
    assert any(0 < bound < COUNT for counts in seen for bound in counts), seen

    assert scene.run().ok
    assert scene.bound() == ([], EVERYONE)
    assert [app.state for app in apps] == ["STARTED"] * COUNT
    with scene.source.client() as client:
        moved = set(client.scan_iter(count=1000))
    assert {f"cart:{number}".encode() for number in range(20)} < moved
    assert oracle.compare(scene.source, scene.target, key_filter=lambda _database, key: key in moved) == []
    scene.sim.requests.clear()
    assert scene.run().ok.changed == 0
    assert scene.writes() == []

    end_at(BACK, scene, "rollback")
    assert scene.run("rollback").ok.changed > 0
    assert scene.bound() == (EVERYONE, [])
    assert [app.state for app in apps] == ["STARTED"] * COUNT
    assert not scene.old.annotations
