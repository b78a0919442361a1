"""A fork as what costs stake: double votes in the form in which a chain takes them.  ST-20."""

from __future__ import annotations

from node.consensus.cometbft import mapping
from node.consensus.cometbft.duplicate import DuplicateVote
from node.core.ids import ChainId
from node.light.fork import DoubleVote, Fork
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
        evidence.check(mapping.engine_name(chain_id))
        found.append(EvidenceTx(chain_id, FaultKind.DUPLICATE_VOTE, evidence.to_bytes()))
    return tuple(found)


def _duplicate(item: DoubleVote) -> DuplicateVote:
    return DuplicateVote.of(item.key, item.first, item.second)
