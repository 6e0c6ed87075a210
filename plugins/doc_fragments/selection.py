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
