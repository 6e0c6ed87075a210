# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries of functions in a backup: what may be there must not be left out, and what is written must be whole."""

from __future__ import annotations

from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._connection.replies import parse_info
from .._errors import CommandRefused, RedisMigrationError
from .._pipeline.absence import CONTRADICTION_HINT
from .._rdb.crc64 import crc64
from .._server.functions import Dumped, dump_functions
from .._server.info import Server


def dumped_functions(endpoint: Endpoint, server: Server) -> Dumped:
    """All libraries as one payload. Raises :class:`RedisMigrationError` for one whose checksum is wrong."""
    dumped = dump_functions(endpoint, server)
    if crc64(dumped.payload):
        raise RedisMigrationError(
            f"The {endpoint} answered FUNCTION DUMP with what is no payload: its checksum is wrong.",
            hint=CONTRADICTION_HINT,
        )
    return dumped


def check_no_libraries(endpoint: Endpoint, refusal: str) -> None:
    """A backup must not lack what may be there. Raises :class:`RedisMigrationError` unless no library is."""
    with client(endpoint) as redis_client:
        counted = parse_info(redis_client.execute_command("INFO", "memory")).get("number_of_libraries")
        try:
            held = len(redis_client.execute_command("FUNCTION LIST")) if counted is None else int(counted)
        except CommandRefused:
            held = None
    if held != 0:
        raise RedisMigrationError(
            f"The {endpoint} {'may have' if held is None else 'has'} libraries of functions (scripts for FCALL)"
            f"{f': {held}' if held else ''}. They cannot be read: {refusal}",
            hint="Permit +function|dump, or leave them out of the backup with 'functions: false'.",
        )
