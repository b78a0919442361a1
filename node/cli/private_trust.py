"""Rounds, sales and committees' keys as may be believed, whatever a node says.

Rules PV-142, PV-143, PV-191, PV-233; what is compared is in `node.private.donor` and `bidder`, here
it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from node.core.ids import ChainId
    from node.private.batch_terms import BatchTerms
    from node.private.sale_terms import SaleTerms
    from node.private.terms import Terms
    from node.rpc.client import NodeClient
    from private_exec.committee.epoch import EpochRecord
    from private_exec.committee.notice import Notice

_MOST_WORDS: Final = 1 << 12
"""Messages of a ceremony that are asked for; one of thirteen members has a few dozen."""


def terms_of(client: NodeClient, chain_id: ChainId, identity: bytes) -> Terms:
    """Terms of a round, from its own transaction.

    Raises:
        NotFound: the node has no such transaction.
        PrivateRefused: PV-142, it gives another.
    """
    from node.core.errors import NotFound
    from node.private import donor
    from node.rpc.text import bytes_of

    view = client.transaction(identity)
    if view.tx is None:
        raise NotFound("the node does not have the round's transaction", where="round")
    return donor.terms_of(chain_id, identity, bytes_of(view.tx))


def sale_terms_of(client: NodeClient, chain_id: ChainId, identity: bytes) -> SaleTerms:
    """Terms of a sale, from its offer, which is in the block that has its id as a nullifier.

    Raises:
        NotFound: the node knows of no such sale, or keeps its block no more.
        PrivateRefused: PV-191, it gives another.
    """
    from node.core.errors import NotFound
    from node.private import bidder
    from node.rpc.text import bytes_of

    height = client.nullifier(identity, "private").height
    if height is None:
        raise NotFound("the node knows of no such sale", where="sale")
    return bidder.terms_of(chain_id, identity, map(bytes_of, client.block(height).txs))


def batch_terms_of(client: NodeClient, chain_id: ChainId, identity: bytes) -> BatchTerms:
    """Terms of a batch of orders, from its own transaction.

    Raises:
        NotFound: the node has no such transaction.
        PrivateRefused: PV-191, it gives another.
    """
    from node.core.errors import NotFound
    from node.private import bidder
    from node.rpc.text import bytes_of

    view = client.transaction(identity)
    if view.tx is None:
        raise NotFound("the node does not have the batch's transaction", where="batch")
    return bidder.batch_terms_of(chain_id, identity, bytes_of(view.tx))


def kept_terms_of(client: NodeClient, identity: bytes) -> Terms:
    """PV-233: terms of a round for who takes back: from the state, which every node keeps.

    Raises:
        NotFound: the node knows of no such round.
    """
    from node.private.state import Round, round_key

    return Round.from_bytes(_kept(client, round_key(identity), "round")).terms


def kept_sale_terms_of(client: NodeClient, identity: bytes) -> SaleTerms:
    """The same of an auction."""
    from node.core.errors import NotFound
    from node.private.sale_state import Sale, sale_key
    from node.private.sale_terms import SaleTerms

    terms = Sale.from_bytes(_kept(client, sale_key(identity), "sale")).terms
    if not isinstance(terms, SaleTerms):
        raise NotFound("the node knows of no such auction", where="sale")
    return terms


def kept_batch_terms_of(client: NodeClient, identity: bytes) -> BatchTerms:
    """The same of a batch of orders."""
    from node.core.errors import NotFound
    from node.private.batch_terms import BatchTerms
    from node.private.sale_state import Sale, sale_key

    terms = Sale.from_bytes(_kept(client, sale_key(identity), "batch")).terms
    if not isinstance(terms, BatchTerms):
        raise NotFound("the node knows of no such batch", where="batch")
    return terms


def _kept(client: NodeClient, key: bytes, what: str) -> bytes:
    from node.core.errors import NotFound
    from node.rpc.text import bytes_of

    found = client.state(key).value
    if found is None:
        raise NotFound(f"the node knows of no such {what}", where=what)
    return bytes_of(found)


def record_of(client: NodeClient, terms: Terms) -> EpochRecord:
    """Keys of the epoch that a round is under, whichever the committee has now.

    Good for what a wallet did under them: whoever shall seal to them asks `trusted_record`.

    Raises:
        NotFound: the node has no such epoch.
    """
    return record_at(client, terms.committee, terms.epoch)


def record_at(client: NodeClient, committee: bytes, epoch: int) -> EpochRecord:
    """The same of any committee and epoch. Raises NotFound."""
    from node.core.errors import NotFound
    from node.private.committees import Epoch, epoch_key
    from node.rpc.text import bytes_of

    found = client.state(epoch_key(committee, epoch)).value
    if found is None:
        raise NotFound(f"the committee has no keys of epoch {epoch}", where="committee")
    return Epoch.from_bytes(bytes_of(found)).record


def trusted_record(client: NodeClient, terms: Terms) -> EpochRecord:
    """The same, each key of which its member signed for.

    Raises:
        NotFound: as `record_of`.
        PrivateRefused: PV-143.
        CommitteeRefused: PV-31, a signature or proof that does not hold.
    """
    from node.private import donor

    record = record_of(client, terms)
    donor.check_record(terms, record, _notices(client, terms.committee, record))
    return record


def trusted_keys(client: NodeClient, committee: bytes, epoch: int) -> EpochRecord:
    """Keys of a committee that is known by its id, each of which its member signed for.

    Raises:
        NotFound: as `record_at`.
        PrivateRefused: PV-143.
        CommitteeRefused: PV-31, a signature or proof that does not hold.
    """
    from node.private import donor

    record = record_at(client, committee, epoch)
    donor.check_keys((committee, epoch), record, _notices(client, committee, record))
    return record


def _notices(client: NodeClient, committee: bytes, record: EpochRecord) -> Iterator[Notice]:
    """Of the record's attempt, until each key has one."""
    from node.private.committees import Word, read, word_key
    from node.private.messages import Step
    from node.rpc.text import bytes_of
    from private_exec.committee.notice import Notice

    missing = set(record.keys)
    for number in range(_MOST_WORDS):
        if not missing:
            return
        place = word_key(committee, record.epoch, record.context.attempt, number)
        found = client.state(place).value
        if found is None:
            return
        word = Word.from_bytes(bytes_of(found))
        said = read(word.step, word.message) if word.step is Step.NOTICE else None
        if isinstance(said, Notice):
            missing.discard(said.member)
            yield said
