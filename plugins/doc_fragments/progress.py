# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of telling the progress; pairs with C(_argspec.progress_spec)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  progress_seconds:
    description:
      - How often to print a line of progress, in seconds, on the error stream. A run of less than 10 seconds prints none.
      - V(0) prints none at all. Neither does a task with C(async).
      - Without it every 5 seconds on a terminal, and every 30 where the error stream is a file or a pipeline's log.
    type: float
"""

    # For those that are not cut into slices.
    FILE = r"""
options:
  progress_path:
    description:
      - A file to say in how far the module is, as JSON of one line, every half second. It must not exist, and is
        removed at the end. The collection's action plugin sets this itself to report progress; tasks need not.
    type: path
"""
