"""Statements about hidden amounts, as the chain asks for them.  Rules PV-110, PV-119.

    donation/1    kind, cv, members' root, round, nullifier  |  w, c    linked to the input's two
    transit/1     kind, cv                                   |  c       linked to the input's

The point of the kind is computed here, from the kind that the carried transaction shows, and cv is
decoded strictly: it is a point of the subgroup, and the one that this transaction's balance has.
"""

from __future__ import annotations

from circuits.membership import round_element
from node.core.effects import HiddenValue
from node.core.interfaces import ProofClaim
from node.core.private import DONATION, TRANSIT
from node.private.errors import PrivateRefused
from node.private.gifts import Carrying, ClaimTx, DepositTx, DonateTx
from node.private.rounds import read_input
from shielded import spec
from zk.curve import babyjub
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


def claim_of(tx: Carrying) -> ProofClaim:
    """PV-110, PV-119: what must be verified, over this transaction's own fields.

    Raises:
        PrivateRefused: PV-111; PV-110, cv is no point.
        DecodeError: no input.
    """
    value = moved(tx)
    kind = spec.kind_point(value.kind).point
    try:
        cv = babyjub.decode(value.cv, what="cv")
    except DecodeError as error:
        raise PrivateRefused("PV-110", error.message, where="cv") from error
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
