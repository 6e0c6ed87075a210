#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binds apps to a Cloud Foundry service instance, or unbinds them with a record that lets them be bound again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_service_binding
short_description: Bind apps to a Cloud Foundry service instance, or unbind them
version_added: 1.0.0
description:
  - Does what C(cf bind-service) and C(cf unbind-service) do for one, several or all apps of a service instance, apps
    of other spaces that it is shared into included.
  - With O(record=true) what is unbound is first recorded on the service instance itself, as annotations, so that it
    can be bound again from any other machine at any later time, to this or to another service instance.
  - An app only sees the change once it is restarted, and an app that is unbound can go on using what it knows until
    then. Restart or stop it with M(dataservices.redis_migration.cf_app).
  - When some of several apps fail, the others are done all the same, and the error names those that failed.
  - With O(state=absent) and O(record=true), operations on the bindings that are in progress are waited for first.
    When one of them does not end within O(wait_timeout), nothing is recorded or unbound.
  - What is left of a binding that failed to be made is cleared away. No app has used it, so it is not recorded.
  - An app that was bound several times to one service instance is bound as often again.
author:
  - dataservices.redis_migration contributors (@dataservices)
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.cloud_foundry
  - dataservices.redis_migration.cloud_foundry.wait
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  service_instance:
    description: The name (case-sensitive) or GUID of the service instance to bind to or unbind from.
    type: str
    required: true
  state:
    description: Whether the apps must be bound.
    type: str
    choices: [present, absent]
    default: present
  apps:
    description:
      - Names or GUIDs of the apps.
      - With O(state=absent), when neither this nor O(bindings) is given, all apps that are bound.
      - With O(state=present) and O(record=true), when it is not given, all apps of the record.
    type: list
    elements: str
  exclude:
    description:
      - Names or GUIDs of apps that stay bound with O(state=absent), when all the others are unbound.
    type: list
    elements: str
  bindings:
    description:
      - Apps together with how they are to be bound. They count in addition to O(apps), and what they say wins over
        what is recorded.
    type: list
    elements: dict
    suboptions:
      app:
        description: The name or GUID of the app.
        type: str
        required: true
      name:
        description: The name of the binding, which some apps look for.
        type: str
      parameters:
        description: Parameters for the service broker.
        type: dict
  record:
    description:
      - With O(state=absent), record the bindings on the service instance before the first of them is taken away.
        What an earlier run recorded is kept.
      - With O(state=present), bind with the names and parameters that are recorded.
    type: bool
    default: false
  record_instance:
    description:
      - The name or GUID of the service instance that has the record, where it is not O(service_instance) - to bind to
        the target what was unbound from the source. That this was done is noted there as well, until the apps are
        bound to it again, and to the other one no more.
    type: str
  record_parameters:
    description:
      - Whether O(record) includes the parameters of the bindings, as far as the broker gives them back.
      - Everyone who can see the service instance can read the record, so set this to V(false) where parameters are
        secret, and give them with O(bindings) when the apps are bound again.
    type: bool
    default: true
  clear_record:
    description: With O(state=present), delete the record once all the apps are bound.
    type: bool
    default: false
  concurrency:
    description: How many apps to bind or unbind at the same time.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Unbind every app from the source, with a record of what was bound
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis6
    state: absent
    record: true

- name: Bind the recorded apps to the target
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis7
    record: true
    record_instance: orders-redis6

- name: Put every app back as it was
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis6
    record: true

- name: Bind an app with parameters
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis7
    bindings:
      - app: checkout
        name: cache
        parameters: {role: writer}
"""

RETURN = r"""
bindings:
  description: The bindings that were made or taken away (in check mode, that would be).
  returned: success
  type: list
  elements: dict
  contains:
    guid:
      description: The GUID of the binding; null when it was only just asked for.
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
  description: The names of these apps.
  returned: success
  type: list
  elements: str
record:
  description:
    - What is recorded on the service instance, as in
      RV(dataservices.redis_migration.cf_service_binding_info#module:record).
  returned: with O(record=true)
  type: list
  elements: dict
app_guids:
  description: The GUIDs of the recorded apps that are there.
  returned: with O(record=true)
  type: list
  elements: str
missing_apps:
  description: The names of recorded apps that are not there any more, or that the login cannot see.
  returned: with O(record=true) and O(state=present)
  type: list
  elements: str
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
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.cf_service_binding import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    spec = cloud_foundry_spec() | wait_spec()
    spec |= {
        "service_instance": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "apps": {"type": "list", "elements": "str"},
        "exclude": {"type": "list", "elements": "str"},
        "bindings": {
            "type": "list",
            "elements": "dict",
            "options": {
                "app": {"type": "str", "required": True},
                "name": {"type": "str"},
                "parameters": {"type": "dict"},
            },
        },
        "record": {"type": "bool", "default": False},
        "record_instance": {"type": "str"},
        "record_parameters": {"type": "bool", "default": True},
        "clear_record": {"type": "bool", "default": False},
        "concurrency": {"type": "int", "default": 8},
    }
    run(AnsibleModule(spec, supports_check_mode=True), work, needs_redis=False)


if __name__ == "__main__":
    main()
