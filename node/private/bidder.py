"""What a bidder checks before anything is sealed, so that a node can give nothing of its own.

    a sale's id, from whoever announces the sale
      ── hash of an offer's head and terms ──▶ terms ──▶ id of the committee, and the epoch
      ── from there on as a donor's (`donor`, PV-143)

A batch's id is its transaction's. Rule PV-191. What is sold is a digest in the terms: a bidder that
knows the thing compares it.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.core.block import Transaction
from node.core.ids import ChainId, EnvironmentId, tagged_hash
from node.private import payload
from node.private.batch_terms import BatchTerms
from node.private.errors import PrivateRefused
from node.private.sale_payload import BatchTx, OfferTx
from node.private.sale_terms import SaleTerms
from node.private.tags import Tag


def item_of(description: bytes) -> bytes:
    """What stands for a thing in the terms of a sale."""
    return tagged_hash("private/item", description)


def terms_of(chain_id: ChainId, identity: bytes, wires: Iterable[bytes]) -> SaleTerms:
    """PV-191: the terms of a sale, by its id alone.

    Args:
        chain_id: of the chain.
        identity: of the sale.
        wires: full bytes of transactions, among them its offer, as a node gives them.

    Raises:
        PrivateRefused: PV-191, none is the offer of this sale, on this chain.
        DecodeError: one is no transaction.
    """
    for wire in wires:
        envelope = Transaction.from_bytes(wire)
        if envelope.environment is EnvironmentId.PRIVATE and envelope.payload[:1] == bytes(
            [Tag.OFFER]
        ):
            tx = payload.decode(envelope.payload)
            if isinstance(tx, OfferTx) and (tx.sale, tx.head.chain_id) == (identity, chain_id):
                return tx.terms
    raise _foreign("sale")


def batch_terms_of(chain_id: ChainId, identity: bytes, wire: bytes) -> BatchTerms:
    """PV-191: the terms of a batch of orders, from its own transaction.

    Raises:
        PrivateRefused: PV-191, it is another, or of another chain.
        DecodeError: it is none.
    """
    envelope = Transaction.from_bytes(wire)
    if envelope.environment is EnvironmentId.PRIVATE:
        tx = payload.decode(envelope.payload)
        if isinstance(tx, BatchTx) and (tx.sale, tx.head.chain_id) == (identity, chain_id):
            return tx.terms
    raise _foreign("batch")


def _foreign(what: str) -> PrivateRefused:
    return PrivateRefused(
        "PV-191",
        f"the node does not give the terms of this {what}",
        where=what,
        why="whoever chooses the terms chooses who can read what is offered, and what it is for",
        fix="ask another node",
    )
