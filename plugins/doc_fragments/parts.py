# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the work on a cluster is shared by processes and workers."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  processes:
    description:
      - Where an end is a Redis Cluster, how many processes share the work, each with a part of its keys. Limits such as
        C(max_keys_per_second) are those of all together; each process may need 200 MiB of memory.
      - By default as many as the machine has cores, at most 4, and never more than an end has primaries.
    type: int
"""

    SHARD = r"""
options:
  source_shard:
    description:
      - Only a share of the keys, such as V(2/8) for the second of eight, by the hash slots of their names at the source. All
        shards together are all keys, whatever the source's shape.
      - So several hosts of an inventory can share one large source. Each of them has its own verdict on its share.
    type: str
"""
