#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# More than 350 lines, of which 300 are what ansible-doc shows.

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_migrate_keys
short_description: Copy the keys of one Redis to another
version_added: 1.0.0
description:
  - Copies every key of every logical database, or a choice of them, with values, types and expiry times.
  - Never writes to the source. A key counts as moved only once the target has acknowledged that very key.
  - Run again, it moves only what is missing or different at the target, and changes nothing if all is equal.
  - In check mode it reads everything, writes nothing, and returns the numbers that a real run would.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.source_target
  - dataservices.redis_migration.selection
  - dataservices.redis_migration.selection.names
  - dataservices.redis_migration.selection.rename
  - dataservices.redis_migration.parts
  - dataservices.redis_migration.parts.shard
  - dataservices.redis_migration.slices
  - dataservices.redis_migration.progress
  - dataservices.redis_migration.latency
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  types:
    description: Only keys of these types. By default all.
    type: list
    elements: str
    choices: [string, list, set, zset, hash, stream, vectorset]
    default: []
  strategy:
    description:
      - How keys are moved.
      - V(copy) reads with DUMP and writes with RESTORE through the machine that runs this module. Works everywhere.
      - V(migrate) lets the source send keys to the target itself (MIGRATE with COPY), for when this machine is far from both.
        Needs a O(target.backend) that the source can reach, and confirms every key at the target.
      - V(rebuild) reads and writes with ordinary commands in chunks, for targets that do not understand the source's payloads.
        The others use it for single keys too; see O(large_key_bytes) and RV(totals.rebuilt).
      - V(auto) picks by evidence and says in RV(strategy_reason) why.
    type: str
    choices: [auto, copy, migrate, rebuild]
    default: auto
  existing_keys:
    description:
      - What happens to a key that the target already holds.
      - V(update) overwrites it where type, value or expiry differ.
      - V(replace) overwrites it always, V(skip) leaves it, V(fail) reports it as failed (and moves the others).
    type: str
    choices: [update, replace, skip, fail]
    default: update
  prune:
    description: Whether to delete keys from the target that the source does not have (among those that the options select).
    type: bool
    default: false
  prune_limit:
    description:
      - Which share of its keys the source may lose while the module runs, other than by expiry, before the module refuses to
        prune. The default is a tenth; ten keys may be lost in any case. V(1) means no limit.
      - Before anything is pruned the source must be what it was when the run began. Where it was restarted meanwhile, or got
        other data, no key may be missing.
      - Nothing is pruned that would leave the target with fewer keys without an expiry than the source counts (INFO). That is
        not checked with a selection of keys.
      - Also without O(prune) the module fails if the source is flushed, restarted or replaced during the run and loses more.
    type: float
    default: 0.1
  max_keys_per_second:
    description: Limit on keys moved per second. V(0) means none.
    type: int
    default: 0
  max_bytes_per_second:
    description: Limit on bytes moved per second, as RV(totals.bytes) counts them. V(0) means none.
    type: int
    default: 0
  max_failures:
    description: How many keys may fail before the module fails. Others are moved in any case.
    type: int
    default: 0
  ttl_tolerance_ms:
    description:
      - By how many milliseconds expiry times may differ before V(existing_keys=update) writes the key again.
      - Servers before 7.0 can only be asked for remaining times, which may err by a few milliseconds.
    type: int
    default: 10
  large_key_bytes:
    description:
      - Keys that take more memory than this at the source are moved in pieces with ordinary commands, whatever the O(strategy).
        Reading such a key in one go would keep the source from its other clients, and above 512 MB it cannot be done.
      - V(0) means that no key is. Keys that the target refuses to read are moved in pieces in any case.
      - Such a key is built at the target as C(__redis_migration_tmp:...), which lives for 10 minutes unless it is prolonged,
        and appears under its own name only complete. What a killed run leaves is deleted by the next one.
      - The user of the target needs access to these names.
    type: int
    default: 2097152
  eviction_data:
    description:
      - Whether the target gets to know how long each key was not used, where both ends evict by LRU or not at all, or how
        often it is used, where both evict by LFU (C(maxmemory-policy)). Otherwise all keys count as just used there, and
        a target that evicts does so by chance until its applications have used theirs.
      - It costs one command more for each key at the source, and strings travel by C(DUMP) and C(RESTORE) like all others,
        which is slower for small ones.
      - Only O(strategy=copy) can do it, so V(auto) does not take C(MIGRATE) then. Where the policies do not match, with another
        strategy, and for keys that are moved in pieces, it is not done and a warning says so.
      - Keys that the target holds already and that are not written again are left as they are.
    type: bool
    default: false
  timeout:
    description: Seconds to go on trying when a connection is lost or a server is busy loading, failing over or the like.
    type: float
    default: 60.0
notes:
  - A key that is moved in pieces arrives as it was at one moment, or is reported. The source's own WATCH proves that nobody
    wrote to it between the first piece and the last; where WATCH is not permitted or its connection was lost, the whole key is
    compared before it appears. What WATCH does not see are changes to the pending entries of a stream; the numbers of
    groups, consumers and pending entries are compared instead.
  - A key that changes while it is read is begun anew, twice, and then reported as failed. Another run moves it.
seealso:
  - module: dataservices.redis_migration.redis_key_diff
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Move everything
  dataservices.redis_migration.redis_migrate_keys:
    source:
      url: "rediss://{{ vault_old }}@old.example.com:49620"
    target:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"

- name: Move the sessions of database 0 to database 3, at most 5000 a second
  dataservices.redis_migration.redis_migrate_keys:
    source:
      url: "redis://{{ vault_old }}@old.example.com"
    target:
      url: "redis://{{ vault_new }}@new.example.com"
    databases: [0]
    database_map: {"0": 3}
    match: ["session:*"]
    max_keys_per_second: 5000

- name: Join databases 0 and 1 in a Redis that has only one, and give some keys another prefix
  dataservices.redis_migration.redis_migrate_keys:
    source:
      url: "redis://{{ vault_old }}@old.example.com"
    target:
      url: "redis://{{ vault_user }}:{{ vault_new }}@new.example.com"
    database_map: {"1": 0}
    database_prefix: {"1": "db1:"}
    rename: {"old:": "new:"}

- name: Read from a replica of what Sentinels watch, and follow both ends through a failover
  dataservices.redis_migration.redis_migrate_keys:
    source:
      sentinel:
        service_name: mymaster
        hosts: [s1.example.com, s2.example.com, s3.example.com]
        password: "{{ vault_sentinel }}"
      password: "{{ vault_old }}"
      prefer_replica: true
    target:
      sentinel: {service_name: orders, hosts: [t1.example.com, t2.example.com]}
      password: "{{ vault_new }}"

- name: Let the source send the keys itself
  dataservices.redis_migration.redis_migrate_keys:
    source:
      url: "rediss://{{ vault_old }}@red140220-master-1.data.eu01.onstackit.cloud:49620"
    target:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@red297348-master-1.data.eu01.onstackit.cloud:49621"
      backend:
        host: red297348-master.service.dc1.a9ssvc
        port: 6379
    strategy: migrate
"""

RETURN = r"""
strategy:
  description: The strategy that was used.
  returned: always
  type: str
  sample: copy
strategy_reason:
  description: Why that one.
  returned: always
  type: str
databases:
  description: By number at the source, the same counters as RV(totals), and C(target_database), where its keys went.
  returned: always
  type: dict
totals:
  description: Counters of all databases together.
  returned: always
  type: dict
  contains:
    scanned:
      description: Keys of the source that were looked at; the sum of the following ones but for C(pruned), C(rebuilt) and C(bytes).
      type: int
    copied:
      description: Keys that the target did not have.
      type: int
    updated:
      description: Keys that the target had with another value, type or expiry time.
      type: int
    unchanged:
      description: Keys that are equal at the target and were not written.
      type: int
    skipped:
      description: Keys left as they are at the target, because of V(existing_keys=skip).
      type: int
    vanished:
      description: Keys that expired or were deleted at the source before they could be moved.
      type: int
    pruned:
      description: Keys deleted at the target.
      type: int
    failed:
      description: Keys that could not be moved; see RV(failures).
      type: int
    rebuilt:
      description: Those of C(copied) and C(updated) that were moved with ordinary commands and not as one payload.
      type: int
    bytes:
      description: Bytes of the moved keys' payloads; with V(strategy=migrate) or rebuilt, of their memory at the source.
      type: int
failures:
  description: Keys that could not be moved, the first 1000 of them.
  returned: always
  type: list
  elements: dict
  contains:
    database:
      description: Number of the logical database at the source.
      type: int
    key:
      description: The key's name at the source as redis-cli prints it.
      type: str
    key_base64:
      description: The key's name, exact.
      type: str
    type:
      description: The key's type, if known.
      type: str
    reason:
      description: The server's error.
      type: str
    hint:
      description: What to do next.
      type: str
failures_not_listed:
  description:
    - How many more there are. At most 1000 are listed, and of those with names above 1 KiB so many as have 2 MiB of
      names together.
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
  description: Keys looked at per second.
  returned: always
  type: float
bytes_per_second:
  description: Bytes moved per second.
  returned: always
  type: float
in_doubt:
  description:
    - How many keys had been sent to the target when the run failed and were not answered. They are in no counter; the
      next run finds out.
  returned: always
  type: int
reconnects:
  description: How many times a connection was lost and opened again.
  returned: always
  type: int
restarts:
  description:
    - How many times an end was another server than before, or its data was replaced, after which all keys were looked at
      anew.
  returned: always
  type: int
clock_difference_ms:
  description:
    - By how much the target's clock is ahead of the source's, as measured when the run began; negative where it is behind.
    - Beyond a second a warning says so, and expiries are carried by the target's clock, so that each key ends when the source
      would have ended it.
  returned: always
  type: int
source_writes:
  description:
    - Write commands that the source received during the run from others, those that changed nothing included.
    - Null where that cannot be told, because the user may not use COMMAND or the statistics were reset.
  returned: always
  type: int
drift:
  description:
    - Whether data of the source was changed by others during the run. Expired keys are no such change.
    - Then M(dataservices.redis_migration.redis_key_diff) names what is not up to date at the target, and another run repairs it.
  returned: always
  type: bool
eviction_data:
  description:
    - What of the use of keys was carried with O(eviction_data), V(idletime) or V(freq); empty if nothing was.
  returned: always
  type: str
  sample: ""
finished:
  description: Whether all is done; false only with O(slice_seconds).
  returned: always
  type: bool
step:
  description: What the slice was doing when its time was over.
  returned: when RV(finished) is false
  type: str
  sample: moving
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
    - How far it had come at some moments, each as a list of seconds since the beginning, keys looked at until then, bytes
      moved, and for how many milliseconds one batch has kept the source busy, at most, since the moment before.
    - At most some hundred of them, however long it takes.
  returned: success
  type: list
  elements: list
  sample: [[0.25, 21000, 2100000, 1.62], [0.5, 43000, 4300000, 1.71]]
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
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_migrate_keys import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategies import AUTO, choices


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **source_target_spec(),
            **selection_spec(types=True),
            **rename_spec(),
            **parts_spec(),
            **slice_spec(),
            "strategy": {"type": "str", "choices": choices(), "default": AUTO},
            "existing_keys": {"type": "str", "choices": ["update", "replace", "skip", "fail"], "default": "update"},
            "prune": {"type": "bool", "default": False},
            "prune_limit": {"type": "float", "default": 0.1},
            "max_keys_per_second": {"type": "int", "default": 0, "no_log": False},
            "max_bytes_per_second": {"type": "int", "default": 0},
            **latency_spec(),
            "max_failures": {"type": "int", "default": 0},
            "ttl_tolerance_ms": {"type": "int", "default": 10},
            "large_key_bytes": {"type": "int", "default": 2 * 1024 * 1024, "no_log": False},
            "eviction_data": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
