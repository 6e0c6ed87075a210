# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may see and do what: the Cloud Controller's roles."""

from __future__ import annotations

from .errors import CFError
from .model import ORG_ROLES, SPACE_ROLES, Instance, Org, Principal, Space


def sees_org(who: Principal, org: Org) -> bool:
    return who.admin or who.has(ORG_ROLES, org.guid)


def sees_space(who: Principal, space: Space) -> bool:
    return who.admin or who.has(SPACE_ROLES, space.guid) or who.has(("organization_manager",), space.org.guid)


def sees_instance(who: Principal, instance: Instance) -> bool:
    return any(sees_space(who, space) for space in (instance.space, *instance.shared_spaces))


def writes(who: Principal, space: Space) -> bool:
    return who.admin or who.has(("space_developer",), space.guid)


def manages_apps(who: Principal, space: Space) -> bool:
    return who.admin or who.has(("space_developer", "space_supporter"), space.guid)


def reads_secrets(who: Principal, space: Space) -> bool:
    return writes(who, space)


def demand(allowed: bool) -> None:
    """Raise 10003 unless allowed."""
    if not allowed:
        raise CFError("NotAuthorized")
