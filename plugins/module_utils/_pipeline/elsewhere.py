# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that another primary of the source's cluster serves: those that would get the name which a key of this one gets.

Two such keys lie in any two slots. So where the rule allows for them, the other primaries are asked about theirs.
"""

from __future__ import annotations

import typing as t

from .._connection import identity as _identity
from .._connection.commands import each
from .._connection.endpoint import Endpoint
from .._connection.identity import Identity
from .._errors import ClusterChanged
from .._keys.rename import Renaming
from .._keys.slots import hash_slot
from .end import End
from .job import Job
from .pipe import Pipe

Ask = t.Callable[[End, list[bytes]], Job[list[bytes]]]


def others_for(renaming: Renaming | None, others: t.Sequence[Endpoint]) -> t.Sequence[Endpoint]:
    """Which of the ``others`` are asked: none where no two keys can get one name."""
    return others if renaming is not None and renaming.doubtful else ()


def everywhere(source: End, keys: list[bytes], ask: Ask) -> Job[list[bytes]]:
    """What ``ask`` finds of ``keys``, of each at the primary that serves it."""
    if not source.others:
        return (yield from ask(source, keys))
    found: list[bytes] = []
    for end, its in _by_end(source, keys):
        found += yield from ask(end, its)
    return found


def still_absent(other: End, keys: list[bytes]) -> Job[list[bytes]]:
    """Those of ``keys`` that another primary lacks, which is the one that it was. Asked in one go, just before deletion."""
    replies = yield other.call(each(b"EXISTS", keys) + _identity.ASK, len(keys) + _identity.REPLIES)
    other.check(replies[: len(keys)], "EXISTS")
    _check_same(other.pipe, other.pipe.identity, other.identity_in(replies[len(keys) :]))
    return [key for key, found in zip(keys, replies) if not found]


def watched(source: End, on_open: t.Callable[[Pipe], None] | None = None) -> t.Callable[[Pipe], None]:
    """``on_open`` for a flow; connections to other primaries have to lead to the same ones each time."""
    met: dict[Pipe, Identity] = {}
    pipes = {other.pipe for other in source.others}

    def opened(pipe: Pipe) -> None:
        if pipe in pipes:
            _check_same(pipe, met.setdefault(pipe, pipe.identity), pipe.identity)
        elif on_open:
            on_open(pipe)

    return opened


def _by_end(source: End, keys: list[bytes]) -> list[tuple[End, list[bytes]]]:
    served = [(other, other.endpoint.shard.slots) for other in source.others if other.endpoint.shard]
    groups: dict[End, list[bytes]] = {}
    for key in keys:
        slot = hash_slot(key)
        # What none of the others serves is asked here: the node says so where it is not its own either.
        end = next((other for other, slots in served if slots[slot]), source)
        groups.setdefault(end, []).append(key)
    return list(groups.items())


def _check_same(pipe: Pipe, before: Identity, now: Identity) -> None:
    if not (before.same_process(now) and before.same_data(now)):
        raise ClusterChanged(
            f"The {pipe.endpoint} is another server than before, or its data was replaced.",
            hint="Run again when its cluster does not change any more.",
        )
