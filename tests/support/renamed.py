# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives keys of a target back the names that they had at the source, so that the two can be compared independently.

undo(target, lambda number, name: (number, name.removeprefix(b"a:")))
assert compare(source, target) == []
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.servers import RedisServer

# The database and key at the source of a name in a database of the target.
Back = Callable[[int, bytes], tuple[int, bytes]]


def undo(target: RedisServer, back: Back) -> None:
    """Give every key of the target the place and name that it has at the source, by ordinary commands."""
    with target.client() as client:
        numbers = [int(name.removeprefix("db")) for name in client.info("keyspace")]
    parked: list[tuple[int, bytes, int, bytes]] = []
    for number in numbers:
        with target.client(number) as client:
            for name in list(client.scan_iter(count=1000)):
                place = b"undone:%d:%d" % (number, len(parked))
                assert client.renamenx(name, place)
                parked.append((number, place, *back(number, name)))
    for number, place, home, key in parked:
        with target.client(number) as client:
            if home != number:
                assert client.move(place, home)
        with target.client(home) as client:
            assert client.renamenx(place, key)
