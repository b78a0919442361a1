"""Forged witnesses of the soundness lab in snarkjs's hands."""

from __future__ import annotations

from pathlib import Path

import pytest

from circuits.lab import action, deletions
from circuits.lab.program import Program
from circuits.lab.subject import Draws
from zk.field.arrays import to_array
from zk.formats.r1cs import write_r1cs
from zk.formats.wtns import write_wtns

pytestmark = pytest.mark.oracle_snarkjs


@pytest.mark.parametrize(
    "name", ["kind_0: on the curve", "consumed_0/level 0: is among the children", "moved/bit 3: u"]
)
def test_a_forged_witness_is_refused_with_its_row_and_taken_without(
    snarkjs, tmp_path: Path, name: str
) -> None:
    subject = action.subject("0", 2)
    program = Program(subject.statement)
    row = program.shape.row_scopes.index(name)
    forged = deletions.Finder(subject, program, Draws("0")).forge(row)
    assert forged is not None
    write_r1cs(program.shape, tmp_path / "full.r1cs")
    write_r1cs(deletions.without(program.shape, row), tmp_path / "less.r1cs")
    write_wtns(to_array([int(v) for v in forged.values]), tmp_path / "forged.wtns")
    refused = snarkjs("wtns", "check", tmp_path / "full.r1cs", tmp_path / "forged.wtns", ok=False)
    assert "WITNESS IS NOT CORRECT" in refused.stdout
    taken = snarkjs("wtns", "check", tmp_path / "less.r1cs", tmp_path / "forged.wtns")
    assert "WITNESS IS CORRECT" in taken.stdout
