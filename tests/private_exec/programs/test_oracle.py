"""The programs of the house give what MPyC gives on the same secret inputs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from private_exec.programs import clear
from private_exec.programs.library import program
from private_exec.programs.program import Program

VECTORS = Path(__file__).parents[2] / "vectors" / "mpc_programs.json"


@cache
def document():
    return json.loads(VECTORS.read_text(encoding="utf-8"))


def sized(case) -> Program:
    """The program for as many givers as the case has."""
    declared = program(case["program"]).declaration
    sizes = {
        item.per: len(case["inputs"][name])
        for name, item in declared.inputs.items()
        if item.per is not None
    }
    if "ticks" in declared.sizes:
        sizes["ticks"] = document()["ticks"]
    return program(case["program"]).at(**sizes)


@pytest.mark.parametrize("name", ["auction", "darkpool", "funding"])
def test_outputs_are_those_of_mpyc(name: str) -> None:
    cases = [case for case in document()["cases"] if case["program"] == name]
    assert cases
    for case in cases:
        outputs = clear.run(sized(case), case["inputs"])
        assert {key: list(values) for key, values in outputs.items()} == case["outputs"]


def test_the_cases_tell_programs_apart() -> None:
    """Sold and unsold, traded whole, in part, and not at all are among them."""
    cases = document()["cases"]
    auctions = [c for c in cases if c["program"] == "auction"]
    sold = {c["outputs"]["winner"][0] < len(c["inputs"]["bids"]) for c in auctions}
    assert sold == {True, False}
    pools = [c for c in cases if c["program"] == "darkpool"]
    parts = {
        (fill > 0) + (fill == wanted)
        for c in pools
        for fill, wanted in zip(c["outputs"]["fills"], c["inputs"]["quantities"], strict=True)
        if wanted
    }
    assert parts == {0, 1, 2}
