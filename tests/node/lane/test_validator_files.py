"""What a validator keeps on its disk: its key, its secrets, what it made shares of."""

from __future__ import annotations

import copy
import pickle
import stat

import pytest

from node.core.ids import ChainId
from node.lane.errors import BadKeyFile, DamagedLog, SecretLost
from node.lane.validator import identity
from node.lane.validator.roots import RECORD_BYTES, FileRootLogs
from node.lane.validator.secrets import AttemptId, FileSecrets

CHAIN, OTHER = ChainId(b"\x01" * 32), ChainId(b"\x02" * 32)
ENTROPY = bytes(range(32))
PLACE = AttemptId(3, 7, 0)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# THE KEY


def test_a_key_is_the_same_after_a_restart_and_tells_nothing(tmp_path) -> None:
    made = identity.create(tmp_path / "home" / "validator.key")
    again = identity.load(tmp_path / "home" / "validator.key")
    assert made.public == again.public
    assert made.sign(b"x") == again.sign(b"x")
    secret = (tmp_path / "home" / "validator.key").read_text().split()[1]
    assert secret not in repr(made)
    for stolen in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="not copied"):
            stolen(made)


def test_ln32_of_two_at_once_one_makes_the_key(tmp_path, monkeypatch) -> None:
    """The other one would print a public half that goes into genesis, and has no secret."""
    path = tmp_path / "validator.key"
    first = identity.create(path)
    monkeypatch.setattr(type(path), "exists", lambda _self, **_: False)  # looked at before
    with pytest.raises(BadKeyFile, match="LN-32: there is a validator's key already"):
        identity.create(path)
    assert identity.load(path).public == first.public


def test_ln32_a_key_file_is_private_whole_and_never_replaced(tmp_path) -> None:
    path = tmp_path / "validator.key"
    identity.create(path)
    assert mode(path) == 0o600
    good = path.read_bytes()
    with pytest.raises(BadKeyFile, match="LN-32: there is a validator's key already"):
        identity.create(path)
    assert path.read_bytes() == good
    path.chmod(0o640)
    with pytest.raises(BadKeyFile, match=r"LN-32: .* open to others, mode 640"):
        identity.load(path)
    path.chmod(0o600)
    for bad in (b"", good[:-1], good + b"\n", good.replace(b"/1 ", b"/2 "), good.upper()):
        path.write_bytes(bad)
        with pytest.raises(BadKeyFile, match="LN-32: this is no validator's key"):
            identity.load(path)
    path.unlink()
    with pytest.raises(BadKeyFile, match=r"LN-32: .* cannot be read"):
        identity.load(path)


# SECRETS


def test_ln25_a_secret_is_private_and_outlives_the_process(tmp_path) -> None:
    folder = tmp_path / "lane" / "secrets"
    store = FileSecrets(folder, CHAIN)
    assert store.get(PLACE) is None
    assert store.kept() == ()
    store.put(PLACE, ENTROPY)
    (path,) = folder.iterdir()
    assert (mode(path), mode(folder), mode(folder.parent)) == (0o600, 0o700, 0o700)
    assert FileSecrets(folder, CHAIN).get(PLACE) == ENTROPY
    assert FileSecrets(folder, CHAIN).kept() == (PLACE,)
    assert ENTROPY.hex() not in repr(store)


def test_ln25_a_damaged_or_foreign_secret_is_refused(tmp_path) -> None:
    store = FileSecrets(tmp_path, CHAIN)
    store.put(PLACE, ENTROPY)
    path = tmp_path / "3-7-0"
    good = path.read_bytes()
    for at in (0, 1, 40, 60, len(good) - 1):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(SecretLost, match="LN-25: the file is damaged") as refused:
            store.get(PLACE)
        assert ENTROPY.hex() not in str(refused.value)
    for bad in (b"", good[:-1], good + b"\0"):
        path.write_bytes(bad)
        with pytest.raises(SecretLost, match="LN-25: the file is damaged"):
            store.get(PLACE)
    path.write_bytes(good)
    with pytest.raises(SecretLost, match="LN-25: the secret of something else"):
        FileSecrets(tmp_path, OTHER).get(PLACE)
    path.rename(tmp_path / "3-8-0")
    with pytest.raises(SecretLost, match="LN-25: the secret of something else"):
        store.get(AttemptId(3, 8, 0))


def test_ln25_what_cannot_be_kept_is_not_passed_over(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SecretLost, match="LN-25: the secret cannot be kept"):
        FileSecrets(tmp_path / "file" / "secrets", CHAIN).put(PLACE, ENTROPY)


def test_ln26_an_erased_secret_is_gone(tmp_path) -> None:
    store = FileSecrets(tmp_path, CHAIN)
    store.put(PLACE, ENTROPY)
    store.put(AttemptId(3, 7, 1), ENTROPY)
    with (tmp_path / "3-7-0").open("rb") as opened:
        store.erase(PLACE)
        assert set(opened.read()) == {0}  # not only unlinked
    assert store.get(PLACE) is None
    assert store.kept() == (AttemptId(3, 7, 1),)
    store.erase(PLACE)


def test_ln26_what_a_crash_left_of_a_secret_is_erased_too(tmp_path) -> None:
    store = FileSecrets(tmp_path, CHAIN)
    left = tmp_path / ".3-7-0.0123456789abcdef.tmp"
    for sweep in (lambda: store.put(PLACE, ENTROPY), lambda: store.erase(PLACE)):
        left.write_bytes(ENTROPY)
        with left.open("rb") as opened:
            sweep()
            assert set(opened.read()) == {0}
        assert not left.exists()


# ROOTS


def logs(folder, chain=CHAIN) -> FileRootLogs:
    """With the logs of two domains."""
    found = FileRootLogs(folder, chain)
    for domain in (0, 1):
        found.begin(domain, known=False)
    return found


def test_ln27_a_log_that_is_gone_is_no_empty_one(tmp_path) -> None:
    log = logs(tmp_path / "roots").log(0)
    log.record(5, 0, b"\x05" * 32)
    (tmp_path / "roots" / "0").unlink()
    again = FileRootLogs(tmp_path / "roots", CHAIN)
    with pytest.raises(DamagedLog, match="LN-27: the record of what was shared is gone"):
        again.log(0)
    with pytest.raises(DamagedLog, match="LN-27: the record of what was shared is gone"):
        again.begin(0, known=True)
    again.begin(1, known=True)
    with pytest.raises(DamagedLog, match="LN-27: the root cannot be recorded"):
        log.record(6, 0, b"\x06" * 32)  # removed under a process that runs


def test_ln27_roots_outlive_the_process_and_are_of_their_domain(tmp_path) -> None:
    log = logs(tmp_path / "roots").log(0)
    assert log.root(5, 0) is None
    log.record(5, 0, b"\x05" * 32)
    log.record(6, 0, b"\x06" * 32)
    again = FileRootLogs(tmp_path / "roots", CHAIN)
    assert again.log(0).root(5, 0) == b"\x05" * 32
    assert again.log(0).root(6, 0) == b"\x06" * 32
    assert again.log(1).root(5, 0) is None
    assert again.log(0).root(5, 1) is None
    assert mode(tmp_path / "roots" / "0") == 0o600


def test_ln27_a_torn_last_record_is_none_and_is_overwritten(tmp_path) -> None:
    logs(tmp_path).log(0).record(5, 0, b"\x05" * 32)
    path = tmp_path / "0"
    for torn in (b"\x07", bytes(40), bytes(RECORD_BYTES)):
        whole = path.read_bytes()
        path.write_bytes(whole + torn)
        log = FileRootLogs(tmp_path, CHAIN).log(0)
        assert log.root(5, 0) == b"\x05" * 32
        log.record(len(whole), 0, b"\x06" * 32)
        assert len(path.read_bytes()) == len(whole) + RECORD_BYTES
        assert FileRootLogs(tmp_path, CHAIN).log(0).root(len(whole), 0) == b"\x06" * 32


def test_ln27_a_damaged_record_is_refused(tmp_path) -> None:
    log = logs(tmp_path).log(0)
    for height in (5, 6):
        log.record(height, 0, bytes([height]) * 32)
    path = tmp_path / "0"
    good = path.read_bytes()
    for at in (0, 20, RECORD_BYTES - 1, RECORD_BYTES, 2 * RECORD_BYTES - 1):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(DamagedLog, match="LN-27: damaged at byte"):
            FileRootLogs(tmp_path, CHAIN).log(0)
    path.write_bytes(bytes(RECORD_BYTES) + good)
    with pytest.raises(DamagedLog, match="LN-27: damaged at byte 0"):
        FileRootLogs(tmp_path, CHAIN).log(0)
    path.write_bytes(good)
    with pytest.raises(DamagedLog, match="LN-27"):
        FileRootLogs(tmp_path, OTHER).log(0)
    path.rename(tmp_path / "1")
    with pytest.raises(DamagedLog, match="LN-27"):
        FileRootLogs(tmp_path, CHAIN).log(1)


def test_ln27_what_cannot_be_recorded_stops_the_share(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DamagedLog, match="LN-27: the root cannot be recorded"):
        FileRootLogs(tmp_path / "file" / "roots", CHAIN).begin(0, known=False)
    log = logs(tmp_path / "roots").log(0)
    (tmp_path / "roots" / "0").unlink()
    (tmp_path / "roots" / "0").mkdir()
    with pytest.raises(DamagedLog, match="LN-27: the root cannot be recorded"):
        log.record(5, 0, bytes(32))
    assert log.root(5, 0) is None
