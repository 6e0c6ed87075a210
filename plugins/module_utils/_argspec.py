# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs shared by the modules, each paired with a documentation fragment of the same name."""

from __future__ import annotations

import typing as t

# Every module imports its argument spec first, and an old Python gets no further than this line.
from . import _python  # noqa: F401 # pylint: disable=unused-import

Spec = dict[str, dict[str, t.Any]]


def endpoint_suboptions() -> Spec:
    """Fragments ``endpoint``, ``source_target``: the fields of an endpoint."""
    return {
        "url": {"type": "str", "no_log": True},
        "host": {"type": "str"},
        "port": {"type": "int"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "tls": {"type": "bool"},
        "validate_certs": {"type": "bool", "default": True},
        "ca_certs": {"type": "path"},
        "ca_cert_content": {"type": "str"},
        "client_cert_file": {"type": "path"},
        "client_key_file": {"type": "path"},
        "server_name": {"type": "str"},
        "ca_fingerprints": {"type": "list", "elements": "str"},
        "timeout": {"type": "float", "default": 15.0},
        "sentinel": _sentinel(),
        "prefer_replica": {"type": "bool"},
        "cluster": {"type": "dict", "options": {"hosts": {"type": "list", "elements": "str", "required": True}}},
    }


def _sentinel() -> dict[str, t.Any]:
    return {
        "type": "dict",
        "options": {
            "service_name": {"type": "str", "required": True},
            "hosts": {"type": "list", "elements": "str", "required": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "tls": {"type": "bool"},
            "validate_certs": {"type": "bool"},
            "ca_certs": {"type": "path"},
            "ca_cert_content": {"type": "str"},
            "ca_fingerprints": {"type": "list", "elements": "str"},
            "client_cert_file": {"type": "path"},
            "client_key_file": {"type": "path"},
            "server_name": {"type": "str"},
            "timeout": {"type": "float"},
        },
    }


def _backend() -> dict[str, t.Any]:
    return {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 6379},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
        },
    }


def endpoint_spec() -> Spec:
    """Fragment ``endpoint``: one endpoint."""
    return {"endpoint": {"type": "dict", "required": True, "options": endpoint_suboptions()}}


def source_target_spec() -> Spec:
    """Fragment ``source_target``: two endpoints; the target may have a backend."""
    return {
        "source": {"type": "dict", "required": True, "options": endpoint_suboptions()},
        "target": {"type": "dict", "required": True, "options": {**endpoint_suboptions(), "backend": _backend()}},
    }


def selection_spec(*, types: bool = False) -> Spec:
    """Fragments ``selection`` and ``selection.names``: which logical databases and keys."""
    return {
        "databases": {"type": "list", "elements": "int"},
        "database_map": {"type": "dict", "default": {}},
        **keys_spec(types=types),
    }


def rename_spec() -> Spec:
    """Fragment ``selection.rename``: how keys are called at the target."""
    return {"database_prefix": {"type": "dict", "default": {}}, "rename": {"type": "dict", "default": {}}}


def keys_spec(*, types: bool = False) -> Spec:
    """Fragment ``selection.names``, and ``types``: which keys."""
    spec: Spec = {
        "match": {"type": "list", "elements": "str", "default": []},
        "exclude": {"type": "list", "elements": "str", "default": []},
    }
    if types:
        spec["types"] = {
            "type": "list",
            "elements": "str",
            "choices": ["string", "list", "set", "zset", "hash", "stream", "vectorset"],
            "default": [],
        }
    return spec


_PROGRESS: Spec = {"progress_seconds": {"type": "float"}}


def latency_spec() -> Spec:
    """Fragment ``latency``: how long other clients of the server that is read may wait."""
    return {"max_source_latency_ms": {"type": "float", "default": 5.0}}


def parts_spec() -> Spec:
    """Fragments ``parts`` and ``parts.shard``: how the work is shared."""
    return {"processes": {"type": "int"}, **shard_spec()}


def shard_spec() -> Spec:
    """Fragment ``parts.shard``: a share of the source."""
    return {"source_shard": {"type": "str"}}


def slice_spec() -> Spec:
    """Fragments ``slices`` and ``progress``: how a long module lets others report its progress."""
    return {
        "slice_seconds": {"type": "float", "default": 0.0},
        "resume": {"type": "str", "no_log": False, "default": ""},
        **_PROGRESS,
    }


def progress_spec() -> Spec:
    """Fragments ``progress`` and ``progress.file``: the same for a long module that cannot be cut into slices."""
    return {**_PROGRESS, "progress_path": {"type": "path"}}


def owner_spec() -> Spec:
    """Who uses a process that outlives the module, and the process with whose end that is over."""
    return {
        "owner": {
            "type": "dict",
            "options": {
                "pid": {"type": "int", "required": True},
                "identity": {"type": "str", "required": True},
                "name": {"type": "str", "default": ""},
            },
        }
    }
