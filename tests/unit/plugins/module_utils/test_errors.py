# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of others holds nothing that a terminal obeys, wherever it comes in."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.apps import described
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import refused
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.resources import (
    app_of,
    instance_of,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import (
    RedisMigrationError,
    printable,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.listing import Failure
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.clients import parse_client_list
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import parse_info
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.settings import _text

HOSTILE = {
    "ESC": ("\x1b[31mred", "\\x1b[31mred"),
    "BEL": ("\x07", "\\x07"),
    "OSC": ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    "CSI of C1": ("\x9b31m", "\\x9b31m"),
    "NEL": ("a\x85b", "a\\x85b"),
    "right to left": ("a\u202eb", "a\\u202eb"),
    "isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "invisible": ("a\u200bb", "a\\u200bb"),
    "tag": ("\U000e0041", "\\U000e0041"),
    "line": ("a\nb\rc\u2028d", "a\\x0ab\\x0dc\\u2028d"),
    "surrogate": ("\ud800", "\\ud800"),
    "letters": ("Ümläut アプリ 🚀 \\ '\"", "Ümläut アプリ 🚀 \\ '\""),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_a_terminal_obeys_becomes_an_escape(kind: str) -> None:
    text, shown = HOSTILE[kind]
    assert printable(text) == shown
    assert printable(shown) == shown


@given(st.text())
def test_nothing_else_is_left(text: str) -> None:
    assert not [char for char in printable(text) if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def test_lines_of_a_message_stay_and_nothing_else() -> None:
    error = RedisMigrationError("one\ntwo\x1b[2J", hint="\x07try")
    assert str(error) == "one\ntwo\\x1b[2J \\x07try"
    assert error.message == error.args[0] == "one\ntwo\\x1b[2J"


EVIL = "a\x1b[31mb\u202ec"
SHOWN = "a\\x1b[31mb\\u202ec"
RESOURCE: dict[str, Any] = {"guid": "g", "name": EVIL}


def test_names_and_texts_of_cloud_foundry() -> None:
    assert str(app_of(RESOURCE)) == f'the app "{SHOWN}"'
    assert str(instance_of(RESOURCE)) == f'the service instance "{SHOWN}"'
    body = b'{"errors": [{"code": 1, "title": "CF-X", "detail": "a\\u001b[31mb\\u202ec"}]}'
    assert SHOWN in str(refused("GET", "/v3/apps", 422, body))
    crashed = [{"type": "web", "wanted": 1, "instances": [{"index": 0, "state": "CRASHED", "details": EVIL}]}]
    assert SHOWN in str(RedisMigrationError(described(crashed)))


def test_texts_of_a_server() -> None:
    assert parse_info(f"# Server\r\nredis_version:{EVIL}\r\n".encode())["redis_version"] == SHOWN
    assert _text([b"maxmemory-policy", EVIL.encode()]) == SHOWN
    (client,) = parse_client_list(f"id=3 addr=10.0.0.1:1 name={EVIL} user={EVIL} cmd=get\n".encode())
    assert (client.name, client.user) == (SHOWN, SHOWN)
    assert Failure(0, EVIL.encode(), "string", EVIL, EVIL).as_dict() == {
        "database": 0,
        "key": "a\\x1b[31mb\\xe2\\x80\\xaec",
        "key_base64": "YRtbMzFt" + "YuKArmM=",
        "type": "string",
        "reason": SHOWN,
        "hint": SHOWN,
    }
