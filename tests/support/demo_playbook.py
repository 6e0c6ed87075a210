# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the demo runs a real playbook, and what it keeps of a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support import keeper
from tests.support.demo_screen import paint, say, short
from tests.support.paths import COLLECTIONS_PATH, REPO

HOME = REPO / ".demo"


@dataclass(frozen=True)
class Run:
    """A run of the playbook: how it ended, its recap, and its report."""

    returncode: int
    seconds: float
    recap: str
    report: dict[str, Any]

    @property
    def migration(self) -> dict[str, Any]:
        found: dict[str, Any] = self.report["migrations"][0]
        return found

    @property
    def changed(self) -> str:
        return next((word.removeprefix("changed=") for word in self.recap.split() if word.startswith("changed=")), "?")


def write_inventory(name: str, hosts: Mapping[str, Any], **variables: Any) -> Path:
    """A private file in the demo's directory, written anew."""
    HOME.mkdir(mode=0o700, exist_ok=True)
    path = HOME / name
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    group = {"hosts": dict(hosts), **({"vars": variables} if variables else {})}
    path.write_text(yaml.safe_dump({"redis_migrations": group}, sort_keys=False))
    return path


def migrate(inventory: Path, report: Path, *, show: bool, only_words: bool = False) -> Run:
    """Run migrate.yml; `show` its output as it comes, or `only_words`: what it has to say about the migration.

    What a run that fails has said is shown in any case. `report` is the directory that the inventory names for it.
    """
    command = [tool("ansible-playbook"), str(REPO / "playbooks" / "migrate.yml"), "-i", str(inventory)]
    say(paint(f"  $ ansible-playbook playbooks/migrate.yml -i {short(inventory)}", "name"))
    shutil.rmtree(report, ignore_errors=True)
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=HOME,
        env=dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS_PATH),
            ANSIBLE_CONFIG=str(REPO / "ansible.cfg"),
            ANSIBLE_HOME=str(HOME / "ansible"),
            ANSIBLE_CALLBACK_RESULT_FORMAT="json" if only_words else "yaml",
            ANSIBLE_DISPLAY_SKIPPED_HOSTS="false",
            ANSIBLE_FORCE_COLOR="1" if show and sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "0",
            PYTHONUNBUFFERED="1",
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    keeper.keep(process.pid)
    assert process.stdout is not None
    recap, output = "", []

    def lines(stream: Iterable[str]) -> Iterator[str]:
        nonlocal recap
        for written in stream:
            line = written.rstrip().rstrip("*").rstrip()
            output.append(line)
            if " ok=" in line and "changed=" in line:
                recap = " ".join(line.split())
            yield line

    for line in _words(lines(process.stdout)) if only_words else lines(process.stdout):
        if line and (show or only_words):
            say(f"  {paint('|', 'dim')} {line}")
    returncode = process.wait()
    keeper.forget(process.pid)
    if returncode and not show:
        say("\n".join(output))
    data = report / "report.json"
    return Run(returncode, time.monotonic() - began, recap, json.loads(data.read_text()) if data.exists() else {})


def _words(lines: Iterable[str]) -> Iterator[str]:
    """The messages of a playbook whose results are JSON, without all that is around them."""
    document: list[str] = []
    for line in lines:
        if line.startswith("ok: ") and line.endswith("=> {"):
            document = ["{"]
        elif document:
            document.append(line)
            if line == "}":
                message = json.loads("\n".join(document)).get("msg", [])
                document = []
                yield from [message] if isinstance(message, str) else message


def tool(name: str) -> str:
    """A command of the environment that this runs in."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name
