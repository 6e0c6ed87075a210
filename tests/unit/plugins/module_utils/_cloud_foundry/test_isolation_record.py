# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of unbound apps: packed into annotations and read back, merged without losing anything."""

from __future__ import annotations

import dataclasses
import json
import uuid

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.isolation_record import (
    PREFIX,
    RecordedBinding,
    fits,
    from_annotations,
    merge,
    to_annotations,
)


def entry(number: int = 0, **fields: object) -> RecordedBinding:
    guid = str(uuid.UUID(int=number))
    return dataclasses.replace(
        RecordedBinding(
            app_guid=guid, app_name=f"app-{number:03d}", space_guid=str(uuid.UUID(int=7)), app_state="STARTED"
        ),
        **fields,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("count", [0, 1, 2, 24, 200, 1000])
def test_any_number_of_apps_comes_back_as_it_was(count: int) -> None:
    entries = [entry(number, space_name="prod", binding_name=f"b{number}") for number in range(count)]
    annotations = to_annotations(entries)
    assert from_annotations(annotations) == entries
    assert all(len(value.encode()) <= 5000 for value in annotations.values())
    # CF allows two hundred annotations on a resource, of all users together.
    assert len(annotations) <= max(1, count // 15)


def test_keys_are_what_cloud_foundry_allows_and_sort_in_order() -> None:
    keys = list(to_annotations([entry(number) for number in range(200)]))
    assert keys == sorted(keys)
    for key in keys:
        prefix, _slash, name = key.partition("/")
        assert prefix == "redis-migration.dataservices"
        assert len(name) <= 63
        assert name.replace("-", "").isalnum()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"app_state": "STOPPED"},
        {"binding_name": 'with "quotes" and, commas'},
        {"app_name": "ümläut-アプリ"},
        {"parameters": {"role": "writer", "nested": [1, {"a": None}]}},
        {"parameters_unreadable": True},
        {"space_name": ""},
    ],
)
def test_every_field_survives(fields: dict[str, object]) -> None:
    before = entry(3, **fields)
    assert from_annotations(to_annotations([before])) == [before]


def test_bytes_count_not_characters() -> None:
    entries = [entry(number, app_name="アプリ" * 30) for number in range(40)]
    annotations = to_annotations(entries)
    assert all(len(value.encode()) <= 5000 for value in annotations.values())
    assert from_annotations(annotations) == entries


def test_parameters_too_large_are_left_out_and_said_to_be_unknown() -> None:
    large = entry(1, parameters={"text": "x" * 6000})
    assert not fits(large)
    (read,) = from_annotations(to_annotations([large]))
    assert read == dataclasses.replace(large, parameters=None, parameters_unreadable=True)


def test_other_annotations_are_not_ours() -> None:
    annotations = {"contact": "me", "redis-migration.dataservices/other": "x", **to_annotations([entry()])}
    assert from_annotations(annotations) == [entry()]


@pytest.mark.parametrize("value", ["", "{", "{}x", '[{"v":2}]', '[{"app":"x"}]', "[1]", '{"v":1}', "null"])
def test_a_spoilt_record_is_an_error_and_not_an_empty_record(value: str) -> None:
    with pytest.raises(CloudFoundryError, match="isolation-000"):
        from_annotations({f"{PREFIX}000": value})


def test_values_are_json_that_a_person_can_read() -> None:
    (value,) = to_annotations([entry(5, binding_name="cache")]).values()
    assert json.loads(value)[0]["name"] == "app-005"
    assert json.loads(value)[0]["binding"] == "cache"


def test_merge_keeps_everything_earlier() -> None:
    earlier = [entry(1), entry(2)]
    assert merge(earlier, []) == earlier
    assert merge(earlier, [entry(3)]) == [*earlier, entry(3)]
    assert merge([], earlier) == earlier


def test_merge_believes_what_was_seen_before_we_stopped_the_app() -> None:
    (merged,) = merge([entry(1, app_state="STARTED")], [entry(1, app_state="STOPPED")])
    assert merged.app_state == "STARTED"


def test_merge_carries_the_state_to_a_binding_of_another_name() -> None:
    merged = merge([entry(1, binding_name="a")], [entry(1, binding_name="b", app_state="STOPPED")])
    assert {one.binding_name: one.app_state for one in merged} == {"a": "STARTED", "b": "STARTED"}


def test_merge_keeps_parameters_that_either_run_could_read() -> None:
    known = entry(1, parameters={"a": 1})
    unknown = entry(1, parameters_unreadable=True)
    for first, second in ((known, unknown), (unknown, known)):
        (merged,) = merge([first], [second])
        assert (merged.parameters, merged.parameters_unreadable) == ({"a": 1}, False)


def test_merge_is_idempotent() -> None:
    once = merge([entry(2), entry(1)], [entry(3)])
    assert merge(once, once) == once
