# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the roles: what to do with the variables and results of a migration, and what to say about them."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._endpoint_address import endpoint_address
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis import analysis_lines
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import failure_sentence
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.live import (
    live_comparison,
    live_summary,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.rollback import turned_round
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.sentences import (
    backup_lines,
    migration_summary,
    plan_lines,
    restore_summary,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verification import (
    findings_lines,
    verification_findings,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.apps import (
    apps_left_on_target,
    apps_moved_there,
    apps_not_bound,
    apps_that_ran,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.ends import (
    migration_ends,
    service_key_endpoints,
    with_backend,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.failures import failure_messages
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.inventory import migrations_pattern
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.machine import machine_findings
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.phases import migration_phases
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.steps import steps
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.tunnels import (
    through_tunnels,
    tunnel_addresses,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.workers import migration_worker
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._strategies import write_at_source


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "analysis_lines": analysis_lines,
            "backup_lines": backup_lines,
            "restore_summary": restore_summary,
            "endpoint_address": endpoint_address,
            "failure_sentence": failure_sentence,
            "live_comparison": live_comparison,
            "live_summary": live_summary,
            "migration_summary": migration_summary,
            "plan_lines": plan_lines,
            "verification_findings": verification_findings,
            "findings_lines": findings_lines,
            "write_at_source": write_at_source,
            "apps_left_on_target": apps_left_on_target,
            "apps_moved_there": apps_moved_there,
            "apps_not_bound": apps_not_bound,
            "apps_that_ran": apps_that_ran,
            "failure_messages": failure_messages,
            "machine_findings": machine_findings,
            "migration_ends": migration_ends,
            "migration_phases": migration_phases,
            "migration_worker": migration_worker,
            "migrations_pattern": migrations_pattern,
            "service_key_endpoints": service_key_endpoints,
            "steps": steps,
            "through_tunnels": through_tunnels,
            "tunnel_addresses": tunnel_addresses,
            "turned_round": turned_round,
            "with_backend": with_backend,
        }
