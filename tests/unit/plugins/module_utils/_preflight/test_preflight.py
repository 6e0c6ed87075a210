# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of findings to ignore."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import (
    NAMES,
    refuse_unknown,
)


def test_findings_that_exist_may_be_ignored() -> None:
    refuse_unknown(NAMES)
    refuse_unknown([])


@pytest.mark.parametrize(("name", "meant"), [("target_key", " Did you mean target_keys?"), ("xyz", "")])
def test_a_misspelt_finding_is_refused_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(RedisMigrationError) as refusal:
        refuse_unknown(["settings", name])
    assert refusal.value.message == f"There is no finding named {name} to ignore.{meant}"
