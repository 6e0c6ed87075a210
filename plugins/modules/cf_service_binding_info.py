#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads which apps are bound to a Cloud Foundry service instance, and the record of those unbound from it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_service_binding_info
short_description: Read which apps are bound to a Cloud Foundry service instance, and which were unbound
version_added: 1.0.0
description:
  - Lists the apps that are bound to a service instance, in every space that it is shared into.
  - Reads the record that M(dataservices.redis_migration.cf_service_binding) keeps of the apps it unbound.
author:
  - dataservices.redis_migration contributors (@dataservices)
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
  - dataservices.redis_migration.cloud_foundry
  - dataservices.redis_migration.cloud_foundry.wait
options:
  service_instance:
    description: The name (case-sensitive) or GUID of the service instance.
    type: str
    required: true
  wait:
    description:
      - Whether to wait, at most O(wait_timeout), until no operation on a binding is in progress. What does not end by
        then is told as it is.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See what a rollback would bind again
  dataservices.redis_migration.cf_service_binding_info:
    service_instance: orders-redis6
  register: source

- name: Show it
  ansible.builtin.debug:
    msg: "{{ source.record | map(attribute='app_name') }}"
"""

RETURN = r"""
bindings:
  description: The bindings of apps.
  returned: success
  type: list
  elements: dict
  contains:
    guid:
      description: The GUID of the binding.
      type: str
      returned: always
    name:
      description: The name of the binding, often empty.
      type: str
      returned: always
    app:
      description: The app, with C(guid), C(name), C(state), C(space_guid) and C(space_name).
      type: dict
      returned: always
    operation:
      description: The last operation on the binding, V(create) or V(delete).
      type: str
      returned: always
    state:
      description: Its state, V(succeeded), V(failed) or V(in progress).
      type: str
      returned: always
apps:
  description: The names of the bound apps.
  returned: success
  type: list
  elements: str
record:
  description: The apps that were unbound with a record that was not cleared since.
  returned: success
  type: list
  elements: dict
  contains:
    app_guid:
      description: The GUID of the app.
      type: str
      returned: always
    app_name:
      description: Its name when it was unbound.
      type: str
      returned: always
    app_state:
      description: V(STARTED) or V(STOPPED), as it was before anything was done to it.
      type: str
      returned: always
    space_guid:
      description: The GUID of its space.
      type: str
      returned: always
    space_name:
      description: The name of its space, empty when the login could not see it.
      type: str
      returned: always
    binding_name:
      description: The name of the binding, often empty.
      type: str
      returned: always
    parameters:
      description: The parameters it was bound with; null when there were none, or they are not known.
      type: dict
      returned: always
    parameters_unreadable:
      description: Whether it is not known if there were parameters, since the broker does not give them back.
      type: bool
      returned: always
    binding_guid:
      description: The GUID that the binding had.
      type: str
      returned: always
    bound_to_target:
      description: Whether it was bound to RV(moved_to) already before it was moved there, and so stays bound.
      type: bool
      returned: always
app_guids:
  description: The GUIDs of the recorded apps that are there.
  returned: success
  type: list
  elements: str
moved_to:
  description:
    - The GUID of the service instance that the recorded apps were bound to since; null when they were not.
  returned: success
  type: str
service_instance:
  description: The service instance.
  returned: success
  type: dict
  contains:
    guid:
      description: Its GUID.
      type: str
      returned: always
    name:
      description: Its name.
      type: str
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
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.cf_service_binding_info import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    spec = cloud_foundry_spec() | wait_spec()
    spec |= {
        "service_instance": {"type": "str", "required": True},
        "wait": {"type": "bool", "default": False},
    }
    run(AnsibleModule(spec, supports_check_mode=True), work, needs_redis=False)


if __name__ == "__main__":
    main()
