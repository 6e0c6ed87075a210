# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values are made known as secrets, where ansible-core takes them (2.22 and newer)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry import secrets


def test_texts_of_four_letters_and_more_are_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[str] = []
    monkeypatch.setattr(secrets, "_core_secrets", SimpleNamespace(register_secret=registered.append))
    secrets.register_secrets(["", "abc", "abcd", None, 12345, {"password": "hidden"}, "long enough"])
    assert registered == ["abcd", "long enough"]


@pytest.mark.parametrize("core", [None, SimpleNamespace()])
def test_older_cores_are_left_alone(monkeypatch: pytest.MonkeyPatch, core: object) -> None:
    monkeypatch.setattr(secrets, "_core_secrets", core)
    secrets.register_secrets(["abcd"])
