# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_app does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cloud_foundry.apps import Apps
from .._cloud_foundry.concurrently import for_each
from .._cloud_foundry.context import Context, open_context
from .._cloud_foundry.lookup import find_apps
from .._cloud_foundry.resources import App


def work(module: AnsibleModule) -> dict[str, t.Any]:
    context = open_context(module)
    apps = find_apps(context.session, context.place, module.params["apps"])
    wish = module.params["state"]
    outcome = for_each(apps, lambda app: _bring(module, context, app), module.params["concurrency"])
    outcome.raise_errors(f"{len(outcome.results)} of {len(apps)} apps are {'restarted' if wish == 'rolling' else wish}")
    return {
        "changed": any(result["changed"] for result in outcome.results),
        "apps": outcome.results,
        "diff": {
            "before": {app.name: app.state for app in apps},
            "after": {
                result["name"]: f"{result['state']}, again" if _again(result, wish) else result["state"]
                for result in outcome.results
            },
        },
    }


def _again(result: dict[str, t.Any], wish: str) -> bool:
    return result["changed"] and wish not in ("started", "stopped")


def _bring(module: AnsibleModule, context: Context, app: App) -> dict[str, t.Any]:
    apps = Apps(context.session, context.deadline(), wait=module.params["wait"])
    if module.check_mode:
        return apps.foreseen(app, module.params["state"])
    return apps.bring(app, module.params["state"])
