# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of Cloud Foundry as sentences, with its own code and title kept for the program to look at."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from .._errors import RedisMigrationError

# The UAA repeats a refused token in its error text; nothing that looks like one may reach a message.
_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}|\b[0-9a-fA-F]{30,}(?:-r)?\b")
_OPAQUE_AFTER_TOKEN = re.compile(r"(token[^:]{0,40}: ?)\S{12,}", re.IGNORECASE)

# What CF calls an operation that has to end before ours can begin (HTTP 409), and the same said as a 422.
_IN_PROGRESS_CODES = frozenset({60016, 90008})
_IN_PROGRESS = ("operation in progress", "binding in progress", "is in progress", "staging at a time")


@dataclass(frozen=True)
class Problem:
    """One entry of the C(errors) list of a response or of a job: C(code) is 0 where only text was given."""

    code: int
    title: str
    detail: str

    def __str__(self) -> str:
        name = f"{self.title} ({self.code})" if self.code else self.title
        return f"{name}: {self.detail}" if name and self.detail else (name or self.detail)


class CloudFoundryError(RedisMigrationError):
    """Something Cloud Foundry refused, or something between here and it that failed.

    C(status) is the HTTP status or None when there was no answer. C(uncertain) is true when a request that must not
    be repeated blindly got no clear answer: it may or may not have happened, so the caller has to look.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        problems: Iterable[Problem] = (),
        uncertain: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.problems = tuple(problems)
        self.uncertain = uncertain

    def has_code(self, *codes: int) -> bool:
        return any(problem.code in codes for problem in self.problems)

    def mentions(self, *parts: str) -> bool:
        """True when Cloud Foundry's own detail contains one of C(parts), letter case ignored."""
        details = " ".join(problem.detail for problem in self.problems).lower()
        return any(word.lower() in details for word in parts)

    @property
    def in_progress(self) -> bool:
        """True when another operation on the same thing has to end first; waiting helps."""
        if self.has_code(*_IN_PROGRESS_CODES):
            return True
        return self.status in (409, 422) and self.mentions(*_IN_PROGRESS)

    @property
    def not_found(self) -> bool:
        return self.status == 404

    @property
    def forbidden(self) -> bool:
        return self.status == 403

    def while_doing(self, doing: str, *, hint: str | None = None) -> CloudFoundryError:
        """The same error told as the failure of C(doing) (an infinitive: C(delete the key "k")); C(hint) replaces."""
        return CloudFoundryError(
            f"Could not {doing}. {self.message}",
            hint=hint or self.hint,
            status=self.status,
            problems=self.problems,
            uncertain=self.uncertain,
        )


def redact(text: str, secrets: Iterable[str | None] = ()) -> str:
    """C(text) without C(secrets) and without anything that looks like a token."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return _OPAQUE_AFTER_TOKEN.sub(r"\1***", _TOKEN.sub("***", text))


def problems_in(body: bytes) -> tuple[Problem, ...]:
    """The problems that a response body names: API v3, API v2 or UAA, whatever content type it was sent under."""
    try:
        document = json.loads(body)
    except ValueError:
        return ()
    if not isinstance(document, dict):
        return ()
    if isinstance(document.get("errors"), list):
        return tuple(_problem(entry) for entry in document["errors"] if isinstance(entry, dict))
    if isinstance(document.get("error"), str):
        return (Problem(0, document["error"], redact(str(document.get("error_description") or ""))),)
    if "error_code" in document:
        return (
            _problem(
                {
                    "code": document.get("code"),
                    "title": document["error_code"],
                    "detail": document.get("description"),
                }
            ),
        )
    return ()


def _problem(entry: dict[str, t.Any]) -> Problem:
    code = entry.get("code")
    return Problem(
        code if isinstance(code, int) else 0,
        str(entry.get("title") or ""),
        redact(str(entry.get("detail") or "")),
    )


def sentence_of(problems: Iterable[Problem]) -> str:
    """The problems in one line, for the end of a sentence; empty when there are none."""
    return "; ".join(filter(None, (str(problem).rstrip(". ") for problem in problems)))


def refused(method: str, path: str, status: int, body: bytes) -> CloudFoundryError:
    """The error for a response with an error status: what was asked, and Cloud Foundry's own message."""
    problems = problems_in(body)
    said = sentence_of(problems)
    what = path.split("?", 1)[0]
    if said:
        return CloudFoundryError(
            f"Cloud Foundry answered {method} {what} with {status} {said}.", status=status, problems=problems
        )
    return CloudFoundryError(
        f"Cloud Foundry answered {method} {what} with HTTP status {status} and no explanation.", status=status
    )
