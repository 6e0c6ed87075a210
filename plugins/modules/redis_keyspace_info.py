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
  - With O(sample) also looks at single keys for types, sizes, the largest keys and how long keys live.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
  - dataservices.redis_migration.endpoint
options:
  sample:
    description: How many keys of each logical database to look at, at most. V(0) looks at none.
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
    msg: "{{ keyspace.databases['0'].keys }}"
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
  description: Memory in bytes (C(used_memory), C(maxmemory)), for people (C(used_memory_human)), and C(maxmemory_policy).
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
      description: How many keys were looked at.
      type: int
    types:
      description: By type, C(keys), C(bytes) of memory, and C(largest_bytes).
      type: dict
    stands_for:
      description: As C(keys). More in what M(dataservices.redis_migration.redis_preflight_info) estimates.
      type: int
    bytes:
      description: How much memory they take together.
      type: int
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
    ttl:
      description: How many keys expire V(never), within a minute, an hour, a day, 30 days, or later.
      type: dict
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import endpoint_spec
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_keyspace_info import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(
        argument_spec={**endpoint_spec(), "sample": {"type": "int", "default": 0}}, supports_check_mode=True
    )
    run(module, work)


if __name__ == "__main__":
    main()
