# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unparsed answers of two ends prove, and what they do not; the servers' own are in tests/integration/compare."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare.proof import (
    _unlike_elements,
    _unlike_strings,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare.streams_whole import unproved_heads

WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


def text(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


def texts(*values: bytes) -> bytes:
    return b"*%d\r\n" % len(values) + b"".join(map(text, values))


def scanned(*values: bytes, cursor: bytes = b"0") -> bytes:
    return b"*2\r\n" + text(cursor) + texts(*values)


def unlike(kind: bytes, here: list[bytes], there: list[bytes]) -> list[int]:
    return _unlike_elements(kind, len(here), b"".join(here), b"".join(there))


SAME: dict[str, tuple[bytes, bytes, bytes]] = {
    "list": (b"list", texts(b"a", b"b"), texts(b"a", b"b")),
    "set in another order": (b"set", texts(b"a", b"b"), texts(b"b", b"a")),
    "hash in another order": (b"hash", texts(b"f", b"1", b"g", b"2"), texts(b"g", b"2", b"f", b"1")),
    "score in another form": (b"zset", scanned(b"m", b"1000"), scanned(b"m", b"1e3")),
    "scores in another order": (b"zset", scanned(b"m", b"1", b"n", b"2"), scanned(b"n", b"2", b"m", b"1")),
    "infinity": (b"zset", scanned(b"m", b"inf"), scanned(b"m", b"+inf")),
    "text like an error": (b"list", texts(b"\r\n" + WRONG_TYPE), texts(b"\r\n" + WRONG_TYPE)),
    "text like an empty list": (b"list", texts(b"*0\r\n"), texts(b"*0\r\n")),
    "text like another end of ZSCAN": (b"zset", scanned(scanned(b"m"), b"1"), scanned(scanned(b"m"), b"1")),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_content_is_proved(name: str) -> None:
    kind, mine, its = SAME[name]
    assert unlike(kind, [mine, mine], [its, its]) == []


OTHER: dict[str, tuple[bytes, bytes, bytes]] = {
    "an element": (b"list", texts(b"a", b"b"), texts(b"a", b"c")),
    "the order of a list": (b"list", texts(b"a", b"b"), texts(b"b", b"a")),
    "a list's length": (b"list", texts(b"a", b"b"), texts(b"a")),
    "a member": (b"set", texts(b"a", b"b"), texts(b"a", b"c")),
    "one member more": (b"set", texts(b"a", b"b"), texts(b"a", b"b", b"c")),
    "a value": (b"hash", texts(b"f", b"1"), texts(b"f", b"2")),
    "a field": (b"hash", texts(b"f", b"1"), texts(b"g", b"1")),
    "values that changed places": (b"hash", texts(b"f", b"1", b"g", b"2"), texts(b"f", b"2", b"g", b"1")),
    "a score": (b"zset", scanned(b"m", b"0.1"), scanned(b"m", b"0.10000000000000002")),
    "scores that changed places": (b"zset", scanned(b"m", b"1", b"n", b"2"), scanned(b"m", b"2", b"n", b"1")),
    "a member of a sorted set": (b"zset", scanned(b"m", b"1"), scanned(b"n", b"1")),
    "nothing at the target": (b"list", texts(b"a"), texts()),
    "nothing at the source": (b"list", texts(), texts(b"a")),
    "nothing at either end": (b"list", texts(), texts()),
    "no hash at either end": (b"hash", texts(), texts()),
    "no sorted set at either end": (b"zset", scanned(), scanned()),
    "a part of a sorted set": (b"zset", scanned(b"m", b"1", cursor=b"7"), scanned(b"m", b"1", cursor=b"7")),
    "a part that looks whole": (
        b"zset", scanned(scanned(b"m"), b"1", cursor=b"7"), scanned(scanned(b"m"), b"2", cursor=b"7"),
    ),
    "errors": (b"list", WRONG_TYPE, WRONG_TYPE),
    "a field without a value": (b"hash", texts(b"f"), texts(b"g")),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
def test_other_content_is_not(name: str) -> None:
    kind, mine, its = OTHER[name]
    fine = {b"zset": scanned(b"m", b"1"), b"hash": texts(b"f", b"1")}.get(kind, texts(b"a"))
    assert unlike(kind, [fine, mine, fine], [fine, its, fine]) == [1]
    assert unlike(kind, [mine], [its]) == [0]


def test_what_no_list_is_proves_nothing() -> None:
    for odd in (b":7\r\n", text(b"odd"), b""):
        assert unlike(b"list", [odd], [odd]) == [0]


@pytest.mark.parametrize("before", [b"a", b"ends like a length: $66", b"$66"])
def test_an_error_behind_data_is_seen(before: bytes) -> None:
    answers = [texts(before), WRONG_TYPE, texts(b"-5", b"-", b"\r\n-9")]
    assert unlike(b"list", answers, answers) == [1]


def test_texts_that_begin_with_a_minus_need_no_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{_unlike_elements.__module__}.parse_raw", None)
    answers = [texts(b"-5", b"-", b"-\xff"), texts(b"-1")]
    assert unlike(b"list", answers, answers) == []


def test_strings() -> None:
    same = texts(b"a", b"-1", b"c")
    assert _unlike_strings(3, same, same) == []
    assert _unlike_strings(3, same, texts(b"a", b"-2", b"c")) == [1]
    nothing = b"*2\r\n$-1\r\n" + text(b"a")
    assert _unlike_strings(2, nothing, nothing) == [0]
    assert _unlike_strings(2, same, same) == [0, 1]
    assert _unlike_strings(2, WRONG_TYPE, WRONG_TYPE) == [0, 1]


@pytest.mark.parametrize(
    "odd",
    [
        b"$-7\r\n",
        b"?\r\n",
        b"*3\r\n$1\r\na\r\n",
        b"",
        texts(b"a") * 2,
        b"*1\r\n*1\r\n:1\r\n",
        b"*-5\r\n",
        b"$5\r\nab\r\n",
    ],
    ids=["length", "type", "cut", "nothing", "two", "nested", "list", "text"],
)
def test_what_is_no_reply_proves_nothing(odd: bytes) -> None:
    """And ends no run: whoever looks closer meets it where it is dealt with."""
    fine = texts(b"a", b"1")
    for mine, its in ((odd, fine), (fine, odd)):
        assert _unlike_strings(2, mine, its) == [0, 1]
        for kind in (b"hash", b"set", b"list", b"stream", b"zset"):
            assert _unlike_elements(kind, 1, mine, its) == [0], kind


def test_a_score_that_is_no_number_proves_nothing() -> None:
    mine, its = (b"*2\r\n" + text(b"0") + texts(b"member", score) for score in (b"1.0", b"one"))
    assert _unlike_elements(b"zset", 1, mine, its) == [0]


def head(last: bytes, groups: int = 0, newer: tuple[bytes, int] | None = None, data: bytes = b"x") -> bytes:
    """A reply to XINFO STREAM as Redis 6.2 gives it, or a newer one that counts what was added and deleted."""
    parts = [text(b"length"), b":1\r\n", text(b"radix-tree-keys"), b":1\r\n", text(b"radix-tree-nodes"), b":2\r\n"]
    parts += [text(b"last-generated-id"), text(last)]
    if newer:
        deleted, added = newer
        parts += [text(b"max-deleted-entry-id"), text(deleted), text(b"entries-added"), b":%d\r\n" % added]
        parts += [text(b"recorded-first-entry-id"), text(b"1-0")]
    parts += [text(b"groups"), b":%d\r\n" % groups]
    for name in (b"first-entry", b"last-entry"):
        parts += [text(name), b"*2\r\n", text(b"1-0"), texts(b"f", data)]
    return b"*%d\r\n" % (20 if newer else 14) + b"".join(parts)


PLAIN = head(b"1-0")
HEADS: dict[str, tuple[bytes, bytes, bool]] = {
    "the same": (PLAIN, PLAIN, True),
    "other data": (PLAIN, head(b"1-0", data=b"y"), True),
    "the last ID": (PLAIN, head(b"2-0"), False),
    "the last ID of a newer one": (PLAIN, head(b"2-0", newer=(b"0-0", 1)), False),
    "a last ID that goes on": (PLAIN, head(b"1-01", newer=(b"0-0", 1)), False),
    "what the older one does not know": (PLAIN, head(b"1-0", newer=(b"0-0", 5)), True),
    "entries added": (head(b"1-0", newer=(b"0-0", 1)), head(b"1-0", newer=(b"0-0", 2)), False),
    "the highest ID deleted": (head(b"1-0", newer=(b"0-0", 1)), head(b"1-0", newer=(b"0-1", 1)), False),
    "a group": (PLAIN, head(b"1-0", groups=1), False),
    "groups at both ends": (head(b"1-0", groups=1), head(b"1-0", groups=1), False),
    "groups, and data like none": (head(b"1-0", 1, data=PLAIN), head(b"1-0", 1, data=PLAIN), False),
    "a text like a last ID": (head(b"1-0", data=b"$17\r\nlast-generated-id\r\n"), PLAIN, False),
    "errors": (WRONG_TYPE, WRONG_TYPE, False),
    "lists of one": (texts(b"odd"), texts(b"odd"), False),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_of_streams(name: str) -> None:
    mine, its, proved = HEADS[name]
    assert (list(unproved_heads(1, mine, its)) == []) == proved
    assert (1 in unproved_heads(3, PLAIN + mine + PLAIN, PLAIN + its + PLAIN)) != proved
