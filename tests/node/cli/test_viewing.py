"""Viewing keys end to end: three view-only wallets over one node; ledgers, reports, disclosures."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import stat
import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli import (
    books,
    keystore,
    ledger_files,
    show,
    wallet_report,
    wallet_spend,
    wallets,
)
from node.cli import main as entry
from node.cli.session import Places
from node.cli.wallet_db import WalletDb
from node.testing.nodes import memory_node, serving

EVIL = '=HYPERLINK("http://x","<script>alert(1)</script>")'
KINDS = ("full", "incoming", "outgoing")


class Buffer:
    """What `capsys` is to a test, for a fixture of the module."""

    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()

    def readouterr(self):
        found = self.out.getvalue(), self.err.getvalue()
        for text in (self.out, self.err):
            text.seek(0)
            text.truncate()
        return found


@pytest.fixture(scope="module")
def story(tmp_path_factory, parts):
    """Alice shields 20 and 5 gold, pays Bob 4 and 1, takes 2 out; Bob pays 0.5 back.

    `watch-KIND` is a view-only wallet of each of Alice's viewing keys.
    """
    folder = tmp_path_factory.mktemp("viewing")
    buffer, proof = Buffer(), parts.stub_proof()
    with (
        pytest.MonkeyPatch.context() as patched,
        serving(memory_node(verifier=parts.Believes())) as client,
        contextlib.redirect_stdout(buffer.out),
        contextlib.redirect_stderr(buffer.err),
    ):
        patched.setattr(keystore, "_ITERATIONS", 1)
        patched.setattr(keystore, "_MEMORY_KIB", 32)
        patched.setattr(wallet_spend, "prover", lambda *_: lambda *_claim: proof)
        cli = parts.Cli(folder / "home", buffer, client.url)
        cli.wallet("alice")
        bob = cli.wallet("bob")["address"]
        alice = ("--wallet", "alice")
        own = cli.json("address", "list", *alice).data["addresses"][0]["address"]
        done = [
            cli.pay("shield", "20", *alice),
            cli.pay("shield", "5", "--asset", "gold", *alice),
            cli.pay("send", "4", bob, "--memo", EVIL, *alice),
            cli.pay("send", "1", bob, "--asset", "gold", "--memo", "gold", *alice),
            cli.pay("unshield", "2", *alice),
            cli.pay("send", "0.5", own, "--memo", "back", "--wallet", "bob"),
        ]
        ids = [item.data["operation"]["tx_id"] for item in done]
        files = {}
        for kind in KINDS:
            files[kind] = folder / f"{kind}.key"
            words = ("viewkey", "export", "--kind", kind, "--out", str(files[kind]))
            assert cli.json("wallet", *words, *alice).code == 0
            made = cli.json("wallet", "viewkey", "import", f"watch-{kind}", str(files[kind]))
            assert made.data["kind"] == kind
        yield SimpleNamespace(
            home=cli.home, url=client.url, bob=bob, own=own, ids=ids, keys=files, folder=folder
        )


@pytest.fixture
def at(story, parts, capsys, assembled, stub_prover):
    """The command line over the story."""
    return parts.Cli(story.home, capsys, story.url)


def watching(kind: str) -> tuple[str, str]:
    return ("--wallet", f"watch-{kind}")


def sums(found) -> dict[str, dict[str, str | None]]:
    names = ("spendable", "pending", "received", "sent")
    return {
        item["asset"]: {name: item[name] and item[name]["amount"] for name in names}
        for item in found["assets"]
    }


# --- balances, lists ------------------------------------------------------------------------------


def test_each_view_only_wallet_shows_what_its_key_can_know(at) -> None:
    seen = {kind: at.json("balance", *watching(kind)) for kind in KINDS}
    mine = sums(at.json("balance", "--wallet", "alice").data)
    assert sums(seen["full"].data) == mine
    assert mine["native"]["spendable"] == "14.496"
    assert mine["gold"]["spendable"] == "4"
    none = {"spendable": None, "pending": None}
    assert sums(seen["incoming"].data) == {
        "native": {**none, "received": "20.5", "sent": None},
        "gold": {**none, "received": "5", "sent": None},
    }
    assert sums(seen["outgoing"].data) == {
        "native": {**none, "received": None, "sent": "24"},
        "gold": {**none, "received": None, "sent": "6"},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_sh64_a_balance_says_what_its_key_cannot_know(at, kind) -> None:
    found = at.json("balance", *watching(kind))
    assert found.data["view"] == kind
    text = " ".join(found.data["cannot_prove"])
    assert "outside the chain" in text
    warned = " ".join(found.document["warnings"])
    assert ("not balances" in warned) == (kind != "full")
    people = at("balance", *watching(kind)).out
    heading = {"full": "spendable", "incoming": "received", "outgoing": "sent"}[kind]
    assert heading in people
    assert ("spendable" in people) == (kind == "full")


def test_movements_of_each_wallet(at, story) -> None:
    def listed(kind):
        at.json("sync", *watching(kind))
        found = at.json("tx", "list", *watching(kind)).data
        assert found["operations"] == []
        return [(m["direction"], m["amount"], m["unit"]) for m in found["movements"]]

    assert {d for d, _, _ in listed("full")} == {
        "received", "change", "spent", "sent", "deposited", "withdrawn", "fee",
    }  # fmt: skip
    assert listed("incoming") == [
        ("received", "0.5", "native"),
        ("received", "5", "gold"),
        ("received", "20", "native"),
    ]
    sent = [m for m in listed("outgoing") if m[0] == "sent"]
    assert sent[:2] == [("sent", "1", "gold"), ("sent", "4", "native")]
    assert at.json("tx", "list", "--limit", "1", *watching("incoming")).data["movements"][0][
        "memo"
    ] == ("back")
    assert "block" in at("tx", "list", *watching("outgoing")).out
    assert "0.5 native" in at("tx", "list", "--movements", "--wallet", "alice").out


def test_one_transaction_as_each_key_knows_it(at, story) -> None:
    def known(kind, number):
        found = at.json("tx", "show", story.ids[number], *watching(kind)).data["known"]
        return {item["direction"]: item for item in found}

    for kind in KINDS:
        at.json("sync", *watching(kind))
    assert set(known("full", 2)) == {"spent", "sent", "change", "fee"}
    assert known("incoming", 2) == {}
    sent = known("outgoing", 2)["sent"]
    assert (sent["amount"], sent["to"], sent["memo"]) == ("4", story.bob, EVIL)
    back = known("incoming", 5)["received"]
    assert (back["amount"], back["memo"], back["address_index"]) == ("0.5", "back", 0)
    assert known("outgoing", 5) == {}


def test_wallet_show_counts_notes_only_where_spending_is_seen(at) -> None:
    for kind in KINDS:
        found = at.json("wallet", "show", f"watch-{kind}").data
        assert (found["notes"] is None) == (kind != "full")
        assert found["shows"]
    assert at.json("wallet", "show", "alice").data["shows"] is None


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_view_only_wallets_spend_and_sign_nothing(at, story, kind) -> None:
    for words in (
        ("shield", "1"),
        ("send", "1", story.bob),
        ("unshield", "1"),
        ("unshield", "1", "--dry-run"),
        ("tx", "disclose", story.ids[2], "--sender"),
        ("wallet", "passwd", f"watch-{kind}"),
    ):
        extra = ("--new-password-file", str(at.password_file)) if "passwd" in words else ()
        refused = at.pay(*words, *extra, *watching(kind))
        assert (refused.code, refused.error["code"]) == (5, "KST-005"), words
        assert refused.error["hint"], words


def test_view_only_wallets_are_refused_before_a_node_is_asked(story, parts, capsys) -> None:
    away = parts.Cli(story.home, capsys)
    for words in (("send", "1", story.bob), ("shield", "1"), ("unshield", "1")):
        assert away.pay(*words, *watching("full")).error["code"] == "KST-005"


def test_keys_that_are_none_are_refused_by_code(at, story, tmp_path) -> None:
    good = {kind: path.read_text().strip() for kind, path in story.keys.items()}
    path = tmp_path / "key"

    def refused(text, *words):
        path.write_text(text)
        path.chmod(0o600)
        results = [
            at.json("wallet", "viewkey", "import", "new", str(path), *words),
            at.json("init", "--name", "new", "--view-only", str(path), *words),
        ]
        for found in results:
            assert (found.code, found.error["code"]) == (3, "WOP-020"), text
            assert text not in json.dumps(found.document)
        return results[0].error["message"]

    for text in good.values():
        flipped = text[:-3] + ("q" if text[-3] != "q" else "p") + text[-2:]
        assert "checksum" in refused(flipped)
        assert refused(text[:-1])
        assert refused(text[:20])
        assert refused(text + " " + text)
        assert "network" in refused(text, "--profile", "local")
    assert "address" in refused(story.bob)
    assert refused("nonsense")
    assert "24 words" in refused("abandon " * 23 + "art")
    swapped = good["full"].replace("chiarofvk", "chiaroivk")
    assert refused(swapped)
    assert "new" not in keystore.names(Places.of(str(at.home)))


def test_a_lesser_key_exports_itself_only(at, story) -> None:
    own = at.json("wallet", "viewkey", "export", "--kind", "incoming", *watching("incoming"))
    assert own.data["viewing_key"] == story.keys["incoming"].read_text().strip()
    assert own.data["cannot_prove"]
    lesser = at.json("wallet", "viewkey", "export", "--kind", "incoming", *watching("full"))
    assert lesser.data["viewing_key"] == own.data["viewing_key"]
    for kind, wanted in (("incoming", "outgoing"), ("outgoing", "full")):
        words = ("wallet", "viewkey", "export", "--kind", wanted, *watching(kind))
        assert at.json(*words).error["code"] == "KST-005"
    both = at.json("wallet", "viewkey", "export", "full", "--kind", "incoming")
    assert (both.code, both.error["code"]) == (2, "USE-001")


# --- the ledger -----------------------------------------------------------------------------------


def exported(at, tmp_path, wallet, name):
    path = tmp_path / name
    found = at.json("tx", "export", "-o", str(path), "--wallet", wallet)
    assert found.code == 0, found.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path, found


def test_the_ledger_as_csv(at, tmp_path, story) -> None:
    path, found = exported(at, tmp_path, "alice", "ledger.csv")
    raw = path.read_bytes()
    assert raw.count(b"\r\n") == found.data["movements"] + 1
    records = list(csv.DictReader(io.StringIO(raw.decode(), newline="")))
    assert tuple(records[0]) == ledger_files.COLUMNS
    assert {len(record) for record in records} == {len(ledger_files.COLUMNS)}
    running = {}
    for record in records:
        before = running.get(record["asset"], 0)
        effect = base_units(record["effect"])
        assert before + effect == base_units(record["running"])
        running[record["asset"]] = before + effect
    assert running == {"native": 14_496_000, "gold": 4_000_000}
    assert sum(base_units(r["fee"] or "0") for r in records) == 6_000
    sent = next(r for r in records if r["direction"] == "sent" and r["asset"] == "native")
    assert (sent["amount"], sent["effect"], sent["counterparty"]) == ("4", "-4", story.bob)
    assert sent["memo"] == "'" + EVIL
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sent["time"])
    assert all(r["internal"] == "yes" for r in records if r["direction"] in {"spent", "change"})


def base_units(text: str) -> int:
    """Decimal text → base units, without the parser under test."""
    sign = -1 if text.startswith("-") else 1
    whole, _, rest = text.lstrip("-").partition(".")
    return sign * (int(whole) * 10**6 + int(rest.ljust(6, "0")))


def test_the_ledger_as_json(at, tmp_path, story) -> None:
    path, found = exported(at, tmp_path, "alice", "ledger.json")
    document = json.loads(path.read_text())
    assert document["schema"] == "chiaro.ledger/1"
    assert document["totals"] == found.data["totals"]
    sent = next(m for m in document["movements"] if m["direction"] == "sent")
    assert (sent["memo"], sent["counterparty"], sent["tx_id"]) == (EVIL, story.bob, story.ids[2])
    assert document["running_is"] == "balance"
    printed = at.json("tx", "export", "--format", "json", "--wallet", "alice").data["ledger"]
    assert printed == document
    assert at("tx", "export", "--wallet", "alice").out.startswith("height,time,tx_id")


@pytest.mark.parametrize("kind", KINDS)
def test_sh64_ledgers_of_view_only_wallets_state_their_limits(at, tmp_path, kind) -> None:
    path, found = exported(at, tmp_path, f"watch-{kind}", "ledger.json")
    document = json.loads(path.read_text())
    assert document["seen_with"] == kind
    assert document["not_proved"] == found.data["not_proved"]
    assert f"to block {document['scanned']} only" in document["not_proved"][0]
    table, _ = exported(at, tmp_path, f"watch-{kind}", "ledger.csv")
    records = list(csv.DictReader(io.StringIO(table.read_bytes().decode(), newline="")))
    assert all(record["seen_with"].startswith(kind) for record in records)
    word = {"full": "balance", "incoming": "received", "outgoing": "sent"}[kind]
    assert {record["running_is"] for record in records} == {word}


def test_sh63_a_changed_history_is_not_exported(at, tmp_path, story) -> None:
    """Edited on disk: neither ledger nor report nor file."""
    at.json("wallet", "viewkey", "import", "edited", str(story.keys["full"]))
    at.json("sync", "--wallet", "edited")
    db = WalletDb(keystore.folder(Places.of(str(at.home)), "edited"))
    document = db.load_state()
    received = next(e for e in document["history"] if e["direction"] == "received")
    received["quantity"] += 1
    db.save_state(document)
    db.close()
    target = tmp_path / "never"
    for words in (("tx", "export", "-o", str(target)), ("wallet", "report", "-o", str(target))):
        refused = at.json(*words, "--wallet", "edited")
        assert (refused.code, refused.error["code"]) == (3, "SH-63")
        assert list(tmp_path.iterdir()) == []
    at.json("sync", "--rescan", "--wallet", "edited")
    assert at.json("tx", "export", "-o", str(target), "--wallet", "edited").code == 0
    again = at.json("tx", "export", "-o", str(target), "--wallet", "edited")
    assert (again.code, again.error["code"]) == (2, "USE-001")
    odd = at.json("tx", "export", "--format", "xls", "--wallet", "edited")
    assert (odd.code, odd.error["code"]) == (2, "WOP-021")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("rent", "rent"),
        ("", ""),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("\trent", "'\\trent"),
        ("\nrent", "'\nrent"),
        ("\r=1", "'\\r=1"),
        ("\n=1", "'\n'=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\u00a0=1", "'\\xa0=1"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\u202eevil", "\\u202eevil"),
        ("2 lines\nhere", "2 lines\nhere"),
        ("rent;=1+1", "rent;'=1+1"),
        ("2 lines\n =1; -2", "2 lines\n '=1; '-2"),
        (";;\uff1d1", ";;'\uff1d1"),
        ("a - b; c", "a - b; c"),
    ],
)
def test_sh65_no_text_of_strangers_becomes_a_formula(text, written) -> None:
    assert ledger_files.cell(text) == written


@given(st.lists(st.text(max_size=20), min_size=2, max_size=4))
def test_sh65_any_text_stays_one_harmless_cell(texts) -> None:
    cells = [ledger_files.cell(text) for text in texts]
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    assert next(csv.reader(io.StringIO(line.getvalue(), newline=""))) == cells
    for shown in cells:
        for part in re.split("[;\n]", shown):  # where other programs may begin a cell
            assert unicodedata.normalize("NFKC", part.lstrip())[:1] not in set("=+-@")
        assert all(c.isprintable() or c == "\n" for c in shown)


def test_a_time_that_no_calendar_has_is_shown_as_its_number() -> None:
    assert show.when(1_000) == "1970-01-01T00:00:01Z"
    for odd in (2**62, 253_402_300_800_000, -(2**62)):  # a block's time is what its maker wrote
        assert show.when(odd) == f"{odd} ms after 1970"


def test_the_members_of_the_document_are_pinned(at, tmp_path) -> None:
    """`chiaro.ledger/1` only ever gets new members: whoever takes one away changes its number."""
    path, _ = exported(at, tmp_path, "alice", "ledger.json")
    document = json.loads(path.read_text())
    assert set(document) >= {
        "schema", "wallet", "profile", "chain_id", "seen_with", "shows", "not_proved",
        "birthday", "scanned", "running_is", "totals", "movements",
    }  # fmt: skip
    assert set(document["movements"][0]) >= {
        "height", "time", "tx_id", "direction", "amount", "unit", "asset_id", "effect", "running",
        "fee", "internal", "output", "counterparty", "address_index", "memo", "memo_hex",
    }  # fmt: skip


def test_times_are_asked_once_and_kept_for_their_chain(at, story, monkeypatch) -> None:
    at.json("tx", "export", "--wallet", "watch-full")
    asked = []
    original = books.block_times
    monkeypatch.setattr(
        "node.rpc.client.NodeClient.blocks", lambda *words, **_: asked.append(words)
    )
    found = at.json("tx", "export", "--format", "json", "--wallet", "watch-full").data
    assert asked == []
    assert all(m["time"] for m in found["ledger"]["movements"])
    monkeypatch.undo()
    db = WalletDb(keystore.folder(Places.of(str(at.home)), "watch-full"))
    heights = [m["height"] for m in found["ledger"]["movements"]]
    kept = json.loads(db.get("block_times"))
    elsewhere = json.dumps({**kept, "chain": "00"}).encode()
    for damaged in (b"[", elsewhere, b'{"times":7}', b"null"):
        kept = db.get("block_times")
        db.put("block_times", damaged)
        assert original(db, None, heights) == {}
        db.put("block_times", kept)
    assert set(original(db, None, heights)) == set(heights)
    db.close()


def test_without_a_node_the_ledger_says_how_far_it_goes(at, story, parts, capsys) -> None:
    at.json("sync", *watching("incoming"))
    away = parts.Cli(story.home, capsys)
    found = away.json("tx", "export", "--format", "json", *watching("incoming"))
    assert found.code == 0
    assert "not scanned after height" in found.document["warnings"][0]
    assert len(found.data["ledger"]["movements"]) == 3


# --- the report -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_sh64_a_report_states_what_its_key_cannot_prove(at, tmp_path, kind) -> None:
    page, text = tmp_path / "r.html", tmp_path / "r.txt"
    for path in (page, text):
        assert at.json("wallet", "report", "-o", str(path), *watching(kind)).code == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = text.read_text()
    for phrase in ("outside the chain", "for another key", "other wallets", "only, as one node"):
        assert phrase in shown
    assert ("Spending is invisible" in shown) == (kind == "incoming")
    html = page.read_text()
    assert "What this cannot prove" in html
    assert "outside the chain" in html
    assert "<svg" in html
    title = {"full": "Balance", "incoming": "Received", "outgoing": "Sent"}[kind]
    assert f"{title} over time" in html


def test_a_report_runs_and_loads_nothing(at, tmp_path) -> None:
    page = tmp_path / "report.html"
    at.json("wallet", "report", "-o", str(page), "--wallet", "alice")
    html = page.read_text()
    assert "<script" not in html.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "default-src 'none'" in html
    assert not re.search(r'(?:src|href)="', html)
    again = at.json("wallet", "report", "-o", str(page), "--wallet", "alice")
    assert (again.code, again.error["code"]) == (2, "USE-001")


def test_a_long_report_names_what_it_leaves_out(at, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(wallet_report, "MOST_ROWS", 2)
    path = tmp_path / "report.txt"
    at.json("wallet", "report", "-o", str(path), "--wallet", "alice")
    assert "older movements: `chiaro tx export`" in path.read_text()


# --- disclosures with sender authority ------------------------------------------------------------


def disclosed(at, story, tmp_path, *words, wallet="alice", number=2):
    path = tmp_path / f"{wallet}-{number}-{len(words)}.json"
    found = at.pay("tx", "disclose", story.ids[number], *words, "-o", str(path), "--wallet", wallet)
    assert found.code == 0, found.out
    return path


def checked(at, path, *words):
    return at.json("tx", "verify-disclosure", str(path), *words)


def test_a_sender_proves_it_for_a_challenge(at, story, tmp_path) -> None:
    words = ("--sender", "--challenge", "nonce 17", "--for", "Ann, auditor")
    path = disclosed(at, story, tmp_path, *words)
    found = checked(at, path, "--challenge", "nonce 17", "--for", "Ann, auditor").data
    assert (found["valid"], found["amount"], found["to"]) == (True, "4", story.bob)
    assert found["sender"]["challenge"] == "nonce 17"
    assert found["sender"]["audience"] == "Ann, auditor"
    assert any("handed on" in line for line in found["not_proved"])
    people = at("tx", "verify-disclosure", str(path))
    assert "✓ sender: the holder of the key" in people.out
    assert "answers a challenge" in people.err


def test_a_wallet_restored_from_words_proves_what_it_sent(at, story, tmp_path) -> None:
    """No plan, no seed, no operations: 24 words and the chain."""
    words = tmp_path / "words"
    shown = at.pay("wallet", "backup", "alice", "--show-words").data["words"]
    words.write_text(" ".join(shown))
    words.chmod(0o600)
    at.pay("wallet", "restore", "again", "--from-words-file", str(words))
    for number in range(5):  # shieldings, payments, a withdrawal: each of Alice's actions
        path = disclosed(at, story, tmp_path, "--sender", wallet="again", number=number)
        assert checked(at, path, "--require-sender").data["sender"]
    at.json("wallet", "rm", "again", "--yes")


def test_sh62_what_the_reader_asked_for_must_be_signed(at, story, tmp_path) -> None:
    signed = disclosed(at, story, tmp_path, "--sender", "--challenge", "mine")
    bare = disclosed(at, story, tmp_path)
    document = json.loads(signed.read_text())
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps({**document, "sender": {**document["sender"], "challenge": "x"}}))
    for path, words in (
        (signed, ("--challenge", "yours")),
        (signed, ("--for", "Ann")),
        (bare, ("--require-sender",)),
        (bare, ("--challenge", "")),
        (forged, ()),
    ):
        found = checked(at, path, *words)
        assert (found.code, found.data["valid"], found.data["code"]) == (1, False, "SH-62"), words
        assert found.data["fix"]
    plain = checked(at, bare).data
    assert (plain["valid"], plain["sender"], plain["version"]) == (True, None, 2)
    forged.write_text(json.dumps({**document, "sender": "me"}))
    assert checked(at, forged).code == 3


def test_sh61_a_receiver_cannot_sign_as_the_sender(at, story, tmp_path) -> None:
    disclosed(at, story, tmp_path, wallet="bob")  # opening it is his right
    refused = at.pay("tx", "disclose", story.ids[2], "--sender", "--wallet", "bob")
    assert (refused.code, refused.error["code"]) == (1, "SH-61")


def test_signing_asks_the_password(at, story, tmp_path) -> None:
    words = ("tx", "disclose", story.ids[2], "--sender", "--wallet", "alice")
    locked = at.json(*words)
    assert (locked.code, locked.error["code"]) == (4, "KST-004")
    wrong = tmp_path / "wrong"
    wrong.write_text("battery staple")
    refused = at.json(*words, "--password-file", str(wrong))
    assert (refused.code, refused.error["code"]) == (4, "KST-004")
    for option in ("--challenge", "--for"):
        usage = at.json("tx", "disclose", story.ids[2], option, "x", "--wallet", "alice")
        assert (usage.code, usage.error["code"]) == (2, "USE-001")


def test_documents_of_version_1_say_that_they_prove_no_sender(at, story, tmp_path) -> None:
    path = disclosed(at, story, tmp_path)
    document = json.loads(path.read_text())
    del document["sender"]
    path.write_text(json.dumps({**document, "version": 1}))
    assert checked(at, path).data["version"] == 1
    assert "version 1: no sender authority" in at("tx", "verify-disclosure", str(path)).out
    assert checked(at, path, "--require-sender").data["code"] == "SH-62"


def test_records_print_nothing(at, story) -> None:
    session = entry.open_session({"home": str(at.home), "node": at.url, "wallet": "alice"}, {})
    found = books.load(session)
    assert repr(found) == "<Books: alice, hidden>"
    assert wallets.choose(session) == "alice"
