"""A localnet disturbed, in short: `make long-faults` does it for hours (docs/faults.md).

Everything here is on real CometBFT but the records, the lies and the interpreter of results.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from node.app.node import Node
from node.consensus.application import CRASH_POINTS
from node.consensus.cometbft.home import binary
from node.testing import lying_node, small_chunks
from node.testing.cluster.invariants import Violation
from node.testing.faults import __main__ as command
from node.testing.faults import away, checks, grammar, lies, points, record, replay, suite
from node.testing.faults import node as faulty
from node.testing.faults.net import Net, Window
from node.testing.faults.record import Result
from node.testing.faults.scenarios import SCENARIOS
from node.testing.faults.story import Story
from node.testing.faults.work import Work
from node.testing.nodes import memory_node, serving
from zk.errors import DecodeError

needs_engine = pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
HEIGHTS = 12
"""Of each disturbance."""


@pytest.fixture
def net() -> Iterator[Net]:
    with Net() as found:
        yield found


@needs_engine
@pytest.mark.oracle_cometbft
def test_four_validators_disturbed_for_fifty_heights(net: Net, tmp_path: Path) -> None:
    draw = random.Random(2026)
    net.up()
    work = Work(net, draw)
    work.start()
    first = net.height()
    story = Story(net, work, draw, HEIGHTS)
    for disturb in (away.one_killed, away.two_two, away.one_cut, away.one_paused):
        disturb(story)
    net.to(50)
    work.stop()
    common = checks.agreed(net)
    assert common >= 50
    work.check()
    checks.conserved(net)
    assert checks.long_rounds(net, first, common - 1) == []
    assert len(work.counts.acknowledged) > HEIGHTS
    assert net.opened()
    wanted = replay.save(net.clients[0], net.genesis, common, tmp_path / "blocks")
    assert replay.execute(tmp_path / "blocks", 8) == wanted


@needs_engine
@pytest.mark.oracle_cometbft
def test_a_liar_stops_nobody_and_another_state_stops_only_its_node(net: Net) -> None:
    told = f"garbage-extension+bad-proposal+mutated-state:{lies.MUTATED_AT}"
    net.up({3: (faulty.PROGRAM, told)})
    work = Work(net, random.Random(1), sealing=False)
    work.start()
    lies.mutated(Story(net, work, random.Random(1), HEIGHTS))
    work.stop()
    assert checks.agreed(net) >= lies.MUTATED_AT + HEIGHTS
    work.check()
    with pytest.raises(Violation, match="liveness"):
        net.to(net.height() + 100, seconds=0.2)


def test_a_fork_and_a_lost_payment_are_found() -> None:
    """Two nodes of one chain that do not know each other, which is what a fork looks like."""
    with serving(memory_node()) as one, serving(memory_node()) as other:
        net = SimpleNamespace(clients={0: one, 1: other}, genesis=one.genesis())
        for client in (one, other):
            client.make_block()
        assert checks.agreed(net) == 1
        checks.conserved(net)
        more = SimpleNamespace(clients=net.clients, genesis=SimpleNamespace(supply=lambda: {1: 5}))
        with pytest.raises(Violation, match="supply: node 0"):
            checks.conserved(more)
        work = Work(net, random.Random(1))
        work.check()
        paid = one.faucet(b"\x01" * 32, 5)
        client.make_block()
        with pytest.raises(Violation, match="agreement"):
            checks.agreed(net)
        tx_id = bytes.fromhex(paid.tx_id.removeprefix("0x"))
        work.counts.acknowledged[tx_id] = one.transaction(tx_id).receipt.height
        with pytest.raises(Violation, match="durability: node 1"):
            work.check()


def test_rounds_count_where_nothing_was_wrong_on_purpose() -> None:
    def rounds(_, heights):
        return [(height, 4 if height in {6, 8, 20} else 3) for height in heights]

    net = SimpleNamespace(windows=[Window(5, 7), Window(7, 8)], awake=lambda: [0], rounds=rounds)
    assert checks.long_rounds(net, 1, 30) == [(20, 4)]


def test_a_log_executed_elsewhere_must_come_to_the_same(tmp_path: Path) -> None:
    with serving(memory_node()) as client:
        for _ in range(3):
            client.make_block()
        genesis = client.genesis()
        wanted = replay.save(client, genesis, 3, tmp_path / "blocks")
    assert replay.execute(tmp_path / "blocks", 1) == wanted
    assert replay.elsewhere(tmp_path / "blocks", wanted, [sys.executable], most=1) == 1
    with pytest.raises(Violation, match="determinism"):
        replay.elsewhere(tmp_path / "blocks", "0" * 64, [sys.executable], most=1)


def test_walks_of_the_grammar_are_counted_and_what_they_find_is_told(monkeypatch) -> None:
    found = grammar.run(3, count=2, heights=3)
    assert (found.key, found.heights, found.violations) == (("grammar", 3), 2, ())
    assert found.measured["calls"] > 20

    async def broken(*_):
        raise AssertionError("another root")

    monkeypatch.setattr(grammar.walks, "walk", broken)
    found = grammar.run(0, count=1, heights=3)
    assert "walk 0: AssertionError: another root" in found.violations[0]


def test_what_was_run_is_not_run_again(tmp_path, monkeypatch, capsys) -> None:
    ran: list[int] = []

    def one(seed: int) -> Result:
        ran.append(seed)
        violations = ("a fork",) if seed == 2 else ()
        return Result("grammar", "R1", seed, 10, {"kills": 1}, violations, date="2026-01-01")

    monkeypatch.setattr(grammar, "run", one)
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nwords\n")
    told = ["grammar", "--results", str(tmp_path / "r.json"), "--page", str(page)]
    assert command.main([*told, "--seeds", "2"]) == 0
    assert command.main([*told, "--seeds", "3"]) == 1
    assert command.main([*told, "--seeds", "3"]) == 1
    assert ran == [0, 1, 2]
    assert [r.seed for r in record.load(tmp_path / "r.json")] == [0, 1, 2]
    text = page.read_text()
    assert text.startswith("# Title\n\nwords\n")
    assert "| 3 | 30 | 3 kills | 1 |" in text
    assert "seed 2: a fork" in text
    assert command.main([*told, "--seeds", "3"]) == 1
    assert page.read_text() == text
    with pytest.raises(SystemExit):
        command.main(["no-such"])
    assert "no-such" in capsys.readouterr().err


def test_a_test_that_is_skipped_or_fails_is_a_violation(tmp_path, monkeypatch) -> None:
    file = tmp_path / "test_it.py"
    file.write_text("import pytest\n\ndef test_it():\n    pytest.skip('not here')\n")
    monkeypatch.setitem(suite.TESTED, "one", suite.Tested("R12", "words", str(file)))
    assert "1 skipped" in suite.run("one", 0).violations[0]
    file.write_text("def test_it():\n    pass\n")
    found = suite.run("one", 1)
    assert (found.key, found.violations) == (("one", 1), ())


def test_results_that_are_none_are_refused(tmp_path) -> None:
    path = tmp_path / "r.json"
    for text in ("", "{}", '{"runs": [{}]}', '{"runs": 1}'):
        path.write_text(text)
        with pytest.raises(DecodeError):
            record.load(path)


def test_every_point_that_each_block_passes_has_a_scenario() -> None:
    rare = ("init-", "checkpoint-", "prune-")
    assert set(points.BLOCKS) == {point for point in CRASH_POINTS if not point.startswith(rare)}
    assert {f"at-{point}" for point in points.BLOCKS} <= set(SCENARIOS)


def test_every_scenario_says_its_row_and_every_fault_is_known() -> None:
    rows = {f"R{number}" for number in range(1, 16)}
    for name, scenario in SCENARIOS.items():
        assert (scenario.name, scenario.row in rows) == (name, True)
        if scenario.fault is not None:
            program, *fault = scenario.fault(random.Random(0))
            if program == faulty.PROGRAM:
                assert issubclass(faulty.faulty(*fault, b"own"), Node)
            elif program == lying_node.PROGRAM:
                assert lying_node.lie_of(*fault)
            else:
                assert (program, *fault) == small_chunks.PROGRAM
    with pytest.raises(KeyError):
        faulty.faulty("no-such", b"")
