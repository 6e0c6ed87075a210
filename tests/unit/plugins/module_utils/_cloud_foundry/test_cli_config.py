# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login of the cf command line; that renewed tokens are stored is in test_login.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.cli_config import CliConfig
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
)


def config(home: Path, document: Any) -> CliConfig:
    (home / ".cf").mkdir(exist_ok=True)
    (home / ".cf" / "config.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return CliConfig(str(home))


def test_nobody_is_logged_in_without_a_file(tmp_path: Path) -> None:
    absent = CliConfig(str(tmp_path))
    assert not absent.logged_in
    assert (absent.target, absent.access_token, absent.refresh_token, absent.targeted("Space")) == ("", "", "", "")
    assert (absent.grant_type, absent.oauth_client, absent.skips_certificates) == ("password", ("cf", ""), False)


@pytest.mark.parametrize(
    ("document", "logged_in"),
    [
        ({}, False),
        ({"Target": "https://a"}, False),
        ({"AccessToken": "bearer x"}, False),
        ({"Target": "https://a", "AccessToken": "bearer x"}, True),
        ({"Target": "https://a", "RefreshToken": "y"}, True),
        ({"Target": None, "RefreshToken": "y"}, False),
        ([], False),
    ],
)
def test_a_login_is_an_api_and_a_token(tmp_path: Path, document: Any, logged_in: bool) -> None:
    assert config(tmp_path, document).logged_in is logged_in


def test_an_access_token_is_read_without_its_kind(tmp_path: Path) -> None:
    assert config(tmp_path, {"AccessToken": "bearer x"}).access_token == "x"
    assert config(tmp_path, {"AccessToken": "x"}).access_token == "x"


def test_only_true_skips_certificates(tmp_path: Path) -> None:
    assert config(tmp_path, {"SSLDisabled": True}).skips_certificates
    assert not config(tmp_path, {"SSLDisabled": "true"}).skips_certificates


def test_fields_that_are_not_as_cf_writes_them_are_empty(tmp_path: Path) -> None:
    assert config(tmp_path, {"SpaceFields": {"Name": "prod"}}).targeted("Space") == "prod"
    for fields in (None, "prod", {"Name": None}):
        assert config(tmp_path, {"SpaceFields": fields}).targeted("Space") == ""


def test_a_file_that_cannot_be_read_is_named_without_its_content(tmp_path: Path) -> None:
    with pytest.raises(CloudFoundryError, match=r"config\.json cannot be read") as caught:
        config(tmp_path, '{"RefreshToken": "s3cret"')
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"


def test_a_directory_that_is_not_there_needs_no_lock(tmp_path: Path) -> None:
    with CliConfig(str(tmp_path)).locked():
        pass
    assert list(tmp_path.iterdir()) == []
