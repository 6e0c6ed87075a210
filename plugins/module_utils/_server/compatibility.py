# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers can RESTORE what others DUMP. Tried on real servers; a table because it cannot be asked."""

from __future__ import annotations

import dataclasses

from .info import Server

# The version of the RDB format by release, newest first.
_REDIS = (((7, 4), 12), ((7, 2), 11), ((7, 0), 10), ((5, 0), 9), ((4, 0), 8))
_VALKEY = (((9, 0), 80), ((7, 2), 11))

# Valkey 9 left the common numbering and refuses what Redis numbered after the fork.
_LAST_COMMON = 11


def rdb_version(server: Server) -> int:
    """The RDB version that ``server`` writes."""
    for release, version in _VALKEY if server.flavor == "valkey" else _REDIS:
        if server.version_tuple >= release:
            return version
    return 7


def can_restore(source: Server, target: Server) -> bool:
    """Whether ``target`` is known to take DUMP payloads of ``source``."""
    written, known = rdb_version(source), rdb_version(target)
    if target.flavor == "valkey" and source.flavor != "valkey" and written > _LAST_COMMON:
        return False
    return written <= known


def oldest_readers(source: Server) -> dict[str, str | None]:
    """By flavor, the oldest release that is known to take DUMP payloads of ``source``: ``7.0``, or None."""
    found: dict[str, str | None] = {}
    for flavor, releases in (("redis", _REDIS), ("valkey", _VALKEY)):
        versions = [".".join(map(str, release)) for release, _format in reversed(releases)]
        readers = [dataclasses.replace(source, flavor=flavor, version=version) for version in versions]
        found[flavor] = next((reader.version for reader in readers if can_restore(source, reader)), None)
    return found
