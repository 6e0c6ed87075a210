# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of the API, the session of the cf command line, and whose token it is."""

from __future__ import annotations

import base64
import email.utils
import json
import os
import stat
import time
from pathlib import Path

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.cli_config import CliConfig
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.discovery import (
    normal_api_url,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.http import retry_after
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.login import LoginOptions
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.lookup import nearest
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.uaa import identity_in


@pytest.mark.parametrize(
    "given",
    ["api.example.org", "https://api.example.org/", " https://api.example.org ", "https://api.example.org/v3"],
)
def test_one_api_has_one_address(given: str) -> None:
    assert normal_api_url(given) == "https://api.example.org"


@pytest.mark.parametrize("given", ["", "ftp://api.example.org", "https://", "https://user:s3cret@api.example.org"])
def test_bad_addresses(given: str) -> None:
    with pytest.raises(CloudFoundryError) as caught:
        normal_api_url(given)
    assert "s3cret" not in str(caught.value)


def test_an_empty_option_is_none() -> None:
    options = LoginOptions.from_params({"user": "", "password": "x", "validate_certs": False, "unknown": 1})
    assert (options.user, options.password, options.validate_certs) == (None, "x", False)
    assert "x" not in repr(options)


CONFIG = {
    "ConfigVersion": 4,
    "Target": "https://api.example.org",
    "AccessToken": "bearer old-access",
    "RefreshToken": "old-refresh",
    "OrganizationFields": {"GUID": "o", "Name": "acme", "QuotaDefinition": {"name": "big"}},
    "SpaceFields": {"GUID": "s", "Name": "prod", "AllowSSH": True},
    "UAAOAuthClient": "cf",
    "UAAOAuthClientSecret": "",
    "SSLDisabled": False,
    "PluginRepos": [{"Name": "CF-Community", "URL": "https://plugins.example"}],
    "SomethingOfTomorrow": {"a": [1, 2]},
}


def home(tmp_path: Path, content: str | dict[str, object] | None = None) -> str:
    directory = tmp_path / ".cf"
    directory.mkdir()
    text = content if isinstance(content, str) else json.dumps(CONFIG if content is None else content)
    (directory / "config.json").write_text(text)
    return str(tmp_path)


def test_the_session_is_read(tmp_path: Path) -> None:
    config = CliConfig(home(tmp_path))
    assert config.logged_in
    assert (config.access_token, config.refresh_token) == ("old-access", "old-refresh")
    assert (config.targeted("Organization"), config.targeted("Space")) == ("acme", "prod")
    assert config.oauth_client == ("cf", "")


def test_new_tokens_are_stored_and_every_other_field_stays(tmp_path: Path) -> None:
    config = CliConfig(home(tmp_path))
    os.chmod(config.path, 0o644)
    config.store_tokens("new-access", "new-refresh")
    stored = json.loads(Path(config.path).read_text())
    assert stored == {**CONFIG, "AccessToken": "bearer new-access", "RefreshToken": "new-refresh"}
    assert list(stored) == list(CONFIG)
    assert stat.S_IMODE(os.stat(config.path).st_mode) == 0o600
    assert os.listdir(tmp_path / ".cf") == ["config.json"]


def test_what_somebody_else_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    config = CliConfig(home(tmp_path))
    Path(config.path).write_text(json.dumps({**CONFIG, "Trace": "true"}))
    config.store_tokens("new-access", "new-refresh")
    assert json.loads(Path(config.path).read_text())["Trace"] == "true"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    config = CliConfig(home(tmp_path))
    real = tmp_path / "elsewhere.json"
    os.rename(config.path, real)
    os.symlink(real, config.path)
    config.store_tokens("new-access", "new-refresh")
    assert os.path.islink(config.path)
    assert "new-access" in real.read_text()


def test_no_session(tmp_path: Path) -> None:
    config = CliConfig(str(tmp_path))
    assert not config.logged_in
    assert config.targeted("Space") == ""


def test_a_broken_file_is_told_without_its_content(tmp_path: Path) -> None:
    with pytest.raises(CloudFoundryError) as caught:
        CliConfig(home(tmp_path, '{"AccessToken": "bearer s3cret'))
    assert "config.json" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def jwt(claims: dict[str, str]) -> str:
    return ".".join(
        base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ("{}", json.dumps(claims), "sig")
    )


@pytest.mark.parametrize(
    ("token", "who"),
    [
        (jwt({"user_name": "me@example.org", "client_id": "cf"}), "user me@example.org"),
        (jwt({"client_id": "pipeline"}), "client pipeline"),
        (jwt({}), "this login"),
        ("0123456789abcdef", "this login"),
        ("a.b.c", "this login"),
        ("", "this login"),
    ],
)
def test_whose_token_it_is(token: str, who: str) -> None:
    assert identity_in(token) == who


def test_how_long_to_wait() -> None:
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({}) is None
    assert retry_after({"retry-after": "soon"}) is None
    in_a_minute = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 50 < (retry_after({"retry-after": in_a_minute}) or 0) <= 61
    assert 50 < (retry_after({"x-ratelimit-reset": str(int(time.time()) + 60)}) or 0) <= 61
    assert retry_after({"retry-after": email.utils.formatdate(time.time() - 60, usegmt=True)}) == 0


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("orders-redis", ["orders-redis6", "sessions"], 'nearest is "orders-redis6"'),
        ("ORDERS", ["orders", "sessions"], 'nearest is "orders"'),
        ("redis", ["my-redis-target-db", "other"], 'nearest is "my-redis-target-db"'),
        ("zzz", ["a", "b"], 'there are "a", "b"'),
        ("zzz", [], "none is visible there"),
        ("zzz", [f"n{number}" for number in range(20)], "and 12 more"),
    ],
)
def test_nearest_names(name: str, names: list[str], expected: str) -> None:
    assert expected in nearest(name, names)
