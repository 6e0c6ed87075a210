# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIENT LIST of several versions, and rules on clients."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import CommandRefused
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.clients import (
    Client,
    Rule,
    other_clients,
    parse_client_list,
)

OLD = b"id=3 addr=10.0.0.7:1234 fd=8 name= age=12 idle=3 flags=N db=4 sub=0 psub=0 multi=-1 qbuf=26 omem=0 events=r cmd=get\n"
NEW = (
    b"id=7 addr=[::1]:6380 laddr=[::1]:6379 fd=9 name=shop age=1 idle=0 flags=b db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 "
    b"qbuf=0 tot-mem=22298 events=r cmd=xgroup|create user=writer redir=-1 resp=2 lib-name=redis-py(a_v1) lib-ver=8.1.0\n"
)
SOCKET = b"id=8 addr=/tmp/with a space/redis.sock:0 fd=10 name=x age=0 idle=0 flags=U db=0 cmd=client user=default\n"


def test_versions() -> None:
    old, new = parse_client_list(OLD + NEW)
    assert old == Client(3, "10.0.0.7:1234", "", "", 4, 12, 3, "N", "get")
    assert new == Client(7, "[::1]:6380", "shop", "writer", 0, 1, 0, "b", "xgroup|create")
    assert str(old) == "10.0.0.7:1234"
    assert str(new) == "[::1]:6380 'shop' as writer"
    assert new.as_dict()["command"] == "xgroup|create"


def test_a_path_with_a_space() -> None:
    (client,) = parse_client_list(SOCKET)
    assert client.address == "/tmp/with a space/redis.sock:0"
    assert client.name == "x"


def test_nothing_connected() -> None:
    assert parse_client_list("") == []


@pytest.mark.parametrize(
    ("flags", "name", "server"),
    [
        ("N", "", False),
        ("S", "", True),
        ("M", "", True),
        ("O", "", False),
        ("N", "sentinel-0123abcd-cmd", True),
        ("P", "sentinel-0123abcd-pubsub", True),
        ("N", "sentinel-shop", False),
    ],
)
def test_what_belongs_to_the_service(flags: str, name: str, server: bool) -> None:
    assert Client(1, "a:1", name, "default", 0, 0, 0, flags, "ping").is_server is server


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (Rule(address="10.0.0.*"), True),
        (Rule(address="10.0.0.7"), False),
        (Rule(name="sh?p"), True),
        (Rule(name="SHOP"), False),
        (Rule(user="writer", address="10.*"), True),
        (Rule(user="writer", address="11.*"), False),
    ],
)
def test_rules(rule: Rule, covered: bool) -> None:
    assert rule.covers(Client(1, "10.0.0.7:1234", "shop", "writer", 0, 0, 0, "N", "get")) is covered


class _Asked:
    """Answers CLIENT LIST and CLIENT ID as a server does."""

    def __init__(self, listing: bytes, own: int | None) -> None:
        self._listing = listing
        self._own = own

    def execute_command(self, *args: str) -> object:
        if args == ("CLIENT", "LIST"):
            return self._listing
        assert args == ("CLIENT", "ID")
        if self._own is None:
            raise CommandRefused("NOPERM")
        return self._own


def test_foreign_are_neither_the_asking_one_nor_ours() -> None:
    ours = NEW.replace(b"name=shop", b"name=dataservices.redis_migration").replace(b"id=7", b"id=9")
    assert [one.id for one in other_clients(_Asked(OLD + NEW + ours, 3))] == [7]
    assert [one.id for one in other_clients(_Asked(OLD + NEW + ours, None))] == [3, 7]
    assert other_clients(_Asked(OLD + NEW, 3), [Rule(name="shop")]) == []
