# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every Python that a tested playbook starts reads this first: what it compiles from a zip is kept for the next one.

Ansible sends a module as a zip of sources, and Python keeps no bytecode of a zip. Compiling takes a third of a module's
time, and a run of the tests starts some thousand modules.
"""

import hashlib
import marshal
import os
import zipimport
from types import CodeType

_INSIDE = vars(zipimport)
_compile = _INSIDE.get("_compile_source")
_directory = os.environ.get("TESTS_KEPT")


def _compile_once(path: str, source: bytes) -> CodeType:
    assert _directory is not None
    assert _compile is not None
    # A module's zip lies in another place each time; only what is inside of it tells files apart.
    name = path.rpartition(".zip/")[2].encode()
    kept = os.path.join(_directory, hashlib.sha256(name + b"\0" + source).hexdigest())
    code: CodeType
    try:
        with open(kept, "rb") as file:
            code = marshal.load(file)
        return code
    except (OSError, EOFError, ValueError, TypeError):
        code = _compile(path, source)
    try:
        written = f"{kept}.{os.getpid()}"
        with open(written, "wb") as file:
            marshal.dump(code, file)
        os.replace(written, kept)
    except OSError:
        pass  # The tests have ended, and the directory is gone.
    return code


if _compile is not None and _directory:
    _INSIDE["_compile_source"] = _compile_once
