"""`--json`: one document on standard output, for every command, when it works and when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import typer

from node.cli import main as entry

GROUPS = {
    "init", "wallet", "address", "balance", "sync", "shield", "send", "unshield", "tx", "intent",
}  # fmt: skip

# Of each command: words that succeed (over the story below), and words that fail.
WORKS = {
    "init": "--name three",
    "wallet new": "four",
    "wallet restore": "five --from-words-file {words}",
    "wallet list": "",
    "wallet use": "alice",
    "wallet show": "",
    "wallet backup": "--show-words",
    "wallet passwd": "alice --new-password-file {password}",
    "wallet rm": "spare",
    "wallet report": "-o {scratch}/report.html",
    "wallet viewkey export": "full --out {scratch}/key",
    "wallet viewkey import": "watcher {key}",
    "address new": "",
    "address list": "",
    "address inspect": "{bob}",
    "sync": "",
    "balance": "",
    "shield": "1",
    "send": "1 {bob}",
    "unshield": "1",
    "tx list": "",
    "tx status": "1",
    "tx submit": "1",
    "tx show": "1",
    "tx disclose": "1 --sender",
    "tx verify-disclosure": "{disclosure}",
    "tx export": "-o {scratch}/ledger.csv",
    "intent new swap": "--give 1 native --want 2 gold",
    "intent new limit": "--give 1 gold --want 2 silver --partial",
    "intent new tx": "1 {bob}",
    "intent submit": "1",
    "intent status": "2",
    "intent list": "",
    "intent cancel": "2",
    "intent explain": "3",
}
FAILS = {
    "init": "--name alice",
    "wallet new": "Not-A-Name",
    "wallet restore": "five --from-words-file {scratch}/missing",
    "wallet list": "--nope",
    "wallet use": "nobody",
    "wallet show": "nobody",
    "wallet backup": "nobody",
    "wallet passwd": "nobody",
    "wallet rm": "nobody",
    "wallet report": "-o {scratch}/missing/report.html --wallet nobody",
    "wallet viewkey export": "sideways",
    "wallet viewkey import": "watcher {scratch}/missing",
    "address new": "--wallet nobody",
    "address list": "--wallet nobody",
    "address inspect": "somewhere",
    "sync": "--wallet nobody",
    "balance": "--profile other",
    "shield": "much",
    "send": "1",
    "unshield": "1000000",
    "tx list": "--wallet nobody --limit 0",
    "tx status": "999999",
    "tx submit": "999999",
    "tx show": "x",
    "tx disclose": "999999",
    "tx verify-disclosure": "{scratch}/missing",
    "tx export": "--format xls",
    "intent new swap": "--give 1 native --want 2 tin",
    "intent new limit": "--give 1 gold --want 2 gold",
    "intent new tx": "1",
    "intent submit": "1 --pay later",
    "intent status": "999999",
    "intent list": "--wallet nobody",
    "intent cancel": "999999",
    "intent explain": "{scratch}/missing.json",
}


def commands() -> Iterator[str]:
    """Every command of the wallet's groups, as it is typed."""

    def walk(command, path: tuple[str, ...]) -> Iterator[str]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(path)
            return
        for name, child in inner.items():
            yield from walk(child, (*path, name))

    for path in walk(typer.main.get_command(entry.build()), ()):
        if path.split()[0] in GROUPS:
            yield path


def test_every_command_has_a_case_that_works_and_one_that_fails() -> None:
    assert set(commands()) == set(WORKS) == set(FAILS)


@pytest.fixture
def story(cli, tmp_path):
    """Two wallets, one payment, the files that commands read."""
    (tmp_path / "scratch").mkdir()
    cli.wallet("alice")
    bob = cli.wallet("bob")["address"]
    cli.wallet("spare")
    cli.json("wallet", "use", "alice")
    cli.pay("shield", "10")
    files = {name: tmp_path / name for name in ("words", "key", "disclosure")}
    words = cli.pay("wallet", "backup", "--show-words").data["words"]
    files["words"].write_text(" ".join(words))
    exported = cli.json("wallet", "viewkey", "export", "full").data["viewing_key"]
    files["key"].write_text(exported)
    made = cli.json("tx", "disclose", "1").data["disclosure"]
    files["disclosure"].write_text(json.dumps(made))
    places = {
        "bob": bob,
        "scratch": tmp_path / "scratch",
        "password": cli.password_file,
        **files,
    }

    def run(command: str, rest: str):
        words = (*command.split(), *rest.format(**places).split())
        known = {name: place for name, place in places.items() if name != "bob"}
        assert not any(f"{{{name}}}" in word for word in words for name in known)
        takes_password = command in {
            "init", "wallet new", "wallet restore", "wallet backup", "wallet passwd",
            "shield", "send", "unshield", "tx disclose", "intent new swap", "intent new limit",
            "intent new tx", "intent submit", "intent cancel",
        }  # fmt: skip
        extra = ("--password-file", str(cli.password_file)) if takes_password else ()
        return cli(*words, *extra, "--json", "--yes")

    return run


def test_success_and_failure_are_one_document_each(story) -> None:
    for command, words in WORKS.items():
        failed = story(command, FAILS[command])
        assert failed.code != 0, command
        assert failed.code != 70, (command, failed.out)
        error = failed.error
        assert error["code"], command
        assert error["message"], command
        assert failed.document["schema"] == "chiaro.error/1"
        assert failed.err == "", command

        worked = story(command, words)
        assert worked.code == 0, (command, worked.out)
        document = worked.document
        assert document["ok"] is True
        assert document["profile"] == "dev"
        assert document["schema"].startswith("chiaro."), command
        assert document["schema"].endswith("/1"), command
        assert isinstance(document["data"], dict)
        assert worked.err == "", command
        assert "\x1b" not in worked.out


def test_amounts_are_text_with_a_unit_and_bytes_are_hexadecimal(story) -> None:
    """Walk over what the commands print: no amount is a number, no id is bare."""

    def walk(value, path=()):
        if isinstance(value, dict):
            if "amount" in value and not isinstance(value["amount"], dict):
                assert isinstance(value["amount"], str), path
                assert isinstance(value["unit"], str), path
            for name, inner in value.items():
                yield from walk(inner, (*path, name))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from walk(inner, (*path, index))
        else:
            yield path, value

    for command in ("balance", "tx list", "tx show", "unshield"):
        for path, value in walk(story(command, WORKS[command]).data):
            if path[-1] in {"tx_id", "account"} and value is not None:
                assert value.startswith("0x"), (command, path)
