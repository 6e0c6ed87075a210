# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over clusters is a run of parts: each from one primary to one primary, over the keys that lie in slots of both.

What is here is plain data, which a slice returns and the next one takes.
"""

from __future__ import annotations

import dataclasses
import secrets
import typing as t

from .._connection.shard import Place
from .._keys.region import EVERYTHING, Region, joined, region_of

P = t.TypeVar("P")


@dataclasses.dataclass
class Part(t.Generic[P]):
    """One part: its keys as a region in text, the ids of the nodes that served them when it began, and how far it has come."""

    slots: tuple[str, str]
    source: str
    target: str
    # Of both primaries (see Primary.mark), when it began.
    marks: tuple[str, str]
    # Where these were then, as C(host:port).
    places: tuple[str, str]
    # The first look at these keys.
    first: bool
    # Seconds of the run before it.
    began: float = 0.0
    progress: P | None = None

    @property
    def region(self) -> Region:
        return region_of(self.slots)

    def told(self, seconds: float, finished: bool, counts: dict[str, t.Any]) -> dict[str, t.Any]:
        """For the result of a run: where from, where to, which keys, and what came of them."""
        ends = dict(zip(("source", "target"), self.places))
        return {**ends, "slots": str(self.region), "seconds": round(seconds, 3), "finished": finished, **counts}


@dataclasses.dataclass
class Whole(t.Generic[P]):
    """How far a run in parts has come. ``pending``: regions, as text, that belong to no part yet."""

    run: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    pending: list[tuple[str, str]] = dataclasses.field(default_factory=lambda: [EVERYTHING.as_text()])
    queue: list[Part[P]] = dataclasses.field(default_factory=list)
    # Those that were begun; several only where several processes run them.
    at_hand: list[Part[P]] = dataclasses.field(default_factory=list)
    done: list[Part[P]] = dataclasses.field(default_factory=list)
    # How often slots were handed out, and which logical databases of the source are meant; None before the first time.
    rounds: int = 0
    databases: list[int] | None = None
    # What the whole source held when the run began, where it prunes (see Holding).
    held: dict[str, t.Any] | None = None
    # By the id of a target's primary, its databases that held keys then.
    taken: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    # Nodes of either end's cluster that were met, to be asked where the one that was named is away.
    nodes: dict[str, list[Place]] = dataclasses.field(default_factory=dict)
    # By database, what parts had written that were given up because the cluster changed.
    given_up: dict[int, dict[str, int]] = dataclasses.field(default_factory=dict)
    # What each primary of the source had counted when the run began, by its id.
    activity: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    # What came of comparing that at the end: write commands, and whether they changed data.
    source_writes: int | None = None
    drift: bool = False
    elapsed: float = 0.0
    finished: bool = False

    def left(self, *, renamed: bool) -> list[Region]:
        """What is pending."""
        return joined(map(region_of, self.pending), renamed=renamed)

    @property
    def begun(self) -> list[Part[P]]:
        """The parts whose keys count: those that are through, and those at hand."""
        return [*self.done, *(part for part in self.at_hand if part.progress)]


_PARTS = ("queue", "at_hand", "done")


def whole_as_plain(whole: Whole[P], plain: t.Callable[[P], dict[str, t.Any]]) -> dict[str, t.Any]:
    """``whole`` as JSON has it; ``plain`` makes that of a part's progress."""

    def part(one: Part[P]) -> dict[str, t.Any]:
        progress = None if one.progress is None else plain(one.progress)
        return {**{field.name: getattr(one, field.name) for field in dataclasses.fields(one)}, "progress": progress}

    found = {field.name: getattr(whole, field.name) for field in dataclasses.fields(whole)}
    return {**found, **{name: [part(one) for one in getattr(whole, name)] for name in _PARTS}}


def _two(found: t.Sequence[str]) -> tuple[str, str]:
    source, target = found
    return source, target


def whole_from_plain(found: dict[str, t.Any], progress: t.Callable[[dict[str, t.Any]], P]) -> Whole[P]:
    """What :func:`whole_as_plain` made."""

    def part(one: dict[str, t.Any]) -> Part[P]:
        made = None if one["progress"] is None else progress(one["progress"])
        return Part(
            **{
                **one,
                "slots": _two(one["slots"]),
                "marks": _two(one["marks"]),
                "places": _two(one["places"]),
                "progress": made,
            }
        )

    return Whole(
        **{
            **found,
            **{name: [part(one) for one in found[name]] for name in _PARTS},
            "pending": [_two(region) for region in found["pending"]],
            "nodes": {
                role: [(str(host), int(port)) for host, port in places] for role, places in found["nodes"].items()
            },
            "given_up": {int(number): counts for number, counts in found["given_up"].items()},
        }
    )
