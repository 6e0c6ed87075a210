# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in a file how far a module is while it works: what it prints arrives only at its end."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import typing as t

_SECONDS = 0.5


@contextlib.contextmanager
def told_in(path: str | None, look: t.Callable[[], dict[str, t.Any]]) -> t.Iterator[None]:
    """Within it, the file ``path`` has what ``look`` returned last, as JSON. It is made here and gone afterwards."""
    if path is None:
        yield
        return
    try:
        # Readable for the user who runs the playbook where another one does the work. There are only numbers in it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except OSError:
        # Nobody is told then; the work is done all the same.
        yield
        return
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(handle, look, over), name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        os.close(handle)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _tell(handle: int, look: t.Callable[[], dict[str, t.Any]], over: threading.Event) -> None:
    while not over.wait(_SECONDS):
        # A file that was closed between two steps, or a disk that is full, ends no work.
        with contextlib.suppress(OSError, ValueError):
            line = json.dumps(look()).encode() + b"\n"
            os.ftruncate(handle, 0)
            os.pwrite(handle, line, 0)
