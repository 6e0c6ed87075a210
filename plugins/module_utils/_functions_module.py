# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module redis_functions does with its parameters."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._functions import (
    Outcome,
    read_libraries,
    write_libraries,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keyname import printable
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import warn_unverified


def run_module(module: t.Any) -> t.NoReturn:
    """Do what the module's parameters say, and exit."""
    params = module.params
    outcome = Outcome()
    try:
        source, target = parse_endpoint(params["source"], "source"), parse_endpoint(params["target"], "target")
        warn_unverified(module, source, target)
        outcome = write_libraries(
            target,
            read_libraries(source),
            existing=params["existing"],
            prune=params["prune"],
            check_mode=module.check_mode,
        )
        if outcome.failed:
            name, reason = outcome.failed[0]
            raise RedisMigrationError(
                f"{len(outcome.failed)} libraries were refused, first '{printable(name)}': {reason}"
            )
    except RedisMigrationError as exc:
        module.fail_json(msg=str(exc), changed=outcome.changed, libraries=outcome.as_dict())
    module.exit_json(changed=outcome.changed, libraries=outcome.as_dict())
