# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_ssh_tunnel does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._background.files import holder_of
from .._cloud_foundry.context import open_context, target_names
from .._cloud_foundry.login import LoginOptions
from .._cloud_foundry.lookup import find_apps
from .._connection.endpoint import parse_endpoint, refuse_sentinel
from .._tunnel.files import TunnelSpec
from .._tunnel.ssh import find_target
from .._tunnel.tunnel import Tunnel, local_endpoint


def work(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    endpoint = parse_endpoint(params["endpoint"], "endpoint")
    refuse_sentinel(endpoint)
    api_url, organization, space = target_names(params)
    spec = TunnelSpec(
        api_url=api_url,
        organization=organization or "",
        space=space or "",
        app=params["app"],
        process=params["process"],
        instance=params["instance"],
        host=endpoint.host,
        port=endpoint.port,
    )
    tunnel = Tunnel(spec, endpoint)
    holder = holder_of(params["owner"])
    if params["state"] == "absent":
        return {"changed": tunnel.would_close(holder) if module.check_mode else tunnel.close(holder)}
    state = tunnel.existing()
    changed = state is None
    if state is None or not module.check_mode:
        context = open_context(module)
        app = find_apps(context.session, context.place, [params["app"]])[0]
        if module.check_mode:
            find_target(context.session, app, spec.process, spec.instance, params["host_key_fingerprint"])
        else:
            options = {
                "fingerprint": params["host_key_fingerprint"],
                "local_port": params["local_port"],
                "max_lifetime": params["max_lifetime"],
            }
            login = LoginOptions.from_params(params)
            state, changed = tunnel.open(login, app.guid, options, context.deadline(), holder)
    result: dict[str, t.Any] = {"changed": changed, "endpoint": None}
    if state is not None:
        result |= {"endpoint": local_endpoint(endpoint, state.local_port), "reopened": state.reopened}
    return result
