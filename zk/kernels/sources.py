"""What the kernels are written as: a hash of this package's source files.

The IR of a library follows from the code that emits it. So a library can be known by a hash of
that code, which takes milliseconds, instead of by its IR, which takes some hundred to write. All
files of `zk.kernels` are covered, each with its name: the kernels are a leaf, nothing outside
decides what they emit, and nobody has to keep a list of what depends on what.

The files are read once, when the package is imported and before any other module of it. What was
edited later is not what this process runs: `changed()` says so, and then nothing is stored.
Reading goes through the import system, so that editable installs, wheels and zip archives are
alike. Where sources do not ship there is no hash, and libraries are known by their IR alone.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

_PACKAGE: Final = "zk.kernels"
_SUFFIX: Final = ".py"
_DIGEST_BYTES: Final = 32


def hashed(root: Traversable) -> bytes | None:
    """Hash of names and contents of all source files below a folder; none if there are none."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    digest.update(repr((sys.implementation.name, sys.version_info)).encode())
    count = 0
    for name, data in _files(root, ""):
        for part in (name.encode(), data):
            digest.update(len(part).to_bytes(8, "little") + part)
        count += 1
    return digest.digest() if count else None


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if item.name.endswith(_SUFFIX):
            yield prefix + item.name, item.read_bytes()
        elif "." not in item.name and item.name != "__pycache__" and item.is_dir():
            yield from _files(item, f"{prefix}{item.name}/")


def _now() -> bytes | None:
    try:
        return hashed(resources.files(_PACKAGE))
    except (OSError, TypeError, ModuleNotFoundError):
        return None


DIGEST: Final = _now()
"""Hash of the sources as they were when this process imported them."""


def changed() -> bool:
    """Whether the files are others now than those that this process imported."""
    return _now() != DIGEST


def ours(module: str) -> bool:
    """Whether a module is covered by the hash."""
    return module.startswith(f"{_PACKAGE}.")
