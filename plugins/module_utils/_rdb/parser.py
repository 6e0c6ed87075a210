# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes apart the bytes of the RDB format, lengths, strings and values of any size, in bounded memory."""

from __future__ import annotations

import tempfile
import typing as t

from .._errors import RedisMigrationError
from .crc64 import crc64
from .format import MODULE
from .lzf import decompress

# Of a value that is kept, no more than this lies in the buffer, and no more than that in memory.
_BUFFERED = 4 * 1024 * 1024
_IN_MEMORY = 16 * 1024 * 1024

_PIECE = 512 * 1024

# Nothing that is read as one string, such as the name of a key, may be larger; values are passed over in pieces.
_LONGEST_STRING = 512 * 1024 * 1024

# What each type of value looks like: l a length, s a string, d a score as text, 8 so many bytes, n a length and then so
# many times all that follows.
_SHAPES = {
    0: "s",
    1: "ns",
    2: "ns",
    3: "nsd",
    4: "nss",
    5: "ns8",
    9: "s",
    10: "s",
    11: "s",
    12: "s",
    13: "s",
    14: "ns",
    16: "s",
    17: "s",
    18: "nls",
    20: "s",
    22: "nlss",
    23: "s",
    24: "8nlss",
    25: "8s",
}
_SHAPES_OF_VALKEY = {**_SHAPES, 22: "nss8"}

_STREAMS = {15: 1, 19: 2, 21: 3}

_MODULE_END, _MODULE_SIGNED, _MODULE_UNSIGNED, _MODULE_FLOAT, _MODULE_DOUBLE, _MODULE_STRING = range(6)


class RdbBytes:
    """A walk over the bytes that ``read`` gives piece by piece. ``name`` is how messages call them.

    Raises :class:`RedisMigrationError` with the position where the bytes end or make no sense.
    """

    def __init__(self, read: t.Callable[[], bytes], name: str) -> None:
        self._read = read
        self._name = name
        self._buffer = b""
        self._position = 0
        self._base = 0
        self._keep = -1
        self._kept: t.IO[bytes] | None = None
        self._crc = 0

    @property
    def offset(self) -> int:
        """How many bytes were walked over."""
        return self._base + self._position

    def damaged(self, what: str) -> RedisMigrationError:
        """The exception for bytes that make no sense here."""
        return RedisMigrationError(
            f"{self._name} is damaged, or of a kind that is not known here: {what} at byte {self.offset}.",
            hint="Fetch it again, or use another backup.",
        )

    def _need(self, count: int) -> None:
        if len(self._buffer) - self._position < count:
            self._fill(count)

    def _fill(self, count: int) -> None:
        start = self._position
        if self._keep >= 0:
            start = self._keep
            if self._position - start > _BUFFERED:
                self._spill()
                start = self._keep = self._position
        self._crc = crc64(memoryview(self._buffer)[:start], self._crc)
        parts = [self._buffer[start:]]
        have = len(self._buffer) - self._position
        wanted = max(count, _PIECE)
        while have < wanted:
            piece = self._read()
            if not piece:
                break
            parts.append(piece)
            have += len(piece)
        self._buffer = b"".join(parts)
        self._base += start
        self._position -= start
        if self._keep >= 0:
            self._keep -= start
        if have < count:
            raise RedisMigrationError(
                f"{self._name} is cut short: it ends at byte {self._base + len(self._buffer)}, which is not its end.",
                hint="Fetch it again, or use another backup.",
            )

    def keep(self) -> None:
        """From here on bytes are kept, until :meth:`kept`."""
        self._keep = self._position

    def kept(self) -> bytes | t.IO[bytes]:
        """The bytes walked over since :meth:`keep`: in memory, or in a file where they are very many."""
        if self._kept is None:
            value = self._buffer[self._keep : self._position]
            self._keep = -1
            return value
        self._spill()
        file, self._kept, self._keep = self._kept, None, -1
        file.seek(0)
        return file

    def _spill(self) -> None:
        if self._kept is None:
            self._kept = tempfile.SpooledTemporaryFile(_IN_MEMORY)
        self._kept.write(memoryview(self._buffer)[self._keep : self._position])

    def checksum(self) -> int:
        """Of all bytes so far."""
        return crc64(memoryview(self._buffer)[: self._position], self._crc)

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        self._need(count)
        start = self._position
        self._position = start + count
        return self._buffer[start : self._position]

    def behind(self) -> bytes:
        """Some of the bytes that follow; none at the end."""
        return self._buffer[self._position :] or self._read()

    def skip(self, count: int) -> None:
        """Pass over ``count`` bytes."""
        while count > _PIECE:
            self._need(_PIECE)
            self._position += _PIECE
            count -= _PIECE
        self._need(count)
        self._position += count

    def byte(self) -> int:
        """The next byte."""
        self._need(1)
        value = self._buffer[self._position]
        self._position += 1
        return value

    def length(self) -> int:
        """A length."""
        first = self.byte()
        if first < 0x40:
            return first
        if first < 0x80:
            return (first & 0x3F) << 8 | self.byte()
        if first == 0x80:
            return int.from_bytes(self.take(4), "big")
        if first == 0x81:
            return int.from_bytes(self.take(8), "big")
        raise self.damaged("there is no length")

    def string_size(self) -> int:
        """Begin a string: the size of what follows as it is, or below zero for one in another encoding."""
        self._need(1)
        first = self._buffer[self._position]
        if first < 0xC0:
            return self.length()
        self._position += 1
        if first > 0xC3:
            raise self.damaged("there is no string")
        return -1 - (first & 3)

    def _end_of_short(self) -> int:
        """Where a plain string of up to 16 KiB ends, if it begins here and ends in the buffer; else 0."""
        buffer, start = self._buffer, self._position
        have = len(buffer) - start
        if have < 2:
            return 0
        first = buffer[start]
        if first < 0x40:
            size = 1 + first
        elif first < 0x80:
            size = 2 + ((first & 0x3F) << 8 | buffer[start + 1])
        else:
            return 0
        return start + size if size <= have else 0

    def skip_string(self) -> None:
        """Pass over a string."""
        # Nearly all are short and lie in the buffer, and there are very many.
        end = self._end_of_short()
        if end:
            self._position = end
            return
        size = self.string_size()
        if size < 0:
            kind = -1 - size
            if kind == 3:
                size = self.length()
                self.length()
            else:
                size = 1 << kind
        self.skip(size)

    def string(self) -> bytes:
        """A string, decoded."""
        end = self._end_of_short()
        if end:
            start, self._position = self._position, end
            return self._buffer[start + (1 if self._buffer[start] < 0x40 else 2) : end]
        size = self.string_size()
        if size >= 0:
            return self.take(self._plausible(size))
        kind = -1 - size
        if kind < 3:
            return b"%d" % int.from_bytes(self.take(1 << kind), "little", signed=True)
        packed, plain = self.length(), self.length()
        try:
            return decompress(self.take(self._plausible(packed)), self._plausible(plain))
        except ValueError:
            raise self.damaged("a compressed string makes no sense") from None

    def _plausible(self, size: int) -> int:
        if size > _LONGEST_STRING:
            raise self.damaged(f"a string claims to have {size} bytes")
        return size

    def skip_value(self, kind: int, *, valkey: bool) -> None:
        """Pass over a value of the type ``kind``."""
        shape = (_SHAPES_OF_VALKEY if valkey else _SHAPES).get(kind)
        if shape == "s":
            self.skip_string()
        elif shape is not None:
            self._skip_shape(shape)
        elif kind in _STREAMS:
            self._skip_stream(_STREAMS[kind])
        elif kind == MODULE:
            self.skip_module_value()
        else:
            raise self.damaged(f"there is a value of the unknown type {kind}")

    def _skip_shape(self, shape: str) -> None:
        once, many, repeated = shape.partition("n")
        steps: dict[str, t.Callable[[], object]] = {
            "s": self.skip_string,
            "l": self.length,
            "d": self._skip_score,
            "8": lambda: self.skip(8),
        }
        for step in once:
            steps[step]()
        unit = [steps[step] for step in repeated]
        for _number in range(self.length() if many else 0):
            for do in unit:
                do()

    def _skip_score(self) -> None:
        size = self.byte()
        # 253 to 255 are not a number and the infinities.
        if size < 253:
            self.skip(size)

    def _skip_stream(self, version: int) -> None:
        for _listpack in range(self.length()):
            self.skip_string()
            self.skip_string()
        # Length and last ID; since Redis 7 also first and highest deleted ID and a counter.
        for _number in range(3 if version == 1 else 8):
            self.length()
        for _group in range(self.length()):
            self.skip_string()
            for _number in range(2 if version == 1 else 3):
                self.length()
            for _pending in range(self.length()):
                self.skip(24)
                self.length()
            for _consumer in range(self.length()):
                self.skip_string()
                self.skip(8 if version < 3 else 16)
                self.skip(16 * self.length())

    def skip_module_value(self) -> None:
        """Pass over a value of a module, which begins with the module's number."""
        self.length()
        self.skip_module_parts()

    def skip_module_parts(self) -> None:
        """Pass over what a module wrote; every part of it says what it is."""
        while True:
            part = self.length()
            if part == _MODULE_END:
                return
            if part in (_MODULE_SIGNED, _MODULE_UNSIGNED):
                self.length()
            elif part == _MODULE_FLOAT:
                self.skip(4)
            elif part == _MODULE_DOUBLE:
                self.skip(8)
            elif part == _MODULE_STRING:
                self.skip_string()
            else:
                raise self.damaged("the value of a module makes no sense")
