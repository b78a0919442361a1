"""A fork as what costs stake: transactions with its double votes.  ST-20."""

from __future__ import annotations

from node.consensus.cometbft.mapping import engine_chain_id
from node.core.genesis import Genesis
from node.light.fork import Fork
from node.stake.faults import FaultKind
from node.stake.transaction import EvidenceTx


def transactions(fork: Fork, genesis: Genesis) -> tuple[EvidenceTx, ...]:
    """One for each validator who signed both blocks in one round; checked before it is returned.

    Args:
        fork: of the chain.
        genesis: of the chain.

    Raises:
        StakeRefused: ST-20, it is of another chain, or proves nothing.
    """
    found = fork.double_votes()
    for item in found:
        item.check(engine_chain_id(genesis))
    return tuple(
        EvidenceTx(genesis.chain_id, FaultKind.DUPLICATE_VOTE, item.to_bytes()) for item in found
    )
