#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_key_diff
short_description: Prove that two Redis hold the same keys, or say what differs
version_added: 1.0.0
description:
  - Looks at every key of every logical database from both sides, so that missing and extra keys are both found.
  - Compares data, not bytes. Different encodings or orders of equal data are no difference; streams are compared with
    their groups, consumers and pending entries, hash fields with their expiry times.
  - Writes nothing.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
  - dataservices.redis_migration.source_target
  - dataservices.redis_migration.selection
  - dataservices.redis_migration.selection.names
  - dataservices.redis_migration.selection.rename
  - dataservices.redis_migration.parts
  - dataservices.redis_migration.parts.shard
  - dataservices.redis_migration.slices
  - dataservices.redis_migration.progress
  - dataservices.redis_migration.latency
options:
  types:
    description: Only keys of these types. By default all.
    type: list
    elements: str
    choices: [string, list, set, zset, hash, stream, vectorset]
    default: []
  level:
    description:
      - V(keys) compares which keys there are, V(metadata) also types and expiry times, V(values) also values.
    type: str
    choices: [keys, metadata, values]
    default: values
  ttl_tolerance_ms:
    description: By how many milliseconds expiry times may differ.
    type: int
    default: 10
  max_differences:
    description: How many differences are listed one by one. All are counted.
    type: int
    default: 100
  timeout:
    description: Seconds to go on trying when a connection is lost.
    type: float
    default: 60.0
seealso:
  - module: dataservices.redis_migration.redis_migrate_keys
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Compare everything
  dataservices.redis_migration.redis_key_diff:
    source:
      url: "rediss://{{ vault_old }}@old.example.com:49620"
    target:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"
  register: comparison
  failed_when: not comparison.identical
"""

RETURN = r"""
identical:
  description: Whether no key differs.
  returned: when RV(finished)
  type: bool
databases:
  description: By number at the source, the same counts as RV(totals), and C(target_database).
  returned: always
  type: dict
totals:
  description: Counts of all databases together.
  returned: always
  type: dict
  contains:
    source_keys:
      description: Keys looked at at the source.
      type: int
    target_keys:
      description: Keys looked at at the target.
      type: int
    missing:
      description: Keys that are only at the source.
      type: int
    extra:
      description: Keys that are only at the target.
      type: int
    different:
      description: Keys whose type, value or expiry time differ.
      type: int
differences:
  description: The first O(max_differences) differences.
  returned: always
  type: list
  elements: dict
  contains:
    database:
      description: Number of the logical database at the source.
      type: int
    key:
      description: The key's name as redis-cli prints it; of V(extra) ones that at the target.
      type: str
    key_base64:
      description: The key's name, exact.
      type: str
    kind:
      description: V(missing), V(extra), V(type), V(ttl) or V(value).
      type: str
    type:
      description: The key's type, if known.
      type: str
    detail:
      description: What differs, without showing values.
      type: str
differences_not_listed:
  description:
    - How many more there are. At most O(max_differences) are listed, and of those with names above 1 KiB so many as have 2 MiB of
      names together.
  returned: always
  type: int
servers:
  description:
    - What C(source) and C(target) say of themselves after the comparison, as
      M(dataservices.redis_migration.redis_keyspace_info) returns it.
  returned: when RV(finished)
  type: dict
functions:
  description: Libraries of functions, by name. They are no keys, so RV(identical) does not speak of them.
  returned: when RV(finished)
  type: dict
  contains:
    source:
      description: All of the source; null where the source does not tell.
      type: list
      elements: str
    missing:
      description: Those that the target does not have.
      type: list
      elements: str
    different:
      description: Those that the target has with other code.
      type: list
      elements: str
    extra:
      description: Those that only the target has; looked for where the source has any.
      type: list
      elements: str
    refusal:
      description: Why they cannot be compared, if they cannot.
      type: str
clock_difference_ms:
  description:
    - By how much the target's clock is ahead of the source's, as measured when the run began; negative where it is behind.
    - Beyond a second a warning says so, and expiries are compared by one clock.
  returned: always
  type: int
source_latency_ms:
  description:
    - What another client of the source had to wait behind other commands until its own was carried out, as measured a hundred
      times a second by a connection of its own; in milliseconds. Null where there was no time for a look.
  returned: always
  type: dict
  contains:
    p50:
      description: Half of the waits were not longer, to about 15 %.
      type: float
    p99:
      description: Of a hundred waits 99 were not longer, to about 15 %.
      type: float
    max:
      description: The longest.
      type: float
    looks:
      description: How many were measured.
      type: int
  sample: {"p50": 0.3, "p99": 3.1, "max": 4.8, "looks": 512}
elapsed_seconds:
  description: How long it took.
  returned: always
  type: float
keys_per_second:
  description: Keys of the source compared per second.
  returned: always
  type: float
finished:
  description: Whether all was compared; false only with O(slice_seconds).
  returned: always
  type: bool
step:
  description: What the slice was doing when its time was over.
  returned: when RV(finished) is false
  type: str
  sample: comparing
resume:
  description: For the next slice.
  returned: when RV(finished) is false
  type: str
parts:
  description:
    - Where an end is a Redis Cluster, what came of each pair of primaries, as C(source) and C(target) (host and port when it
      began), C(slots), C(seconds), C(finished), and the counters of RV(totals).
  returned: when an end is a cluster
  type: list
  elements: dict
progress_over_time:
  description:
    - How far it had come at some moments, each as a list of seconds since the beginning, keys of the source
      compared until then, and two zeros.
    - At most some hundred of them, however long it takes.
  returned: success
  type: list
  elements: list
  sample: [[0.25, 21000, 0, 0.0], [0.5, 43000, 0, 0.0]]
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import (
    latency_spec,
    parts_spec,
    rename_spec,
    selection_spec,
    slice_spec,
    source_target_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_key_diff import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **source_target_spec(),
            **selection_spec(types=True),
            **rename_spec(),
            **parts_spec(),
            **slice_spec(),
            "level": {"type": "str", "choices": ["keys", "metadata", "values"], "default": "values"},
            "ttl_tolerance_ms": {"type": "int", "default": 10},
            "max_differences": {"type": "int", "default": 100},
            **latency_spec(),
            "timeout": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
