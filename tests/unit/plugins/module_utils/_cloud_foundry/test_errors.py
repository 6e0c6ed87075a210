# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud Foundry's errors as sentences, and no token in any of them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.concurrently import for_each
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
    Problem,
    problems_in,
    redact,
    refused,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.session import doing, joined

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
OPAQUE = "6a1f0b2c3d4e5f60718293a4b5c6d7e8-r"


def body(*errors: tuple[int, str, str]) -> bytes:
    entries = [{"code": code, "title": title, "detail": detail} for code, title, detail in errors]
    return json.dumps({"errors": entries}).encode()


def test_cloud_foundrys_own_code_and_title_are_told() -> None:
    error = refused("GET", "/v3/apps?x=y", 404, body((10010, "CF-ResourceNotFound", "App not found")))
    assert str(error) == ("Cloud Foundry answered GET /v3/apps with 404 CF-ResourceNotFound (10010): App not found.")
    assert error.not_found
    assert error.has_code(10010)


def test_several_errors_are_all_told() -> None:
    error = refused("POST", "/v3/x", 422, body((10008, "CF-A", "one."), (10008, "CF-B", "two")))
    assert "CF-A (10008): one; CF-B (10008): two." in str(error)


@pytest.mark.parametrize("content", [b"", b"<html>Bad gateway</html>", b"[]", b'"x"', b"\xff\xfe", b'{"a":1}'])
def test_a_body_that_says_nothing(content: bytes) -> None:
    assert str(refused("GET", "/v3/x", 502, content)) == (
        "Cloud Foundry answered GET /v3/x with HTTP status 502 and no explanation."
    )


def test_other_dialects() -> None:
    uaa = problems_in(b'{"error":"unauthorized","error_description":"Bad credentials"}')
    assert [str(problem) for problem in uaa] == ["unauthorized: Bad credentials"]
    v2 = problems_in(b'{"code":1000,"error_code":"CF-InvalidAuthToken","description":"Invalid Auth Token"}')
    assert [str(problem) for problem in v2] == ["CF-InvalidAuthToken (1000): Invalid Auth Token"]


@pytest.mark.parametrize("token", [JWT, OPAQUE, "abcdefghijklmnop"])
def test_no_token_in_the_uaas_words(token: str) -> None:
    content = json.dumps(
        {"error": "invalid_token", "error_description": f"Invalid refresh token (expired): {token} expired at Mon"}
    ).encode()
    assert token not in str(problems_in(content)[0])
    assert "expired" in str(problems_in(content)[0])


def test_redact_takes_out_what_it_is_told() -> None:
    assert redact("user said hunter2, hunter2", ["hunter2", None, ""]) == "user said ***, ***"


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (409, Problem(60016, "CF-AsyncServiceInstanceOperationInProgress", "An operation for service instance x.")),
        (409, Problem(90008, "CF-AsyncServiceBindingOperationInProgress", "An operation.")),
        (422, Problem(10008, "CF-UnprocessableEntity", "There is an operation in progress for the service instance.")),
        (422, Problem(10008, "CF-UnprocessableEntity", "There is an operation in progress for the service binding.")),
    ],
)
def test_what_waiting_helps_against(status: int, problem: Problem) -> None:
    assert CloudFoundryError("x", status=status, problems=[problem]).in_progress


def test_what_waiting_does_not_help_against() -> None:
    taken = Problem(10008, "CF-UnprocessableEntity", "The app is already bound to the service instance")
    assert not CloudFoundryError("x", status=422, problems=[taken]).in_progress


def test_doing_tells_what_failed_and_which_role_is_missing() -> None:
    forbidden = refused("POST", "/v3/x", 403, body((10003, "CF-NotAuthorized", "You are not authorized")))
    with pytest.raises(CloudFoundryError) as caught, doing("bind the app", role='Space Developer in the space "prod"'):
        raise forbidden
    assert str(caught.value) == (
        "Could not bind the app. Cloud Foundry answered POST /v3/x with 403 CF-NotAuthorized (10003): You are not "
        "authorized. The login needs the role Space Developer in the space \"prod\"; 'cf set-space-role' gives it."
    )
    assert caught.value.forbidden


def test_doing_tells_it_once() -> None:
    with pytest.raises(CloudFoundryError) as caught, doing("outer"), doing("inner"):
        raise CloudFoundryError("It broke.")
    assert str(caught.value) == "Could not inner. It broke."


def test_what_fails_does_not_keep_others_from_being_done() -> None:
    done: list[int] = []

    def odd_only(number: int) -> int:
        if number % 2 == 0:
            raise CloudFoundryError(f"No {number}.", hint="Use odd ones.")
        done.append(number)
        return number

    outcome = for_each(range(6), odd_only, 3)
    assert sorted(done) == [1, 3, 5]
    with pytest.raises(CloudFoundryError) as caught:
        outcome.raise_errors("3 of 6 are done")
    assert str(caught.value) == "No 0. No 2. No 4. (3 of 6 are done.) Use odd ones."


def test_values_with_commas_are_encoded_once_more() -> None:
    assert joined(["a,b", "100%", "plain"]) == "a%2Cb,100%25,plain"
