# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipelines in examples/, as their CI servers read them."""

from __future__ import annotations

from typing import Any

import yaml

from tests.support.paths import REPO

EXAMPLES = REPO / "examples"


def read(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


def gitlab_job(name: str) -> dict[str, Any]:
    """A job of the GitLab example, with what its jobs have in common."""
    pipeline = read("gitlab-ci.yml")
    return {**pipeline["default"], **pipeline[name]}


def github_steps() -> dict[str, dict[str, Any]]:
    """The steps of the GitHub example, by name, or by the action that they use."""
    (job,) = read("github-actions.yml")["jobs"].values()
    return {step.get("name", step.get("uses", "")): step for step in job["steps"]}
