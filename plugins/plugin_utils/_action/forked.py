# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module in a fork of this process, which has Python and most that modules import in memory (see beforehand.py).

What is Ansible's the fork forgets and loads anew: a module must find what it finds on any other machine, not the controller.
"""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import runpy
import selectors
import signal
import sys
import typing as t

# On a Mac a fork must not use what the system's own libraries have set up before, such as what knows of proxies.
FORKS = sys.platform != "darwin"

_CONTEXT = multiprocessing.get_context("fork")
_READ_BYTES = 64 * 1024

# How long one that was told to end may take, in seconds.
_PATIENCE = 2.0
_CONTROLLER = "ansible"

# Kept, as taking them to pieces would be work for nothing.
_forgotten: list[object] = []


class Program(t.NamedTuple):
    """A module to run. ``root``: the directory to import it from. ``options``: its standard input."""

    root: str
    name: str
    options: bytes
    environment: t.Mapping[str, str]
    directory: str


class Left(t.NamedTuple):
    """What it left: its exit code (of a signal: negative) and all that it wrote."""

    code: int
    output: bytes
    errors: bytes


def run_forked(program: Program) -> Left:
    """Run ``program`` to its end. It is a child of this process, and of its group."""
    (output, its_output), (errors, its_errors) = os.pipe(), os.pipe()
    process = _CONTEXT.Process(target=_run, args=(program, its_output, its_errors))
    try:
        try:
            process.start()
        finally:
            os.close(its_output)
            os.close(its_errors)
        try:
            written = _read(output, errors)
            process.join()
        except BaseException:
            # Such as a task's timeout.
            process.terminate()
            process.join(_PATIENCE)
            raise
    finally:
        os.close(output)
        os.close(errors)
    return Left(process.exitcode or 0, *written)


def _read(*streams: int) -> list[bytes]:
    """All that arrives on each of ``streams``."""
    read = {stream: bytearray() for stream in streams}
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            for key, _events in selector.select():
                piece = os.read(key.fd, _READ_BYTES)
                read[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)
    return [bytes(data) for data in read.values()]


def _run(program: Program, output: int, errors: int) -> None:
    """In the fork."""
    # What is there already is never garbage: looking through it would copy it, page by page.
    gc.freeze()
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = io.TextIOWrapper(io.BytesIO(program.options))
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", errors="surrogateescape") for number in (1, 2))
    os.environ.update(program.environment)
    os.chdir(program.directory)
    _forget_controller()
    sys.path[:] = [program.root, *filter(None, sys.path)]
    sys.argv = [program.name]
    runpy.run_module(program.name, run_name="__main__", alter_sys=True)


def _forget_controller() -> None:
    """Import from now on as any Python does."""
    sys.meta_path[:] = [way for way in sys.meta_path if not _is_controllers(way)]
    sys.path_hooks[:] = [way for way in sys.path_hooks if not _is_controllers(way)]
    sys.path_importer_cache.clear()
    names = [name for name in sys.modules if name.partition(".")[0] == _CONTROLLER]
    _forgotten.extend(sys.modules.pop(name) for name in names)


def _is_controllers(way: t.Any) -> bool:
    module: str = getattr(way, "__module__", None) or type(way).__module__
    return module.partition(".")[0] == _CONTROLLER
