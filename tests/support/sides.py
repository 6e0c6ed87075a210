# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends of a run without a server behind them, for rules that no server at hand breaks."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.replies import parse_info
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import (
    Answered,
    Question,
    Situation,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.key_counts import Database


def a_server(version: str = "7.2.4", flavor: str = "redis", *, keys: int = 0, **fields: Any) -> Server:
    """A standalone primary with ``keys`` keys in database 0."""
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Server)}
    values.update(flavor=flavor, version=version, mode="standalone", role="master", unknown_commands=frozenset())
    values.update(databases={0: Database(keys, 0)} if keys else {})
    return Server(**{**values, **fields})


def a_side(role: str, server: Any = None, **info: object) -> Answered:
    """A side of a preflight that has answered. ``info``: fields of INFO."""
    nobody: Any = None
    side = Answered(role, parse_endpoint({"host": "somewhere"}, role), nobody, server, nobody)
    side.info = parse_info("".join(f"{name}:{value}\r\n" for name, value in info.items()))
    return side


def a_situation(source: Answered | None = None, target: Answered | None = None, **question: Any) -> Situation:
    """Both sides, database 0 to database 0, and the options ``question`` of the preflight."""
    end = {"host": "somewhere"}
    asked = Question(end, end, question.pop("selection", Selection()), **question)
    return Situation(asked, source or a_side("source"), target or a_side("target"), pairs=[(0, 0)])
