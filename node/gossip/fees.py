"""What the sender of an intent offers to those who carry, order or settle it. Rules GO-8 … GO-11.

Three models:

    settlement   paid if, and only if, the intent is settled: hops take cuts, the solver the rest
    ordering     paid for a place in a data availability domain, by a transaction of its own
    none         the counterparty settles in its own interest

What is checked here needs no state. That a payment exists, pays enough and pays only once is
checked where the state is: by the domain that orders, or in the settlement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.amounts import MAX_AMOUNT
from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, EnvironmentId, TxId
from node.gossip.errors import InvalidMessage

PAYING: Final = (EnvironmentId.TRANSPARENT, EnvironmentId.SHIELDED)
"""Environments whose transactions may pay for ordering: a debited account, or a balanced action."""


class FeeModel(IntEnum):
    """The tag on the wire."""

    NONE = 0
    SETTLEMENT = 1
    ORDERING = 2


@dataclass(frozen=True, slots=True)
class NoFee:
    """Nothing is offered."""

    @property
    def for_hops(self) -> int:
        return 0

    @property
    def worth(self) -> int:
        return 0

    def write(self, writer: Writer) -> None:
        writer.u8(FeeModel.NONE)


@dataclass(frozen=True, slots=True)
class SettlementFee:
    """Paid by the settlement that the intent ends in, and only then.

    Attributes:
        amount: base units of the native kind, 1 to 2⁶⁴ − 1.
        reserved: of these, what no hop may take: it is left for the solver.
    """

    amount: int
    reserved: int = 0

    def __post_init__(self) -> None:
        """GO-9."""
        if not 1 <= self.amount <= MAX_AMOUNT:
            raise InvalidMessage("GO-9", f"an offer of {self.amount} is outside [1, 2^64)")
        if not 0 <= self.reserved <= self.amount:
            raise InvalidMessage("GO-9", f"{self.reserved} of an offer of {self.amount} reserved")

    @property
    def for_hops(self) -> int:
        """What all hops together may take."""
        return self.amount - self.reserved

    @property
    def worth(self) -> int:
        return self.amount

    def write(self, writer: Writer) -> None:
        writer.u8(FeeModel.SETTLEMENT).u64(self.amount).u64(self.reserved)


@dataclass(frozen=True, slots=True)
class OrderingFee:
    """Paid for a place in a domain's order, whatever becomes of the intent.

    Attributes:
        domain: id of the data availability domain, 32 bytes.
        amount: base units of the native kind that the payment gives, 1 to 2⁶⁴ − 1.
        environment: where the paying transaction stands: of an account, or a shielded one.
        payment: id of that transaction, which is balanced and authorised by its own rules.
    """

    domain: bytes
    amount: int
    environment: EnvironmentId
    payment: TxId

    def __post_init__(self) -> None:
        """GO-11: as much as can be seen without state."""
        if len(self.domain) != ID_BYTES or len(self.payment) != ID_BYTES:
            raise InvalidMessage("GO-11", "a domain or payment is not 32 bytes", where="fee")
        if not any(self.domain) or not any(self.payment):
            raise InvalidMessage("GO-11", "no domain or no payment is named", where="fee")
        if self.environment not in PAYING:
            raise InvalidMessage("GO-11", f"{self.environment} pays no ordering fees", where="fee")
        if not 1 <= self.amount <= MAX_AMOUNT:
            raise InvalidMessage("GO-11", f"a fee of {self.amount} is outside [1, 2^64)")

    @property
    def for_hops(self) -> int:
        return 0

    @property
    def worth(self) -> int:
        return self.amount

    def write(self, writer: Writer) -> None:
        writer.u8(FeeModel.ORDERING).raw(self.domain, ID_BYTES).u64(self.amount)
        writer.u8(self.environment).raw(self.payment, ID_BYTES)


Fee = NoFee | SettlementFee | OrderingFee


def read_fee(reader: Reader) -> Fee:
    """The fee that follows.

    Raises:
        InvalidMessage: GO-1 an unknown model; GO-9, GO-11 its values.
        WrongLength: too short.
    """
    model = reader.u8()
    if model == FeeModel.NONE:
        return NoFee()
    if model == FeeModel.SETTLEMENT:
        return SettlementFee(reader.u64(), reader.u64())
    if model != FeeModel.ORDERING:
        raise InvalidMessage("GO-1", f"no fee model has the number {model}", where="fee")
    domain, amount, tag = reader.take(ID_BYTES), reader.u64(), reader.u8()
    payment = TxId(reader.take(ID_BYTES))
    if tag not in PAYING:
        raise InvalidMessage("GO-11", f"environment {tag} pays no ordering fees", where="fee")
    return OrderingFee(domain, amount, EnvironmentId(tag), payment)


def check_cuts(fee: Fee, cuts: Sequence[int]) -> None:
    """GO-8: unsigned, so that the running total never falls; and never above what is for hops."""
    if any(not 0 <= cut <= MAX_AMOUNT for cut in cuts):
        raise InvalidMessage("GO-8", "a cut is outside [0, 2^64)", where="hops")
    if sum(cuts) > fee.for_hops:
        raise InvalidMessage(
            "GO-8", f"hops take {sum(cuts)}, and {fee.for_hops} is offered to them", where="hops"
        )


@dataclass(frozen=True, slots=True)
class Payout:
    """Who gets how much of a settlement fee; the sum is what was paid."""

    hops: tuple[int, ...]
    solver: int


def split(fee: SettlementFee, cuts: Sequence[int], paid: int | None = None) -> Payout:
    """GO-10: divide what a settlement pays between the hops and its solver, exactly.

    Each hop gets its cut; of a partial settlement, ⌊cut · paid / amount⌋. The solver gets all that
    remains, so nothing is lost in rounding and no hop gains by it.

    Args:
        fee: the offer.
        cuts: `fee_taken` of each hop, in order.
        paid: base units that the settlement pays, at most the offer; None: all of it.

    Raises:
        InvalidMessage: GO-8 the cuts; GO-10 more or less is paid than can be.
    """
    check_cuts(fee, cuts)
    paid = fee.amount if paid is None else paid
    if not 0 <= paid <= fee.amount:
        raise InvalidMessage("GO-10", f"{paid} paid of an offer of {fee.amount}")
    hops = tuple(cut * paid // fee.amount for cut in cuts)
    return Payout(hops, paid - sum(hops))
