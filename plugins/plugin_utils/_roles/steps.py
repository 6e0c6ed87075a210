# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of tasks that are included one after the other, by a loop over those that a migration needs."""

from __future__ import annotations

import typing as t


def steps(files: t.Iterable[str]) -> list[dict[str, str]]:
    """Items of a loop of ``include_tasks``, each with its ``file`` and with ``of``, the whole list.

    Ansible includes an item once for all hosts that have it, in the order in which it meets items first: where one host
    needs a, c and another one a, b, c, both would get a, c, b. Items that differ by the whole list are met by hosts with
    the same list only. Those go together; hosts with another list come before or after them.
    """
    names = list(files)
    return [{"file": name, "of": " ".join(names)} for name in names]
