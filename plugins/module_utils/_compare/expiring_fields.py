# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hashes whose fields expire by themselves (Redis 7.4, Valkey 9): compared as they are at one moment.

The two ends are asked one after the other, and meanwhile time passes. So what counts is what is alive at the later of
their two clocks, read last; a field that is over by then is no difference, whichever end still showed it.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import TIME, pack
from .._connection.replies import clock_ms
from .._keys.name import printable
from .._pipeline.end import End
from .._pipeline.job import Job
from .._server.info import ASK_FIELD_EXPIRY, none_expires
from .both_ends import Ask, together
from .verdict import GONE_AT_SOURCE, Difference, Verdict, mapping_detail

# Of HPEXPIRETIME: the field stays; there is no such field, or no longer.
STAYS = -1
GONE = -2

_TOLERANCE_MS = 1

_FIRST_FIELDS = 10
_FIELDS = 1000

# By field: its value, and when it expires.
_Fields = dict[bytes, tuple[bytes, int]]


def fields_expire(*ends: End) -> Job[bool]:
    """Whether any hash in the databases of ``ends`` has fields that expire. To be asked before the fields are read."""
    knowing = [end for end in ends if end.server.supports_field_ttl()]
    if not knowing:
        return False
    replies = yield from together(*[Ask(end, ASK_FIELD_EXPIRY) for end in knowing])
    for end, (info,) in zip(knowing, replies):
        end.check([info], "INFO")
        if not none_expires(info, end.database):
            return True
    return False


def _expiries(key: bytes, fields: t.Sequence[bytes]) -> bytes:
    return pack(b"HPEXPIRETIME", key, b"FIELDS", len(fields), *fields)


def ask_expiries(end: End, hashes: t.Sequence[tuple[bytes, t.Sequence[bytes]]]) -> Ask:
    """Ask ``end`` when the given fields of hashes expire, and at last for its clock."""
    if not end.server.supports_field_ttl():
        return Ask(end, TIME, 1)
    commands = [_expiries(key, fields) for key, fields in hashes if fields]
    return Ask(end, b"".join([*commands, TIME]), len(commands) + 1)


def ask_fields(end: End, key: bytes, fields: t.Sequence[bytes]) -> Ask:
    """Ask ``end`` when ``fields`` of a hash expire, where it knows that, then for their values, at last for its clock.

    In this order: a field that was over when its time was asked for has no value later, so one that has contradicts itself.
    """
    values = pack(b"HMGET", key, *fields) + TIME
    if not end.server.supports_field_ttl():
        return Ask(end, values, 2)
    return Ask(end, _expiries(key, fields) + values, 3)


def alive(
    end: End, fields: t.Sequence[bytes], values: t.Sequence[bytes | None], expiries: t.Any, clock: int
) -> _Fields:
    """Those of the fields that live beyond ``clock``. ``expiries``: the reply of ``end``, None where it knows none.

    All times are by the clock that the expiries of keys are read by.
    """
    shift = end.clock_shift_ms
    times = expiries or [STAYS] * len(fields)
    return {
        field: (value, at if at < 0 else at + shift)
        for field, value, at in zip(fields, values, times)
        if value is not None and (at == STAYS or at + shift > clock)
    }


def _later(ends: t.Sequence[End], clocks: t.Sequence[t.Any]) -> int:
    """The later of two replies to TIME, by one clock."""
    return max(clock_ms(reply) + end.clock_shift_ms for end, reply in zip(ends, clocks))


def _tolerance(ends: t.Sequence[End]) -> int:
    return _TOLERANCE_MS + sum(end.clock_slack_ms for end in ends)


def same_piece(
    ends: tuple[End, End], fields: t.Sequence[bytes], here: t.Sequence[t.Any], there: t.Sequence[t.Any]
) -> Difference | None:
    """The verdict on some fields of a hash, from the replies of both ends to :func:`ask_fields`."""
    clock = _later(ends, (here[-1], there[-1]))
    (times, values), (its_times, its_values) = (
        (said[0], said[1]) if len(said) == 3 else (None, said[0]) for said in (here, there)
    )
    # What was set in between shows in another look.
    if times is not None and _hidden(fields, values, times, dict(zip(fields, its_values))):
        return _CONTRADICTORY
    mine = alive(ends[0], fields, values, times, clock)
    its = alive(ends[1], fields, its_values, its_times, clock)
    return _verdict(mine, its, _tolerance(ends))


def same_hashes(
    source: End, target: End, keys: list[bytes], here: t.Sequence[list[bytes]], there: t.Sequence[list[bytes]]
) -> Job[list[Verdict]]:
    """Verdicts on small hashes, of which HGETALL said ``here`` at the source and ``there`` at the target."""
    sides = [
        [(key, flat[::2], flat[1::2]) for key, flat in zip(end.named(keys), answers, strict=True)]
        for end, answers in ((source, here), (target, there))
    ]
    asks = [
        ask_expiries(end, [(key, fields) for key, fields, _values in side])
        for end, side in zip((source, target), sides)
    ]
    replies = yield from together(*asks)
    for end, answers in zip((source, target), replies):
        end.check(answers, "HPEXPIRETIME")
    ends = (source, target)
    clock = _later(ends, [answers[-1] for answers in replies])
    living: list[list[_Fields]] = []
    for end, side, answers in zip(ends, sides, replies):
        times = iter(answers[:-1])
        knows = len(answers) > 1
        living.append(
            [
                alive(end, fields, values, next(times, None) if knows and fields else None, clock)
                for _key, fields, values in side
            ]
        )
    verdicts: list[Verdict] = [
        _verdict(mine, its, _tolerance(ends)) if mine or not its else GONE_AT_SOURCE for mine, its in zip(*living)
    ]
    asked = [index for index, (_key, fields, _values) in enumerate(sides[0]) if fields] if len(replies[0]) > 1 else []
    hidden = {
        index: _hidden(*sides[0][index][1:], times, dict(zip(*sides[1][index][1:])))
        for index, times in zip(asked, replies[0])
        if verdicts[index] is None
    }
    shown = yield from _still_shown(source, {keys[index]: fields for index, fields in hidden.items() if fields})
    for index in hidden:
        if keys[index] in shown:
            verdicts[index] = _CONTRADICTORY
    return verdicts


_CONTRADICTORY = Difference(
    "value",
    "could not be compared: the source shows fields of it, and answered HPEXPIRETIME as if they were not there",
    "hash",
)


def _hidden(
    fields: t.Sequence[bytes], values: t.Sequence[bytes | None], times: t.Any, its: t.Mapping[bytes, bytes | None]
) -> list[bytes]:
    """The fields that the source shows, that by HPEXPIRETIME are not there, and that the target does not have.

    They may have expired in between. To the target's own word nothing is lost.
    """
    there = [field for field, value in zip(fields, values) if value is not None]
    over = {field for field, at in zip(fields, times) if at == GONE} if times else set(there)
    return [field for field in there if field in over and its.get(field) is None]


def _still_shown(source: End, hidden: t.Mapping[bytes, t.Sequence[bytes]]) -> Job[list[bytes]]:
    """Those of the hashes of which ``source`` goes on showing such a field. What has expired it shows no more."""
    if not hidden:
        return []
    asked = b"".join([pack(b"HMGET", key, *fields) for key, fields in hidden.items()])
    answers = yield source.call(asked, len(hidden))
    # An error is no proof that they are gone: another look follows.
    return [key for key, values in zip(hidden, answers) if not isinstance(values, list) or set(values) != {None}]


def _verdict(mine: _Fields, its: _Fields, tolerance: int) -> Difference | None:
    if mine == its:
        return None
    values, its_values = ({field: pair[0] for field, pair in side.items()} for side in (mine, its))
    if values != its_values:
        return Difference("value", mapping_detail(values, its_values, "field"), "hash")
    for field, (_value, at) in mine.items():
        its_at = its[field][1]
        if (at < 0) != (its_at < 0) or abs(at - its_at) > tolerance:
            return Difference("ttl", f"hash field '{printable(field[:60])}' expires at another time", "hash")
    return None
