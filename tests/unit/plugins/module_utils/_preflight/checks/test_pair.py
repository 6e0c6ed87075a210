# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of how the two ends fit together."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import pair
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import server as ends
from tests.support.sides import a_server, a_situation


@pytest.mark.parametrize(
    ("version", "flavor", "source", "target"),
    [
        ("3.2.12", "redis", "fail", "fail"),
        ("4.0.14", "redis", "ok", "fail"),
        ("5.0.14", "redis", "ok", "ok"),
        ("8.2.3", "redis", "ok", "ok"),
        ("7.2.4", "valkey", "ok", "ok"),
    ],
)
def test_versions(version: str, flavor: str, source: str, target: str) -> None:
    known = a_situation()
    for side, status in ((known.source, source), (known.target, target)):
        side.server = a_server(version, flavor)
        verdict = ends.version(known, side)
        assert verdict.status == status
        assert version in verdict.message


@pytest.mark.parametrize(
    ("source", "target", "status", "expected"),
    [
        (0, 900, "ok", "agree"),
        (5000, 5100, "ok", "agree"),
        (0, 3200, "warn", "3.2 s ahead of"),
        (1500, -1500, "warn", "3.0 s behind"),
    ],
)
def test_clocks(source: float, target: float, status: str, expected: str) -> None:
    known = a_situation()
    known.source.server = a_server("7.0.0", clock_ahead_ms=source)
    known.target.server = a_server("7.0.0", clock_ahead_ms=target)
    verdict = pair.clocks(known)
    assert verdict.status == status
    assert expected in verdict.message


def test_a_long_way_makes_no_skewed_clock() -> None:
    known = a_situation()
    known.source.server = a_server("7.0.0")
    known.target.server = a_server("7.0.0", clock_ahead_ms=1100, clock_unsure_ms=200)
    assert pair.clocks(known).status == "ok"
