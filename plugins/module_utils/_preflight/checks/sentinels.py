# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the Sentinels that name an end: who answers, what they agree on, and whether they could fail over."""

from __future__ import annotations

from ..._connection.sentinel_survey import Said, survey
from ..finding import Verdict, fail, listed, ok, plural, warn
from ..situation import Side, Situation


def sentinels(situation: Situation, side: Side) -> Verdict:
    """What the Sentinels of an end say, in one finding."""
    endpoint = side.endpoint
    if endpoint is None:
        raise LookupError(f"the {side.role} has no endpoint")
    if endpoint.sentinel is None:
        return ok(f"The {side.role} is given by its address; no Sentinel is asked for it.")
    said = survey(endpoint)
    answers = [one for one in said if one.problem is None]
    silent = [one for one in said if one.problem is not None]
    if not answers:
        reasons = list(dict.fromkeys(str(one.problem) for one in silent))
        return fail(
            f"None of the {plural(len(said), 'Sentinel')} of the {side.role} names its primary.",
            " ".join(reasons) or "Give other Sentinels.",
        )
    if len({one.primary for one in answers}) > 1:
        named = "; ".join(f"{one.place} names {one.primary}" for one in answers)
        return warn(
            f"The Sentinels of the {side.role}'s service {endpoint.sentinel.service_name} disagree: {named}.",
            "A failover may be under way: run again in a while. If it stays so, they do not hear of each other, or several"
            " services have this name: list only those of one.",
        )
    message = (
        f"{_who(answers, said)} and name{'s' if len(answers) == 1 else ''} {answers[0].primary} as the primary of the"
        f" {side.role}'s service {endpoint.sentinel.service_name}{_quorum(answers)}."
    )
    if side.problem is None and endpoint.prefer_replica:
        message += f" Read is {endpoint.address}."
    obstacles = list(dict.fromkeys(one.obstacle for one in answers if one.obstacle))
    if silent or obstacles:
        told = [str(one.problem) for one in silent] + [f"There would be no failover now: {one}." for one in obstacles]
        return warn(
            f"{message} {' '.join(told)}",
            "The run needs one Sentinel that answers. Repair the others, or leave them out of 'hosts', so that a failover is"
            " noticed whatever happens.",
        )
    return ok(message)


def _who(answers: list[Said], said: list[Said]) -> str:
    verb = "answers" if len(answers) == 1 else "answer"
    return f"{len(answers)} of {plural(len(said), 'Sentinel')} ({listed([one.place for one in answers])}) {verb}"


def _quorum(answers: list[Said]) -> str:
    """The least that is told, as each counts those that it knows itself."""
    quorums = [one.quorum for one in answers if one.quorum is not None]
    known = [one.sentinels for one in answers if one.sentinels is not None]
    replicas = [one.replicas for one in answers if one.replicas is not None]
    if not quorums or not known or not replicas:
        return ""
    return f" with {plural(max(replicas), 'replica')} in touch; {max(quorums)} of {plural(max(known), 'Sentinel')} are its quorum"
