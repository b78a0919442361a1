"""Claims: a donation that was not used goes back to its owner, its amount hidden still.

Its owner shows by a proof that what enters the shielded pool is what the donation's commitment
holds, as the donor made it: nobody of the committee is asked, and nothing is decrypted.
"""

from __future__ import annotations

from dataclasses import replace

from node.core.effects import Effects, Event, Part
from node.core.ids import AccountId
from node.core.interfaces import StateReader
from node.private import state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import ClaimTx
from node.private.payload import carried_wire
from node.private.state import Donation, Round, Status
from transparent.signature import check_signature


def is_claimable(found: Donation, of: Round, height: int) -> bool:
    """PV-118: whether a donation goes back, in a block of this height.

    It does where it was refused, where it was not accepted in time, and where its project takes
    nothing: below its minimum, with too few donations, or in a round whose sums were not opened.
    """
    match found.status:
        case Status.REFUSED:
            return True
        case Status.PENDING:
            return height > of.terms.accept
        case Status.ACCEPTED:
            return of.refunds(found.project, height)
        case _:
            return False


def check_claim(tx: ClaimTx, state: StateReader, height: int) -> tuple[Donation, Round]:
    """PV-118, PV-119: the donation goes back, and the claim is its owner's.

    Raises:
        PrivateRefused: PV-109, PV-119; PrivateOutdated: PV-118.
        InvalidTransaction: PV-119, of the signature.
    """
    found = entries.donation_of(state, tx.wanted.input)
    of = entries.round_of(state, found.round)
    if not is_claimable(found, of, height):
        raise PrivateOutdated(
            "PV-118", f"the donation is {found.status.label}, and does not go back", where="input"
        )
    if tx.wanted.commitment != found.amount:
        raise PrivateRefused("PV-119", "claims another commitment", where="commitment")
    check_signature(AccountId(found.owner), tx.digest, tx.signature, rule="PV-119")
    return found, of


def claim(tx: ClaimTx, state: StateReader, height: int) -> Effects:
    """PV-119: once; the carried transaction makes notes of it."""
    found, of = check_claim(tx, state, height)
    after = replace(found, status=Status.CLAIMED)
    back = tx.hidden(of.terms.kind)
    carried = Part("claim", wires=(carried_wire(tx),), required=True, told=True, hidden=(back,))
    event = Event("claim", (("round", found.round.hex()), ("input", tx.wanted.input.hex())))
    return Effects(
        writes=(
            (entries.donation_key(tx.wanted.input), after.to_bytes()),
            *entries.forget_input(tx.wanted.input),
        ),
        nullifiers=(tx.id,),
        carried_fee=tx.carried.fee,
        parts=(carried,),
        events=(event,),
    )
