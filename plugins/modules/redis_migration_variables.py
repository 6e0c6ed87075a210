#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_migration_variables
short_description: Refuse misspelt and malformed variables of a migration
version_added: 1.0.0
description:
  - Fails when a variable of the host begins with C(redis_migration_) and is none that a role of this collection knows
    (naming the nearest one that is), has a value that its role does not take, or is required and missing. All problems
    are named at once.
  - Runs on the control node, without a connection, and repeats no values.
options:
  optional:
    description: Names of variables that are required elsewhere, and not by this play.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
notes:
  - The role P(dataservices.redis_migration.credentials#role) runs this before anything else.
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Refuse misspelt variables
  dataservices.redis_migration.redis_migration_variables:
"""

RETURN = r"""
began:
  description: When this ran, in seconds since 1970; the report counts from it.
  returned: always
  type: float
"""
