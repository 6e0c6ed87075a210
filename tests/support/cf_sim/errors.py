# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Cloud Controller's errors: name, code and status, and how they look on the wire."""

from __future__ import annotations

from typing import Any

CODES: dict[str, tuple[int, int, str]] = {
    "InvalidAuthToken": (1000, 401, "Invalid Auth Token"),
    "MessageParseError": (1001, 400, "Request invalid due to parse error: {}"),
    "NotFound": (10000, 404, "Unknown request"),
    "ServerError": (10001, 500, "Server error"),
    "NotAuthenticated": (10002, 401, "Authentication error"),
    "NotAuthorized": (10003, 403, "You are not authorized to perform the requested action"),
    "BadQueryParameter": (10005, 400, "The query parameter is invalid: {}"),
    "UnprocessableEntity": (10008, 422, "{}"),
    "UnableToPerform": (10009, 400, "{}"),
    "ResourceNotFound": (10010, 404, "{}"),
    "RateLimitExceeded": (10013, 429, "Rate Limit Exceeded"),
    "IPBasedRateLimitExceeded": (
        10014,
        429,
        "Rate Limit Exceeded: Unauthenticated requests from this IP address have exceeded the limit. Please log in.",
    ),
    "ServiceUnavailable": (10015, 503, "{}"),
    "ServiceBrokerRateLimitExceeded": (10016, 429, "Service broker concurrent request limit exceeded"),
    "ServiceBindingRateLimitExceeded": (20008, 429, "Service Instance Rate Limit Exceeded"),
    "AsyncServiceInstanceOperationInProgress": (
        60016,
        409,
        "An operation for service instance {} is in progress.",
    ),
    "ServiceBindingAppServiceTaken": (90003, 400, "{}"),
    "ServiceFetchBindingParametersNotSupported": (
        90007,
        400,
        "This service does not support fetching service binding parameters.",
    ),
    "AsyncServiceBindingOperationInProgress": (
        90008,
        409,
        "An operation for the service binding between app {} and service instance {} is in progress.",
    ),
    "ServiceFetchInstanceParametersNotSupported": (
        120004,
        400,
        "This service does not support fetching service instance parameters.",
    ),
    "FeatureDisabled": (330002, 403, "Feature Disabled: {}"),
    "ServiceKeyNameTaken": (360001, 400, "The service key name is taken: {}"),
}


class CFError(Exception):
    """An error the API answers with; `args` fill the gaps of its message."""

    def __init__(self, name: str, *args: str) -> None:
        code, self.status, message = CODES[name]
        filled = message.format(*args) if args else message
        self.entry: dict[str, Any] = {"code": code, "title": f"CF-{name}", "detail": filled}
        super().__init__(filled)

    def body(self) -> dict[str, Any]:
        return {"errors": [self.entry]}


class BrokerError(Exception):
    """What the service broker complained about, as the broker says."""


def not_found(what: str) -> CFError:
    """What the API says both for the missing and for the invisible."""
    return CFError("ResourceNotFound", f"{what} not found")


def unprocessable(message: str) -> CFError:
    return CFError("UnprocessableEntity", message)
