"""One member's part of a collaborative proof, in three rounds.  Rules PV-72 to PV-77.

With [·] for shares of degree t, ⟦·⟧ of degree 2t, and z a fresh sharing of zero:

    1   [A] = α + Σ [wᵢ]·Aᵢ + [r]·δ       [B] = β + Σ [wᵢ]·Bᵢ + [s]·δ₂
        [D] = Σ [xⱼ]·ICⱼ + [ν]·IC_ν       [T], [Tⱼ] of the link's nonces
    2   ⟦C⟧ = Σ [wᵢ]·Cᵢ + Σ ⟦P(g²ⁱ⁺¹)⟧·Hᵢ + [s]·A + [r]·(β + Σ [wᵢ]·Bᵢ) + z·G
    3   [responses of the link] = [nonce] + c·[secret]

B's sum in round 2 is in G1 and without s, so that no −rs·δ is left. ⟦P⟧ is what a prover computes
from values, computed by each member from its shares: transforms are linear, and the one product of
shares doubles the degree. So every round is local work and one broadcast. A, B, D, T are corrected
before anything is made of them (PV-72); C is found by trying, for what is right shows in the
proof's equation (PV-74).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from node.core.ids import tagged_hash
from private_exec import exponent, group
from private_exec.collaborative.errors import CollaborationRefused, ProofImpossible
from private_exec.collaborative.task import Holding, Task, shown_wires
from private_exec.linking import Link, Linked, challenge_of, verify_linked
from private_exec.mpc import prss, vectors
from private_exec.mpc.prss import PrssKeys
from private_exec.pedersen import H
from zk import backends
from zk.curve.bn254 import G1_GENERATOR, G1Affine, G2Affine
from zk.curve.encoding import G1_BYTES, G2_BYTES, g1_from_bytes, g1_to_bytes, g2_to_bytes
from zk.errors import ChiaroError, DecodeError, InvalidProof
from zk.field.arrays import U64Array, to_array
from zk.groth16.hidden import HiddenProof, hidden_bases, verify_hidden
from zk.groth16.keys import Proof
from zk.groth16.points import g1_points, g1_rows, g2_points, stacked
from zk.groth16.qap import quotient

_R: Final = group.R


@dataclass(frozen=True, slots=True, repr=False)
class _Drawn:
    """A member's shares of what is drawn for one proof; prints none."""

    r: int
    s: int
    nu: int
    nonce_nu: int
    nonce_values: tuple[int, ...]
    nonce_blindings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What the first round came to, the same for all honest members.

    Attributes:
        a: A.
        b: B.
        d: D.
        shown: T, T₁ … Tₘ.
        liars: members whose points do not lie on the others' polynomials.
    """

    a: G1Affine
    b: G2Affine
    d: G1Affine
    shown: tuple[G1Affine, ...]
    liars: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Concluded:
    """A proof whose equation holds.

    Attributes:
        hidden: A, B, C, D.
        liars: members whose share of C is known to be wrong; others may have sent wrong ones too.
        tried: sets of shares that were tried.
    """

    hidden: HiddenProof
    liars: tuple[int, ...]
    tried: int


class Member:
    """A member that proves; each step once, in order, and with what the step before gave.

    Args:
        task: what is proved.
        holding: the member's shares.
        keys: its keys of pseudo-random sharing.

    Raises:
        CollaborationRefused: PV-70.
    """

    def __init__(self, task: Task, holding: Holding, keys: PrssKeys) -> None:
        holding.check(task)
        if keys.size != task.size:
            raise CollaborationRefused("PV-70", "keys of a committee of another size")
        self.task = task
        self._keys = keys
        self._holding = holding
        self._drawn = _draw(task, keys)
        self._wires = np.concatenate(
            [shown_wires(task), holding.hidden, to_array([self._drawn.nu]), holding.private]
        )
        self._answered: int | None = None

    def first(self) -> bytes:
        """Shares of A, D, T, T₁ … Tₘ and B."""
        task, drawn, key = self.task, self._drawn, self.task.key
        backend = backends.get()
        sum_a = backend.msm_g1(key.a, self._wires)
        sum_b = backend.msm_g2(key.b2, self._wires)
        a = backend.msm_g1(stacked(key.alpha_g1, sum_a, key.delta_g1), to_array([1, 1, drawn.r]))
        b = backend.msm_g2(stacked(key.beta_g2, sum_b, key.delta_g2), to_array([1, 1, drawn.s]))
        bases = list(hidden_bases(task.verifying_key, task.hidden_count))
        hidden = vectors.ints(self._holding.hidden)
        points = [
            g1_points(a)[0],
            group.sum_g1([*hidden, drawn.nu], bases),
            group.sum_g1([*drawn.nonce_values, drawn.nonce_nu], bases),
            *(
                group.sum_g1([value, blinding], [G1_GENERATOR, H])
                for value, blinding in zip(drawn.nonce_values, drawn.nonce_blindings, strict=True)
            ),
        ]
        return b"".join(map(g1_to_bytes, points)) + g2_to_bytes(g2_points(b)[0])

    def fix(self, bodies: Mapping[int, bytes]) -> Fixed:
        """PV-72: A, B, D and T, each from 2t + 1 shares that agree.

        Args:
            bodies: what members sent in the first round; absent ones are missing.

        Raises:
            CollaborationRefused: PV-72, fewer agree.
        """
        size = self.task.size
        seed = _seed(self.task, b"first", bodies)
        read = {member: _read_first(self.task, body) for member, body in bodies.items()}
        malformed = {member for member, points in read.items() if points is None}
        words = {member: points for member, points in read.items() if points is not None}
        first = {member: points[0] for member, points in words.items()}
        second = {member: points[1] for member, points in words.items()}
        found = exponent.corrected(size, first, seed)
        good = exponent.agreeing(second, size.t, size.quorum, group.sum_g2, seed)
        if found is None or good is None:
            raise CollaborationRefused(
                "PV-72", f"{len(bodies)} members' points, and no {size.quorum} of them agree"
            )
        (a, d, *shown), off = found
        b = exponent.value_at_zero(second, good[: size.t + 1], group.sum_g2)
        liars = malformed | off | (set(words) - set(good))
        return Fixed(a, b, d, tuple(shown), tuple(sorted(liars)))

    def second(self, fixed: Fixed) -> bytes:
        """PV-73: the share of C, with a share of a zero that hides everything but C."""
        key, drawn, backend = self.task.key, self._drawn, backends.get()
        p_odd = quotient(key, self._wires, backend)
        sum_h = backend.msm_g1(key.h, p_odd)
        sum_c = backend.msm_g1(key.c, self._wires[key.publics + 1 :])
        sum_b1 = backend.msm_g1(key.b1, self._wires)
        zero = vectors.ints(prss.zeros(self._keys, self.task.zero(), 1))[0]
        r, s = drawn.r, drawn.s
        points = stacked(
            sum_c, sum_h, g1_rows([fixed.a]), key.beta_g1, sum_b1, g1_rows([G1_GENERATOR])
        )
        share = backend.msm_g1(points, to_array([1, 1, s, r, r, zero]))
        return g1_to_bytes(g1_points(share)[0])

    def conclude(self, fixed: Fixed, bodies: Mapping[int, bytes]) -> Concluded:
        """PV-74: a C with which the equation holds, and PV-75: who is known to have lied.

        Raises:
            CollaborationRefused: PV-74, fewer than 2t + 1 members sent a point.
            ProofImpossible: PV-74, no 2t + 1 shares make a proof.
        """
        size, seed = self.task.size, _seed(self.task, b"second", bodies)
        degree = 2 * size.t
        word: dict[int, G1Affine] = {}
        for member, body in bodies.items():
            point = _read_point(body)
            if point is not None:
                word[member] = point
        malformed = set(bodies) - set(word)
        if len(word) <= degree:
            raise CollaborationRefused("PV-74", f"{len(word)} shares of C, of {degree + 1}")
        members = sorted(word)
        together = exponent.consistent(word, degree, group.sum_g1, seed)
        subsets = itertools.combinations(members, degree + 1)
        for tried, subset in enumerate(itertools.islice(subsets, 1 if together else None), 1):
            c = exponent.value_at_zero(word, subset, group.sum_g1)
            hidden = self._proof(fixed, c)
            if hidden is not None:
                liars = malformed if together else malformed | self._known_liars(word, c, seed)
                return Concluded(hidden, tuple(sorted(liars)), tried)
        raise ProofImpossible("PV-74", f"no {degree + 1} of {len(word)} shares make a proof")

    def _proof(self, fixed: Fixed, c: G1Affine) -> HiddenProof | None:
        task = self.task
        try:
            hidden = HiddenProof(Proof(fixed.a, fixed.b, c), fixed.d)
            verify_hidden(
                task.verifying_key, task.public, task.hidden_count, hidden, backends.get()
            )
        except (InvalidProof, DecodeError):
            return None
        return hidden

    def _known_liars(self, word: Mapping[int, G1Affine], c: G1Affine, seed: bytes) -> set[int]:
        """PV-75: with C right, one wrong share of n is named with certainty; more are not.

        The shares with C as the value at 0 are a word of length n + 1 and degree 2t. Another word
        through C agrees with at most 2t − 1 honest shares, so with t liars in at most n − 2: n − 1
        shares that agree are the honest ones'. Two left out could be honest ones (t ≥ 3).
        """
        size = self.task.size
        if len(word) < size.n:
            return set()
        known = {exponent.ZERO: c, **word}
        good = exponent.agreeing(known, 2 * size.t, size.n - 1, group.sum_g1, seed)
        return set() if good is None else set(word) - set(good)

    def challenge(self, fixed: Fixed, concluded: Concluded) -> int:
        """What the link's responses answer: the same for all honest members."""
        task = self.task
        return challenge_of(
            task.verifying_key,
            task.public,
            concluded.hidden,
            task.commitments,
            task.context,
            fixed.shown,
        )

    def third(self, fixed: Fixed, concluded: Concluded) -> U64Array:
        """PV-76: shares of the link's responses, `[2m + 1, 4]`: s₁ … sₘ, z₁ … zₘ, s_ν.

        Raises:
            CollaborationRefused: PV-76, this member has answered another challenge.
        """
        c, drawn = self.challenge(fixed, concluded), self._drawn
        if self._answered not in (None, c):
            raise CollaborationRefused("PV-76", "this member has answered another challenge")
        self._answered = c
        secrets = np.concatenate(
            [self._holding.hidden, self._holding.blindings, to_array([drawn.nu])]
        )
        nonces = vectors.vec([*drawn.nonce_values, *drawn.nonce_blindings, drawn.nonce_nu])
        return vectors.add(nonces, vectors.scale(secrets, c))

    def finish(self, fixed: Fixed, concluded: Concluded, responses: U64Array) -> Linked:
        """PV-77: the linked proof, verified.

        Args:
            fixed: of the first round.
            concluded: of the second.
            responses: what the shares of the third open to, `[2m + 1, 4]`.

        Raises:
            ProofImpossible: PV-77, proof or link does not hold.
        """
        task, values = self.task, vectors.ints(responses)
        count = len(task.commitments)
        try:
            link = Link(
                fixed.shown, tuple(values[:count]), tuple(values[count : 2 * count]), values[-1]
            )
            linked = Linked(task.public, task.commitments, concluded.hidden, link, task.context)
            verify_linked(task.verifying_key, task.hidden_count, linked, backends.get())
        except ChiaroError as error:
            raise ProofImpossible("PV-77", f"the proof is refused: {error.message}") from error
        return linked


def _draw(task: Task, keys: PrssKeys) -> _Drawn:
    """PV-71: all randomness of the proof."""
    r, s, nu, nonce_nu, *nonces = vectors.ints(prss.shares(keys, task.draw(), task.draws))
    count = len(task.commitments)
    return _Drawn(r, s, nu, nonce_nu, tuple(nonces[:count]), tuple(nonces[count:]))


def _seed(task: Task, name: bytes, bodies: Mapping[int, bytes]) -> bytes:
    """Of random tests: a hash of all that they test, in the members' order."""
    parts = [name, task.session, task.context, bytes.fromhex(task.verifying_key.id)]
    parts += [bytes([member]) + bodies[member] for member in sorted(bodies)]
    return tagged_hash("private/collaborative/seed", *parts)


def _read_first(task: Task, body: bytes) -> tuple[list[G1Affine], G2Affine] | None:
    """PV-72: the points of a first round; None for what are none."""
    count = 3 + len(task.commitments)
    if len(body) != count * G1_BYTES + G2_BYTES:
        return None
    try:
        points = exponent.read(body[: count * G1_BYTES], count)
        b = group.g2_on_twist(body[count * G1_BYTES :], "share")
        group.check_order_g2([b], "share")
    except DecodeError:
        return None
    return points, b


def _read_point(body: bytes) -> G1Affine:
    """PV-74: a share of C; None for what is none."""
    try:
        return g1_from_bytes(body, what="share")
    except DecodeError:
        return None
