# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run writes as JSON is of the form that the documents promise."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from tests.support.paths import REPO


def check(kind: str, data: Any) -> Any:
    """`data`, if docs/KIND.schema.json agrees: with each field, and that there are no others."""
    error = jsonschema.exceptions.best_match(_validator(kind).iter_errors(data))
    assert error is None, f"{kind}.json, {error.json_path}: {error.message[:1000]}"
    return data


def check_run(run: Path) -> None:
    """All that the directory of a run holds as JSON."""
    for file in run.glob("*.json"):
        check(file.stem, json.loads(file.read_text()))


@cache
def _validator(kind: str) -> Any:
    schema = json.loads((REPO / "docs" / f"{kind}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(_closed(schema))


def _closed(schema: Any) -> Any:
    """The schema without room for more. For users it is open: fields may be added."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(one) for name, one in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed
