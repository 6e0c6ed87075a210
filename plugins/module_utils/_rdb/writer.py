# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an RDB file piece by piece, so that its size needs no memory."""

from __future__ import annotations

import typing as t

from . import format as rdb
from .crc64 import crc64
from .payload import FOOTER_BYTES

_FLUSH_BYTES = 512 * 1024


class Output(t.Protocol):
    """Where the bytes go; :mod:`_backup.file` has the one that is a file."""

    def write(self, data: bytes) -> None: ...

    def mark(self) -> t.Any: ...

    def rewind(self, mark: t.Any) -> None: ...


class Mark(t.NamedTuple):
    """A place in the file to come back to."""

    crc: int
    place: t.Any


class RdbWriter:
    """Writes to ``output`` in order: :meth:`begin`, :meth:`functions`, :meth:`database`, keys, …, :meth:`finish`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._parts: list[bytes] = []
        self._size = 0
        self._crc = 0

    def begin(self, version: int, about: t.Mapping[bytes, bytes]) -> None:
        """The header, and facts that a server logs or ignores."""
        self.put(rdb.header(version))
        for name, value in about.items():
            self.put(bytes((rdb.AUX,)) + rdb.string(name) + rdb.string(value))

    def functions(self, payload: bytes) -> None:
        """All libraries, from the payload of FUNCTION DUMP."""
        self.put(payload[:-FOOTER_BYTES])

    def database(self, number: int, keys: int, expires: int) -> None:
        """The logical database of the keys that follow, and about how many there are (a hint, need not be exact)."""
        self.put(
            bytes((rdb.SELECT_DATABASE,))
            + rdb.length(number)
            + bytes((rdb.RESIZE_DATABASE,))
            + rdb.length(keys)
            + rdb.length(expires)
        )

    def payload(self, key: bytes, expiry: int | None, payload: bytes) -> None:
        """A key from its DUMP payload. ``expiry`` in milliseconds since 1970."""
        self.put(_begin(key, expiry, payload[:1]) + payload[1:-FOOTER_BYTES])

    def key(self, key: bytes, expiry: int | None, kind: int) -> None:
        """The beginning of a key; its value is to follow by :meth:`put`."""
        self.put(_begin(key, expiry, bytes((kind,))))

    def put(self, data: bytes) -> None:
        """The next bytes of the file."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        data = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._crc = crc64(data, self._crc)
        self._output.write(data)

    def mark(self) -> Mark:
        """Remember this place."""
        self._flush()
        return Mark(self._crc, self._output.mark())

    def rewind(self, mark: Mark) -> None:
        """Forget what was written since ``mark``."""
        self._parts.clear()
        self._size = 0
        self._crc = mark.crc
        self._output.rewind(mark.place)

    def finish(self) -> None:
        """The end and the checksum."""
        self.put(bytes((rdb.END,)))
        self._flush()
        self._output.write(self._crc.to_bytes(8, "little"))


def _begin(key: bytes, expiry: int | None, kind: bytes) -> bytes:
    if expiry is None:
        return kind + rdb.string(key)
    return b"%c%b%b%b" % (rdb.EXPIRY_MS, expiry.to_bytes(8, "little", signed=True), kind, rdb.string(key))
