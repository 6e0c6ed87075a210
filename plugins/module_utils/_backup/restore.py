# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the keys and functions of an RDB file into a server, by commands that an ordinary user may give.

The file is read twice: once to the end before anything is written, so that a damaged one changes nothing.
"""

from __future__ import annotations

import contextlib
import secrets
import time
import typing as t

from .._connection.connect import client
from .._connection.patience import at_first, patiently
from .._errors import RedisMigrationError, printable
from .._keys.selection import Selection
from .._rdb.reader import RdbReader
from .._server.claim import Claim
from .._server.databases import check_databases
from .._server.eligibility import mode_problem, refuse, target_role_problem
from .._server.functions import library_name, write_libraries
from .._server.info import Server, read_server, server_of
from .progress import Progress
from .restore_keys import KeysOfFile, chooser
from .restore_plan import Contents, Restored, RestorePlan, RestoreResult
from .source import BackupSource


def inspect(plan: RestorePlan, progress: Progress) -> Contents:
    """Read the file to its end. Raises :class:`RedisMigrationError` when anything about it is wrong."""
    chosen = chooser(plan.selection)
    databases: dict[int, int] = {}
    with BackupSource(plan.src, plan.password) as source:
        progress.begin("reading the backup", source.position)
        reader = RdbReader(source.read, f"The backup {plan.src}")
        for entry in reader.entries():
            if chosen(entry.database, entry.key):
                databases[entry.database] = databases.get(entry.database, 0) + 1
    return Contents(
        source.kind,
        reader.version,
        dict(sorted(databases.items())),
        reader.functions,
        sorted(reader.module_data),
        reader.checked,
    )


class Restore:
    """Runs ``plan``."""

    def __init__(self, plan: RestorePlan, progress: Progress | None = None) -> None:
        self._plan = plan
        self._progress = progress or Progress()
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
        result.contents = contents = inspect(plan, self._progress)
        if plan.module_data == "fail":
            _check_module_data(plan, contents)
        server = at_first(lambda: read_server(plan.endpoint))
        refuse(
            mode_problem(plan.endpoint, server),
            None if plan.check_mode else target_role_problem(plan.endpoint, server),
        )
        result.places = _places(plan.selection, contents)
        result.databases = {number: Restored() for number in result.places}
        pairs = [(there, there) for there in result.places.values()]
        patiently(lambda: check_databases(pairs, plan.endpoint, None), plan.timeout)
        claim = Claim(plan.endpoint, result.places.values(), secrets.token_hex(8))
        if plan.check_mode or not result.places:
            self._restore(contents, server, claim)
            return
        with contextlib.ExitStack() as stack:

            def alone() -> Server:
                with contextlib.ExitStack() as opened:
                    redis_client = opened.enter_context(client(plan.endpoint, name=claim.name))
                    claim.check(redis_client)
                    # Another run may have written until now.
                    server = server_of(redis_client, plan.endpoint)
                    stack.enter_context(opened.pop_all())
                return server

            server = patiently(alone, plan.timeout)
            result.blind = claim.blind
            self._restore(contents, server, claim)

    def _restore(self, contents: Contents, server: Server, claim: Claim) -> None:
        plan, result = self._plan, self.result
        self._progress.begin("restoring", result.progress)
        if plan.existing_keys == "fail":
            _check_empty(plan, server, result.places)
        if plan.functions and contents.functions:
            result.functions = write_libraries(
                plan.endpoint,
                {library_name(code): code for code in contents.functions},
                existing={"replace": "update"}.get(plan.existing_keys, plan.existing_keys),
                check_mode=plan.check_mode,
            )
        if result.places:
            KeysOfFile(plan, server, contents, result, claim).run()


def _check_module_data(plan: RestorePlan, contents: Contents) -> None:
    if contents.module_data:
        names = ", ".join(map(printable, contents.module_data))
        raise RedisMigrationError(
            f"The module {names} keeps data outside of keys in the backup {plan.src}, which no command can write."
            if len(contents.module_data) == 1
            else f"The modules {names} keep data outside of keys in the backup {plan.src}, which no command can write.",
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


def _check_empty(plan: RestorePlan, server: Server, places: t.Mapping[int, int]) -> None:
    held = {there: server.databases[there].keys for there in places.values() if there in server.databases}
    if any(held.values()):
        found = ", ".join(f"{keys} in database {number}" for number, keys in sorted(held.items()))
        raise RedisMigrationError(
            f"The {plan.endpoint} is not empty: it holds keys ({found}).",
            hint="Restore into an empty server, or say with 'existing_keys' (in the playbooks"
            " redis_migration_restore_existing_keys) what happens to keys there: 'skip' leaves them"
            " (and so finishes a restore that was interrupted), 'replace' overwrites them.",
        )
