# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding things by name, with the nearest names when there is no such thing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from .._errors import printable
from .errors import CloudFoundryError
from .resources import App, Named, Place, ServiceInstance, app_of, instance_of, related
from .session import CloudFoundrySession, joined

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Filters travel in the URL, so many names or GUIDs go in several requests.
_FILTER_SIZE = 50


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a "no such" sentence: the names most like C(name), or a few of those there are."""
    known = sorted({other for other in names if other})
    if not known:
        return "none is visible there"
    folded = {other.lower(): other for other in reversed(known)}
    close = [folded[match] for match in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)]
    contained = [other for other in known if name.lower() in other.lower() or other.lower() in name.lower()]
    best = list(dict.fromkeys([*close, *contained]))[:4]
    if best:
        return ("nearest is " if len(best) == 1 else "nearest are ") + ", ".join(f'"{other}"' for other in best)
    shown = ", ".join(f'"{other}"' for other in known[:8])
    return f"there are {shown}" + (f" and {len(known) - 8} more" if len(known) > 8 else "")


def find_place(session: CloudFoundrySession, organization: str | None, space: str | None) -> Place:
    """The organization and space of these names (or GUIDs)."""
    if not organization:
        if space:
            raise CloudFoundryError(
                f'The space "{space}" is given without its organization.',
                hint="Set organization too, or choose both with 'cf target'.",
            )
        return Place()
    org = _find_named(session, "/v3/organizations", organization, "organization", "")
    if not space:
        return Place(org)
    inside = f' in the organization "{org.name}"'
    return Place(org, _find_named(session, "/v3/spaces", space, "space", inside, organization_guids=org.guid))


def _find_named(session: CloudFoundrySession, path: str, name: str, kind: str, inside: str, **filters: str) -> Named:
    found = session.list_all(path, names=joined([name]), **filters).resources
    if not found and _GUID.fullmatch(name):
        resource = session.find(f"{path}/{name}")
        found = [resource] if resource else []
    if found:
        return Named(found[0]["guid"], printable(found[0]["name"]))
    names = [resource["name"] for resource in session.list_all(path, **filters).resources]
    raise CloudFoundryError(
        f'There is no {kind} "{name}"{inside} that {session.identity} can see; {nearest(name, names)}.',
        hint=f"Check the name ('cf {'orgs' if kind == 'organization' else 'spaces'}'); if it is right, "
        f"{session.identity} has no role in it, and Space Developer is needed.",
        status=404,
    )


def find_service_instance(session: CloudFoundrySession, place: Place, name: str) -> ServiceInstance:
    """Exactly one service instance; instances shared into the space count."""
    instance = search_service_instance(session, place, name)
    if instance is not None:
        return instance
    names = [resource["name"] for resource in session.list_all("/v3/service_instances", **place.filters()).resources]
    raise CloudFoundryError(
        f'There is no service instance "{name}" in {place}; {nearest(name, names)}.',
        hint="Names of service instances are case-sensitive; 'cf services' lists those of a space.",
        status=404,
    )


def search_service_instance(session: CloudFoundrySession, place: Place, name: str) -> ServiceInstance | None:
    """Like C(find_service_instance), but None when there is none."""
    found = session.list_all("/v3/service_instances", names=joined([name]), **place.filters()).resources
    unique = {resource["guid"]: resource for resource in found}
    if not unique and _GUID.fullmatch(name):
        resource = session.find(f"/v3/service_instances/{name}")
        unique = {resource["guid"]: resource} if resource else {}
    if len(unique) > 1:
        spaces = space_names(session, [related(resource, "space") or "" for resource in unique.values()])
        where = "; ".join(
            f'{guid} in the space "{spaces.get(related(resource, "space") or "", "not visible")}"'
            for guid, resource in unique.items()
        )
        raise CloudFoundryError(
            f'There are {len(unique)} service instances "{name}" in {place}: {where}.',
            hint="Set organization and space so that one is meant, or give the GUID in place of the name.",
        )
    return instance_of(next(iter(unique.values()))) if unique else None


def get_service_instance(session: CloudFoundrySession, guid: str) -> ServiceInstance | None:
    resource = session.find(f"/v3/service_instances/{guid}")
    return instance_of(resource) if resource else None


def find_apps(session: CloudFoundrySession, place: Place, names: Iterable[str]) -> list[App]:
    """The apps of these names or GUIDs, in this order; the error names all that are missing."""
    wanted = list(dict.fromkeys(names))
    by_guid = _apps(session, "guids", [name for name in wanted if _GUID.fullmatch(name)], {})
    rest = [name for name in wanted if name not in {app.guid for app in by_guid}]
    by_name = _apps(session, "names", rest, place.filters())
    found: list[App] = []
    missing: list[str] = []
    for name in wanted:
        matches = [app for app in by_guid if app.guid == name] or [
            app for app in by_name if app.name.lower() == name.lower()
        ]
        exact = [app for app in matches if app.name == name]
        matches = exact if len(matches) > 1 and exact else matches
        if len(matches) > 1:
            spaces = space_names(session, [app.space_guid for app in matches])
            where = "; ".join(f'{app.guid} in the space "{spaces.get(app.space_guid, "?")}"' for app in matches)
            raise CloudFoundryError(
                f'There are {len(matches)} apps "{name}" in {place}: {where}.',
                hint="Set organization and space so that one is meant, or give the GUID in place of the name.",
            )
        if matches:
            found.append(matches[0])
        else:
            missing.append(name)
    if missing:
        names_there = [resource["name"] for resource in session.list_all("/v3/apps", **place.filters()).resources]
        sentences = "; ".join(f'no app "{name}" ({nearest(name, names_there)})' for name in missing[:10])
        more = f"; and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise CloudFoundryError(
            f"In {place} there is {sentences}{more}.", hint="'cf apps' lists the apps of a space.", status=404
        )
    return found


def _apps(session: CloudFoundrySession, key: str, values: list[str], filters: dict[str, str]) -> list[App]:
    apps: list[App] = []
    for start in range(0, len(values), _FILTER_SIZE):
        part = {key: joined(values[start : start + _FILTER_SIZE])}
        apps.extend(app_of(resource) for resource in session.list_all("/v3/apps", **part, **filters).resources)
    return apps


def space_names(session: CloudFoundrySession, guids: Iterable[str]) -> dict[str, str]:
    """The names of the spaces that are visible, by GUID."""
    wanted = sorted({guid for guid in guids if guid})
    names: dict[str, str] = {}
    for start in range(0, len(wanted), _FILTER_SIZE):
        part = joined(wanted[start : start + _FILTER_SIZE])
        names.update(
            (space["guid"], printable(space["name"])) for space in session.list_all("/v3/spaces", guids=part).resources
        )
    return names


def visible_apps(session: CloudFoundrySession, guids: Iterable[str]) -> list[App]:
    """Those of these apps that are there and visible, by name."""
    return sorted(_apps(session, "guids", list(dict.fromkeys(guids)), {}), key=lambda app: (app.name, app.guid))
