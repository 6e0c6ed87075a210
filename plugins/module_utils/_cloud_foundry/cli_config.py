# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cf command line's C(config.json): who is logged in where, and new tokens written back so that it stays so."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import typing as t
from collections.abc import Iterator

from .errors import CloudFoundryError


class CliConfig:
    """C(cf_home) is the directory that holds C(.cf), as CF_HOME does; the user's home when it is not given."""

    def __init__(self, cf_home: str | None = None) -> None:
        home = cf_home or os.path.expanduser("~")
        self.path = os.path.join(os.path.expanduser(home), ".cf", "config.json")
        self._data = self._read()

    def _read(self) -> dict[str, t.Any]:
        try:
            with open(self.path, encoding="utf-8") as stream:
                document = json.load(stream)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as exc:
            # The decoder's message quotes nothing of the file, only positions.
            raise CloudFoundryError(
                f"The login of the cf command line in {self.path} cannot be read: {exc}.",
                hint="Run 'cf login' again, or give user and password.",
            ) from exc
        return document if isinstance(document, dict) else {}

    def reload(self) -> None:
        self._data = self._read()

    def _text(self, name: str) -> str:
        value = self._data.get(name)
        return value if isinstance(value, str) else ""

    @property
    def target(self) -> str:
        """The API's URL, empty when the command line was never pointed at one."""
        return self._text("Target")

    @property
    def access_token(self) -> str:
        """Without the leading C(bearer)."""
        return self._text("AccessToken").split(" ", 1)[-1]

    @property
    def refresh_token(self) -> str:
        return self._text("RefreshToken")

    @property
    def logged_in(self) -> bool:
        return bool(self.target and (self.access_token or self.refresh_token))

    @property
    def grant_type(self) -> str:
        return self._text("UAAGrantType") or "password"

    @property
    def oauth_client(self) -> tuple[str, str]:
        return self._text("UAAOAuthClient") or "cf", self._text("UAAOAuthClientSecret")

    @property
    def skips_certificates(self) -> bool:
        return self._data.get("SSLDisabled") is True

    def targeted(self, kind: t.Literal["Organization", "Space"]) -> str:
        """The name of the targeted organization or space, or an empty text."""
        fields = self._data.get(f"{kind}Fields")
        name = fields.get("Name") if isinstance(fields, dict) else None
        return name if isinstance(name, str) else ""

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time renews the tokens; the lock is on the directory, so it leaves nothing behind."""
        try:
            directory = os.open(os.path.dirname(self.path), os.O_RDONLY)
        except OSError:
            yield
            return
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

    def store_tokens(self, access_token: str, refresh_token: str) -> None:
        """Put new tokens into the file (mode 0600, replaced in one step), leaving every other field as it is.

        Raises OSError when the file cannot be written.
        """
        self.reload()
        self._data["AccessToken"] = f"bearer {access_token}"
        self._data["RefreshToken"] = refresh_token
        target = os.path.realpath(self.path)
        descriptor, temporary = tempfile.mkstemp(prefix="temp-config", dir=os.path.dirname(target))
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(self._data, stream, indent=2, ensure_ascii=False)
                stream.flush()
                os.fsync(stream.fileno())
            _keep_owner(target, temporary)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _keep_owner(original: str, replacement: str) -> None:
    """Root working in somebody's home must not take the file away from them."""
    with contextlib.suppress(OSError):
        status = os.stat(original)
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(replacement, status.st_uid, status.st_gid)
