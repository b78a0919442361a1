"""An audit goes on where it stopped, however it stopped, and never on another history."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from circuits.key_registry import Registry
from node.audit import bundle, work
from node.audit.errors import AuditError, NotExpected, WorkBusy
from node.audit.export import export
from node.audit.perform import Options, perform
from node.audit.sources import FolderSource, bundle_in
from node.consensus.application import LedgerApplication
from node.core.errors import ConsensusFault
from node.core.ids import Height
from node.store.chain import decode_receipts, encode_receipts
from node.testing.ledger import FAUCET, Ledger, transfer

ROOT = Path(__file__).parents[3]
BLOCKS = 40

KILLED = """
import os, signal, sys
from pathlib import Path
from circuits.key_registry import Registry
from node.audit.perform import Options, perform
from node.audit.sources import bundle_in

def progress(done, of):
    if done == 25:
        os.kill(os.getpid(), signal.SIGKILL)

perform(lambda: bundle_in(Path(sys.argv[1])), Options(Registry.load(), Path(sys.argv[2])),
        progress=progress)
"""


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    made = Ledger()
    for number in range(BLOCKS):
        made.block(transfer(made, FAUCET.account, 1 + number, sequence=number))
    return made


@pytest.fixture
def whole(ledger, bundled, tmp_path) -> Path:
    return bundled(ledger, tmp_path / "whole.tar")


def part(ledger: Ledger, path: Path, to: int) -> Path:
    """The chain up to a height."""
    source = FolderSource(ledger.store, ledger.genesis, "memory", to)
    export(source, path, Registry.load())
    return path


@pytest.fixture
def go(tmp_path):
    """Audit a bundle with work in one folder; returns the report and what was noted."""

    def run(path: Path, **options):
        notes: list[str] = []
        chosen = Options(Registry.load(), options.pop("folder", tmp_path / "work"), **options)
        report = perform(lambda: bundle_in(path), chosen, note=notes.append)
        return report, notes

    return run


def test_aud017_killed_in_the_middle_it_goes_on(whole, go, tmp_path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, str(whole), str(tmp_path / "work")]
    killed = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    report, notes = go(whole)
    assert report.valid
    assert report.resumed == 25
    assert "blocks 1 to 25" in notes[0]
    straight, _ = go(whole, folder=tmp_path / "other")
    assert straight.resumed == 0
    for name in ("counts", "state_root", "tip", "supply", "executed"):
        assert getattr(report, name) == getattr(straight, name)
    # Times differ; heights, counts and supply of every run of blocks do not.
    shown = [replace(point, proof_ms=None) for point in report.points]
    assert shown == [replace(point, proof_ms=None) for point in straight.points]


def test_a_longer_bundle_goes_on_and_a_second_time_nothing_is_done(ledger, go, whole, tmp_path):
    assert go(part(ledger, tmp_path / "part.tar", 15))[0].executed == 15
    report, _ = go(whole)
    assert (report.valid, report.resumed, report.executed) == (True, 15, BLOCKS)
    again, _ = go(whole)
    assert (again.valid, again.resumed, again.counts) == (True, BLOCKS, report.counts)
    assert again.balances_audited == 1


def test_an_older_bundle_is_compared_and_answered_for_its_own_height(ledger, go, whole, tmp_path):
    go(whole)
    report, _ = go(part(ledger, tmp_path / "part.tar", 15))
    assert report.valid
    assert (report.height, report.executed, report.counts.blocks) == (15, 15, 15)
    assert report.state_root == ledger.chain.root_after(Height(15))
    assert report.tip == ledger.chain.header(Height(15)).hash


def test_aud017_fresh_begins_at_genesis(go, whole) -> None:
    go(whole)
    report, notes = go(whole, fresh=True)
    assert (report.valid, report.resumed, notes) == (True, 0, [])


def test_aud017_what_was_audited_before_must_be_the_same_bytes(go, whole, taken_apart, tmp_path):
    """A block that was changed after it had been audited is not skipped over."""
    go(whole)
    members = taken_apart(whole)
    name = bundle.receipts_file(7)
    (receipt,) = decode_receipts(members[name])
    members[name] = encode_receipts((replace(receipt, fee=5),))
    report, notes = go(members.write(tmp_path / "changed"))
    assert not report.valid
    assert report.resumed == 0
    assert (report.culprits[0].height, report.culprits[0].rule) == (7, "AUD-013")
    assert "another history" in notes[-1]


def test_aud017_a_block_is_compared_not_only_its_receipts(go, whole, taken_apart, tmp_path):
    go(whole)
    members = taken_apart(whole)
    members.change_header(7, time_ms=members.block(7).header.time_ms + 1)
    report, notes = go(members.write(tmp_path / "changed"))
    assert not report.valid
    assert (report.culprits[0].height, report.culprits[0].rule) == (8, "CH-3")
    assert "another history" in notes[-1]


def test_aud017_another_history_of_the_same_chain_is_audited_by_itself(
    go, whole, bundled, tmp_path
):
    go(whole)
    other = Ledger()
    other.block()
    report, notes = go(bundled(other, tmp_path / "other.tar"))
    assert report.valid
    assert report.resumed == 0
    assert "another history" in notes[-1]


def test_a_block_that_does_not_hold_is_found_again(go, whole, taken_apart, tmp_path) -> None:
    members = taken_apart(whole)
    members.change_header(30, state_root=bytes(32))
    path = members.write(tmp_path / "b")
    first, _ = go(path)
    second, _ = go(path)
    assert (first.valid, second.valid) == (False, False)
    assert second.resumed == 29
    assert second.culprits == first.culprits


def test_aud017_a_state_that_does_not_come_out_again_is_thrown_away(go, whole, monkeypatch):
    go(whole)

    def damaged(_self):
        raise ConsensusFault("CH-24: another state")

    monkeypatch.setattr(LedgerApplication, "check_head", damaged)
    report, notes = go(whole)
    assert (report.valid, report.resumed) == (True, 0)
    assert "another history or state" in notes[-1]


def test_aud017_a_folder_with_something_else_is_left_alone(go, whole, tmp_path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "state").mkdir()
    (folder / "state" / "letters.txt").write_text("dear")
    with pytest.raises(AuditError) as refused:
        go(whole, folder=folder, fresh=True)
    assert refused.value.id == "AUD-017"
    assert (folder / "state" / "letters.txt").read_text() == "dear"


def test_aud017_one_audit_at_a_time(go, whole, tmp_path) -> None:
    go(whole)
    lock = FileLock(tmp_path / "work" / "lock")
    with lock, pytest.raises(WorkBusy) as refused:
        go(whole)
    assert (refused.value.id, refused.value.exit_code) == ("AUD-017", 5)


def test_aud017_work_of_another_version_is_thrown_away(go, whole, monkeypatch) -> None:
    go(whole)
    monkeypatch.setattr(work, "version", lambda _name: "0.0.1")
    assert go(whole)[0].resumed == 0
    assert go(whole)[0].resumed == BLOCKS


def test_aud018_the_chain_and_block_that_are_expected(go, whole, ledger) -> None:
    tip = ledger.chain.header(Height(BLOCKS)).hash
    assert go(whole, chain=ledger.genesis.chain_id, tip=tip)[0].valid
    for wrong in ({"chain": bytes(32)}, {"tip": bytes(32)}):
        with pytest.raises(NotExpected) as refused:
            go(whole, **wrong)
        assert (refused.value.id, refused.value.exit_code) == ("AUD-018", 1)
