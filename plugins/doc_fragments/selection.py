# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what a run concerns; pairs with C(_argspec.selection_spec)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  databases:
    description: Numbers of the logical databases of the source. By default all that hold keys.
    type: list
    elements: int
  database_map:
    description: 'Where a logical database goes if not to the same number, as pairs such as C({"0": 3}).'
    type: dict
    default: {}
"""

    # For those that have databases of their own.
    NAMES = r"""
options:
  match:
    description:
      - Only keys that match one of these glob patterns, as Redis understands them.
      - C(\xNN) in a pattern stands for that byte.
    type: list
    elements: str
    default: []
  exclude:
    description: No keys that match one of these glob patterns; wins over O(match).
    type: list
    elements: str
    default: []
"""

    # For those that move keys or compare them.
    RENAME = r"""
options:
  database_prefix:
    description:
      - 'What the names of all keys of a logical database begin with at the target, by its number at the source, as pairs such as
        C({"1": "db1:"}). So several databases can be joined in one of the target, see O(database_map).'
      - Databases that are joined need prefixes that differ; one of them may do without. Each name at the target belongs to the
        database with the longest prefix that fits it. If another one holds a key that would be called so, the run is refused.
      - Text is taken as UTF-8. C(\xNN) stands for that byte, C(\\) for a backslash, as results show names.
    type: dict
    default: {}
  rename:
    description:
      - 'Prefixes of keys at the source, and what is put in their place at the target, as pairs such as C({"old:": "new:"}).
        Of several that fit a key the longest counts. Written as O(database_prefix), which comes before what this gives.'
      - O(match) and O(exclude) are about the names at the source.
      - Before anything is written the source is asked whether two of its keys would get the same name. If so, nothing is
        written. One that comes to be later is listed as a failure and not moved.
      - Strategy V(migrate) cannot give keys other names.
    type: dict
    default: {}
"""
