# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Equality of the values of one key at both ends, by ordinary commands: whole for small keys, in chunks for large ones.

Unordered types are compared without order, scores as numbers, streams with groups, consumers and pending entries,
hash fields with their expiries.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils import _stream_content, _stream_whole
from ansible_collections.dataservices.redis_migration.plugins.module_utils._commands import one
from ansible_collections.dataservices.redis_migration.plugins.module_utils._difference import GONE_AT_SOURCE, Difference, Verdict
from ansible_collections.dataservices.redis_migration.plugins.module_utils._end import End
from ansible_collections.dataservices.redis_migration.plugins.module_utils._flow import Job
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keyname import printable
from ansible_collections.dataservices.redis_migration.plugins.module_utils._wire import pack

_STRING_CHUNK = 512 * 1024
_ELEMENTS = 500

_WHOLE = {
    "hash": lambda key: one(b"HGETALL", key),
    "set": lambda key: one(b"SMEMBERS", key),
    "zset": lambda key: one(b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"),
    "list": lambda key: one(b"LRANGE", key, b"0", b"-1"),
    "string": lambda key: one(b"GET", key),
}

# Field expiries may have been read a moment apart as relative times inside a server; they are absolute here.
_FIELD_TTL_TOLERANCE_MS = 1


def string_detail(mine: bytes, its: bytes) -> str:
    """Where two strings differ first, without showing them."""
    if len(mine) != len(its):
        return f"{len(mine)} bytes at the source, {len(its)} at the target"
    low, high = 0, len(mine)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mine[low:middle] != its[low:middle] else (middle, high)
    return f"differs at byte {low}"


def same_whole(source: End, target: End, keys: t.Sequence[tuple[bytes, str]]) -> Job:
    """Verdicts on keys that fit into memory whole, given as (key, type); the type is the same at both ends."""
    verdicts: list[Verdict] = [None] * len(keys)
    plain = [index for index, (_key, kind) in enumerate(keys) if kind in _WHOLE]
    commands = b"".join([_WHOLE[keys[index][1]](keys[index][0]) for index in plain])
    here, there = yield source.call(commands, len(plain)), target.call(commands, len(plain))
    for index, mine, its in zip(plain, here, there):
        if mine != its:
            kind = keys[index][1]
            source.check([mine], "reading a " + kind)
            target.check([its], "reading a " + kind)
            verdicts[index] = _COMPARE[kind](mine, its)
    if source.server.supports_field_ttl() or target.server.supports_field_ttl():
        hashes = [
            (index, mine[::2]) for index, mine in zip(plain, here) if keys[index][1] == "hash" and verdicts[index] is None
        ]
        found = yield from _same_field_ttls(source, target, [(keys[index][0], fields) for index, fields in hashes])
        for (index, _fields), verdict in zip(hashes, found):
            verdicts[index] = verdict
    streams = [index for index, (_key, kind) in enumerate(keys) if kind == "stream"]
    if streams:
        found = yield from _stream_whole.same_streams(source, target, [keys[index][0] for index in streams])
        for index, verdict in zip(streams, found):
            verdicts[index] = verdict
    for index, (key, kind) in enumerate(keys):
        if kind not in _WHOLE and kind != "stream":
            verdicts[index] = yield from _same_payload(source, target, key, kind)
    return verdicts


def _hash_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    one_hash, other = dict(zip(mine[::2], mine[1::2])), dict(zip(its[::2], its[1::2]))
    if one_hash == other:
        return None
    if not one_hash:
        return GONE_AT_SOURCE
    return Difference("value", _mapping_detail(one_hash, other, "field"), "hash")


def _zset_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    one_set = dict(zip(mine[::2], map(float, mine[1::2])))
    other = dict(zip(its[::2], map(float, its[1::2])))
    if one_set == other:
        return None
    if not one_set:
        return GONE_AT_SOURCE
    return Difference("value", _mapping_detail(one_set, other, "member"), "zset")


def _mapping_detail(mine: t.Mapping[bytes, t.Any], its: t.Mapping[bytes, t.Any], element: str) -> str:
    missing = [name for name in mine if name not in its]
    extra = [name for name in its if name not in mine]
    changed = [name for name in mine if name in its and its[name] != mine[name]]
    parts = [f"{len(names)} {element}{'s' * (len(names) > 1)} {word}" for names, word in
             ((missing, "missing"), (extra, "extra"), (changed, "different")) if names]
    first = (changed or missing or extra)[0]
    return f"{', '.join(parts)}, such as '{printable(first[:60])}'"


def _set_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    one_set, other = set(mine), set(its)
    if one_set == other:
        return None
    if not one_set:
        return GONE_AT_SOURCE
    return Difference("value", f"{len(one_set - other)} members missing, {len(other - one_set)} extra", "set")


def _list_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    if not mine:
        return GONE_AT_SOURCE
    if len(mine) != len(its):
        return Difference("value", f"{len(mine)} elements at the source, {len(its)} at the target", "list")
    index = next(index for index, pair in enumerate(zip(mine, its)) if pair[0] != pair[1])
    return Difference("value", f"element {index} differs", "list")


def _string_verdict(mine: bytes | None, its: bytes | None) -> Verdict:
    if mine is None:
        return GONE_AT_SOURCE
    return Difference("value", string_detail(mine, its or b""), "string")


_COMPARE: dict[str, t.Callable[[t.Any, t.Any], Verdict]] = {
    "hash": _hash_verdict,
    "set": _set_verdict,
    "zset": _zset_verdict,
    "list": _list_verdict,
    "string": _string_verdict,
}


def _same_payload(source: End, target: End, key: bytes, kind: str) -> Job:
    """A type of a module: only its payload can be compared."""
    dump = pack(b"DUMP", key)
    here, there = yield source.call(dump, 1), target.call(dump, 1)
    source.check(here, "DUMP")
    target.check(there, "DUMP")
    if here[0] is None:
        return GONE_AT_SOURCE
    if there[0] is not None and here[0][:-10] == there[0][:-10]:
        return None
    return Difference("value", f"the payloads of this {kind} differ (its content cannot be compared here)", kind)


def _same_field_ttls(source: End, target: End, hashes: t.Sequence[tuple[bytes, t.Sequence[bytes]]]) -> Job:
    """Verdicts on when the given fields of hashes expire; an end that knows no field expiry has none."""
    hashes = [(key, fields or [b""]) for key, fields in hashes]
    if not hashes:
        return []
    ask = b"".join([one(b"HPEXPIRETIME", key, b"FIELDS", b"%d" % len(fields), *fields) for key, fields in hashes])
    none = [[-1] * len(fields) for _key, fields in hashes]
    if not target.server.supports_field_ttl():
        here, there = (yield source.call(ask, len(hashes))), none
    elif not source.server.supports_field_ttl():
        here, there = none, (yield target.call(ask, len(hashes)))
    else:
        here, there = yield source.call(ask, len(hashes)), target.call(ask, len(hashes))
    source.check(here, "HPEXPIRETIME")
    target.check(there, "HPEXPIRETIME")
    return [
        _field_ttl_verdict(fields, mine, its) if mine != its else None
        for (_key, fields), mine, its in zip(hashes, here, there)
    ]


def _field_ttl_verdict(fields: t.Sequence[bytes], here: t.Any, there: t.Any) -> Verdict:
    if not isinstance(here, list):
        return GONE_AT_SOURCE
    for field, mine, its in zip(fields, here, there or [-1] * len(fields)):
        if mine == -2:
            continue
        if (mine < 0) != (its < 0) or abs(mine - its) > _FIELD_TTL_TOLERANCE_MS:
            return Difference("ttl", f"hash field '{printable(field[:60])}' expires at another time", "hash")
    return None


def same_in_chunks(source: End, target: End, key: bytes, kind: str) -> Job:
    """The verdict on one key of any size; its type is the same at both ends."""
    if kind == "stream":
        return (yield from _stream_content.same_stream(source, target, key))
    if kind not in _LENGTH:
        return (yield from _same_payload(source, target, key, kind))
    ask = pack(_LENGTH[kind], key)
    here, there = yield source.call(ask, 1), target.call(ask, 1)
    source.check(here, _LENGTH[kind].decode())
    target.check(there, _LENGTH[kind].decode())
    mine, its = here[0], there[0]
    if not mine:
        return GONE_AT_SOURCE if kind != "string" else None if not its else _string_lengths(mine, its)
    if mine != its:
        unit = "bytes" if kind == "string" else "elements"
        return Difference("value", f"{mine} {unit} at the source, {its} at the target", kind)
    if kind == "string":
        return (yield from _string_chunks(source, target, key, mine))
    if kind == "list":
        return (yield from _list_chunks(source, target, key, mine))
    return (yield from _scan_chunks(source, target, key, kind))


_LENGTH = {"string": b"STRLEN", "list": b"LLEN", "set": b"SCARD", "zset": b"ZCARD", "hash": b"HLEN"}


def _string_lengths(mine: int, its: int) -> Difference:
    return Difference("value", f"{mine} bytes at the source, {its} at the target", "string")


def _string_chunks(source: End, target: End, key: bytes, length: int) -> Job:
    for start in range(0, length, _STRING_CHUNK):
        ask = pack(b"GETRANGE", key, start, start + _STRING_CHUNK - 1)
        here, there = yield source.call(ask, 1), target.call(ask, 1)
        source.check(here, "GETRANGE")
        target.check(there, "GETRANGE")
        if here != there:
            return Difference("value", f"differs between bytes {start} and {start + _STRING_CHUNK}", "string")
    return None


def _list_chunks(source: End, target: End, key: bytes, length: int) -> Job:
    for start in range(0, length, _ELEMENTS):
        ask = pack(b"LRANGE", key, start, start + _ELEMENTS - 1)
        here, there = yield source.call(ask, 1), target.call(ask, 1)
        source.check(here, "LRANGE")
        target.check(there, "LRANGE")
        if here != there:
            offset = next((i for i, pair in enumerate(zip(here[0], there[0])) if pair[0] != pair[1]), 0)
            return Difference("value", f"element {start + offset} differs", "list")
    return None


_SCAN = {"hash": b"HSCAN", "set": b"SSCAN", "zset": b"ZSCAN"}


def _scan_chunks(source: End, target: End, key: bytes, kind: str) -> Job:
    """Every element of the source is looked up at the target; the numbers of elements are known to be equal."""
    cursor = b"0"
    while True:
        here = yield source.call(pack(_SCAN[kind], key, cursor, b"COUNT", _ELEMENTS), 1)
        source.check(here, _SCAN[kind].decode())
        cursor, elements = here[0]
        if elements:
            verdict = yield from _LOOK_UP[kind](source, target, key, elements)
            if verdict is not None:
                return verdict
        if cursor == b"0":
            return None


def _look_up_hash(source: End, target: End, key: bytes, elements: list[bytes]) -> Job:
    fields, values = elements[::2], elements[1::2]
    there = yield target.call(one(b"HMGET", key, *fields), 1)
    target.check(there, "HMGET")
    if there[0] != values:
        pairs = dict(zip(fields, values))
        its = {field: value for field, value in zip(fields, there[0]) if value is not None}
        return Difference("value", _mapping_detail(pairs, its, "field"), "hash")
    if source.server.supports_field_ttl() or target.server.supports_field_ttl():
        (verdict,) = yield from _same_field_ttls(source, target, [(key, fields)])
        return verdict
    return None


def _look_up_set(_source: End, target: End, key: bytes, elements: list[bytes]) -> Job:
    if target.server.version_tuple >= (6, 2):
        there = yield target.call(one(b"SMISMEMBER", key, *elements), 1)
        target.check(there, "SMISMEMBER")
        found = there[0]
    else:
        found = yield target.call(b"".join([one(b"SISMEMBER", key, member) for member in elements]), len(elements))
        target.check(found, "SISMEMBER")
    missing = len(elements) - sum(found)
    return Difference("value", f"{missing} members missing in one chunk", "set") if missing else None


def _look_up_zset(_source: End, target: End, key: bytes, elements: list[bytes]) -> Job:
    members, scores = elements[::2], elements[1::2]
    if target.server.version_tuple >= (6, 2):
        there = yield target.call(one(b"ZMSCORE", key, *members), 1)
        target.check(there, "ZMSCORE")
        found = there[0]
    else:
        found = yield target.call(b"".join([one(b"ZSCORE", key, member) for member in members]), len(members))
        target.check(found, "ZSCORE")
    for member, mine, its in zip(members, scores, found):
        if its is None or float(mine) != float(its):
            what = "missing" if its is None else "has another score"
            return Difference("value", f"member '{printable(member[:60])}' {what}", "zset")
    return None


_LOOK_UP = {"hash": _look_up_hash, "set": _look_up_set, "zset": _look_up_zset}
