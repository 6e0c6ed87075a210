# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds secrets where others could see them: in process lists and files, while something runs and after it.

with Watch([tmp_path]) as watch:
    run_playbook(...)
assert watch.seen > 1000
assert found({"the password": "hunter2"}, {**watch.traces, "the output": output.encode()}) == []
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

# A process of its own, so that what is being watched slows it down as little as possible, and the reverse.
_WATCHER = """
import json, os, select, stat, sys
directories = json.loads(sys.stdin.readline())
before = set(os.listdir("/proc"))
looks, traces, files = 0, {}, {}
def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""
def keep(where, content):
    if content:
        traces[content] = where
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.008)[0]:
    looks += 1
    for pid in set(os.listdir("/proc")) - before:
        if pid.isdigit():
            for what in ("cmdline", "environ"):
                keep(f"{what} of a process", read(f"/proc/{pid}/{what}"))
    for place, below, names in (entry for top in directories for entry in os.walk(top)):
        for name in names:
            path = os.path.join(place, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            version = status.st_ino, status.st_size, status.st_mtime_ns
            if stat.S_ISREG(status.st_mode) and files.get(path) != version:
                files[path] = version
                keep(path, read(path))
json.dump([looks, [[where, content.decode("latin-1")] for content, where in traces.items()]], sys.stdout)
"""


class Watch:
    """Looks every few milliseconds at all processes that start meanwhile, and at the files below `directories`.

    Afterwards `looks` says how often, and `traces` holds every command line, environment and file that was seen.
    """

    def __init__(self, directories: Iterable[Path]) -> None:
        self._directories = [str(directory) for directory in directories]
        self.looks = 0
        self.traces: list[tuple[str, bytes]] = []

    def __enter__(self) -> Watch:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._directories) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        output, _nothing = self._process.communicate(timeout=60)
        self.looks, traces = json.loads(output)
        self.traces = [(where, content.encode("latin-1")) for where, content in traces]


def files_below(directory: Path) -> list[tuple[str, bytes]]:
    """Every regular file, with its name."""
    return [
        (str(path), path.read_bytes())
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]


def found(secrets: Mapping[str, str], traces: Iterable[tuple[str, bytes]]) -> list[str]:
    """Which secret is where, plain or as base64 or percent-encoded; the sentences do not repeat it."""
    forms = {name: _forms(secret) for name, secret in secrets.items()}
    return [
        f"{name} in {where}"
        for where, content in traces
        for name, looked_for in forms.items()
        if any(form in content for form in looked_for)
    ]


def _forms(secret: str) -> set[bytes]:
    forms = {secret.encode(), quote(secret, safe="").encode()}
    # Base64 depends on what stands before; the first and the last characters also on what stands beside it.
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret.encode())
        forms.add(encoded[4 if shift else 0 : -4])
    return forms
