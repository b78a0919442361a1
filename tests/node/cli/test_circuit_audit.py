"""`chiaro circuit audit` and `diff`: documents, exit codes, foreign files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from circuits.gadgets.bits import to_bits
from circuits.lab.gadgets import Build, GadgetStatement
from circuits.statement import evaluate, record
from zk.errors import Unsatisfied
from zk.formats.r1cs import CircuitFile, read_r1cs, write_r1cs
from zk.formats.wtns import read_wtns, write_wtns
from zk.r1cs.advice import SAME, SQUARE_ROOT
from zk.r1cs.builder import Builder, Wire


def sound(cs: Builder, x: Wire) -> list[Wire]:
    return [cs.square(x, "square")]


def open_result(cs: Builder, x: Wire) -> list[Wire]:
    return [cs.advise(SAME, x, name="result")]


def root(cs: Builder, x: Wire) -> list[Wire]:
    value = cs.advise(SQUARE_ROOT, x, name="root")
    cs.enforce(value, value, x, "square")
    return []


@pytest.fixture
def foreign(tmp_path):
    """A gadget as a `.r1cs` whose inputs are private, and a witness of it."""

    def make(build: Build, value: int = 9) -> tuple[str, str]:
        statement = GadgetStatement("foreign", build, 1)
        shape = record(statement, cache=False)
        labels = np.arange(shape.wires, dtype=np.uint64)
        base = tmp_path / build.__name__
        write_r1cs(CircuitFile(shape, 0, 1, labels, shape.wires), Path(f"{base}.r1cs"))
        write_wtns(evaluate(statement, (), (value,)), Path(f"{base}.wtns"))
        return f"{base}.r1cs", f"{base}.wtns"

    return make


def test_a_sound_file_passes(offline, foreign) -> None:
    circuit, witness = foreign(sound)
    result = offline.json("circuit", "audit", circuit, "--wtns", witness)
    assert result.code == 0
    assert result.data["passed"] is True
    assert result.data["determined"]["open"] == result.data["free"] == []


@pytest.mark.parametrize("build", [open_result, root])
def test_an_open_wire_is_an_answer_of_no(offline, foreign, build: Build) -> None:
    circuit, witness = foreign(build)
    result = offline.json("circuit", "audit", circuit)
    assert result.code == 1
    assert result.data["passed"] is False
    assert any("do not follow from the inputs: w2" in t for t in result.data["unexplained"])
    with_witness = offline.json("circuit", "audit", circuit, "--wtns", witness).data
    assert with_witness["free"] == ([] if build is open_result else ["w2"])
    printed = offline("circuit", "audit", circuit)
    assert printed.code == 1
    assert "NOT PASSED" in printed.out


def test_a_wide_decomposition_is_probed(offline, foreign) -> None:
    def byte(cs: Builder, x: Wire) -> list[Wire]:
        to_bits(cs, x, 8)
        return []

    circuit, _ = foreign(byte)
    (found,) = offline.json("circuit", "audit", circuit).data["decompositions"]
    assert (found["bits"], found["probes"], found["wrong"], found["count"]) == (8, 6, [], 1)


def test_a_witness_of_another_circuit_is_malformed(offline, foreign) -> None:
    circuit, _ = foreign(sound)
    _, other = foreign(root)
    result = offline.json("circuit", "audit", circuit, "--wtns", other)
    assert (result.code, result.error["code"]) == (3, "CIR-003")


def test_a_witness_that_is_false_is_an_answer_of_no(offline, foreign) -> None:
    circuit, _ = foreign(root, 9)
    _, false = foreign(root, 5)  # 5 is no square
    result = offline.json("circuit", "audit", circuit, "--wtns", false)
    assert (result.code, result.error["code"]) == (1, "CIR-002")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("audit", "missing.r1cs"), 3),
        (("audit", "nope"), 2),
        (("diff", "action", "missing.r1cs"), 3),
        (("diff", "action", "nope"), 2),
        (("profile", "missing.r1cs"), 3),
    ],
)
def test_what_does_not_exist(offline, words, code) -> None:
    assert offline.json("circuit", *words).code == code


def test_a_damaged_file_names_its_fault(offline, foreign) -> None:
    circuit, _ = foreign(sound)
    data = Path(circuit).read_bytes()
    Path(circuit).write_bytes(data[:-1])
    result = offline.json("circuit", "audit", circuit)
    assert result.code == 3
    assert result.error["code"].startswith("FMT-")


def test_gadgets_are_examined_and_written(offline, tmp_path) -> None:
    out = tmp_path / "gadgets.json"
    result = offline.json("circuit", "audit", "gadgets", "--out", str(out))
    assert result.code == 0
    data = result.data
    assert json.loads(out.read_text()) == data
    assert data["mutants"] > data["killed"] > 1000
    assert {s["site"] for s in data["survivors"]} == {
        "is nonzero/inverse or *",
        "is equal/inverse or *",
        "root of 2 + y",
        "root of a fifth of 2 - y",
    }
    unwritable = offline.json("circuit", "audit", "gadgets", "--out", str(tmp_path))
    assert unwritable.code == 3


def test_a_forged_witness_as_files(offline, tmp_path) -> None:
    name = "kind_0: an ephemeral kind has a logic"
    result = offline.json("circuit", "forge", "action", name, "--out", str(tmp_path / "out"))
    assert result.code == 0
    data = result.data
    assert (data["name"], data["clause"], data["case"]) == (
        name,
        "A5",
        "ephemeral kind without a logic",
    )
    full, less, witness = (tmp_path / "out" / file for file in data["files"])
    assignment = read_wtns(witness)
    read_r1cs(less).shape.check(assignment)
    with pytest.raises(Unsatisfied) as refusal:
        read_r1cs(full).shape.check(assignment)
    assert refusal.value.where == f"row {data['row']}"


@pytest.mark.parametrize("row", ["13792", "no such row"])
def test_a_row_that_does_not_exist(offline, row: str) -> None:
    result = offline.json("circuit", "forge", "action", row)
    assert (result.code, result.error["code"]) == (2, "USE-001")


def test_diff(offline, foreign) -> None:
    first, _ = foreign(sound)
    second, _ = foreign(root)
    same = offline.json("circuit", "diff", first, first)
    assert (same.code, same.data["same"], same.data["differences"]) == (0, True, [])
    other = offline.json("circuit", "diff", first, second)
    assert (other.code, other.data["same"]) == (1, False)
    assert "wires: 4 → 3" in other.data["differences"]
    assert "the same circuit" in offline("circuit", "diff", first, first).out
    assert "rows" in offline("circuit", "diff", first, second).out


def test_profile_of_a_file(offline, foreign) -> None:
    circuit, _ = foreign(sound)
    data = offline.json("circuit", "profile", circuit).data
    assert data["parts"] == [{"name": "", "rows": 2, "a": 2, "b": 2, "c": 2}]
    assert data["advice"] == []
