"""`init`, `wallet …`: names, words, passwords, files, viewing keys."""

from __future__ import annotations

import json
import stat

import pytest
import typer

from node.cli import keystore, prompts
from node.cli.session import Places

ENTROPY = bytes(range(32))


@pytest.fixture
def words_file(tmp_path):
    path = tmp_path / "words"
    path.write_text(" ".join(keystore.to_words(ENTROPY)))
    path.chmod(0o600)
    return path


@pytest.fixture
def person(monkeypatch):
    """A person at the terminal; `person.answers` are typed in order, `person.asked` recorded."""

    class Person:
        def __init__(self) -> None:
            self.answers, self.asked = [], []

        def prompt(self, text, **options):
            self.asked.append((text, bool(options.get("hide_input"))))
            return self.answers.pop(0)

    someone = Person()
    monkeypatch.setattr(prompts, "can_ask", lambda _session: True)
    monkeypatch.setattr(typer, "prompt", someone.prompt)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: someone.answers.pop(0) == "y")
    return someone


def test_init_makes_a_wallet_whose_files_only_its_owner_reads(offline) -> None:
    result = offline.pay("init")
    assert result.data["name"] == "main"
    assert result.data["address"].startswith("chiaro_dev1")
    folder = offline.home / "wallets" / "main"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "keystore.json").stat().st_mode) == 0o600
    offline.json("balance")
    assert stat.S_IMODE((folder / "wallet.sqlite").stat().st_mode) == 0o600


def test_words_are_in_the_json_only_when_asked_for(offline) -> None:
    hidden = offline.pay("init")
    assert "words" not in hidden.data
    assert "wallet backup" in hidden.document["warnings"][0]
    shown = offline.pay("wallet", "new", "two", "--show-words")
    assert len(shown.data["words"]) == 24
    again = offline.pay("wallet", "backup", "two", "--show-words")
    assert again.data["words"] == shown.data["words"]


def test_init_shows_the_words_once_and_asks_for_two_of_them(offline, person, monkeypatch) -> None:
    monkeypatch.setattr(keystore, "new_entropy", lambda: ENTROPY)
    phrase = keystore.to_words(ENTROPY)

    def prompt(text, **options):
        person.asked.append((text, bool(options.get("hide_input"))))
        if text.startswith("Word "):
            return phrase[int(text[5:-1]) - 1]
        return person.answers.pop(0)

    monkeypatch.setattr(typer, "prompt", prompt)
    person.answers = ["mine", "correct horse", "correct horse"]
    result = offline("init")
    assert result.code == 0, result.err
    assert sum(text.startswith("Word ") for text, _ in person.asked) == 2
    assert [hidden for text, hidden in person.asked if text in {"Password", "Again"}] == [True] * 2
    assert all(word in result.err for word in phrase)
    assert not any(f" {word} " in result.out for word in phrase)
    assert keystore.names(Places.of(str(offline.home))) == ["mine"]


def test_a_wrong_word_three_times_makes_no_wallet(offline, person) -> None:
    person.answers = ["mine", "correct horse", "correct horse", "x", "y", "z"]
    assert offline("init").code == 130
    assert keystore.names(Places.of(str(offline.home))) == []


def test_two_passwords_that_differ_make_no_wallet(offline, person) -> None:
    person.answers = ["mine", "correct horse", "correct house"]
    result = offline("init")
    assert result.code == 4
    assert "differ" in result.err


def test_without_a_person_or_a_file_there_is_no_password(offline) -> None:
    result = offline.json("init")
    assert result.code == 4
    assert result.error["code"] == "KST-004"


def test_restore_gives_the_same_address_and_account(offline, words_file) -> None:
    first = offline.pay("init", "--from-words-file", str(words_file), "--name", "one").data
    second = offline.pay("wallet", "restore", "two", "--from-words-file", str(words_file)).data
    assert (first["address"], first["account"]) == (second["address"], second["account"])
    assert second["birthday"] == 0


def test_words_with_a_wrong_checksum_are_refused_without_being_repeated(offline, tmp_path) -> None:
    phrase = keystore.to_words(ENTROPY)
    path = tmp_path / "swapped"
    path.write_text(" ".join([phrase[1], phrase[0], *phrase[2:]]))
    result = offline.pay("wallet", "restore", "two", "--from-words-file", str(path))
    assert (result.code, result.error["code"]) == (3, "KST-006")
    assert not any(word in json.dumps(result.error["message"]) for word in set(phrase) - {"a"})


def test_a_wallet_is_never_overwritten(offline) -> None:
    offline.wallet("main")
    again = offline.pay("init")
    assert (again.code, again.error["code"]) == (5, "KST-003")


def test_several_wallets_need_a_choice(offline) -> None:
    offline.wallet("one")
    assert offline.json("wallet", "show").data["name"] == "one"
    offline.wallet("two")
    refused = offline.json("balance")
    assert (refused.code, refused.error["code"]) == (1, "KST-002")
    assert "one, two" in refused.error["message"]
    assert offline.json("balance", "--wallet", "two").data["wallet"] == "two"
    assert offline.json("wallet", "use", "one").code == 0
    assert offline.json("balance").data["wallet"] == "one"
    listed = offline.json("wallet", "list").data["wallets"]
    assert [(item["name"], item["chosen"]) for item in listed] == [("one", True), ("two", False)]


def test_passwd_changes_the_password_and_keeps_the_words(offline, tmp_path) -> None:
    words = offline.pay("wallet", "new", "main", "--show-words").data["words"]
    fresh = tmp_path / "fresh"
    fresh.write_text("another password")
    assert offline.pay("wallet", "passwd", "main", "--new-password-file", str(fresh)).code == 0
    old = offline.pay("wallet", "backup", "--show-words")
    assert (old.code, old.error["code"]) == (4, "KST-004")
    new = offline.json("wallet", "backup", "--show-words", "--password-file", str(fresh))
    assert new.data["words"] == words


def test_a_backup_file_restores_and_stays_encrypted(offline, tmp_path) -> None:
    address = offline.wallet("main")["address"]
    copy = tmp_path / "backup.json"
    assert offline.json("wallet", "backup", "--out", str(copy)).code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    twice = offline.json("wallet", "backup", "--out", str(copy))
    assert twice.code == 2
    assert offline.json("wallet", "rm", "main", "--yes").code == 0
    assert offline.json("wallet", "list").data["wallets"] == []
    back = offline.json("wallet", "restore", "main", "--from-backup", str(copy))
    assert back.data["address"] == address
    copy.write_text("{}")
    damaged = offline.json("wallet", "restore", "other", "--from-backup", str(copy))
    assert (damaged.code, damaged.error["code"]) == (3, "KST-001")


def test_removal_needs_a_yes(offline, person) -> None:
    offline.wallet("main")
    person.answers = ["n"]
    assert offline("wallet", "rm", "main").code == 130
    assert keystore.names(Places.of(str(offline.home))) == ["main"]


def test_removal_without_a_person_needs_the_flag(offline) -> None:
    offline.wallet("main")
    refused = offline.json("wallet", "rm", "main")
    assert (refused.code, refused.error["code"]) == (2, "USE-002")


@pytest.mark.parametrize("which", ["full", "incoming", "outgoing"])
def test_a_view_only_wallet_of_each_viewing_key(offline, tmp_path, which) -> None:
    made = offline.wallet("main")
    key = tmp_path / "key"
    exported = offline.json("wallet", "viewkey", "export", which, "--out", str(key))
    assert exported.data["shows"]
    assert "viewing_key" not in exported.data
    seen = offline.json("wallet", "viewkey", "import", "watcher", str(key)).data
    assert seen["kind"] == which
    assert seen["address"] == (None if which == "outgoing" else made["address"])
    assert seen["account"] is None
    words = offline.pay("wallet", "backup", "watcher", "--show-words")
    assert (words.code, words.error["code"]) == (5, "KST-005")


def test_a_lesser_viewing_key_does_not_export_a_greater_one(offline, tmp_path) -> None:
    offline.wallet("main")
    key = tmp_path / "key"
    offline.json("wallet", "viewkey", "export", "incoming", "--out", str(key))
    offline.json("init", "--name", "watcher", "--view-only", str(key))
    refused = offline.json("wallet", "viewkey", "export", "full", "--wallet", "watcher")
    assert (refused.code, refused.error["code"]) == (5, "KST-005")


def test_a_wallet_of_another_profile_is_not_opened(offline) -> None:
    offline.wallet("main")
    refused = offline.json("balance", "--profile", "local")
    assert (refused.code, refused.error["code"]) == (5, "WOP-002")


def test_a_file_that_others_can_read_is_warned_about(offline, words_file) -> None:
    words_file.chmod(0o644)
    result = offline.pay("wallet", "restore", "main", "--from-words-file", str(words_file))
    assert any("chmod 600" in warning for warning in result.document["warnings"])
