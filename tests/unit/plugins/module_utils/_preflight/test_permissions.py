# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of permissions."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.permissions import (
    acl_rules,
    needs,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.dry_run import (
    FALLBACK,
    HELPFUL,
    REQUIRED,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server


def server(version: str, flavor: str = "redis", **fields: Any) -> Server:
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Server)}
    values["unknown_commands"] = frozenset()
    values.update(flavor=flavor, version=version, mode="standalone", role="master", databases={})
    return Server(**{**values, **fields})


def test_each_command_once_by_its_highest_level() -> None:
    wanted = needs("target", server("8.2.3"), strategy="rebuild", prune=True)
    assert len({need.command for need in wanted}) == len(wanted)
    levels = {need.command: need.level for need in wanted}
    assert (levels["RENAMENX"], levels["SCAN"], levels["CLIENT LIST"]) == (REQUIRED, REQUIRED, HELPFUL)
    levels = {need.command: need.level for need in needs("target", server("8.2.3"), strategy="copy")}
    assert (levels["RENAMENX"], levels["RESTORE"]) == (FALLBACK, REQUIRED)


def test_only_commands_that_the_version_has() -> None:
    old = {need.command for need in needs("source", server("6.2.14"), strategy="copy")}
    new = {need.command for need in needs("source", server("8.2.3"), strategy="copy")}
    assert "PTTL" in old
    assert "PEXPIRETIME" not in old
    assert {"PEXPIRETIME", "HPEXPIRETIME", "FUNCTION LIST"} <= new
    assert "PTTL" not in new


def test_nothing_is_written_at_the_source() -> None:
    for strategy in ("copy", "rebuild"):
        assert not [need for need in needs("source", server("8.2.3"), strategy=strategy, prune=True) if need.writes]


def test_rules_of_an_acl_user() -> None:
    rules = acl_rules("source", server("8.2.3"), strategy="migrate")
    assert {"+migrate", "+memory|usage", "+xinfo|stream"} <= set(rules)
    assert "+client|list" not in rules
    assert "+client|tracking" not in rules
    assert "+client|tracking" in acl_rules("source", server("8.2.3"), strategy="copy", live=True)
    assert "+client|tracking" not in acl_rules("target", server("8.2.3"), strategy="copy", live=True)
    assert "+watch" in rules
    assert "+watch" not in acl_rules("source", server("8.2.3"), strategy="migrate", fallback=False)
