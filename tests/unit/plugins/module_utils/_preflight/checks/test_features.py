# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that the source uses and the target must have."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import features
from tests.support.sides import a_situation


def test_modules() -> None:
    known = a_situation()
    known.source.modules = {"ReJSON": 20_008, "vectorset": 1}
    verdict = features.modules(known)
    assert verdict.status == "fail"
    assert "ReJSON" in verdict.message
    assert "vectorset" not in verdict.message
    known.target.modules = {"ReJSON": 10_007, "vectorset": 1}
    assert features.modules(known).status == "warn"
    known.target.modules = {"ReJSON": 20_008}
    assert features.modules(known).status == "ok"
