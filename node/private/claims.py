"""Leaving: what an input holds, and nobody uses, goes back to its owner.

    claim      into the shielded pool, the amount hidden still: a proof says that what enters it is
               what the input's commitment holds, as the owner made it
    withdraw   into an account: the commitment is opened

Nobody of the committee is asked, and nothing is decrypted; so a freeze of its keys changes
nothing for who owns an input alone, and gives nothing to anybody else (PV-129).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from node.core.amounts import MAX_AMOUNT
from node.core.effects import Crossing, Effects, Event
from node.core.ids import AccountId, EnvironmentId, Kind
from node.core.interfaces import StateReader
from node.private import deposits, freezing, results
from node.private import sale_state as sales
from node.private import state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import ClaimTx, carried_part
from node.private.paid import WithdrawTx
from node.private.sale_entries import Bid, Fill, Order
from node.private.state import Donation, Round, Status, Write
from private_exec.pedersen import opens
from transparent.signature import check_key, check_signature
from zk.curve.bn254 import G1Affine


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves.

    Attributes:
        owner: who alone may take it.
        kind: of the amount.
        amount: commitment to it, as the owner made it.
        after: what the state has when it left.
        about: name and id, for the event: of the round or committee.
    """

    owner: AccountId
    kind: Kind
    amount: G1Affine
    after: tuple[Write, ...]
    about: tuple[str, bytes]


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


def leaving(state: StateReader, identity: bytes, height: int) -> Leaving:
    """What goes back, of a round (PV-118), of a sale (PV-182, PV-207) or deposited (PV-124).

    Raises:
        PrivateRefused: PV-109, there is none; PrivateOutdated: PV-118, PV-124, PV-182.
    """
    if (entry := sales.find_entry(state, identity)) is not None:
        return _entry(state, identity, entry, height)
    if (fill := sales.find_fill(state, identity)) is not None:
        return _fill(identity, fill)
    if (held := deposits.find(state, identity)) is not None:
        if held.status is Status.CLAIMED:
            raise PrivateOutdated("PV-124", "the deposit left before", where="input")
        after = tuple(deposits.over(state, held, identity, Status.CLAIMED))
        about = "committee", held.committee
        return Leaving(AccountId(held.owner), held.kind, held.amount, after, about)
    found = entries.donation_of(state, identity)
    of = entries.round_of(state, found.round)
    if not is_claimable(found, of, height):
        raise PrivateOutdated(
            "PV-118", f"the donation is {found.status.label}, and does not go back", where="input"
        )
    after = tuple(entries.over(found, identity, Status.CLAIMED))
    about = "round", found.round
    return Leaving(AccountId(found.owner), of.terms.kind, found.amount, after, about)


def _entry(state: StateReader, identity: bytes, entry: Bid | Order, height: int) -> Leaving:
    """PV-182, PV-208: what goes back of a bid or order, or is left of it when it is settled."""
    of = sales.sale_of(state, entry.sale)
    freeze = freezing.find(state, of.terms.committee, of.terms.epoch)
    frozen = freeze is not None and height > freeze.height
    closed = frozen or results.is_broken(state, of)
    if not results.goes_back(entry.status, of, height, closed=closed):
        raise PrivateOutdated(
            "PV-182", f"the input is {entry.status.label}, and does not go back", where="input"
        )
    after = (
        *results.gone(identity, entry),
        *entries.forget_input(identity, len(entry.commitments)),
    )
    kind, owner = of.terms.locks(entry.side), AccountId(entry.owner)
    return Leaving(owner, kind, entry.left, after, ("sale", entry.sale))


def _fill(identity: bytes, fill: Fill) -> Leaving:
    """PV-207: what an order traded, once."""
    if fill.claimed:
        raise PrivateOutdated("PV-207", "what was traded left before", where="input")
    gone = (sales.fill_key(identity), replace(fill, claimed=True).to_bytes())
    return Leaving(fill.owner, fill.kind, fill.amount, (gone,), ("sale", fill.sale))


def check_claim(tx: ClaimTx, state: StateReader, height: int) -> Leaving:
    """PV-118, PV-119, PV-124: it goes back, and the claim is its owner's.

    Raises:
        PrivateRefused: PV-109, PV-119; PrivateOutdated: PV-118, PV-124, PV-182.
        InvalidTransaction: PV-119, of the signature.
    """
    found = leaving(state, tx.wanted.input, height)
    if tx.wanted.commitment != found.amount:
        raise PrivateRefused("PV-119", "claims another commitment", where="commitment")
    check_signature(found.owner, tx.digest, tx.signature, rule="PV-119")
    return found


def claim(tx: ClaimTx, state: StateReader, height: int) -> Effects:
    """PV-119: once; the carried transaction makes notes of it."""
    found = check_claim(tx, state, height)
    return Effects(
        writes=found.after,
        nullifiers=(tx.id,),
        carried_fee=tx.carried.fee,
        parts=(carried_part(tx, "claim", found.kind),),
        events=(_event("claim", found, tx.wanted.input),),
    )


def check_withdrawal(tx: WithdrawTx) -> None:
    """PV-125, as far as it needs no state. Raises PrivateRefused, or InvalidTransaction: TR-3."""
    if not 0 < tx.opened.value <= MAX_AMOUNT:
        raise PrivateRefused("PV-125", "nothing would leave", where="value")
    check_key(tx.account, what="account")


def withdraw(tx: WithdrawTx, state: StateReader, height: int) -> Effects:
    """PV-125: the commitment is opened, and its owner agrees.

    Raises:
        PrivateRefused: PV-109, PV-125; PrivateOutdated: PV-118, PV-124, PV-182.
        InvalidTransaction: PV-125, of the signature.
    """
    found = leaving(state, tx.input, height)
    check_signature(found.owner, tx.digest, tx.authorization, rule="PV-125")
    if not opens(found.amount, tx.opened):
        raise PrivateRefused("PV-125", "the commitment holds another amount", where="value")
    given = Crossing(EnvironmentId.TRANSPARENT, tx.account, found.kind, tx.opened.value)
    return Effects(
        writes=found.after,
        nullifiers=(tx.id,),
        crossings=(given,),
        fee=tx.head.fee,
        payer=tx.head.payer,
        events=(_event("withdraw", found, tx.input),),
    )


def _event(name: str, found: Leaving, identity: bytes) -> Event:
    kind, group = found.about
    return Event(name, ((kind, group.hex()), ("input", identity.hex())))
