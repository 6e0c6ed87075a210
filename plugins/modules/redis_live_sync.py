#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# More than 350 lines, of which 300 are what ansible-doc shows.

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_live_sync
short_description: Have one Redis follow another while applications write
version_added: 1.0.0
description:
  - A process on the machine that runs this module copies every key to the target, and goes on carrying over what changes at
    the source. Once the applications have stopped, the last changes are carried over and both ends are proved equal, which
    takes seconds whatever the size of the data.
  - The source tells of changes by C(CLIENT TRACKING). So it must be Redis 6.0 or newer, or Valkey, without a proxy that speaks
    an older protocol, and its user needs the permission for it. Nothing is configured there, and nothing is ever written there.
  - Either end, or both, can be a Redis Cluster. Where slots move or a primary fails over meanwhile, everything is compared
    anew, and counts as RV(restarts).
  - The process ends with the playbook that started it, however that ends, within seconds. Then nothing of it is left, on
    this machine and on both servers. What it has copied stays at the target; the next run moves only what differs.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.source_target
  - dataservices.redis_migration.selection
  - dataservices.redis_migration.selection.names
  - dataservices.redis_migration.selection.rename
  - dataservices.redis_migration.slices
  - dataservices.redis_migration.progress
  - dataservices.redis_migration.owner
  - dataservices.redis_migration.latency
attributes:
  check_mode:
    support: full
    details:
      - O(state=started) then only proves that the source tells of changes.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(started) starts the process, unless it runs, and returns as soon as the source tells of changes.
      - V(caught_up) waits until every key has been compared and the lag is at most O(max_lag_seconds).
      - V(drained) carries over the last changes of applications that have stopped, and fails unless it proves both ends equal.
        Commands that write at the source during it make it fail, as do keys that the servers count differently.
        Then the process ends, so that nothing of it reaches a target that applications write to. If it cannot prove it, the
        process goes on following.
      - V(stopped) ends the process.
      - It is the same process as long as O(source), O(target), O(databases) and O(database_map) are the same. All other options
        count when it is started.
    type: str
    choices: [started, caught_up, drained, stopped]
    required: true
  types:
    description: Only keys of these types. By default all.
    type: list
    elements: str
    choices: [string, list, set, zset, hash, stream, vectorset]
    default: []
  strategy:
    description: How keys are moved; see M(dataservices.redis_migration.redis_migrate_keys).
    type: str
    choices: [auto, copy, migrate, rebuild]
    default: auto
  prune:
    description:
      - Whether to delete keys from the target that the source does not have (among those that the options select), although
        they were there before. What was brought by the run itself is deleted in any case once the source has deleted it.
      - Without it such keys are left, and O(state=drained) fails and lists them.
    type: bool
    default: false
  max_keys_per_second:
    description: Limit on keys moved per second. V(0) means none.
    type: int
    default: 0
  max_bytes_per_second:
    description: Limit on bytes moved per second. V(0) means none.
    type: int
    default: 0
  ttl_tolerance_ms:
    description: By how many milliseconds expiry times may differ; see M(dataservices.redis_migration.redis_migrate_keys).
    type: int
    default: 10
  large_key_bytes:
    description: Keys of more memory at the source go in pieces; see M(dataservices.redis_migration.redis_migrate_keys).
    type: int
    default: 2097152
  timeout:
    description: Seconds to go on trying when a connection is lost or a server is busy loading, failing over or the like.
    type: float
    default: 60.0
  max_lag_seconds:
    description: With O(state=caught_up), how old the oldest change may be that was not carried over yet.
    type: float
    default: 5.0
  patience_seconds:
    description:
      - With O(state=caught_up), how long to wait for that once everything was copied, or once there were more changes than fit
        into the memory for them. Then the module fails and says how fast changes come and how fast they are carried over.
        The process goes on.
    type: float
    default: 600.0
  drain_seconds:
    description: With O(state=drained), how long it may take to prove both ends equal.
    type: float
    default: 60.0
  lease_seconds:
    description:
      - With O(state=started), how long the process goes on without this module being called, where it cannot see the playbook,
        as on a worker that is another machine.
    type: float
    default: 900.0
  log_path:
    description:
      - With O(state=started), a file for the log of the process, which then stays. It holds no key's value and no secret.
      - By default the log, RV(log), goes with the process.
    type: path
notes:
  - While it follows, no other run of this collection can write to the same databases of the target.
  - Applications must not write to the target before the process has ended.
seealso:
  - module: dataservices.redis_migration.redis_migrate_keys
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Move a Redis while its applications run
  module_defaults:
    dataservices.redis_migration.redis_live_sync:
      source:
        url: "rediss://{{ vault_old }}@old.example.com:49620"
      target:
        url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"
  block:
    - name: Copy, and follow
      dataservices.redis_migration.redis_live_sync:
        state: started

    - name: Wait until the target is close behind
      dataservices.redis_migration.redis_live_sync:
        state: caught_up
        max_lag_seconds: 2

    - name: Stop the applications
      ansible.builtin.command: /usr/local/bin/stop-applications

    - name: Carry over the rest, and prove both ends equal
      dataservices.redis_migration.redis_live_sync:
        state: drained
  always:
    - name: Follow no longer
      dataservices.redis_migration.redis_live_sync:
        state: stopped
"""

RETURN = r"""
following:
  description: Whether the process runs.
  returned: always
  type: bool
copied:
  description: Whether every key has been compared since the source tells of changes.
  returned: always
  type: bool
keys_done:
  description: How many keys have been compared so far, of RV(keys_all).
  returned: always
  type: int
keys_all:
  description: How many keys the source has.
  returned: always
  type: int
lag_keys:
  description: How many changed keys were not carried over yet.
  returned: always
  type: int
lag_seconds:
  description: How old the oldest of these changes is.
  returned: always
  type: float
changes_per_second:
  description: How many changed keys the source tells of in a second.
  returned: always
  type: float
carried_per_second:
  description: How many changed keys are carried over in a second, while there are any.
  returned: always
  type: float
failed_keys:
  description: How many keys could not be moved so far. O(state=drained) tries them once more, and names them.
  returned: always
  type: int
extra_keys:
  description: How many keys of the target the source does not have, as far as was looked. O(state=drained) names them.
  returned: always
  type: int
feeds:
  description: How often the connection that tells of changes was opened; after each time everything is compared anew.
  returned: always
  type: int
restarts:
  description: How often an end was another server than before, its data was replaced, or slots of a cluster moved.
  returned: always
  type: int
overflows:
  description: How often there were more changed keys than fit into the memory for them, after which everything is compared anew.
  returned: always
  type: int
evictions:
  description: How many keys the target has evicted; after each time everything is compared anew.
  returned: always
  type: int
compares_in_drain:
  description: Why all keys have to be compared once more in the drain, which lasts accordingly; empty if they need not.
  returned: always
  type: str
log:
  description: Where the log of the process is.
  returned: always
  type: str
proved:
  description: Whether both ends were proved equal. If not, RV(reason) says why.
  returned: with O(state=drained)
  type: bool
reason:
  description: Why they were not proved equal.
  returned: with O(state=drained)
  type: str
source_keys:
  description: How many keys the source has in the databases of the run.
  returned: with O(state=drained)
  type: int
databases:
  description:
    - How many keys each server counts itself, by the number of the source's database. Expired keys are counted until the
      server removes them. Empty where a server does not tell.
  returned: with O(state=drained)
  type: dict
  contains:
    source_keys:
      description: At the source.
      type: int
    target_keys:
      description: At the target.
      type: int
verified:
  description: When the keys were compared.
  returned: with O(state=drained)
  type: dict
  contains:
    unchanged_since:
      description: Keys that were compared while the source was followed, at a moment after which it tells of no change of them.
      type: int
    in_drain:
      description: Keys that were compared after the applications had stopped.
      type: int
drain_seconds:
  description: How long it took from the call until it was proved, or given up.
  returned: with O(state=drained)
  type: float
source_latency_ms:
  description:
    - What another client of the source had to wait behind other commands until its own was carried out, as measured a hundred
      times a second by a connection of its own; in milliseconds. Null where there was no time for a look.
  returned: with O(state=drained)
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
last_change:
  description:
    - When the source named the last change, in seconds since 1970, by the clock of the machine that follows; null if it
      named none. An expiry counts as a change.
  returned: with O(state=drained)
  type: float
strategy:
  description: The strategy that was used.
  returned: with O(state=drained)
  type: str
strategy_reason:
  description: Why that one.
  returned: with O(state=drained)
  type: str
totals:
  description: What the process has done since it was started.
  returned: with O(state=drained), or when the process has failed
  type: dict
  contains:
    compared:
      description: Keys that were compared; each time counts.
      type: int
    moved:
      description: Keys that were written to the target; each time counts.
      type: int
    deleted:
      description: Keys that were deleted at the target, as the source has deleted them.
      type: int
    rebuilt:
      description: Those of C(moved) that were moved with ordinary commands and not as one payload.
      type: int
    bytes:
      description: Bytes of the moved keys' payloads.
      type: int
    failed:
      description: Keys that could not be moved; see RV(failures).
      type: int
failures:
  description: Keys that could not be moved, the first 1000 of them, as M(dataservices.redis_migration.redis_migrate_keys) has them.
  returned: with O(state=drained), or when the process has failed
  type: list
  elements: dict
failures_not_listed:
  description: How many more there are.
  returned: with O(state=drained), or when the process has failed
  type: int
extra:
  description: Keys of the target that the source does not have, the first 1000 of them, with C(database), C(key) and C(key_base64).
  returned: with O(state=drained)
  type: list
  elements: dict
extra_not_listed:
  description: How many more there are.
  returned: with O(state=drained)
  type: int
servers:
  description: What both servers say of themselves, as M(dataservices.redis_migration.redis_keyspace_info) has it.
  returned: with O(state=drained), if both ends were proved equal
  type: dict
functions:
  description: What became of libraries of functions, which are not followed; see M(dataservices.redis_migration.redis_key_diff).
  returned: with O(state=drained), if both ends were proved equal
  type: dict
lag_over_time:
  description: At most 1000 lists of seconds since the process began, changed keys that waited, and the oldest one's age in seconds.
  returned: with O(state=drained)
  type: list
  elements: list
finished:
  description: Whether all is done; false only with O(slice_seconds).
  returned: always
  type: bool
resume:
  description: For the next slice.
  returned: when RV(finished) is false
  type: str
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import (
    latency_spec,
    owner_spec,
    rename_spec,
    selection_spec,
    slice_spec,
    source_target_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_live_sync import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategies import AUTO, choices


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **source_target_spec(),
            **selection_spec(types=True),
            **rename_spec(),
            **slice_spec(),
            **owner_spec(),
            "state": {"type": "str", "choices": ["started", "caught_up", "drained", "stopped"], "required": True},
            "strategy": {"type": "str", "choices": choices(), "default": AUTO},
            "prune": {"type": "bool", "default": False},
            "max_keys_per_second": {"type": "int", "default": 0, "no_log": False},
            "max_bytes_per_second": {"type": "int", "default": 0},
            **latency_spec(),
            "ttl_tolerance_ms": {"type": "int", "default": 10},
            "large_key_bytes": {"type": "int", "default": 2 * 1024 * 1024, "no_log": False},
            "timeout": {"type": "float", "default": 60.0},
            "max_lag_seconds": {"type": "float", "default": 5.0},
            "patience_seconds": {"type": "float", "default": 600.0},
            "drain_seconds": {"type": "float", "default": 60.0},
            "lease_seconds": {"type": "float", "default": 900.0},
            "log_path": {"type": "path"},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
