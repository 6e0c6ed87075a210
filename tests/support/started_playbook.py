# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook that runs, to be ended by a signal: `with started_playbook("migrate", hosts, directory=work) as process:`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support import keeper
from tests.support.paths import COLLECTIONS_PATH, REPO


@contextlib.contextmanager
def started_playbook(
    playbook: str, inventory: Mapping[str, Any], *arguments: str, directory: Path
) -> Iterator[subprocess.Popen[str]]:
    """`playbook` (one of playbooks/) in a process group of its own; whatever is left of it is gone afterwards."""
    written = directory / "inventory.yml"
    written.touch(mode=0o600)
    written.write_text(yaml.safe_dump(dict(inventory)))
    (directory / "tmp").mkdir()
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            REPO / "playbooks" / f"{playbook}.yml",
            "-i",
            written,
            *arguments,
        ],
        cwd=directory,
        env=dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS_PATH),
            ANSIBLE_LOCAL_TEMP=str(directory / "tmp"),
            ANSIBLE_REMOTE_TEMP=str(directory / "tmp"),
            ANSIBLE_NOCOLOR="1",
            TMPDIR=str(directory / "tmp"),
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    keeper.keep(process.pid)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        keeper.forget(process.pid)
        if process.stdout:
            process.stdout.close()
