# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration makes and takes away if told to: the target itself, keys of backends, keys that are deleted again."""

from __future__ import annotations

from tests.support import oracle
from tests.support.cf_scene import Scene, scene
from tests.support.run import run_playbook

__all__ = ["scene"]


def keys_of(scene: Scene, name: str) -> list[str | None]:
    return [
        binding.name
        for binding in scene.sim.state.bindings.values()
        if binding.type == "key" and binding.instance.name == name
    ]


def test_the_target_is_created_and_apps_are_restaged_onto_it(scene: Scene) -> None:
    apps = scene.apps(2)
    plan = scene.sim.add_plan("a9s-redis8", "single-big", pool=[scene.new.endpoint])
    scene.variables = {
        "redis_migration_target": {
            "service_instance": "orders-made",
            "offering": "a9s-redis8",
            "plan": "single-big",
            "parameters": {"maxmemory": "SENTINEL-parameter"},
            "tags": ["made"],
        },
        "redis_migration_isolate_apps": "restart",
        "redis_migration_apps_start": "restage",
        "redis_migration_delete_service_keys": True,
        "redis_migration_cutover": True,
    }
    planned = scene.run(check=True).ok
    assert "orders-made would be created (a9s-redis8, single-big)" in planned.output
    assert "Would be bound to orders-made, and started if they ran before: app-0, app-1" in planned.output
    assert scene.writes() == []

    run = scene.run().ok
    assert "PROVED equal" in run.output
    assert "SENTINEL" not in run.output
    made = next(found for found in scene.sim.state.instances.values() if found.name == "orders-made")
    assert (made.plan, made.tags, made.parameters) == (plan, ["made"], {"maxmemory": "SENTINEL-parameter"})
    assert scene.sim.bound_apps(made) == ["app-0", "app-1"]
    assert [app.state for app in apps] == ["STARTED", "STARTED"]
    assert len([entry for entry in scene.sim.writes() if entry.path == "/v3/builds"]) == 2
    assert len([entry for entry in scene.sim.writes() if entry.path.endswith("/actions/restart")]) == 2
    assert (keys_of(scene, "orders-old"), keys_of(scene, "orders-made")) == ([], [])
    moved = {entry.key for app in apps for entry in app.written if entry.instance == "orders-old"}
    assert moved
    assert oracle.compare(scene.source, scene.target, key_filter=lambda _db, key: key.decode() in moved) == []


def test_the_backend_is_found_by_name_or_given(scene: Scene) -> None:
    """Where the target is an exposed one; its own host does not resolve here, so nobody connects to it."""
    scene.sim.create_key(scene.old, "redis-migration")
    for name, hostname in {
        "exposed": "red1-master-1.data.eu01.onstackit.cloud",
        "exposed-internal": "red1-master.service.dc1.a9ssvc",
        "lonely": "red2-master-1.data.eu01.onstackit.cloud",
        "behind": "red3-master.service.dc1.a9ssvc",
    }.items():
        shape = "exposed" if "data" in hostname else "a9s7"
        scene.sim.add_service_instance(
            scene.space, name, endpoint=scene.target.endpoint(), key_shape=shape, hostname=hostname
        )
    url = {"url": f"redis://127.0.0.1:{scene.target.port}"}
    targets = {
        "guessed": {"service_instance": "exposed"},
        "named": {"service_instance": "lonely", "backend_service_instance": "behind"},
        "address": {**url, "backend_service_instance": "behind"},
        "lonely": {"service_instance": "lonely"},
        "given": {"service_instance": "exposed", "backend": {"host": "given.example"}},
    }
    hosts = {name: scene.host(redis_migration_target=target) for name, target in targets.items()}
    show = (
        "{{ inventory_hostname }} by {{ (__redis_migration_target.backend | default({})).host | default('nothing') }}"
    )
    play = {
        "hosts": "redis_migrations",
        "gather_facts": False,
        "roles": ["dataservices.redis_migration.credentials"],
        "post_tasks": [{"ansible.builtin.debug": {"msg": show}}],
    }
    run = run_playbook([play], {"redis_migrations": {"hosts": hosts}}, directory=scene.directory).ok
    for expected in (
        "guessed by red1-master.service.dc1.a9ssvc",
        "named by red3-master.service.dc1.a9ssvc",
        "address by red3-master.service.dc1.a9ssvc",
        "lonely by nothing",
        "given by given.example",
    ):
        assert expected in run.output
    assert "SENTINEL" not in run.output
    assert keys_of(scene, "behind") == ["redis-migration"]


def test_apps_that_let_go_by_themselves_may_be_left_running(scene: Scene) -> None:
    scene.old.user_per_binding, scene.old.key_shape = True, "a9s7"
    gone = scene.apps(1)[0]
    stays = scene.sim.add_app(scene.space, "stays", writer=True)
    scene.sim.bind(stays, scene.new)
    scene.sim.start_app(stays)
    leave = {"redis_migration_isolate_apps": "leave"}
    hosts = {
        "alone": scene.host(**leave),
        "lingering": scene.host(
            redis_migration_source={"service_instance": "orders-new"},
            redis_migration_target={"service_instance": "orders-old"},
            redis_migration_isolate_timeout=1,
            **leave,
        ),
    }
    run = scene.run("migrate", "--tags", "isolate", hosts=hosts)
    assert run.returncode == 2
    assert {name: counters["failures"] for name, counters in run.stats.items()} == {"alone": 0, "lingering": 1}
    assert scene.bound() == ([], [])
    assert (gone.state, stays.state) == ("STARTED", "STARTED")
    last = run.output[run.output.index('"lingering: FAILED in isolate') :]
    assert "127.0.0.1:" in last, "who is still there"
    assert "1 app (stays) is unbound from the source" in last
    assert "dataservices.redis_migration.rollback" in last
