"""What verifying many proofs against one key has in common, computed once a key and backend."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from zk.errors import IdentityPoint
from zk.field.arrays import U64Array, montgomery_array, to_array
from zk.field.params import FP
from zk.groth16.keys import Proof, VerifyingKey, negate_g2
from zk.groth16.points import G1_WIDTH, G2_WIDTH, g1_rows, g2_rows
from zk.interfaces import Backend, PreparedG1, PreparedG2

_KEPT: Final = 16
"""Keys whose preparation is remembered; a few megabytes each."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedKey:
    """A verifying key in a backend's terms.

    Attributes:
        statement: IC₀ … ICₙ, of which every statement is a combination.
        alpha: α.
        fixed: −γ, −δ, −β.
        alpha_beta: e(α, β), `[12, 4]`.
    """

    statement: PreparedG1
    alpha: PreparedG1
    fixed: PreparedG2
    alpha_beta: U64Array

    def statement_point(
        self, backend: Backend, scalars: Sequence[int], added: U64Array
    ) -> U64Array:
        """Σ kᵢ·ICᵢ plus the points `added`, `[n, 8]`, none or a few hundred: `[1, 8]`."""
        point = backend.combine_g1(self.statement, to_array(scalars)).reshape(1, -1)
        if len(added):
            point = backend.sum_g1(np.concatenate([point, added])).reshape(1, -1)
        return point


def prepare(key: VerifyingKey, backend: Backend) -> PreparedKey:
    """The key's fixed lines, tables and constants; some 20 ms the first time."""
    return _prepared(key, cast("Any", backend))


@functools.lru_cache(maxsize=_KEPT)
def _prepared(key: VerifyingKey, backend: Backend) -> PreparedKey:
    alpha = g1_rows([key.alpha])
    none = backend.prepare_g2(g2_rows([]))
    _, alpha_beta = backend.pairing_product(alpha, g2_rows([key.beta]), alpha[:0], none)
    return PreparedKey(
        statement=backend.prepare_g1(g1_rows(key.ic)),
        alpha=backend.prepare_g1(alpha),
        fixed=backend.prepare_g2(g2_rows(map(negate_g2, (key.gamma, key.delta, key.beta)))),
        alpha_beta=alpha_beta,
    )


def proof_rows(proofs: Sequence[Proof]) -> tuple[U64Array, U64Array, U64Array]:
    """A, B, C of n proofs: `[n, 8]`, `[n, 16]`, `[n, 8]`; all coordinates in one conversion."""
    flat: list[int] = []
    for proof in proofs:
        if proof.a is None or proof.b is None or proof.c is None:
            raise IdentityPoint("a proof with a point at infinity", where="proof")
        flat += (*proof.a, *proof.c, *proof.b[0], *proof.b[1])
    rows = montgomery_array(flat, FP.modulus).reshape(-1, 2 * G1_WIDTH + G2_WIDTH)
    parts = (rows[:, :G1_WIDTH], rows[:, 2 * G1_WIDTH :], rows[:, G1_WIDTH : 2 * G1_WIDTH])
    a, b, c = map(np.ascontiguousarray, parts)
    return a, b, c
