# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python, redis-py or hiredis that is too old is named first, with what is needed and where it was found."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import ansible
import pytest
from ansible.module_utils.basic import _PY_MIN

from tests.support.paths import COLLECTIONS_PATH, REPO

REDIS_MODULE, CLOUD_MODULE = "redis_migrate_keys", "cf_app"
ARGUMENTS = {
    REDIS_MODULE: {"source": {"host": "127.0.0.1", "port": 1}, "target": {"host": "127.0.0.1", "port": 2}},
    CLOUD_MODULE: {"apps": ["one"]},
}
# What there was of it in redis-py 4.3.4, as far as it is imported.
OLD_REDIS = {
    "redis/__init__.py": "__version__ = '4.3.4'\nfrom redis import exceptions\nclass Redis: pass\n"
    "class AuthenticationError(Exception): pass\n",
    "redis/connection.py": "class Connection: pass\nclass UnixDomainSocketConnection: pass\n",
    "redis/exceptions.py": "class NoPermissionError(Exception): pass\nclass ReadOnlyError(Exception): pass\n",
}


def failure_of(module: str, python: str, *paths: Path) -> str:
    """The message with which ``module`` ends under ``python``; ``paths`` come first on its import path."""
    path = [*map(str, paths), str(Path(ansible.__file__).parents[1]), str(COLLECTIONS_PATH)]
    done = subprocess.run(
        [python, REPO / f"plugins/modules/{module}.py"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": ARGUMENTS[module]}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert result["failed"]
    return str(result["msg"])


def old_pythons() -> list[str]:
    kept = [str(path) for path in (Path.home() / ".pyenv/versions").glob("3.[89].*/bin/python")]
    kept += [str(path) for path in (Path.home() / ".pyenv/versions").glob("3.10.*/bin/python")]
    return sorted(kept) or [found for minor in (8, 9, 10) if (found := shutil.which(f"python3.{minor}"))]


def version_of(python: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, told.split()))


@pytest.mark.parametrize("module", [REDIS_MODULE, CLOUD_MODULE])
@pytest.mark.parametrize("python", old_pythons() or [pytest.param("", marks=pytest.mark.skip("no old Python is here"))])
def test_an_old_python_is_named_with_what_is_needed(python: str, module: str) -> None:
    message = failure_of(module, python)
    if version_of(python) < _PY_MIN:
        # ansible-core itself says so, before anything of ours runs.
        assert message.startswith("Ansible requires Python")
        return
    assert "needs Python 3.11 or newer" in message
    assert python in message
    assert platform.node() in message
    assert "ansible_python_interpreter" in message


@pytest.mark.parametrize(
    ("name", "files", "found", "wanted"),
    [
        ("redis", OLD_REDIS, "4.3.4", "6.0"),
        ("hiredis", {"hiredis/__init__.py": "__version__ = '2.4.0'\nclass Reader: pass\n"}, "2.4.0", "3.0"),
    ],
)
def test_an_old_library_is_named_with_what_is_needed(
    tmp_path: Path, name: str, files: dict[str, str], found: str, wanted: str
) -> None:
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    message = failure_of(REDIS_MODULE, sys.executable, tmp_path)
    assert f"{name} {wanted} or newer is needed" in message
    assert f"has {name} {found}" in message
    assert f"{sys.executable} on the host {platform.node()}" in message


def test_the_documents_say_the_oldest_versions() -> None:
    for document in ("requirements.txt", "README.md"):
        text = (REPO / document).read_text()
        assert "redis>=6.0" in text
        assert "hiredis>=3.0" in text
        assert "ansible-core>=2.19" in text
