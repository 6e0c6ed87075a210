# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of one end by itself. Each takes the situation and the side in question and gives a verdict."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..._connection.endpoint import Endpoint
from ..._connection.explain import reply_hint, reply_text
from ..._errors import ConnectError, RedisMigrationError
from ..._isolation.pause import is_paused
from ..._preflight_sample import sampled_sizes
from ..._server import dry_run
from ..._server.activity import Watcher, between
from ..._server.clients import foreign_clients
from ..._server.compatibility import can_restore
from ..._server.eligibility import mode_problem, target_role_problem
from ..._server.info import Server
from ..certificate import certificate_verdict
from ..finding import Verdict, fail, failed, listed, ok, plural, warn
from ..permissions import FALLBACK, REQUIRED, Need, needs
from ..situation import Side, Situation

# Below these a command that the engine uses does not exist (MEMORY USAGE; RESTORE with ABSTTL).
_OLDEST = {"source": (4, 0), "target": (5, 0)}

# A run opens a few connections; the applications need the rest.
_CONNECTIONS_NEEDED = 5
_CONNECTIONS_COMFORT = 20

_KEYS_ASKED = 10

# Whatever is rebuilt takes its place in a transaction.
_TRANSACTION = ("MULTI", "EXEC")

# How long writes are watched for at least.
_WATCHED_SECONDS = 0.5


def reachable(situation: Situation, side: Side) -> Verdict:
    if side.problem:
        return failed(side.problem)
    server = t.cast(Server, side.server)
    user = f" as user '{side.endpoint.user}'" if side.endpoint and side.endpoint.password else " without a password"
    return ok(f"The {side.endpoint} answers{user} in {side.round_trip_ms:.1f} ms: {server.product}.")


def certificate(situation: Situation, side: Side) -> Verdict:
    return certificate_verdict(t.cast(Endpoint, side.endpoint))


def mode(situation: Situation, side: Side) -> Verdict:
    server = t.cast(Server, side.server)
    problem = mode_problem(t.cast(Endpoint, side.endpoint), server)
    return failed(problem) if problem else ok(f"The {side.role} is a {server.mode} server.")


def version(situation: Situation, side: Side) -> Verdict:
    server = t.cast(Server, side.server)
    oldest = _OLDEST[side.role]
    if server.version_tuple < oldest:
        return fail(
            f"The {side.role} is {server.product}; {'.'.join(map(str, oldest))} is the oldest that can be a"
            f" {side.role}.",
            "Upgrade this server in place first.",
        )
    return ok(f"The {side.role} is {server.product}.")


def role(situation: Situation, side: Side) -> Verdict:
    server = t.cast(Server, side.server)
    if side.role == "target":
        problem = target_role_problem(t.cast(Endpoint, side.endpoint), server)
        return failed(problem) if problem else ok("The target is a primary.")
    if server.role == "master":
        return ok("The source is a primary.")
    if situation.strategy == "migrate":
        return fail(
            f"The {side.endpoint} is a replica, where MIGRATE is refused.",
            "Give the address of its primary, or use strategy 'copy'.",
        )
    link = side.info.get("master_link_status", "")
    if link != "up":
        return warn(
            f"The {side.endpoint} is a replica whose link to its primary is {link or 'unknown'}: its data may be old.",
            "Give the address of the primary, or wait until the link is up.",
        )
    return ok("The source is a replica in step with its primary: it can be read, and is spared at the primary.")


def state(situation: Situation, side: Side) -> Verdict:
    if side.number("loading"):
        return fail(
            f"The {side.endpoint} is still loading its data ({side.info.get('loading_loaded_perc', '?')} % done).",
            "Run again when it has finished.",
        )
    if (
        side.role == "source"
        and situation.strategy == "migrate"
        and is_paused(side.client, t.cast(Endpoint, side.endpoint))
    ):
        return fail(
            f"The writes of the {side.endpoint} are paused, and MIGRATE is a write: it would wait until the pause"
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


def connections(situation: Situation, side: Side) -> Verdict:
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


def permissions(situation: Situation, side: Side) -> Verdict:
    endpoint, server = t.cast(Endpoint, side.endpoint), t.cast(Server, side.server)
    # Which one 'auto' takes is not known while an end does not answer.
    strategy = "copy" if situation.strategy == "auto" else situation.strategy
    wanted = needs(side.role, server, strategy=strategy, prune=situation.question.prune)
    if _rebuilds(situation):
        wanted = [need._replace(level=REQUIRED) if need.command in _TRANSACTION else need for need in wanted]
    answers = dry_run.ask(side.client, endpoint, wanted, _some_keys(situation))
    who = f"User '{endpoint.user}' of the {side.role}"
    denied = [need for need in wanted if answers[need].permitted is False]
    unknown = [need for need in wanted if answers[need].permitted is None and need.level == REQUIRED]
    missing = [need for need in denied if need.level == REQUIRED]
    barred = [need for need in missing if "permissions to access" in answers[need].words]
    if barred and barred == missing:
        return fail(
            f"{who} may use the commands that are needed, but not for every key. The server's words to"
            f" {barred[0].command}: {answers[barred[0]].words}.",
            "Give this user all keys (~*), or choose the keys that it may use with 'match'.",
        )
    begin = next((need for need in denied if need.command == "MULTI" and unknown), None)
    if begin:
        purpose = (
            f"strategy '{strategy}'"
            if strategy == "rebuild"
            else "rebuilding keys (large ones, or what RESTORE refuses)"
        )
        return (fail if begin.level == REQUIRED else warn)(
            f"{who} may not use MULTI, which {purpose} needs together with EXEC. The server's words:"
            f" {answers[begin].words}. Without MULTI the other commands cannot be asked about.",
            "Give this user +multi +exec, then run the preflight again: it checks the other commands then.",
        )
    if missing:
        return fail(
            f"{who} may not use {plural(len(missing), 'command')} that strategy '{strategy}' or the comparison needs:"
            f" {_commands(missing)}. The server's words: {answers[missing[0]].words}.",
            f"Give this user {_rules(missing)} and the keys concerned, or use another user.",
        )
    if unknown:
        return warn(
            f"Whether {who[0].lower()}{who[1:]} may use {_commands(unknown)} cannot be asked:"
            f" {answers[unknown[0]].words}",
            "End the pause of writes (CLIENT UNPAUSE), then run the preflight again: it checks these commands then.",
        )
    fallback = [need for need in denied if need.level == FALLBACK]
    if fallback:
        return warn(
            f"{who} may not use {_commands(fallback)}, which large keys and keys that RESTORE refuses need.",
            f"Give this user {_rules(fallback)}, or see whether the run reports such keys as failed.",
        )
    count = len([need for need in wanted if need.level == REQUIRED])
    if denied:
        return ok(f"{who} may use all {count} commands that are needed; only helpful, and denied: {_commands(denied)}.")
    return ok(f"{who} may use all {count} commands that are needed.")


def _rebuilds(situation: Situation) -> bool:
    """Whether it is already known that some key will be rebuilt, whatever the strategy."""
    source, target, limit = situation.source.server, situation.target.server, situation.question.large_key_bytes
    if source is None or target is None or not situation.chosen_keys:
        return False
    if not can_restore(source, target):
        return True
    with contextlib.suppress(RedisMigrationError):
        return bool(limit) and any(size > limit for size, _database, _name in sampled_sizes(situation))
    return False


def _rules(denied: t.Sequence[Need]) -> str:
    return " ".join(need.acl_rule for need in denied)


def _commands(needed: t.Sequence[Need]) -> str:
    return listed([need.command for need in needed], 12)


def _some_keys(situation: Situation) -> list[bytes]:
    """Names that really occur, for users who may use some keys only."""
    source = situation.source
    names: list[bytes] = []
    if source.client is not None and not source.problem:
        try:
            names = list(source.client.scan(0, count=_KEYS_ASKED)[1])
        except RedisMigrationError:
            names = []
    chosen = situation.question.selection.chooser()
    wanted = [name for name in names if chosen is None or chosen(name)]
    return wanted[:_KEYS_ASKED] or [b"dataservices.redis_migration"]


def writable(situation: Situation, side: Side) -> Verdict:
    """The target's own word on whether it would take a write now; nothing is written."""
    endpoint = t.cast(Endpoint, side.endpoint)
    try:
        replies = dry_run.queue(endpoint, [("RESTORE", b"dataservices.redis_migration", "0", "x")])
    except dry_run.HeldBack as exc:
        return failed(exc)
    if isinstance(replies, str):
        return ok(
            "Whether the target takes writes now cannot be asked (MULTI is not permitted); its role and memory are"
            " checked."
        )
    (reply,) = replies
    if isinstance(reply, Exception) and not dry_run.denied(reply):
        text = reply_text(reply)
        return fail(
            f"The {endpoint} takes no writes now: {text}.", reply_hint(text, endpoint) or "See the server's words."
        )
    return ok("The target takes writes.")


def clients(situation: Situation, side: Side) -> Verdict:
    try:
        found = foreign_clients(side.client)
    except RedisMigrationError as exc:
        if isinstance(exc, ConnectError):
            raise
        used = side.number("connected_clients")
        return warn(
            f"Who is connected to the {side.role} cannot be asked (CLIENT LIST is not permitted); it counts"
            f" {plural(used, 'connection')}, of which at least one is this check's.",
            "Make sure by other means that no application writes to the source during the run.",
        )
    if not found:
        return ok(f"No application is connected to the {side.role}.")
    return warn(
        f"{plural(len(found), 'client')} of applications or people {'is' if len(found) == 1 else 'are'} connected to"
        " the"
        f" {side.role}: {listed([str(one) for one in found])}.",
        "Stop or unbind them before the run (the phase 'isolate' does), so that nothing is written meanwhile.",
    )


def replicas(situation: Situation, side: Side) -> Verdict:
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


def writes(situation: Situation, side: Side) -> Verdict:
    """Whether others write to the server, from its own statistics since this check began."""
    time.sleep(max(0.0, side.looked_at + _WATCHED_SECONDS - time.monotonic()))
    watched = time.monotonic() - side.looked_at
    seen = between(side.activity, t.cast(Watcher, side.watcher).look())
    next_step = "Stop the applications that write before the run (the phase 'isolate' waits until none does)."
    if seen.writes:
        return warn(
            f"{plural(seen.writes, 'write command')} reached the {side.role} within {watched:.1f} s.", next_step
        )
    if seen.changed:
        return warn(f"Data of the {side.role} changed within {watched:.1f} s.", next_step)
    if seen.writes is None:
        return ok(f"The data of the {side.role} did not change within {watched:.1f} s; writes cannot be counted.")
    return ok(f"No write reached the {side.role} within {watched:.1f} s.")
