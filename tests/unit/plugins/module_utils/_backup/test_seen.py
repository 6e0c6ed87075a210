# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a scan shows again are known."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.seen import Seen


def test_names_shown_again_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.seen"
    monkeypatch.setattr(f"{module}._RUN", 100)
    monkeypatch.setattr(f"{module}._RECENT", 50)
    seen = Seen()
    names = [b"name %d" % number for number in range(1000)]
    for start in range(0, 1000, 10):
        again = names[max(0, start - 15) : start + 10]
        fresh = [again[position] for position in seen.fresh(again)]
        assert fresh == names[start : start + 10]
    assert seen.unique()
    # One that was shown long ago passes, and is found at the end.
    assert seen.fresh([b"name 3"]) == [0]
    assert not seen.unique()
    seen.close()
