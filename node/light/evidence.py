"""A fork as what costs stake: double votes in the form in which a chain takes them.  ST-20."""

from __future__ import annotations

from node.consensus.cometbft.votes import Vote
from node.consensus.cometbft.wire import NS
from node.core.ids import ChainId
from node.light.fork import DoubleVote, Fork
from node.stake import votes
from node.stake.faults import FaultKind
from node.stake.transaction import EvidenceTx


def transactions(fork: Fork, chain_id: ChainId) -> tuple[EvidenceTx, ...]:
    """One for each validator who signed both blocks in one round; checked before it is returned.

    Args:
        fork: of the chain.
        chain_id: of the chain.

    Raises:
        StakeRefused: ST-20, it is of another chain, or proves nothing.
    """
    found = []
    for item in fork.double_votes():
        evidence = _duplicate(item)
        evidence.check(chain_id)
        found.append(EvidenceTx(chain_id, FaultKind.DUPLICATE_VOTE, evidence.to_bytes()))
    return tuple(found)


def _duplicate(item: DoubleVote) -> votes.DuplicateVote:
    first = item.first
    both = (_vote(item.first), _vote(item.second))
    return votes.DuplicateVote.of(item.key, first.kind, first.height, first.round, both)


def _vote(vote: Vote) -> votes.Vote:
    block = votes.BlockId(vote.block.hash, vote.block.parts, vote.block.parts_hash)
    seconds, nanos = divmod(vote.moment, NS)
    return votes.Vote(block, seconds, nanos, vote.signature)
