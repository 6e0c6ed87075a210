# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment of Python in which names of hosts lead to ports on loopback, as a hosts file with ports would have it.

    make(Path("/tmp/x"), {"old.example.com": 40123, "127.0.0.1:16379": 40123}, certificates=authority.ca_file)

Everything that /tmp/x/bin runs knows these names, this authority and no other name, however it is started: its children and
those who outlive it too. It has the libraries and the commands of Ansible of the environment that made it.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path

_HOOK = """
import os, socket
_NAMES = {names}
os.environ["SSL_CERT_FILE"] = {certificates!r}
_getaddrinfo = socket.getaddrinfo
def _resolve(host, port, *arguments, **options):
    name = host.decode() if isinstance(host, bytes) else host
    leads = _NAMES.get(str(name) + ":" + str(port), _NAMES.get(name))
    if leads is not None:
        host, port = "127.0.0.1", leads
    elif name and name.endswith((".com", ".cloud", ".a9ssvc")):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _getaddrinfo(host, port, *arguments, **options)
socket.getaddrinfo = _resolve
"""


def make(directory: Path, names: Mapping[str, int], certificates: Path) -> None:
    """Make the environment in `directory`; a name is HOST, or HOST:PORT where that port alone leads elsewhere."""
    venv.create(directory, symlinks=True, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    libraries = directory / "lib" / version / "site-packages"
    hook = _HOOK.format(names=json.dumps(dict(names)), certificates=str(certificates))
    (libraries / "tests_named_hosts.py").write_text(hook)
    (libraries / "tests_named_hosts.pth").write_text(f"{sysconfig.get_path('purelib')}\nimport tests_named_hosts\n")
    for script in Path(sys.executable).parent.glob("ansible*"):
        _first, rest = script.read_text().split("\n", 1)
        made = directory / "bin" / script.name
        made.write_text(f"#!{directory}/bin/python\n{rest}")
        made.chmod(0o755)
