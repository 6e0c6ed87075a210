# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the target's memory: whether the source's data fits, and whether keys could be evicted."""

from __future__ import annotations

from ..._errors import CommandRefused
from ..._keys.slots import SLOTS, both
from ..._migrate.usage import obstacle
from ..finding import FAIL, Verdict, fail, human, ok, warn
from ..nodes import at_every_node
from ..situation import Answered, Situation, answered, both_servers

# Versions and allocators differ in what a key takes; so much more must be free for the run to be safe.
_HEADROOM = 0.25


def _missing_bytes(situation: Situation) -> int:
    """About how much memory the keys take that the target does not have yet."""
    chosen, keys = situation.chosen_bytes, situation.chosen_keys
    if not situation.names or not keys:
        return chosen
    return chosen * max(0, keys - situation.names.both) // keys


def target_memory(situation: Situation) -> Verdict:
    """Whether what is to be moved fits; of a cluster, into each of its primaries."""
    return at_every_node(_memory, situation, answered(situation.target))


def _share(situation: Situation, node: Answered) -> float:
    """Which part of the source's data goes to ``node``: keys with one hash tag make primaries hold more than others."""
    target, source = answered(situation.target), answered(situation.source)
    if target.topology is None:
        return 1.0
    at_target = target.topology.primaries[target.nodes.index(node)].slots
    if source.topology is None or situation.question.selection.renames:
        # Which keys come together there only their new names would tell.
        return at_target.count(1) / SLOTS
    parts = 0.0
    for primary, held in zip(source.topology.primaries, source.nodes):
        if primary.slots.count(1):
            parts += held.data_bytes * both(primary.slots, at_target).count(1) / primary.slots.count(1)
    return parts / source.data_bytes if source.data_bytes else 0.0


def _memory(situation: Situation, target: Answered) -> Verdict:
    needed = int(_missing_bytes(situation) * _share(situation, target))
    used = max(0, target.number("used_memory") - target.number("mem_not_counted_for_evict"))
    limit = target.number("maxmemory")
    what = f"About {human(needed)} of keys are to be moved"
    if not limit:
        total = target.number("total_system_memory")
        left = total - target.number("used_memory_rss", used)
        if total and needed > left:
            return warn(
                f"{what}; the target sets itself no limit, and the machine it runs on has about {human(left)} of"
                f" {human(total)} left.",
                "Make sure that the machine has the memory, and set maxmemory.",
            )
        return ok(f"{what}; the target sets itself no limit and uses {human(used)}.")
    free = limit - used
    numbers = (
        f"{what}; the target has {human(max(0, free))} free of {human(limit)} (maxmemory), {human(used)} being used"
    )
    if needed > free:
        return fail(
            f"{numbers}: {human(needed - free)} too little.",
            f"Use a larger plan or raise maxmemory to {human(used + needed * (1 + _HEADROOM))} or more, or move less.",
        )
    if needed * (1 + _HEADROOM) > free:
        return warn(
            f"{numbers}: it should just fit, with less than {_HEADROOM:.0%} to spare (keys may take more there than"
            " here).",
            "Use a larger plan or raise maxmemory to be safe.",
        )
    return ok(f"{numbers}.")


def target_eviction(situation: Situation) -> Verdict:
    """What the target evicts when it is full, and whether it will know what the source would have evicted."""
    verdict = _eviction(situation)
    if not situation.question.eviction_data or verdict.status == FAIL:
        return verdict
    problem = obstacle(situation.strategy, *both_servers(situation))
    if problem is None:
        return verdict if _reads_without_use(situation) else _verification_is_use(verdict)
    return warn(
        f"{verdict.message} But eviction_data cannot be carried: {problem}",
        "Set maxmemory-policy alike at both ends and use strategy 'copy', or do without eviction_data: all keys count as just"
        " used at the target then.",
    )


def _reads_without_use(situation: Situation) -> bool:
    if answered(situation.target).topology is not None:
        # NO-TOUCH can end Redis 8 there while slots move (see _pipeline.pipe).
        return False
    try:
        answered(situation.target).client.execute_command("CLIENT", "NO-TOUCH", "ON")
    except CommandRefused:
        return False
    return True


def _verification_is_use(verdict: Verdict) -> Verdict:
    return warn(
        f"{verdict.message} The target counts as a use of a key what a comparison reads (CLIENT NO-TOUCH is unknown there,"
        " denied, or not used as it is a cluster): verifying values undoes what eviction_data carries.",
        "Permit +client|no-touch if the target is Redis 7.2, Valkey or newer; else verify with redis_migration_verify_level"
        " metadata, or do without eviction_data.",
    )


def _eviction(situation: Situation) -> Verdict:
    source, target = both_servers(situation)
    policy = target.maxmemory_policy or "noeviction"
    if policy == "noeviction":
        return ok("The target evicts nothing when it is full (noeviction).")
    same = ", as does the source" if source.maxmemory_policy == policy else f"; the source: {source.maxmemory_policy}"
    if not target.maxmemory:
        return ok(f"The target would evict keys when full ({policy}{same}); it sets itself no limit, so it will not.")
    which = "keys that have an expiry time" if policy.startswith("volatile-") else "any keys"
    used = max(
        0,
        answered(situation.target).number("used_memory")
        - answered(situation.target).number("mem_not_counted_for_evict"),
    )
    message = f"The target evicts {which} when it is full ({policy}{same})"
    if _missing_bytes(situation) * (1 + _HEADROOM) > target.maxmemory - used:
        return fail(
            f"{message}, and its memory is tight: keys that were moved could disappear without a word.",
            "Give the target more memory, or set maxmemory-policy to noeviction for the time of the migration.",
        )
    return warn(
        f"{message}; there is enough memory now, but what is evicted later is gone without a word.",
        "Set maxmemory-policy to noeviction at least until the migration is verified.",
    )
