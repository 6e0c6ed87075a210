# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service keys and tunnels the two ends of a migration need, and the endpoints that the service keys give."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.exposed_frontend import (
    is_exposed_frontend,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._truth import is_true

Data = dict[str, t.Any]
Fields = t.Mapping[str, t.Any]

# What an end may say beside the fields of an endpoint.
_CLOUD_FOUNDRY_FIELDS = frozenset(
    {
        "service_instance", "backend_service_instance", "service_key", "endpoint_query", "organization", "space",
        "tunnel", "use_sentinel", "offering", "plan", "broker", "parameters", "tags",
    }
)  # fmt: skip
_BACKEND_FIELDS = ("host", "port", "username", "password")


def migration_ends(source: Fields, target: Fields, *, cf: Fields, service_key: str, tunnel_app: str) -> Data:
    """What the variables say about both ends.

    ``source``, ``target``: the fields of an endpoint among those given. ``service_keys``: those that are needed, each
    with the ``end`` whose address is not given; ``backend`` is where the source server reaches the target.
    ``tunnels``: those to be opened, each with its ``end``.
    """
    ends = {"source": source, "target": target}
    without_address = [end for end, given in ends.items() if _lacks_address(given)]
    keys = [_service_key(end, ends[end], cf, service_key) for end in without_address]
    backend = target.get("backend_service_instance")
    if backend is not None and target.get("backend") is None:
        keys.append(_service_key("backend", {**target, "service_instance": backend}, cf, service_key))
    by_default = {"app": tunnel_app} if tunnel_app else None
    tunnels = {end: given.get("tunnel", by_default if end in without_address else None) for end, given in ends.items()}
    return {
        **{
            end: {name: given[name] for name in given if name not in _CLOUD_FOUNDRY_FIELDS}
            for end, given in ends.items()
        },
        "service_keys": keys,
        "tunnels": [
            {"end": end, "tunnel": tunnel, **_place(ends[end], cf)} for end, tunnel in tunnels.items() if tunnel
        ],
    }


def _lacks_address(given: Fields) -> bool:
    given_by = [name for name in ("url", "host", "sentinel", "cluster") if given.get(name) is not None]
    return given.get("service_instance") is not None and not given_by


def _place(given: Fields, cf: Fields) -> Data:
    """Organization and space of an end; empty where the login's are meant."""
    return {name: given.get(name) or cf.get(name) or "" for name in ("organization", "space")}


def _service_key(end: str, given: Fields, cf: Fields, name: str) -> Data:
    return {
        "end": end,
        **_place(given, cf),
        "service_instance": given["service_instance"],
        "name": given.get("service_key") or name,
        "endpoint_query": given.get("endpoint_query") or "",
        # The source server reaches the target at one address, which is the backend's.
        "use_sentinel": end != "backend" and is_true(given.get("use_sentinel", given.get("prefer_replica"))),
    }


def service_key_endpoints(ends: Fields, found: t.Sequence[Fields], created: t.Sequence[Fields] = ()) -> Data:
    """Both ends with the addresses in their service keys; what was given goes first.

    ``ends``: of :func:`migration_ends`. ``found``: results of looking each key up, in which one that does not exist has
    no endpoint. ``created``: results of creating those. ``service_keys``: all of them. ``known``: whether both ends have an
    address, which they have not while a key is still to be created. ``backend_guess``: the service instance behind an
    exposed target, by its name; empty if none is to be looked for.
    """
    results = {result["item"]["end"]: result for result in found}
    results.update({result["item"]["end"]: result for result in created if "endpoint" in result})
    endpoints = {end: result["endpoint"] for end, result in results.items()}
    source = {**(endpoints.get("source") or {}), **ends["source"]}
    target = dict(endpoints.get("target") or {})
    if endpoints.get("backend"):
        target = with_backend(target, endpoints["backend"])
    target.update(ends["target"])
    exposed = "target" in results and is_exposed_frontend(str(target.get("host") or ""))
    guessed = exposed and "backend" not in results and target.get("backend") is None
    return {
        "source": source,
        "target": target,
        "service_keys": [result["service_key"] for result in results.values() if result.get("service_key")],
        "known": all(endpoint is not None for end, endpoint in endpoints.items() if end != "backend"),
        "backend_guess": f"{results['target']['item']['service_instance']}-internal" if guessed else "",
    }


def with_backend(target: Fields, endpoint: Fields) -> Data:
    """``target``, with ``endpoint`` as the address at which the source server reaches it."""
    return {**target, "backend": {name: endpoint[name] for name in _BACKEND_FIELDS if name in endpoint}}
