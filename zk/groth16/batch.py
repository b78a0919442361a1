"""Many proofs of one statement at once, by a random linear combination of their equations.

The verifier's equation of proof i is Eᵢ = 1 for

    Eᵢ = e(Aᵢ, Bᵢ) · e(Sᵢ, −γ) · e(Cᵢ, −δ) · e(α, −β),     Sᵢ = IC₀ + Σ xᵢⱼ·ICⱼ

With random ρᵢ all of them are checked as Π Eᵢ^ρᵢ = 1, that is

    Π e(ρᵢ·Aᵢ, Bᵢ) · e(Σ ρᵢ·Sᵢ, −γ) · e(Σ ρᵢ·Cᵢ, −δ) · e((Σ ρᵢ)·α, −β) = 1

one Miller loop for each proof, three for all, one final exponentiation. Where it fails, both halves
are tried, and so on down to the culprits.

Soundness. Every Bᵢ is checked to have order r (each by itself: a combination would not do, for the
cofactor has small factors), and A, C, S lie in G1, so Eᵢ lies in the group of order r. If some
Eᵢ ≠ 1, then for each choice of the other coefficients at most one residue ρᵢ modulo r makes the
product 1. ρᵢ takes each residue with probability at most 2⁻¹²⁸ (`zk.curve.weights`); it comes from
the operating system after the proofs are fixed, and nobody learns it. So a check accepts wrongly
with probability at most 2⁻¹²⁸. Bisection uses the same coefficients for at most 2n − 1 checks of
fixed subsets: a bad proof among n passes with probability below n·2⁻¹²⁷. A good one always passes.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from zk.curve import weights
from zk.curve.bn254 import G1Affine
from zk.errors import ChiaroError, InvalidProof, NonCanonical, NotInSubgroup, ShapeMismatch
from zk.field.arrays import U64Array, to_array
from zk.field.params import FR
from zk.groth16.keys import Proof, VerifyingKey
from zk.groth16.points import g1_rows, stacked
from zk.groth16.verify import check_public, verify
from zk.groth16.verify_key import PreparedKey, prepare, proof_rows
from zk.interfaces import Backend

Item = tuple[Sequence[int], Proof]
"""Public inputs and proof."""

_R: Final = FR.modulus


class InvalidBatch(InvalidProof):
    """Some proofs of a batch are refused.

    Attributes:
        refusals: why, by index.
    """

    def __init__(self, refusals: Mapping[int, ChiaroError], key: VerifyingKey) -> None:
        self.refusals = dict(refusals)
        named = ", ".join(map(str, self.culprits))
        super().__init__(f"refused proofs of the batch: {named}", where=f"key {key.id}")

    @property
    def culprits(self) -> tuple[int, ...]:
        """Indices of what is refused, ascending."""
        return tuple(sorted(self.refusals))


def verify_batch(key: VerifyingKey, items: Sequence[Item], backend: Backend) -> None:
    """Accept all by returning, refuse by raising.

    Raises:
        InvalidBatch: names every proof that `verify` would refuse.
    """
    refusals = {i: error for i, error in enumerate(judge(key, items, backend)) if error is not None}
    if refusals:
        raise InvalidBatch(refusals, key)


def judge(
    key: VerifyingKey,
    items: Sequence[Item],
    backend: Backend,
    hidden: Sequence[G1Affine] | None = None,
) -> list[ChiaroError | None]:
    """For each proof what `verify` would raise, or nothing.

    Args:
        key: of all of them.
        items: public inputs and proofs.
        backend: what computes.
        hidden: for each proof a point that is added to its statement (`zk.groth16.hidden`).

    Errors: ShapeMismatch, NonCanonical, NotInSubgroup, InvalidProof.
    """
    verdicts: list[ChiaroError | None] = [None] * len(items)
    for i, (public, _) in enumerate(items):
        try:
            check_public(key, public)
        except (ShapeMismatch, NonCanonical) as error:
            verdicts[i] = error
    chosen = [i for i, verdict in enumerate(verdicts) if verdict is None]
    if len(chosen) > 1:
        _Batch(key, items, chosen, backend, hidden).judge(verdicts)
    for i in chosen if len(chosen) == 1 else ():
        try:
            verify(key, *items[i], backend, None if hidden is None else hidden[i])
        except (NotInSubgroup, InvalidProof) as error:
            verdicts[i] = error
    return verdicts


@dataclass(frozen=True, slots=True)
class _Check:
    """What a check of a subset found.

    Attributes:
        outside: those whose B is outside the subgroup; then nothing is known of the others.
        holds: whether the combined equation does.
    """

    outside: list[int]
    holds: bool


class _Batch:
    """Proofs with their coefficients, multiplied once for all checks.

    Args:
        chosen: indices of the proofs that take part; their number of inputs is right.
        hidden: what is added to each proof's statement, by index.
    """

    def __init__(
        self,
        key: VerifyingKey,
        items: Sequence[Item],
        chosen: list[int],
        backend: Backend,
        hidden: Sequence[G1Affine] | None,
    ) -> None:
        self.key = key
        self.backend = backend
        self.prepared: PreparedKey = prepare(key, backend)
        self.chosen = chosen
        proofs = [items[i][1] for i in chosen]
        self.publics = [items[i][0] for i in chosen]
        words = weights.draw(len(chosen))
        self.coefficients = [weights.coefficient(u, v) for u, v in words.tolist()]
        a, self.b, c = proof_rows(proofs)
        points = [a, c, *([] if hidden is None else [g1_rows([hidden[i] for i in chosen])])]
        weighed = backend.weigh_g1(np.concatenate(points), np.concatenate([words] * len(points)))
        self.a, self.c, *self.hidden = np.split(weighed, len(points))

    def judge(self, verdicts: list[ChiaroError | None]) -> None:
        """Sets the refusals of all that take part."""
        pending = [list(range(len(self.chosen)))]
        while pending:
            part = pending.pop()
            check = self._check(part)
            for k in check.outside:
                verdicts[self.chosen[k]] = NotInSubgroup(
                    "proof.b is outside BN254's G2", where="proof.b"
                )
            if check.outside:
                left = [k for k in part if k not in set(check.outside)]
                pending += [left] if left else []
            elif not check.holds and len(part) == 1:
                verdicts[self.chosen[part[0]]] = InvalidProof(
                    "the pairing equation does not hold", where=f"key {self.key.id}"
                )
            elif not check.holds:
                half = len(part) // 2
                pending += [part[half:], part[:half]]

    def _check(self, part: list[int]) -> _Check:
        coefficients = [self.coefficients[k] for k in part]
        total = sum(coefficients)
        columns = zip(*(self.publics[k] for k in part), strict=True)
        combined = [total % _R]
        combined += [sum(map(operator.mul, coefficients, column)) % _R for column in columns]
        backend, prepared = self.backend, self.prepared
        added = np.concatenate([self.c[:0], *(points[part] for points in self.hidden)])
        fixed = stacked(
            prepared.statement_point(backend, combined, added),
            backend.sum_g1(self.c[part]),
            backend.combine_g1(prepared.alpha, to_array([total % _R])),
        )
        inside, product = backend.pairing_product(self.a[part], self.b[part], fixed, prepared.fixed)
        return _Check(
            outside=[k for k, good in zip(part, inside.tolist(), strict=True) if not good],
            holds=bool((product == _one(product)).all()),
        )


def _one(like: U64Array) -> U64Array:
    """The 1 of Fp12 as products of pairings are given."""
    from zk.field.arrays import to_montgomery
    from zk.field.params import FP

    return to_array(to_montgomery([1] + [0] * (like.shape[0] - 1), FP.modulus))
