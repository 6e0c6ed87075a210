# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a process that outlives the module, and hears its one answer: whether it has begun.

It gets everything, its code's place and its secrets included, through its standard input: nothing is in its arguments
or in its environment.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import typing as t

from .._process import end_process, process_identity
from .._waiting import Deadline

_BOOT = (
    "import importlib,json,sys;document=json.loads(sys.stdin.read());sys.path[:]=document['path'];"
    "importlib.import_module('{module}').main(document['order'])"
)
# All of the environment that the long-lived process inherits; the rest may hold secrets.
_ENVIRONMENT = (
    "HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "NO_PROXY", "no_proxy",
)  # fmt: skip
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def start(module: str, order: dict[str, t.Any], deadline: Deadline) -> dict[str, t.Any]:
    """Run C(main(order)) of C(module) in a process of its own, in a session of its own.

    Returns what it said by :func:`child.report`; empty, and the process is ended, if it said nothing in time.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT.format(module=module)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("opened with pipes")
    with process.stdin as stream:
        stream.write(json.dumps({"path": _code_path(), "order": order}).encode())
    with process.stdout as answers:
        answer = _first_line(answers, deadline)
    if not answer:
        identity = process_identity(process.pid)
        if identity:
            end_process(process.pid, identity)
    return answer


def _first_line(stream: t.IO[bytes], deadline: Deadline) -> dict[str, t.Any]:
    received = b""
    while b"\n" not in received:
        ready, _write, _exceptional = select.select([stream], [], [], deadline.left())
        part = os.read(stream.fileno(), 65536) if ready else b""
        if not part:
            break
        received += part
    try:
        answer = json.loads(received)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # A proxy's address may carry a password, which must not stay in an environment for hours.
    kept.update((name, os.environ[name]) for name in _PROXIES if "@" not in os.environ.get(name, "@"))
    return kept


def _code_path() -> list[str]:
    """Where this code is, for the other process: the module's archive is gone once the module has ended."""
    return [os.path.abspath(entry) for entry in sys.path if entry]
