# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine lacks, from what was found on it."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from ansible_collections.dataservices.redis_migration.plugins.module_utils._python import (
    OLDEST,
    OLDEST_CORE,
    OLDEST_LIBRARIES,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles import machine
from tests.support.paths import REPO

WORKERS = {"redis_migration_workers": ["anna"]}


def found(**changed: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "python": {"version": "3.12.3", "executable": "/usr/bin/python3", "environment": True},
        "libraries": {name: {"version": "99.1", "error": ""} for name in OLDEST_LIBRARIES},
        "programs": {"ssh": "/usr/bin/ssh", "ssh-keyscan": "/usr/bin/ssh-keyscan"},
        "cf_session": "",
    }
    return whole | changed


def told(on: str, groups: Mapping[str, list[str]] | None = None, **changed: Any) -> dict[str, tuple[str, str]]:
    """Status, and message with the next step, by the name of the finding."""
    findings = machine.machine_findings(found(**changed), on, WORKERS if groups is None else groups)
    return {one["name"]: (one["status"], f"{one['message']} {one['next_step']}") for one in findings}


def test_where_what_is_needed() -> None:
    alone = {"ansible-core", "python", "redis", "hiredis", "jmespath", "cryptography", "tunnels", "cf"}
    assert told("localhost", {}).keys() == alone
    assert told("localhost").keys() == {"ansible-core", "python", "jmespath", "ssh", "cf"}
    assert told("anna").keys() == {"python", "redis", "hiredis", "cryptography", "tunnels"}
    assert {status for status, _text in told("localhost", {}).values()} == {"ok"}


@pytest.mark.parametrize(
    ("name", "library", "status", "step"),
    [
        (
            "redis",
            {"version": "5.3.1", "error": ""},
            "fail",
            "5.3.1 is older than 6.0. Run there: /usr/bin/python3 -m pip",
        ),
        ("hiredis", {"version": "", "error": "ImportError: no x"}, "fail", "cannot be imported (ImportError: no x)"),
        ("cryptography", {"version": "", "error": "ImportError"}, "warn", "needed for encrypted backups only"),
    ],
)
def test_a_library_that_is_missing_or_too_old(name: str, library: dict[str, str], status: str, step: str) -> None:
    libraries = found()["libraries"] | {name: library}
    seen = told("anna", libraries=libraries)[name]
    assert seen[0] == status and step in seen[1]


def test_a_python_of_the_system_gets_an_environment() -> None:
    python, libraries = found()["python"] | {"environment": False}, found()["libraries"]
    libraries["redis"] = {"version": "", "error": "ImportError"}
    assert "python3 -m venv DIR" in told("anna", python=python, libraries=libraries)["redis"][1]


def test_programs_and_pythons_and_logins() -> None:
    nothing = {"ssh": "", "ssh-keyscan": ""}
    assert told("anna", programs=nothing)["tunnels"][0] == "warn"
    assert told("localhost", programs=nothing)["ssh"][0] == "fail"
    old = told("anna", python=found()["python"] | {"version": "3.9.2"})["python"]
    assert old[0] == "fail" and "is Python 3.9.2, older than 3.11" in old[1] and "ansible_python_interpreter" in old[1]
    assert "/home/x/.cf/config.json" in told("localhost", cf_session="/home/x/.cf/config.json")["cf"][1]


def test_ansible_core_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "core_version", "2.18.6")
    assert told("localhost")["ansible-core"][0] == "fail"
    assert "ansible-core" not in told("anna")


def test_a_machine_that_cannot_be_looked_at() -> None:
    (lost,) = machine.machine_findings({"unreachable": True, "msg": "Connection refused"}, "anna", WORKERS)
    assert lost["status"] == "fail" and "Connection refused" in lost["message"]
    (broken,) = machine.machine_findings({"failed": True, "msg": "no python3 found"}, "anna", WORKERS)
    assert broken["status"] == "fail" and "no python3 found" in broken["message"]


def test_the_oldest_versions_are_the_same_everywhere() -> None:
    wanted = {name: ".".join(map(str, version)) for name, version in OLDEST_LIBRARIES.items()}
    core, python = ".".join(map(str, OLDEST_CORE)), ".".join(map(str, OLDEST))
    assert yaml.safe_load((REPO / "meta/runtime.yml").read_text())["requires_ansible"] == f">={core}.0"
    bounds = dict(re.findall(r"^([\w-]+)>=([\d.]+)", (REPO / "requirements.txt").read_text(), re.M))
    assert bounds == {"ansible-core": core} | {name: wanted[name] for name in ("redis", "hiredis", "jmespath")}
    readme = (REPO / "README.md").read_text()
    for name, version in {"ansible-core": core, "redis": wanted["redis"], "hiredis": wanted["hiredis"]}.items():
        assert f"'{name}>={version}'" in readme
    rows = {"Python": python, "`ansible-core`": core, **{f"`{name}`": version for name, version in wanted.items()}}
    for name, version in rows.items():
        assert re.search(rf"^\| {name}[^|]*\|[^\n]*\b{re.escape(version.removesuffix('.0'))}", readme, re.M), name
    ruff = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["ruff"]["target-version"]
    assert ruff == "py" + python.replace(".", "") and sys.version_info >= OLDEST
