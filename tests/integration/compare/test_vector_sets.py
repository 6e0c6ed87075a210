# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Vector sets are compared by what they hold: RESTORE makes their graph anew, so payloads never tell."""

from __future__ import annotations

import random
import struct

import pytest
import redis

from tests.conftest import ServerFactory
from tests.support import engine

_DIMENSIONS = 8
KINDS = {"plain": ("NOQUANT",), "int8": ("Q8",), "binary": ("BIN",), "wide": ("NOQUANT", "M", 6), "reduced": ("Q8",)}


def _add(client: redis.Redis, key: str, element: str, vector: list[float], *options: object) -> None:
    reduce = ("REDUCE", _DIMENSIONS // 2) if key == "reduced" else ()
    packed = struct.pack(f"<{len(vector)}f", *vector)
    client.execute_command("VADD", key, *reduce, "FP32", packed, element, *options)


def _fill(client: redis.Redis, elements: int, *keys: str) -> None:
    chance = random.Random(7)
    for key in keys or KINDS:
        with client.pipeline(transaction=False) as pipeline:
            for number in range(elements):
                attributes = ("SETATTR", f'{{"n":{number}}}') if number % 3 == 0 else ()
                vector = [chance.uniform(-2, 2) for _part in range(_DIMENSIONS)]
                _add(pipeline, key, f"e{number}", vector, *KINDS[key], *attributes)
            pipeline.execute()


@pytest.mark.parametrize("strategy", ["copy", "migrate", "rebuild"])
def test_a_migration_is_proved(strategy: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    client = source.client()
    _fill(client, 60)
    client.set("a string", "a")

    done = engine.migrate(source, target, strategy=strategy, types=["vectorset"])

    assert engine.moved(done)["copied"] == len(KINDS), done["failures"]
    assert sorted(target.client().keys()) == sorted(key.encode() for key in KINDS)
    assert client.dump("plain")[:-10] != target.client().dump("plain")[:-10]
    engine.migrate(source, target)
    assert engine.diff(source, target)["identical"], engine.diff(source, target)["differences"]
    target.client().config_resetstat()
    again = engine.migrate(source, target, strategy=strategy)
    assert engine.moved(again) == {"scanned": len(KINDS) + 1, "unchanged": len(KINDS) + 1}
    assert target.write_calls() == 0


@pytest.mark.parametrize("elements", [60, 3_000], ids=["small", "large"])
def test_each_difference_is_seen(elements: int, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    _fill(source.client(), elements, "plain", "int8")
    engine.migrate(source, target)
    assert engine.diff(source, target)["identical"]
    there = target.client()
    there.execute_command("VSETATTR", "plain", "e0", '{"n":1}')
    _add(there, "int8", "e5", [1.0] * _DIMENSIONS, "Q8")
    found = {one["key"]: one for one in engine.diff(source, target)["differences"]}
    assert found["plain"]["detail"] == "element 'e0' has other attributes"
    assert found["int8"]["detail"] == "element 'e5' has another vector"

    done = engine.migrate(source, target)
    assert engine.moved(done) == {"scanned": 2, "updated": 2}
    there.execute_command("VREM", "plain", "e1")
    there.execute_command("VREM", "int8", "e1")
    _add(there, "int8", "another", [1.0] * _DIMENSIONS, "Q8")
    found = {one["key"]: one for one in engine.diff(source, target)["differences"]}
    assert found["plain"]["detail"] == "its size differs"
    assert found["int8"]["detail"] == "element 'e1' is missing"
    assert {one["kind"] for one in found.values()} == {"value"}


def test_the_failure_of_a_target_without_vector_sets_names_key_and_type(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("valkey-9")
    _fill(source.client(), 3, "plain")
    source.client().set("a string", "a")
    done = engine.migrate(source, target, strategy="copy")
    assert engine.moved(done) == {"scanned": 2, "copied": 1, "failed": 1}
    (failure,) = done["failures"]
    assert (failure["key"], failure["type"]) == ("plain", "vectorset")
