"""What sellers and bidders make, from secrets that their words give back.

    reserve, owner   →  input, cv, two proofs                       → OfferTx
    amount, owner    →  input, cv, hidden value for the wallet's plan
    + carried        →  two proofs                                  → BidTx

A bid is shown to be within the program's range twice over (PV-173): what it holds is no less than
0, and neither is what is left to the limit. What goes back is claimed as a donation is (`build`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from circuits.crossing import TransitWitness, transit_public
from node.core.ids import ChainId, Kind
from node.core.private import TRANSIT
from node.private.build import ProveLinked, Proving
from node.private.errors import PrivateRefused
from node.private.gifts import BidTx, bid_reference
from node.private.paid import Head
from node.private.sale_payload import OfferTx, offer_reference, sale_id
from node.private.sale_terms import LIMIT, SaleTerms
from private_exec import group
from private_exec.committee import inputs
from private_exec.committee.epoch import EpochRecord
from private_exec.pedersen import Opening
from private_exec.transcript import secret_scalar
from shielded import spec
from shielded.hidden import HiddenOpening, commitment
from shielded.private_owner import PrivateOwner
from shielded.transaction import ShieldedTx
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.curve.encoding import g1_to_bytes


def opening_of(owner: PrivateOwner, amount: int, record: EpochRecord, sale: bytes) -> Opening:
    """A bid's, or a reserve's, amount and the blinding of its commitment: derived.

    Raises:
        PrivateRefused: PV-173, an amount that no auction takes.
    """
    if not 0 <= amount <= LIMIT:
        raise PrivateRefused("PV-173", f"amounts are 0 to {LIMIT}", where="amount")
    entropy = owner.entropy((amount,), record.digest + sale)
    return Opening(amount, secret_scalar("private/blinding/sale", entropy))


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """A number shared among members, with what its two proofs are made from; prints no secret.

    Attributes:
        input: as `private_exec.committee` encodes it.
        cv: commitment on Baby Jubjub, compressed.
        rcv: its blinding.
        opening: of the input's commitment.
    """

    input: bytes
    cv: bytes
    rcv: int = field(repr=False)
    opening: Opening = field(repr=False)

    def __repr__(self) -> str:
        return "<Sealed: secret>"

    @staticmethod
    def of(
        record: EpochRecord, kind: Kind, sale: bytes, amount: int, owner: PrivateOwner
    ) -> Sealed:
        """For a sale; its input's reference is the sale's id."""
        opening = opening_of(owner, amount, record, sale)
        entropy = owner.entropy((amount,), record.digest + sale)
        shared = inputs.make(record, sale, owner.public, (opening,), entropy)
        rcv = owner.rcv(kind, amount, g1_to_bytes(shared.commitments[0]))
        cv = babyjub.encode(commitment(kind, amount, rcv))
        return Sealed(shared.to_bytes(), cv, rcv, opening)

    def proving(self, kind: Kind, reference: bytes) -> tuple[Proving, Proving]:
        """PV-173: of the amount, and of what is left to the limit."""
        return proving_within(spec.kind_point(kind).point, self.opening, self.rcv, LIMIT, reference)


def proving_within(
    base: Point, opening: Opening, rcv: int, limit: int, reference: bytes
) -> tuple[Proving, Proving]:
    """PV-173: of a number, and of what is left to its limit.

    Args:
        base: point that its cv counts in.
        opening: of its commitment.
        rcv: blinding of its cv.
        limit: the largest that it may be.
        reference: what the links are bound to.
    """
    rest = Opening(limit - opening.value, -opening.blinding % group.R)
    return (
        _proving(base, opening, rcv, reference),
        _proving(base, rest, babyjub.ORDER - rcv, reference),
    )


def _proving(base: Point, opening: Opening, rcv: int, reference: bytes) -> Proving:
    witness = TransitWitness(rcv)
    public = transit_public((base.x, base.y), opening.value, witness, 0)
    return Proving(TRANSIT, public, witness, (opening,), reference)


@dataclass(frozen=True, slots=True, repr=False)
class Bidding:
    """A bid that waits for its carried transaction and its proofs; prints no secret.

    Attributes:
        chain_id, sale: of the transaction.
        sealed: the amount.
        kind: of the sale.
    """

    chain_id: ChainId
    sale: bytes
    sealed: Sealed
    kind: Kind

    def __repr__(self) -> str:
        return f"<Bidding in {self.sale.hex()[:16]}: secret>"

    @property
    def reference(self) -> bytes:
        """What links and carried transaction are bound to."""
        return bid_reference(self.chain_id, self.sale, self.sealed.cv, self.sealed.input)

    @property
    def value(self) -> HiddenOpening:
        """What the carried transaction must move; goes into the wallet's plan."""
        amount = self.sealed.opening.value
        return HiddenOpening(self.reference, self.kind, amount, self.sealed.rcv)

    def complete(self, carried: ShieldedTx, prove: ProveLinked) -> BidTx:
        """The transaction, as it is sent."""
        sealed = self.sealed
        linked, bounded = map(prove, sealed.proving(self.kind, self.reference))
        return BidTx(self.chain_id, self.sale, sealed.cv, sealed.input, linked, bounded, carried)


def bidding(
    chain_id: ChainId,
    record: EpochRecord,
    terms: SaleTerms,
    sale: bytes,
    amount: int,
    owner: PrivateOwner,
) -> Bidding:
    """A bid.

    Args:
        chain_id: of the chain.
        record: of the epoch that the sale's terms name.
        terms: of the sale.
        sale: its id.
        amount: base units.
        owner: of the input; its context is the sale's id.

    Raises:
        PrivateRefused: PV-173.
    """
    return Bidding(chain_id, sale, Sealed.of(record, terms.kind, sale, amount, owner), terms.kind)


def offering(
    head: Head,
    record: EpochRecord,
    terms: SaleTerms,
    reserve: int,
    owner: PrivateOwner,
    prove: ProveLinked,
) -> OfferTx:
    """A sale with its reserve, not signed yet.

    Args:
        head: who pays.
        record: of the epoch that the terms name.
        terms: of the sale.
        reserve: base units, 0 to `LIMIT`; nobody but the seller ever learns it.
        owner: of the input that has it; nothing goes back to it.
        prove: makes the proofs.

    Raises:
        PrivateRefused: PV-173.
    """
    sale = sale_id(head, terms)
    sealed = Sealed.of(record, terms.kind, sale, reserve, owner)
    reference = offer_reference(sale, sealed.cv, sealed.input)
    linked, bounded = map(prove, sealed.proving(terms.kind, reference))
    return OfferTx(head, terms, sealed.cv, sealed.input, linked, bounded)
