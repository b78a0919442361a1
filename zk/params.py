"""Where constants and keys lie on disk: the one module that knows.

`params/` is read-only data that ships with the project; the cache holds what is built from it
(proving keys, compiled kernels) and may be deleted at any time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

from zk.errors import ParamsError

ENV_PARAMS: Final = "CHIARO_PARAMS"
ENV_CACHE: Final = "CHIARO_CACHE"

_PACKAGE: Final = Path(__file__).resolve().parent


def root() -> Path:
    """The folder of parameters: `CHIARO_PARAMS`, else the installed `zk/_params`, else `params/`.

    An explicit `CHIARO_PARAMS` is final: when it names no folder nothing else is tried, since a
    person who points at parameters must not silently get others.

    Raises:
        ParamsError: no such folder.
    """
    explicit = os.environ.get(ENV_PARAMS)
    candidates = (
        [Path(explicit)] if explicit else [_PACKAGE / "_params", _PACKAGE.parent / "params"]
    )
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise ParamsError(
        "the folder of parameters is missing",
        where=", ".join(str(c) for c in candidates),
        why="constants and keys are data: without them nothing can be computed or checked",
        fix=f"install the project again, or set {ENV_PARAMS} to a folder that holds `poseidon/`",
    )


def path(relative: str, folder: Path | None = None) -> Path:
    """Path of one parameter file, such as `poseidon/bn254_x5_t3.json`.

    Args:
        relative: the file's name below the folder.
        folder: of parameters; by default `root()`.

    Raises:
        ParamsError: the name leaves the folder, or there is no such file.
    """
    folder = (folder or root()).resolve()
    found = (folder / relative).resolve()
    if not found.is_relative_to(folder):
        raise ParamsError(
            "a parameter's name leaves the folder of parameters",
            where=relative,
            why="names may come from a file, and must not reach other files",
            fix="use a relative name without `..`",
        )
    if not found.exists():
        raise ParamsError(
            f"no such parameter: {relative}",
            where=str(folder),
            why="the code asks for a constant or key that this installation does not carry",
            fix="install the project again, or run the generator that `params/README.md` names",
        )
    return found


def cache_dir() -> Path:
    """A writable folder for what is built on first use; made when missing.

    `CHIARO_CACHE`, else the platform's user cache (`~/.cache/chiaro` on Linux); when neither can be
    written, a folder of this user's own under the system's temporary directory.
    """
    explicit = os.environ.get(ENV_CACHE)
    wanted = Path(explicit) if explicit else Path(platformdirs.user_cache_dir("chiaro"))
    if _make_writable(wanted):
        return wanted
    return _private_temporary()


def _make_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private_temporary() -> Path:
    """A folder that only this user can write: its contents are trusted as keys and code."""
    uid = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"chiaro-cache-{uid}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        own = not hasattr(os, "getuid") or (status.st_uid == uid and not status.st_mode & 0o022)
        if own and folder.is_dir() and not folder.is_symlink() and _make_writable(folder):
            return folder
    except OSError:
        pass  # someone else's file of that name: fall through to a fresh folder
    return Path(tempfile.mkdtemp(prefix="chiaro-cache-"))
