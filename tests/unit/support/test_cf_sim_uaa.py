# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's UAA answers each grant, refusal and expiry as UAA does."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.certs import Authority
from tests.support.cf_sim import CloudFoundrySim
from tests.support.cf_sim.raw import Cf, send, token

PASSWORD_GRANT = {"grant_type": "password", "username": "me", "password": "secret"}


@pytest.fixture
def sim() -> Iterator[CloudFoundrySim]:
    with CloudFoundrySim(ssh=False) as found:
        space = found.add_space(found.add_org("acme"), "dev")
        found.add_user("me", "secret", {"space_developer": [space]})
        found.add_user("me", "corporate", {"space_developer": [space]}, origin="ldap")
        found.add_client("robot", "oil", {"space_developer": [space]})
        yield found


def _claims(access_token: str) -> dict[str, object]:
    payload = access_token.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert isinstance(found, dict)
    return found


def test_a_password_gives_a_readable_token_and_a_refresh_token_that_rotates(sim: CloudFoundrySim) -> None:
    first = token(sim, PASSWORD_GRANT).json
    claims = _claims(first["access_token"])
    assert (claims["user_name"], claims["origin"], claims["cid"]) == ("me", "uaa", "cf")
    assert first["token_type"] == "bearer" and first["jti"] == claims["jti"] and first["expires_in"] == 599
    renewal = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = token(sim, renewal).json
    assert second["refresh_token"] != first["refresh_token"]
    again = token(sim, renewal)
    assert (again.status, again.json["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("form", "client", "query", "status"),
    [
        (PASSWORD_GRANT, "cf:", "", 200),
        ({**PASSWORD_GRANT, "password": "wrong"}, "cf:", "", 401),
        ({**PASSWORD_GRANT, "username": "nobody"}, "cf:", "", 401),
        (PASSWORD_GRANT, "cf:wrong", "", 401),
        ({**PASSWORD_GRANT, "password": "corporate"}, "cf:", "", 401),
        ({**PASSWORD_GRANT, "password": "corporate"}, "cf:", "?login_hint=%7B%22origin%22%3A%22ldap%22%7D", 200),
        ({**PASSWORD_GRANT, "password": "corporate", "login_hint": '{"origin":"ldap"}'}, "cf:", "", 200),
        ({**PASSWORD_GRANT, "login_hint": '{"origin":"nowhere"}'}, "cf:", "", 401),
        ({"grant_type": "client_credentials"}, "robot:oil", "", 200),
        ({"grant_type": "client_credentials", "client_id": "robot", "client_secret": "oil"}, "", "", 200),
        ({"grant_type": "client_credentials", "client_id": "robot", "client_secret": "rust"}, "", "", 401),
        ({"grant_type": "client_credentials"}, "cf:", "", 401),
        ({"grant_type": "magic"}, "cf:", "", 400),
    ],
)
def test_grants(sim: CloudFoundrySim, form: dict[str, str], client: str, query: str, status: int) -> None:
    answer = token(sim, form, client=client, query=query)
    assert answer.status == status
    if status != 200:
        assert set(answer.json) == {"error", "error_description"}
    elif form["grant_type"] == "client_credentials":
        assert "refresh_token" not in answer.json and "user_name" not in _claims(answer.json["access_token"])


def test_too_many_wrong_passwords_lock_the_account(sim: CloudFoundrySim) -> None:
    for _attempt in range(10):
        token(sim, {**PASSWORD_GRANT, "password": "wrong"})
    assert "locked" in token(sim, PASSWORD_GRANT).json["error_description"]


def test_tokens_expire_by_time_by_count_and_by_revocation(sim: CloudFoundrySim) -> None:
    def asked(cf: Cf) -> tuple[int, int]:
        answer = cf("GET", "/v3/organizations")
        return answer.status, answer.json["errors"][0]["code"] if answer.status == 401 else 0

    sim.uaa.token_lifetime = 0
    assert asked(Cf(sim, "me", "secret")) == (401, 1000)
    sim.uaa.token_lifetime = 600
    cf = Cf(sim, "me", "secret")
    sim.faults.expire_tokens_after(1)
    assert [asked(cf), asked(cf), asked(cf)] == [(200, 0), (401, 1000), (401, 1000)]
    cf = Cf(sim, "me", "secret")
    assert asked(cf) == (200, 0)
    sim.uaa.revoke_everything()
    assert asked(cf) == (401, 1000)
    renewal = {"grant_type": "refresh_token", "refresh_token": cf.tokens["refresh_token"]}
    assert token(sim, renewal).status == 401
    cf.tokens["access_token"] += "x"  # forged
    assert asked(cf) == (401, 1000)
    assert send("GET", f"{sim.api_url}/v3/apps").json["errors"][0]["code"] == 10002


def test_a_one_time_code_comes_as_a_redirect_and_works_once(sim: CloudFoundrySim) -> None:
    cf = Cf(sim, "me", "secret")
    ask = f"{sim.uaa_url}/oauth/authorize?response_type=code&client_id=ssh-proxy"
    answer = cf("GET", ask)
    assert answer.status == 302
    code = answer.headers["Location"].partition("?code=")[2]
    principal = sim.uaa.redeem(code)
    assert principal is not None and principal.name == "me"
    assert sim.uaa.redeem(code) is None
    assert send("GET", ask).status == 401
    assert all(code not in f"{entry}" for entry in sim.requests)


def test_https_with_a_given_certificate(authority: Authority) -> None:
    certificate = authority.server("127.0.0.1")
    with CloudFoundrySim(ssh=False, certificate=(str(certificate.cert_file), str(certificate.key_file))) as sim:
        assert sim.api_url.startswith("https://127.0.0.1:") and sim.uaa_url.startswith("https://")
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        with urllib.request.urlopen(f"{sim.api_url}/v3", context=context, timeout=10) as answer:
            assert json.load(answer)["links"]["self"]["href"] == f"{sim.api_url}/v3"
