# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.steps import steps


def test_the_same_file_in_another_list_is_another_item() -> None:
    assert [one["file"] for one in steps(["a", "c"])] == ["a", "c"]
    assert steps(iter(["a", "c"])) == steps(["a", "c"])
    assert not [one for one in steps(["a", "c"]) if one in steps(["a", "b", "c"])]
