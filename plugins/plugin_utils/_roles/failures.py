# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of tasks that print nothing since they hold secrets, and that another task fails for."""

from __future__ import annotations

import typing as t


def failure_messages(results: t.Iterable[t.Mapping[str, t.Any]], field: str) -> str:
    """Why there are results without ``field``, which each that went well has; empty if there is none."""
    failed = [result for result in results if field not in result and not result.get("skipped")]
    return " ".join(dict.fromkeys(str(result.get("msg", "No reason was given.")) for result in failed))
