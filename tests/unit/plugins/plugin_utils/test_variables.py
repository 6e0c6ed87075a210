# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of a migration, before anything runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._variables import (
    conflicting_values,
    meant_for_us,
    missing_variables,
    unknown_variables,
    variable_specs,
    wrong_values,
)

ENDS = {"redis_migration_source", "redis_migration_target"}


def test_variables_of_all_roles_are_known() -> None:
    assert {*ENDS, "redis_migration_strategy", "redis_migration_backup_dir"} <= variable_specs().keys()


def test_only_both_ends_are_required() -> None:
    assert missing_variables(ENDS) == []
    assert missing_variables({"redis_migration_source", "redis_migration_unknown"}) == [
        "redis_migration_target is missing; give it to this host, such as redis_migration_target: {host: ..., port: ...,"
        " password: ...}."
    ]
    assert len(missing_variables(())) == 2


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("redis_migration_stategy", " Did you mean redis_migration_strategy?"),
        ("redis_migration_source", None),
        ("xyz", ""),
    ],
)
def test_a_variable_that_does_not_exist(name: str, meant: str | None) -> None:
    assert unknown_variables([name]) == ([] if meant is None else [f"There is no variable {name}.{meant}"])


GOOD = {
    "redis_migration_source": {"url": "redis://a"},
    "redis_migration_prune": True,
    "redis_migration_max_failures": 0,
}


def test_good_values() -> None:
    assert wrong_values({}) == []
    assert wrong_values(GOOD) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "redis_migration_source",
            "redis://:s3cret@a",
            "redis_migration_source is a text; it must be a dictionary, such",
        ),
        (
            "redis_migration_source",
            {"url": "redis://a", "hots": "s3cret"},
            "redis_migration_source has no field hots; ",
        ),
        ("redis_migration_source", {"port": "s3cret"}, "unable to convert to int."),
        ("redis_migration_max_failures", "s3cret", "unable to convert to int."),
        ("redis_migration_strategy", "fast", "value of redis_migration_strategy must be one of: "),
    ],
)
def test_wrong_values_are_told_without_a_secret(name: str, value: Any, sentence: str) -> None:
    (found,) = wrong_values({name: value})
    assert sentence in found
    assert found.startswith(name)
    assert "s3cret" not in found


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("redis_migration_source", {"hots": "a", "prt": 1}, ["host", "port"]),
        ("redis_migration_source", {"host": "a", "tunnel": {"app": "x", "instence": 0}}, ["instance"]),
        ("redis_migration_target", {"host": "a", "backend": {"host": "b", "pasword": "s3cret"}}, ["password"]),
        ("redis_migration_source", {"sentinal": {"service_name": "m"}}, ["sentinel"]),
        ("redis_migration_source", {"sentinel": {"service_name": "m", "hosts": [], "pasword": "s3cret"}}, ["password"]),
        ("redis_migration_cf", {"organisation": "o"}, ["organization"]),
        ("redis_migration_isolate_ignore", [{"adress": "10.*"}], ["address"]),
        ("redis_migration_strategy", "copi", ["copy"]),
        ("redis_migration_types", ["sting", "hash"], ["string"]),
        ("redis_migration_strategy", "xyz", []),
    ],
)
def test_what_is_misspelt_gets_the_nearest(name: str, value: Any, meant: list[str]) -> None:
    (found,) = wrong_values({name: value})
    assert re.findall(r"Did you mean (\w+)\?", found) == meant
    assert "s3cret" not in found


def test_a_slip_in_what_all_variables_begin_with_is_noticed() -> None:
    names = ["redis_migraton_prune", "redis_migrations_source", "redis_migration_x"]
    assert all(meant_for_us(name) for name in names)
    for name in ("redis_port", "old_redis_migration_source", "__redis_migration_worker", "redis"):
        assert not meant_for_us(name)


def test_every_wrong_value_has_its_sentence() -> None:
    wrong = {"redis_migration_strategy": "fast", "redis_migration_max_failures": "many"}
    assert len(wrong_values(GOOD | wrong)) == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        ({"cutover_when": "2026-12-01T02:00:00+01:00"}, []),
        ({"cutover_when": "2026-12-01T02:00:00"}, ["time zone"]),
        ({"cutover_when": "tomorrow"}, ["'tomorrow' is no moment"]),
        ({"existing_keys": "fail", "live": False}, []),
        ({"existing_keys": "fail", "live": "auto"}, ["must be update or replace"]),
        ({"allow_extra": True, "eviction_data": "yes", "live": True}, ["eviction_data", "allow_extra"]),
        ({"allow_extra": True, "live": "auto"}, []),
        ({"source": {"sentinel": {"a": 1}, "tunnel": {"app": "x"}}}, ["source has both sentinel and tunnel"]),
        ({"source": {"use_sentinel": True, "tunnel": {"app": "x"}}}, ["source has both sentinel and tunnel"]),
        ({"target": {"prefer_replica": "yes"}}, ["target has prefer_replica"]),
        ({"source": {"prefer_replica": True}, "live": True}, ["does not go with redis_migration_live: true"]),
        ({"source": {"prefer_replica": True}, "live": "auto"}, []),
        ({"source": {"prefer_replica": True}, "strategy": "migrate"}, ["redis_migration_strategy: migrate"]),
        ({"rename": {"a:": "b:"}, "database_prefix": {1: "db1:"}, "strategy": "auto"}, []),
        (
            {"rename": {"a:": "b:"}, "strategy": "migrate"},
            ["cannot give keys other names; leave it out, or redis_migration_"],
        ),
        ({"rename": {"a:": 1}}, ["redis_migration_rename has an entry that is not a pair of texts"]),
        ({"database_prefix": {"one": "1:"}}, ["redis_migration_database_prefix has an entry"]),
        ({"live_max_lag_seconds": "-1", "live": True}, ["live_max_lag_seconds is negative"]),
    ],
)
def test_values_that_do_not_go_together(values: dict[str, Any], said: list[str]) -> None:
    sentences = conflicting_values({f"redis_migration_{name}": value for name, value in values.items()})
    assert len(sentences) == len(said)
    for sentence, part in zip(sentences, said):
        assert part in sentence


APPS = {"redis_migration_source": {"service_instance": "old"}, "redis_migration_target": {"service_instance": "new"}}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"redis_migration_source": {"host": "a"}, "redis_migration_target": {"service_instance": "new"}},
        {**APPS, "redis_migration_isolate": "pause"},
    ],
)
def test_a_cutover_needs_apps_that_are_recorded(given: dict[str, Any]) -> None:
    (found,) = conflicting_values({**given, "redis_migration_cutover": "yes"})
    assert found.startswith("redis_migration_cutover binds the apps of one Cloud Foundry service instance to another")
    assert not conflicting_values({**given, "redis_migration_cutover": False})
    assert not conflicting_values({**APPS, "redis_migration_cutover": True, "redis_migration_isolate": "apps"})


@pytest.mark.parametrize(("name", "value"), [("live", True), ("live", "auto"), ("cutover", True)])
def test_what_needs_all_of_a_source_takes_no_shard(name: str, value: Any) -> None:
    given = {**APPS, f"redis_migration_{name}": value, "redis_migration_isolate": "apps"}
    (found,) = conflicting_values({**given, "redis_migration_source_shard": "1/2"})
    assert f"redis_migration_source_shard does not go with redis_migration_{name}" in found
    assert not conflicting_values({**given, "redis_migration_source_shard": ""})


def test_the_tasks_of_a_cutover_are_there(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.yml"
    (found,) = conflicting_values({"redis_migration_cutover_tasks": str(tasks)})
    assert found == f"There is no file {tasks} with tasks, as redis_migration_cutover_tasks says."
    tasks.touch()
    assert not conflicting_values({"redis_migration_cutover_tasks": str(tasks)})
