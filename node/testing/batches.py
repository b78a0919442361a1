"""Batches of orders on a chain made by hand: traders, and members that really compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from node.core.genesis import Allocation
from node.core.ids import NATIVE, Kind, tagged_hash
from node.private import build as building
from node.private import ordering
from node.private import sale_state as entries
from node.private.batch_terms import BatchTerms, Clearing
from node.private.gifts import OrderTx
from node.private.ordering import Ordering
from node.private.paid import WithdrawTx, sign_withdraw
from node.private.rounds import read_input
from node.private.sale_entries import Order
from node.private.sale_payload import BatchTx, sign_batch
from node.private.sale_program import Market, SaleProgram
from node.private.sale_terms import Side
from node.testing.ledger import FAUCET
from node.testing.private import assert_ok
from node.testing.sales import SaleChain
from private_exec.committee.inputs import Input
from private_exec.pedersen import Opening
from private_exec.programs import clear
from shielded.private_owner import PrivateOwner
from transparent.signature import SigningKey

BASE: Final = Kind(0, 77)
"""What is traded, for the native kind."""
BASE_UNITS: Final = 10**9
SIZES: Final = (3, 4)
"""Orders and ticks."""
LOT: Final = 2_000
LOW, RISE = 3_000, 500
"""First price, and from each to the next."""


@dataclass(frozen=True, slots=True, repr=False)
class Traded:
    """An order as its trader knows it."""

    making: Ordering
    tx: OrderTx
    input: Input
    owner: PrivateOwner
    side: Side
    limit: int
    quantity: int


class BatchChain(SaleChain):
    """With batches.

    Args:
        sizes: orders and ticks of each.
        options: of a chain with sales.
    """

    def __init__(self, *, sizes: tuple[int, int] = SIZES, **options: Any) -> None:
        self.sizes: Final = sizes
        owned = (Allocation(FAUCET.account, BASE, 64 * BASE_UNITS),)
        program = SaleProgram(Market.BATCH, sizes)
        super().__init__(program, allocations=owned, **options)

    def start(self, notes: int = 8) -> None:
        """With notes of both kinds."""
        super().start(notes)
        assert_ok(self.run(self.purse.shield_kind(BASE, 8, BASE_UNITS, FAUCET)))

    def batch_terms(self, **changes: Any) -> BatchTerms:
        h, step = self.height, self.parameters.step_heights
        bare = BatchTerms(
            self.declaration.id, 0, BASE, NATIVE, LOT, LOW, RISE, *self.sizes,
            h + 1 + 4 * step, h + 1 + 6 * step, h + 1 + 20 * step,
        )  # fmt: skip
        return dataclasses.replace(bare, **changes)

    def batch(self, terms: BatchTerms | None = None) -> BatchTx:
        """Not sent yet."""
        return sign_batch(BatchTx(self.head(), terms or self.batch_terms()), FAUCET)

    def collect(self, **changes: Any) -> bytes:
        """A batch in a block of its own; its id."""
        tx = self.batch(self.batch_terms(**changes))
        assert_ok(self.run(tx))
        return tx.sale

    def terms_of(self, identity: bytes) -> BatchTerms:
        terms = self.sale(identity).terms
        if not isinstance(terms, BatchTerms):
            raise TypeError("no batch")
        return terms

    def trade(self, identity: bytes, side: Side, limit: int, quantity: int, trader: int) -> Traded:
        """An order, not sent yet."""
        owner = PrivateOwner(tagged_hash("testing/trader", bytes([trader])), identity)
        terms, record = self.terms_of(identity), self.sale_record(identity)
        made = ordering.ordering(
            self.genesis.chain_id, record, terms, identity, side, limit, quantity, owner
        )
        tx = made.complete(self.purse.pledge(made.value), self.linked)
        return Traded(made, tx, read_input(made.said.input), owner, side, limit, quantity)

    def order(self, identity: bytes, side: Side, limit: int, quantity: int, trader: int) -> Traded:
        """An order in a block of its own."""
        traded = self.trade(identity, side, limit, quantity, trader)
        assert_ok(self.run(traded.tx))
        return traded

    def gathered(
        self, *orders: tuple[Side, int, int], **changes: Any
    ) -> tuple[bytes, list[Traded]]:
        """A batch whose orders are accepted, in its last block before a call."""
        identity = self.collect(**changes)
        traded = [self.order(identity, *one, n) for n, one in enumerate(orders)]
        assert_ok(self.run(self.admit(identity, [one.input for one in traded])))
        self.to(self.terms_of(identity).accept)
        return identity, traded

    def entry(self, traded: Traded) -> Order:
        return entries.order_of(self.state, traded.input.id)

    # --- what goes back ----------------------------------------------------------------------

    def openings(self, identity: bytes, traded: Traded) -> tuple[Opening, Opening | None]:
        """What its trader can open now: what is left of an order, and what it traded."""
        terms, own = self.terms_of(identity), traded.making.openings
        found, entry = self.sale(identity), self.entry(traded)
        outcome = found.outcome
        if not found.settled or not isinstance(outcome, Clearing) or entry.told is None:
            return own.locked(terms, traded.side), None
        if outcome.tick >= terms.ticks:
            return own.locked(terms, traded.side), None
        return own.settled(terms, traded.side, outcome, entry.told)

    def claims_of(self, identity: bytes, traded: Traded) -> list[tuple[bytes, Kind, Opening]]:
        """Id, kind and opening of all that a trader can claim now."""
        terms, side = self.terms_of(identity), traded.side
        left, got = self.openings(identity, traded)
        key = traded.input.id
        rest = [(key, terms.locks(side), left)]
        return rest if got is None else [*rest, (entries.fill_id(key), terms.gets(side), got)]

    def into_notes(self, traded: Traded, what: tuple[bytes, Kind, Opening]) -> Any:
        """A claim of one of these into notes."""
        key, kind, opening = what
        made = building.refund(self.genesis.chain_id, kind, key, opening, traded.owner)
        return made.complete(self.purse.take(made.value), self.linked)

    def into_account(
        self, traded: Traded, what: tuple[bytes, Kind, Opening], account: SigningKey
    ) -> WithdrawTx:
        """The same in the clear."""
        bare = WithdrawTx(self.head(), what[0], account.account, what[2])
        return sign_withdraw(bare, FAUCET, traded.owner)


def fills_of(
    terms: BatchTerms, orders: Sequence[tuple[Side, int, int]]
) -> tuple[int, tuple[int, ...]]:
    """Tick and fills of the same batch where everybody sees."""
    rows = [*orders, *[(Side.SELL, 0, 0)] * (terms.orders - len(orders))]
    given = {
        "buys": [int(side) for side, _, _ in rows],
        "limits": [limit for _, limit, _ in rows],
        "quantities": [quantity for _, _, quantity in rows],
    }
    found = clear.run(terms.program.traced, given)
    return found["tick"][0], found["fills"][: len(orders)]
