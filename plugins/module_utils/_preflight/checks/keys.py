# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the keys: how many there are at the source, whose those at the target are, which are large."""

from __future__ import annotations

import dataclasses
import time

from ..._cluster.names import check_all_names
from ..._cluster.topology import between
from ..._keys.name import printable
from ..._keys.region import EVERYTHING
from ..._server.eligibility import prune_problem
from ..finding import Verdict, fail, failed, human, listed, ok, plural, warn
from ..situation import Situation, both_endpoints, both_servers, both_sides, sampled_sizes
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
    names = _compared(situation, question.scan_seconds)
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


def _compared(situation: Situation, seconds: float) -> NamesFound:
    """Names of the target in about ``seconds``; of clusters by each pair of primaries that keys go between."""
    deadline = time.monotonic() + seconds
    (source, target), selection = both_sides(situation), situation.question.selection
    found = NamesFound()
    for here, there, region in between(EVERYTHING, source.layout, target.layout, renamed=selection.renames):
        some = dataclasses.replace(selection, region=None if region.is_everything else region)
        found.add(
            compare_names(
                (source.layout.node(here), here.server),
                (target.layout.node(there), there.server),
                situation.pairs,
                some,
                seconds=max(0.0, deadline - time.monotonic()),
                round_trip_ms=source.round_trip_ms + target.round_trip_ms,
                others=source.layout.others(here.slots),
            )
        )
    return found


def key_names(situation: Situation) -> Verdict:
    """Whether two keys would get one name; the run looks once more before it writes."""
    question, source = situation.question, both_sides(situation)[0]
    if not question.selection.renames:
        return ok("Keys keep their names.")
    seconds = question.scan_seconds
    complete = check_all_names(
        source.layout,
        question.selection,
        situation.pairs,
        seconds=seconds,
        round_trip_us=source.round_trip_ms * 1000,
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
