# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of one end by itself. Each takes the situation and the side in question and gives a verdict."""

from __future__ import annotations

from ..._isolation.pause import is_paused
from ..._server.eligibility import mode_problem, target_role_problem
from ..certificate import certificate_verdict
from ..finding import Verdict, fail, failed, ok, plural, warn
from ..situation import Answered, Side, Situation, answered

# Below these a command that the engine uses does not exist (MEMORY USAGE; RESTORE with ABSTTL).
_OLDEST = {"source": (4, 0), "target": (5, 0)}

# A run opens a few connections; the applications need the rest.
_CONNECTIONS_NEEDED = 5
_CONNECTIONS_COMFORT = 20


def reachable(situation: Situation, side: Side) -> Verdict:
    if side.problem:
        return failed(side.problem)
    side = answered(side)
    user = f" as user '{side.endpoint.user}'" if side.endpoint.password else " without a password"
    return ok(f"The {side.endpoint} answers{user} in {side.round_trip_ms:.1f} ms: {side.server.product}.")


def certificate(situation: Situation, side: Side) -> Verdict:
    if side.endpoint is None:
        raise LookupError(f"the {side.role} has no endpoint")
    return certificate_verdict(side.endpoint)


def mode(situation: Situation, side: Answered) -> Verdict:
    topology = side.topology
    if topology is not None:
        count = f"The {side.role} is a Redis Cluster of {len(topology.primaries)} primaries"
        if topology.trouble and 1 not in topology.opened:
            return fail(topology.trouble, "See CLUSTER NODES there; every slot must be served by one primary.")
        if topology.trouble:
            return warn(
                f"{count}. {topology.trouble}",
                "A run waits while slots move. Have the resharding finished (redis-cli --cluster check HOST:PORT) before it.",
            )
        return ok(f"{count}, which serve all slots; none is being moved.")
    problem = mode_problem(side.endpoint, side.server)
    return failed(problem) if problem else ok(f"The {side.role} is a {side.server.mode} server.")


def version(situation: Situation, side: Answered) -> Verdict:
    server = side.server
    oldest = _OLDEST[side.role]
    if server.version_tuple < oldest:
        return fail(
            f"The {side.role} is {server.product}; {'.'.join(map(str, oldest))} is the oldest that can be a"
            f" {side.role}.",
            "Upgrade this server in place first.",
        )
    return ok(f"The {side.role} is {server.product}.")


def role(situation: Situation, side: Answered) -> Verdict:
    server = side.server
    if side.role == "target":
        problem = target_role_problem(side.endpoint, server)
        return failed(problem) if problem else ok("The target is a primary.")
    if server.role == "master" and side.endpoint.prefer_replica:
        return warn(
            f"The source has prefer_replica, but no replica is in touch with the primary, so {side.endpoint.address} is read,"
            " which is the primary.",
            "Have the replicas repaired, or leave out prefer_replica.",
        )
    if server.role == "master":
        return ok("The source is a primary.")
    write = situation.strategy.write_at_source()
    if write:
        return fail(
            f"The {side.endpoint} is a replica, where {write} is refused.",
            "Give the address of its primary, or use strategy 'copy'.",
        )
    link = side.info.get("master_link_status", "")
    if link != "up":
        return warn(
            f"The {side.endpoint} is a replica whose link to its primary is {link or 'unknown'}: its data may be old.",
            "Give the address of the primary, or wait until the link is up.",
        )
    if situation.question.live:
        return warn(
            f"The {side.endpoint} is a replica. A live run follows what it has received: what its primary acknowledged and has"
            " not sent on when the writers stop is not seen, and a pause of writes at a replica holds back nobody.",
            "Give the address of its primary.",
        )
    return ok("The source is a replica in step with its primary: it can be read, and is spared at the primary.")


def state(situation: Situation, side: Answered) -> Verdict:
    if side.number("loading"):
        return fail(
            f"The {side.endpoint} is still loading its data ({side.info.get('loading_loaded_perc', '?')} % done).",
            "Run again when it has finished.",
        )
    write = situation.strategy.write_at_source() if side.role == "source" else None
    if write and is_paused(side.client, side.endpoint):
        return fail(
            f"The writes of the {side.endpoint} are paused, and {write} is a write: it would wait until the pause"
            " ends.",
            "Use strategy 'copy', which reads only, or end the pause (redis_isolation with state 'released').",
        )
    saving = side.info.get("rdb_last_bgsave_status", "ok")
    appending = side.info.get("aof_last_write_status", "ok")
    if "err" in (saving, appending):
        what = "save its data" if saving == "err" else "append to its file"
        return (warn if side.role == "source" else fail)(
            f"The {side.endpoint} failed to {what} to its disk the last time.",
            "Have its disk looked at; a server with this trouble may refuse writes (MISCONF) and lose data with a"
            " restart.",
        )
    busy = [
        word
        for field, word in (
            ("rdb_bgsave_in_progress", "saves a snapshot"),
            ("aof_rewrite_in_progress", "rewrites its append-only file"),
        )
        if side.number(field)
    ]
    if busy:
        return ok(f"The {side.role} is up and {' and '.join(busy)} at the moment, which may slow it down.")
    return ok(f"The {side.role} is up and has no trouble with its data.")


def connections(situation: Situation, side: Answered) -> Verdict:
    limit = side.number("maxclients") or int(side.config("maxclients") or 0)
    used = side.number("connected_clients")
    if not limit:
        return ok(f"The {side.role} has {plural(used, 'client')} connected; its limit cannot be asked.")
    message = f"The {side.role} has {used} of at most {limit} clients connected"
    if limit - used < _CONNECTIONS_NEEDED:
        return fail(f"{message}; a run needs {_CONNECTIONS_NEEDED}.", "Close connections or raise maxclients.")
    if limit - used < _CONNECTIONS_COMFORT:
        return warn(
            f"{message}: few are left for a run and the applications.", "Close connections or raise maxclients."
        )
    return ok(f"{message}.")


def replicas(situation: Situation, side: Answered) -> Verdict:
    count = side.number("connected_slaves")
    if not count:
        return ok(f"The {side.role} has no replicas.")
    behind = [number for number in range(count) if "state=online" not in side.info.get(f"slave{number}", "")]
    if behind:
        return warn(
            f"{len(behind)} of the {side.role}'s {plural(count, 'replica')} {'is' if len(behind) == 1 else 'are'} not"
            " in step.",
            "Wait until the replication has caught up: what is moved goes to the replicas, too.",
        )
    return ok(f"The {side.role} has {plural(count, 'replica')} in step; they receive what is moved.")
