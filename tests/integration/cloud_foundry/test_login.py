# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to log in, everything that can be wrong with it, and finding things by name."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.certs import Authority
from tests.support.cf_fixtures import PASSWORD, USER, Installation, cf, installation
from tests.support.cf_modules import ModuleFailed, ModuleRunner
from tests.support.cf_sim import CloudFoundrySim
from tests.support.cf_sim.http import Logged

__all__ = ["cf", "installation"]

LOOK = "cf_service_binding_info"


def logged_in(there: Installation, cf_home: Path, **fields: Any) -> Path:
    """A config.json as `cf login` leaves it; returns its path."""
    form = {"grant_type": "password", "username": USER, "password": PASSWORD}
    tokens = post_token(there, form)
    directory = cf_home / ".cf"
    directory.mkdir(parents=True)
    config = {
        "ConfigVersion": 4,
        "Target": there.sim.api_url,
        "AccessToken": f"bearer {tokens['access_token']}",
        "RefreshToken": tokens["refresh_token"],
        "UAAOAuthClient": "cf",
        "UAAOAuthClientSecret": "",
        "SSLDisabled": False,
        "OrganizationFields": {"GUID": there.org.guid, "Name": "acme"},
        "SpaceFields": {"GUID": there.space.guid, "Name": "prod"},
        "ColorEnabled": "true",
        **fields,
    }
    path = directory / "config.json"
    path.write_text(json.dumps(config))
    return path


def post_token(there: Installation, form: dict[str, str]) -> dict[str, Any]:
    import urllib.parse
    import urllib.request

    request = urllib.request.Request(
        f"{there.sim.uaa_url}/oauth/token",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": "Basic Y2Y6", "Accept": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        found: dict[str, Any] = json.load(response)
        return found


def session_runner(there: Installation, cf_home: Path, **environment: str) -> ModuleRunner:
    return ModuleRunner({}, {"HOME": str(there.home), "CF_HOME": str(cf_home), **environment})


def token_requests(there: Installation) -> list[Logged]:
    return [entry for entry in there.sim.requests if "/oauth/token" in entry.path]


def test_environment_variables_are_enough(installation: Installation) -> None:
    run = ModuleRunner(
        {},
        {
            **installation.environment,
            "CF_API_URL": installation.sim.api_url,
            "CF_USER": USER,
            "CF_PASSWORD": PASSWORD,
        },
    )
    assert run(LOOK, service_instance="orders")["apps"] == []


def test_client_credentials_and_a_token_that_expires(installation: Installation) -> None:
    installation.sim.add_client("pipeline", "SENTINEL", {"space_developer": [installation.space]})
    run = ModuleRunner(
        {"api_url": installation.sim.api_url, "client_id": "pipeline", "client_secret": "SENTINEL"},
        installation.environment,
    )
    installation.sim.faults.expire_tokens_after(2)
    assert run(LOOK, service_instance="orders")["apps"] == []
    assert len(token_requests(installation)) == 2
    with pytest.raises(ModuleFailed, match="Could not log in as the client pipeline") as caught:
        run(LOOK, service_instance="orders", client_secret="SENTINEL-wrong")
    assert "SENTINEL" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "bearer ", "Bearer "])
def test_a_given_token(installation: Installation, prefix: str) -> None:
    tokens = post_token(installation, {"grant_type": "password", "username": USER, "password": PASSWORD})
    run = ModuleRunner(
        {"api_url": installation.sim.api_url, "access_token": prefix + tokens["access_token"]},
        installation.environment,
    )
    assert run(LOOK, service_instance="orders")["apps"] == []
    installation.sim.faults.expire_tokens_after(1)
    with pytest.raises(ModuleFailed, match="refused access_token: it has expired") as caught:
        run(LOOK, service_instance="orders")
    assert "cf oauth-token" in str(caught.value)
    assert tokens["access_token"] not in str(caught.value)


def test_the_origin_is_told(installation: Installation) -> None:
    installation.sim.add_user("me", "pw", {"space_developer": [installation.space]}, origin="corporate")
    run = ModuleRunner({"api_url": installation.sim.api_url, "user": "me", "password": "pw"}, installation.environment)
    assert run(LOOK, service_instance="orders", origin="corporate")["apps"] == []
    with pytest.raises(ModuleFailed, match="Check user, password and origin"):
        run(LOOK, service_instance="orders")


def test_the_session_of_the_command_line_is_enough(installation: Installation, tmp_path: Path) -> None:
    path = logged_in(installation, tmp_path / "cf")
    before = path.read_text()
    run = session_runner(installation, tmp_path / "cf")
    assert run(LOOK, service_instance="orders")["service_instance"]["name"] == "orders"
    assert path.read_text() == before


def test_a_renewed_session_is_written_back(installation: Installation, tmp_path: Path) -> None:
    path = logged_in(installation, tmp_path / "cf")
    before = json.loads(path.read_text())
    run = session_runner(installation, tmp_path / "cf")
    installation.sim.faults.expire_tokens_after(1)
    assert run(LOOK, service_instance="orders")["apps"] == []
    after = json.loads(path.read_text())
    assert after["AccessToken"] != before["AccessToken"]
    assert after["AccessToken"].startswith("bearer ")
    assert after["RefreshToken"]
    assert {**after, "AccessToken": "", "RefreshToken": ""} == {**before, "AccessToken": "", "RefreshToken": ""}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["config.json"]
    # The stored session works on, without another renewal.
    renewals = len(token_requests(installation))
    assert run(LOOK, service_instance="orders")["apps"] == []
    assert len(token_requests(installation)) == renewals


def test_many_processes_share_one_session(installation: Installation, tmp_path: Path) -> None:
    """The refresh token is good once, so whoever comes second must find what the first one stored."""
    path = logged_in(installation, tmp_path / "cf")
    run = session_runner(installation, tmp_path / "cf")
    before = len(token_requests(installation))
    installation.sim.faults.expire_tokens_after(0)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _number: run(LOOK, service_instance="orders"), range(6)))
    assert all(result["apps"] == [] for result in results)
    assert len(token_requests(installation)) == before + 1
    assert json.loads(path.read_text())["Target"] == installation.sim.api_url


def test_a_session_that_is_over_says_how_to_renew_it(installation: Installation, tmp_path: Path) -> None:
    path = logged_in(installation, tmp_path / "cf", RefreshToken="SENTINEL-refresh-token-of-long-ago")
    run = session_runner(installation, tmp_path / "cf")
    installation.sim.faults.expire_tokens_after(1)
    with pytest.raises(ModuleFailed) as caught:
        run(LOOK, service_instance="orders")
    assert f"cf login -a {installation.sim.api_url}" in str(caught.value)
    assert "SENTINEL" not in str(caught.value.result)
    assert json.loads(path.read_text())["RefreshToken"] == "SENTINEL-refresh-token-of-long-ago"


def test_a_session_elsewhere(installation: Installation, tmp_path: Path) -> None:
    logged_in(installation, tmp_path / "cf", Target="https://api.elsewhere.example")
    with pytest.raises(ModuleFailed, match=r"logged in to https://api\.elsewhere\.example, not to http"):
        session_runner(installation, tmp_path / "cf")(LOOK, service_instance="orders", api_url=installation.sim.api_url)


def test_no_login_at_all(installation: Installation) -> None:
    run = ModuleRunner({}, {"HOME": str(installation.home)})
    with pytest.raises(ModuleFailed, match="Set api_url"):
        run(LOOK, service_instance="orders")
    with pytest.raises(ModuleFailed, match=r"There is no login for .* Run 'cf login -a "):
        run(LOOK, service_instance="orders", api_url=installation.sim.api_url)
    with pytest.raises(ModuleFailed, match="no password for the Cloud Foundry user me"):
        run(LOOK, service_instance="orders", api_url=installation.sim.api_url, user="me")


def test_a_wrong_password_is_not_repeated(installation: Installation, cf: ModuleRunner) -> None:
    with pytest.raises(ModuleFailed, match=f"Could not log in as {USER}") as caught:
        cf(LOOK, service_instance="orders", password="SENTINEL-wrong")
    assert "SENTINEL" not in str(caught.value)
    assert len(token_requests(installation)) == 1


def test_an_address_where_nobody_is(cf: ModuleRunner) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModuleFailed, match=rf"No answer from http://127\.0\.0\.1:{port}/: .*refused"):
        cf(LOOK, service_instance="orders", api_url=f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"{}", b'{"links": {}}', b'{"links": {"login": {}}}'])
def test_an_address_that_is_no_cloud_foundry(cf: ModuleRunner, body: bytes) -> None:
    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hello)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(ModuleFailed, match="not as a Cloud Foundry with API v3"):
            cf(LOOK, service_instance="orders", api_url=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_certificates_are_verified(authority: Authority, tmp_path: Path) -> None:
    shown = authority.server("127.0.0.1", "localhost")
    with CloudFoundrySim(ssh=False, certificate=(str(shown.cert_file), str(shown.key_file))) as sim:
        space = sim.add_space(sim.add_org("acme"), "prod")
        sim.add_user("me", "pw", {"space_developer": [space]})
        sim.add_user_provided(space, "mine", {})
        run = ModuleRunner({"api_url": sim.api_url, "user": "me", "password": "pw"}, {"HOME": str(tmp_path)})
        with pytest.raises(ModuleFailed, match=r"certificate of https://.* is not trusted.*ca_certs"):
            run(LOOK, service_instance="mine")
        assert "warnings" not in run(LOOK, service_instance="mine", ca_certs=str(authority.ca_file))
        assert "NOT verified" in str(run(LOOK, service_instance="mine", validate_certs=False)["warnings"])
        with pytest.raises(ModuleFailed, match="cannot be used"):
            run(LOOK, service_instance="mine", ca_certs=str(tmp_path / "missing.pem"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"organization": "acne"}, ['no organization "acne"', 'nearest is "acme"', USER]),
        ({"space": "prd"}, ['no space "prd" in the organization "acme"', 'nearest is "prod"']),
        ({"service_instance": "Orders"}, ['no service instance "Orders"', 'nearest is "orders"', "case-sensitive"]),
    ],
)
def test_names_that_are_not_there(cf: ModuleRunner, options: dict[str, str], expected: list[str]) -> None:
    with pytest.raises(ModuleFailed) as caught:
        cf(LOOK, **{"service_instance": "orders", **options})
    assert all(part in str(caught.value) for part in expected), str(caught.value)


def test_names_with_commas_percents_and_umlauts(installation: Installation, cf: ModuleRunner) -> None:
    for name in ("a,b", "50% off", "größe", "plus+plus", "a%2Cb"):
        installation.sim.add_user_provided(installation.space, name, {})
        assert cf(LOOK, service_instance=name)["service_instance"]["name"] == name


def test_two_instances_of_one_name(installation: Installation, cf: ModuleRunner) -> None:
    other = installation.sim.add_space(installation.org, "test")
    twin = installation.sim.add_user_provided(other, "orders", {})
    installation.sim.add_user("both", "pw", {"space_developer": [installation.space, other]})
    as_both = {"user": "both", "password": "pw", "service_instance": "orders"}
    run = ModuleRunner(cf.defaults, {"HOME": str(installation.home)})
    for place in ({}, {"organization": "acme"}):
        with pytest.raises(ModuleFailed, match=r'There are 2 service instances "orders"') as caught:
            run(LOOK, **as_both, **place)
        assert '"prod"' in str(caught.value)
        assert '"test"' in str(caught.value)
    assert run(LOOK, **as_both, organization="acme", space="test")["service_instance"]["guid"] == twin.guid
    assert run(LOOK, **{**as_both, "service_instance": twin.guid})["service_instance"]["guid"] == twin.guid


def test_more_things_than_a_page_holds(installation: Installation, cf: ModuleRunner) -> None:
    for number in range(520):
        installation.sim.add_user_provided(installation.space, f"one-{number}", {})
    with pytest.raises(ModuleFailed, match=r'nearest .*"one-519"'):
        cf(LOOK, service_instance="one-519x")
