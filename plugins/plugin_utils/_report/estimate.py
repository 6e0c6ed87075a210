# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a migration may take and how many bytes it moves: ranges, and what they are worked out from.

The figures are those of docs/performance.md ("What an estimate is worked out from"), which says how they were measured.
Whoever measures anew changes both.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    keys,
    size,
)

Data = dict[str, t.Any]
Sample = t.Mapping[str, t.Any]


class Figures(t.NamedTuple):
    """Seconds to move a million keys, strings and others, and to compare their values; and so for a GB of payload."""

    strings: float
    others: float
    gigabyte: float


_SMALL = {"copy": Figures(38.0, 98.0, 15.0), "rebuild": Figures(54.0, 400.0, 19.0)}
# For those that were not measured.
_USUAL = "copy"
# Machines differ from the one that was measured.
_FASTER, _SLOWER = 0.5, 2.0
# A large key moves in pieces: seconds for five million elements, moved and compared; of a string for 600 MB.
_LARGE = {"string": 5.1, "list": 3.1, "set": 19.9, "hash": 27.0, "zset": 68.8, "stream": 51.3}
_LARGE_ELEMENTS = 5_000_000
_LARGE_STRING = 600_000_000
# At a round trip so long, copying was half as fast.
_HALF_SPEED_MS = 20.0
# Where no payload was read.
_UNKNOWN_PAYLOAD = (0.5, 2.0)
# Of those that were read: large keys may be unlike small ones.
_MARGIN = (0.8, 1.25)
_LINE = 100_000_000 / 8


class Limits(t.NamedTuple):
    """Of the migration, per second; 0 means none."""

    keys: float = 0
    bytes: float = 0


NO_LIMITS = Limits()


def estimate(
    sample: Sample, *, strategy: str | None = None, round_trip_ms: float = 0.0, limits: Limits = NO_LIMITS
) -> Data:
    """``strategy``: the one that a migration would take, if it is known. ``round_trip_ms``: to both ends together."""
    way = strategy if strategy in _SMALL else _USUAL
    payload = _payload(sample)
    slower = _SLOWER * (1 + round_trip_ms / _HALF_SPEED_MS)
    times = (_FASTER * _seconds(sample, way, payload[0]), slower * _seconds(sample, way, payload[1]))
    least, most = (max(took, _by_limits(sample, limits, amount)) for took, amount in zip(times, payload))
    return {
        "keys": sample["stands_for"],
        "memory_bytes": sample["bytes"],
        "payload_bytes": {"least": round(payload[0]), "most": round(payload[1])},
        "seconds": {"least": round(least, 1), "most": round(most, 1)},
        "basis": list(_basis(sample, way, strategy, round_trip_ms, limits, payload)),
    }


def _by_limits(sample: Sample, limits: Limits, payload: float) -> float:
    """Seconds that the limits alone take."""
    by_keys = sample["stands_for"] / limits.keys if limits.keys else 0.0
    return max(by_keys, payload / limits.bytes if limits.bytes else 0.0)


def _payload(sample: Sample) -> tuple[float, float]:
    read = sample["payloads"]
    if not read or not read["memory"]:
        return sample["bytes"] * _UNKNOWN_PAYLOAD[0], sample["bytes"] * _UNKNOWN_PAYLOAD[1]
    likely = sample["bytes"] * read["bytes"] / read["memory"]
    return likely * _MARGIN[0], likely * _MARGIN[1]


def _seconds(sample: Sample, way: str, payload: float) -> float:
    """To move and to compare all, on the machine that was measured."""
    figures, large = _SMALL[way], _large(sample)
    seconds = sum(_large_seconds(kind, one) for kind, one in large.items())
    for kind, seen in sample["types"].items():
        small = max(0.0, float(seen["keys"]) - (large[kind]["keys"] if kind in large else 0))
        seconds += small * (figures.strings if kind == "string" else figures.others) / 1e6
    in_large = sum(one["bytes"] for one in large.values())
    part = max(0.0, 1 - in_large / sample["bytes"]) if sample["bytes"] else 0.0
    return seconds + payload * part * figures.gigabyte / 1e9


def _large(sample: Sample) -> dict[str, t.Any]:
    """The large keys whose time is known by their elements; others count as any key."""
    found = sample.get("large", {"types": {}})["types"]
    return {kind: one for kind, one in found.items() if kind in _LARGE and (kind == "string" or one["elements"])}


def _large_seconds(kind: str, large: t.Mapping[str, t.Any]) -> float:
    if kind == "string":
        return float(_LARGE[kind] * large["bytes"] / _LARGE_STRING)
    return float(_LARGE[kind] * large["elements"] / _LARGE_ELEMENTS)


def _basis(
    sample: Sample, way: str, strategy: str | None, round_trip_ms: float, limits: Limits, payload: tuple[float, float]
) -> t.Iterator[str]:
    if sample["complete"]:
        yield f"Keys and memory: all {keys(sample['keys'])} were looked at."
    else:
        yield (
            f"Keys and memory: {keys(sample['keys'])} were looked at and stand for about {count(sample['stands_for'])};"
            " memory is what MEMORY USAGE estimates of each."
        )
    read = sample["payloads"]
    if read and read["memory"]:
        yield (
            f"Bytes: payloads of {keys(read['keys'])} of up to 16 KiB had {read['bytes'] / read['memory']:.2f} bytes for"
            " each byte of memory. Larger keys were not read, so the range is a fifth less to a quarter more."
        )
    else:
        yield "Bytes: no payload was read. One has between half and twice the bytes that its key takes of memory."
    figures = _SMALL[way]
    why = f"since {strategy} was not measured" if strategy else "as no target was looked at"
    instead = "" if way == strategy else f", {why}"
    yield (
        f"Time, to move (by {way}{instead}) and to compare values: {figures.strings:g} s"
        f" for a million strings, {figures.others:g} s for a million other keys, {figures.gigabyte:g} s for a GB of payload, as"
        " measured on two cores that servers and worker shared with other work (docs/performance.md). As machines differ, the"
        " range is from half to twice of that."
    )
    if _large(sample):
        yield "Large keys: by how many elements they hold, with the figures of the same page for enormous keys."
    if round_trip_ms >= 1:
        yield (
            f"The longer time allows for round trips of {round_trip_ms:.1f} ms together (at {_HALF_SPEED_MS:g} ms copying was"
            " half as fast)."
        )
    told = [f"{count(limits.keys)} keys" if limits.keys else "", f"{size(limits.bytes)}" if limits.bytes else ""]
    if any(told):
        yield f"The limits of {' and '.join(one for one in told if one)} per second are in it."
    yield (
        f"Neither your network nor your servers are known: at 100 Mbit/s these bytes alone take"
        f" {duration(payload[0] / _LINE)} to {duration(payload[1] / _LINE)}."
    )
