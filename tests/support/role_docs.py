# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every role's README.md and docs/variables.md, out of the roles' argument specs: `python -m tests.support.role_docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import REPO

PHASES = (
    "credentials",
    "preflight",
    "analyse",
    "follow",
    "isolate",
    "backup",
    "migrate",
    "verify",
    "cutover",
    "rollback",
    "restore",
    "report",
)
ROLES = (*PHASES, "demo")

_LICENCE = """<!--
Copyright (c) 2026 dataservices.redis_migration contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""


def documents() -> dict[Path, str]:
    """What each file must hold."""
    found = {REPO / "roles" / role / "README.md": _readme(role) for role in ROLES}
    found[REPO / "docs" / "variables.md"] = _variables()
    return found


def _spec(role: str) -> dict[str, Any]:
    path = REPO / "roles" / role / "meta" / "argument_specs.yml"
    spec: dict[str, Any] = yaml.safe_load(path.read_text())["argument_specs"]["main"]
    return spec


def _readme(role: str) -> str:
    spec = _spec(role)
    lines = [f"{_LICENCE}# {spec['short_description']}", ""]
    lines += [f"Role `dataservices.redis_migration.{role}`. " + _prose(spec["description"]), ""]
    lines += ["| variable | type | default | |", "|---|---|---|---|"]
    lines += [_row(name, option) for name, option in spec["options"].items()]
    lines += ["", "Written from `meta/argument_specs.yml` by `python -m tests.support.role_docs`."]
    return "\n".join(lines) + "\n"


def _variables() -> str:
    lines = [
        f"{_LICENCE}# Variables",
        "",
        "Set them for a host, a group, or everywhere, as any Ansible variable. They are all checked before anything runs: an",
        "unknown one, a wrong type or a wrong choice is refused by name. Written from the roles' argument specs.",
    ]
    seen: set[str] = set()
    for role in ROLES:
        spec = _spec(role)
        new = {name: option for name, option in spec["options"].items() if name not in seen}
        if not new:
            continue
        seen |= set(new)
        lines += ["", f"## {role}: {spec['short_description'][0].lower()}{spec['short_description'][1:]}", ""]
        lines += ["| variable | type | default | |", "|---|---|---|---|"]
        lines += [_row(name, option) for name, option in new.items()]
        for name, option in new.items():
            lines += _fields(name, option)
    return "\n".join(lines) + "\n"


def _fields(name: str, option: dict[str, Any]) -> Iterator[str]:
    if "options" not in option:
        return
    yield ""
    yield f"Fields of `{name}`:"
    yield ""
    yield "| field | type | |"
    yield "|---|---|---|"
    for field, inner in option["options"].items():
        required = " (required)" if inner.get("required") else ""
        yield f"| `{field}` | {inner['type']}{required} | {_prose(inner['description'])} |"


def _row(name: str, option: dict[str, Any]) -> str:
    kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
    default = "required" if option.get("required") else f"`{_plain(option.get('default'))}`"
    choices = f" Choices: {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
    return f"| `{name}` | {kind} | {default} | {_prose(option['description'])}{choices} |"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '""' if value == "" else str(value)


def _prose(text: str | list[str]) -> str:
    """Ansible's markup as Markdown."""
    joined = " ".join(text) if isinstance(text, list) else text
    joined = re.sub(r"O\(dataservices\.redis_migration\.(\w+)#module:(\w+)\)", r"`\2` of `\1`", joined)
    joined = re.sub(r"M\(dataservices\.redis_migration\.(\w+)\)", r"`\1`", joined)
    joined = re.sub(r"[COV]\(((?:[^()\\]|\\.)*)\)", lambda found: "`" + found[1].replace("\\", "") + "`", joined)
    return re.sub(r"I\(([^()]*)\)", r"*\1*", joined).replace("|", "\\|")


def main() -> None:
    for path, text in documents().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
