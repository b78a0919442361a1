"""Files that are there whole or not at all, and folders that only their owner enters."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from zk import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    """The usual one, whatever this process was started with."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_made_and_replaced(tmp_path, durable) -> None:
    target = tmp_path / "file"
    for data in (b"first", b"", b"second"):
        files.write(target, data, durable=durable)
        assert target.read_bytes() == data
    assert list(tmp_path.iterdir()) == [target]


def test_a_block_that_fails_leaves_what_was_there(tmp_path) -> None:
    target = tmp_path / "file"
    for before in (None, b"old"):
        if before is not None:
            target.write_bytes(before)
        with contextlib.suppress(KeyboardInterrupt), files.replacing(target) as temporary:
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt
        assert [(p, p.read_bytes()) for p in tmp_path.iterdir()] == (
            [] if before is None else [(target, before)]
        )


def test_a_block_may_replace_the_temporary_file_itself(tmp_path) -> None:
    """Writers of some formats unlink and create."""
    target = tmp_path / "file"
    with files.replacing(target) as temporary:
        temporary.unlink()
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


def test_permissions_are_those_asked_for_from_the_first_moment(tmp_path, umask) -> None:
    ordinary, private = tmp_path / "ordinary", tmp_path / "private"
    private.write_bytes(b"old")
    private.chmod(0o644)
    files.write(ordinary, b"")
    with files.replacing(private, mode=files.PRIVATE) as temporary:
        assert mode(temporary) == 0o600
    assert (mode(ordinary), mode(private)) == (0o644, 0o600)


def test_durable_writes_flush_the_file_before_its_name_and_the_name_after(
    tmp_path, monkeypatch
) -> None:
    target, flushed = tmp_path / "file", []

    def fsync(descriptor: int) -> None:
        found = os.fstat(descriptor)
        flushed.append((stat.S_ISDIR(found.st_mode), target.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    files.write(target, b"data")
    assert flushed == []
    target.unlink()
    files.write(target, b"data", durable=True)
    assert flushed == [(False, False), (True, True)]


def test_a_missing_folder_is_an_error_and_a_link_is_replaced_not_followed(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        files.write(tmp_path / "none" / "file", b"")
    other, link = tmp_path / "other", tmp_path / "link"
    other.write_bytes(b"kept")
    link.symlink_to(other)
    files.write(link, b"new")
    assert (other.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"kept", b"new", False)


def test_a_secret_is_read_where_only_its_owner_can(tmp_path) -> None:
    path = tmp_path / "secret"
    files.write(path, b"12345", mode=files.PRIVATE)
    assert files.read_private(path, 5) == b"12345"
    assert files.read_private(path, 3) == b"1234"
    with pytest.raises(FileNotFoundError):
        files.read_private(tmp_path / "none", 5)
    for others in (0o640, 0o602, 0o601):
        path.chmod(others)
        with pytest.raises(files.OpenToOthers, match=f"mode {others:o}"):
            files.read_private(path, 5)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert (files.read_own(path, 5), files.read_own(path, 3)) == (b"12345", b"1234")
    with pytest.raises(FileNotFoundError):
        files.read_own(tmp_path / "none", 5)
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(OSError, match="not a file"):
            files.read_own(other, 5)
    with pytest.raises(IsADirectoryError):
        files.read_own(tmp_path, 5)


def test_every_level_that_a_private_folder_needs_is_private(tmp_path, umask, monkeypatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    assert files.make_private_folder(shared / "a/b/c") == shared / "a/b/c"
    assert mode(shared) == 0o755
    assert {mode(shared / name) for name in ("a", "a/b", "a/b/c")} == {0o700}
    files.make_private_folder(shared / "a/b/c")
    monkeypatch.chdir(tmp_path)
    files.make_private_folder(Path("x/y"))
    assert mode(tmp_path / "x") == mode(tmp_path / "x/y") == 0o700


def test_a_private_folder_where_a_file_is_fails(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileExistsError):
        files.make_private_folder(tmp_path / "file")


def test_a_new_file_takes_no_name_that_is_taken(tmp_path) -> None:
    """Also if the name was free when the writer began: looking first is not enough."""
    target = tmp_path / "key"

    def late() -> None:
        with files.replacing(target, new=True) as temporary:
            temporary.write_bytes(b"second")
            target.write_bytes(b"first")

    with pytest.raises(FileExistsError):
        late()
    assert target.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [target], "and leaves nothing"
    files.write(tmp_path / "other", b"free", new=True)
    assert (tmp_path / "other").read_bytes() == b"free"


@pytest.mark.skipif(os.name != "posix", reason="folders are locked on POSIX only")
def test_who_asks_second_waits(tmp_path) -> None:
    """Each reads what the one before wrote: no count is lost, and no file is left."""
    target = tmp_path / "count"
    target.write_bytes(b"0")

    def count() -> None:
        for _ in range(20):
            with files.locked(tmp_path):
                seen = int(target.read_bytes())
                time.sleep(0.0005)
                files.write(target, b"%d" % (seen + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() == b"80"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_erased_is_overwritten_first_and_gone(tmp_path, monkeypatch) -> None:
    target, flushed = tmp_path / "secret", []
    target.write_bytes(b"secret")
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda number: (flushed.append(target.read_bytes()), real(number))
    )
    files.erase(target)
    assert flushed == [bytes(6)]
    assert not target.exists()
    files.erase(target)
    target.mkdir()
    with pytest.raises(IsADirectoryError):
        files.erase(target)
