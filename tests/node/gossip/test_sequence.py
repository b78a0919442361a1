"""Numbers are handed out once, also over crashes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from node.core.ids import ChainId
from node.gossip import sequence
from node.gossip.equivocation import StatementLedger
from node.gossip.errors import SequenceFault
from node.gossip.sequence import AT_ONCE, MemorySequence, SequenceFile
from node.gossip.statement import Statement
from node.testing.network import CHAIN, signer_of

NODE = signer_of("alice").node
CHILD = Path(__file__).parent / "sequence_child.py"


def refused(call, *arguments) -> SequenceFault:
    with pytest.raises(SequenceFault) as caught:
        call(*arguments)
    assert caught.value.rule == "GO-15"
    assert caught.value.fix
    return caught.value


def test_numbers_go_on_after_a_restart(tmp_path) -> None:
    taken = []
    for _ in range(3):
        with SequenceFile(tmp_path / "seq", NODE, CHAIN) as numbers:
            taken += [numbers.take() for _ in range(5)]
    assert taken == [start + i for start in (0, AT_ONCE, 2 * AT_ONCE) for i in range(5)]
    memory = MemorySequence()
    assert [memory.take() for _ in range(3)] == [0, 1, 2]


def test_go15_a_killed_process_never_repeats_a_number(tmp_path) -> None:
    """SIGKILL at random moments; no two statements of all runs convict the node."""
    rng, lines = random.Random(15), []
    for run in range(4):
        child = subprocess.Popen(
            [sys.executable, str(CHILD), str(tmp_path / "seq"), str(run)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        lines.append(child.stdout.readline())
        time.sleep(rng.random() * 0.05)
        child.kill()
        lines += child.stdout.read().splitlines(keepends=True)
        child.wait()
        child.stdout.close()
    ledger = StatementLedger(1 << 20)
    whole = [line.split() for line in lines if line.endswith("\n")]
    assert len(whole) > 8
    for seq, content, signature in whole:
        said = Statement(
            signer_of("restarted").node, int(seq), bytes.fromhex(content), bytes.fromhex(signature)
        )
        said.verify(CHAIN, "GO-3", "child")
        assert ledger.record(said) is None
    assert len(ledger) == len(whole)


def test_go15_rejects_a_second_process(tmp_path) -> None:
    with SequenceFile(tmp_path / "seq", NODE, CHAIN):
        assert "another process" in refused(SequenceFile, tmp_path / "seq", NODE, CHAIN).message
    SequenceFile(tmp_path / "seq", NODE, CHAIN).close()


def test_go15_rejects_files_of_others_and_damaged_ones(tmp_path) -> None:
    path = tmp_path / "seq"
    with SequenceFile(path, NODE, CHAIN) as numbers:
        numbers.take()
    good = path.read_bytes()
    refused(numbers.take)
    assert "another node" in refused(SequenceFile, path, signer_of("bob").node, CHAIN).message
    assert "another chain" in refused(SequenceFile, path, NODE, ChainId(bytes(32))).message
    for wrong in (
        b"", good[:-5], b"[]", b"{}", good.replace(b'"256"', b"256"), good.replace(b"256", b"-1"),
        good.replace(b"256", b"0"), good.replace(b"256", b"9" * 21), good + b"x",
        good.replace(b"sequence/1", b"sequence/2"),
    ):  # fmt: skip
        assert wrong != good
        path.write_bytes(wrong)
        refused(SequenceFile, path, NODE, CHAIN)
    path.write_bytes(good)
    SequenceFile(path, NODE, CHAIN).close()
    refused(SequenceFile, path / "below a file", NODE, CHAIN)


def test_go15_rejects_to_hand_out_what_it_cannot_reserve(tmp_path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with SequenceFile(tmp_path / "seq", NODE, CHAIN) as numbers:
        last = [numbers.take() for _ in range(AT_ONCE)][-1]
        monkeypatch.setattr(sequence.files, "write", full)
        assert "No space" in refused(numbers.take).message
        monkeypatch.undo()
        assert numbers.take() == last + 1


def test_go15_rejects_to_begin_again_when_all_are_used(tmp_path) -> None:
    path = tmp_path / "seq"
    with SequenceFile(path, NODE, CHAIN) as numbers:
        numbers.take()
    path.write_bytes(path.read_bytes().replace(b"256", str(2**64 - 2).encode()))
    with SequenceFile(path, NODE, CHAIN) as numbers:
        assert [numbers.take(), numbers.take()] == [2**64 - 2, 2**64 - 1]
        assert "used up" in refused(numbers.take).message
