# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address under which the source server itself reaches the target, for MIGRATE: which it is and whether it can be."""

from __future__ import annotations

import dataclasses

from .._connection.connect import client, connect, located
from .._connection.endpoint import Backend, Endpoint
from .._connection.exposed_frontend import is_exposed_frontend
from .._connection.identity import ask_identity
from .._connection.replies import is_unreadable
from .._errors import CommandRefused, ConnectError, EndpointError, RedisMigrationError


def backend_of(target: Endpoint) -> Backend:
    """Where MIGRATE connects: the endpoint's ``backend``, else its own address; credentials default to the endpoint's."""
    if target.backend is None:
        place = located(target)
        return Backend(place.host, place.port, target.username, target.password)
    backend = target.backend
    if target.shard is not None:
        raise EndpointError(
            f"The {target.role} has a backend and is a cluster.",
            hint="MIGRATE connects to each node where the cluster says that it is, and one backend is not all of them: remove"
            " it, or use strategy 'copy'.",
        )
    if backend.password is None:
        backend = dataclasses.replace(backend, username=target.username, password=target.password)
    return backend


def check_backend(target: Endpoint, databases: list[int]) -> None:
    """Prove, on connections of our own, all that MIGRATE would otherwise find out while it writes.

    The backend's credentials and the databases are tried at the target itself; where the backend's address can be
    reached from here, it must lead to the same server. Raises :class:`RedisMigrationError`.
    """
    backend = backend_of(target)
    if not backend.host:
        raise EndpointError(
            f"MIGRATE needs a host and port of the target, and the {target} is a unix socket.",
            hint="Give the target's 'backend', or use strategy 'copy'.",
        )
    if is_exposed_frontend(backend.host):
        raise EndpointError(
            f"The backend host '{backend.host}' is an exposed frontend: the source server cannot connect to it.",
            hint="Give the host in the service key of the target's '-internal' instance (such as "
            "red297348-master.service.dc1.a9ssvc) as the target's 'backend', or use strategy 'copy'.",
        )
    inside = dataclasses.replace(target, username=backend.username, password=backend.password, backend=None)
    try:
        connect(inside, max(databases, default=0)).disconnect()
    except RedisMigrationError as exc:
        if isinstance(exc, ConnectError) and exc.transient:
            # Says nothing of credentials.
            raise
        raise type(exc)(
            f"The credentials for the backend {backend} do not work. {exc.message}", hint=exc.hint
        ) from None
    if target.backend is not None:
        _check_identity(target, inside, backend)


def _check_identity(target: Endpoint, inside: Endpoint, backend: Backend) -> None:
    # Plain TCP: MIGRATE uses TLS only on servers set up with tls-cluster. Mostly the name does not even resolve here.
    direct = dataclasses.replace(
        inside, host=backend.host, port=backend.port, unix_socket=None, tls=False, timeout=min(2.0, target.timeout)
    )
    try:
        with client(direct) as redis_client:
            there = ask_identity(redis_client.link, direct)
    except ConnectError:
        # Not reachable from here; the first key sent will tell.
        return
    with client(inside) as redis_client:
        if not there.same_process(ask_identity(redis_client.link, inside)):
            raise CommandRefused(
                f"The backend {backend} is not the {target}: another server answers there.",
                hint="Give the target's own internal address as 'backend'.",
            )


def migrate_hint(text: str, backend: Backend, user: str) -> str:
    """What to do about an error of MIGRATE, after the table of the manual procedure."""
    if text.startswith("IOERR"):
        return (
            f"The source server cannot talk to {backend}. Check that this is the target's backend host and port as the source"
            " sees it (not an exposed frontend), that nothing blocks the way, and that the target does not ask for TLS there"
            " (MIGRATE uses TLS only if the source has tls-cluster); else use strategy 'copy'."
        )
    if "OOM" in text:
        return "The target is full: give it more memory (a larger plan or a higher maxmemory), then run again."
    if text.startswith("NOPERM"):
        return f"The user '{user}' of the source may not use MIGRATE: permit it, or use strategy 'copy'."
    if "NOPERM" in text:
        return "The backend's user may not RESTORE at the target: permit it, or use another user."
    if "AUTH" in text or "password" in text:
        return "Check the backend's user name and password."
    if is_unreadable(text):
        return "The target does not understand the payloads that the source's version writes: use strategy 'rebuild'."
    if "READONLY" in text:
        if "Target instance" in text:
            return "The target is a replica (by now): name the primary as target and as its backend."
        return "The source is a replica, and MIGRATE is a write command: use strategy 'copy', which only reads, or the primary."
    if "unknown command" in text:
        return "MIGRATE is disabled at the source: use strategy 'copy'."
    return "The source's log may say more. Or use strategy 'copy', which needs no MIGRATE."
