# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the settings of two servers that make the same commands behave differently. Nothing is changed.

Settings are asked one by one, never all: among all are passwords.
"""

from __future__ import annotations

import functools
import typing as t

from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._connection.explain import explain
from .._connection.patience import at_first
from .._connection.replies import check_list
from .._errors import CommandRefused, printable
from .._imports import redis


class Setting(t.NamedTuple):
    """A setting: its ``name`` today, what a difference means, and what it was called before."""

    name: str
    meaning: str
    former: str = ""


# Those that change what applications get or what survives a crash. The others change memory and speed, or differ
# between versions anyway.
SERIOUS = frozenset(
    (
        "maxmemory-policy",
        "databases",
        "notify-keyspace-events",
        "timeout",
        "maxclients",
        "proto-max-bulk-len",
        "client-output-buffer-limit",
        "appendonly",
        "min-replicas-to-write",
        "tls-auth-clients",
    )
)


def _limit(kind: str, of: str, former: str = "") -> Setting:
    name = f"{kind}-max-{of}"
    return Setting(
        name, f"Up to which size a {kind} is stored compactly: memory and speed differ, not the data.", former
    )


SETTINGS = (
    Setting("maxmemory", "How much memory data may take; 0 is no limit. A smaller one may not hold the data."),
    Setting("maxmemory-policy", "Which keys are evicted when memory is full; with noeviction writes fail instead."),
    Setting("maxmemory-samples", "How exactly the server finds the keys to evict."),
    Setting("lfu-log-factor", "How the frequency of use counts when keys are evicted by it."),
    Setting("lfu-decay-time", "How fast the frequency of use is forgotten when keys are evicted by it."),
    Setting("databases", "How many logical databases there are; an application's SELECT of a higher number fails."),
    Setting("notify-keyspace-events", "Which events applications are told of that subscribe to changes of keys."),
    Setting("timeout", "After how many idle seconds a client is disconnected; 0 is never."),
    Setting("tcp-keepalive", "How soon broken connections are noticed."),
    Setting("maxclients", "How many clients may be connected at once; more are refused."),
    Setting("proto-max-bulk-len", "How large a single value may be."),
    Setting("client-query-buffer-limit", "How large the commands of one client may be together."),
    Setting(
        "client-output-buffer-limit", "When a client that reads too slowly, such as a subscriber, is disconnected."
    ),
    Setting("busy-reply-threshold", "After how many milliseconds of a script others are told BUSY.", "lua-time-limit"),
    Setting("acl-pubsub-default", "Whether a new user may use all channels or none, unless told otherwise."),
    Setting(
        "appendonly", "Whether each write is logged to disk; without, a crash loses what came after the last dump."
    ),
    Setting("appendfsync", "How soon logged writes are safe on the disk."),
    Setting("save", "After how many writes in which time a dump is written; empty is never."),
    Setting("stop-writes-on-bgsave-error", "Whether writes are refused when a dump could not be written."),
    Setting("min-replicas-to-write", "How many replicas must be connected for writes to be taken."),
    Setting("min-replicas-max-lag", "How many seconds a replica may lag behind and still count for that."),
    Setting("lazyfree-lazy-eviction", "Whether evicted values are freed in the background."),
    Setting("lazyfree-lazy-expire", "Whether expired values are freed in the background."),
    Setting("lazyfree-lazy-user-del", "Whether DEL frees values in the background, as UNLINK does."),
    Setting("lazyfree-lazy-user-flush", "Whether FLUSHDB and FLUSHALL free values in the background."),
    _limit("hash", "listpack-entries", "hash-max-ziplist-entries"),
    _limit("hash", "listpack-value", "hash-max-ziplist-value"),
    _limit("list", "listpack-size", "list-max-ziplist-size"),
    Setting("list-compress-depth", "Whether the inner parts of a list are compressed: memory and speed differ."),
    _limit("set", "intset-entries"),
    _limit("set", "listpack-entries"),
    _limit("set", "listpack-value"),
    _limit("zset", "listpack-entries", "zset-max-ziplist-entries"),
    _limit("zset", "listpack-value", "zset-max-ziplist-value"),
    Setting("hll-sparse-max-bytes", "Up to which size a HyperLogLog is stored compactly: memory and speed differ."),
    Setting("stream-node-max-bytes", "How entries of streams are grouped: memory and speed differ."),
    Setting("stream-node-max-entries", "How entries of streams are grouped; XTRIM with ~ removes whole groups."),
    Setting("tls-auth-clients", "Whether clients must show a certificate."),
    Setting("tls-protocols", "Which versions of TLS clients may use."),
)

Values = dict[str, str]


class SettingsRead(t.NamedTuple):
    """The settings of a server by today's name, or why they cannot be read."""

    values: Values
    refusal: str = ""


def read_settings(endpoint: Endpoint) -> SettingsRead:
    """What ``endpoint`` lets its user see. Raises :class:`RedisMigrationError` when it cannot be reached."""
    asked = [(setting.name, name) for setting in SETTINGS for name in (setting.name, setting.former) if name]
    asked.append(("tls-port", "tls-port"))
    with client(endpoint) as redis_client:
        # The first one alone: where it is refused, all are.
        try:
            redis_client.execute_command("CONFIG", "GET", asked[0][1])
        except CommandRefused as exc:
            return SettingsRead({}, str(exc))
        pipeline = redis_client.pipeline(transaction=False)
        for _today, name in asked:
            pipeline.execute_command("CONFIG", "GET", name)
        try:
            replies = pipeline.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as exc:
            raise explain(exc, endpoint, command=("CONFIG GET",)) from None
    values: Values = {}
    for (today, _name), reply in zip(asked, replies):
        # Some services hide single settings.
        if reply and not isinstance(reply, Exception):
            check_list(reply, 2, "CONFIG GET", endpoint)
            values.setdefault(today, _text(reply))
    # A server without a TLS port of its own has settings for one nevertheless, and nobody meets them.
    if values.pop("tls-port", "") == "0":
        values = {name: value for name, value in values.items() if not name.startswith("tls-")}
    return SettingsRead(values)


def _text(reply: t.Any) -> str:
    value = next(iter(reply.values())) if isinstance(reply, dict) else reply[1]
    return printable(value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value))


def _alike(name: str, one: str, other: str) -> bool:
    if name == "notify-keyspace-events":
        return set(one) == set(other)
    if name == "client-output-buffer-limit":
        return one.replace("slave", "replica") == other.replace("slave", "replica")
    return one == other


def compare_settings(source: Endpoint, target: Endpoint) -> dict[str, t.Any]:
    """The result of redis_config_compare_info but for ``changed``."""
    here, there = (at_first(functools.partial(read_settings, end)) for end in (source, target))
    comparable = not (here.refusal or there.refusal)
    differences = _differences(here.values, there.values) if comparable else []
    return {
        "comparable": comparable,
        "identical": not differences if comparable else None,
        "differences": differences,
        "refusals": [found.refusal for found in (here, there) if found.refusal],
        "only_at_source": sorted(set(here.values) - set(there.values)) if comparable else [],
        "only_at_target": sorted(set(there.values) - set(here.values)) if comparable else [],
    }


def _differences(source: Values, target: Values) -> list[dict[str, str]]:
    """What differs of the settings that both servers know."""
    return [
        {
            "setting": setting.name,
            "source": source[setting.name],
            "target": target[setting.name],
            "meaning": setting.meaning,
        }
        for setting in SETTINGS
        if setting.name in source
        and setting.name in target
        and not _alike(setting.name, source[setting.name], target[setting.name])
    ]
