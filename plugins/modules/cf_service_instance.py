#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates a Cloud Foundry service instance and waits until it is ready."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_service_instance
short_description: Create a Cloud Foundry service instance and wait until it is ready
version_added: 1.0.0
description:
  - Does what C(cf create-service --wait) does. A service instance of that name that is there already is waited for
    until it is ready, and left as it is.
  - It never deletes or changes a service instance.
author:
  - dataservices.redis_migration contributors (@dataservices)
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.cloud_foundry
attributes:
  check_mode:
    support: full
    details:
      - Offering and plan are looked up in check mode too.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  service_instance:
    description: The name of the service instance.
    type: str
    required: true
  offering:
    description: The name of the service offering, the first column of C(cf marketplace).
    type: str
    required: true
  plan:
    description: The name of the service plan.
    type: str
    required: true
  broker:
    description: The name of the service broker, where several have such an offering.
    type: str
  parameters:
    description: Parameters for the service broker.
    type: dict
  tags:
    description: Tags of the service instance.
    type: list
    elements: str
  state:
    description: The service instance must be there.
    type: str
    choices: [present]
    default: present
  wait_timeout:
    description: How many seconds to wait until the service instance is ready.
    type: int
    default: 3600
"""

EXAMPLES = r"""
- name: Create the target
  dataservices.redis_migration.cf_service_instance:
    organization: my-organization
    space: production
    service_instance: orders-redis7
    offering: a9s-redis7
    plan: redis-medium-replica
"""

RETURN = r"""
service_instance:
  description: The service instance; in check mode only its planned name, offering and plan when it is not there.
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
    wait_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.cf_service_instance import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    spec = cloud_foundry_spec() | wait_spec(3600)
    spec |= {
        "service_instance": {"type": "str", "required": True},
        "offering": {"type": "str", "required": True},
        "plan": {"type": "str", "required": True},
        "broker": {"type": "str"},
        "parameters": {"type": "dict"},
        "tags": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["present"], "default": "present"},
    }
    run(AnsibleModule(spec, supports_check_mode=True), work, needs_redis=False)


if __name__ == "__main__":
    main()
