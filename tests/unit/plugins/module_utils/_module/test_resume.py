# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress comes back from its token as it was."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare.diff_progress import (
    DatabaseDiff,
    DiffProgress,
    Found,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare.verdict import Difference
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.listing import Failure
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.choose import Choice
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.counters import Change, Counters
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.progress import Progress
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.resume import (
    diff_progress,
    diff_token,
    migration_progress,
    migration_token,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.loss import Holding

ODD = b"\x00\xff\n'\"{{ 7 * 7 }}"


def test_progress_of_a_migration() -> None:
    progress = Progress(
        choice=Choice("copy", "as told"),
        pairs=[(0, 3), (5, 5)],
        cursor=b"17",
        held=Holding(((0, 10, 2),), 4),
        counters={0: Counters(scanned=7, bytes=2**40)},
        moved_before={5: Counters(copied=1)},
        failures=[Failure(0, ODD, "hash", "refused", None)],
        changes=[Change(0, "a", "copied")],
    )
    assert migration_progress(migration_token(progress)) == progress
    assert migration_progress(migration_token(Progress())).cursor == Progress().cursor


def test_progress_of_a_comparison() -> None:
    progress = DiffProgress(
        pairs=[(0, 0)],
        cursor=b"3",
        databases={0: DatabaseDiff(source_keys=2, missing=1)},
        differences=[Found(0, ODD, Difference("missing", "not there", "set"))],
    )
    assert diff_progress(diff_token(progress)) == progress


@pytest.mark.parametrize("token", ["", "no base64!", "AAAA", migration_token(Progress())[:-8]])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(RedisMigrationError, match="not what an earlier slice returned"):
        migration_progress(token)
