#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_functions
short_description: Bring the functions of one Redis to another
version_added: 1.0.0
description:
  - Copies libraries of functions (scripts for C(FCALL), in Redis 7 and newer and in Valkey) from one server to another.
    They are data of the server but lie outside of its logical databases, so that moving all keys does not move them.
  - Scripts for C(EVAL) and C(EVALSHA) are no data. A server keeps them as a cache that nobody can list, and
    applications send them again.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.source_target
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the code of each library that is written or deleted.
  idempotent:
    support: full
options:
  existing:
    description:
      - What happens to a library that the target has with other code. V(update) replaces it, V(skip) leaves it, V(fail)
        ends the module before anything is written.
    type: str
    choices: [update, skip, fail]
    default: update
  prune:
    description: Whether to delete libraries of the target that the source does not have.
    type: bool
    default: false
notes:
  - The name of a function is unique in a whole server. Where a library to be written registers one that another library
    of the target has, the module fails before anything is written, in check mode too.
  - The users need the commands C(INFO), C(TIME) and C(FUNCTION LIST), at the target also C(FUNCTION LOAD) and, with
    O(prune), C(FUNCTION DELETE).
seealso:
  - module: dataservices.redis_migration.redis_migrate_keys
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Move the functions
  dataservices.redis_migration.redis_functions:
    source:
      url: "rediss://{{ vault_old_user }}:{{ vault_old }}@old.example.com:49620"
    target:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"
"""

RETURN = r"""
libraries:
  description: Names of libraries by what became of them, or would become of them in check mode.
  returned: always
  type: dict
  contains:
    loaded:
      description: New at the target.
      type: list
      elements: str
    replaced:
      description: Were there with other code.
      type: list
      elements: str
    unchanged:
      description: Were there with the same code.
      type: list
      elements: str
    skipped:
      description: Were there with other code and were left.
      type: list
      elements: str
    deleted:
      description: Were there, and are not at the source.
      type: list
      elements: str
    failed:
      description: Were refused by the target, each with C(library) and C(reason).
      type: list
      elements: dict
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import source_target_spec
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_functions import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **source_target_spec(),
            "existing": {"type": "str", "choices": ["update", "skip", "fail"], "default": "update"},
            "prune": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
