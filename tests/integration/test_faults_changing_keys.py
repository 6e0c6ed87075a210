# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source is written to while it is moved: keys expire, are renewed, renamed, retyped, deleted and made anew."""

from __future__ import annotations

from collections.abc import Callable

from tests.support import dataset, engine
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]


def assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)


def test_the_first_expiry_appears_in_the_middle(server_pair: Pair, fault_proxy: Proxies) -> None:
    """Nothing expired when the run began; many chunks are on their way when that changes."""
    source, target = server_pair
    dataset.fill_benchmark(source.client(), "strings100", 20_000)
    proxy = fault_proxy(source.port, redis=True)

    def expire_some() -> None:
        client = source.client()
        for number in range(0, 20_000, 50):
            client.pexpire(f"key:{number:012d}", 3_600_000)

    proxy.on_command("MGET", expire_some, skip=2)
    done = engine.migrate(source.endpoint(port=proxy.port), target)
    assert done["totals"]["copied"] == 20_000
    engine.migrate(source, target)
    assert_equal(source, target)
