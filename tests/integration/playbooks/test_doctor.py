# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that tells what machines lack; what it says of each thing is in test_machine.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.run import run_playbook


@pytest.mark.needs_program("ssh", "openssh-client")
def test_each_machine_has_its_list_and_its_verdict(tmp_path: Path) -> None:
    """One that has everything, one whose Python finds no library, one that cannot be reached."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    workers = {
        "good": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "bare": {"ansible_connection": "local", "ansible_python_interpreter": str(bare)},
        "gone": {"ansible_host": "127.0.0.1", "ansible_port": 1},
    }
    run = run_playbook("doctor", {"redis_migration_workers": {"hosts": workers}}, directory=tmp_path)
    assert run.returncode == 2
    assert {host for host, counters in run.stats.items() if counters["failures"]} == {"bare", "gone"}
    assert run.changed == 0
    assert "skipping" not in run.output
    assert "ok    ansible-core: " in run.output and "ok    redis: " in run.output
    assert "bare is not ready: redis, hiredis." in run.output
    assert "gone is not ready: connection." in run.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["python"], "nothing is written"
