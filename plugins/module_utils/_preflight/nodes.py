# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check of one server, made at every primary of a cluster: one verdict for all of them."""

from __future__ import annotations

import typing as t

from .._errors import RedisMigrationError
from .finding import FAIL, OK, WARN, Verdict, failed
from .situation import Answered, Situation

_Look = t.Callable[[Situation, Answered], Verdict]


def at_every_node(look: _Look, situation: Situation, side: Answered) -> Verdict:
    """What ``look`` finds at each primary; the worst of it, with what the others add to that."""
    if len(side.nodes) < 2:
        return look(situation, side.nodes[0])
    verdicts = [_verdict(look, situation, node) for node in side.nodes]
    worst = next(status for status in (FAIL, WARN, OK) if status in {verdict.status for verdict in verdicts})
    told = [(node, verdict) for node, verdict in zip(side.nodes, verdicts) if verdict.status == worst]
    if worst == OK:
        return verdicts[0]._replace(message=f"{verdicts[0].message} ({len(verdicts)} primaries were asked.)")
    message = " ".join(dict.fromkeys(f"{node.endpoint.address}: {verdict.message}" for node, verdict in told))
    return Verdict(worst, message, " ".join(dict.fromkeys(verdict.next_step for _node, verdict in told)))


def _verdict(look: _Look, situation: Situation, node: Answered) -> Verdict:
    try:
        return look(situation, node)
    except RedisMigrationError as exc:
        return failed(exc)
