# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what was unbound, kept as annotations on the source's service instance.

It outlives the machine that ran the migration: a rollback a week later, from elsewhere, reads it. Each annotation
C(redis-migration.dataservices/isolation-NNN) holds a JSON array of entries and can be read by a person.
C(redis-migration.dataservices/moved-to) is the GUID of the service instance that the recorded apps were bound to since:
from then on that one has the newer data, and nothing may be moved there any more.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from .._waiting import Deadline
from .errors import CloudFoundryError
from .jobs import once_free, wait_for_job
from .resources import ServiceInstance
from .session import CloudFoundrySession, doing

PREFIX = "redis-migration.dataservices/isolation-"
MOVED_TO = "redis-migration.dataservices/moved-to"
# CF allows 5000 characters in a value; kept in bytes, since some installations count those.
_VALUE_BYTES = 5000
_VERSION = 1


@dataclass(frozen=True)
class RecordedBinding:
    """One binding of an app, which may have had several. C(app_state) is C(STARTED) or C(STOPPED), as it was before
    anything was done.

    C(parameters) are those the broker gave back; C(parameters_unreadable) says that it gives none back, so that what
    the app was bound with is not known. C(bound_to_target) says that the app was bound to the target already before the
    cutover, so that a rollback leaves that binding alone.
    """

    app_guid: str
    app_name: str
    space_guid: str
    space_name: str = ""
    binding_name: str = ""
    app_state: str = ""
    parameters: dict[str, t.Any] | None = None
    parameters_unreadable: bool = False
    bound_to_target: bool = False
    binding_guid: str = ""


# Short names, because two hundred apps have to fit into a few thousand characters each.
_SHORT = {
    "app_guid": "app",
    "app_name": "name",
    "space_guid": "space",
    "space_name": "space_name",
    "binding_name": "binding",
    "app_state": "state",
    "parameters": "parameters",
    "parameters_unreadable": "unreadable",
    "bound_to_target": "on_target",
    "binding_guid": "guid",
}


def merge(earlier: Iterable[RecordedBinding], now: Iterable[RecordedBinding]) -> list[RecordedBinding]:
    """Both, where what an earlier run saw of an app's state wins: by now the app may be stopped by us.

    Nothing recorded earlier is lost. Parameters known from either are kept.
    """
    merged = list(earlier)
    states = {entry.app_guid: entry.app_state for entry in merged if entry.app_state}
    taken: set[int] = set()
    # Those that are surely the same binding first, so that none is taken for another of its app and name.
    for entry in sorted(now, key=lambda one: _same(merged, one, taken, exactly=True) is None):
        place = _same(merged, entry, taken, exactly=True)
        place = _same(merged, entry, taken, exactly=False) if place is None else place
        before = None if place is None else merged[place]
        known = entry if not entry.parameters_unreadable or before is None else before
        if place is None:
            place = len(merged)
            merged.append(entry)
        taken.add(place)
        merged[place] = replace(
            entry,
            app_state=states.get(entry.app_guid) or entry.app_state,
            parameters=known.parameters,
            parameters_unreadable=known.parameters_unreadable,
            bound_to_target=before is not None and before.bound_to_target,
        )
    return sorted(merged, key=lambda entry: (entry.app_name, entry.app_guid, entry.binding_name))


def _same(entries: list[RecordedBinding], entry: RecordedBinding, taken: set[int], *, exactly: bool) -> int | None:
    """Where C(entry) stands already: by its GUID, or as a binding of the same app and name that was bound again."""
    for place, other in enumerate(entries):
        alike = (other.app_guid, other.binding_name) == (entry.app_guid, entry.binding_name)
        if alike and place not in taken and (not exactly or other.binding_guid == entry.binding_guid):
            return place
    return None


def to_annotations(entries: Iterable[RecordedBinding]) -> dict[str, str]:
    """Entries packed into as few values as possible, each of them a JSON array of its own.

    Parameters too large for a value are left out and marked unreadable.
    """
    values: list[list[str]] = []
    size = 0
    for entry in entries:
        text = _entry_text(entry)
        length = len(text.encode()) + 1
        if not values or size + length > _VALUE_BYTES - 2:
            values.append([])
            size = 0
        values[-1].append(text)
        size += length
    return {f"{PREFIX}{number:03d}": f"[{','.join(texts)}]" for number, texts in enumerate(values)}


def fits(entry: RecordedBinding) -> bool:
    """Whether an entry can be recorded with its parameters."""
    return len(_json(entry).encode()) <= _VALUE_BYTES - 4


def _entry_text(entry: RecordedBinding) -> str:
    return _json(entry if fits(entry) else replace(entry, parameters=None, parameters_unreadable=True))


def _json(entry: RecordedBinding) -> str:
    compact = {_SHORT[name]: value for name, value in asdict(entry).items() if value not in ("", None, False)}
    return json.dumps({"v": _VERSION, **compact}, separators=(",", ":"), sort_keys=True)


def from_annotations(annotations: dict[str, t.Any]) -> list[RecordedBinding]:
    """The entries in annotations, others ignored; raises CloudFoundryError for one that cannot be understood."""
    entries = []
    long_names = {short: name for name, short in _SHORT.items()}
    for key in sorted(annotations):
        if not key.startswith(PREFIX):
            continue
        try:
            for item in json.loads(annotations[key]):
                if item["v"] != _VERSION:
                    raise ValueError(f"version {item['v']}")
                values = {long_names[short]: value for short, value in item.items() if short in long_names}
                entries.append(RecordedBinding(**{"space_guid": "", **values}))
        except (ValueError, KeyError, TypeError) as exc:
            raise CloudFoundryError(
                f"The record of unbound apps in the annotation {key} cannot be understood ({type(exc).__name__}).",
                hint="It was changed by hand, or written by another version of this collection; "
                "'cf curl /v3/service_instances/GUID' shows it.",
            ) from exc
    return entries


class IsolationRecord:
    """The record on one service instance."""

    def __init__(self, session: CloudFoundrySession, instance: ServiceInstance, role: str, deadline: Deadline) -> None:
        self._session = session
        self._instance = instance
        self._role = role
        self._deadline = deadline

    def read(self) -> list[RecordedBinding]:
        return from_annotations(self._annotations())

    def add(self, now: Iterable[RecordedBinding]) -> tuple[list[RecordedBinding], bool]:
        """Merge C(now) into the record; returns all of it and whether it had to be written."""
        present = self._annotations()
        entries = merge(from_annotations(present), now)
        return entries, self._write(present, to_annotations(entries))

    def clear(self) -> bool:
        """Whether there was a record."""
        moved = self.move_to(None)
        return self._write(self._annotations(), {}) or moved

    def moved_to(self) -> str | None:
        """The GUID of the service instance that the recorded apps were bound to since, if they were."""
        return self._all_annotations().get(MOVED_TO)

    def move_to(self, guid: str | None, bound_already: Iterable[str] = ()) -> bool:
        """Remember it (or that it is no longer so) before the first app is bound; whether that is news.

        C(bound_already) are the GUIDs of the apps that are bound there now.
        """
        if self.moved_to() == guid:
            return False
        there = set(bound_already)
        present = self._annotations()
        entries = [replace(entry, bound_to_target=entry.app_guid in there) for entry in from_annotations(present)]
        self._patch({**_changes(present, to_annotations(entries)), MOVED_TO: guid})
        return True

    def _annotations(self) -> dict[str, t.Any]:
        return {key: value for key, value in self._all_annotations().items() if key.startswith(PREFIX)}

    def _all_annotations(self) -> dict[str, t.Any]:
        with doing(f"read the record of unbound apps on {self._instance}"):
            resource = self._session.get(f"/v3/service_instances/{self._instance.guid}")
        return (resource.get("metadata") or {}).get("annotations") or {}

    def _write(self, present: dict[str, t.Any], wanted: dict[str, str]) -> bool:
        """All annotations in one request, so that no half record is ever there."""
        changes = _changes(present, wanted)
        if not changes:
            return False
        self._patch(changes)
        return True

    def _patch(self, changes: dict[str, str | None]) -> None:
        what = f"writing the record of unbound apps on {self._instance}"
        with doing(f"write the record of unbound apps on {self._instance}", role=self._role):
            response = once_free(
                lambda: self._session.patch(
                    f"/v3/service_instances/{self._instance.guid}", {"metadata": {"annotations": changes}}
                ),
                self._deadline,
                what,
            )
            wait_for_job(self._session, response, self._deadline, what)


def _changes(present: dict[str, t.Any], wanted: dict[str, str]) -> dict[str, str | None]:
    """What makes the annotations C(present) those that are C(wanted); null takes one away."""
    changes: dict[str, str | None] = {key: value for key, value in wanted.items() if present.get(key) != value}
    return changes | {key: None for key in present if key not in wanted}
