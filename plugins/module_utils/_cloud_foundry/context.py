# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every Cloud Foundry module does around its own work: log in, look up the place, tell errors as sentences."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule

from .._errors import printable
from .._waiting import Deadline
from .cli_config import CliConfig
from .discovery import normal_api_url
from .login import LoginOptions, api_url_of, connect
from .lookup import find_place, find_service_instance
from .resources import Place, ServiceInstance
from .session import CloudFoundrySession


@dataclass(frozen=True)
class Context:
    """A session, and the organization and space that names belong to."""

    session: CloudFoundrySession
    place: Place
    timeout: float

    def deadline(self) -> Deadline:
        return Deadline(self.timeout)

    def service_instance(self, name: str) -> ServiceInstance:
        return find_service_instance(self.session, self.place, name)


def target_names(params: t.Mapping[str, t.Any]) -> tuple[str, str | None, str | None]:
    """API address, organization and space as given, or as the cf command line is targeted. Asks nobody."""
    options = LoginOptions.from_params(params)
    config = CliConfig(options.cf_home)
    api_url = api_url_of(options, config)
    organization = params.get("organization") or None
    space = params.get("space") or None
    if config.target and normal_api_url(config.target) == api_url:
        targeted = config.targeted("Organization") or None
        if not organization:
            organization = targeted
        if not space and organization == targeted:
            space = config.targeted("Space") or None
    return api_url, organization, space


def open_context(module: AnsibleModule) -> Context:
    _api_url, organization, space = target_names(module.params)
    session = connect(LoginOptions.from_params(module.params), lambda text: module.warn(printable(text)))
    place = find_place(session, organization, space)
    return Context(session, place, float(module.params.get("wait_timeout") or 0))
