"""Makes the stored proof of the action: `python tests/pins/store_proof.py`.

The statement is the example transfer of a fixed seed and the blinding is fixed, so the files change
only when the statement, its key or the prover's arithmetic changes. A stored proof of a shipped
statement must verify for ever: a changed statement takes a new version and new files.
"""

from __future__ import annotations

from pathlib import Path

from circuits import registry
from circuits.example import example_action
from circuits.key_registry import DEV
from circuits.prover import prove_statement
from circuits.statement import public_values
from zk.formats import snarkjs
from zk.groth16.keys import Blinding

STATEMENT = "action/1"
SEED = b"stored proof"
BLINDING = Blinding(r=3141592653589793, s=2718281828459045)

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    public, witness = example_action(SEED)
    proof = prove_statement(registry.statement(STATEMENT), public, witness, BLINDING, profile=DEV)
    for name, document in (
        ("proof", snarkjs.proof_document(proof)),
        ("public", snarkjs.public_document(public_values(public))),
    ):
        (here / f"action-1.{name}.json").write_bytes(snarkjs.dump(document))
