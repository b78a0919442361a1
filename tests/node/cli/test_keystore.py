"""Wallet files: words, passwords, damage."""

from __future__ import annotations

import dataclasses
import json
import stat

import pytest

from node.cli import keystore
from node.cli.session import Places

ENTROPY = bytes(range(32))


@pytest.fixture
def places(tmp_path) -> Places:
    return Places.of(str(tmp_path))


@pytest.fixture(scope="module")
def wallet() -> keystore.Keystore:
    plain = keystore.Keystore("main", "spending", "dev", "fvk1abc", "aa" * 32, 7, None)
    return keystore.encrypt(plain, ENTROPY, "correct horse")


def test_words_round_trip_and_match_the_published_vector() -> None:
    # BIP-39's vector for 32 zero bytes.
    words = ["abandon"] * 23 + ["art"]
    assert keystore.to_words(bytes(32)) == words
    assert keystore.from_words(" ".join(words)) == bytes(32)
    entropy = keystore.new_entropy()
    assert keystore.from_words(" ".join(keystore.to_words(entropy))) == entropy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abandon " * 23, "expected 24 words, got 23"),
        ("abandon " * 24, "checksum"),
        ("abandon " * 22 + "zzzz art", "word 23"),
    ],
)
def test_wrong_words_are_refused_without_repeating_them(text: str, message: str) -> None:
    with pytest.raises(keystore.BadWords, match=message) as caught:
        keystore.from_words(text)
    assert "zzzz" not in str(caught.value)


def test_save_load_unlock(places, wallet) -> None:
    path = keystore.save(places, wallet)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    loaded = keystore.load(places, "main")
    assert loaded == wallet
    assert keystore.decrypt(loaded, "correct horse") == ENTROPY
    assert keystore.names(places) == ["main"]
    assert ENTROPY.hex() not in path.read_text()


def test_a_wrong_password_is_locked_not_damaged(wallet) -> None:
    with pytest.raises(keystore.Locked):
        keystore.decrypt(wallet, "wrong horse")


def test_a_swapped_viewing_key_is_noticed(wallet) -> None:
    with pytest.raises(keystore.Locked):
        keystore.decrypt(dataclasses.replace(wallet, viewing_key="fvk1mallory"), "correct horse")


def test_an_existing_wallet_is_never_overwritten(places, wallet) -> None:
    keystore.save(places, wallet)
    with pytest.raises(keystore.WalletExists):
        keystore.save(places, wallet)


def test_a_view_only_wallet_cannot_be_unlocked() -> None:
    view = keystore.Keystore("eye", "full", "dev", "fvk1abc", "", 0, None)
    with pytest.raises(keystore.ViewOnly):
        keystore.decrypt(view, "whatever it is")


@pytest.mark.parametrize("name", ["", "../x", "A", "a" * 33, ".hidden", "a/b"])
def test_names_that_are_no_folder_are_refused(name: str) -> None:
    with pytest.raises(keystore.WalletError, match="not a wallet name"):
        keystore.check_name(name)


def test_missing_and_damaged_files_are_told_apart(places, wallet) -> None:
    with pytest.raises(keystore.NoSuchWallet):
        keystore.load(places, "main")
    path = keystore.save(places, wallet)
    document = json.loads(path.read_text())
    for damage in (b"", b"{}", b"[1]", json.dumps({**document, "version": 9}).encode()):
        path.write_bytes(damage)
        with pytest.raises(keystore.WalletError, match="damaged"):
            keystore.load(places, "main")


@pytest.mark.parametrize(
    "change",
    [{"memory_kib": 2**40}, {"iterations": 0}, {"kdf": "md5"}, {"salt": "zz"}, {"nonce": ""}],
)
def test_a_hostile_keystore_costs_nothing(wallet, change) -> None:
    hostile = dataclasses.replace(wallet, secret={**wallet.secret, **change})
    with pytest.raises(keystore.WalletError, match="damaged"):
        keystore.decrypt(hostile, "correct horse")


def test_nothing_secret_prints(wallet) -> None:
    assert "ciphertext" not in repr(wallet)
    assert "fvk1abc" not in repr(wallet)
