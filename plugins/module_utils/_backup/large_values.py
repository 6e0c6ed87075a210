# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes single large values of an RDB file to a server without ever holding one in memory.

What RESTORE takes goes there in one command whose payload is sent piece by piece. A longer one, and one whose encoding
the server does not understand, is built up by ordinary commands under a temporary name and renamed when it is complete.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import LARGEST_ARGUMENT
from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._connection.explain import explain_reply, is_transient
from .._connection.identity import Identity
from .._connection.line import Line, Refusal
from .._connection.replies import is_unreadable
from .._errors import ConnectError, ConnectionLost, RedisMigrationError
from .._keys.temporary import LIFETIME_MS, TemporaryNames
from .._rdb import format as rdb
from .._rdb.crc64 import crc64
from .._rdb.parser import RdbBytes
from .._rdb.payload import FOOTER_BYTES
from .._rdb.reader import Entry
from .._server.info import Server
from .by_commands import Command, NoCommands, commands_for

_PIECE = 512 * 1024
_PIECE_COMMANDS = 1000


def largest_payload(endpoint: Endpoint) -> int:
    """How many bytes a payload for ``endpoint`` may have: what the server says, if it may be asked."""
    try:
        with client(endpoint) as redis_client:
            return min(LARGEST_ARGUMENT, int(redis_client.config_get("proto-max-bulk-len")["proto-max-bulk-len"]))
    except ConnectionLost:
        raise
    except (RedisMigrationError, KeyError, ValueError):
        return LARGEST_ARGUMENT


class LargeValues:
    """Writes to one logical database of ``server``. ``version``: of the file; ``largest``: the most bytes of a payload.

    ``name``: of the connections over which it writes; ``check(identity)`` may refuse who is at their other end.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        server: Server,
        database: int,
        version: int,
        largest: int,
        name: str,
        check: t.Callable[[Identity], None],
    ) -> None:
        self._endpoint = endpoint
        self._server = server
        self._database = database
        self._version = version
        self._largest = largest
        self._name = name
        self._check = check
        self._names = TemporaryNames()

    def restore(self, entry: Entry, value: t.IO[bytes], *, replace: bool) -> str:
        """Write the key of ``entry``, which has ``value``.

        Returns what the server said: ``OK``, or the text of an error that concerns this key only.

        Raises :class:`RedisMigrationError` for what concerns all, :class:`NoCommands` where there is no way.
        """
        value.seek(0, 2)
        size = 1 + value.tell() + FOOTER_BYTES
        value.seek(0)
        with Line(self._endpoint, self._database, self._name) as line:
            self._check(line.identity)
            if size <= self._largest:
                reply = self._at_once(line, entry, value, size, replace)
                if not is_unreadable(reply):
                    return reply
            return self._in_pieces(line, entry.key, entry.expiry, entry.kind, value, replace)

    def _at_once(self, line: Line, entry: Entry, value: t.IO[bytes], size: int, replace: bool) -> str:
        last = ([b"REPLACE"] if replace else []) + ([b"ABSTTL"] if entry.expiry is not None else [])
        if entry.usage:
            last += [entry.usage[0], b"%d" % entry.usage[1]]
        args = (b"RESTORE", entry.key, b"%d" % (entry.expiry or 0))
        reply = line.upload(args, size, self._payload(entry.kind, value), last).decode("utf-8", "replace")
        if not reply.startswith("-"):
            return "OK"
        error = explain_reply(reply[1:], self._endpoint, command=args, database=self._database)
        if is_transient(reply[1:]):
            raise ConnectError(error.message, hint=error.hint, transient=True)
        return reply[1:]

    def _payload(self, kind: int, value: t.IO[bytes]) -> t.Iterator[bytes]:
        piece = bytes((kind,))
        crc = 0
        while piece:
            crc = crc64(piece, crc)
            yield piece
            piece = value.read(_PIECE)
        version = rdb.oldest_version(kind, self._version).to_bytes(2, "little")
        yield version + crc64(version, crc).to_bytes(8, "little")

    def _in_pieces(
        self, line: Line, key: bytes, expiry: int | None, kind: int, value: t.IO[bytes], replace: bool
    ) -> str:
        name = self._names.name(key)

        def data() -> RdbBytes:
            value.seek(0)
            return RdbBytes(lambda: value.read(_PIECE), "A value of the backup")

        commands = commands_for(name, kind, data, self._server, valkey=rdb.is_valkey(self._version))
        if kind == rdb.STRING:
            commands = _string(name, data())
        try:
            try:
                # What an attempt before this one left when it lost its connection.
                line.ask(b"UNLINK", name)
                for together in _together(commands):
                    line.ask_all(together)
                    # Should this run be killed, nothing stays.
                    line.ask(b"PEXPIRE", name, LIFETIME_MS)
                line.ask(b"PERSIST", name)
                if expiry is not None:
                    line.ask(b"PEXPIREAT", name, expiry)
                if replace:
                    line.ask(b"RENAME", name, key)
                elif not line.ask(b"RENAMENX", name, key):
                    return "BUSYKEY Target key name already exists."
                return "OK"
            finally:
                line.ask(b"UNLINK", name)
        except Refusal as refusal:
            if is_transient(refusal.text):
                raise ConnectError(refusal.error.message, hint=refusal.error.hint, transient=True) from None
            return refusal.text


def _string(name: bytes, data: RdbBytes) -> t.Iterator[Command]:
    left = data.string_size()
    if left < 0:
        raise NoCommands(
            "its value is larger than RESTORE takes",
            "Load the backup into a server of the version that wrote it, and move the keys from there.",
        )
    while left:
        size = min(left, _PIECE)
        yield [b"APPEND", name, data.take(size)]
        left -= size


def _together(commands: t.Iterator[Command]) -> t.Iterator[list[Command]]:
    """As many commands as are sent before replies are read."""
    together: list[Command] = []
    size = 0
    for command in commands:
        together.append(command)
        size += sum(len(word) for word in command if isinstance(word, bytes))
        if size >= _PIECE or len(together) >= _PIECE_COMMANDS:
            yield together
            together, size = [], 0
    if together:
        yield together
