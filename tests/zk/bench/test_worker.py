"""Our own worker as a peer: every answer is one line, whatever is asked."""

from __future__ import annotations

import io
import json

import pytest

from zk import backends
from zk.bench.tasks import Task
from zk.bench.worker import Worker, serve
from zk.phases import Phases


def ask(*lines: str, tasks=None) -> list[dict]:
    worker = Worker(backends.get("reference"), 1, **({} if tasks is None else {"tasks": tasks}))
    answers = io.StringIO()
    serve(worker, io.StringIO("".join(line + "\n" for line in lines)), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def prepare(**changed) -> str:
    values = {"x": "02", "y": "03"}
    request = {"op": "prepare", "work": "fr_mul", "size": 4, "threads": 1, "inputs": values}
    return json.dumps({**request, **changed})


def test_a_conversation():
    hello, prepared, run, again, memory = ask(
        '{"op":"hello"}', prepare(), '{"op":"run"}', '{"op":"run"}', '{"op":"memory"}',
        '{"op":"quit"}', '{"op":"hello"}',
    )  # fmt: skip
    assert (hello["protocol"], hello["peer"], hello["backend"]) == (
        "chiaro-peer/1", "chiaro", "reference",
    )  # fmt: skip
    assert "fr_mul" in hello["works"]
    assert prepared["ok"]
    assert run["output"] == again["output"] == f"{2 * 3**4:064x}"
    assert run["wall_ms"] > 0
    assert memory["peak_rss_mb"] > 1


@pytest.mark.parametrize(
    "line",
    [
        "", "{", "[]", "7", "null", '"run"', "{}", '{"op":"dance"}', '{"op":"run"}',
        '{"op":"prepare"}', "[" * 1000, '{"op":"hello","op":"quit"}',
        prepare(work="juggle"), prepare(threads=3), prepare(size="many"), prepare(inputs={}),
        prepare(inputs=[1]), prepare(inputs={"x": "zz", "y": "1"}), prepare(size=None),
        prepare(work="msm_g1", inputs={"points": "/nowhere", "scalars": "/nowhere"}),
        prepare(work="prove", inputs={"zkey": "/dev/null", "wtns": "/dev/null", "r": 1, "s": 1}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_an_answer_and_the_worker_goes_on(line):
    refused, hello = ask(line, '{"op":"hello"}')
    assert refused["ok"] is False
    assert refused["error"]
    assert hello["ok"] is True


def test_phases_are_timed_between_their_ends():
    phases = Phases()
    for phase, share in (("a", 0.0), ("a", 0.5), ("a", 1.0), ("b", 1.0), ("a", 0.0), ("a", 1.0)):
        phases(phase, share)
    assert list(phases.times) == ["a"]
    assert phases.times["a"] >= 0


def test_phases_reach_the_answer():
    def run(phases):
        phases("msm_a", 0.0)
        phases("msm_a", 1.0)
        return "done"

    made = {"fr_mul": lambda *_: Task(run, str)}
    *_, answer = ask(prepare(), '{"op":"run"}', tasks=made)
    assert answer["output"] == "done"
    assert list(answer["phases"]) == ["msm_a"]
