# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions (libraries of scripts for FCALL, Redis 7 and Valkey): data of a server, outside of all logical databases.

They are read and written one library at a time by their source code, which every version understands; a payload of
FUNCTION DUMP is refused by older servers. Scripts of EVAL and SCRIPT LOAD are a cache and not data: nobody can list
them, and applications send them again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._connection.patience import at_first
from .._errors import CommandRefused, RedisMigrationError
from .._keys.name import printable
from .._rdb.payload import FOOTER_BYTES
from .info import Server, read_server

Libraries = dict[bytes, bytes]
"""Source code by the name of the library."""

Registered = dict[bytes, list[bytes]]
"""The functions that a library registers, by its name. A function's name is unique in a whole server."""


class Held(t.NamedTuple):
    """The libraries of a server and what they register."""

    code: Libraries
    functions: Registered


_SHOWN = 5


class Dumped(t.NamedTuple):
    """FUNCTION DUMP and the number of libraries, None where that cannot be told (``refusal`` says why)."""

    payload: bytes
    libraries: int | None
    refusal: str = ""


def supports_functions(server: Server) -> bool:
    """Whether there is such a thing (Redis 7.0 and every Valkey)."""
    return server.flavor == "valkey" or server.version_tuple >= (7, 0)


def dump_functions(endpoint: Endpoint, server: Server) -> Dumped:
    """All functions as one payload, an RDB version in its footer even where there are none."""
    if not supports_functions(server):
        return Dumped(b"", 0)
    with client(endpoint) as redis_client:
        try:
            payload = redis_client.execute_command("FUNCTION DUMP")
        except CommandRefused as exc:
            return Dumped(b"", None, str(exc))
        libraries = None
        if len(payload) == FOOTER_BYTES:
            libraries = 0
        else:
            # Where this may not be asked, the payload has them all, and only their number stays unknown.
            with contextlib.suppress(CommandRefused):
                libraries = len(_rows(redis_client.execute_command("FUNCTION LIST")))
    return Dumped(payload, libraries)


def read_libraries(endpoint: Endpoint) -> Held:
    """Every library at ``endpoint``, none on a server without functions. Raises :class:`RedisMigrationError`."""
    return at_first(lambda: _read_libraries(endpoint))


def _read_libraries(endpoint: Endpoint) -> Held:
    if not supports_functions(read_server(endpoint)):
        return Held({}, {})
    with client(endpoint) as redis_client:
        rows = _rows(redis_client.execute_command("FUNCTION LIST", "WITHCODE"))
    return Held(
        {row[b"library_name"]: row[b"library_code"] for row in rows},
        {row[b"library_name"]: [one[b"name"] for one in _rows(row[b"functions"])] for row in rows},
    )


class Clash(t.NamedTuple):
    """A function that ``library`` would register and that ``owner``, another library of the target, has."""

    function: bytes
    library: bytes
    owner: bytes


def find_clashes(written: t.Iterable[bytes], source: Registered, target: Registered) -> list[Clash]:
    """What stands in the way when the libraries ``written`` are loaded in this order at a target that has ``target``.

    Of a library that ``source`` does not know, nothing can be foreseen.
    """
    # A server does not tell capitals from small letters in a function's name.
    owners = {function.lower(): name for name, functions in target.items() for function in functions}
    clashes = []
    for name in written:
        functions = source.get(name, [])
        taken = [Clash(one, name, owners[one.lower()]) for one in functions if owners.get(one.lower(), name) != name]
        clashes += taken
        if not taken:
            owners = {function: owner for function, owner in owners.items() if owner != name}
            owners.update({function.lower(): name for function in functions})
    return clashes


def clash_error(endpoint: Endpoint, clashes: t.Sequence[Clash]) -> RedisMigrationError:
    """The sentence for ``clashes``, of which there is at least one."""
    told = ", ".join(
        f"'{printable(one.function)}' of library '{printable(one.library)}' is in library '{printable(one.owner)}' there"
        for one in clashes[:_SHOWN]
    )
    more = f" and {len(clashes) - _SHOWN} more" if len(clashes) > _SHOWN else ""
    owners = " or ".join(f"FUNCTION DELETE {name}" for name in sorted({printable(one.owner) for one in clashes}))
    return RedisMigrationError(
        f"The {endpoint} has functions of the same name in other libraries, and a name can be there only once:"
        f" {told}{more}.",
        hint=f"Delete what is not needed there ({owners}), rename the function at the source, or leave the functions"
        " out ('none').",
    )


@dataclasses.dataclass(frozen=True)
class Compared:
    """Names of the source's libraries, and of those the target lacks or has with other code; ``extra`` are only there.

    ``registered``: what the libraries of the source and of the target register.
    ``refusal``: why that cannot be told, as told by the end that refuses. Then ``source`` is None unless it is
    the target that does.
    """

    source: list[bytes] | None
    missing: list[bytes] = dataclasses.field(default_factory=list)
    different: list[bytes] = dataclasses.field(default_factory=list)
    extra: list[bytes] = dataclasses.field(default_factory=list)
    refusal: str = ""
    registered: tuple[Registered, Registered] = dataclasses.field(default_factory=lambda: ({}, {}))

    def as_dict(self) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {"refusal": self.refusal}
        for field in ("source", "missing", "different", "extra"):
            names = getattr(self, field)
            found[field] = None if names is None else [printable(name) for name in names]
        return found


def compare_libraries(source: Endpoint, target: Endpoint) -> Compared:
    """What the target lacks, if the source has any.

    Raises :class:`RedisMigrationError` when an end is lost; a refusal is told.
    """
    try:
        here, registered_here = read_libraries(source)
    except CommandRefused as exc:
        return Compared(None, refusal=str(exc))
    if not here:
        # Then the target need not be asked what its user may perhaps not ask.
        return Compared([])
    names = sorted(here)
    try:
        there, registered_there = read_libraries(target)
    except CommandRefused as exc:
        return Compared(names, refusal=str(exc))
    return Compared(
        names,
        missing=[name for name in names if name not in there],
        different=[name for name in names if there.get(name, here[name]) != here[name]],
        extra=sorted(set(there) - set(here)),
        registered=(registered_here, registered_there),
    )


def _rows(reply: t.Sequence[t.Any]) -> list[dict[bytes, t.Any]]:
    return [row if isinstance(row, dict) else dict(zip(row[::2], row[1::2])) for row in reply]


def library_name(code: bytes) -> bytes:
    """The name that the first line of a library's code gives, such as ``#!lua name=orders``."""
    first = code.split(b"\n", 1)[0].strip()
    return next((word[5:] for word in first.split() if word.startswith(b"name=")), b"")


@dataclasses.dataclass
class LibraryOutcome:
    """Names of libraries by what became of them, and (name, reason) of those refused."""

    loaded: list[bytes] = dataclasses.field(default_factory=list)
    replaced: list[bytes] = dataclasses.field(default_factory=list)
    unchanged: list[bytes] = dataclasses.field(default_factory=list)
    skipped: list[bytes] = dataclasses.field(default_factory=list)
    deleted: list[bytes] = dataclasses.field(default_factory=list)
    failed: list[tuple[bytes, str]] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.loaded or self.replaced or self.deleted)

    def add(self, other: LibraryOutcome) -> None:
        """Take in what became of the same libraries at another node of the cluster: what was done to one counts."""
        for field in dataclasses.fields(self):
            mine = getattr(self, field.name)
            mine += [one for one in getattr(other, field.name) if one not in mine]
        touched = {*self.loaded, *self.replaced, *self.deleted}
        self.unchanged[:] = [name for name in self.unchanged if name not in touched]

    def as_dict(self) -> dict[str, t.Any]:
        names = {
            field.name: [printable(name) for name in getattr(self, field.name)]
            for field in dataclasses.fields(self)
            if field.name != "failed"
        }
        return {**names, "failed": [{"library": printable(name), "reason": reason} for name, reason in self.failed]}


def write_libraries(
    endpoint: Endpoint,
    wanted: Libraries,
    *,
    existing: str,
    registers: Registered | None = None,
    prune: bool = False,
    check_mode: bool = False,
) -> LibraryOutcome:
    """Make ``endpoint`` have the libraries ``wanted``.

    ``existing`` says what happens to one that is there with other code: ``update``, ``skip`` or ``fail`` (then nothing
    at all is written). ``prune`` deletes those that are not wanted. Where it is known what they register, a function
    that another library has is found before anything is written. Raises :class:`RedisMigrationError`.
    """
    outcome = LibraryOutcome()
    if not wanted and not prune:
        return outcome
    server = at_first(lambda: read_server(endpoint))
    if not supports_functions(server):
        if not wanted:
            return outcome
        raise RedisMigrationError(
            f"There are functions to load ({_names(wanted)}), and the {endpoint} is a {server.product} without any.",
            hint="Use a server with Redis 7.0 or newer, or any Valkey, or leave the functions out.",
        )
    there, registered = read_libraries(endpoint)
    other = {name for name, code in wanted.items() if there.get(name, code) != code}
    if other and existing == "fail":
        raise RedisMigrationError(
            f"The {endpoint} has libraries of functions with the same name and other code: {_names(other)}.",
            hint="Delete them there (FUNCTION DELETE), or choose that they be replaced or left.",
        )
    written = [name for name in sorted(wanted) if name not in there or (name in other and existing == "update")]
    left = {name: functions for name, functions in registered.items() if name in wanted or not prune}
    clashes = find_clashes(written, registers or {}, left)
    if clashes:
        raise clash_error(endpoint, clashes)
    outcome.unchanged += [name for name in sorted(wanted) if there.get(name) == wanted[name]]
    outcome.skipped += [name for name in sorted(other) if existing == "skip"]
    # What is to be written, in this order; None is to be deleted.
    left_to_do: list[tuple[bytes, bytes | None]] = [
        (name, None) for name in (sorted(set(there) - set(wanted)) if prune else ())
    ]
    left_to_do += [(name, wanted[name]) for name in written]
    attempts = 0

    def write() -> None:
        nonlocal attempts
        attempts += 1
        # The answer to the last command may have got lost, and not the command.
        now = read_libraries(endpoint).code if attempts > 1 else there
        with client(endpoint) as redis_client:
            while left_to_do:
                name, code = left_to_do[0]
                try:
                    if not check_mode and now.get(name) != code:
                        _write(redis_client, name, code, replace=name in now)
                except CommandRefused as exc:
                    outcome.failed.append((name, str(exc)))
                else:
                    done = outcome.deleted if code is None else outcome.replaced if name in other else outcome.loaded
                    done.append(name)
                left_to_do.pop(0)

    at_first(write)
    return outcome


def _write(redis_client: t.Any, name: bytes, code: bytes | None, *, replace: bool) -> None:
    if code is None:
        redis_client.execute_command("FUNCTION DELETE", name)
    else:
        redis_client.execute_command("FUNCTION LOAD", *([b"REPLACE"] if replace else []), code)


def _names(libraries: t.Iterable[bytes]) -> str:
    return ", ".join(printable(name) for name in sorted(libraries))
