"""Groth16 proofs some of whose public inputs are shown as one point instead of as values.

The last inputs of a statement are *hidden*: some values, and behind them ν, of which the statement
asks nothing. In their place the verifier is given D and checks

    D = Σ xⱼ·ICⱼ + ν·IC_ν        e(A, B) = e(α, β) · e(IC₀ + Σ visible xᵢ·ICᵢ + D, γ) · e(C, δ)

A uniform ν makes D uniform: it tells nothing about the values, and the simulator of Groth16 needs
no more of the hidden inputs than D.

*The equation alone proves nothing.* It has a D for every A, B and C that a forger can make of a
public key (`tests/zk/groth16/test_hidden.py` does it). It proves the statement where somebody shows
to know one representation of D in the hidden ICs: `private_exec.linking`, which ties the values to
Pedersen commitments at once. docs/adr/0027 has the argument.

Nothing of setup, key or circuit changes. With values and ν revealed the proof is an ordinary one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import ChiaroError, ShapeMismatch, WrongLength
from zk.field.arrays import U64Array
from zk.groth16.batch import judge
from zk.groth16.keys import PROOF_BYTES, Blinding, Proof, ProvingKey, VerifyingKey
from zk.groth16.points import g1_points
from zk.groth16.prove import check_assignment, prove
from zk.groth16.verify import verify
from zk.interfaces import Backend, Progress

HIDDEN_PROOF_BYTES: Final = PROOF_BYTES + G1_BYTES
LEAST_HIDDEN: Final = 2
"""A value and ν."""


@dataclass(frozen=True, slots=True)
class HiddenProof:
    """A proof and the point of its hidden inputs; worth nothing without a link.

    Attributes:
        proof: A, B, C.
        d: D, not the identity.

    Raises:
        IdentityPoint, NonCanonical, NotOnCurve: D is none.
    """

    proof: Proof
    d: G1Affine

    def __post_init__(self) -> None:
        check_g1(self.d, what="proof.d")

    def to_bytes(self) -> bytes:
        """160 bytes: A, B, C, D, compressed."""
        return self.proof.to_bytes() + g1_to_bytes(self.d)

    @classmethod
    def from_bytes(cls, data: bytes, *, order: bool = True) -> HiddenProof:
        """The proof of exactly these 160 bytes.

        Args:
            data: A, B, C, D, compressed.
            order: check that B has order r, as in `Proof.from_bytes`.

        Raises:
            WrongLength: not 160 bytes.
            DecodeError: a point that does not decode.
        """
        if len(data) != HIDDEN_PROOF_BYTES:
            raise WrongLength(
                f"a proof with hidden inputs takes {HIDDEN_PROOF_BYTES} bytes, not {len(data)}",
                where="proof",
            )
        return cls(
            Proof.from_bytes(data[:PROOF_BYTES], order=order),
            g1_from_bytes(data[PROOF_BYTES:], what="proof.d"),
        )


HiddenItem = tuple[Sequence[int], HiddenProof]
"""Visible public inputs and proof."""


def prove_hidden(
    key: ProvingKey,
    assignment: U64Array,
    hidden_count: int,
    blinding: Blinding,
    backend: Backend,
    progress: Progress | None = None,
) -> HiddenProof:
    """A proof of an assignment whose last public inputs are to be hidden.

    Args:
        key: proving key of the circuit.
        assignment: `uint64[wires, 4]`, standard form; its last public input ν is uniform, drawn for
            this proof alone, like the blinding.
        hidden_count: how many public inputs are hidden, ν included.
        blinding: r and s.
        backend: what computes.
        progress: as of `prove`.

    Raises:
        ShapeMismatch: the assignment is not one of this circuit, or cannot have so many hidden.
        IdentityPoint: D is the identity, which ν makes impossible but for chance.
    """
    check_assignment(key, assignment)
    _check_count(key.publics, hidden_count)
    end = key.publics + 1
    rows = slice(end - hidden_count, end)
    d = g1_points(backend.msm_g1(key.ic[rows], assignment[rows]))[0]
    return HiddenProof(prove(key, assignment, blinding, backend, progress), d)


def hidden_bases(key: VerifyingKey, hidden_count: int) -> tuple[G1Affine, ...]:
    """The ICs of the hidden inputs, that of ν last.

    Raises:
        ShapeMismatch: a key of this many public inputs cannot have so many hidden.
    """
    _check_count(key.publics, hidden_count)
    return key.ic[-hidden_count:]


def verify_hidden(
    key: VerifyingKey,
    public: Sequence[int],
    hidden_count: int,
    hidden: HiddenProof,
    backend: Backend | None = None,
) -> None:
    """The equation with D. Accepting says nothing until the link of D is verified, too.

    Args:
        key: verifying key of the statement.
        public: the visible inputs, in order.
        hidden_count: how many inputs the *statement* hides; never what a message says.
        hidden: proof and D.
        backend: what computes; without one, the reference mathematics of `zk.curve`.

    Raises:
        ShapeMismatch, NonCanonical, NotInSubgroup, InvalidProof: as `verify`.
    """
    verify(key, _padded(key, public, hidden_count), hidden.proof, backend, hidden.d)


def judge_hidden(
    key: VerifyingKey, items: Sequence[HiddenItem], hidden_count: int, backend: Backend
) -> list[ChiaroError | None]:
    """For each proof what `verify_hidden` would raise, or nothing; in batches as `judge`."""
    verdicts: list[ChiaroError | None] = [None] * len(items)
    good: list[int] = []
    padded: list[tuple[Sequence[int], Proof]] = []
    for index, (public, hidden) in enumerate(items):
        try:
            padded.append((_padded(key, public, hidden_count), hidden.proof))
            good.append(index)
        except ShapeMismatch as error:
            verdicts[index] = error
    points = [items[index][1].d for index in good]
    for index, verdict in zip(good, judge(key, padded, backend, points), strict=True):
        verdicts[index] = verdict
    return verdicts


def _padded(key: VerifyingKey, public: Sequence[int], hidden_count: int) -> tuple[int, ...]:
    """All inputs, hidden ones as zeros: D stands for them.

    Raises:
        ShapeMismatch: visible and hidden inputs are not as many as the key has.
    """
    _check_count(key.publics, hidden_count)
    if len(public) + hidden_count != key.publics:
        raise ShapeMismatch(
            f"the key has {key.publics} public inputs, not {len(public)} shown and "
            f"{hidden_count} hidden",
            why="an input that should be seen could be hidden, and hold anything",
            fix="give every visible input, in the statement's order",
        )
    return (*public, *[0] * hidden_count)


def _check_count(publics: int, hidden_count: int) -> None:
    if not LEAST_HIDDEN <= hidden_count <= publics:
        raise ShapeMismatch(
            f"{hidden_count} of {publics} public inputs cannot be hidden",
            why="at least a value and the input that blinds it are",
        )
