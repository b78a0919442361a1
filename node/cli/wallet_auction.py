"""Bids in sealed-bid auctions, and their way back, from a wallet's notes.

As donations are (`wallet_private`): plain functions, the operation on the disk before anything is
sent, and what a claim needs found again from the wallet's words and the chain alone. Also what a
seller's account offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import private_trust, wallet_carry, wallet_private
from node.cli.wallet_private import Provers
from node.core.errors import PolicyRefused
from node.core.ids import ChainId

if TYPE_CHECKING:
    from node.cli.wallet_db import Operation
    from node.cli.wallets import Secrets, Wallet
    from node.private.bidding import Bidding
    from node.private.build import ProveLinked
    from node.private.paid import Head
    from node.private.sale_payload import OfferTx
    from node.private.sale_terms import SaleTerms
    from node.rpc.client import NodeClient
    from node.rpc.sale_schema import BidView, SaleView
    from node.rpc.schema import Status
    from private_exec.committee.epoch import EpochRecord
    from private_exec.pedersen import Opening
    from shielded.private_owner import PrivateOwner

BID: Final = "bid"
LINKS: Final = 2
"""Linked proofs of a bid, and of a reserve (PV-171, PV-173)."""


class NoBidBack(PolicyRefused):
    """No bid of this wallet goes back now."""

    code = "WOP-034"
    exit_code = 1
    why = "a bid goes back if it was refused, if its sale failed, or once the sale is settled"
    fix = "`chiaro private auction show SALE` says how far the sale is"


class BidAlready(PolicyRefused):
    """This wallet has a bid in the sale."""

    code = "WOP-035"
    why = "a bid cannot be raised; the price is the second highest, so two bids of one bidder can \
set the price to its own lower one"
    fix = "say `--again` if that is what you want"


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What a bidder agreed to.

    Attributes:
        sale: its id, as it was given: terms and keys follow from it (PV-191, PV-143).
        terms: of the sale.
        amount: base units.
        fee: base units of the native kind.
        again: beside other bids of this wallet.
    """

    sale: bytes
    terms: SaleTerms
    amount: int
    fee: int
    again: bool = False

    def __repr__(self) -> str:
        return "<Asked: hidden>"


def chain_of(status: Status) -> ChainId:
    """The chain that a node serves."""
    from node.rpc.text import bytes_of

    return ChainId(bytes_of(status.chain_id, 32))


# --- selling -------------------------------------------------------------------------------------


def offer_fee(status: Status) -> int:
    """What a node takes for an offer: its two proofs, or its bytes."""
    return wallet_carry.least_fee(status, 0, LINKS)


def offer(
    client: NodeClient,
    head: Head,
    terms: SaleTerms,
    reserve: int,
    secrets: Secrets,
    prove: ProveLinked,
) -> OfferTx:
    """An offer, signed by the wallet's account.

    Raises:
        PrivateRefused: PV-173, a reserve beyond what the program takes; PV-143, keys that the
            committee's members did not sign for.
    """
    from node.private.bidding import offering
    from node.private.sale_payload import sale_id, sign_offer
    from shielded.private_owner import PrivateOwner

    record = private_trust.trusted_keys(client, terms.committee, terms.epoch)
    owner = PrivateOwner.of(secrets.spending, sale_id(head, terms))
    return sign_offer(offering(head, record, terms, reserve, owner, prove), secrets.signing)


# --- bidding -------------------------------------------------------------------------------------


def bid(
    wallet: Wallet, client: NodeClient, asked: Asked, secrets: Secrets, prove: Provers
) -> Operation:
    """Draft on disk, prove, bytes on disk, submit. Returns the submitted operation.

    Raises:
        BidAlready: in this sale.
        PrivateRefused: PV-143, the node gives other keys than the sale's id stands for; PV-173.
        InvalidTransaction, PolicyRefused: the node refuses it; the operation is `rejected`.
        Unreachable: it stays `proved`; `tx submit` sends it later.
    """
    from node.private.bidding import bidding
    from node.rpc.text import bytes_of
    from shielded.private_owner import next_owner, own

    status, sale = client.status(), asked.sale
    owners = [bytes_of(item.owner, 32) for item in client.private_bids(sale).bids]
    if own(secrets.spending, sale, owners) and not asked.again:
        raise BidAlready("this wallet has a bid in this sale", where="0x" + sale.hex())
    made: Bidding = bidding(
        chain_of(status),
        private_trust.trusted_keys(client, asked.terms.committee, asked.terms.epoch),
        asked.terms,
        sale,
        asked.amount,
        next_owner(secrets.spending, sale, owners),
    )
    return wallet_carry.put_in(
        wallet, client, status, BID, sale, made, asked.fee, "", secrets, prove
    )


# --- taking back ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Returning:
    """A bid of this wallet that goes back; `paid`: less this price, which it won for."""

    view: BidView
    owner: PrivateOwner
    opening: Opening
    paid: int | None

    def __repr__(self) -> str:
        return f"<Returning {self.view.id[:18]}: hidden>"


def returning(
    wallet: Wallet, client: NodeClient, sale: bytes, terms: SaleTerms, secrets: Secrets
) -> list[Returning]:
    """This wallet's bids in a sale that go back now, with what opens them.

    Amounts are those that the wallet's own history has of what it put into the private pool; the
    commitment on the chain says which one it was, and whether the price was taken from it.

    Raises:
        NoBidBack: there is none.
    """
    mine = wallet_private.owned(secrets, sale, client.private_bids(sale).bids)
    view = client.private_sale(sale)
    record = private_trust.record_at(client, terms.committee, terms.epoch)
    back, spent, closed = [], 0, ""
    for owner, item in mine:
        if not item.returns:
            continue
        one = _opened(wallet, record, view, item, owner)
        if one is None:
            closed = item.id
        elif one.opening.value:
            back.append(one)
        else:
            spent += 1
    if not back and spent:
        raise wallet_private.nothing_back(
            NoBidBack, "bid", "in the sale", mine, also="; the price took all of it"
        )
    if not back:
        raise wallet_private.nothing_back(NoBidBack, "bid", "in the sale", mine, closed)
    return back


def _opened(
    wallet: Wallet, record: EpochRecord, sale: SaleView, item: BidView, owner: PrivateOwner
) -> Returning | None:
    """None: this wallet did not make it, or has forgotten what it bid."""
    from node.private.bidding import opening_of
    from node.private.sale_terms import LIMIT
    from node.rpc.text import bytes_of
    from private_exec.pedersen import Opening
    from shielded.history import Direction
    from zk.curve.encoding import g1_to_bytes

    identity, wanted = bytes_of(sale.id, 32), bytes_of(item.amount, 32)
    won = sale.status == "settled" and sale.winner == item.number and sale.price is not None
    price = int(sale.price) if won and sale.price is not None else 0
    history = wallet.state.history
    for amount in sorted({e.quantity for e in history if e.direction is Direction.PLEDGED}):
        if price <= amount <= LIMIT:
            whole = opening_of(owner, amount, record, identity)
            left = Opening(amount - price, whole.blinding)
            if g1_to_bytes(left.commitment) == wanted:
                return Returning(item, owner, left, price if won else None)
    return None


def claim(
    wallet: Wallet,
    client: NodeClient,
    sale: bytes,
    terms: SaleTerms,
    item: Returning,
    secrets: Secrets,
    prove: Provers,
) -> Operation:
    """Take one bid back into a note of this wallet, less what was paid; otherwise as `bid`."""
    from node.rpc.text import bytes_of

    name, memo = bytes_of(item.view.id, 32), f"bid {item.view.id}"
    return wallet_carry.take_back(
        wallet, client, sale, terms.kind, name, item.opening, item.owner, memo, secrets, prove
    )
