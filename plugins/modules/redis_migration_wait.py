#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_migration_wait
short_description: Wait until applications may be stopped
version_added: 1.0.0
description:
  - Waits on the control node for a moment, for a file, or for both, with a line of progress now and then.
  - A process that M(dataservices.redis_migration.redis_live_sync) has started is asked meanwhile, so that it goes on, and how
    far the target is behind is part of the lines. If it has failed, so does this.
  - An interrupt ends it, as any task. Nothing has changed then.
options:
  until:
    description: The moment, in ISO 8601 with a time zone, such as C(2026-12-01T02:00:00+01:00).
    type: str
  path:
    description: The file on the control node, relative to where the playbook was started.
    type: path
  following:
    description:
      - C(source), C(target), C(databases) and C(database_map) as they were given to
        M(dataservices.redis_migration.redis_live_sync), if a process follows.
    type: dict
  progress_seconds:
    description:
      - How often a line is printed, in seconds. V(0) prints none.
      - Without it every 5 seconds on a terminal, and every 30 where the error stream is a file or a pipeline's log.
    type: float
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is waited for then.
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - Runs on the control node; only the process that follows is asked where the task is delegated to.
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Wait for the night, and for the pipeline
  dataservices.redis_migration.redis_migration_wait:
    until: "2026-12-01T02:00:00+01:00"
    path: go
"""

RETURN = r"""
waited_seconds:
  description: How long it took.
  returned: success
  type: float
waits:
  description: In check mode, what would be waited for; otherwise empty.
  returned: success
  type: str
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""
