"""The prover's own check of what it is about to claim."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from circuits.key_registry import DEV, Registry
from circuits.keys import KeyStore, generate
from circuits.prover import prove_statement
from circuits.statement import Statement, record
from zk import backends, params
from zk.errors import ShapeMismatch
from zk.groth16.keys import Blinding
from zk.r1cs.builder import Builder


@dataclass(frozen=True)
class Square:
    y: int


class Careless(Statement[Square, int]):
    """x² = y, but the circuit is given the y that fits instead of the one claimed."""

    id = "careless/1"
    public_names = ("y",)

    def placeholder(self) -> tuple[Square, int]:
        return Square(0), 0

    def constrain(self, cs: Builder, public: Square, witness: int) -> None:
        y = cs.public("y", witness * witness)
        x = cs.witness("x", witness)
        cs.enforce(x, x, y, "square")


def test_public_inputs_other_than_the_claimed_ones_give_no_proof(tmp_path, monkeypatch) -> None:
    """The proof itself would verify, for a statement that the caller did not make."""
    statement, backend = Careless(), backends.get("reference")
    monkeypatch.setenv(params.ENV_PARAMS, str(tmp_path))
    shape = record(statement, cache=False)
    generate([shape], tmp_path, tmp_path / "cache", backend)
    keys = KeyStore(Registry.load(), cache=tmp_path / "cache")

    def prove(public: Square) -> None:
        prove_statement(
            statement, public, 5, Blinding(2, 3), profile=DEV, keys=keys, backend=backend
        )

    prove(Square(25))
    with pytest.raises(ShapeMismatch, match="not those claimed"):
        prove(Square(26))
