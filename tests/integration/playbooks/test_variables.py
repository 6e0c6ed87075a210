# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of variables that cannot be had."""

from __future__ import annotations

from pathlib import Path

from tests.support.run import run_playbook


def test_values_that_are_not_defined_are_named_with_the_place_to_define_them(tmp_path: Path) -> None:
    end = {"host": "127.0.0.1", "port": 1}
    host = {
        "redis_migration_source": {**end, "password": "{{ vault_old }}"},
        "redis_migration_target": {**end, "password": "{{ vault_new }}"},
    }
    run = run_playbook("migrate", {"redis_migrations": {"hosts": {"orders": host}}}, directory=tmp_path)
    assert run.returncode == 2
    assert (
        "redis_migration_source cannot be worked out: 'vault_old' is undefined. "
        "redis_migration_target cannot be worked out: 'vault_new' is undefined. "
        "Define what is missing beside the inventory, such as in group_vars/redis_migrations.yml."
    ) in run.output
