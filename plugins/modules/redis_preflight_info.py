#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_preflight_info
short_description: Prove before a migration that it can succeed, and return its plan
version_added: 1.0.0
description:
  - Looks at both ends of a migration and returns every finding at once, each with what to do next, and the plan in
    numbers.
  - Never stops at the first problem. If an end does not answer, the checks that need it are left out, and
    RV(left_out) names them.
  - Writes nothing, at neither end. Permissions are asked with C(ACL DRYRUN) where possible, and else by queueing
    commands
    between C(MULTI) and C(DISCARD), which runs none of them.
  - Does not fail when a finding does; see RV(passed).
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
  - dataservices.redis_migration.source_target
  - dataservices.redis_migration.selection
  - dataservices.redis_migration.selection.names
  - dataservices.redis_migration.selection.rename
  - dataservices.redis_migration.parts.shard
options:
  types:
    description: Only keys of these types are meant. By default all.
    type: list
    elements: str
    choices: [string, list, set, zset, hash, stream, vectorset]
    default: []
  strategy:
    description: The strategy of the run; see M(dataservices.redis_migration.redis_migrate_keys).
    type: str
    choices: [auto, copy, migrate, rebuild]
    default: auto
  existing_keys:
    description: What happens to keys that the target holds; see M(dataservices.redis_migration.redis_migrate_keys).
    type: str
    choices: [update, replace, skip, fail]
    default: update
  prune:
    description: Whether the run deletes keys from the target that the source does not have.
    type: bool
    default: false
  ignore:
    description:
      - Names of findings that you accept. Where one fails, it becomes a warning that says so.
      - The names are C(source_reachable), C(target_reachable), C(source_certificate), C(target_certificate),
        C(source_sentinels), C(target_sentinels),
        C(source_version), C(target_version), C(source_mode), C(target_mode), C(source_role), C(target_role),
        C(source_state), C(target_state), C(target_writable), C(same_server), C(formats), C(databases),
        C(source_permissions), C(target_permissions), C(source_keys), C(other_runs), C(key_names), C(target_keys), C(large_keys),
        C(target_memory), C(target_eviction), C(modules), C(functions), C(settings), C(backend), C(clocks),
        C(source_clients), C(source_connections), C(target_connections), C(target_replicas), C(source_writes),
        C(target_writes) and C(change_feed).
    type: list
    elements: str
    default: []
  large_key_bytes:
    description: Keys above this size move in pieces; see M(dataservices.redis_migration.redis_migrate_keys).
    type: int
    default: 2097152
  eviction_data:
    description: Whether the run carries how keys were used; see M(dataservices.redis_migration.redis_migrate_keys).
    type: bool
    default: false
  functions:
    description:
      - What the run does with libraries of functions that the target has with other code; see the option C(existing)
        of M(dataservices.redis_migration.redis_functions). V(none) leaves all functions out.
    type: str
    choices: [update, skip, fail, none]
    default: update
  config_compare:
    description: Whether settings that change behaviour are compared. They are told, never changed.
    type: bool
    default: true
  live:
    description:
      - Whether the run follows the source while applications write; see M(dataservices.redis_migration.redis_live_sync).
        Then the source has to name each key that changes.
    type: bool
    default: false
  writers_stay:
    description:
      - With O(live), whether nothing in the run keeps applications from writing when the last changes are carried over.
        Then it is a warning if any are connected or write.
    type: bool
    default: false
  scan_seconds:
    description:
      - If the target holds keys, all of their names are looked up at the source, for so many seconds at most.
      - A look that had to be cut short is a warning.
    type: float
    default: 60.0
seealso:
  - module: dataservices.redis_migration.redis_migrate_keys
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Look before the leap
  dataservices.redis_migration.redis_preflight_info:
    source:
      url: "rediss://{{ vault_old }}@old.example.com:49620"
    target:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"
  register: preflight

- name: Show what is not well
  ansible.builtin.debug:
    msg: "{{ preflight.findings | rejectattr('status', 'equalto', 'ok') }}"

- name: Go on only if nothing fails
  ansible.builtin.assert:
    that: preflight.passed
    fail_msg: "{{ preflight.summary }}"

- name: Accept that the target has keys of its own
  dataservices.redis_migration.redis_preflight_info:
    source:
      url: "redis://{{ vault_old }}@old.example.com"
    target:
      url: "redis://{{ vault_new }}@new.example.com"
    ignore: [target_keys]
"""

RETURN = r"""
passed:
  description: Whether no finding fails and none had to be left out.
  returned: success
  type: bool
summary:
  description: One sentence on all of it.
  returned: success
  type: str
  sample: "34 checks: 1 failure (target_memory), 1 warning (source_clients)."
findings:
  description: Every check.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the check, as in O(ignore).
      type: str
    status:
      description: V(ok), V(warn) or V(fail).
      type: str
    message:
      description: What was found, in a sentence with numbers.
      type: str
    next_step:
      description: What to do about it; empty if V(ok).
      type: str
left_out:
  description: Names of the checks that could not be made because an end does not answer.
  returned: success
  type: list
  elements: str
plan:
  description: What the run would deal with; less of it if an end does not answer.
  returned: success
  type: dict
  contains:
    source:
      description:
        - C(address), C(product), C(role), C(keys), C(used_memory), C(maxmemory), C(round_trip_ms) and C(clients) of
          the source.
        - C(clients) are the applications that are connected, null where that may not be asked.
      type: dict
    target:
      description: The same of the target.
      type: dict
    strategy:
      description: The strategy that would be used.
      type: str
    strategy_reason:
      description: Why that one.
      type: str
    databases:
      description: Of every logical database C(source) and C(target) number, C(keys), C(expires) and C(target_keys).
      type: list
      elements: dict
    keys:
      description: Keys of the chosen databases at the source. Patterns and types may choose fewer.
      type: int
    expires:
      description: How many of them have an expiry time.
      type: int
    bytes:
      description: About how much memory they take at the source.
      type: int
    sample:
      description:
        - What some keys of each database, up to a thousand, show of all of them, as the sample of
          M(dataservices.redis_migration.redis_keyspace_info). Each of the C(keys) that were looked at stands for as many as
          its database has for each of them, so that all other numbers are estimates for C(stands_for) keys. Keys are named
          as people read them.
      type: dict
    functions:
      description:
        - Names of libraries of functions of the C(source), and those C(missing), C(different) and C(extra) at the
          target; C(source) is null where it does not tell, with C(refusal). Only where the source may have functions.
      type: dict
    settings:
      description: What M(dataservices.redis_migration.redis_config_compare_info) returns, with O(config_compare).
      type: dict
    target_names:
      description: >-
        If the target holds keys, how many were C(looked_at), are C(also_at_source) and C(only_at_target), and
        whether that is
        C(complete).
      type: dict
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import (
    rename_spec,
    selection_spec,
    shard_spec,
    source_target_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_preflight_info import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategies import AUTO, choices


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **source_target_spec(),
            **selection_spec(types=True),
            **rename_spec(),
            "strategy": {"type": "str", "choices": choices(), "default": AUTO},
            "existing_keys": {"type": "str", "choices": ["update", "replace", "skip", "fail"], "default": "update"},
            "prune": {"type": "bool", "default": False},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "large_key_bytes": {"type": "int", "default": 2 * 1024 * 1024, "no_log": False},
            "eviction_data": {"type": "bool", "default": False},
            "live": {"type": "bool", "default": False},
            "writers_stay": {"type": "bool", "default": False},
            "functions": {"type": "str", "choices": ["update", "skip", "fail", "none"], "default": "update"},
            "config_compare": {"type": "bool", "default": True},
            "scan_seconds": {"type": "float", "default": 60.0},
            **shard_spec(),
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
