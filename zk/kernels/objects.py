r"""Files that hold machine code, or lead to it: whole and the right ones, or not read at all.

    magic     b"CHIAROBJ2\n"
    key       32   of everything that the content follows from
    digest    32   BLAKE2b-256 of key and content
    content

The file repeats its key, and the digest covers both: a damaged, truncated or foreign file counts as
missing, and is written again. Writes are atomic; a folder that cannot be written only costs time.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from zk import files, params
from zk.kernels.target import KEY_BYTES

MAGIC: Final = b"CHIAROBJ2\n"
"""Raise its number when the format or the meaning of a key changes."""
LOCK_SECONDS: Final = 120.0
"""Nothing takes longer to compile; whoever holds a lock for longer is not waited for."""
_FOLDER: Final = "kernels"


def folder() -> Path | None:
    """`kernels/` in the cache of `zk.params`, made when missing; none where it cannot be made."""
    found = params.cache_dir() / _FOLDER
    try:
        found.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return found


def read(path: Path, key: bytes) -> bytes | None:
    """The content stored under a key, or nothing when it is missing, damaged or another one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + 2 * KEY_BYTES
    if len(data) <= start or not data.startswith(MAGIC + key):
        return None
    body = data[start:]
    return body if data[start - KEY_BYTES : start] == _digest(key, body) else None


def write(path: Path, key: bytes, body: bytes) -> None:
    """Atomic: readers see the old file, the new one or none. A failure costs only time."""
    with contextlib.suppress(OSError):
        files.write(path, MAGIC + key + _digest(key, body) + body, mode=files.PRIVATE)


def _digest(key: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(key + body, digest_size=KEY_BYTES).digest()


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keeps others from making the same at the same time; without a lock it is made twice.

    Never in the way: where files cannot be locked, or somebody holds the lock for too long, the
    block runs all the same, since writes are atomic.
    """
    from filelock import FileLock, Timeout

    held = FileLock(path, timeout=LOCK_SECONDS)
    with contextlib.suppress(OSError, Timeout, NotImplementedError):
        held.acquire()
    try:
        yield
    finally:
        held.release()
