# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that runs in a fork finds what a process of its own would have, and leaves nothing in this one."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.forked import (
    Left,
    Program,
    run_forked,
)

# What is Ansible's controller is there to be forgotten.
importlib.import_module("ansible.cli")

_REPORT = """
import json, os, signal, sys
from ansible.module_utils import _internal
print(json.dumps({
    "options": sys.stdin.buffer.read().decode(),
    "arguments": sys.argv,
    "environment": os.environ["GIVEN"],
    "directory": os.getcwd(),
    "descriptors": sorted(os.listdir("/dev/fd"))[:-1],
    "terminates": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
    "group": os.getpgid(0),
    "controller": [name for name in sys.modules if name.startswith(("ansible._internal", "ansible.plugins", "ansible.cli"))],
    "is_controller": _internal.is_controller,
}))
print("\\udcff said", file=sys.stderr)
"""


def _run(directory: Path, source: str, options: bytes = b"") -> Left:
    (directory / "a_module.py").write_text(source)
    return run_forked(Program(str(directory), "a_module", options, {"GIVEN": "é"}, str(directory)))


def test_it_finds_what_a_process_of_its_own_has(tmp_path: Path) -> None:
    options = json.dumps({"a": "x" * 1_000_000}).encode()
    opened = (tmp_path / "file").open("w")
    left = _run(tmp_path, _REPORT, options)
    opened.close()
    assert (left.code, left.errors) == (0, b"\xff said\n")
    said = json.loads(left.output)
    assert said["options"].encode() == options
    assert said["environment"] == "é" and said["directory"] == str(tmp_path)
    assert Path(said["arguments"][0]).name == "a_module.py"
    assert said["descriptors"] == ["0", "1", "2"], "none of ours"
    assert said["terminates"] and said["group"] == os.getpgid(0)
    assert said["controller"] == [] and not said["is_controller"]
    assert "GIVEN" not in os.environ and "a_module" not in sys.modules and "ansible.cli" in sys.modules


@pytest.mark.parametrize(
    ("source", "code", "errors"),
    [
        ("import sys; sys.exit(3)", 3, b""),
        ("import sys; sys.exit('why')", 1, b"why"),
        ("raise OSError('odd')", 1, b"OSError: odd"),
        ("import os; os.kill(os.getpid(), 9)", -9, b""),
        ("import os; print('half', flush=True); os._exit(7)", 7, b""),
    ],
)
def test_its_end_is_told(source: str, code: int, errors: bytes, tmp_path: Path) -> None:
    left = _run(tmp_path, source)
    assert left.code == code and errors in left.errors
    assert (b"half" in left.output) == ("half" in source)


def test_output_that_fills_a_pipe_arrives(tmp_path: Path) -> None:
    left = _run(tmp_path, "import sys\nfor stream in sys.stderr, sys.stdout: stream.write('x' * 3_000_000)")
    assert (left.code, len(left.output), len(left.errors)) == (0, 3_000_000, 3_000_000)


def test_it_ends_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    class Impatient(Exception):
        pass

    def give_up(_number: int, _frame: object) -> None:
        if told.exists():
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Impatient

    told = tmp_path / "pid"
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        with pytest.raises(Impatient):
            _run(
                tmp_path,
                "import os, time\nopen('pid.new', 'w').write(str(os.getpid()))\nos.rename('pid.new', 'pid')\ntime.sleep(600)",
            )
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)
