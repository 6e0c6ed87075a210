# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an endpoint is, without the secrets."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import (
    parse_endpoint,
    refuse_sentinel,
)

_PUBLIC = (
    "host", "port", "tls", "validate_certs", "ca_certs", "ca_cert_content", "client_cert_file", "client_key_file",
    "server_name", "ca_fingerprints", "timeout",
)  # fmt: skip


def endpoint_address(endpoint: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The fields of an endpoint dictionary (a URL taken apart) that say where it is and what TLS must show.

    Raises :class:`RedisMigrationError` for an endpoint that says no such thing.
    """
    parsed = parse_endpoint(endpoint, "endpoint")
    refuse_sentinel(parsed)
    fields = dataclasses.asdict(parsed)
    fields["ca_fingerprints"] = list(fields["ca_fingerprints"]) or None
    return {name: fields[name] for name in _PUBLIC if fields[name] is not None}
