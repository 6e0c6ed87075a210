# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what goes on at an end: who is connected, who writes, and whether it takes writes."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..._connection.connect import client
from ..._connection.endpoint import refuse_replica
from ..._connection.explain import reply_hint, reply_text
from ..._errors import ConnectError, RedisMigrationError
from ..._keys.slots import TAGS
from ..._live.feed import try_feed
from ..._server import dry_run
from ..._server.activity import between
from ..._server.clients import other_clients
from ..finding import Verdict, fail, failed, listed, ok, plural, warn
from ..situation import Answered, Situation

# How long writes are watched for at least.
_WATCHED_SECONDS = 0.5

# A live run that nobody is stopped for.
_STAY = "This run keeps nobody away from it; what is written after the last look is missing at the target."
_STAY_STEP = (
    "Set isolate to pause or wait, or stop the applications yourself before the last changes; cutover_gate waits for"
    " that."
)


def writable(situation: Situation, side: Answered) -> Verdict:
    """The target's own word on whether it would take a write now; nothing is written."""
    endpoint = side.endpoint
    name = b"dataservices.redis_migration"
    if endpoint.shard is not None:
        # A key that this node serves.
        name = b"{%b}%b" % (TAGS[endpoint.shard.slots.find(1)], name)
    try:
        replies = dry_run.queue(endpoint, [("RESTORE", name, "0", "x")])
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
            f"The {endpoint} takes no writes now: {text}.",
            reply_hint(text, endpoint) or "The server's log may say more.",
        )
    return ok("The target takes writes.")


def clients(situation: Situation, side: Answered) -> Verdict:
    try:
        with contextlib.ExitStack() as stack:
            found = other_clients(_where_clients_write(side, stack))
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
    connected = (
        f"{plural(len(found), 'client')} of applications or people {'is' if len(found) == 1 else 'are'} connected to"
        f" the {side.role}: {listed([str(one) for one in found])}."
    )
    if situation.question.live and situation.question.writers_stay:
        return warn(f"{connected} {_STAY}", _STAY_STEP)
    if situation.question.live:
        return ok(f"{connected} They may be, until the run stops them.")
    return warn(
        connected,
        "Stop or unbind them before the run (the phase 'isolate' does), so that nothing is written meanwhile.",
    )


def _where_clients_write(side: Answered, stack: contextlib.ExitStack) -> t.Any:
    """A client of the primary, also where a replica is read."""
    if not side.endpoint.prefer_replica:
        return side.client
    return stack.enter_context(client(side.endpoint.at_primary()))


def writes(situation: Situation, side: Answered) -> Verdict:
    """Whether others write to the server, from its own statistics since this check began."""
    time.sleep(max(0.0, side.looked_at + _WATCHED_SECONDS - time.monotonic()))
    watched = time.monotonic() - side.looked_at
    seen = between(side.activity, side.watcher.look())
    next_step = "Stop the applications that write before the run (the phase 'isolate' waits until none does)."
    if situation.question.live and (seen.writes or seen.changed):
        if situation.question.writers_stay:
            return warn(f"Applications write to the {side.role}. {_STAY}", _STAY_STEP)
        return ok(f"Applications write to the {side.role}, as they may until the run stops them.")
    if seen.writes:
        return warn(
            f"{plural(seen.writes, 'write command')} reached the {side.role} within {watched:.1f} s.", next_step
        )
    if seen.changed:
        return warn(f"Data of the {side.role} changed within {watched:.1f} s.", next_step)
    if seen.writes is None:
        return ok(f"The data of the {side.role} did not change within {watched:.1f} s; writes cannot be counted.")
    return ok(f"No write reached the {side.role} within {watched:.1f} s.")


def target_writes(situation: Situation, side: Answered) -> Verdict:
    """Whether applications are there already: a run that follows would undo what they write."""
    if not situation.question.live:
        return ok(f"Only a run that follows the source minds who writes to the {side.role}.")
    # Changes alone may be keys that expire.
    if between(side.activity, side.watcher.look()).writes:
        return fail(
            f"Somebody else writes to the {side.role}. What the source does not have would be undone there.",
            f"If applications were moved there already, there is nothing left to migrate; otherwise see who uses the {side.role}.",
        )
    return ok(f"Nobody else was seen to write to the {side.role}.")


def change_feed(situation: Situation, side: Answered) -> Verdict:
    """Whether a run that follows the source learns of changes there."""
    if not situation.question.live:
        return ok(f"The run does not follow the {side.role} while applications write, so no feed of changes is needed.")
    refuse_replica(side.endpoint, "a source is followed at its primary, where applications write")
    try_feed(side.endpoint)
    if side.server.identity.replacements is None:
        return warn(
            f"The {side.role} names each key that changes (CLIENT TRACKING), but does not count its commands (INFO commandstats),"
            " so databases that change their numbers (SWAPDB) go unnoticed. All keys are compared once more while the"
            " applications stand still.",
            "Permit INFO commandstats, or reckon with a stop that grows with the data.",
        )
    return ok(f"The {side.role} names each key that changes (CLIENT TRACKING), so that it can be followed.")
