#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops, starts, restarts or restages Cloud Foundry apps and waits until they run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_app
short_description: Stop, start, restart or restage Cloud Foundry apps
version_added: 1.0.0
description:
  - Does what C(cf stop), C(cf start), C(cf restart), C(cf restage) and C(cf restart --strategy rolling) do, for many
    apps at once, and waits until all their instances run.
  - When some of several apps fail, the others are done all the same, and the error has the recent state of every
    instance of those that failed.
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
    support: partial
    details:
      - With O(state=restarted), O(state=restaged) and O(state=rolling) something is done every time.
options:
  apps:
    description: Names or GUIDs of the apps. An app of another space is given by its GUID.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(started) and V(stopped) do nothing to an app that is so already, except for waiting for its instances.
      - V(restarted) stops and starts, so that an app sees its bindings as they are now.
      - V(rolling) does the same instance by instance, so that the app goes on answering; one that is stopped is
        started.
      - V(restaged) builds the app anew from its package first, for buildpacks that look at bindings.
    type: str
    choices: [started, stopped, restarted, restaged, rolling]
    default: started
  wait:
    description: Whether to wait until all instances of the apps run.
    type: bool
    default: true
  concurrency:
    description: How many apps to work on at the same time.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Stop the apps that were unbound
  dataservices.redis_migration.cf_app:
    apps: "{{ isolated.record | map(attribute='app_guid') }}"
    state: stopped

- name: Restart an app without an outage
  dataservices.redis_migration.cf_app:
    apps: [checkout]
    state: rolling
"""

RETURN = r"""
apps:
  description: The apps, as they are now (in check mode, as they would be).
  returned: success
  type: list
  elements: dict
  contains:
    guid:
      description: The GUID of the app.
      type: str
      returned: always
    name:
      description: Its name.
      type: str
      returned: always
    space_guid:
      description: The GUID of its space.
      type: str
      returned: always
    state:
      description: V(STARTED) or V(STOPPED).
      type: str
      returned: always
    changed:
      description: Whether something was done to it.
      type: bool
      returned: always
    processes:
      description:
        - Its processes that have instances, each with C(guid), C(type), C(wanted) (how many instances it is to have)
          and C(instances), which have C(index), C(state) and C(details).
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
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.cf_app import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    spec = cloud_foundry_spec() | wait_spec()
    spec |= {
        "apps": {"type": "list", "elements": "str", "required": True},
        "state": {
            "type": "str",
            "choices": ["started", "stopped", "restarted", "restaged", "rolling"],
            "default": "started",
        },
        "wait": {"type": "bool", "default": True},
        "concurrency": {"type": "int", "default": 8},
    }
    run(AnsibleModule(spec, supports_check_mode=True), work, needs_redis=False)


if __name__ == "__main__":
    main()
