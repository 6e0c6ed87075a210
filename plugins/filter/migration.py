# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that turn results into sentences and findings."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._endpoint_address import endpoint_address
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import last_words
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.sentences import (
    backup_lines,
    migration_summary,
    plan_lines,
    restore_summary,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verification import (
    findings_failure,
    findings_lines,
    verification_findings,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._strategies import write_at_source


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "backup_lines": backup_lines,
            "restore_summary": restore_summary,
            "endpoint_address": endpoint_address,
            "last_words": last_words,
            "migration_summary": migration_summary,
            "plan_lines": plan_lines,
            "verification_findings": verification_findings,
            "findings_lines": findings_lines,
            "findings_failure": findings_failure,
            "write_at_source": write_at_source,
        }
