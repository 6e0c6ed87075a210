# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the user of a background process; pairs with C(_argspec.owner_spec)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  owner:
    description:
      - Who uses the process that this module leaves running, and the process with whose end that use is over. It is
        filled in with the inventory's host and the process that runs the play; there is no need to set it.
    type: dict
    suboptions:
      pid:
        description: Its number.
        type: int
        required: true
      identity:
        description: What tells it from another process of that number, or on another machine.
        type: str
        required: true
      name:
        description: What tells it from others that the same process runs.
        type: str
        default: ""
"""
