# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud Foundry has a bad day: tokens, limits, gateways and brokers that fail, and a runner that keeps nothing."""

from __future__ import annotations

import shutil

from tests.support import oracle
from tests.support.cf_scene import Scene, scene

__all__ = ["scene"]


def fresh_machine(scene: Scene, name: str) -> dict[str, str]:
    """A runner that has never seen this migration: another home, and nothing that an earlier run wrote."""
    shutil.rmtree(scene.directory)
    scene.directory = scene.directory.with_name(name)
    scene.directory.mkdir()
    return {"HOME": str(scene.directory)}


def test_a_bad_day_and_runners_that_forget(scene: Scene) -> None:
    apps = scene.apps(3)
    faults = scene.sim.faults

    planned = scene.run(check=True).ok
    assert scene.writes() == []
    assert scene.target.client().dbsize() == 0
    assert "Service keys would be created for orders-old and orders-new" in planned.output
    assert "Would be unbound from orders-old, and recorded there: app-0, app-1, app-2" in planned.output

    # Everything that passes by itself passes unseen.
    faults.expire_tokens_after(12)
    faults.rate_limit(2, retry_after=0.3, path="^/v3/service_credential_bindings")
    faults.rate_limit(1, retry_after=0.3, path="actions/stop")
    faults.fail_job("service_keys.create")
    faults.fail_job("service_bindings.delete")
    faults.http_error(502, path="^/v3/service_instances")
    faults.http_error(503, method="DELETE", path="^/v3/service_credential_bindings", after_effect=True)
    faults.http_error(504, method="PATCH", path="^/v3/service_instances", after_effect=True)
    faults.reset_connection(path="^/v3/jobs")
    faults.reset_connection(method="POST", path="^/v3/service_credential_bindings", after_effect=True)
    faults.http_error(503, path="/oauth/token", service="uaa")
    first = scene.run(environment=fresh_machine(scene, "first")).ok
    assert "PROVED equal" in first.output
    assert {entry.status for entry in scene.sim.requests} >= {401, 429, 502, 503, 504, 0}
    assert scene.bound() == ([], [])
    assert scene.recorded() == ["app-0", "app-1", "app-2"]

    # Another runner goes on.
    second = fresh_machine(scene, "second")
    faults.expire_tokens_after(30)
    faults.fail_job("service_bindings.create")
    faults.http_error(502, method="POST", path="actions/start", after_effect=True)
    faults.reset_connection(method="POST", path="^/v3/service_credential_bindings", after_effect=True)
    assert scene.run(environment=second, redis_migration_cutover=True).ok.changed > 0
    assert scene.bound() == ([], ["app-0", "app-1", "app-2"])
    moved = {entry.key for app in apps for entry in app.written if entry.instance == "orders-old"}
    assert oracle.compare(scene.source, scene.target, key_filter=lambda _db, key: key.decode() in moved) == []

    # A week later, elsewhere: the record is all that is left.
    faults.rate_limit(2, retry_after=0.3)
    faults.fail_job("service_bindings.delete")
    faults.fail_job("service_bindings.create")
    assert scene.run("rollback", environment=fresh_machine(scene, "later")).ok.changed > 0
    assert scene.bound() == (["app-0", "app-1", "app-2"], [])
    assert [app.state for app in apps] == ["STARTED"] * 3
    assert not scene.old.annotations
