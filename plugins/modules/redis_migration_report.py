#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_migration_report
short_description: Write one report about all migrations of a run
version_added: 1.0.0
description:
  - Collects what the roles of this collection found and did on every host of the play, and writes it on the control node as
    C(report.json) and as C(report.html), one page without any other file.
  - The report holds addresses, numbers, messages, and names of keys that failed or differ. It holds no user names, passwords
    or values of keys.
  - Writes nothing in check mode.
options:
  dest:
    description:
      - The directory, relative to where the playbook was started. It is made (mode 0700) if it is not there; the two files
        (mode 0600) are replaced.
    type: path
    required: true
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A report is no change, so this never returns C(changed).
notes:
  - Runs on the control node, without a connection. Use it with C(run_once), as the role
    P(dataservices.redis_migration.report#role) does.
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Write the report
  dataservices.redis_migration.redis_migration_report:
    dest: reports/today
  run_once: true
"""

RETURN = r"""
path:
  description: The page.
  returned: not in check mode
  type: str
lines:
  description: The report in a line for each migration.
  returned: success
  type: list
  elements: str
summary:
  description: How many migrations ended how, and how many keys and bytes moved.
  returned: success
  type: dict
"""
