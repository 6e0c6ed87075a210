# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of the API: filters, order, pages. Unknown query parameters are refused as the Cloud Controller does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from .errors import CFError
from .http import Request

Filter = Callable[[Any], str | None | Iterable[str | None]]
PAGING = ("page", "per_page", "order_by")
MAX_PER_PAGE = 5000


def split_values(text: str) -> list[str]:
    """The values of a comma-separated parameter; a comma inside a value arrives encoded once more."""
    return [unquote(value) for value in re.split(r",\s*", text)]


def check_parameters(request: Request, allowed: Iterable[str]) -> None:
    """Raise 10005 unless every query parameter is one of `allowed` (`fields[x]` counts as `fields`)."""
    allowed = list(allowed)
    unknown = [name for name in request.query if name.partition("[")[0] not in allowed]
    if unknown:
        names, valid = "', '".join(unknown), "', '".join(allowed)
        raise CFError("BadQueryParameter", f"Unknown query parameter(s): '{names}'. Valid parameters are: '{valid}'")


def select(
    request: Request,
    resources: Iterable[Any],
    filters: Mapping[str, Filter],
    *,
    ignore_case: Iterable[str] = (),
    also: Iterable[str] = (),
) -> list[Any]:
    """The resources that pass the request's filters, in the asked order."""
    check_parameters(request, [*filters, *also, *PAGING])
    found = list(resources)
    for name, attribute in filters.items():
        if name not in request.query:
            continue
        fold = str.lower if name in ignore_case else str
        wanted = {fold(value) for value in split_values(request.one(name))}
        found = [item for item in found if wanted & {fold(value) for value in _values(attribute(item))}]
    order = request.one("order_by", "created_at")
    key = order.lstrip("-")
    if key not in ("created_at", "updated_at", "name"):
        valid = "created_at, updated_at, name"
        raise CFError("BadQueryParameter", f"Order by can only be: {valid}")
    found.sort(key=lambda item: getattr(item, key, None) or "")
    if order.startswith("-"):
        found.sort(key=lambda item: getattr(item, key, None) or "", reverse=True)
        found = _newest_first_within_a_second(found, key)
    return found


def page(
    request: Request, url: str, found: list[Any], present: Callable[[Any], dict[str, Any]]
) -> tuple[dict[str, Any], list[Any]]:
    """The asked page as the API shows it, and the resources on it (for what is included)."""
    per_page = _number(request, "per_page", 50)
    number = _number(request, "page", 1)
    if not 1 <= per_page <= MAX_PER_PAGE:
        raise CFError("BadQueryParameter", f"Per page must be between 1 and {MAX_PER_PAGE}")
    if number < 1:
        raise CFError("BadQueryParameter", "Page must be greater than 0")
    pages = max(1, -(-len(found) // per_page))
    shown = found[(number - 1) * per_page : number * per_page]

    def link(to: int) -> dict[str, str]:
        rest = {name: values[0] for name, values in request.query.items() if name not in ("page", "per_page")}
        return {"href": f"{url}{request.path}?{urlencode({**rest, 'page': to, 'per_page': per_page})}"}

    pagination = {
        "total_results": len(found),
        "total_pages": pages,
        "first": link(1),
        "last": link(pages),
        "next": link(number + 1) if number < pages else None,
        "previous": link(number - 1) if number > 1 else None,
    }
    return {"pagination": pagination, "resources": [present(item) for item in shown]}, shown


def _values(found: str | None | Iterable[str | None]) -> list[str]:
    if found is None or isinstance(found, str):
        found = [found]
    return [value for value in found if value is not None]


def _number(request: Request, name: str, default: int) -> int:
    try:
        return int(request.one(name, str(default)))
    except ValueError:
        shown = name.replace("_", " ").capitalize()
        raise CFError("BadQueryParameter", f"{shown} must be a positive integer") from None


def _newest_first_within_a_second(found: list[Any], key: str) -> list[Any]:
    """A stable reversed sort keeps equal stamps oldest first; the database has finer stamps and does not."""
    groups: list[list[Any]] = []
    for item in found:
        if groups and getattr(groups[-1][-1], key, None) == getattr(item, key, None):
            groups[-1].append(item)
        else:
            groups.append([item])
    return [item for group in groups for item in reversed(group)]
