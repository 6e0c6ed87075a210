# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every order in which two keys, their clients, the feed, the moves and the faults can meet: "proved" is never wrong.

The world around the rules is a small model. A key holds nothing, one of two values, or a value that expires. A move reads
a key, writes it and reads it at the source again, and compares it with what is then at the target. The server names a
changed key on the feed up to two turns of its loop later, and answers a PING at once. Every state that can be reached is
visited once. Steps that nobody but the run can notice (a move or a walk is over) are taken at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import NamedTuple

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.rules import (
    NAME_OVERHEAD,
    Rules,
)

NOTHING, ONE, EXPIRES = range(3)
KEYS = (b"a", b"b")
PONG, END, PROVED = "PONG", "end of the feed", "proved"
FEED_CUT, SOURCE_RESTARTED, TARGET_RESTARTED = "feed cut", "source restarted", "target restarted"
WRITE_REFUSED = "write refused"

# A key in a move: which, how far, and the value that counts there.
TO_READ, READ, READ_AGAIN, EQUAL, DIFFERENT = "read", "write", "compare", "equal", "different"
Job = tuple[int, str, int]
Names = frozenset[int]
NONE: Names = frozenset()
NO_FAULTS: frozenset[str] = frozenset()


class World(NamedTuple):
    """Everything but the rules."""

    client_steps: int = 0
    faults: frozenset[str] = NO_FAULTS
    # PINGs that may be sent before the writers stop.
    early_pings: int = 0
    # Drains that may be given up, after which clients write again.
    resumes: int = 0
    # Changed names for which there is memory.
    names_fit: int = 2
    source: tuple[int, ...] = (ONE, NOTHING)
    target: tuple[int, ...] = (NOTHING, ONE)
    # Clients write values that expire, until these have expired, all at once.
    expiry: bool = False
    late: bool = False
    # The run may take what is named at the end for expiries.
    settles: bool = False
    # At the source: names of this turn and of the last one that are not on the feed yet.
    tracking: bool = False
    fresh: Names = NONE
    older: Names = NONE
    # On the way: names, PONGs, the end of the connection.
    feed: tuple[object, ...] = ()
    ping: bool = False
    jobs: tuple[Job, ...] = ()
    # Keys that the walk has not come to; None between walks.
    left: Names | None = None
    # The target was restarted, and the run has not noticed yet.
    unnoticed: bool = False


FIELDS = attrgetter("feed_open", "moving", "stopped", "pongs", "_counts", "only_expiries", "extra")
SETS = attrgetter("changed", "walking", "walked")


class Model(Rules):
    """The rules as they are; three PONGs outlast the model's two turns."""

    pongs_needed = 3
    asks_ends = True
    looks_again = True
    # What broken rules remember.
    extra: frozenset[bytes] = frozenset()

    def copy(self) -> Model:
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.changed, made.walking, made.walked = set(self.changed), set(self.walking), set(self.walked)
        return made

    def key(self) -> tuple[object, ...]:
        return (*FIELDS(self), *map(frozenset, SETS(self)))

    def may_move(self) -> bool:
        return not self.moving

    def may_walk(self) -> bool:
        return self.feed_open


Step = tuple[str, World, Model]


def changed(world: World, key: int, value: int) -> World:
    source = (value, world.source[1]) if key == 0 else (world.source[0], value)
    return world._replace(source=source, fresh=world.fresh | {key} if world.tracking else world.fresh)


def turn(world: World) -> World:
    """The server's loop comes round."""
    feed = world.feed
    if world.older:
        last = feed[-1] if feed else None
        feed = (*feed[:-1], last | world.older) if isinstance(last, frozenset) else (*feed, world.older)
    return world._replace(feed=feed, older=world.fresh, fresh=NONE)


def cut(world: World, fault: str) -> World:
    feed = (*world.feed, END) if world.tracking else world.feed
    return world._replace(tracking=False, fresh=NONE, older=NONE, feed=feed, faults=world.faults - {fault})


def by_itself(world: World, stopped: bool) -> Iterator[tuple[str, World]]:
    """What clients, time and the servers do."""
    if world.client_steps and not stopped:
        fewer = world._replace(client_steps=world.client_steps - 1)
        for key, value in enumerate(world.source):
            if value:
                yield f"delete {key}", changed(fewer, key, NOTHING)
            else:
                yield f"write {key}", changed(fewer, key, ONE)
            if world.expiry:
                yield f"write {key} with an expiry", changed(fewer, key, EXPIRES)
    if world.expiry and (EXPIRES in world.source or EXPIRES in world.target):
        over = world._replace(
            expiry=False, late=True, target=tuple(NOTHING if it == EXPIRES else it for it in world.target)
        )
        for key, value in enumerate(world.source):
            if value == EXPIRES:
                over = changed(over, key, NOTHING)
        yield "time passes", over
    if world.fresh or world.older:
        yield "turn", turn(world)
    if FEED_CUT in world.faults and world.tracking:
        yield FEED_CUT, cut(world, FEED_CUT)
    if SOURCE_RESTARTED in world.faults:
        # It comes back with an older value of a key, of which no feed tells.
        after = cut(world, SOURCE_RESTARTED)
        for key, value in enumerate(world.source):
            old = NOTHING if value else ONE
            yield (
                SOURCE_RESTARTED,
                after._replace(source=(old, world.source[1]) if key == 0 else (world.source[0], old)),
            )
    if TARGET_RESTARTED in world.faults:
        after = world._replace(target=(NOTHING, NOTHING), unnoticed=True, faults=world.faults - {TARGET_RESTARTED})
        yield TARGET_RESTARTED, after


def jobs(world: World, rules: Model) -> Iterator[Step]:
    """The next step of each key that is being moved."""
    for place, (key, doing, value) in enumerate(world.jobs):
        target = world.target
        if doing == TO_READ:
            job = (key, READ, world.source[key])
        elif doing == READ:
            arrived = NOTHING if value == EXPIRES and world.late else value
            target = (arrived, target[1]) if key == 0 else (target[0], arrived)
            job = (key, READ_AGAIN, world.source[key]) if rules.looks_again else (key, EQUAL, 0)
            if WRITE_REFUSED in world.faults:
                running = tuple(sorted((*world.jobs[:place], *world.jobs[place + 1 :], job)))
                yield WRITE_REFUSED, *ended(world._replace(jobs=running, faults=NO_FAULTS), rules)
        elif doing == READ_AGAIN:
            now = NOTHING if value == EXPIRES and world.late else value
            job = (key, EQUAL if now == target[key] else DIFFERENT, 0)
        else:
            continue
        running = tuple(sorted((*world.jobs[:place], *world.jobs[place + 1 :], job)))
        yield f"{doing} {key}", *ended(world._replace(target=target, jobs=running), rules)


def ended(world: World, rules: Model) -> tuple[World, Model]:
    """The move is over once all of its keys are through; and the walk with its last move."""
    if not all(doing in (EQUAL, DIFFERENT) for _key, doing, _value in world.jobs):
        return world, rules
    rules = rules.copy()
    rules.moved([KEYS[key] for key, doing, _value in world.jobs if doing == DIFFERENT])
    if world.left == NONE:
        rules.walk_ended(0)
        world = world._replace(left=None)
    return world._replace(jobs=()), rules


def run(world: World, rules: Model) -> Iterator[Step]:
    """What the run does next, as the rules allow it."""
    if not rules.feed_open:
        after = rules.copy()
        after.feed_opened()
        yield "open the feed", world._replace(tracking=True, feed=(), ping=False), after
    if world.feed:
        after = rules.copy()
        item = world.feed[0]
        if isinstance(item, frozenset):
            after.report([KEYS[key] for key in item])
        elif item == PONG:
            after.answered()
        else:
            after.feed_lost()
        yield f"learn of {item}", world._replace(feed=world.feed[1:], ping=world.ping and item != PONG), after
    if rules.feed_open and not world.ping and rules.pongs < rules.pongs_needed:
        after = rules.copy()
        after.asked()
        # Answered at once, before what this turn has to name.
        sent = turn(world._replace(feed=(*world.feed, PONG))) if world.tracking else world
        if rules.stopped:
            yield "PING", sent._replace(ping=True), after
        elif world.early_pings:
            yield "early PING", sent._replace(ping=True, early_pings=world.early_pings - 1), after
    if not rules.stopped:
        after = rules.copy()
        after.writers_stopped()
        yield "writers stop", world, after
    elif world.resumes:
        after = rules.copy()
        after.writers_resumed()
        yield "writers resume", world._replace(resumes=world.resumes - 1), after
    if world.settles and rules.all_changes_named and not rules.only_expiries:
        after = rules.copy()
        after.expect_only_expiries()
        yield "expect only expiries", world, after
    if world.unnoticed:
        after = rules.copy()
        after.end_replaced()
        yield "notice the restart", world._replace(unnoticed=False), after
    if rules.may_move():
        yield from moves(world, rules)
    if rules.nothing_left:
        yield from last_question(world, rules)


def moves(world: World, rules: Model) -> Iterator[Step]:
    if rules.changed:
        after = rules.copy()
        yield "move what changed", moving(world, frozenset(KEYS.index(name) for name in after.take())), after
    if world.left:
        parts = {frozenset({key}) for key in world.left} | {world.left}
    elif world.left is None and rules.may_walk() and 0 not in rules.walked:
        parts = {frozenset({0}), frozenset({1}), frozenset({0, 1})}
    else:
        return
    for part in parts:
        after = rules.copy()
        left = world.left
        if left is None:
            after.walk_begins(0)
            left = frozenset({0, 1})
        after.walk_part()
        yield f"walk over {[*part]}", moving(world._replace(left=left - part), part), after


def moving(world: World, keys: Names) -> World:
    return world._replace(jobs=tuple(sorted((*world.jobs, *((key, TO_READ, 0) for key in keys)))))


def last_question(world: World, rules: Model) -> Iterator[Step]:
    """Ask both ends who they are."""
    if world.unnoticed and rules.asks_ends:
        after = rules.copy()
        after.end_replaced()
        yield "find another target", world._replace(unnoticed=False), after
    elif not world.tracking and rules.asks_ends:
        after = rules.copy()
        after.feed_lost()
        yield "find the feed gone", world._replace(feed=()), after
    elif rules.ends_are_the_same():
        yield PROVED, world, rules


class Explored(NamedTuple):
    states: int
    proofs: int
    # The way to a wrong proof, if there is one.
    wrong: list[str] | None


def explore(rules: Model, world: World) -> Explored:
    begin = (world, rules.key())
    came_from: dict[object, tuple[object, str]] = {begin: (None, "")}
    todo: list[tuple[World, Model]] = [(world, rules)]
    proofs = 0
    while todo:
        world, rules = todo.pop()
        known = rules.key()
        here = (world, known)
        following = [(name, after, rules) for name, after in by_itself(world, rules.stopped)]
        following += [*jobs(world, rules), *run(world, rules)]
        for name, after, then in following:
            if name == PROVED:
                proofs += 1
                if world.source != world.target:
                    return Explored(len(came_from), proofs, [*way(came_from, here), name])
                continue
            there = (after, known if then is rules else then.key())
            if there not in came_from:
                came_from[there] = (here, name)
                todo.append((after, then))
    return Explored(len(came_from), proofs, None)


def way(came_from: dict[object, tuple[object, str]], state: object) -> list[str]:
    steps: list[str] = []
    while state is not None:
        state, step = came_from[state]
        steps.append(step)
    return steps[-2::-1]


WORLDS = {
    "two writes": World(client_steps=2),
    "a write and an expiry": World(client_steps=1, expiry=True, settles=True),
    "a PING before the stop": World(client_steps=1, early_pings=1),
    "a write, and memory for no name": World(client_steps=1, names_fit=0),
    "a write after a drain that was given up": World(client_steps=1, resumes=1, settles=True),
    "a write and a lost feed": World(client_steps=1, faults=frozenset({FEED_CUT})),
    "a write and a restart of the target": World(client_steps=1, faults=frozenset({TARGET_RESTARTED})),
    "a write that does not take": World(client_steps=1, faults=frozenset({WRITE_REFUSED})),
    "a restart of the source": World(faults=frozenset({SOURCE_RESTARTED})),
}


def rules_for(rules: type[Model], world: World) -> Model:
    return rules([0], world.names_fit * (NAME_OVERHEAD + len(KEYS[0])))


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_what_is_proved_is_equal_in_whatever_order_things_happen(world: World) -> None:
    explored = explore(rules_for(Model, world), world)
    assert explored.wrong is None, " / ".join(explored.wrong or [])
    assert explored.proofs and explored.states > 1000


class OpensTheFeedAfterTheWalk(Model):
    def may_walk(self) -> bool:
        return True

    def walk_begins(self, database: int) -> None:
        self.walking.add(database)

    def feed_opened(self) -> None:
        self.feed_open = True


class ClearsNamesAfterTheMove(Model):
    def take(self) -> set[bytes]:
        self._begin()
        self.extra = frozenset(self.changed)
        return set(self.changed)

    def moved(self, different: object = ()) -> bool:
        self.changed -= self.extra
        self.extra = frozenset()
        return super().moved(different)  # type: ignore[arg-type]


class DoesNotCompare(Model):
    looks_again = False


class MovesOverlapAndDoNotCompare(DoesNotCompare):
    """A value that was read earlier is written later, and nobody notices."""

    def may_move(self) -> bool:
        return True

    def _begin(self) -> None:
        self.moving = True

    def walk_ended(self, database: int) -> bool:
        self.moving = False
        return super().walk_ended(database)


class DropsWhatDiffered(Model):
    def moved(self, different: object = ()) -> bool:
        return super().moved()


class BelievesThePong(Model):
    pongs_needed = 1


class BelievesTwoPongs(Model):
    pongs_needed = 2


class CountsPongsOfEarlierPings(Model):
    def asked(self) -> None:
        self._counts = True

    def writers_stopped(self) -> None:
        self.stopped = True


class ProvesWhileClientsWrite(Model):
    def writers_stopped(self) -> None: ...

    def asked(self) -> None:
        self._counts = True

    @property
    def all_changes_named(self) -> bool:
        return self.feed_open and self.pongs >= self.pongs_needed


class ExpectsOnlyExpiriesTooEarly(Model):
    @property
    def all_changes_named(self) -> bool:
        return self.stopped and self.feed_open and self.pongs >= 1

    @property
    def nothing_left(self) -> bool:
        return self.pongs >= self.pongs_needed and super().nothing_left


class KeepsTheWalkWhenNamesDoNotFit(Model):
    def _add(self, names: Collection[bytes]) -> bool:
        walking, walked = self.walking, self.walked
        fits = super()._add(names)
        if not fits:
            self.walking, self.walked = walking, walked
        return fits


class GoesOnToExpectOnlyExpiries(Model):
    def writers_resumed(self) -> None:
        self.stopped = False


class KeepsThePongsOfAnEarlierDrain(Model):
    def writers_stopped(self) -> None:
        self.stopped = True


class KeepsTheWalkWhenTheFeedIsLost(Model):
    def feed_lost(self) -> None:
        self.feed_open = False
        self.pongs = 0

    def feed_opened(self) -> None:
        self.feed_open = True


class EndsAWalkThatIsWorthNothing(Model):
    def walk_ended(self, database: int) -> bool:
        self.walked.add(database)
        return True


class IgnoresAnotherTarget(Model):
    def end_replaced(self) -> None: ...


class NeverAsksWhoTheEndsAre(Model):
    asks_ends = False


BROKEN = [
    (OpensTheFeedAfterTheWalk, "two writes"),
    (ClearsNamesAfterTheMove, "two writes"),
    (MovesOverlapAndDoNotCompare, "two writes"),
    (DoesNotCompare, "a write that does not take"),
    (DropsWhatDiffered, "a write that does not take"),
    (BelievesThePong, "two writes"),
    (BelievesTwoPongs, "two writes"),
    (CountsPongsOfEarlierPings, "a PING before the stop"),
    (ProvesWhileClientsWrite, "PINGs before the stop"),
    (ExpectsOnlyExpiriesTooEarly, "a write and an expiry"),
    (KeepsTheWalkWhenNamesDoNotFit, "a write, and memory for no name"),
    (GoesOnToExpectOnlyExpiries, "a write after a drain that was given up"),
    (KeepsThePongsOfAnEarlierDrain, "a write after a drain that was given up"),
    (KeepsTheWalkWhenTheFeedIsLost, "a write and a lost feed"),
    (EndsAWalkThatIsWorthNothing, "a write and a lost feed"),
    (IgnoresAnotherTarget, "a write and a restart of the target"),
    (NeverAsksWhoTheEndsAre, "a write and a restart of the target"),
    (NeverAsksWhoTheEndsAre, "a restart of the source"),
]


@pytest.mark.parametrize(("broken", "world"), BROKEN, ids=lambda it: it if isinstance(it, str) else it.__name__)
def test_rules_with_one_left_out_prove_what_is_not_equal(broken: type[Model], world: str) -> None:
    chosen = WORLDS.get(world, World(client_steps=1, early_pings=3))
    assert explore(rules_for(broken, chosen), chosen).wrong
