# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the keys and functions of a backup into a server or cluster, by commands that an ordinary user may give.

Each file is read twice: once to the end before anything is written, so that a damaged one changes nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import secrets
import time
import typing as t

from .._connection.connect import client
from .._connection.patience import patiently
from .._errors import RedisMigrationError, printable
from .._keys.name import printable as shown
from .._keys.selection import Selection
from .._keys.slots import hash_slot
from .._rdb.reader import RdbReader
from .._server.claim import Claim
from .._server.databases import check_databases
from .._server.functions import Libraries, library_name, write_libraries
from .._server.info import server_of
from .destination import Alone, Destination, Node
from .doubled import name_doubled
from .parts import Belongs, belongs, check_whole
from .progress import Progress
from .restore_keys import KeysOfFile, Taker, chooser
from .restore_plan import Contents, Restored, RestorePlan, RestoreResult, together
from .source import BackupSource


def inspect(plan: RestorePlan, path: str, progress: Progress) -> Contents:
    """Read a file to its end. Raises :class:`RedisMigrationError` when anything about it is wrong."""
    chosen = chooser(plan.selection)
    databases: dict[int, int] = {}
    part: Belongs | None = None
    with BackupSource(path, plan.password) as source:
        progress.begin("reading the backup", source.position)
        reader = RdbReader(source.read, f"The backup {path}")
        for number, entry in enumerate(reader.entries()):
            part = belongs(reader.facts) if number == 0 else part
            if part is not None and not part.slots[hash_slot(entry.key)]:
                raise RedisMigrationError(
                    f"The backup {path} has a key of a slot that it says is in another part, '{shown(entry.key)}'.",
                    hint="It was changed after it was written: use another backup.",
                )
            if chosen(entry.database, entry.key):
                databases[entry.database] = databases.get(entry.database, 0) + 1
    return Contents(
        source.kind,
        reader.version,
        dict(sorted(databases.items())),
        reader.functions,
        sorted(reader.module_data),
        reader.checked,
        belongs(reader.facts),
    )


class Restore:
    """Runs ``plan``. ``destination``: what is at its endpoint, a server unless told otherwise."""

    def __init__(
        self, plan: RestorePlan, progress: Progress | None = None, destination: Destination | None = None
    ) -> None:
        self._plan = plan
        self._progress = progress or Progress()
        self._destination = destination or Alone(plan.endpoint)
        self.result = RestoreResult()

    def run(self) -> RestoreResult:
        """Do it. Raises :class:`RedisMigrationError`; ``result`` holds what was done until then."""
        start = time.monotonic()
        try:
            self._run()
        finally:
            self.result.elapsed = time.monotonic() - start
        return self.result

    def _run(self) -> None:
        plan, result = self._plan, self.result
        files = {path: inspect(plan, path, self._progress) for path in plan.src}
        check_whole({path: contents.part for path, contents in files.items()})
        result.contents = contents = together(list(files.values()))
        libraries = _libraries(contents) if plan.functions else {}
        if plan.module_data == "fail":
            _check_module_data(plan, contents)
        nodes = self._destination.nodes(check_mode=plan.check_mode)
        result.places = _places(plan.selection, contents)
        self._destination.check_places(result.places)
        result.databases = {number: Restored() for number in result.places}
        pairs = [(there, there) for there in result.places.values()]
        run = secrets.token_hex(8)
        takers = [Taker(node, Claim(node.endpoint, result.places.values(), run)) for node in nodes]
        for node in nodes:
            patiently(functools.partial(check_databases, pairs, node.endpoint, None), plan.timeout)
        if plan.check_mode or not result.places:
            self._restore(files, libraries, takers)
            return
        with contextlib.ExitStack() as stack:
            for at, taker in enumerate(takers):
                takers[at] = patiently(functools.partial(_alone, taker, stack), plan.timeout)
                result.blind = result.blind or taker.claim.blind
            self._restore(files, libraries, takers)
            self._destination.check_unchanged()

    def _restore(self, files: t.Mapping[str, Contents], libraries: Libraries, takers: t.Sequence[Taker]) -> None:
        plan, result = self._plan, self.result
        self._progress.begin("restoring", result.progress)
        if plan.existing_keys == "fail":
            for taker in takers:
                _check_empty(taker.node, result.places)
        for taker in takers if libraries else ():
            result.functions.add(
                write_libraries(
                    taker.node.endpoint,
                    libraries,
                    existing={"replace": "update"}.get(plan.existing_keys, plan.existing_keys),
                    check_mode=plan.check_mode,
                )
            )
        if result.places:
            for path, contents in files.items():
                KeysOfFile(plan, path, contents.version, takers, result).run()
            name_doubled(plan, result.failures)


def _alone(taker: Taker, stack: contextlib.ExitStack) -> Taker:
    """The same once no other run writes there; the connection that says so stays open in ``stack``."""
    endpoint, claim = taker.node.endpoint, taker.claim
    with contextlib.ExitStack() as opened:
        redis_client = opened.enter_context(client(endpoint, name=claim.name))
        claim.check(redis_client)
        # Another run may have written until now.
        server = server_of(redis_client, endpoint)
        stack.enter_context(opened.pop_all())
    return Taker(dataclasses.replace(taker.node, server=server), claim)


def _libraries(contents: Contents) -> Libraries:
    """By name. Raises :class:`RedisMigrationError` where the files have different ones of one name."""
    found: Libraries = {}
    for code in contents.functions:
        if found.setdefault(library_name(code), code) != code:
            raise RedisMigrationError(
                f"The files of the backup have different libraries of functions called {shown(library_name(code))}.",
                hint="Restore without functions ('functions: false'), and load the one that is meant by redis-cli.",
            )
    return found


def _check_module_data(plan: RestorePlan, contents: Contents) -> None:
    if contents.module_data:
        names = ", ".join(map(printable, contents.module_data))
        many = len(contents.module_data) > 1
        raise RedisMigrationError(
            f"The module{'s' * many} {names} keep{'s' * (not many)} data outside of keys in the backup"
            f" {', '.join(plan.src)}, which no command can write.",
            hint="Have a server with the same modules load the file itself; or restore without this data by "
            "'module_data: skip', if it can be done without or made anew (indexes, for example).",
        )


def _places(selection: Selection, contents: Contents) -> dict[int, int]:
    """The database of the server for each of the file. Raises :class:`RedisMigrationError` when two would be one."""
    places: dict[int, int] = {}
    for number in contents.databases:
        there = selection.database_map.get(number, number)
        if there in places.values():
            raise RedisMigrationError(
                f"Two databases of the backup would both go to database {there}.", hint="Change 'database_map'."
            )
        places[number] = there
    return places


def _check_empty(node: Node, places: t.Mapping[int, int]) -> None:
    server = node.server
    held = {there: server.databases[there].keys for there in places.values() if there in server.databases}
    if any(held.values()):
        found = ", ".join(f"{keys} in database {number}" for number, keys in sorted(held.items()))
        raise RedisMigrationError(
            f"The {node.endpoint} is not empty: it holds keys ({found}).",
            hint="Restore into an empty server, or say with 'existing_keys' (in the playbooks"
            " redis_migration_restore_existing_keys) what happens to keys there: 'skip' leaves them"
            " (and so finishes a restore that was interrupted), 'replace' overwrites them.",
        )
