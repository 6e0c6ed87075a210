# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What documents show and no test here runs, with the reason of each: patterns for a block, or for a line of commands."""

from __future__ import annotations

import re

NOT_RUN = {
    r"sudo apt-get ": "changes the machine; .ci/run installs packages so",
    r"(python3|/opt/redis_migration/bin/python3?) -m venv |\. ~/redis-migration/bin/activate": (
        "an environment like the one in which the tests run, which the Makefile makes by the same command"
    ),
    r"(/opt/redis_migration/bin/)?pip install( |$)": "downloads; the Makefile installs the same requirements by the same command",
    r"ansible-galaxy collection install -r requirements.yml": "clones the public address",
    r"# requirements.yml": "names the public address, which ansible-galaxy would clone",
    r"ansible-builder build ": "needs podman or docker; test_examples.py has its context",
    r"make ": "runs the tests, the checks or the demo themselves; .ci/run does each, and test_shown.py knows the targets",
    r"ssh -N -L ": "needs a host to log in to; the tunnel's end is there, and is moved through",
    r"python -m tests.support.role_docs": "writes the very pages; test_roles.py says whether they are what it would write",
    r"openssl enc -d$": "the beginning of a command of the manual procedure; the whole one is in backup.md",
    r"ansible-playbook dataservices.redis_migration.rollback$": "the name of a playbook, which rollback.md has whole",
    r"ansible-vault encrypt_string$": "the name of a command, which wants something to encrypt",
}

READ_BY_OTHERS = {
    "acl-source": "ACL rules, which the tests of permissions give to the users of real servers",
    "acl-target": "ACL rules, which the tests of permissions give to the users of real servers",
    "acl-sentinel": "ACL rules, which tests/integration/sentinel gives to the user of a real Sentinel",
    "{include}": "a piece of another page",
    "{toctree}": "the order of the site's pages, which .ci/docs builds and test_documents.py compares",
}
"""Languages of blocks that are neither inventories nor commands."""


def reason(text: str) -> str | None:
    """Why this is not run; None if it is to be."""
    return next((why for pattern, why in NOT_RUN.items() if re.match(pattern, text)), None)
