#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_config_compare_info
short_description: Say which settings of two Redis make applications notice a difference
version_added: 1.0.0
description:
  - Compares settings that change how a server behaves, such as what happens when memory is full, which keyspace
    events are sent, the number of logical databases, persistence, limits on clients and on compact encodings. Nothing
    is changed.
  - A setting that was renamed (C(hash-max-ziplist-entries) is now C(hash-max-listpack-entries)) is compared under its
    name of today.
  - Many hosted services do not permit C(CONFIG GET). Then there is nothing to compare, which is told and is no failure.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
  - dataservices.redis_migration.source_target
seealso:
  - module: dataservices.redis_migration.redis_preflight_info
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Compare the settings
  dataservices.redis_migration.redis_config_compare_info:
    source:
      url: "rediss://{{ vault_old_user }}:{{ vault_old }}@old.example.com:49620"
    target:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"
  register: settings

- name: Show what differs
  ansible.builtin.debug:
    msg: "{{ item.setting }}: {{ item.source }} becomes {{ item.target }}. {{ item.meaning }}"
  loop: "{{ settings.differences }}"
"""

RETURN = r"""
comparable:
  description: Whether both servers let their user see their settings.
  returned: success
  type: bool
identical:
  description: Whether nothing differs; null when not RV(comparable).
  returned: success
  type: bool
differences:
  description: Settings that both servers know and that differ.
  returned: success
  type: list
  elements: dict
  contains:
    setting:
      description: Name of the setting.
      type: str
    source:
      description: Its value at the source.
      type: str
    target:
      description: Its value at the target.
      type: str
    meaning:
      description: What a difference means.
      type: str
refusals:
  description: Why the settings of an end cannot be seen, a sentence for each.
  returned: success
  type: list
  elements: str
only_at_source:
  description: Names of settings that only the source knows.
  returned: success
  type: list
  elements: str
only_at_target:
  description: Names of settings that only the target knows.
  returned: success
  type: list
  elements: str
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import source_target_spec
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_config_compare_info import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(argument_spec=source_target_spec(), supports_check_mode=True)
    run(module, work)


if __name__ == "__main__":
    main()
