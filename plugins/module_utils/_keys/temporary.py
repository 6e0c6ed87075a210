# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the temporary keys under which keys are built at the target before they appear under their own name.

``__redis_migration_tmp:{TAG}:RUN:NUMBER``: the tag puts the temporary key into the hash slot of the key that it will
become, RUN is 16 random hexadecimal digits for each run, NUMBER is used once. Keys of exactly this form are nobody's data:
they are neither moved, compared, counted nor pruned, and those that a killed run left are deleted by the next one. A key
that merely begins like them is a key like every other.
"""

from __future__ import annotations

import itertools
import re
import secrets

from .slots import TAGS, hash_slot

PREFIX = b"__redis_migration_tmp:"

_FORM = re.compile(re.escape(PREFIX) + rb"\{[0-9]+\}:([0-9a-f]{16}):[0-9]+")

# A temporary key that nobody goes on building is gone after this many milliseconds by itself.
LIFETIME_MS = 600_000


class TemporaryNames:
    """The names of one run."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(8).encode()
        self._numbers = itertools.count()

    def name(self, key: bytes) -> bytes:
        """A new temporary name for ``key``."""
        return b"%b{%b}:%b:%d" % (PREFIX, TAGS[hash_slot(key)], self._run, next(self._numbers))

    def owns(self, name: bytes) -> bool:
        """Whether ``name`` is a temporary name of this run."""
        form = _FORM.fullmatch(name)
        return form is not None and form[1] == self._run


def is_temporary(name: bytes) -> bool:
    """Whether ``name`` is a temporary name, of whatever run."""
    return _FORM.fullmatch(name) is not None


def without_temporary(keys: list[bytes]) -> list[bytes]:
    """``keys`` but for temporary ones."""
    # Nearly always there are none; one search is cheaper than a look at every key.
    if PREFIX not in b"\n".join(keys):
        return keys
    return [key for key in keys if not is_temporary(key)]
