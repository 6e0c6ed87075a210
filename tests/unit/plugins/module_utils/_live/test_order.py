# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan reaches the process as it was, and its secrets only there."""

from __future__ import annotations

import dataclasses
import json

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Backend, Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.order import (
    options_key,
    plan_as_dict,
    plan_from_dict,
    run_key,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.progress import Plan

PLAN = Plan(
    Endpoint("source", "old", 1, username="u", password="secret", tls=True, ca_cert_content="pem"),
    Endpoint("target", "new", 2, backend=Backend("behind", 3, password="secret too")),
    Selection(
        databases=(0, 3),
        database_map={3: 4},
        match=("a*", "\udcff"),
        types=("hash",),
        database_prefix={3: "\udcff"},
        rename={"a": "b"},
    ),
    max_keys_per_second=7,
)


def test_a_plan_survives_json() -> None:
    assert plan_from_dict(json.loads(json.dumps(plan_as_dict(PLAN)))) == PLAN
    whole = dataclasses.replace(PLAN, selection=Selection())
    assert plan_from_dict(json.loads(json.dumps(plan_as_dict(whole)))) == whole


def test_other_ends_or_databases_are_another_run() -> None:
    other = dataclasses.replace(PLAN, selection=dataclasses.replace(PLAN.selection, databases=(0,)))
    elsewhere = dataclasses.replace(PLAN, target=Endpoint("target", "new", 3))
    assert len({run_key(plan) for plan in (PLAN, other, elsewhere)}) == 3


def test_other_options_are_the_same_run_and_secrets_are_none_of_them() -> None:
    slower = dataclasses.replace(PLAN, max_keys_per_second=1)
    assert run_key(slower) == run_key(PLAN)
    assert options_key(slower) != options_key(PLAN)
    renewed = dataclasses.replace(PLAN, source=dataclasses.replace(PLAN.source, password="another"))
    assert options_key(renewed) == options_key(PLAN)
