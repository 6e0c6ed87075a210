# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that hold more, less or something else than an RDB file does are refused, or what is special about them is said."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.crc64 import crc64
from tests.conftest import ServerFactory, soak
from tests.support import backups
from tests.support.run import ModuleRun, run_module
from tests.support.servers import RedisServer, ServerError

# The number of "ReJSON-RL" in version 3: nine characters of six bits each, and ten bits.
_JSON = "ReJSON-RL"
_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _restore(target: RedisServer, file: Path, **options: Any) -> ModuleRun:
    return run_module("redis_restore", endpoint=target.endpoint(), src=str(file), **options)


def _file(*parts: bytes, version: int = 9) -> bytes:
    """An RDB file with this in it."""
    body = format.header(version) + b"".join(parts) + bytes((format.END,))
    return body + crc64(body).to_bytes(8, "little")


def _key(kind: int, key: bytes, value: bytes) -> bytes:
    return bytes((kind,)) + format.string(key) + value


def _append_only(server: RedisServer) -> Path:
    """The append-only file of a server with old values in its first part and what became of them behind it."""
    client = server.client()
    client.mset({"changed": "old", "deleted": "old", "kept": "old"})
    before = client.info("persistence")["aof_current_size"]
    client.bgrewriteaof()
    while client.info("persistence")["aof_rewrite_in_progress"] or client.info("persistence")["aof_rewrite_scheduled"]:
        pass
    assert client.info("persistence")["aof_current_size"] != before
    client.set("changed", "new")
    client.delete("deleted")
    server.stop(save=True)
    (file,) = [path for path in server.directory.rglob("*.aof") if path.name != "appendonly.aof.manifest"][:1]
    return file


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_append_only_file_that_begins_as_an_rdb_file_is_refused(
    packed: bool, redis_server: ServerFactory, tmp_path: Path
) -> None:
    source = redis_server("redis-6.2", config={"appendonly": "yes", "aof-use-rdb-preamble": "yes"})
    target = redis_server("redis-6.2")
    whole = _append_only(source).read_bytes()
    assert whole.startswith(b"REDIS0009")
    file = tmp_path / "appendonly.aof"
    file.write_bytes(gzip.compress(whole) if packed else whole)

    run = _restore(target, file)

    assert "append-only file" in run.message
    assert "into a server of its own" in run.message
    assert "redis_migrate_keys" in run.message
    assert target.client().dbsize() == 0
    # Even if nobody had said so at its beginning: commands follow behind the end.
    file.write_bytes(_file(_key(0, b"changed", b"\3old")) + b"*3\r\n$3\r\nSET\r\n$7\r\nchanged\r\n$3\r\nnew\r\n")
    assert "append-only file" in _restore(target, file).message
    assert target.client().dbsize() == 0


def test_the_base_of_a_newer_append_only_file_is_refused(redis_server: ServerFactory) -> None:
    """Since Redis 7 it is a file by itself; what happened since lies in others beside it."""
    source = redis_server("redis-7.0", config={"appendonly": "yes"})
    target = redis_server("redis-7.0")
    directory = _append_only(source).parent
    (base,) = directory.glob("*.base.rdb")
    (manifest,) = directory.glob("*.manifest")
    (increment,) = directory.glob("*.incr.aof")

    for file in (base, manifest, increment):
        run = _restore(target, file)
        assert "append-only file" in run.message
        assert "into a server of its own" in run.message
    assert target.client().dbsize() == 0


def test_bytes_behind_the_end_are_an_error(redis_server: ServerFactory, tmp_path: Path) -> None:
    target = redis_server()
    whole = _file(_key(0, b"a", b"\1x"))
    file = tmp_path / "dump.rdb"

    def message(content: bytes, **options: Any) -> str:
        file.write_bytes(content)
        return _restore(target, file, **options).message

    def encrypted(plain: bytes) -> bytes:
        command = ["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "pass:secret"]
        return subprocess.run(command, input=plain, capture_output=True, check=True).stdout

    for more in (b"\n", b"\0" * 40, whole):
        assert "goes on behind its end" in message(whole + more)
        assert f"at byte {len(whole)}" in message(whole + more)
        assert "goes on behind its end" in message(gzip.compress(whole + more))
        assert "goes on behind its end" in message(gzip.compress(whole) + gzip.compress(more))
        assert "goes on behind its end" in message(encrypted(whole + more), encryption_password="secret")
        assert message(gzip.compress(whole) + b"more")
        assert message(encrypted(whole) + b"more", encryption_password="secret")
    # The same where a file has no checksum.
    old = format.header(3) + _key(0, b"a", b"\1x") + b"\xff"
    assert "goes on behind its end" in message(old + b"\0" * 8)
    assert target.client().dbsize() == 0
    file.write_bytes(old)
    assert _restore(target, file).ok["totals"]["restored"] == 1


def _module_data(name: str) -> bytes:
    """What a module keeps outside of keys, before all of them."""
    number = 0
    for character in name:
        number = number << 6 | _CHARACTERS.index(character)
    number = number << 10 | 3
    return bytes((format.MODULE_AUX,)) + b"\x81" + number.to_bytes(8, "big") + b"\2\1" + b"\5\3abc" + b"\0"


def test_data_of_modules_outside_of_keys_stops_the_restore_unless_told(
    redis_server: ServerFactory, tmp_path: Path
) -> None:
    target = redis_server("redis-7.0")
    file = tmp_path / "dump.rdb"
    file.write_bytes(_file(_module_data(_JSON), _module_data(_JSON), _key(0, b"a", b"\1x")))

    for check in (False, True):
        run = _restore(target, file, check=check)
        assert "The module ReJSON-RL keeps data outside of keys" in run.message
        assert "'module_data: skip'" in run.message
        assert target.client().dbsize() == 0

    done = _restore(target, file, module_data="skip").ok
    assert done["totals"]["restored"] == 1
    assert done["backup"]["module_data"] == ["ReJSON-RL"]
    (warning,) = [str(text) for text in done["warnings"] if "ReJSON-RL" in str(text)]
    assert "left out" in warning
    # What a server says to the same file.
    with pytest.raises(ServerError, match=_JSON):
        backups.load(target, file)


# Each encoding of a collection, without an element: list, set, sorted sets, hash; zipmap, intset, ziplists; lists of nodes.
_INTSET = b"\x02\0\0\0" + bytes(4)
_ZIPLIST = b"\x0b\0\0\0" + b"\x0a\0\0\0" + b"\0\0" + b"\xff"
_LISTPACK = b"\x07\0\0\0" + b"\0\0" + b"\xff"
_EMPTY = [
    *((kind, b"\0") for kind in (1, 2, 3, 4, 5, 14)),
    *((kind, format.string(_ZIPLIST)) for kind in (10, 12, 13)),
    (9, format.string(b"\0\xff")),
    (11, format.string(_INTSET)),
    (14, b"\2" + format.string(_ZIPLIST) * 2),
    *((kind, format.string(_LISTPACK)) for kind in (16, 17, 20)),
    (18, b"\1\2" + format.string(_LISTPACK)),
    (18, b"\0"),
]


@pytest.mark.parametrize("server", ["redis-6.2", "redis-7.0", "redis-8.2"])
def test_keys_without_an_element_are_skipped_as_servers_do(
    server: str, redis_server: ServerFactory, tmp_path: Path
) -> None:
    target = redis_server(server)
    file = tmp_path / "dump.rdb"
    known = [(kind, value) for kind, value in _EMPTY if server == "redis-8.2" or kind < (15 if "6" in server else 20)]
    version = {"redis-6.2": 9, "redis-7.0": 10, "redis-8.2": 12}[server]
    full = [_key(1, b"full", b"\1\1x"), _key(0, b"text", b"\0")]
    keys = [_key(kind, b"empty %d" % number, value) for number, (kind, value) in enumerate(known)]
    # Servers since 7.0 take a zipmap or intset without an element for damage.
    loadable = [key for key in keys if key[0] not in (9, 11)]
    file.write_bytes(_file(*keys, *full, version=version))

    for check in (True, False):
        done = _restore(target, file, check=check).ok
        assert done["totals"] == {
            "scanned": len(keys) + 2,
            "restored": 2,
            "skipped": 0,
            "expired": 0,
            "empty": len(keys),
            "failed": 0,
        }
        assert any(f"{len(keys)} keys" in str(text) and "'empty 0'" in str(text) for text in done["warnings"])
    assert set(target.client().keys()) == {b"full", b"text"}
    if server != "redis-6.2":
        # 6.2 keeps some of them as keys that nobody can use.
        file.write_bytes(_file(*loadable, *full, version=version))
        assert set(backups.load(redis_server(server), file).client().keys()) == {b"full", b"text"}


@pytest.mark.parametrize("server", ["redis-6.2", "redis-8.2"])
def test_a_value_that_makes_no_sense_spares_the_others(
    server: str, redis_server: ServerFactory, tmp_path: Path
) -> None:
    """A field without a value, which the server refuses, and which cannot be made by commands either."""
    target = redis_server(server, config={} if server == "redis-6.2" else {"sanitize-dump-payload": "yes"})
    file = tmp_path / "dump.rdb"
    pack = b"\x0e\0\0\0\1\0\x85field\6\xff"
    file.write_bytes(_file(_key(16, b"odd", format.string(pack)), _key(1, b"list", b"\1\1x"), version=10))

    run = _restore(target, file)

    assert "1 of 2 keys could not be restored" in run.message
    assert "make no sense" in run.result["failures"][0]["reason"]
    assert target.client().keys() == [b"list"]


@pytest.mark.parametrize("server", ["redis-7.0", soak("redis-6.2")])
def test_expiries_are_taken_as_servers_take_them(redis_server: ServerFactory, server: str, tmp_path: Path) -> None:
    """-1 milliseconds is no expiry; 0 and all that is below have passed, also where RESTORE takes 0 for none."""
    value = format.string(b"v")
    expiries = {
        b"never": bytes((format.EXPIRY_MS,)) + b"\xff" * 8,
        b"below": bytes((format.EXPIRY_MS,)) + b"\xf0" + b"\xff" * 7,
        b"zero": bytes((format.EXPIRY_MS,)) + bytes(8),
        b"zero seconds": bytes((format.EXPIRY_SECONDS,)) + bytes(4),
        b"seconds below": bytes((format.EXPIRY_SECONDS,)) + b"\xff" * 4,
    }
    keys = [expiry + _key(format.STRING, key, value) for key, expiry in expiries.items()]
    file = tmp_path / "dump.rdb"
    file.write_bytes(_file(b"\xfe\x00", *keys))
    target = redis_server(server)
    done = _restore(target, file).ok
    assert done["totals"]["restored"] == 1 and done["totals"]["expired"] == 4
    assert target.client().keys() == [b"never"] and target.client().pttl("never") == -1
    # The server itself takes the file alike.
    assert backups.load(target, file).client().keys() == [b"never"]


def test_a_key_that_the_file_has_twice_is_named_as_such(redis_server: ServerFactory, tmp_path: Path) -> None:
    file = tmp_path / "dump.rdb"
    keys = [_key(format.STRING, b"twice", format.string(value)) for value in (b"first", b"second")]
    file.write_bytes(_file(b"\xfe\x00", *keys, _key(format.STRING, b"once", format.string(b"v"))))
    target = redis_server("redis-7.0")
    (failure,) = _restore(target, file).result["failures"]
    assert failure["key"] == "twice"
    assert failure["reason"] == "the file has this key more than once; its first value was restored"
    assert "Somebody else" not in failure["hint"]


@pytest.mark.parametrize("kind", [format.STRING, format.LIST])
def test_a_string_that_claims_to_be_enormous_is_damaged(redis_server: ServerFactory, kind: int, tmp_path: Path) -> None:
    """A few compressed bytes that would become 2 GB."""
    bomb = b"\xc3\x02\x80\x7f\xff\xff\xff\x00\x41"
    file = tmp_path / "dump.rdb"
    file.write_bytes(_file(b"\xfe\x00", _key(kind, b"bomb", bomb if kind == format.STRING else b"\x01" + bomb)))
    (failure,) = _restore(redis_server("redis-7.0"), file).result["failures"]
    assert "a string claims to have 2147483647 bytes" in failure["reason"]
    assert "another backup" in failure["hint"]
