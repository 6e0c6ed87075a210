# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sizes of some keys of the source, to see whether there are large ones."""

from __future__ import annotations

import typing as t

from ._connection.connect import client
from ._connection.endpoint import Endpoint
from ._preflight.situation import Situation

# Keys of each database whose size is asked.
_SAMPLE = 1000


def sampled_sizes(situation: Situation) -> list[tuple[int, int, bytes]]:
    """Size in bytes, database and name of some keys of each chosen database; asked once.

    Raises :class:`RedisMigrationError`.
    """
    if situation.sizes is None:
        situation.sizes = _ask(situation)
    return situation.sizes


def _ask(situation: Situation) -> list[tuple[int, int, bytes]]:
    sizes: list[tuple[int, int, bytes]] = []
    chosen = situation.question.selection.chooser()
    for here, _there in situation.pairs:
        with client(t.cast(Endpoint, situation.source.endpoint), here) as redis_client:
            names = [one for one in redis_client.scan(0, count=_SAMPLE)[1] if chosen is None or chosen(one)]
            pipeline = redis_client.pipeline(transaction=False)
            for name in names:
                pipeline.memory_usage(name)
            # A user may be barred from some keys, which is another finding; others expire in between.
            replies = pipeline.execute(raise_on_error=False)
        sizes += [(size, here, name) for size, name in zip(replies, names) if isinstance(size, int)]
    return sizes
