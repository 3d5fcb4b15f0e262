"""Fetch the real upstream servers, once: each in a place of its own below `.live/`.

Python servers come from PyPI through hashed lock files; Prometheus and Alertmanager come as Debian's packages,
unpacked, not installed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".live"
LOCKS = Path(__file__).parent / "requirements"
DEBIAN_PACKAGES = ("prometheus", "prometheus-alertmanager")  # their programs have the same names


def python_server(name: str) -> None:
    """Make `.live/<name>` a virtual environment that holds exactly what the lock file says."""
    lock, place = LOCKS / f"{name}.txt", PLACE / name
    stamp, wanted = place / "installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"installing {name} …", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    command = [
        str(place / "bin/python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--require-hashes",
        "-r",
        str(lock),
    ]
    subprocess.run(command, check=True)
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


def main() -> None:
    """Install everything that is missing."""
    PLACE.mkdir(exist_ok=True)
    for lock in sorted(LOCKS.glob("*.txt")):
        python_server(lock.stem)
    for name in DEBIAN_PACKAGES:
        debian_package(name)


if __name__ == "__main__":
    main()
