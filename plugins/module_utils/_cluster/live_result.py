# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of a live run over clusters say, as one."""

from __future__ import annotations

import dataclasses
import typing as t

from .._keys.selection import Selection
from .._live.carry import Carried
from .._live.follow import Follower
from .._live.result import LiveResult, Status
from .._migrate.choose import Choice
from .._pipeline.waits import Waits
from .._server.key_counts import Database, held_in
from .topology import Primary


@dataclasses.dataclass
class Part:
    """A run from one primary to one primary, over the ``slots`` that both serve."""

    source: Primary
    target: Primary
    slots: bytes = dataclasses.field(repr=False)
    follower: Follower


def status_of(parts: t.Sequence[Part]) -> Status:
    """Where all of them stand."""
    all_status = [part.follower.status for part in parts]
    keys = sum(part.follower.unnamed.keys_in(part.follower.lanes.carriers) for part in _by_source(parts))
    walked = all(status.walked for status in all_status)
    return Status(
        walked=walked,
        keys_done=keys if walked else min(keys, sum(part.follower.keys_walked for part in parts)),
        keys_all=keys,
        lag_keys=sum(status.lag_keys for status in all_status),
        lag_seconds=max(status.lag_seconds for status in all_status),
        changes_per_second=sum(status.changes_per_second for status in all_status),
        carried_per_second=sum(status.carried_per_second for status in all_status),
        compares_in_drain=next((status.compares_in_drain for status in all_status if status.compares_in_drain), ""),
        failed_keys=sum(status.failed_keys for status in all_status),
        extra_keys=sum(status.extra_keys for status in all_status),
    )


def _by_source(parts: t.Iterable[Part]) -> list[Part]:
    """One for each primary of the source."""
    return list({part.source.id: part for part in parts}.values())


def _by_target(parts: t.Iterable[Part]) -> list[Part]:
    return list({part.target.id: part for part in parts}.values())


def together(
    parts: t.Sequence[Part], results: t.Sequence[LiveResult], before: Carried, reason: str | None
) -> LiveResult:
    """The result of all of them. ``before``: what was done by parts before these. ``reason``: why it is not proved."""
    extra: dict[int, set[bytes]] = {}
    for result in results:
        for here, names in result.extra.items():
            extra.setdefault(here, set()).update(names)
    choices = [result.choice for result in results]
    return LiveResult(
        proved=reason is None,
        reason=reason,
        choice=choices[0] if choices else Choice("copy", "the clusters did not come to rest"),
        following=Carried.total([before, *(result.following for result in results)]),
        drain=Carried.total([result.drain for result in results]),
        keys=sum(part.follower.unnamed.keys_in(part.follower.lanes.carriers) for part in _by_source(parts)),
        in_drain=sum(result.in_drain for result in results),
        failures=[failure for result in results for failure in result.failures],
        extra=extra,
        lag=[],
        waits=Waits.of_all(part.follower.lanes.progress.waits for part in parts),
        changes_per_second=sum(result.changes_per_second for result in results),
        carried_per_second=sum(result.carried_per_second for result in results),
        drain_seconds=0.0,
        last_change=max((result.last_change for result in results if result.last_change), default=None),
        feeds=sum(result.feeds for result in results),
        restarts=sum(result.restarts for result in results),
        counts=_counts(parts),
    )


def _counts(parts: t.Sequence[Part]) -> dict[int, tuple[int, int]]:
    """Keys at the source and at the target, by the source's databases; nothing where a server does not tell."""
    found: dict[int, tuple[int, int]] = {}
    for here, there in parts[0].follower.lanes.progress.pairs if parts else ():
        mine, its = _held(parts, here, there)
        if mine is not None and its is not None and (mine or its):
            found[here] = (sum(one.keys for one in mine), sum(one.keys for one in its))
    return {here: counts for here, counts in found.items() if any(counts)}


_Held: t.TypeAlias = list[Database] | None


def _held(parts: t.Sequence[Part], here: int, there: int) -> tuple[_Held, _Held]:
    """What each primary of both ends counts; None where one does not tell."""
    mine = [part.follower.unnamed.keyspace for part in _by_source(parts)]
    its = [part.follower.unnamed.keyspace_of_target for part in _by_target(parts)]
    return (
        None if None in mine else [held_in(one, here) for one in mine if one is not None],
        None if None in its else [held_in(one, there) for one in its if one is not None],
    )


def difference(selection: Selection, parts: t.Sequence[Part]) -> str | None:
    """As :func:`_live.counts.difference`, of all primaries together."""
    if not selection.countable or any(
        len(carrier.extra) or carrier.failures for part in parts for carrier in part.follower.lanes.carriers.values()
    ):
        return None
    for here, there in parts[0].follower.lanes.progress.pairs if parts else ():
        mine, its = _held(parts, here, there)
        lasting = [_lasting(held) for held in (mine, its)]
        if mine is None or its is None or None in lasting or lasting[0] == lasting[1]:
            continue
        # Hashes that go with their last field, at a moment of the server's choosing.
        unsure = max(sum(one.field_expires for one in held) for held in (mine, its))
        temporary = [part.follower.lanes.count_temporary(here) for part in parts]
        by_source = sum(counts[0] for part, counts in zip(parts, temporary) if part in _by_source(parts))
        by_target = sum(counts[1] for part, counts in zip(parts, temporary) if part in _by_target(parts))
        found = ((lasting[0] or 0) - by_source, (lasting[1] or 0) - by_target)
        if abs(found[0] - found[1]) > unsure:
            return (
                f"In database {here} the source counts {found[0]} keys without an expiry, and the target {found[1]},"
                " all primaries together."
            )
    return None


def _lasting(held: _Held) -> int | None:
    counts = None if held is None else [one.lasting for one in held]
    return None if counts is None or None in counts else sum(count or 0 for count in counts)
