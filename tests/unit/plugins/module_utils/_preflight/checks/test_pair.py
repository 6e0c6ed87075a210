# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight's rules that no server at hand breaks: old versions, modules, clocks; and its words and dates."""

from __future__ import annotations

import dataclasses
import datetime
import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.certificate import validity_end
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import features, pair
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import server as ends
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.finding import (
    Finding,
    accepted,
    fail,
    human,
    listed,
    ok,
    plural,
    warn,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.permissions import (
    acl_rules,
    needs,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import (
    Question,
    Side,
    Situation,
    parse_modules,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.dry_run import (
    FALLBACK,
    HELPFUL,
    REQUIRED,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.eligibility import mode_problem
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server, parse_info


def server(version: str, flavor: str = "redis", **fields: Any) -> Server:
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Server)}
    values.update(flavor=flavor, version=version, mode="standalone", role="master", databases={})
    return Server(**{**values, **fields})


def situation() -> Situation:
    end = {"host": "somewhere"}
    sides = Side("source", end), Side("target", end)
    return Situation(Question(end, end, Selection()), *sides)


@pytest.mark.parametrize(
    ("version", "flavor", "source", "target"),
    [
        ("3.2.12", "redis", "fail", "fail"),
        ("4.0.14", "redis", "ok", "fail"),
        ("5.0.14", "redis", "ok", "ok"),
        ("8.2.3", "redis", "ok", "ok"),
        ("7.2.4", "valkey", "ok", "ok"),
    ],
)
def test_versions(version: str, flavor: str, source: str, target: str) -> None:
    known = situation()
    for side, status in ((known.source, source), (known.target, target)):
        side.server = server(version, flavor)
        verdict = ends.version(known, side)
        assert verdict.status == status
        assert version in verdict.message


def test_a_sentinel_is_no_server() -> None:
    endpoint = parse_endpoint({"host": "somewhere"}, "source")
    assert "Sentinel" in str(mode_problem(endpoint, server("7.0.0", mode="sentinel")))
    assert mode_problem(endpoint, server("7.0.0")) is None


def test_modules() -> None:
    known = situation()
    known.source.modules = {"ReJSON": 20_008, "vectorset": 1}
    verdict = features.modules(known)
    assert verdict.status == "fail"
    assert "ReJSON" in verdict.message
    assert "vectorset" not in verdict.message
    known.target.modules = {"ReJSON": 10_007, "vectorset": 1}
    assert features.modules(known).status == "warn"
    known.target.modules = {"ReJSON": 20_008}
    assert features.modules(known).status == "ok"


def test_modules_are_read_from_info() -> None:
    text = "# Modules\r\nmodule:name=ReJSON,ver=20008,api=1\r\nmodule:name=search,ver=21005,api=1\r\n"
    assert parse_modules(text) == {"ReJSON": 20_008, "search": 21_005}


@pytest.mark.parametrize(
    ("source", "target", "status", "words"),
    [
        (0, 900, "ok", "agree"),
        (5000, 5100, "ok", "agree"),
        (0, 3200, "warn", "3.2 s ahead of"),
        (1500, -1500, "warn", "3.0 s behind"),
    ],
)
def test_clocks(source: float, target: float, status: str, words: str) -> None:
    known = situation()
    known.source.clock_ahead_ms, known.target.clock_ahead_ms = source, target
    verdict = pair.clocks(known)
    assert verdict.status == status
    assert words in verdict.message


def test_a_long_way_makes_no_skewed_clock() -> None:
    known = situation()
    known.target.clock_ahead_ms, known.target.round_trip_ms = 1100, 400
    assert pair.clocks(known).status == "ok"


def test_trouble_with_a_disk() -> None:
    known = situation()
    known.source.info = parse_info("rdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\n")
    assert ends.state(known, known.source).status == "warn"
    known.target.info = known.source.info
    assert ends.state(known, known.target).status == "fail"
    known.target.info = parse_info("rdb_bgsave_in_progress:1\r\n")
    assert "saves a snapshot" in ends.state(known, known.target).message


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2099])
@pytest.mark.parametrize("name", ["x", "n" * 60])
def test_the_end_of_a_certificate(year: int, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = datetime.datetime(year, 12, 24, 18, 30, 5, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    der = ssl.PEM_cert_to_DER_cert(certificate.public_bytes(serialization.Encoding.PEM).decode())
    assert validity_end(der) == end


def test_accepting() -> None:
    found = accepted(Finding("formats", fail("It does not fit.", "Do something.")))
    assert found.verdict.status == "warn"
    assert "Accepted as told" in found.verdict.message
    for verdict in (ok("Fine."), warn("Hm.", "Look.")):
        assert accepted(Finding("formats", verdict)).verdict == verdict


def test_words() -> None:
    assert [plural(number, "key") for number in (0, 1, 2)] == ["0 keys", "1 key", "2 keys"]
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    sizes = [0, 1023, 1024, 1536, 5 * 1024**2, 3 * 1024**3, 5000 * 1024**3]
    assert [human(size) for size in sizes] == [
        "0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 GiB", "5000.0 GiB"
    ]  # fmt: skip


# -- the table of permissions -------------------------------------------------------------------------------------


def test_each_command_once_by_its_highest_level() -> None:
    wanted = needs("target", server("8.2.3"), strategy="rebuild", prune=True)
    assert len({need.command for need in wanted}) == len(wanted)
    levels = {need.command: need.level for need in wanted}
    assert (levels["RENAMENX"], levels["SCAN"], levels["CLIENT LIST"]) == (REQUIRED, REQUIRED, HELPFUL)
    levels = {need.command: need.level for need in needs("target", server("8.2.3"), strategy="copy")}
    assert (levels["RENAMENX"], levels["RESTORE"]) == (FALLBACK, REQUIRED)


def test_only_commands_that_the_version_has() -> None:
    old = {need.command for need in needs("source", server("6.2.14"), strategy="copy")}
    new = {need.command for need in needs("source", server("8.2.3"), strategy="copy")}
    assert "PTTL" in old
    assert "PEXPIRETIME" not in old
    assert {"PEXPIRETIME", "HPEXPIRETIME", "FUNCTION LIST"} <= new
    assert "PTTL" not in new


def test_nothing_is_written_at_the_source() -> None:
    for strategy in ("copy", "rebuild"):
        assert not [need for need in needs("source", server("8.2.3"), strategy=strategy, prune=True) if need.writes]


def test_rules_of_an_acl_user() -> None:
    rules = acl_rules("source", server("8.2.3"), strategy="migrate")
    assert {"+migrate", "+memory|usage", "+xinfo|stream"} <= set(rules)
    assert "+client|list" not in rules
    assert "+watch" in rules
    assert "+watch" not in acl_rules("source", server("8.2.3"), strategy="migrate", fallback=False)
