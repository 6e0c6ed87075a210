# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that all Cloud Foundry modules share; documented in the fragment C(cloud_foundry)."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback

# Every module imports its argument spec first, and an old Python gets no further than this line.
from .. import _python  # noqa: F401 # pylint: disable=unused-import

Spec = dict[str, dict[str, t.Any]]


def _from_env(*names: str) -> tuple[t.Any, list[str]]:
    return env_fallback, list(names)


def cloud_foundry_spec() -> Spec:
    """The fragment C(cloud_foundry): where Cloud Foundry is, who logs in, and where names are looked up."""
    return {
        "api_url": {"type": "str", "fallback": _from_env("CF_API_URL")},
        "user": {"type": "str", "fallback": _from_env("CF_USER", "CF_USERNAME")},
        "password": {"type": "str", "no_log": True, "fallback": _from_env("CF_PASSWORD")},
        "origin": {"type": "str", "fallback": _from_env("CF_ORIGIN")},
        "client_id": {"type": "str", "fallback": _from_env("CF_CLIENT_ID")},
        "client_secret": {"type": "str", "no_log": True, "fallback": _from_env("CF_CLIENT_SECRET")},
        "access_token": {"type": "str", "no_log": True, "fallback": _from_env("CF_ACCESS_TOKEN")},
        "cf_home": {"type": "path", "fallback": _from_env("CF_HOME")},
        "validate_certs": {"type": "bool", "fallback": _from_env("CF_VALIDATE_CERTS")},
        "ca_certs": {"type": "path", "fallback": _from_env("CF_CA_CERTS")},
        "organization": {"type": "str", "fallback": _from_env("CF_ORGANIZATION", "CF_ORG")},
        "space": {"type": "str", "fallback": _from_env("CF_SPACE")},
    }


def wait_spec(default: int = 600) -> Spec:
    """The fragment C(cloud_foundry.wait)."""
    return {"wait_timeout": {"type": "int", "default": default}}
