# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits of a server that close the connection, with or without a word: one key above them must not stop the others."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support import engine
from tests.support.attempt import Watch, attempt
from tests.support.oracle import compare
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]

MB = 1024 * 1024

# DUMP compresses what can be compressed.
NOISE = random.Random("limits").randbytes(2 * MB)

# A setting of the target, and what the failure's hint must name.
TARGET_LIMITS = [
    ({"proto-max-bulk-len": "1mb"}, "proto-max-bulk-len"),
    ({"client-query-buffer-limit": "1mb"}, "client-query-buffer-limit"),
]


def set_all(server: Any, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        server.client().config_set(name, value)


@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
@pytest.mark.parametrize("settings, named", TARGET_LIMITS, ids=["bulk", "query-buffer"])
def test_a_value_above_a_limit_of_the_target(
    server_pair: Pair, settings: dict[str, str], named: str, strategy: str
) -> None:
    """One list element cannot pass; it is named with the likely setting, and the others are moved."""
    source, target = server_pair
    filler = source.client().pipeline()
    for number in range(3000):
        filler.set(f"small:{number}", "x" * 200)
        if number % 10 == 0:
            filler.rpush(f"list:{number}", *range(20))
    filler.execute()
    source.client().rpush("too large", NOISE[: MB + 300_000])
    set_all(target, settings)
    watch = Watch(source, target)
    tried = attempt(source, target, strategy=strategy, max_failures=1)
    totals = tried.ok["totals"]
    assert (totals["failed"], totals["copied"]) == (1, 3300)
    (failure,) = tried.ok["failures"]
    assert failure["key"] == "too large"
    assert "the connection to the target" in failure["reason"] or "Protocol error" in failure["reason"]
    assert named in failure["hint"]
    watch.source_is_untouched()


def test_a_string_above_the_targets_limit_arrives_in_pieces(server_pair: Pair) -> None:
    """What one command cannot carry, several can."""
    source, target = server_pair
    source.client().set("large", NOISE[:1_300_000])
    source.client().hset("many", mapping={str(number): NOISE[number * 1000 :][:1000] for number in range(1500)})
    for number in range(500):
        source.client().set(f"small:{number}", "x")
    set_all(target, {"client-query-buffer-limit": "1mb"})
    tried = attempt(source, target, strategy="copy")
    assert tried.ok["totals"]["copied"] == 502
    assert not compare(source, target)


def test_a_small_output_buffer_at_the_source(server_pair: Pair) -> None:
    """Replies in flight are halved until they fit; nothing fails and nothing is left out."""
    source, target = server_pair
    filler = source.client().pipeline()
    for number in range(600):
        filler.set(f"key:{number}", "x" * 20_000)
    filler.execute()
    source.client().config_set("client-output-buffer-limit", "normal 300kb 300kb 0")
    watch = Watch(source, target)
    tried = attempt(source, target)
    assert tried.ok["totals"]["copied"] == 600
    # Two connections are halved for, one of them by the second look at what was sent.
    assert tried.ok["reconnects"] < 150
    watch.settle(tried)
    assert engine.diff(source, target)["identical"]


def test_a_value_above_the_sources_output_buffer(server_pair: Pair) -> None:
    source, target = server_pair
    for number in range(500):
        source.client().set(f"small:{number}", "x" * 100)
    source.client().rpush("too large", NOISE[:MB])
    source.client().config_set("client-output-buffer-limit", "normal 500kb 500kb 0")
    tried = attempt(source, target, max_failures=1)
    assert tried.ok["totals"]["copied"] == 500
    (failure,) = tried.ok["failures"]
    assert failure["key"] == "too large"
    assert "client-output-buffer-limit" in failure["hint"]


def test_a_comparison_goes_on_past_a_key_that_cannot_be_read(server_pair: Pair) -> None:
    source, target = server_pair
    for end in (source, target):
        for number in range(500):
            end.client().set(f"small:{number}", "x" * 100)
        end.client().rpush("too large", NOISE[:MB])
    target.client().set("small:7", "other")
    source.client().config_set("client-output-buffer-limit", "normal 500kb 500kb 0")
    found = engine.diff(source, target)
    assert not found["identical"]
    assert {difference["key"]: difference["kind"] for difference in found["differences"]} == {
        "small:7": "value",
        "too large": "value",
    }
    assert "could not be compared" in next(d["detail"] for d in found["differences"] if d["key"] == "too large")
