# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of two endpoints; pairs with C(_argspec.source_target_spec)."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.doc_fragments import endpoint


class ModuleDocFragment:
    DOCUMENTATION = (
        r"""
options:
  source:
    description: The server to read from. Nothing is ever written there.
    type: dict
    required: true
    suboptions:
"""
        + endpoint.ModuleDocFragment.FIELDS.replace("{option}", "source")
        + r"""
  target:
    description: The server to write to.
    type: dict
    required: true
    suboptions:
"""
        + endpoint.ModuleDocFragment.FIELDS.replace("{option}", "target")
        + r"""
      backend:
        description:
          - Where the I(source server) itself reaches the target, for the command MIGRATE.
          - With exposed services this is the host in the service key of the C(-internal) instance, not the exposed frontend.
        type: dict
        suboptions:
          host:
            description: Host name or address as the source server sees it.
            type: str
            required: true
          port:
            description: Port as the source server sees it.
            type: int
            default: 6379
          username:
            description: ACL user there; that of the target, if no password is given.
            type: str
          password:
            description: Password there; that of the target, if left out.
            type: str
requirements:
  - redis (Python library)
  - hiredis (Python library)
"""
    )
