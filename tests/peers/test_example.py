"""The example of the documentation is a peer: it is measured, and its answers count."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from zk import backends
from zk.bench import harness, inputs, peers, works
from zk.bench.errors import PeerRefused

HERE = Path(__file__).resolve().parent
DOCUMENTS = (HERE / "README.md", HERE.parents[1] / "docs" / "bench.md")
MAKEFILE = HERE.parents[1] / "Makefile"
EXAMPLE = peers.Command("mine", (sys.executable, str(HERE / "example.py")))


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_its_answers_are_right(size: int) -> None:
    (work,) = works.find("fr_mul")
    made = inputs.make(work, size, backends.get("reference"))
    ours = {"reference": peers.ours("reference", 1)}
    series = harness.run(harness.Plan(work, size, 1, 2), made, ours, [EXAMPLE])
    side = series.sides[1]
    assert (side.name, side.version, side.error) == ("mine", "mine 1.0", "")
    assert side.output == made.expected
    assert len(series.walls("mine")) == 2
    assert 1 < side.peak_mb < 1000


@pytest.mark.parametrize(
    "request_",
    [
        {"op": "nonsense"},
        {"op": "run"},
        {"op": "prepare", "work": "ntt", "size": 1, "threads": 1, "inputs": {}},
        {"op": "prepare", "work": "fr_mul", "size": 1, "threads": 2, "inputs": {}},
    ],
)
def test_it_refuses_and_lives_on(request_: dict) -> None:
    with peers.Process(EXAMPLE) as process:
        with pytest.raises(PeerRefused):
            process.ask(request_)
        assert process.ask({"op": "hello"})["ok"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_say_what_builds_each_peer(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    makefile = MAKEFILE.read_text(encoding="utf-8")
    for known in peers.KNOWN:
        assert known.install in text
        assert re.search(rf"^{known.install.removeprefix('make ')}:", makefile, re.MULTILINE)


def test_the_example_stands_in_the_document_as_it_runs() -> None:
    source = Path(EXAMPLE.words[1]).read_text(encoding="utf-8")
    body = source[source.index("import json") :]
    assert body in DOCUMENTS[1].read_text(encoding="utf-8")
