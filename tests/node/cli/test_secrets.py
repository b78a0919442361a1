"""No secret leaves: not in output, logs, reports, databases, arguments or the environment."""

from __future__ import annotations

import os

import pytest

from node.cli import keystore, wallet_spend, wallets
from node.core.errors import Unreachable
from node.rpc.client import NodeClient


def secrets_of(entropy: bytes, password: str) -> dict[str, list[bytes]]:
    """Every form in which a secret could show up."""
    found = wallets.derive(entropy)
    words = keystore.to_words(entropy)
    raw = {
        "entropy": entropy,
        "seed": keystore.seed_of(entropy),
        "sk": found.spending.sk,
        "ask": found.spending.ask.to_bytes(32, "little"),
        "alpha key": found.spending.alpha_key,
    }
    forms = {
        name: [value, value.hex().encode(), value[::-1].hex().encode()]
        for name, value in raw.items()
    }
    forms["ask"].append(str(found.spending.ask).encode())
    forms["password"] = [password.encode()]
    # Single words are ordinary English; three in a row are not.
    forms["words"] = [
        separator.join(words[i : i + 3]).encode()
        for i in range(22)
        for separator in (" ", '", "', "\n", ",")
    ]
    return forms


def refuse_secrets(text: bytes, forms: dict[str, list[bytes]], where: str) -> None:
    for name, values in forms.items():
        assert not any(value in text for value in values), f"{name} in {where}"


@pytest.fixture
def entropy(monkeypatch) -> bytes:
    value = bytes(range(7, 39))
    monkeypatch.setattr(keystore, "new_entropy", lambda: value)
    return value


def test_a_story_with_failures_leaves_no_secret_anywhere(cli, entropy, monkeypatch) -> None:
    password = cli.password_file.read_text().strip()
    forms = secrets_of(entropy, password)
    monkeypatch.setenv("CHIARO_HOME", str(cli.home))

    cli.wallet("alice")
    cli.pay("shield", "5")
    cli("balance", "-v")
    cli.pay("unshield", "1")
    cli.pay("unshield", "1000")
    cli.json("wallet", "show")
    cli.json("wallet", "viewkey", "export", "full")
    cli("tx", "show", "1", "--export", str(cli.home / "proofs"))
    signed = str(cli.home / "signed.json")
    assert cli.pay("tx", "disclose", "1", "--sender", "-o", signed).code == 0
    assert cli("tx", "export", "-o", str(cli.home / "ledger.csv")).code == 0
    assert cli("wallet", "report", "-o", str(cli.home / "report.html")).code == 0
    assert cli.pay("shield", "2", "--asset", "gold").code == 0
    words = ("--give", "1", "gold", "--want", "2", "silver")
    for schema in ("swap", "limit"):
        assert cli.pay("intent", "new", schema, *words).code == 0
    assert cli.pay("intent", "submit", "1", "--pay", "shielded").code == 0
    assert cli("intent", "explain", "1", "-v").code == 0
    cli.pay("intent", "submit", "2", "--pay", "account", "-v")
    cli.pay("solver", "run", "--once", "--timeout", "0")

    def break_down(self, tx):
        raise RuntimeError(f"{password} {entropy.hex()} {' '.join(keystore.to_words(entropy))}")

    def gone(self, tx):
        raise Unreachable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(wallet_spend, "_prove", lambda *_: None.nothing)
        assert cli.pay("unshield", "1", "-v").code == 70
    with monkeypatch.context() as patched:
        patched.setattr(NodeClient, "submit", break_down)
        assert cli.pay("unshield", "1").code == 70
    with monkeypatch.context() as patched:
        patched.setattr(NodeClient, "submit", gone)
        assert cli.pay("shield", "1").code == 6

    reports = list((cli.home / "state" / "reports").iterdir())
    assert len(reports) == 2
    for path in cli.home.rglob("*"):
        if path.is_file():
            refuse_secrets(path.read_bytes(), forms, str(path))
    for index, text in enumerate(cli.printed):
        refuse_secrets(text.encode(), forms, f"output {index}")
    for name, value in os.environ.items():
        refuse_secrets(f"{name}={value}".encode(), forms, "the environment")


def test_the_search_finds_what_it_looks_for(cli, entropy) -> None:
    """The negative of the test above: words that were asked for are found."""
    forms = secrets_of(entropy, "correct horse battery")
    shown = cli.wallet("alice", "--show-words")
    assert shown["words"]
    with pytest.raises(AssertionError, match="words in output"):
        refuse_secrets(cli.printed[0].encode(), forms, "output")


def test_no_command_takes_a_secret_as_an_argument() -> None:
    """Secrets come from a file or from the terminal; there is no option to type them into."""
    import typer

    from node.cli import main as entry

    def walk(command):
        for child in getattr(command, "commands", {}).values():
            yield from walk(child)
        yield from command.params

    names = {
        option
        for parameter in walk(typer.main.get_command(entry.build()))
        for option in parameter.opts
    }
    secret = ("password", "words", "seed", "mnemonic", "secret", "entropy")
    suspicious = {name for name in names if any(part in name for part in secret)}
    assert suspicious <= {
        "--password-file",
        "--new-password-file",
        "--from-words-file",
        "--entropy-file",
        "--show-words",
    }


def test_records_of_secrets_print_nothing(entropy) -> None:
    found = wallets.derive(entropy)
    for record in (found, found.spending, found.signing):
        refuse_secrets(repr(record).encode(), secrets_of(entropy, "x" * 9), "repr")
