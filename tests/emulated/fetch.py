"""A Python for aarch64 with what `zk` imports: `python tests/emulated/fetch.py`.

In `.cache/aarch64`:

    root   interpreter, libc and libraries: packages of the Debian release that this runs on
    site   wheels, in the versions that this environment has

Nothing is installed; packages are only unpacked. Needs `apt-get`, `dpkg-deb`, pip and the network,
and that apt knows the architecture: `dpkg --add-architecture arm64 && apt-get update`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".cache/aarch64"
LIBRARIES = (
    "libc6",
    "libgcc-s1",
    "libstdc++6",
    "zlib1g",
    "libexpat1",
    "libffi8",
    "libssl3",
    "libbz2-1.0",
    "liblzma5",
    "libuuid1",
    "libcrypt1",
    "libsqlite3-0",
    "libzstd1",
)
WHEELS = ("numpy", "gmpy2", "llvmlite", "platformdirs", "filelock")
GLIBC = ("2014", "_2_17", "_2_24", "_2_26", "_2_27", "_2_28", "_2_31", "_2_34")


def _run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def fetch_root(folder: Path, python: str) -> None:
    """Unpack Debian's packages."""
    names = [f"{python}-minimal", f"lib{python}-minimal", f"lib{python}-stdlib", *LIBRARIES]
    with tempfile.TemporaryDirectory() as scratch:
        _run("apt-get", "download", *(f"{name}:arm64" for name in names), folder=Path(scratch))
        for package in Path(scratch).glob("*.deb"):
            _run("dpkg-deb", "-x", str(package), str(folder), folder=Path(scratch))


def fetch_site(folder: Path, python: str) -> None:
    """Unpack wheels."""
    platforms = [f"--platform=manylinux{name}_aarch64" for name in GLIBC]
    wanted = [f"{name}=={version(name)}" for name in WHEELS]
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", scratch]
        command += ["--only-binary=:all:", f"--python-version={python}", *platforms, *wanted]
        _run(*command, folder=Path(scratch))
        for wheel in Path(scratch).glob("*.whl"):
            with zipfile.ZipFile(wheel) as pack:
                pack.extractall(folder)


def main() -> None:
    """Fetch both, for the Python that Debian's packages are of."""
    number = f"{sys.version_info.major}.{sys.version_info.minor}"
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, fetch, what in (
        ("root", fetch_root, f"python{number}"),
        ("site", fetch_site, number),
    ):
        target = FOLDER / name
        target.mkdir(parents=True)
        fetch(target, what)
    sys.stdout.write(f"{FOLDER}\n")


if __name__ == "__main__":
    main()
