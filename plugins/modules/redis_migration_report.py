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
  - Collects what the roles of this collection found and did on every host of the play, and writes it on the control node into a
    directory of its own for each run, C(TIME-PLAYBOOK) below O(dest), such as C(20261127T191500Z-migrate). The playbook is the
    name of the play.
  - In it are C(report.json); C(report.html), one page without any other file; C(junit.xml), with a case for each migration and
    phase; and C(summary.json), the numbers. In check mode there are also C(plan.json) and C(plan.md), for a comment on a merge
    request.
  - Beside these directories, C(latest) leads to the newest, and C(index.html) lists all. C(report.json), C(report.html) and
    C(junit.xml) are copies of the newest; a run in check mode replaces C(plan.json), C(plan.md) and C(junit.xml) instead.
  - With O(analysis) there are C(analysis.json), C(analysis.html) and C(analysis.md) in place of C(report.html), and copies of them
    beside the directories.
  - The report holds addresses, numbers, messages, and names of keys that failed or differ. It holds no user names, passwords
    or values of keys.
options:
  dest:
    description:
      - The directory, relative to where the playbook was started. It is made (mode 0700) if it is not there; files have mode 0600.
    type: path
    required: true
  analysis:
    description:
      - Whether the play only looked at sources, by the role P(dataservices.redis_migration.analyse#role), so that what it found is
        the report.
    type: bool
    default: false
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
attributes:
  check_mode:
    support: full
    details:
      - Files are written in check mode, too; that is where the plan goes. Nothing else is changed.
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
  description: The page of this run, in the run's directory.
  returned: success
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
stats:
  description:
    - The same with C(playbook), C(check_mode), C(elapsed_seconds), the name of the directory as C(run), the page as C(report), and
      the names of C(failed_migrations). It is handed on as the custom statistic C(redis_migration), as C(set_stats) does it.
  returned: success
  type: dict
"""
