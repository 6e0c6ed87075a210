#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads everything worth knowing about a Cloud Foundry service instance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_service_instance_info
short_description: Read plan, version, state, apps and keys of a Cloud Foundry service instance
version_added: 1.0.0
description:
  - Does what C(cf service) does.
author:
  - dataservices.redis_migration contributors (@dataservices)
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
  - dataservices.redis_migration.cloud_foundry
options:
  service_instance:
    description: The name (case-sensitive) or GUID of the service instance.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Look at the source
  dataservices.redis_migration.cf_service_instance_info:
    organization: my-organization
    space: production
    service_instance: orders-redis6
  register: source

- name: Show which apps use it
  ansible.builtin.debug:
    msg: "{{ source.service_instance.apps | map(attribute='app.name') }}"
"""

RETURN = r"""
service_instance:
  description: The service instance.
  returned: success
  type: dict
  contains:
    guid:
      description: Its GUID, which the STACKIT API calls C(cfGuid).
      type: str
      returned: always
    name:
      description: Its name.
      type: str
      returned: always
    type:
      description: V(managed) or V(user-provided).
      type: str
      returned: always
    organization:
      description: The name of the organization it belongs to; null when the login cannot see it.
      type: str
      returned: always
    space:
      description: The name of the space it belongs to; null when the login cannot see it.
      type: str
      returned: always
    space_guid:
      description: The GUID of that space.
      type: str
      returned: always
    offering:
      description: The name of the service offering; null for a user-provided service instance.
      type: str
      returned: always
    plan:
      description: The name of the service plan; null for a user-provided service instance.
      type: str
      returned: always
    plan_guid:
      description: The GUID of the service plan.
      type: str
      returned: always
    version:
      description: The version that the broker gives in its maintenance information, if it does.
      type: str
      returned: always
    upgrade_available:
      description: Whether the broker offers a newer version of it.
      type: bool
      returned: always
    broker_provided_metadata:
      description: Labels and attributes from the broker, if it gives any.
      type: dict
      returned: always
    dashboard_url:
      description: The address of its dashboard.
      type: str
      returned: always
    tags:
      description: Its tags.
      type: list
      elements: str
      returned: always
    last_operation:
      description: The last operation on it, with C(type), C(state) and C(description).
      type: dict
      returned: always
    apps:
      description:
        - The apps bound to it, as in RV(dataservices.redis_migration.cf_service_binding_info#module:bindings).
      type: list
      elements: dict
      returned: always
    keys:
      description: Its service keys, with C(guid), C(name) and C(state); no credentials.
      type: list
      elements: dict
      returned: always
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.argspec import (
    cloud_foundry_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.cf_service_instance_info import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    spec = cloud_foundry_spec()
    spec |= {"service_instance": {"type": "str", "required": True}}
    run(AnsibleModule(spec, supports_check_mode=True), work, needs_redis=False)


if __name__ == "__main__":
    main()
