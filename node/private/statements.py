"""Statements about hidden amounts: PV-110, PV-119, PV-171, PV-173, PV-202.

    donation/1    kind, cv, members' root, round, nullifier  |  w, c    linked to the input's two
    transit/1     kind, cv                                   |  c       linked to the input's

Of a bid, and of a reserve, transit/1 is shown twice: of the amount v with cv and Com, and of what
is left to the limit L with [L]K − cv and L·G − Com. Both are below 2⁶⁴, so 0 ≤ v ≤ L. Of an order
it is shown of the limit, and of the quantity q, whose cv counts in [u]K: it holds u·q of the kind.

The point of the kind is computed here, from the kind that the carried transaction shows, and cv is
decoded strictly: it is a point of the subgroup, and the one that this transaction's balance has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuits.membership import round_element
from node.core.effects import HiddenValue
from node.core.interfaces import ProofClaim
from node.core.private import DONATION, TRANSIT
from node.private.errors import PrivateRefused
from node.private.gifts import (
    BidTx,
    Carrying,
    ClaimTx,
    DepositTx,
    DonateTx,
    LinkedProof,
    OrderTx,
)
from node.private.rounds import read_input
from node.private.sale_payload import OfferTx
from node.private.sale_terms import LIMIT
from private_exec import group
from shielded import spec
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.curve.bn254 import G1Affine
from zk.errors import DecodeError


def moved(tx: Carrying) -> HiddenValue:
    """PV-111: the one hidden value of the carried transaction, which is this transaction's.

    Raises:
        PrivateRefused: PV-111.
    """
    values = tx.carried.hidden_values
    if len(values) != 1 or values[0] != tx.hidden(values[0].kind):
        raise PrivateRefused(
            "PV-111", "the carried transaction does not move exactly this hidden value",
            where="carried",
        )  # fmt: skip
    return values[0]


def claims_of(tx: Carrying) -> tuple[ProofClaim, ...]:
    """PV-110, PV-119, PV-173: what must be verified, over this transaction's own fields.

    Raises:
        PrivateRefused: PV-111; PV-110, cv is no point.
        DecodeError: no input.
    """
    value = moved(tx)
    base = spec.kind_point(value.kind).point
    match tx:
        case BidTx():
            (held,) = read_input(tx.input).commitments
            shown = _Shown(base, value.cv, held, LIMIT)
            return _within(shown, (tx.linked, tx.bounded), tx.reference)
        case OrderTx():
            return _order(tx, base)
        case _:
            return (_claim_of(tx, value),)


def reserve_claims(tx: OfferTx) -> tuple[ProofClaim, ...]:
    """PV-171: the same of a reserve, which no value moves for.

    Raises:
        PrivateRefused: PV-110, cv is no point; DecodeError: no input.
    """
    base = spec.kind_point(tx.terms.kind).point
    (held,) = read_input(tx.input).commitments
    return _within(_Shown(base, tx.cv, held, LIMIT), (tx.linked, tx.bounded), tx.reference)


def _order(tx: OrderTx, base: Point) -> tuple[ProofClaim, ...]:
    """PV-202: the limit is a tick; what is locked is the unit times a quantity of the program."""
    said = tx.ordered
    limit, quantity = read_input(said.input).commitments[:2]
    unit = babyjub.multiply(said.unit, base)
    return (
        *_within(_Shown(base, said.limit_cv, limit, said.ticks - 1), tx.proofs[:2], tx.reference),
        *_within(_Shown(unit, said.cv, quantity, LIMIT), tx.proofs[2:], tx.reference),
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A number v of which is shown that 0 ≤ v ≤ limit.

    Attributes:
        base: point that cv counts in.
        cv: commitment on Baby Jubjub, compressed.
        held: the same number's commitment beside it.
        limit: the largest.
    """

    base: Point
    cv: bytes
    held: G1Affine
    limit: int


def _within(
    shown: _Shown, proofs: Sequence[LinkedProof], reference: bytes
) -> tuple[ProofClaim, ...]:
    """PV-173: 0 ≤ v ≤ limit, for the v that cv and the commitment hold."""
    base, cv = shown.base, _point(shown.cv)
    pairs = ((cv, shown.held), rest_of(base, cv, shown.held, shown.limit))
    return tuple(
        linked.claim(TRANSIT, (base.x, base.y, p.x, p.y), (com,), reference)
        for linked, (p, com) in zip(proofs, pairs, strict=True)
    )


def rest_of(base: Point, cv: Point, held: G1Affine, limit: int = LIMIT) -> tuple[Point, G1Affine]:
    """[L]K − cv and L·G − Com: both hold what is left to the limit."""
    rest = babyjub.add(babyjub.multiply(limit, base), babyjub.negate(cv))
    return rest, group.total_g1([*group.base_g1([limit]), group.negative(held)])


def _point(cv: bytes) -> Point:
    try:
        return babyjub.decode(cv, what="cv")
    except DecodeError as error:
        raise PrivateRefused("PV-110", error.message, where="cv") from error


def _claim_of(tx: DonateTx | ClaimTx | DepositTx, value: HiddenValue) -> ProofClaim:
    kind, cv = spec.kind_point(value.kind).point, _point(value.cv)
    points = (kind.x, kind.y, cv.x, cv.y)
    match tx:
        case DonateTx():
            given = tx.given
            shown = (given.members, round_element(given.round), given.nullifier)
            holds = read_input(given.input).commitments
            return tx.linked.claim(DONATION, (*points, *shown), holds, tx.reference)
        case ClaimTx():
            return tx.linked.claim(TRANSIT, points, (tx.wanted.commitment,), tx.reference)
        case DepositTx():
            held = read_input(tx.input).commitments[:1]
            return tx.linked.claim(TRANSIT, points, held, tx.reference)
