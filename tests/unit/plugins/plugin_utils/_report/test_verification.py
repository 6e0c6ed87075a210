# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the results of a verification prove."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verification import (
    findings_failure,
    findings_lines,
    verification_findings,
)

MIB = 1024 * 1024


def comparison(**changed: Any) -> dict[str, Any]:
    """Two equal servers with ten keys, one of them expiring."""
    totals = {"source_keys": 10, "target_keys": 10, "missing": 0, "extra": 0, "different": 0}
    totals |= changed.pop("totals", {})
    end = {"databases": {"0": {"keys": 10, "expires": 1}}, "memory": {"used_memory": 100 * MIB}}
    return {
        "totals": totals,
        "identical": not (totals["missing"] or totals["extra"] or totals["different"]),
        "differences": [],
        "databases": {"0": {"target_database": 0}},
        "functions": {"source": [], "missing": [], "different": [], "refusal": None},
        "servers": {"source": end, "target": end},
    } | changed


def statuses(found: dict[str, Any], **options: Any) -> dict[str, str]:
    given: dict[str, Any] = {
        "level": "values",
        "whole": True,
        "functions": "move",
        "allow_empty": False,
        "allow_extra": False,
        "memory_check": "warn",
        "memory_tolerance_percent": 20,
    }
    return {one["name"]: one["status"] for one in verification_findings(found, **(given | options))}


def ends(keys: int = 10, expires: int = 1, memory: int = 100) -> dict[str, Any]:
    """Both ends; the target as given."""
    target = {"databases": {"0": {"keys": keys, "expires": expires}}, "memory": {"used_memory": memory * MIB}}
    return {"source": comparison()["servers"]["source"], "target": target}


def test_equal_servers() -> None:
    assert statuses(comparison()) == {"keys": "ok", "not_empty": "ok", "keyspace": "ok", "memory": "ok"}


def test_counters_of_whole_servers_say_nothing_of_a_shard() -> None:
    half = comparison(servers=ends(keys=5))
    assert statuses(half)["keyspace"] == "fail"
    assert statuses(half, shard="1/2") == {"keys": "ok", "not_empty": "ok"}


def test_a_shard_without_keys_is_proved_if_others_have_some() -> None:
    nothing = comparison(totals={"source_keys": 0, "target_keys": 0})
    for keys, status in ((10, "ok"), (0, "fail")):
        nothing["servers"]["source"]["keys"] = keys
        assert statuses(nothing, shard="1/2")["not_empty"] == status


@pytest.mark.parametrize("kind", ["missing", "extra", "different"])
def test_every_kind_of_difference_fails(kind: str) -> None:
    assert statuses(comparison(totals={kind: 1}))["keys"] == "fail"


def test_extra_keys_may_be_allowed_and_others_not_with_them() -> None:
    assert statuses(comparison(totals={"extra": 1}), allow_extra=True)["keys"] == "ok"
    assert statuses(comparison(totals={"extra": 1, "missing": 1}), allow_extra=True)["keys"] == "fail"


def test_equality_of_nothing_proves_nothing() -> None:
    empty = comparison(totals={"source_keys": 0, "target_keys": 0})
    assert statuses(empty)["not_empty"] == "fail"
    assert statuses(empty, allow_empty=True)["not_empty"] == "ok"


@pytest.mark.parametrize(
    ("servers", "status"),
    [
        (ends(keys=11, expires=2), "warn"),  # one more that has expired and is not removed yet
        (ends(keys=11, expires=1), "fail"),
        (ends(keys=10, expires=2), "fail"),
    ],
)
def test_counters_of_the_servers(servers: dict[str, Any], status: str) -> None:
    assert statuses(comparison(servers=servers))["keyspace"] == status


@pytest.mark.parametrize(("memory", "status"), [(131, "ok"), (134, "warn")])
def test_small_differences_of_memory_prove_nothing(memory: int, status: str) -> None:
    assert statuses(comparison(servers=ends(memory=memory)))["memory"] == status


def test_counters_of_a_part_are_not_compared() -> None:
    assert set(statuses(comparison(), whole=False)) == {"keys", "not_empty"}


@pytest.mark.parametrize(
    ("functions", "policy", "status"),
    [
        ({}, "move", "ok"),
        ({}, "none", None),
        ({"missing": ["lib"]}, "move", "fail"),
        ({"different": ["lib"]}, "skip", "warn"),
        ({"missing": ["lib"]}, "skip", "fail"),
        ({"refusal": "NOPERM"}, "move", "warn"),
    ],
)
def test_functions(functions: dict[str, Any], policy: str, status: str | None) -> None:
    found = {"source": ["lib"], "missing": [], "different": [], "refusal": None} | functions
    assert statuses(comparison(functions=found), functions=policy).get("functions") == status


def finding(name: str, status: str, step: str = "") -> dict[str, str]:
    return {"name": name, "status": status, "message": f"{name} was seen.", "next_step": step}


def test_what_is_wrong_comes_first_with_its_next_step() -> None:
    found = [finding("a", "ok", "Nothing."), finding("b", "warn"), finding("c", "fail", "Look.")]
    assert findings_lines(found) == ["fail  c: c was seen. -> Look.", "warn  b: b was seen.", "ok    a: a was seen."]


def test_failures_are_numbered_only_if_there_are_several() -> None:
    assert findings_failure([finding("a", "ok"), finding("b", "warn")]) == ""
    assert findings_failure([finding("a", "fail", "Look.")]) == "a was seen. Look."
    assert findings_failure([finding("a", "fail"), finding("b", "fail", "Look.")]) == (
        "(1) a: a was seen. (2) b: b was seen. Look."
    )
