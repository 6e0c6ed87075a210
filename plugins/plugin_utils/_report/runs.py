# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs in a directory of reports. Each has a directory of its own, which no later run touches."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import fcntl
import json
import os
import pathlib
import re
import shutil
import typing as t

SUMMARY_FILE = "summary.json"
LATEST = "latest"
PAGE, ANALYSIS_PAGE = "report.html", "analysis.html"

_NAME = re.compile(r"(\d{8}T\d{6}Z)-([a-z0-9-]+?)(?:-(\d+))?")


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run says of itself in its summary. ``readable`` is false if that is gone or damaged."""

    name: str
    readable: bool = False
    playbook: str = ""
    check_mode: bool = False
    analysis: bool = False
    """Whether it only looked at sources; its page is another then."""
    finished: str = ""
    elapsed_seconds: float = 0.0
    summary: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    migrations: t.Mapping[str, tuple[str, int, int]] = dataclasses.field(default_factory=dict)
    """By name: status, keys moved, bytes moved."""

    @property
    def page(self) -> str:
        return ANALYSIS_PAGE if self.analysis else PAGE

    @property
    def only_looked(self) -> bool:
        """Whether it says nothing of how far a migration has come."""
        return self.check_mode or self.analysis


def run_name(finished: float, playbook: str) -> str:
    """``20261127T191500Z-migrate``."""
    return f"{datetime.datetime.fromtimestamp(finished, datetime.UTC):%Y%m%dT%H%M%SZ}-{playbook}"


@contextlib.contextmanager
def locked(directory: pathlib.Path) -> t.Iterator[None]:
    """Makes the directory, and keeps other runs from writing to it meanwhile, where the file system can do that."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        # Without it, runs that end at the same moment might miss each other in the list until the next one.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def save_run(directory: pathlib.Path, name: str, files: t.Mapping[str, str]) -> str:
    """Write a run's files, all or none, for the owner's eyes only; returns the name, with a number if it was taken."""
    unfinished = directory / f".{name}.{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    try:
        unfinished.mkdir(mode=0o700)
        for file, text in files.items():
            write_file(unfinished / file, text)
        return _take_name(unfinished, directory, name)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _take_name(unfinished: pathlib.Path, directory: pathlib.Path, name: str) -> str:
    number, wanted = 1, name
    while True:
        try:
            unfinished.rename(directory / wanted)
            return wanted
        except OSError as exc:
            # A directory with files in it is never replaced.
            if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        number += 1
        wanted = f"{name}-{number}"


def write_file(path: pathlib.Path, text: str) -> None:
    """All or nothing, for the owner's eyes only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def link_latest(directory: pathlib.Path, name: str) -> None:
    """Let ``latest`` lead to this run. OSError where there are no links, or something else has that name."""
    temporary = directory / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(name, target_is_directory=True)
        temporary.replace(directory / LATEST)
    finally:
        temporary.unlink(missing_ok=True)


def read_runs(directory: pathlib.Path) -> list[Run]:
    """The runs of this directory, the newest first."""
    try:
        names = [entry.name for entry in os.scandir(directory) if entry.is_dir() and _NAME.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
    return [_read(directory, name) for name in sorted(names, key=_order, reverse=True)]


def _order(name: str) -> tuple[str, str, int]:
    found = _NAME.fullmatch(name)
    return (found[1], found[2], int(found[3] or 1)) if found else ("", name, 0)


def _read(directory: pathlib.Path, name: str) -> Run:
    try:
        return _run(name, json.loads((directory / name / SUMMARY_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return Run(name)


def _run(name: str, data: t.Mapping[str, t.Any]) -> Run:
    return Run(
        name,
        readable=True,
        playbook=str(data["playbook"]),
        check_mode=bool(data["check_mode"]),
        analysis=bool(data.get("analysis", False)),
        finished=str(data["finished"]),
        elapsed_seconds=float(data["elapsed_seconds"]),
        summary={str(key): int(number) for key, number in data["summary"].items()},
        migrations={
            str(one["name"]): (str(one["status"]), int(one["keys_moved"]), int(one["bytes_moved"]))
            for one in data["migrations"]
        },
    )
