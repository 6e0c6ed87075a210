# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole migrations by the names of service instances: apps that write, real servers, a simulated Cloud Foundry."""

from __future__ import annotations

import re

import pytest

from tests.support import oracle
from tests.support.cf_scene import Scene, scene
from tests.support.run import PlaybookRun

__all__ = ["scene"]


def ran(run: PlaybookRun) -> PlaybookRun:
    """A run that went well and listed what it did, and nothing else."""
    assert "skipping:" not in run.ok.output, run.output
    return run


def test_apps_leave_their_data_moves_and_they_go_over_and_back(scene: Scene) -> None:
    apps = scene.apps(2)
    everyone = ["app-0", "app-1"]
    scene.sim.bind(apps[1], scene.new)  # it was there before

    assert "Service keys would be created for orders-old and orders-new." in ran(scene.run(check=True)).output
    for instance in (scene.old, scene.new):
        scene.sim.create_key(instance, "redis-migration")
    planned = ran(scene.run(check=True))
    assert re.search(r"Would move [\d,]+ keys", planned.output)
    assert scene.target.write_calls() == 0
    assert "Would be unbound from orders-old, and recorded there: app-0, app-1" in planned.output
    assert scene.writes() == []
    assert scene.bound() == (everyone, ["app-1"])

    first = ran(scene.run("migrate", "-vvvv"))
    assert "PROVED equal" in first.output
    assert "SENTINEL" not in first.output
    assert "ansible-playbook dataservices.redis_migration.rollback -i" in first.output
    assert scene.bound() == ([], ["app-1"])
    written = [entry for app in apps for entry in app.written]
    assert written
    assert {entry.key for entry in written} <= {key.decode() for key in scene.target.client().scan_iter(count=1000)}
    assert oracle.compare(scene.source, scene.target) == []

    scene.sim.requests.clear()
    before = scene.source.write_calls(), scene.target.write_calls()
    assert ran(scene.run()).changed == 0
    assert scene.writes() == []
    assert (scene.source.write_calls(), scene.target.write_calls()) == before

    assert ran(scene.run(redis_migration_cutover=True)).changed > 0
    assert scene.bound() == ([], everyone)
    after = ran(scene.run(redis_migration_cutover=True))
    assert after.changed == 0
    assert "nothing is moved any more" in after.output

    newcomer = scene.sim.add_app(scene.space, "newcomer")
    scene.sim.bind(newcomer, scene.old)
    forked = scene.run(redis_migration_cutover=True)
    assert forked.returncode == 2 and "Bound to orders-old now: newcomer" in forked.output
    scene.sim.unbind(newcomer, scene.old)

    scene.target.client().set("since the cutover", 1)
    assert ran(scene.run("rollback", check=True)).changed > 0
    back = ran(scene.run("rollback"))
    assert back.changed > 0
    assert "are not at the source and" in " ".join(back.output.split())
    assert "redis_migration_rollback_data true brings them back" in " ".join(back.output.split())
    assert "before the next migration empty the target" in " ".join(back.output.split())
    assert scene.bound() == (everyone, ["app-1"])
    assert [app.state for app in apps] == ["STARTED", "STARTED"]
    assert not [name for name in scene.old.annotations if name.startswith("redis-migration.")]
    assert ran(scene.run("rollback")).changed == 0


def test_who_keeps_a_source_from_being_quiet_is_named(scene: Scene) -> None:
    scene.apps(1)

    def arrive() -> None:
        late = scene.sim.add_app(scene.space, "late", writer=True, start_delay=0)
        scene.sim.bind(late, scene.old)
        scene.sim.start_app(late)

    scene.sim.faults.on_request(arrive, path="/actions/stop", method="POST")
    run = scene.run(redis_migration_isolate_timeout=3)
    assert run.returncode == 2
    said = " ".join(run.output.split())
    assert "Bound to orders-old since the apps were unbound: late; the next run unbinds them too." in said
    assert "redis_migration_isolate_ignore" in said


@pytest.mark.soak
def test_a_source_is_analysed_where_the_target_is_not_there_yet(scene: Scene) -> None:
    """The plain one is in playbooks/test_analyse.py."""
    scene.source.client().set("one more", 1)
    before = scene.source.write_calls()
    planned = {"service_instance": "orders-newer", "offering": "redis", "plan": "large"}
    run = scene.run("analyse", redis_migration_target=planned).ok
    assert "orders: " in run.output and " of memory, " in run.output
    assert scene.source.write_calls() == before
    assert scene.bound()[0] == scene.sim.bound_apps(scene.old)
    assert all("service_credential_bindings" in written for written in scene.writes()), "the source's service key alone"
    assert len(scene.writes()) == 1


def test_apps_go_back_where_keys_have_other_names_at_the_target(scene: Scene) -> None:
    scene.apps(1)
    rules = {"redis_migration_database_prefix": {0: "new:"}}
    assert ran(scene.run("migrate", redis_migration_cutover=True, **rules)).changed > 0
    assert scene.bound() == ([], ["app-0"])
    refused = scene.run("rollback", redis_migration_rollback_data=True, **rules)
    assert refused.returncode == 2
    assert "Keys have other names at the target" in " ".join(refused.output.split())
    assert scene.bound() == ([], ["app-0"])
    back = scene.run("rollback", **rules).ok
    assert "could not be found out" in " ".join(back.output.split())
    assert scene.bound() == (["app-0"], [])
