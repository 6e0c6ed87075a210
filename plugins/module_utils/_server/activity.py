# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server was written to between two moments, by its own statistics.

Counts of calls of the commands that the server itself flags as writing (INFO commandstats, COMMAND), and its count of
changes since the last save. MIGRATE is left out: with COPY it changes nothing, and it is ours.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._connection.commands import pack
from .._connection.connect import CLIENT_NAME, connect, naming
from .._connection.endpoint import Endpoint
from .._connection.explain import explain_reply
from .._connection.identity import Identity, ask_with_identity
from .._connection.patience import at_first
from .._connection.replies import parse_info
from .._errors import ConnectError, RedisMigrationError

_OURS = "migrate"


@dataclasses.dataclass(frozen=True)
class Activity:
    """What a server has counted up to one moment; plain data. None: it cannot be told."""

    run_id: str
    writes: int | None
    changes: int | None
    last_save: int


class Drift(t.NamedTuple):
    """``writes``: write commands in between, None where that cannot be told. ``changed``: whether they changed data."""

    writes: int | None
    changed: bool

    @property
    def sentence(self) -> str | None:
        """What an operator should know, if anything."""
        if not self.changed:
            return None
        how_often = "" if self.writes is None else f" ({self.writes} write command{'s' * (self.writes != 1)})"
        return (
            f"The source was written to during the run{how_often}: keys that changed after they were read are not up"
            " to date"
            " at the target. redis_key_diff names them, and another run brings just these up to date."
        )


class Watcher:
    """Reads the :class:`Activity` of a server; learns once which commands write."""

    def __init__(self, redis_client: t.Any) -> None:
        self._client = redis_client
        self._writing = write_commands(redis_client)

    def look(self) -> Activity:
        """Raises :class:`RedisMigrationError`."""
        return _activity(parse_info(self._client.execute_command("INFO", "all")), self._writing)


def _activity(info: t.Mapping[str, str], writing: frozenset[str] | None) -> Activity:
    return Activity(
        run_id=info.get("run_id", ""),
        writes=None if writing is None else count_writes(info, writing),
        changes=int(info["rdb_changes_since_last_save"]) if "rdb_changes_since_last_save" in info else None,
        last_save=int(info.get("rdb_last_save_time", 0)),
    )


def read_activity(endpoint: Endpoint) -> tuple[Activity | None, Identity | None]:
    """The activity of the server at ``endpoint``, and who it was after that.

    Nothing where they cannot be read, which is no reason to fail.
    """

    def read() -> tuple[Activity, Identity]:
        connection = connect(endpoint, name=None)
        try:
            (_named, commands, info), identity = ask_with_identity(
                connection, endpoint, naming(CLIENT_NAME), pack("COMMAND"), pack("INFO", "all")
            )
        finally:
            connection.disconnect()
        if not isinstance(info, bytes):
            raise explain_reply(info, endpoint, command=("INFO",))
        return _activity(parse_info(info), writing_in(commands)), identity

    with contextlib.suppress(RedisMigrationError):
        # Its reply is large, and a limit of the server may close the connection each time.
        return at_first(read)
    return None, None


def between(before: Activity | None, after: Activity | None) -> Drift:
    """What happened from ``before`` to ``after``."""
    if before is None or after is None or before.run_id != after.run_id:
        return Drift(None, False)
    writes = None
    if before.writes is not None and after.writes is not None and after.writes >= before.writes:
        writes = after.writes - before.writes
    if before.changes is None or after.changes is None:
        return Drift(writes, bool(writes))
    # The count of changes starts anew with every save.
    saved = before.last_save != after.last_save or after.changes < before.changes
    changed = saved or after.changes != before.changes
    if writes is None:
        return Drift(None, changed and not saved)
    return Drift(writes, changed and writes > 0)


def count_writes(info: t.Mapping[str, str], writing: t.Container[str]) -> int:
    """Calls of writing commands that succeeded, from parsed INFO commandstats."""
    total = 0
    for name, value in info.items():
        command = name.removeprefix("cmdstat_")
        if command in (name, _OURS) or command not in writing:
            continue
        counts = dict(part.split("=", 1) for part in value.split(",") if "=" in part)
        total += int(counts.get("calls", 0)) - int(counts.get("failed_calls", 0))
    return total


def write_commands(redis_client: t.Any) -> frozenset[str] | None:
    """Names, as in INFO commandstats, of the commands that the server flags as writing."""
    # As the server sends it: redis-py would drop the subcommands.
    redis_client.response_callbacks.pop("COMMAND", None)
    try:
        told = redis_client.execute_command("COMMAND")
    except ConnectError:
        raise
    except RedisMigrationError:
        return None
    return writing_in(told)


def writing_in(told: t.Any) -> frozenset[str] | None:
    """The same, of the reply to COMMAND; None for an error."""
    if not isinstance(told, list):
        return None
    commands = list(told)
    found = set()
    for command in commands:
        if (
            not isinstance(command, list)
            or len(command) < 6
            or not isinstance(command[0], bytes)
            or not isinstance(command[2], list)
        ):
            # Not what the command gives: nothing is known.
            return None
        if b"write" in command[2]:
            found.add(command[0].decode("ascii", "replace"))
        if len(command) > 9:
            commands.extend(command[9])
    return frozenset(found)
