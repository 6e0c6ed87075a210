# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import COLLECTIONS_PATH

# A signal arrives in a destructor, where Python drops what its handler raises.
CODE = """
import os, sys
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.files import BackupFiles
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_backup import _cleaned_up

class Signalled:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[2]))

files = BackupFiles(sys.argv[1], replace=True, password=None)
with _cleaned_up(files) as go_on:
    signalled = Signalled()
    del signalled
    print("still here", flush=True)
    go_on()
    print("not ended", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP], ids=lambda how: how.name)
def test_a_signal_whose_exception_is_dropped_ends_it_nevertheless(how: signal.Signals, tmp_path: Path) -> None:
    dest = tmp_path / "dump.rdb"
    dest.write_bytes(b"older")
    ran = subprocess.run(
        [sys.executable, "-c", CODE, str(dest), str(int(how))],
        env={"PYTHONPATH": str(COLLECTIONS_PATH)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == -how, ran.stderr
    assert ran.stdout == "still here\n"
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]
    assert dest.read_bytes() == b"older"
