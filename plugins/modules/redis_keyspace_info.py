#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_keyspace_info
short_description: Tell what a Redis holds
version_added: 1.0.0
description:
  - Reads the server's version and role, the number of keys in every logical database, memory, and the number of clients.
  - With O(sample) also looks at single keys, a random choice, for types, encodings, sizes, the largest keys, those that are
    used most, and how long keys live.
  - A sample costs the server little. Keys are asked for in batches of some milliseconds of its time, and no command reads
    a large key. Of a hundred small keys of each database the payload is read, to know how many bytes a migration moves.
    None of that is a use of a key, by which a full server chooses what it evicts (C(CLIENT NO-TOUCH)); where a server that
    evicts by use does not know that command, or the user may not give it, or where it is a node of a cluster, no value is
    read.
  - Of a Redis Cluster the numbers are those of all primaries together. A sample is taken of each primary by how many of the
    keys it holds, and added up.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
  - dataservices.redis_migration.endpoint
  - dataservices.redis_migration.selection.names
options:
  sample:
    description: How many keys of each logical database to look at, at most. V(0) looks at none.
    type: int
    default: 0
  sample_seconds:
    description: For how many seconds to look at keys, at most, which all logical databases share. V(0) means no limit.
    type: float
    default: 0.0
  databases:
    description: Numbers of the logical databases that are looked at for the sample. By default all that hold keys.
    type: list
    elements: int
  types:
    description: Only keys of these types are in the sample. By default all.
    type: list
    elements: str
    choices: [string, list, set, zset, hash, stream, vectorset]
    default: []
  large_key_bytes:
    description:
      - Keys of the sample that take more memory than this are also counted by themselves. A migration moves them in pieces,
        as M(dataservices.redis_migration.redis_migrate_keys) does. V(0) counts none.
    type: int
    default: 2097152
  max_keys_per_second:
    description: Limit on keys of the sample looked at per second. V(0) means none.
    type: int
    default: 0
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: See what is in the old instance
  dataservices.redis_migration.redis_keyspace_info:
    endpoint:
      url: "rediss://{{ vault_password }}@redis.example.com:49620"
    sample: 1000
  register: keyspace

- name: Show the number of keys in database 0
  ansible.builtin.debug:
    msg: "{{ keyspace.databases['0']['keys'] }}"
"""

RETURN = r"""
server:
  description: The server.
  returned: success
  type: dict
  contains:
    flavor:
      description: V(redis) or V(valkey).
      type: str
    version:
      description: Version.
      type: str
      sample: 7.0.15
    mode:
      description: V(standalone), V(cluster) or V(sentinel).
      type: str
    role:
      description: V(master) or V(slave).
      type: str
databases:
  description: By number, the logical databases that hold keys, each with C(keys), C(expires) and C(avg_ttl) (milliseconds).
  returned: success
  type: dict
  sample: {"0": {"keys": 3, "expires": 1, "avg_ttl": 5000}}
keys:
  description: Keys in all databases.
  returned: success
  type: int
expires:
  description: Keys in all databases that will expire.
  returned: success
  type: int
memory:
  description: >-
    Memory in bytes (C(used_memory), C(maxmemory), and C(data_bytes), about what the keys take of it), for people
    (C(used_memory_human)), and C(maxmemory_policy).
  returned: success
  type: dict
clients:
  description: Connected clients, this module's connection among them.
  returned: success
  type: int
sample:
  description: What was seen of single keys.
  returned: when O(sample) is above 0
  type: dict
  contains:
    keys:
      description: How many keys are in the sample.
      type: int
    stands_for:
      description:
        - For about how many keys of the server they stand. Each key stands for as many as its database has for each name that
          was looked at, so that all other numbers are estimates for all keys.
        - Where all keys were looked at (C(complete)) it is C(keys), and the numbers are those of the keys.
      type: int
    complete:
      description: Whether every key was looked at.
      type: bool
    databases:
      description: By number, how many C(keys) there are, how many names were C(looked_at), and whether those are all (C(complete)).
      type: dict
    bytes:
      description: How much memory they take together.
      type: int
    types:
      description: By type, C(keys), C(bytes) of memory, and C(largest_bytes).
      type: dict
    encodings:
      description:
        - How the server keeps them, each C(type) and C(encoding) with C(keys) and C(bytes). Missing where it does not tell.
      type: list
      elements: dict
    prefixes:
      description:
        - The prefixes of names (until the first C(:), C(/), C(|) or C(.)) that take most memory, each with C(prefix),
          C(keys) and C(bytes). The empty one is that of names without any.
      type: list
      elements: dict
    largest:
      description: The largest keys seen, each with C(database), C(key), C(key_base64), C(type) and C(bytes).
      type: list
      elements: dict
    large:
      description:
        - Keys above O(large_key_bytes) (C(above_bytes)), by type (C(types)), how many were C(seen), for how many C(keys) these
          stand, their C(bytes) and C(elements) (null where these could not be asked).
      type: dict
    hottest:
      description:
        - The keys that are used most, as C(largest), each with its C(frequency), from 0 to 255 on a logarithmic scale. Only
          where the server keeps that, which it does when it evicts by LFU.
      type: list
      elements: dict
    ttl:
      description: How many keys expire V(never), within a minute, an hour, a day, 30 days, or later.
      type: dict
    payloads:
      description:
        - Of how many C(keys) the payload was read, how much C(memory) they take, and how many C(bytes) it has; null if of none.
      type: dict
    read_by:
      description:
        - The oldest release of C(redis) and of C(valkey) that reads the payloads of this server, null if none does. Older ones
          get keys by ordinary commands (strategy C(rebuild)).
      type: dict
      sample: {"redis": "7.0", "valkey": "7.2"}
    refused:
      description: Each C(command) that was refused, with the C(reason), so that the sample lacks what it tells.
      type: list
      elements: dict
    round_trip_ms:
      description: How long the server takes to answer, the best of a few.
      type: float
    longest_batch_ms:
      description: For how long one batch of commands kept the server busy, at most, by its own clock.
      type: float
    seconds:
      description: How long it took.
      type: float
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import endpoint_spec, keys_spec
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_keyspace_info import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **endpoint_spec(),
            "sample": {"type": "int", "default": 0},
            "sample_seconds": {"type": "float", "default": 0.0},
            "databases": {"type": "list", "elements": "int"},
            **keys_spec(types=True),
            "large_key_bytes": {"type": "int", "default": 2 * 1024 * 1024, "no_log": False},
            "max_keys_per_second": {"type": "int", "default": 0, "no_log": False},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
