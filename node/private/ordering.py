"""What traders make of a batch, and find in it, from secrets that their words give back.

    limit, quantity, owner  →  input, two cv, hidden value for the wallet's plan
    + carried               →  four proofs                                        → OrderTx
    what was opened         →  the fill, and openings of what can be claimed

What is locked is a public multiple of the quantity (PV-201), so its cv counts in that multiple of
the kind's point, and no circuit is new.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from node.core.ids import ChainId
from node.private.batch_terms import BatchTerms, Clearing
from node.private.bidding import proving_within
from node.private.build import ProveLinked, Proving
from node.private.errors import PrivateRefused
from node.private.gifts import Ordered, OrderTx
from node.private.sale_terms import LIMIT, Side
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
from zk.curve.encoding import g1_to_bytes


@dataclass(frozen=True, slots=True, repr=False)
class OrderOpenings:
    """Of the commitments of an order; prints nothing.

    Attributes:
        limit: tick, and blinding.
        quantity: in lots, and blinding.
        pad: random, and random.
    """

    limit: Opening
    quantity: Opening
    pad: Opening

    def __repr__(self) -> str:
        return "<OrderOpenings: secret>"

    @staticmethod
    def of(
        owner: PrivateOwner, limit: int, quantity: int, record: EpochRecord, sale: bytes
    ) -> OrderOpenings:
        """Derived; the same again from the same words."""
        entropy = owner.entropy((limit, quantity), record.digest + sale)

        def drawn(what: str) -> int:
            return secret_scalar(f"private/order/{what}", entropy)

        return OrderOpenings(
            Opening(limit, drawn("limit")),
            Opening(quantity, drawn("quantity")),
            Opening(drawn("pad"), drawn("pad blinding")),
        )

    @property
    def values(self) -> tuple[Opening, Opening, Opening]:
        """In the order of the input."""
        return self.limit, self.quantity, self.pad

    def locked(self, terms: BatchTerms, side: Side) -> Opening:
        """Of what was locked, in base units: all of it goes back where nothing came of it."""
        return _times(terms.unit(side), self.quantity)

    def settled(
        self, terms: BatchTerms, side: Side, outcome: Clearing, told: Opening
    ) -> tuple[Opening, Opening]:
        """PV-206: of what is left of that, and of what was traded, in base units.

        Args:
            terms: of the batch.
            side: of the order.
            outcome: at which something was traded.
            told: what was opened of its fill.
        """
        fill = _less(told, self.pad)
        bought, paid = _times(terms.lot, fill), _times(terms.price(outcome.tick), fill)
        gets, gives = (bought, paid) if side is Side.BUY else (paid, bought)
        return _less(self.locked(terms, side), gives), gets


def _times(factor: int, opening: Opening) -> Opening:
    return Opening(factor * opening.value % group.R, factor * opening.blinding % group.R)


def _less(a: Opening, b: Opening) -> Opening:
    return Opening((a.value - b.value) % group.R, (a.blinding - b.blinding) % group.R)


@dataclass(frozen=True, slots=True, repr=False)
class Ordering:
    """An order that waits for its carried transaction and its proofs; prints no secret.

    Attributes:
        said: what it says.
        openings: of its input.
        value: what the carried transaction must move; goes into the wallet's plan.
        limit_rcv: blinding of the limit's cv.
    """

    said: Ordered
    openings: OrderOpenings
    value: HiddenOpening
    limit_rcv: int = field(repr=False)

    def __repr__(self) -> str:
        return f"<Ordering in {self.said.sale.hex()[:16]}: secret>"

    def proving(self) -> tuple[Proving, ...]:
        """PV-202: of the limit, and of the quantity, and of what is left of both."""
        base, said = spec.kind_point(self.value.kind).point, self.said
        unit = babyjub.multiply(said.unit, base)
        limit, quantity = self.openings.limit, self.openings.quantity
        reference = said.reference
        return (
            *proving_within(base, limit, self.limit_rcv, said.ticks - 1, reference),
            *proving_within(unit, quantity, self.value.rcv, LIMIT, reference),
        )

    def complete(self, carried: ShieldedTx, prove: ProveLinked) -> OrderTx:
        """The transaction, as it is sent."""
        return OrderTx(self.said, tuple(map(prove, self.proving())), carried)


def ordering(
    chain_id: ChainId,
    record: EpochRecord,
    terms: BatchTerms,
    sale: bytes,
    side: Side,
    limit: int,
    quantity: int,
    owner: PrivateOwner,
) -> Ordering:
    """An order.

    Args:
        chain_id: of the chain.
        record: of the epoch that the batch's terms name.
        terms: of the batch.
        sale: its id.
        side: whether it buys.
        limit: tick at which it trades, or better.
        quantity: in lots.
        owner: of the input; its context is the batch's id.

    Raises:
        PrivateRefused: PV-202, a limit or quantity that no batch takes.
    """
    if not (0 <= limit < terms.ticks and 0 <= quantity <= LIMIT):
        raise PrivateRefused(
            "PV-202", f"limits are below {terms.ticks}, quantities 0 to {LIMIT}", where="order"
        )
    openings = OrderOpenings.of(owner, limit, quantity, record, sale)
    entropy = owner.entropy((limit, quantity), record.digest + sale)
    shared = inputs.make(record, sale, owner.public, openings.values, entropy)
    kind, unit, about = terms.locks(side), terms.unit(side), g1_to_bytes(shared.commitments[1])
    rcv = owner.rcv(kind, unit * quantity, about)
    limit_rcv = owner.rcv(kind, limit, g1_to_bytes(shared.commitments[0]))
    limit_cv = babyjub.encode(commitment(kind, limit, limit_rcv))
    cv = babyjub.encode(commitment(kind, unit * quantity, rcv))
    said = Ordered(chain_id, sale, unit, terms.ticks, limit_cv, cv, shared.to_bytes())
    value = HiddenOpening(said.reference, kind, unit * quantity, rcv)
    return Ordering(said, openings, value, limit_rcv)
