"""Fetch the real upstream servers, once: each in a place of its own below `.live/`.

Python servers come from PyPI through hashed lock files; Prometheus and Alertmanager come as Debian's packages,
unpacked, not installed. GitHub cannot be run here: its own description of its API comes from npm, to check what the
tests' small one answers.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".live"
LOCKS = Path(__file__).parent / "requirements"
DEBIAN_PACKAGES = ("prometheus", "prometheus-alertmanager")  # their programs have the same names
GITHUB_API = PLACE / "github/api.github.com.json"
GITHUB_PACKAGE = "@octokit/openapi@23.0.2"
GITHUB_SHA512 = "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="


def python_server(name: str) -> None:
    """Make `.live/<name>` a virtual environment that holds exactly what the lock file says."""
    lock, place = LOCKS / f"{name}.txt", PLACE / name
    stamp, wanted = place / "installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"installing {name} …", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
    command = [uv, "pip", "install", "--quiet", "--python", str(place / "bin/python"), "--no-deps", "--require-hashes"]
    subprocess.run([*command, "-r", str(lock)], check=True)
    stamp.write_text(wanted)


def debian_package(name: str) -> None:
    """Unpack Debian's package below `.live/debian`; a machine without apt must bring the server on its PATH."""
    place = PLACE / "debian"
    if (place / "usr/bin" / name).exists() or shutil.which(name):
        return
    if not shutil.which("apt-get"):
        sys.exit(f"{name} is not on the PATH and there is no apt-get to fetch it; install {name} and try again.")
    print(f"fetching {name} …", flush=True)
    downloads = PLACE / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    for command in (
        ["apt-get", "download", "-q", name],
        ["apt-get", "update", "-q"],
        ["apt-get", "download", "-q", name],
    ):
        subprocess.run(command, cwd=downloads, check=False, stdout=subprocess.DEVNULL)
        if found := sorted(downloads.glob(f"{name}_*.deb")):
            subprocess.run(["dpkg", "-x", str(found[-1]), str(place)], check=True)
            return
    sys.exit(f"apt-get could not download {name}.")


def github_description() -> None:
    """GitHub's OpenAPI description (13 MB) out of its npm package (29 MB), checked by its digest."""
    if GITHUB_API.is_file():
        return
    npm = shutil.which("npm") or sys.exit("npm is not on the PATH; install Node.js and try again.")
    print(f"fetching {GITHUB_PACKAGE} …", flush=True)
    GITHUB_API.parent.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--silent", GITHUB_PACKAGE]
    made = subprocess.run(command, cwd=GITHUB_API.parent, check=True, capture_output=True, text=True)
    archive = GITHUB_API.parent / made.stdout.strip().splitlines()[-1]
    if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != GITHUB_SHA512:
        sys.exit(f"{archive} is not the {GITHUB_PACKAGE} that was expected.")
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/generated/{GITHUB_API.name}")
        assert member is not None
        GITHUB_API.write_bytes(member.read())
    archive.unlink()


def main() -> None:
    """Install everything that is missing."""
    PLACE.mkdir(exist_ok=True)
    for lock in sorted(LOCKS.glob("*.txt")):
        python_server(lock.stem)
    for name in DEBIAN_PACKAGES:
        debian_package(name)
    github_description()


if __name__ == "__main__":
    main()
