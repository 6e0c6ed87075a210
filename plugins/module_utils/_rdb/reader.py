# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an RDB file key by key, whoever wrote it: this collection, or a Redis (2.6 to 8.x) or Valkey."""

from __future__ import annotations

import typing as t

from .._errors import RedisMigrationError
from . import append_only
from . import format as rdb
from .parser import RdbBytes
from .payload import module_name

# The newest versions whose files are understood whole.
_NEWEST_REDIS = 12
_OLDEST_VALKEY, _NEWEST_VALKEY = 80, 80

# Since this version a checksum stands at the end.
_CHECKSUM_SINCE = 5


# IDLETIME with seconds, FREQ with a counter, or nothing known.
Usage: t.TypeAlias = "tuple[bytes, int] | None"


class Entry(t.NamedTuple):
    """A key. ``expiry`` in milliseconds since 1970, ``kind`` the type byte.

    ``usage``: how long it was not used or how often it is, as RESTORE takes it, where the server that wrote the file knew.
    ``value``: its encoding as in a DUMP payload, without type and footer; a file for large ones, None if not wanted.
    """

    database: int
    key: bytes
    expiry: int | None
    kind: int
    value: bytes | t.IO[bytes] | None
    usage: Usage = None


def _moment(milliseconds: int) -> int | None:
    """An expiry as a server takes it that loads the file. RESTORE would take 0 for none, and refuse what is below."""
    return None if milliseconds == -1 else max(1, milliseconds)


class RdbReader:
    """The keys of the RDB file whose bytes ``read`` gives. ``name`` is how messages call the file.

    ``wanted(database, key)`` says whose values are handed out (default: none). The attributes are complete after
    :meth:`entries`.
    """

    def __init__(
        self, read: t.Callable[[], bytes], name: str, wanted: t.Callable[[int, bytes], bool] | None = None
    ) -> None:
        self._bytes = RdbBytes(read, name)
        self._name = name
        self._wanted = wanted
        self.version = 0
        self.functions: list[bytes] = []
        """The source code of each library of functions."""
        self.module_data: set[str] = set()
        """The modules that left data outside of all keys, which only a server with them can load."""
        self.facts: dict[bytes, bytes] = {}
        """What the file says of itself and who wrote it; those before the first key are known with that."""
        self.checked = False
        """Whether the file had a checksum (and it was right)."""

    @property
    def valkey(self) -> bool:
        return self.version >= _OLDEST_VALKEY

    def beginning(self) -> dict[bytes, bytes]:
        """Read, in place of :meth:`entries`, only the :attr:`facts` before all else."""
        self._begin()
        while self._bytes.byte() == rdb.AUX:
            self._other(rdb.AUX)
        return self.facts

    def entries(self) -> t.Iterator[Entry]:
        """Every key in the order of the file. Raises :class:`RedisMigrationError` where the file is damaged."""
        data, wanted = self._bytes, self._wanted
        self._begin()
        database = 0
        expiry: int | None = None
        usage: Usage = None
        while True:
            kind = data.byte()
            if kind < rdb.SLOT_INFO:
                key = data.string()
                value = None
                if wanted is not None and wanted(database, key):
                    data.keep()
                    data.skip_value(kind, valkey=self.valkey)
                    value = data.kept()
                else:
                    data.skip_value(kind, valkey=self.valkey)
                yield Entry(database, key, expiry, kind, value, usage)
                expiry = usage = None
            elif kind == rdb.EXPIRY_MS:
                expiry = _moment(int.from_bytes(data.take(8), "little", signed=True))
            elif kind == rdb.EXPIRY_SECONDS:
                expiry = _moment(int.from_bytes(data.take(4), "little", signed=True) * 1000)
            elif kind == rdb.IDLE:
                usage = (b"IDLETIME", data.length())
            elif kind == rdb.FREQUENCY:
                usage = (b"FREQ", data.byte())
            elif kind == rdb.SELECT_DATABASE:
                database = data.length()
            elif kind == rdb.END:
                self._end()
                return
            else:
                self._other(kind)

    def _begin(self) -> None:
        version = rdb.version_of(self._bytes.take(rdb.HEADER_BYTES))
        if version is None:
            raise RedisMigrationError(f"{self._name} is no RDB file.")
        if version > _NEWEST_REDIS and not _OLDEST_VALKEY <= version <= _NEWEST_VALKEY:
            raise RedisMigrationError(
                f"{self._name} is of RDB version {version}, which is newer than what is known here.",
                hint="Load it into a server of the version that wrote it, and move the keys from there.",
            )
        self.version = version

    def _other(self, kind: int) -> None:
        data = self._bytes
        if kind == rdb.RESIZE_DATABASE:
            data.length()
            data.length()
        elif kind == rdb.AUX:
            field, value = data.string(), data.string()
            if field in append_only.FIELDS and value == b"1":
                raise append_only.refusal(self._name)
            self.facts[field] = value
        elif kind == rdb.FUNCTION:
            self.functions.append(data.string())
        elif kind == rdb.MODULE_AUX:
            self.module_data.add(module_name(data.length()))
            data.skip_module_parts()
        elif kind == rdb.SLOT_INFO:
            for _number in range(3):
                data.length()
        else:
            raise data.damaged(f"there is the unknown mark {kind}")

    def _end(self) -> None:
        if self.version >= _CHECKSUM_SINCE:
            self._compare_checksum()
        behind = self._bytes.behind()
        if append_only.is_append_only(behind):
            raise append_only.refusal(self._name)
        if behind:
            raise RedisMigrationError(
                f"{self._name} goes on behind its end at byte {self._bytes.offset}: it is damaged, or more than an RDB file.",
                hint="Fetch it again, or cut off by hand what does not belong to it if you know what it is.",
            )

    def _compare_checksum(self) -> None:
        computed = self._bytes.checksum()
        written = int.from_bytes(self._bytes.take(8), "little")
        # Zero: the server was told not to compute any.
        self.checked = written != 0
        if written not in (0, computed):
            raise RedisMigrationError(
                f"{self._name} is damaged: its checksum is not that of its {self._bytes.offset - 8} bytes.",
                hint="Fetch it again, or use another backup.",
            )
