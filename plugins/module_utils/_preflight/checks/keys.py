# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the keys: how many there are at the source, whose those at the target are, which are large."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._cluster.rounds import NO_OTHER_NAMES
from ..._connection.endpoint import Endpoint
from ..._keys.name import printable
from ..._keys.selection import Selection
from ..._keys.slots import ALL_SLOTS, both
from ..._migrate.names import check_names
from ..._server.eligibility import prune_problem
from ..._server.info import Server
from ..finding import Verdict, fail, failed, human, listed, ok, plural, warn
from ..situation import Answered, Situation, both_endpoints, both_servers, both_sides, sampled_sizes
from ..target_names import NamesFound, compare_names

_SWAPPED = "Are the two ends swapped?"


def source_keys(situation: Situation) -> Verdict:
    source, target = both_servers(situation)
    if situation.question.prune:
        problem = prune_problem(*both_endpoints(situation), source, target)
        if problem:
            return failed(problem)
    keys = situation.chosen_keys
    if not keys:
        step = "Check that this is the source you mean and that 'databases' is right."
        return warn(
            f"The source holds no keys in the chosen databases (and {source.keys} in all).",
            f"{_SWAPPED} {step}" if target.keys and not source.keys else step,
        )
    expires = "an unknown number" if situation.chosen_expires is None else situation.chosen_expires
    return ok(
        f"The source holds {plural(keys, 'key')}, {expires} of them with an expiry time, in"
        f" {plural(len([here for here, _there in situation.pairs if here in source.databases]), 'database')};"
        f" about {human(situation.chosen_bytes)} of memory."
    )


def target_keys(situation: Situation) -> Verdict:
    source, target = both_servers(situation)
    question = situation.question
    places = {there for _here, there in situation.pairs}
    held = sum(target.databases[there].keys for there in places if there in target.databases)
    if not held:
        situation.names = None
        return ok("The target holds no keys in the databases of the run.")
    names = NamesFound()
    begun = time.monotonic()
    round_trip_ms = sum(side.round_trip_ms for side in both_sides(situation))
    for one, other, selection in _parts(situation):
        left = max(0.0, question.scan_seconds - (time.monotonic() - begun))
        names.add(compare_names(one, other, situation.pairs, selection, seconds=left, round_trip_ms=round_trip_ms))
    situation.names = names
    looked = (
        "" if names.complete else f" (only {names.looked} of {held} could be looked at in {question.scan_seconds:g} s)"
    )
    if names.extra and not question.prune:
        return fail(
            f"The target holds {plural(names.extra, 'key')} that the source does not have{looked}, such as"
            f" {listed(names.examples)}.",
            f"{_SWAPPED} The source is empty. If they are not, empty the target or ignore this finding to keep its keys."
            if not source.keys
            else "Check that this is the target you mean. Empty it, set prune (in the playbooks"
            " redis_migration_prune) to delete exactly these keys, or ignore this finding to keep them."
            + (
                " An earlier run that followed and did not end leaves such keys, where the source has deleted them since."
                if question.live
                else ""
            ),
        )
    if names.extra:
        return warn(
            f"prune will delete {plural(names.extra, 'key')} of the target that the source does not have{looked}, such"
            " as"
            f" {listed(names.examples)}.",
            "Check that these may go; redis_migrate_keys in check and diff mode lists them.",
        )
    if question.existing_keys == "fail" and names.both:
        return fail(
            f"{plural(names.both, 'key')} of the target bear names of keys of the source{looked}, and existing_keys is"
            " 'fail'.",
            "Empty the target, or set existing_keys to 'update'.",
        )
    if not names.complete:
        return warn(
            f"The keys of the target are, as far as looked at, keys of an earlier run{looked}.",
            "Raise scan_seconds to have all of them looked at.",
        )
    if question.existing_keys == "skip" and names.both:
        return warn(
            f"{plural(names.both, 'key')} of the target bear names of keys of the source and stay as they are, because"
            " existing_keys is 'skip'.",
            "Set existing_keys to 'update' to have those that differ written anew.",
        )
    if not names.looked:
        return ok(f"The target holds {plural(held, 'key')}, none of which the run concerns.")
    anew = "All of them are" if question.existing_keys == "replace" else "What differs is"
    return ok(
        f"The target holds {plural(names.both, 'key')}, all of which the source has: this continues an earlier run."
        f" {anew} written anew."
    )


_Node = tuple[Endpoint, Server]


def _parts(situation: Situation) -> t.Iterator[tuple[_Node, _Node, Selection]]:
    """Both ends, or of clusters each pair of primaries that serve the same slots, and which keys are meant there."""
    source, target = both_sides(situation)
    for here, mine in _slots(source):
        for there, its in _slots(target):
            slots = both(mine, its)
            if 1 in slots:
                selection = situation.question.selection
                if slots != ALL_SLOTS:
                    selection = dataclasses.replace(selection, slots=slots)
                yield (here.endpoint, here.server), (there.endpoint, there.server), selection


def _slots(side: Answered) -> list[tuple[Answered, bytes]]:
    if side.topology is None:
        return [(side, ALL_SLOTS)]
    return [(node, primary.slots) for node, primary in zip(side.nodes, side.topology.primaries)]


def key_names(situation: Situation) -> Verdict:
    """Whether two keys would get one name; the run looks once more before it writes."""
    question, (source, _target) = situation.question, both_servers(situation)
    if not question.selection.renames:
        return ok("Keys keep their names.")
    if any(side.topology for side in both_sides(situation)):
        return fail(*NO_OTHER_NAMES)
    seconds = question.scan_seconds
    complete = check_names(
        both_endpoints(situation)[0],
        source,
        question.selection,
        situation.pairs,
        seconds=seconds,
        round_trip_us=both_sides(situation)[0].round_trip_ms * 1000,
    )
    if not complete:
        return ok(
            f"In {seconds:g} s no two keys were found that would get one name at the target. The run looks at all of them"
            " before it writes."
        )
    return ok("No two keys get one name at the target.")


def large_keys(situation: Situation) -> Verdict:
    sizes = sampled_sizes(situation)
    if not sizes:
        return ok("There are no keys to be large.")
    size, database, name = max(sizes)[:3]
    largest = f"takes {human(size)}: '{printable(name)}' in database {database}"
    limit = situation.question.large_key_bytes
    large = len([one for one in sizes if limit and one.size > limit])
    pieces = f"; {large} above {human(limit)} (large_key_bytes) will move in pieces" if large else ""
    return ok(f"The largest of {plural(len(sizes), 'sampled key')} {largest}{pieces}.")
