# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server, or what stands before it, gives in place of a payload is not written to a backup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ServerFactory, soak
from tests.support.faultproxy import FaultProxy
from tests.support.replies import bulk, words_of
from tests.support.run import run_module


def flipped(payload: bytes) -> bytes:
    middle = len(payload) // 2
    return payload[:middle] + bytes([payload[middle] ^ 1]) + payload[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "one bit is another": flipped,
    "the end is missing": lambda payload: payload[:-3],
    "nothing": lambda _payload: b"",
    "zeros": lambda payload: bytes(len(payload)),
    "a text": lambda _payload: b"service unavailable",
}


@pytest.mark.parametrize("name", [name if name.startswith("one") else soak(name) for name in DAMAGES])
def test_a_damaged_payload_is_a_failure_by_name(redis_server: ServerFactory, name: str, tmp_path: Path) -> None:
    """A small key, and one that takes another way because it is large."""
    source = redis_server("redis-7.0")
    client = source.client()
    for number in range(100):
        client.rpush(f"list:{number}", number)
    client.rpush("bad:small", 1, 2, 3)
    client.xadd("bad:large", {"field": "x" * 100_000})

    def damaged(command: bytes, reply: bytes) -> bytes:
        if not words_of(command)[1].startswith(b"bad:"):
            return reply
        return bulk(DAMAGES[name](reply.split(b"\r\n", 1)[1][:-2]))

    dest = str(tmp_path / "dump.rdb")
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("DUMP", damaged)
        # Then it is read in one piece.
        proxy.replace_reply("XLEN", b"-NOPERM no permission\r\n", times=-1)
        saved = run_module("redis_backup", endpoint=source.endpoint(port=proxy.port), dest=dest, large_key_bytes=50_000)
    assert saved.result["failed"]
    assert saved.result["totals"]["keys"] == 100
    reasons = {failure["key"]: failure["reason"] for failure in saved.result["failures"]}
    assert set(reasons) == {"bad:small", "bad:large"}
    for key, reason in reasons.items():
        assert "checksum" in reason or (name == "nothing" and key == "bad:large" and "as if it had not" in reason), (
            reason
        )


def test_a_payload_that_was_damaged_once_is_read_again(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-7.0")
    source.client().rpush("list", 1, 2, 3)
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.replace_reply("DUMP", b"$5\r\nhello\r\n", times=1)
        saved = run_module("redis_backup", endpoint=source.endpoint(port=proxy.port), dest=str(tmp_path / "dump.rdb"))
    assert saved.ok["totals"]["keys"] == 1


def test_damaged_functions_end_the_backup(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-7.0")
    source.client().function_load("#!lua name=library\nredis.register_function('f', function() return 1 end)")
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply(
            "FUNCTION",
            lambda _command, reply: bulk(flipped(reply.split(b"\r\n", 1)[1][:-2])) if reply[:1] == b"$" else reply,
        )
        saved = run_module("redis_backup", endpoint=source.endpoint(port=proxy.port), dest=str(tmp_path / "dump.rdb"))
    assert "FUNCTION DUMP" in saved.message and "checksum" in saved.message
