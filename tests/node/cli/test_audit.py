"""`chiaro audit …` and `chiaro chain audit`: from a node or its folder to a verdict."""

from __future__ import annotations

import hashlib
import json
import tarfile

import pytest

from circuits.key_registry import Registry
from node.app.node import Node
from node.app.options import Options
from node.app.process import PROCESS_FILE
from node.audit import work
from node.audit.export import export
from node.audit.sources import FolderSource
from node.cli import audit_report
from node.cli import main as entry
from node.core.ids import Height
from node.testing.ledger import FAUCET, Ledger, transfer
from node.testing.nodes import development_genesis, memory_node, serving

STRANGER = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


@pytest.fixture(autouse=True)
def work_of_its_own(tmp_path, monkeypatch):
    """In place of the folder below the cache."""
    folder = tmp_path / "work"
    monkeypatch.setattr(work, "default_folder", lambda genesis: folder / genesis.chain_id.hex())


@pytest.fixture
def honest():
    """A node that verifies proofs, with three payments of its faucet."""
    with serving(memory_node()) as client:
        for number in range(3):
            client.faucet(STRANGER, 5 + number)
        yield client


@pytest.fixture
def auditor(offline, honest):
    """The command line at that node."""
    offline.url = honest.url
    return offline


@pytest.fixture
def exported(auditor, tmp_path):
    file = tmp_path / "chain.tar"
    made = auditor.json("audit", "export", "-o", str(file))
    assert made.code == 0, made.out
    assert made.data["height"] == 3
    return file


def test_from_a_node_to_a_verdict_without_it(auditor, exported, honest) -> None:
    auditor.url = "http://127.0.0.1:9"
    found = auditor.json("audit", "verify", str(exported))
    assert (found.code, found.document["schema"]) == (0, "chiaro.audit.verify/1")
    data = found.data
    assert (data["valid"], data["height"], data["executed"]) == (True, 3, 3)
    assert (data["blocks"], data["transactions"], data["proofs"]) == (3, 3, 0)
    assert data["tip"] == honest.status().block_hash
    assert data["state_root"] == honest.status().state_root
    assert data["milliseconds_per_proof"] is None
    assert data["culprits"] == []
    native = next(row for row in data["supply"] if row["asset"] == "native")
    assert native["balanced"]
    assert native["transparent"] == native["issued"]
    assert [point["height"] for point in data["history"]] == [1, 2, 3]
    assert "UNSAFE" in found.document["warnings"][0]
    shown = auditor("audit", "verify", str(exported))
    assert shown.code == 0
    assert "VALID: blocks 1 to 3 hold" in shown.out
    assert "audited before" in shown.err


def test_the_digest_is_what_b2sum_gives(auditor, tmp_path) -> None:
    """docs/audit.md: the lines of `b2sum -l 256`, hashed once more."""

    def b2sum(data: bytes) -> str:
        return hashlib.blake2b(data, digest_size=32).hexdigest()

    made = auditor.json("audit", "export", "-o", str(tmp_path / "c.tar")).data
    with tarfile.open(made["file"]) as tar:
        members = [(m.name, tar.extractfile(m).read()) for m in tar]
    lines = "".join(f"{b2sum(data)}  {name}\n" for name, data in members[:-1])
    assert made["digest"] == "0x" + b2sum(lines.encode())
    assert json.loads(members[-1][1])["digest"] == b2sum(lines.encode())
    assert made["bytes"] == (tmp_path / "c.tar").stat().st_size


def test_a_part_of_the_chain_and_then_the_rest(auditor, exported, tmp_path) -> None:
    part = tmp_path / "part.tar"
    assert auditor.json("audit", "export", "-o", str(part), "--to", "2").data["height"] == 2
    assert auditor.json("audit", "verify", str(part)).data["executed"] == 2
    assert auditor.json("audit", "verify", str(exported)).data["resumed_from"] == 2
    assert auditor.json("audit", "verify", str(exported), "--fresh").data["resumed_from"] == 0
    beyond = auditor.json("audit", "export", "-o", str(part), "--to", "9")
    assert (beyond.code, beyond.error["code"]) == (1, "NOD-003")


def test_the_chain_of_a_running_node(auditor, honest) -> None:
    found = auditor.json("chain", "audit", "--to", "2")
    assert (found.code, found.document["schema"]) == (0, "chiaro.chain.audit/1")
    assert (found.data["height"], found.data["resumed_from"]) == (2, 0)
    later = auditor.json("chain", "audit").data
    assert (later["height"], later["resumed_from"], later["valid"]) == (3, 2, True)
    honest.faucet(STRANGER, 1)
    assert auditor.json("chain", "audit").data["resumed_from"] == 3
    assert "VALID" in auditor("chain", "audit", "--fresh").out


def test_orders_of_guardians_are_executed_like_everything_else(auditor, honest, tmp_path) -> None:
    file = str(tmp_path / "order.json")
    made = auditor.json("guardian", "order", "frozen", "--reason", "a drill", "-o", file)
    assert made.code == 0, made.out
    assert auditor.json("guardian", "sign", file, "--dev", "--yes").code == 0
    assert auditor.json("guardian", "submit", file, "--yes").code == 0
    honest.faucet(STRANGER, 1)
    found = auditor.json("chain", "audit")
    assert (found.code, found.data["valid"], found.data["height"]) == (0, True, 5)
    assert set(found.data["history"][-1]["held"]["native"]) == {
        "transparent",
        "shielded",
        "private",
        "stake",
    }


def test_a_chain_without_a_block(cli, tmp_path) -> None:
    found = cli.json("chain", "audit")
    assert (found.code, found.data["height"], found.data["history"]) == (0, 0, [])
    file = tmp_path / "empty.tar"
    assert cli.json("audit", "export", "-o", str(file)).code == 0
    verified = cli.json("audit", "verify", str(file), "--report", str(tmp_path / "r.html"))
    assert (verified.code, verified.data["state_root"]) == (0, found.data["state_root"])
    assert "There is no block yet" in (tmp_path / "r.html").read_text()


def test_a_node_that_believes_false_proofs_is_found_out(cli, tmp_path) -> None:
    """The node of `cli` takes stub proofs: its chain holds up to the first of them."""
    cli.wallet("alice")
    shielded = cli.pay("shield", "10").data["operation"]
    found = cli.json("chain", "audit", "--report", str(tmp_path / "r.html"))
    assert found.code == 1
    assert found.data["valid"] is False
    (culprit,) = found.data["culprits"]
    assert (culprit["tx_id"], culprit["code"]) == (shielded["tx_id"], "PRF-001")
    assert culprit["height"] == found.data["executed"] + 1
    page = (tmp_path / "r.html").read_text()
    assert "The chain does not hold" in page
    assert shielded["tx_id"].removeprefix("0x") in page
    shown = cli("chain", "audit")
    assert shown.code == 1
    assert "INVALID" in shown.out
    assert "PRF-001" in shown.out


@pytest.fixture
def stopped(tmp_path, capsys):
    """The folder of a node that does not run, and `chiaro` in it without a named node."""
    home = tmp_path / "home"
    Node.create(home / "node", development_genesis())
    with serving(Node.open(home / "node", options=Options(port=0, delay_ms=1))) as client:
        client.faucet(STRANGER, 5)
        client.faucet(STRANGER, 6)

    def run(*words: str):
        with pytest.raises(SystemExit) as ended:
            entry.main(["--home", str(home), *words, "--json"])
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    run.home = home
    return run


def test_the_folder_of_a_stopped_node(stopped, tmp_path) -> None:
    code, document = stopped("audit", "export", "-o", str(tmp_path / "c.tar"))
    assert (code, document["data"]["height"]) == (0, 2)
    code, document = stopped("chain", "audit")
    assert (code, document["data"]["valid"], document["data"]["height"]) == (0, True, 2)
    assert document["data"]["source"].startswith("folder ")
    code, document = stopped("audit", "verify", str(tmp_path / "c.tar"))
    assert (code, document["data"]["resumed_from"]) == (0, 2)
    Node.open(stopped.home / "node").close()  # its lock was given back


def test_a_named_node_is_asked_whatever_is_in_the_folder(stopped, tmp_path) -> None:
    code, document = stopped("chain", "audit", "--node", "http://127.0.0.1:9")
    assert (code, document["error"]["code"]) == (6, "NOD-002")
    (stopped.home / "state").mkdir(exist_ok=True)
    (stopped.home / "state" / PROCESS_FILE).write_text("{}")  # of a node that was killed
    assert stopped("chain", "audit")[0] == 0


def test_what_is_no_bundle_is_malformed(offline, tmp_path) -> None:
    missing = offline.json("audit", "verify", str(tmp_path / "missing"))
    assert (missing.code, missing.error["code"]) == (3, "FIL-001")
    folder = offline.json("audit", "verify", str(tmp_path))
    assert (folder.code, folder.error["code"]) == (3, "FIL-001")
    other = tmp_path / "other"
    other.write_bytes(b"not a tar" * 200)
    found = offline.json("audit", "verify", str(other))
    assert (found.code, found.error["code"]) == (3, "AUD-001")
    for code in ("AUD-001", "AUD-009", "AUD-013", "AUD-018"):
        assert offline.json("explain", code).code == 0


def test_an_export_that_fails_leaves_no_file(offline, auditor, tmp_path, honest) -> None:
    file = tmp_path / "chain.tar"
    offline.url = "http://127.0.0.1:9"
    assert offline.json("audit", "export", "-o", str(file)).code == 6
    offline.url = honest.url
    nowhere = offline.json("audit", "export", "-o", str(tmp_path / "no" / "chain.tar"))
    assert (nowhere.code, nowhere.error["code"]) == (3, "FIL-001")
    assert not list(tmp_path.glob("*.tar*"))
    assert not list(tmp_path.glob(".*.tmp"))


def test_what_an_auditor_expects(auditor, exported) -> None:
    for option in ("--expect-chain", "--expect-tip"):
        other = auditor.json("audit", "verify", str(exported), option, "00" * 32)
        assert (other.code, other.error["code"]) == (1, "AUD-018")
        assert auditor.json("audit", "verify", str(exported), option, "00").code == 2
    tip = auditor.json("chain", "head").data["block_hash"]
    assert auditor.json("audit", "verify", str(exported), "--expect-tip", tip).code == 0


def test_registries_that_are_none(auditor, exported, tmp_path) -> None:
    (tmp_path / "registry.toml").write_text("format = 2\n[statements]\n")
    for place in (tmp_path, tmp_path / "registry.toml"):
        found = auditor.json("audit", "verify", str(exported), "--params", str(place))
        assert (found.code, found.error["code"]) == (8, "AUD-010")
    trusting = ("audit", "verify", str(exported), "--params", str(tmp_path))
    found = auditor.json(*trusting, "--trust-bundled-keys")
    assert found.code == 0
    assert found.data["keys"][0]["origin"] == "bundle"
    missing = auditor.json("audit", "verify", str(exported), "--params", str(tmp_path / "none"))
    assert (missing.code, missing.error["code"]) == (8, "PAR-001")


def test_the_page_says_what_was_checked_and_loads_nothing(auditor, exported, tmp_path) -> None:
    page = tmp_path / "r.html"
    found = auditor.json("audit", "verify", str(exported), "--report", str(page))
    assert found.data["report"] == str(page)
    text = page.read_text()
    assert "The chain holds" in text
    for part in ("What was checked", "On whose word", "What an audit cannot tell", "UNSAFE"):
        assert part in text
    for loads in ("<script", "src=", "href=", "url(h", "@import"):
        assert loads not in text
    assert found.data["tip"].removeprefix("0x") in text


def test_numbers_on_an_axis_are_short() -> None:
    assert [audit_report.short(v) for v in (0, 0.25, 31, 24988.9, 1e9)] == [
        "0",
        "0.25",
        "31",
        "25k",
        "1G",
    ]
    assert audit_report.full(999_975_011) == "999.97501M"


def test_interrupted_it_says_that_nothing_is_lost(auditor, exported, monkeypatch) -> None:
    from node.audit.engine import Audit

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Audit, "run", interrupted)
    stopped = auditor("audit", "verify", str(exported))
    assert stopped.code == 130
    assert "the same command goes on" in stopped.err


def test_text_of_strangers_does_nothing_to_a_terminal(offline, tmp_path) -> None:
    """Messages of recorded receipts are anybody's."""
    ledger = Ledger()
    (receipt,) = ledger.block(transfer(ledger, FAUCET.account, 1, sequence=0))
    source = FolderSource(ledger.store, ledger.genesis, "x\x1b[2J", None)
    file = tmp_path / "e\x1b[2J.tar"
    export(source, file, Registry.load())
    shown = offline("audit", "verify", str(file), "--report", str(tmp_path / "r.html"))
    assert shown.code == 0
    assert "\x1b[2J" not in shown.out
    assert receipt.height == Height(1)


@pytest.mark.parametrize("page", ["nowhere/r.html", "."])
def test_a_page_that_cannot_be_written_is_refused_before_the_work(cli, tmp_path, page) -> None:
    file = tmp_path / "chain.tar"
    assert cli.json("audit", "export", "-o", str(file)).code == 0
    work = tmp_path / "work"
    words = (("audit", "verify", str(file)), ("chain", "audit"))
    for command in words:
        refused = cli.json(*command, "--work", str(work), "--report", str(tmp_path / page))
        assert (refused.code, refused.error["code"]) == (3, "FIL-001")
    assert not work.exists()


def test_what_was_found_before_a_malformed_end_is_said(cli, tmp_path) -> None:
    cli.wallet("alice")
    shielded = cli.pay("shield", "10").data["operation"]
    file = tmp_path / "chain.tar"
    assert cli.json("audit", "export", "-o", str(file)).code == 0
    file.write_bytes(file.read_bytes()[:-1])
    refused = cli.json("audit", "verify", str(file))
    assert (refused.code, refused.error["code"]) == (3, "AUD-004")
    (warning,) = refused.document["warnings"]
    assert shielded["tx_id"].removeprefix("0x") in warning
    assert "PRF-001" in warning
    assert warning in cli("audit", "verify", str(file)).err.replace("\n", " ")
