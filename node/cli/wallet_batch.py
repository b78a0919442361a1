"""Orders in batches, and what comes of them, from a wallet's notes: as bids are (`wallet_auction`).

What an order traded, and what is left of what it locked, are two claims. Both are found again from
the wallet's words and the chain: its history says how much was locked, the chain by which order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import private_trust, wallet_carry, wallet_private
from node.cli.wallet_auction import chain_of
from node.cli.wallet_private import Provers
from node.core.errors import PolicyRefused
from node.core.ids import ChainId, Kind

if TYPE_CHECKING:
    from node.cli.wallet_db import Operation
    from node.cli.wallets import Secrets, Wallet
    from node.private.batch_terms import BatchTerms
    from node.private.ordering import Ordering, OrderOpenings
    from node.private.sale_terms import Side
    from node.rpc.batch_schema import BatchView, OrderView
    from node.rpc.client import NodeClient
    from private_exec.committee.epoch import EpochRecord
    from private_exec.pedersen import Opening
    from shielded.private_owner import PrivateOwner

ORDER: Final = "order"
LINKS: Final = 4
"""Linked proofs of an order (PV-202)."""


class NothingBack(PolicyRefused):
    """Nothing of an order of this wallet can be taken now."""

    code = "WOP-036"
    exit_code = 1
    why = "an order comes back once its batch is settled, or where it was refused or failed"
    fix = "`chiaro private batch show BATCH` says how far the batch is"


class OrderAlready(PolicyRefused):
    """This wallet has an order in the batch."""

    code = "WOP-037"
    why = "an order cannot be changed, and two of one trader can trade with each other"
    fix = "say `--again` if that is what you want"


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What a trader agreed to.

    Attributes:
        batch: its id, as it was given: terms and keys follow from it (PV-191, PV-143).
        terms: of the batch.
        side: whether it buys.
        tick: of the limit.
        quantity: in lots.
        fee: base units of the native kind.
        again: beside other orders of this wallet.
    """

    batch: bytes
    terms: BatchTerms
    side: Side
    tick: int
    quantity: int
    fee: int
    again: bool = False

    def __repr__(self) -> str:
        return "<Asked: hidden>"

    @property
    def locked(self) -> int:
        """Base units that leave the wallet."""
        return self.terms.unit(self.side) * self.quantity


def order(
    wallet: Wallet, client: NodeClient, asked: Asked, secrets: Secrets, prove: Provers
) -> Operation:
    """Draft on disk, prove, bytes on disk, submit. Returns the submitted operation.

    Raises:
        OrderAlready: in this batch.
        PrivateRefused: PV-143, the node gives other keys than the batch's id stands for; PV-202.
        InvalidTransaction, PolicyRefused: the node refuses it; the operation is `rejected`.
        Unreachable: it stays `proved`; `tx submit` sends it later.
    """
    from node.rpc.text import bytes_of
    from shielded.private_owner import own

    status, batch = client.status(), asked.batch
    owners = [bytes_of(item.owner, 32) for item in client.private_orders(batch).orders]
    if own(secrets.spending, batch, owners) and not asked.again:
        raise OrderAlready("this wallet has an order in this batch", where="0x" + batch.hex())
    made = _unused(client, chain_of(status), asked, secrets, owners)
    memo = asked.side.label
    return wallet_carry.put_in(
        wallet, client, status, ORDER, batch, made, asked.fee, memo, secrets, prove
    )


def _unused(
    client: NodeClient, chain_id: ChainId, asked: Asked, secrets: Secrets, owners: list[bytes]
) -> Ordering:
    """The order under the first owner whose commitments no other input has (PV-113).

    Nothing is proved of a pad: who sees an order before its block can copy that commitment into an
    order that members then refuse. The same owner would have the same pad again.
    """
    from node.private.ordering import ordering
    from node.private.rounds import read_input
    from node.private.state import used_key
    from shielded.private_owner import next_owner

    terms, taken = asked.terms, list(owners)
    record = private_trust.trusted_keys(client, terms.committee, terms.epoch)
    while True:
        owner = next_owner(secrets.spending, asked.batch, taken)
        said = asked.side, asked.tick, asked.quantity
        made = ordering(chain_id, record, terms, asked.batch, *said, owner)
        keys = map(used_key, read_input(made.said.input).duplicate_keys)
        if all(client.state(key).value is None for key in keys):
            return made
        taken.append(owner.public)


# --- what comes of it ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Returning:
    """Something of an order of this wallet that can be taken.

    Attributes:
        what: `traded`, or `left` of what was locked.
        id: by which it is claimed.
        kind: of the amount.
        opening: of its commitment.
        owner: of the order.
    """

    what: str
    id: bytes
    kind: Kind
    opening: Opening
    owner: PrivateOwner

    def __repr__(self) -> str:
        return f"<Returning {self.what} of {self.id.hex()[:16]}: hidden>"


def returning(
    wallet: Wallet, client: NodeClient, batch: bytes, terms: BatchTerms, secrets: Secrets
) -> list[Returning]:
    """All that this wallet can take of its orders in a batch, what was traded first.

    Raises:
        NothingBack: there is nothing.
    """
    mine = wallet_private.owned(secrets, batch, client.private_orders(batch).orders)
    view = client.private_batch(batch)
    record = private_trust.record_at(client, terms.committee, terms.epoch)
    back: list[Returning] = []
    closed = ""
    for owner, item in mine:
        if item.returns or (item.fill is not None and not item.fill.claimed):
            found = _of_order(wallet, record, view, item, terms, owner)
            closed = item.id if found is None else closed
            back += found or []
    if not back:
        raise wallet_private.nothing_back(NothingBack, "order", "in the batch", mine, closed)
    return sorted(back, key=lambda one: one.what, reverse=True)


def _of_order(
    wallet: Wallet,
    record: EpochRecord,
    view: BatchView,
    item: OrderView,
    terms: BatchTerms,
    owner: PrivateOwner,
) -> list[Returning] | None:
    """What there is of one order, without what is 0; None: this wallet cannot open it."""
    from node.core.amounts import MAX_AMOUNT
    from node.private.batch_terms import Clearing
    from node.private.sale_terms import Side
    from node.rpc.text import bytes_of
    from private_exec.pedersen import Opening
    from zk.curve.encoding import g1_to_bytes

    side = Side.BUY if item.side == Side.BUY.label else Side.SELL
    wanted, identity = bytes_of(item.left, 32), bytes_of(item.id, 32)
    for own in _candidates(wallet, record, bytes_of(view.id, 32), terms, side, owner):
        left, traded = own.locked(terms, side), None
        if item.fill is not None and item.told is not None and view.tick is not None:
            told = Opening(int(item.told.value), int(item.told.blinding))
            left, traded = own.settled(terms, side, Clearing(view.tick), told)
        amounts = [left.value] if traded is None else [left.value, traded.value]
        if g1_to_bytes(left.commitment) != wanted or max(amounts) > MAX_AMOUNT:
            continue
        found = []
        if traded is not None and item.fill is not None and not item.fill.claimed:
            fill = bytes_of(item.fill.id, 32)
            found.append(Returning("traded", fill, terms.gets(side), traded, owner))
        if item.returns:
            found.append(Returning("left", identity, terms.locks(side), left, owner))
        return [one for one in found if one.opening.value]
    return None


def _candidates(
    wallet: Wallet,
    record: EpochRecord,
    batch: bytes,
    terms: BatchTerms,
    side: Side,
    owner: PrivateOwner,
) -> Iterator[OrderOpenings]:
    """Orders that this wallet may have made, by what its history says that it locked."""
    from node.private.ordering import OrderOpenings
    from node.private.sale_terms import LIMIT
    from shielded.history import Direction

    unit, history = terms.unit(side), wallet.state.history
    locked = {e.quantity for e in history if e.direction is Direction.PLEDGED}
    for quantity in sorted(amount // unit for amount in locked if amount % unit == 0):
        if quantity <= LIMIT:
            for tick in range(terms.ticks):
                yield OrderOpenings.of(owner, tick, quantity, record, batch)


def claim(
    wallet: Wallet,
    client: NodeClient,
    batch: bytes,
    item: Returning,
    secrets: Secrets,
    prove: Provers,
) -> Operation:
    """Take one thing of an order into a note of this wallet; otherwise as `order`."""
    memo = f"{item.what} 0x{item.id.hex()}"
    return wallet_carry.take_back(
        wallet, client, batch, item.kind, item.id, item.opening, item.owner, memo, secrets, prove
    )
