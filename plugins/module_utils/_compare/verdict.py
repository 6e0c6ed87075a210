# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of comparing one key."""

from __future__ import annotations

import typing as t

from .._keys.name import printable


class Difference(t.NamedTuple):
    """``kind`` is missing, extra, type, ttl or value; ``detail`` a short phrase without any value; ``type`` if known."""

    kind: str
    detail: str
    type: str | None = None


class Gone:
    """The type of :data:`GONE_AT_SOURCE`."""


# The key is no longer at the source (deleted or expired since its name was read), so there is nothing to compare.
GONE_AT_SOURCE = Gone()

# None: equal.
Verdict: t.TypeAlias = "Difference | Gone | None"


def mapping_detail(mine: t.Mapping[bytes, t.Any], its: t.Mapping[bytes, t.Any], element: str) -> str:
    """How two mappings differ, as a phrase."""
    missing = [name for name in mine if name not in its]
    extra = [name for name in its if name not in mine]
    changed = [name for name in mine if name in its and its[name] != mine[name]]
    parts = [
        f"{len(names)} {element}{'s' * (len(names) > 1)} {word}"
        for names, word in ((missing, "missing"), (extra, "extra"), (changed, "different"))
        if names
    ]
    first = (changed or missing or extra)[0]
    return f"{', '.join(parts)}, such as '{printable(first[:60])}'"
