"""What members keep on their disks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from node.private.member.errors import MemberRefused, MemberSecretLost
from node.private.member.secrets import FileJournal, Vault, load_key, make_key

COMMITTEE = b"\x05" * 32


def refused(rule: str, call) -> None:
    with pytest.raises(MemberRefused) as caught:
        call()
    assert caught.value.rule == rule


def test_pv150_a_key_is_made_once_and_is_private(tmp_path: Path):
    made = make_key(tmp_path / "home")
    path = tmp_path / "home" / "member.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(tmp_path / "home").account == made.account
    refused("PV-150", lambda: make_key(tmp_path / "home"))
    path.chmod(0o644)
    refused("PV-150", lambda: load_key(tmp_path / "home"))
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"key/1", b"key/2"))
    refused("PV-150", lambda: load_key(tmp_path / "home"))
    refused("PV-150", lambda: load_key(tmp_path / "nowhere"))
    with pytest.raises(MemberSecretLost, match="no key"):
        make_key(path)  # a file is no folder


def test_pv150_entropy_is_kept_before_it_is_used_and_never_replaced(tmp_path: Path):
    folder = tmp_path / "secrets"
    fresh = Vault(folder, COMMITTEE).entropy(2, 1)
    assert stat.S_IMODE((folder / "2-1").stat().st_mode) == 0o600
    again = Vault(folder, COMMITTEE)
    assert again.entropy(2, 1) == fresh
    assert again.entropy(2, 2) != fresh
    assert again.kept() == ((2, 1), (2, 2))
    refused("PV-150", lambda: Vault(folder, b"\x06" * 32).entropy(2, 1))
    (folder / "3-0").write_bytes((folder / "2-1").read_bytes())
    (folder / "3-0").chmod(0o600)
    refused("PV-150", lambda: again.entropy(3, 0))
    whole = (folder / "2-2").read_bytes()
    (folder / "2-2").write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    refused("PV-150", lambda: again.find(2, 2))
    (folder / "2-2").write_bytes(whole)
    (folder / "2-2").chmod(0o640)
    refused("PV-150", lambda: again.entropy(2, 2))
    (folder / ".2-1.left.tmp").write_bytes(fresh)
    again.erase(2, 1)
    assert again.find(2, 1) is None
    assert not (folder / ".2-1.left.tmp").exists()


def test_pv151_a_decision_is_recorded_once(tmp_path: Path):
    folder = tmp_path / "journal"
    assert FileJournal(folder).record(b"key", b"first") == b"first"
    assert FileJournal(folder).record(b"key", b"second") == b"first"
    assert FileJournal(folder).record(b"other", b"second") == b"second"
    (path,) = (p for p in folder.iterdir() if b"second" in p.read_bytes())
    path.write_bytes(b"third" + path.read_bytes()[-32:])
    with pytest.raises(MemberSecretLost, match="damaged"):
        FileJournal(folder).record(b"other", b"third")


def test_pv151_what_is_on_the_disk_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flushed = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda d: (flushed.append(d), real(d))[1])
    FileJournal(tmp_path / "j").record(b"key", b"value")
    assert len(flushed) == 2  # the file, and its folder
    Vault(tmp_path / "s", COMMITTEE).entropy(0, 0)
    assert len(flushed) == 4
