# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as JUnit's XML, which CI servers read: a suite for each migration, a case for each phase that it came to."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.escape import one_line

Data = t.Mapping[str, t.Any]

# What each phase is for; a case is named "orders: verify (prove both ends equal)".
_PURPOSES = {
    "credentials": "find both ends",
    "preflight": "check both ends before anything changes",
    "analyse": "look at the keys of the source",
    "follow": "copy while applications write",
    "wait": "wait for the moment of the cutover",
    "isolate": "keep applications away from the source",
    "backup": "save the source to a file",
    "migrate": "move the keys",
    "drain": "move and compare the last changes",
    "verify": "prove both ends equal",
    "cutover": "bring applications to the target",
    "release": "let writes through again",
    "rollback": "bring applications back to the source",
    "restore": "restore the backup",
}
# Of what is listed in a failure; the whole is in report.json.
_LISTED = 50


def render_junit(report: Data) -> str:
    """The XML of what :func:`_report.data.build_report` returned."""
    root = ET.Element("testsuites", name=f"Redis migration: {report['playbook']}")
    suites = [_suite(root, report, migration) for migration in report["migrations"]]
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", _seconds(report["elapsed_seconds"]))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, report: Data, migration: Data) -> ET.Element:
    name = one_line(migration["name"])
    suite = ET.SubElement(root, "testsuite", name=name, timestamp=report["started"][:19])
    failure = migration["failure"]
    phases = [(one["phase"], one["seconds"]) for one in migration["timeline"]["phases"]]
    if failure and failure["phase"] not in dict(phases):
        phases.append((failure["phase"], 0.0))
    for phase, seconds in phases:
        case = _case(suite, name, phase, seconds)
        if failure and failure["phase"] == phase:
            told = ET.SubElement(case, "failure", type=phase, message=one_line(failure["message"]))
            told.text = "\n".join(_told(migration, phase))
        elif warnings := _warnings(migration, phase):
            ET.SubElement(case, "system-out").text = "\n".join(warnings)
    if not phases:
        case = _case(suite, name, "run", 0.0)
        ET.SubElement(case, "skipped", message="Nothing was asked for, or the run ended before it.")
    suite.set("tests", str(len(phases) or 1))
    suite.set("failures", str(int(failure is not None)))
    suite.set("skipped", str(int(not phases)))
    suite.set("time", _seconds(migration["timeline"]["seconds"]))
    return suite


def _case(suite: ET.Element, migration: str, phase: str, seconds: float) -> ET.Element:
    purpose = f" ({_PURPOSES[phase]})" if phase in _PURPOSES else ""
    return ET.SubElement(
        suite, "testcase", classname=migration, name=f"{migration}: {phase}{purpose}", time=_seconds(seconds)
    )


def _told(migration: Data, phase: str) -> list[str]:
    """The whole of a failure in lines: its message, each finding with its next step, keys that failed or differ."""
    lines = [one_line(migration["failure"]["message"])]
    lines += [_line(found) for found in _findings(migration, phase) if found["status"] == "fail"]
    entries = []
    if phase == "migrate" and migration["migrate"]:
        entries = [(one, one["reason"], one["hint"]) for one in migration["migrate"]["failures"]]
    elif phase == "verify" and migration["verify"]:
        entries = [(one, one["kind"], one["detail"]) for one in migration["verify"]["differences"]]
    for entry, *texts in entries[:_LISTED]:
        lines.append(
            one_line(f"database {entry['database']}, {entry['key']}: {'. '.join(text for text in texts if text)}")
        )
    if len(entries) > _LISTED:
        lines.append(f"{len(entries) - _LISTED} more are in report.json.")
    return lines


def _warnings(migration: Data, phase: str) -> list[str]:
    return [_line(found) for found in _findings(migration, phase) if found["status"] == "warn"]


def _findings(migration: Data, phase: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (
        (migration.get(phase) or {}).get("findings", []) if phase in ("preflight", "verify") else []
    )
    return found


def _line(found: Data) -> str:
    step = f" Next step: {found['next_step']}" if found["next_step"] else ""
    return one_line(f"{found['status']} {found['name']}: {found['message']}{step}")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
