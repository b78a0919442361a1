"""What the statements of crossings are about, as integers, and their clauses in plain code.

A *crossing* moves an amount between pools of which at least one hides amounts. On the shielded side
the amount is in cv = [v]K + [rcv]R, which enters a transaction's balance; on the private side in a
Pedersen commitment, which `private_exec.linking` ties to the statement's hidden inputs.

These are the twins of `circuits.transit` and `circuits.donation`, written independently of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from circuits.membership import leaf, member_nullifier
from circuits.native import tree_node
from circuits.records import QUANTITY_BITS, Children, Pair, Secret
from zk.curve import babyjub
from zk.curve.babyjub import Point

WEIGHT_BITS: Final = 32
MAX_WEIGHT: Final = (1 << WEIGHT_BITS) - 1
MEMBER_DEPTH: Final = 5
"""Levels of a round's tree of members: 8⁵ = 32,768 of them."""


@dataclass(frozen=True, slots=True, repr=False)
class TransitPublic(Secret):
    """Public inputs of `transit/1`; the last two are shown as a point only.

    Attributes:
        kind: the kind's point K, affine on Baby Jubjub.
        cv: [amount]K + [rcv]R, affine.
        amount: below 2⁶⁴; hidden.
        nu: ν, uniform in [0, r) and new for each proof; hidden.
    """

    kind: Pair
    cv: Pair
    amount: int
    nu: int


@dataclass(frozen=True, slots=True, repr=False)
class TransitWitness(Secret):
    """What else the prover of `transit/1` knows.

    Attributes:
        rcv: blinding of cv, below 2²⁵¹.
    """

    rcv: int


@dataclass(frozen=True, slots=True, repr=False)
class DonationPublic(Secret):
    """Public inputs of `donation/1`; the last three are shown as a point only.

    Attributes:
        kind: the kind's point K, affine on Baby Jubjub.
        cv: [amount]K + [rcv]R, affine.
        members_root: root of the round's tree of members.
        round: the round as a field element.
        nullifier: of the member, in this round.
        weight: below 2³²; hidden.
        amount: weight²; hidden.
        nu: ν, uniform in [0, r) and new for each proof; hidden.
    """

    kind: Pair
    cv: Pair
    members_root: int
    round: int
    nullifier: int
    weight: int
    amount: int
    nu: int


@dataclass(frozen=True, slots=True, repr=False)
class DonationWitness(Secret):
    """What else the prover of `donation/1` knows.

    Attributes:
        rcv: blinding of cv, below 2²⁵¹.
        secret: of the member; the tree's leaf is its hash.
        path: for each level the eight children among which the node below is, leaves first.
    """

    rcv: int
    secret: int
    path: tuple[Children, ...]


def value_commitment(kind: Pair, amount: int, rcv: int) -> Point:
    """Cv = [amount]K + [rcv]R."""
    value = babyjub.multiply(amount, Point(*kind))
    return babyjub.add(value, babyjub.multiply(rcv, babyjub.RCV_BASE))


def transit_public(kind: Pair, amount: int, witness: TransitWitness, nu: int) -> TransitPublic:
    """The public inputs that make a crossing of this amount true."""
    return TransitPublic(kind, value_commitment(kind, amount, witness.rcv), amount, nu)


def transit_violations(public: TransitPublic, witness: TransitWitness) -> tuple[str, ...]:
    """The clauses of `transit/1` in `circuits/SPEC.md` that do not hold, in order."""
    return _broken(
        ("T1", 0 <= public.amount < 1 << QUANTITY_BITS),
        ("T2", _is_value(public.kind, public.cv, public.amount, witness.rcv)),
    )


def donation_public(
    kind: Pair, weight: int, witness: DonationWitness, round_element: int, nu: int
) -> DonationPublic:
    """The public inputs that make a donation of weight² true."""
    return DonationPublic(
        kind=kind,
        cv=value_commitment(kind, weight * weight, witness.rcv),
        members_root=tree_node(witness.path[-1]),
        round=round_element,
        nullifier=member_nullifier(witness.secret, round_element),
        weight=weight,
        amount=weight * weight,
        nu=nu,
    )


def donation_violations(public: DonationPublic, witness: DonationWitness) -> tuple[str, ...]:
    """The clauses of `donation/1` in `circuits/SPEC.md` that do not hold, in order."""
    square = public.weight * public.weight == public.amount
    return _broken(
        ("D1", 0 <= public.weight <= MAX_WEIGHT and square),
        ("D2", _is_value(public.kind, public.cv, public.amount, witness.rcv)),
        ("D3", _is_member(public.members_root, witness.secret, witness.path)),
        ("D4", public.nullifier == member_nullifier(witness.secret, public.round)),
    )


def _broken(*clauses: tuple[str, bool]) -> tuple[str, ...]:
    return tuple(name for name, holds in clauses if not holds)


def _is_value(kind: Pair, cv: Pair, amount: int, rcv: int) -> bool:
    return babyjub.is_on_curve(Point(*kind)) and cv == value_commitment(kind, amount, rcv)


def _is_member(root: int, secret: int, path: Sequence[Children]) -> bool:
    node = leaf(secret)
    for children in path:
        if node not in children:
            return False
        node = tree_node(children)
    return node == root
