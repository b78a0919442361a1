"""Files that are there whole or not at all, and folders that only their owner enters."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
OF_A_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""Errors of writing, which name no file."""
ORDINARY: Final = 0o666
"""As of any new file: the process's umask takes its part."""


@contextlib.contextmanager
def replacing(
    target: Path, *, mode: int = ORDINARY, durable: bool = False, new: bool = False
) -> Iterator[Path]:
    """A new empty file beside `target`, which takes its name if the block succeeds.

    Readers meet the old file, the new one or none; a block that fails leaves what was there.

    Args:
        target: the file to make or replace; its folder exists.
        mode: permissions, from the first moment on; `PRIVATE` for secrets.
        durable: content and name are on the disk, whatever happens next, when this returns.
        new: take the name only if nothing has it, whoever else tries at the same time.

    Raises:
        OSError: the folder or the disk refuses; FileExistsError: `new`, and the name is taken.
    """
    if not target.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    except OSError as error:
        error.filename = str(target)  # nobody typed the other name
        raise
    try:
        yield temporary
        if durable:
            _flush(temporary)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        if new:
            os.link(temporary, target)
        else:
            temporary.replace(target)
        if durable and os.name == "posix":  # elsewhere folders cannot be opened
            _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write(
    target: Path, data: bytes, *, mode: int = ORDINARY, durable: bool = False, new: bool = False
) -> None:
    """All of `data` under that name, or what was there; arguments and errors of `replacing`."""
    with replacing(target, mode=mode, durable=durable, new=new) as temporary:
        temporary.write_bytes(data)


def write_all(content: Mapping[Path, bytes]) -> None:
    """All files, or none: they take their names when all of them are on the disk."""
    with contextlib.ExitStack() as stack:
        for target, data in content.items():
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            stack.enter_context(replacing(target)).write_bytes(data)


class OpenToOthers(PermissionError):
    """A secret lies in a file that not only its owner reads."""


def read_private(path: Path, most: int) -> bytes:
    """A secret file's bytes; of a longer one `most` and one more, so that its length tells.

    Raises:
        OpenToOthers: its mode lets others in, where files have such a mode; says which.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        data = file.read(most + 1)
    if os.name == "posix" and mode & 0o077:
        raise OpenToOthers(errno.EACCES, f"open to others, mode {mode:o}", str(path))
    return data


def read_own(path: Path, most: int) -> bytes:
    """A file that lies in a folder of ours; of a longer one `most` bytes and one more.

    Whatever else has its name, such as a pipe that nobody writes to, is refused and not waited for.

    Raises:
        OSError: it cannot be read; EINVAL: it is no file.
    """
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
        return file.read(most + 1)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def erase(path: Path) -> None:
    """A secret's file is overwritten, and gone; there may be none.

    It is as far as the disk goes along: it may keep old blocks.

    Raises:
        OSError: it cannot be written, or removed.
    """
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


def make_private_folder(path: Path) -> Path:
    """Make what is missing of a path, every level of it 0700; what exists stays as it is."""
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone in a folder, among those who ask; the lock is on the folder itself and leaves nothing.

    Where folders cannot be locked (not POSIX) nobody waits.
    """
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
