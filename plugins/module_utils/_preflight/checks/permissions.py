# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check that a user may run every command that the migration needs."""

from __future__ import annotations

import contextlib
import typing as t

from ..._connection.replies import is_unknown_command
from ..._errors import RedisMigrationError
from ..._pipeline.usage import kept_by
from ..._server import dry_run
from ..._server.compatibility import can_restore
from ..._server.dry_run import FALLBACK, REQUIRED, UNKNOWN, Need
from ..._server.info import Server
from ..finding import Verdict, fail, listed, ok, plural, warn
from ..permissions import needs
from ..situation import Answered, Situation, sampled_sizes

_KEYS_ASKED = 10

# Whatever is rebuilt takes its place in a transaction.
_TRANSACTION = ("MULTI", "EXEC")


def permissions(situation: Situation, side: Answered) -> Verdict:
    endpoint, server = side.endpoint, side.server
    strategy = situation.strategy.name
    wanted = needs(
        side.role,
        server,
        strategy=strategy,
        prune=situation.question.prune,
        usage=_usage(situation, server),
        # Who accepts that there is no feed does without the permission for it.
        live=situation.question.live and "change_feed" not in situation.question.ignore,
    )
    if _rebuilds(situation):
        wanted = [need._replace(level=REQUIRED) if need.command in _TRANSACTION else need for need in wanted]
    answers = dry_run.ask(side.client, endpoint, wanted, _some_keys(situation))
    who = f"User '{endpoint.user}' of the {side.role}"
    denied = [need for need in wanted if answers[need].permitted is False]
    unknown = [need for need in wanted if answers[need].permitted is None and need.level == REQUIRED]
    missing = [need for need in denied if need.level == REQUIRED]
    barred = [need for need in missing if "permissions to access" in answers[need].error]
    if barred and barred == missing:
        return fail(
            f"{who} may use the commands that are needed, but not for every key. The server says to"
            f" {barred[0].command}: {answers[barred[0]].error}.",
            "Give this user all keys (~*), or choose the keys that it may use with 'match'.",
        )
    absent = [need for need in missing if is_unknown_command(answers[need].error) or answers[need].error == UNKNOWN]
    if absent:
        return fail(
            f"The {side.role} does not know {_commands(absent)}, which the run needs.",
            "No permission helps: the command is renamed or disabled there, or the product has none. Use another strategy"
            " or server.",
        )
    begin = next((need for need in denied if need.command == "MULTI" and unknown), None)
    if begin:
        purpose = (
            "rebuilding keys (large ones, or what RESTORE refuses)"
            if situation.strategy.sends_payloads
            else f"strategy '{strategy}'"
        )
        return (fail if begin.level == REQUIRED else warn)(
            f"{who} may not use MULTI, which {purpose} needs together with EXEC. The server says:"
            f" {answers[begin].error}. Without MULTI the other commands cannot be asked about.",
            "Give this user +multi +exec, then run the preflight again: it checks the other commands then.",
        )
    if missing:
        return fail(
            f"{who} may not use {plural(len(missing), 'command')} that strategy '{strategy}' or the comparison needs:"
            f" {_commands(missing)}. The server says: {answers[missing[0]].error}.",
            f"Give this user {_rules(missing)} and the keys concerned, or use another user.",
        )
    if unknown:
        return warn(
            f"Whether {who[0].lower()}{who[1:]} may use {_commands(unknown)} cannot be asked:"
            f" {answers[unknown[0]].error}",
            "End the pause of writes (CLIENT UNPAUSE), then run the preflight again: it checks these commands then.",
        )
    fallback = [need for need in denied if need.level == FALLBACK]
    if fallback:
        return warn(
            f"{who} may not use {_commands(fallback)}, which large keys and keys that RESTORE refuses need.",
            f"Give this user {_rules(fallback)}, or see whether the run reports such keys as failed.",
        )
    count = len([need for need in wanted if need.level == REQUIRED])
    # What a server does not have at all nobody can permit.
    helpful = [need for need in denied if answers[need].error != UNKNOWN]
    if helpful:
        return ok(
            f"{who} may use all {count} commands that are needed; only helpful, and denied: {_commands(helpful)}."
        )
    return ok(f"{who} may use all {count} commands that are needed.")


def _usage(situation: Situation, server: Server) -> bytes | None:
    """What of the use of keys the run reads."""
    carries = situation.question.eviction_data and situation.strategy.carries_usage
    return kept_by(server) if carries else None


def _rebuilds(situation: Situation) -> bool:
    """Whether it is already known that some key will be rebuilt, whatever the strategy."""
    source, target, limit = situation.source, situation.target, situation.question.large_key_bytes
    if not (isinstance(source, Answered) and isinstance(target, Answered)) or not situation.chosen_keys:
        return False
    if not can_restore(source.server, target.server):
        return True
    with contextlib.suppress(RedisMigrationError):
        return bool(limit) and any(one.size > limit for one in sampled_sizes(situation))
    return False


def _rules(denied: t.Sequence[Need]) -> str:
    return " ".join(need.acl_rule for need in denied)


def _commands(needed: t.Sequence[Need]) -> str:
    return listed([need.command for need in needed], 12)


def _some_keys(situation: Situation) -> list[bytes]:
    """Names that really occur, for users who may use some keys only."""
    source = situation.source
    names: list[bytes] = []
    if isinstance(source, Answered):
        try:
            names = list(source.client.scan(0, count=_KEYS_ASKED)[1])
        except RedisMigrationError:
            names = []
    chosen = situation.question.selection.chooser()
    wanted = [name for name in names if chosen is None or chosen(name)]
    return wanted[:_KEYS_ASKED] or [b"dataservices.redis_migration"]
