# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests that cannot run here say so: skipped with what is missing and how to get it, failed under CI_STRICT=1."""

from __future__ import annotations

import shutil
from typing import NoReturn

import pytest

from tests.support import servers

PREFIX = "left out: "


def leave_out(what: str, how: str) -> NoReturn:
    """End this test: it needs `what`, to be had by `how` (`apt-get install ...`)."""
    pytest.skip(f"{PREFIX}{what} - {how}")


def need_server(name: str) -> None:
    if name not in servers.available():
        leave_out(f"server {name}", servers.why_missing(name))


def need_tls_server() -> str:
    """The name of a server that speaks TLS itself."""
    names = servers.tls_servers()
    if not names:
        leave_out("redis-server with TLS (Debian 12: redis-7.0)", "apt-get install redis-server")
    return names[0]


def need_program(program: str, package: str | None = None) -> str:
    """The path of an installed program; `package` is Debian's, where its name differs."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if not path:
        leave_out(program, f"apt-get install {package or program}")
    return path
