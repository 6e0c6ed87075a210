# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module says that brings data back."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import build_report
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.rollback import turned_round

SAID = "Source of all: in 'the source' 7 keys, and the target 8; redis_migration_target."


def test_both_ends_are_named_as_the_migration_names_them() -> None:
    assert turned_round(SAID) == "Target of all: in 'the source' 7 keys, and the source 8; redis_migration_target."


def test_the_report_names_them_so() -> None:
    failed = {"__redis_migration_drained": {"failed": True, "msg": SAID}}
    for more, said in (({}, SAID), ({"__redis_migration_data_from": {}}, turned_round(SAID))):
        (migration,) = build_report({"orders": {**failed, **more}}, check_mode=False, finished=9.0)["migrations"]
        assert migration["failure"] == {"phase": "rollback" if more else "drain", "message": said}
