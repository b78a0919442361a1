"""`chiaro guardian …`: keys in files, orders that are signed one after another, what is refused."""

from __future__ import annotations

import dataclasses
import json
import stat

import pytest

from node.cli import guardian_files
from node.testing.nodes import development_genesis, memory_node, serving
from transparent.signature import SigningKey

SEEDS = [bytes([70 + i]) * 32 for i in range(3)]


@pytest.fixture
def keys(offline, tmp_path, monkeypatch):
    """Three key files; two of them must sign."""
    files = []
    for number, seed in enumerate(SEEDS):
        file = tmp_path / f"guardian-{number}.json"
        with monkeypatch.context() as patched:
            patched.setattr(guardian_files.secrets, "token_bytes", lambda n, seed=seed: seed[:n])
            result = offline.json(
                "guardian", "key", "-o", str(file), "--password-file", str(offline.password_file)
            )
        assert result.code == 0, result.out
        assert result.data["guardian"] == "0x" + SigningKey(seed).account.hex()
        files.append(file)
    return files


@pytest.fixture
def guarded(offline, keys):
    """The command line over a chain of these three guardians."""
    accounts = sorted(bytes(SigningKey(seed).account) for seed in SEEDS)
    genesis = dataclasses.replace(
        development_genesis(), guardians=tuple(accounts), guardian_threshold=2
    )
    with serving(memory_node(genesis)) as client:
        offline.url = client.url
        yield offline


@pytest.fixture
def draft(guarded, tmp_path):
    """An order to freeze, unsigned."""
    file = tmp_path / "order.json"
    made = guarded.json("guardian", "order", "frozen", "--reason", "a drill", "-o", str(file))
    assert made.code == 0, made.out
    return file


def sign(cli, file, key):
    words = ("--key", str(key), "--password-file", str(cli.password_file), "--yes")
    return cli.json("guardian", "sign", str(file), *words)


def test_a_key_file_is_private_encrypted_and_never_overwritten(offline, keys) -> None:
    text = keys[0].read_text()
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    assert SEEDS[0].hex() not in text
    assert SigningKey(SEEDS[0]).account.hex() in text
    again = offline.json(
        "guardian", "key", "-o", str(keys[0]), "--password-file", str(offline.password_file)
    )
    assert (again.code, again.error["code"]) == (3, "GRD-001")
    assert keys[0].read_text() == text
    short = offline.home.parent / "short"
    short.write_text("short\n")
    for words in ((), ("--password-file", str(short))):
        result = offline.json("guardian", "key", "-o", "new.json", *words)
        assert (result.code, result.error["code"]) == (4, "KST-004")


def test_a_changed_or_damaged_key_file_opens_nothing(offline, keys, tmp_path) -> None:
    password = offline.password_file.read_text().strip()
    assert guardian_files.open_key(keys[0], password).account == SigningKey(SEEDS[0]).account
    with pytest.raises(guardian_files.Locked, match="wrong password"):
        guardian_files.open_key(keys[0], "another password")
    good = json.loads(keys[0].read_text())
    other = json.loads(keys[1].read_text())
    for change, error in (
        ({"public_key": other["public_key"]}, guardian_files.Locked),  # authenticated
        ({"profile": "main"}, guardian_files.Locked),
        ({"secret": {**good["secret"], "memory_kib": 2**40}}, guardian_files.GuardianFile),
        ({"secret": None}, guardian_files.GuardianFile),
        ({"kind": "spending"}, guardian_files.GuardianFile),
        ({"version": 2}, guardian_files.GuardianFile),
        ({"public_key": "0x00"}, guardian_files.GuardianFile),
    ):
        file = tmp_path / "changed.json"
        file.write_text(json.dumps({**good, **change}))
        with pytest.raises(error):
            guardian_files.open_key(file, password)
    file.write_text("[" * 10_000)
    with pytest.raises(guardian_files.GuardianFile):
        guardian_files.public_key(file)


def test_a_key_file_with_the_public_half_of_another_opens_nothing(keys, tmp_path) -> None:
    """Sealed so by its maker: nothing was changed afterwards."""
    other, file = bytes(SigningKey(SEEDS[1]).account), tmp_path / "mixed.json"
    store = guardian_files._store(file, "dev", other, None)
    sealed = guardian_files.keystore.encrypt(store, SEEDS[0], "a password").secret
    good = json.loads(keys[1].read_text())
    assert good["profile"] == "dev"
    file.write_text(json.dumps({**good, "secret": sealed}))
    with pytest.raises(guardian_files.GuardianFile, match="two halves"):
        guardian_files.open_key(file, "a password")


def test_two_of_three_sign_one_after_another_and_anyone_submits(guarded, keys, draft) -> None:
    shown = guarded("guardian", "show", str(draft))
    assert "nothing enters the pool, moves in it or leaves it" in shown.out
    assert "0 of 2 needed" in shown.out
    assert guarded.json("guardian", "submit", str(draft), "--yes").error["code"] == "GRD-002"
    first = sign(guarded, draft, keys[2])
    assert (first.data["signed"], first.data["needed"]) == (1, 2)
    assert sign(guarded, draft, keys[2]).data["signed"] == 1, "again changes nothing"
    few = guarded.json("guardian", "submit", str(draft), "--yes")
    assert (few.code, few.error["code"]) == (5, "GRD-002")
    assert "1 of 2 needed" in few.error["message"]
    assert sign(guarded, draft, keys[0]).data["signed"] == 2
    done = guarded.json("guardian", "submit", str(draft), "--yes")
    assert (done.code, done.data["status"], done.data["height"]) == (0, "included", 1)
    seen = guarded.json("chain", "pools").data
    assert (seen["pools"][0]["state"], seen["threshold"], seen["next_order"]) == ("frozen", 2, 1)
    late = guarded.json("guardian", "submit", str(draft), "--yes")
    assert "EX-29" in late.error["message"]
    tx = guarded.json("chain", "tx", done.data["tx_id"]).data
    assert (tx["environment"], tx["orders"], tx["reason"]) == ("chain", "frozen", "a drill")
    assert len(tx["guardians"]) == 2
    assert "a drill" in guarded("chain", "tx", done.data["tx_id"]).out
    assert "a drill" in guarded("chain", "pools").out


def test_what_no_guardian_may_sign_or_submit(guarded, keys, draft, tmp_path, monkeypatch) -> None:
    stranger = tmp_path / "stranger.json"
    with monkeypatch.context() as patched:
        patched.setattr(guardian_files.secrets, "token_bytes", lambda n: b"\x09" * n)
        words = ("-o", str(stranger), "--password-file", str(guarded.password_file))
        assert guarded.json("guardian", "key", *words).code == 0
    assert sign(guarded, draft, stranger).error["code"] == "GRD-002"
    assert guarded.json("guardian", "sign", str(draft), "--dev", "--yes").code == 5, "no guardian"
    assert guarded.json("guardian", "sign", str(draft), "--yes").code == 2, "no key"
    wrong = guarded.home.parent / "wrong"
    wrong.write_text("another password\n")
    locked = guarded.json(
        "guardian",
        "sign",
        str(draft),
        "--key",
        str(keys[0]),
        "--password-file",
        str(wrong),
        "--yes",
    )
    assert (locked.code, locked.error["code"]) == (4, "KST-004")
    unasked = guarded.json(
        "guardian", "sign", str(draft), "--key", str(keys[0]), "--password-file",
        str(guarded.password_file),
    )  # fmt: skip
    assert (unasked.code, unasked.error["code"]) == (2, "USE-002"), "signs nothing without a yes"
    assert json.loads(draft.read_text())["signatures"] == []

    for key in keys[:2]:
        sign(guarded, draft, key)
    document = json.loads(draft.read_text())
    for change in (
        {"state": "exit-only"},
        {"reason": "another"},
        {"state": "closed"},
        {"sequence": True},
        {"expiry": -1},
        {"extra": 1},
        {"signatures": document["signatures"][::-1]},
        {"signatures": [{**document["signatures"][0], "signature": "0x" + "00" * 64}]},
        {"digest": "0x" + "00" * 32},
        {"reason": "\x1b[2J"},
    ):
        draft.write_text(json.dumps({**document, **change}))
        for command in ("show", "submit"):
            result = guarded.json("guardian", command, str(draft), "--yes")
            assert (result.code, result.error["code"]) == (3, "GRD-001"), change
    changed = {**document, "chain_id": "0x" + "11" * 32, "signatures": []}
    made = guardian_files._order_file(changed)
    guardian_files.write_order(made, draft)
    other = guarded.json("guardian", "submit", str(draft), "--yes")
    assert "EX-25" in other.error["message"]


def test_orders_that_the_chain_would_refuse_are_not_written(guarded, tmp_path) -> None:
    file = tmp_path / "no.json"
    cases = {
        ("closed",): 2,
        ("frozen", "--pool", "transparent"): 2,
        ("frozen", "--insecure", "action/9"): 2,
        ("frozen", "--reason", "ä"): 2,
        ("frozen", "--reason", ""): 2,
        ("open", "--insecure", "action/1"): 5,
        ("open", "--deadline", "9"): 5,
        ("frozen", "--deadline", "9"): 5,
        ("exit-only", "--deadline", "1"): 5,
        ("frozen", "--not-before", "9", "--expiry", "8"): 5,
    }
    for words, code in cases.items():
        reason = () if "--reason" in words else ("--reason", "x")
        result = guarded.json("guardian", "order", *words, *reason, "-o", str(file))
        assert result.code == code, (words, result.out)
        assert not file.exists()
    nowhere = guarded.json(
        "guardian", "order", "frozen", "--reason", "x", "-o", str(tmp_path / "no" / "file.json")
    )
    assert (nowhere.code, nowhere.error["code"]) == (3, "FIL-001")


def test_a_chain_without_guardians_says_so(offline, tmp_path) -> None:
    genesis = dataclasses.replace(development_genesis(), guardians=(), guardian_threshold=0)
    with serving(memory_node(genesis)) as client:
        offline.url = client.url
        result = offline.json(
            "guardian", "order", "frozen", "--reason", "x", "-o", str(tmp_path / "x.json")
        )
        assert (result.code, result.error["code"]) == (5, "POL-001")
        assert "no guardians" in offline("chain", "pools").out


def test_no_secret_of_a_guardian_is_printed_or_left_behind(guarded, keys, draft) -> None:
    for key in keys:
        sign(guarded, draft, key)
    guarded.json("guardian", "submit", str(draft), "--yes")
    password = guarded.password_file.read_text().strip()
    texts = [text for text in guarded.printed if text]
    texts += [path.read_text() for path in draft.parent.glob("*.json")]
    for seed in SEEDS:
        for form in (seed.hex(), seed[::-1].hex(), password):
            assert not any(form in text for text in texts)
    key = guardian_files.open_key(keys[0], password)
    assert SEEDS[0].hex() not in repr(key)
