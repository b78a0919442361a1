"""From a statement and its witness to a proof that was checked before anyone else sees it."""

from __future__ import annotations

from typing import TypeVar

from circuits.keys import KeyStore
from circuits.statement import Statement, public_values
from circuits.tapes import assign
from zk import backends
from zk.errors import ShapeMismatch
from zk.field.arrays import U64Array
from zk.groth16.hidden import HiddenProof, prove_hidden, verify_hidden
from zk.groth16.keys import Blinding, Proof, ProvingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.verify import verify
from zk.interfaces import Backend, Progress

Public = TypeVar("Public")
Witness = TypeVar("Witness")


def prove_statement(
    statement: Statement[Public, Witness],
    public: Public,
    witness: Witness,
    blinding: Blinding,
    *,
    profile: str,
    keys: KeyStore | None = None,
    backend: Backend | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Evaluate, prove, verify.

    Args:
        statement: what is claimed.
        public: public inputs.
        witness: what the prover knows.
        blinding: r and s from the plan, never used for another witness.
        profile: of the chain that the proof is for; only `dev` allows development keys.
        keys: where keys come from; a store that is passed again loads each key once.
        backend: what computes; by default the best that starts here.
        progress: called with `key` (where a proving key must be built), `witness`, `ntt`, `msm_a`,
            `msm_b1`, `msm_b2`, `msm_c`, `msm_h`, `verify`.

    Raises:
        UnknownKey, DevParamsRefused, DigestMismatch: no usable key.
        ShapeMismatch: a value outside [0, r), or public inputs that the circuit has otherwise.
        InvalidProof: the witness does not satisfy the statement; `circuits.statement.check` says
            which clause.
    """
    keys, backend = keys or KeyStore(), backend or backends.get()
    report: Progress = progress or (lambda _phase, _share: None)
    verifying_key = keys.verifying_key(statement.id, profile)
    proving_key = keys.proving_key(statement.id, profile, progress)
    assignment, inputs = _assignment(statement, public, witness, proving_key, backend, report)
    proof = prove(proving_key, assignment, blinding, backend, progress)
    report("verify", 0.0)
    verify(verifying_key, inputs, proof, backend)
    report("verify", 1.0)
    return proof


def prove_hidden_statement(
    statement: Statement[Public, Witness],
    public: Public,
    witness: Witness,
    blinding: Blinding,
    *,
    profile: str,
    keys: KeyStore | None = None,
    backend: Backend | None = None,
    progress: Progress | None = None,
) -> HiddenProof:
    """The same for a statement with hidden inputs; what is verified is the equation with D.

    It becomes a proof about committed values with its link (`private_exec.linking`). Arguments,
    errors and phases are those of `prove_statement`; ν of `public` is drawn for this proof alone.
    """
    keys, backend = keys or KeyStore(), backend or backends.get()
    report: Progress = progress or (lambda _phase, _share: None)
    verifying_key = keys.verifying_key(statement.id, profile)
    proving_key = keys.proving_key(statement.id, profile, progress)
    assignment, inputs = _assignment(statement, public, witness, proving_key, backend, report)
    count = statement.hidden
    hidden = prove_hidden(proving_key, assignment, count, blinding, backend, progress)
    report("verify", 0.0)
    verify_hidden(verifying_key, inputs[: len(inputs) - count], count, hidden, backend)
    report("verify", 1.0)
    return hidden


def _assignment(
    statement: Statement[Public, Witness],
    public: Public,
    witness: Witness,
    key: ProvingKey,
    backend: Backend,
    report: Progress,
) -> tuple[U64Array, tuple[int, ...]]:
    """The assignment, and its public part, which is the one claimed."""
    report("witness", 0.0)
    assignment = assign(statement, public, witness, backend)
    report("witness", 1.0)
    inputs = public_inputs(key, assignment)
    if list(inputs) != public_values(public):
        raise ShapeMismatch("the circuit's public inputs are not those claimed", where=statement.id)
    return assignment, inputs
