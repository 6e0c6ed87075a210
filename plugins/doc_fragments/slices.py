# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of running in slices; pairs with C(_argspec.slice_spec)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  slice_seconds:
    description:
      - Return after about so many seconds even if there is more to do, with RV(finished) false and RV(resume) set.
      - V(0) runs to the end. The collection's action plugin sets this itself to report progress; tasks need not.
    type: float
    default: 0.0
  resume:
    description: RV(resume) of the slice before.
    type: str
    default: ''
"""
