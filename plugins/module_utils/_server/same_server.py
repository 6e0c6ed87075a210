# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two endpoints are one server: a connection to one of them, with a name of its own, is seen at the other.

Nothing is written for it. What servers say of themselves only shows that it has to be asked.
"""

from __future__ import annotations

import secrets
import typing as t

from .._connection.connect import CLIENT_NAME, client
from .._connection.endpoint import Endpoint
from .._errors import ConnectionLost, RedisMigrationError
from .clients import parse_client_list
from .info import Server


def one_server(source: Endpoint, target: Endpoint, source_server: Server, target_server: Server) -> bool | None:
    """Whether both are one; None where they say the same of themselves and no proof can be had."""
    ours, theirs = source_server.identity, target_server.identity
    if not ours.same_process(theirs) or source_server.product != target_server.product:
        return False
    name = f"{CLIENT_NAME}:probe:{secrets.token_hex(8)}"
    try:
        with client(source, name=name) as here, client(target) as there:
            if not _lists(here, name):
                return None if ours.known else False
            return _lists(there, name)
    except ConnectionLost:
        raise
    except RedisMigrationError:
        return None if ours.known else False


def _lists(redis_client: t.Any, name: str) -> bool:
    return any(found.name == name for found in parse_client_list(redis_client.execute_command("CLIENT", "LIST")))
