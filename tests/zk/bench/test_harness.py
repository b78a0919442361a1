"""Series: who takes turns, whose times count, what is recorded of the machine."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from zk import backends
from zk.bench import harness, host, inputs, peers, works
from zk.bench.errors import BenchError, OutputsDiffer, PeerFailed, PeerRefused


def test_programs_take_turns_and_the_order_moves_on(measure):
    series = measure("ok", "ok", rounds=4)
    names = [sample.who for sample in series.samples]
    ours = "chiaro/reference"
    assert names == [
        ours, "peer0", "peer1",
        "peer0", "peer1", ours,
        "peer1", ours, "peer0",
        ours, "peer0", "peer1",
    ]  # fmt: skip
    assert [sample.round for sample in series.samples] == [k for k in range(4) for _ in range(3)]
    assert all(sample.wall_ms > 0 for sample in series.samples)


def test_cold_and_warm_are_apart_and_everything_is_recorded(measure):
    series = measure("ok")
    ours, peer = series.sides
    assert (ours.ours, ours.backend, peer.ours, peer.version) == (
        True,
        "reference",
        False,
        "fake 1.0",
    )
    for side in series.sides:
        assert side.start_ms > 0
        assert side.cold_ms > 0
        assert side.output == series.inputs.expected
        assert side.agreement == "modular exponentiation"
    assert (peer.prepare_ms, peer.peak_mb) == (0.5, 12.5)
    assert ours.peak_mb >= ours.base_mb > 1
    assert len(series.walls("chiaro/reference")) == len(series.walls("peer0")) == 3
    assert len(series.cpus_of("chiaro/reference")) == 3
    assert series.cpus_of("peer0") == []  # it cannot tell
    assert series.cpus == host.chosen_cpus(1)
    assert len(series.inputs.sha256) == 64


class Player:
    """A program whose runs take given times."""

    def __init__(self, walls):
        self.walls, self.runs = list(walls), 0
        self.side = harness.Side("p", ours=True)
        self.side.output = "right"

    def run(self):
        wall = self.walls[self.runs]
        self.runs += 1
        return wall, wall / 2, "right", {"ntt": wall}


@pytest.mark.parametrize(
    ("walls", "runs", "median"),
    [
        ([25.0, 1.0], 1, 25.0),  # long enough: once
        ([9.0, 30.0, 1.0], 2, 19.5),
        ([5.0, 1.0, 2.0, 3.0, 4.0, 6.0], 6, 3.5),  # 20 ms are used after the sixth
        ([3.0, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 0.1], 9, 1.4),  # nine at most
    ],
)
def test_short_works_are_done_in_bursts(walls, runs, median):
    player = Player(walls)
    sample = harness._warm(player, 3, judge=None)
    assert player.runs == runs
    assert sample == harness.Sample("p", 3, median, median / 2)
    assert player.side.phases["ntt"] == walls[:runs]


def test_programs_may_run_unbound(measure):
    assert measure(pin=False).cpus == ()


WRONG = {
    "wrong": "answers otherwise than modular exponentiation",
    "later": "answers otherwise than modular exponentiation",
    "refuse": "I do not do this",
    "die": "ended: out of memory",
    "exit": "ended: I do not feel well",
    "junk": "not JSON",
    "list": "without `ok`",
    "time": "gave no wall_ms",
    "greeting": "does not speak chiaro-peer/1",
}


@pytest.fixture(scope="module")
def troubled():
    """One series with a peer of every kind."""
    (work,) = works.find("fr_mul")
    made = inputs.make(work, 5, backends.get("reference"))
    program = str(Path(__file__).with_name("fake_peer.py"))
    others = [peers.Command(way, (sys.executable, program, way)) for way in (*WRONG, "ok")]
    plan = harness.Plan(work, 5, 1, 3)
    return harness.run(plan, made, {"reference": peers.ours("reference", 1)}, others)


@pytest.mark.parametrize(("way", "reason"), WRONG.items())
def test_a_peer_that_fails_or_errs_leaves_a_reason_and_no_times(troubled, way, reason):
    (side,) = [side for side in troubled.sides if side.name == way]
    assert reason in side.error
    assert side.differs == (way in ("wrong", "later"))
    assert not [sample for sample in troubled.samples if sample.who == way]


def test_the_others_go_on(troubled):
    (side,) = [side for side in troubled.sides if side.name == "ok"]
    assert side.error == ""
    assert len(troubled.walls("ok")) == len(troubled.walls("chiaro/reference")) == 3


def test_a_silent_peer_is_given_up(fake):
    with peers.Process(fake("silent")) as process:
        request = {"op": "prepare", "work": "fr_mul", "size": 1, "threads": 1, "inputs": {}}
        process.ask({**request, "inputs": {"x": "01", "y": "01"}})
        with pytest.raises(PeerFailed, match="no answer in time"):
            process.ask({"op": "run"}, timeout=0.2)


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(PeerFailed, match="cannot be started") as caught:
        peers.Process(peers.Command("nobody", ("/nowhere/at/all",)))
    assert caught.value.where == "/nowhere/at/all"


def test_our_own_wrong_answer_ends_the_run(measure):
    (work,) = works.find("fr_mul")
    made = inputs.make(work, 5, backends.get("reference"))
    with pytest.raises(OutputsDiffer, match="chiaro/reference answers otherwise"):
        measure("ok", made=replace(made, expected="00"))


def test_without_a_known_answer_ours_is_the_measure(measure):
    (work,) = works.find("fr_mul")
    made = replace(inputs.make(work, 5, backends.get("reference")), expected="", expected_by="")
    series = measure("ok", "wrong", made=made)
    by_name = {side.name: side for side in series.sides}
    assert by_name["peer0"].agreement == "same answer"
    assert by_name["chiaro/reference"].agreement == ""
    assert "otherwise than this prover" in by_name["peer1"].error


def test_proofs_are_judged_one_by_one(measure, fake):
    (work,) = works.find("fr_mul")
    made = inputs.make(work, 5, backends.get("reference"))
    right = made.expected
    seen = []

    def accept(output: str) -> bool:
        seen.append(output)
        return output == right

    plan = harness.Plan(replace(work, agreement="proof"), 5, 1, 3)
    judged = replace(made, expected="", accept=accept)
    ours = {"reference": peers.ours("reference", 1)}
    series = harness.run(plan, judged, ours, [fake("ok", "a"), fake("later", "b")])
    by_name = {side.name: side for side in series.sides}
    assert by_name["chiaro/reference"].agreement == "verified"
    assert by_name["a"].agreement == "verified, same proof"
    assert "does not verify" in by_name["b"].error
    assert set(seen) > {right}


def test_documents_are_the_same_in_spite_of_spaces_and_order():
    one = '{"pi_a": ["1", "2"], "curve": "bn128"}'
    assert harness.same_document(one, '{"curve":"bn128","pi_a":["1","2"]}')
    assert harness.same_document("00ff", "00ff")
    for other in ('{"pi_a": ["2", "1"], "curve": "bn128"}', '{"pi_a": ["1", "2"]}', "00fe", ""):
        assert not harness.same_document(one, other)
        assert not harness.same_document("00ff", other)


def test_more_threads_than_processors_are_refused():
    (work,) = works.find("fr_mul")
    made = inputs.make(work, 5, backends.get("reference"))
    with pytest.raises(BenchError, match="threads on"):
        harness.run(harness.Plan(work, 5, 4096), made, {"reference": peers.ours("reference", 4096)})


def test_a_work_that_we_do_not_do_is_said(measure):
    (work,) = works.find("fp_mul")
    made = inputs.make(work, 5, backends.get("reference"))
    work = replace(work, name="juggle")
    with pytest.raises(PeerRefused, match="no work is called 'juggle'"):
        harness.run(harness.Plan(work, 5, 1, 1), made, {"reference": peers.ours("reference", 1)})


def test_the_last_words_of_our_own_worker_are_heard():
    with pytest.raises(PeerRefused, match="no backend is called 'abacus'"):
        peers.Process(peers.ours("abacus", 1))


@pytest.mark.parametrize(
    ("steal", "busy", "spread", "reasons"),
    [
        (0.0, 10.0, (1, 1, 1), []),
        (0.2, 10.0, (1, 1, 1), ["the host took 2%"]),
        (0.0, 13.0, (1, 1, 1), ["other processes used 30% of a processor"]),
        (0.0, 10.0, (1, 1, 2), ["ours spread over 50%"]),
    ],
)
def test_noise_is_marked_by_the_stated_criterion(steal, busy, spread, reasons):
    from zk.bench.host import Clock

    sides = [harness.Side("ours", ours=True)]
    samples = [harness.Sample("ours", i, float(v), None) for i, v in enumerate(spread)]
    before, after = Clock(0.0, 0.0, 0.0), Clock(10.0, busy, steal)
    noise = harness._noise(sides, samples, 10.0, before, after, ((), ()))
    assert list(noise.reasons) == reasons


@pytest.mark.parametrize(
    ("siblings", "count", "chosen"),
    [
        ({0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}, 1, (3,)),
        ({0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}, 2, (1, 3)),
        ({0: {0, 2}, 2: {0, 2}, 1: {1, 3}, 3: {1, 3}}, 2, (2, 3)),
        ({0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}, 3, (1, 2, 3)),
        ({cpu: set() for cpu in range(4)}, 2, (2, 3)),
    ],
)
def test_different_cores_are_taken_before_threads_of_one(monkeypatch, siblings, count, chosen):
    monkeypatch.setattr(host, "allowed_cpus", lambda: (0, 1, 2, 3))
    monkeypatch.setattr(host, "_siblings", siblings.__getitem__)
    assert host.chosen_cpus(count) == chosen
