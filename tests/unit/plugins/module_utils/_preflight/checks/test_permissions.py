# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of a server's answers about the commands of a user (ACL DRYRUN)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import CommandRefused
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks.permissions import (
    permissions,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.finding import Verdict
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Sampled
from tests.support.sides import a_server, a_side, a_situation

DENIED = "User x has no permissions to run the '{}' command"
NO_KEY = "User x has no permissions to access the '{}' key"


class Answers:
    """A client whose server permits all commands but those in ``refused``."""

    def __init__(self, refused: dict[str, str]) -> None:
        self._refused = refused
        self.asked: set[Any] = set()

    def scan(self, _cursor: int, count: int) -> tuple[int, list[bytes]]:
        return 0, [b"key%d" % number for number in range(count + 1)]

    def execute_command(self, _acl: str, _dryrun: str, user: str, command: str, *args: Any) -> bytes:
        assert user == "default"
        self.asked.update(args)
        refusal = self._refused.get(command)
        if refusal == "unknown":
            raise CommandRefused("ERR Command 'x' not found")
        return refusal.format(command.lower()).encode() if refusal else b"OK"


def look(
    refused: dict[str, str], *, role: str = "source", size: int = 1, target: str = "7.2.4", **keys: Any
) -> Verdict:
    sides = a_side("source", a_server(keys=1)), a_side("target", a_server(target))
    known = a_situation(*sides, strategy="copy", **keys)
    known.sizes = [Sampled(size, 0, b"key")]
    side = sides[role == "target"]
    answers: Any = Answers(refused)
    side.client = answers
    known.source.client = known.source.client or answers
    verdict = permissions(known, side)
    assert len([arg for arg in answers.asked if isinstance(arg, bytes) and arg.startswith(b"key")]) == 10
    return verdict


@pytest.mark.parametrize("role", ["source", "target"])
def test_all_permitted(role: str) -> None:
    verdict = look({}, role=role)
    assert verdict.status == "ok"
    assert verdict.message.startswith(f"User 'default' of the {role} may use all ")


def test_a_command_that_is_needed_is_denied() -> None:
    verdict = look({"DUMP": DENIED})
    assert verdict.status == "fail"
    assert "may not use 1 command that strategy 'copy' or the comparison needs: DUMP." in verdict.message
    assert "The server says: User x has no permissions to run the 'dump' command." in verdict.message
    assert "+dump" in verdict.next_step
    assert "2 commands" in look({"DUMP": DENIED, "SCAN": DENIED}).message


def test_keys_that_are_out_of_reach_are_no_missing_command() -> None:
    verdict = look({"DUMP": NO_KEY, "TYPE": NO_KEY})
    assert verdict.status == "fail"
    assert "but not for every key" in verdict.message
    assert "may not use 2 commands" in look({"DUMP": NO_KEY, "TYPE": DENIED}).message


def test_no_permission_helps_where_the_server_does_not_know_a_command() -> None:
    verdict = look({"DUMP": "unknown", "SCAN": DENIED})
    assert verdict.status == "fail"
    assert verdict.message == "The source does not know DUMP, which the run needs."


def test_what_only_large_keys_need_is_a_warning() -> None:
    verdict = look({"RENAME": DENIED}, role="target")
    assert verdict.status == "warn"
    assert "may not use RENAME, which large keys and keys that RESTORE refuses need" in verdict.message


def test_what_only_helps_may_be_denied() -> None:
    verdict = look({"MODULE": DENIED})
    assert verdict.status == "ok"
    assert "only helpful, and denied: MODULE LIST" in verdict.message
    assert look({"MODULE": "unknown"}).message.endswith("commands that are needed.")


@pytest.mark.parametrize(
    ("size", "target", "status"),
    [(2 * 1024 * 1024, "7.2.4", "warn"), (2 * 1024 * 1024 + 1, "7.2.4", "fail"), (1, "7.0.15", "fail")],
    ids=["no large key", "a large key", "an older target"],
)
def test_transactions_are_needed_where_a_key_is_known_to_be_rebuilt(size: int, target: str, status: str) -> None:
    assert look({"EXEC": DENIED}, role="target", size=size, target=target).status == status
