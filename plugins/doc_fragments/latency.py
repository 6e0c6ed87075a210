# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what other clients may wait; pairs with C(_argspec.latency_spec)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  max_source_latency_ms:
    description:
      - For how long other clients of the server that is read may have to wait because of this, in milliseconds. Batches are made
        so large that they keep it busy for less.
      - A connection of its own measures what they wait. Where that is longer, less is done at once, whoever is the reason.
    type: float
    default: 5.0
"""
