# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the options of redis_preflight_info and its result."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._keys.selection import parse_selection
from .._preflight.preflight import Report, preflight
from .._preflight.situation import Question
from .common import check_not_negative, source_shard


def question_of(params: t.Mapping[str, t.Any]) -> Question:
    """The question in a module's parameters. Raises :class:`RedisMigrationError`."""
    check_not_negative(params, "scan_seconds", "large_key_bytes")
    return Question(
        source=params["source"],
        target=params["target"],
        selection=parse_selection(params),
        strategy=params["strategy"],
        existing_keys=params["existing_keys"],
        prune=params["prune"],
        ignore=tuple(params["ignore"]),
        scan_seconds=params["scan_seconds"],
        large_key_bytes=params["large_key_bytes"],
        eviction_data=params["eviction_data"],
        functions=params["functions"],
        config_compare=params["config_compare"],
        live=params["live"],
        writers_stay=params["writers_stay"],
        shard=source_shard(params),
    )


def result_of(report: Report) -> dict[str, t.Any]:
    """The module's result."""
    return {
        "changed": False,
        "passed": report.passed,
        "summary": report.summary,
        "findings": [finding.as_dict() for finding in report.findings],
        "left_out": report.left_out,
        "plan": report.plan,
    }


def work(module: AnsibleModule) -> dict[str, t.Any]:
    return result_of(preflight(question_of(module.params)))
