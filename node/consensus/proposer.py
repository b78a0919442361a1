"""A validator's own proposal: prepared, then judged as any other validator would judge it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.consensus.errors import InvalidBlock
from node.core.block import Block, Header, tx_root
from node.core.errors import ConsensusFault
from node.core.ids import Height
from node.core.interfaces import AppInfo, Application, TransactionSource
from node.store.chain import Chain
from node.store.versioned import CrashPoint, no_crash


def next_block(info: AppInfo, chain: Chain, time_ms: int, txs: tuple[bytes, ...]) -> Block:
    """The block behind the last one: nothing but its time and its transactions is free to choose.

    Args:
        info: what the application has on disk.
        chain: the same, for the last header's hash.
        time_ms: of the block.
        txs: of the block.
    """
    previous = chain.head(info.height).hash if info.height else bytes(32)
    header = Header(
        chain_id=info.chain_id,
        height=Height(info.height + 1),
        time_ms=time_ms,
        previous=previous,
        state_root=info.state_root,
        tx_root=tx_root(txs),
    )
    return Block(header, txs)


class Proposer:
    """Makes proposals that this node's own application accepts.

    Args:
        app: the state machine.
        chain: what `app` has committed, for the header to follow.
        source: the mempool; it is told of transactions that spoil a block.
        crash_point: `engine-prepared`, between the two halves.
    """

    def __init__(
        self,
        app: Application,
        chain: Chain,
        source: TransactionSource,
        *,
        crash_point: CrashPoint = no_crash,
    ) -> None:
        self._app: Final = app
        self._chain: Final = chain
        self._source: Final = source
        self._crash_point: Final = crash_point

    def propose(
        self,
        info: AppInfo,
        time_ms: int,
        candidates: Sequence[bytes],
        room: int,
        extensions: Sequence[bytes] = (),
    ) -> Block:
        """Prepare, and process our own proposal as any other validator would.

        What makes our own proposal invalid is taken out of the mempool, and the rest proposed: one
        transaction must not stop the chain.

        Args:
            info: what the application has on disk.
            time_ms: of the block.
            candidates: transactions, best first.
            room: bytes of transactions in the block.
            extensions: of the votes for the last block.

        Raises:
            ConsensusFault: not even a block without them passes.
        """
        height = Height(info.height + 1)
        txs = self._app.prepare_proposal(height, candidates, room, extensions)
        block = next_block(info, self._chain, time_ms, txs)
        self._crash_point("engine-prepared")
        try:
            self._app.process_proposal(block)
        except InvalidBlock as error:
            if not txs:
                raise ConsensusFault(f"our own empty block is refused: {error.message}") from error
            good = self._without_offenders(info, time_ms, txs, room, error)
            block = next_block(info, self._chain, time_ms, good)
        return block

    def _without_offenders(
        self,
        info: AppInfo,
        time_ms: int,
        txs: Sequence[bytes],
        room: int,
        error: InvalidBlock,
    ) -> tuple[bytes, ...]:
        """Those that pass alone behind what the block has to begin with; else only that."""
        lead = self._app.prepare_proposal(Height(info.height + 1), (), room)
        if not self._passes(info, time_ms, lead):
            raise ConsensusFault(f"our own empty block is refused: {error.message}") from error
        others = (tx for tx in txs if tx not in lead)
        good = (*lead, *(tx for tx in others if self._passes(info, time_ms, (*lead, tx))))
        if not self._passes(info, time_ms, good):
            good = lead
        self._source.discard([tx for tx in txs if tx not in set(good)], error)
        return good

    def _passes(self, info: AppInfo, time_ms: int, txs: tuple[bytes, ...]) -> bool:
        try:
            self._app.process_proposal(next_block(info, self._chain, time_ms, txs))
        except InvalidBlock:
            return False
        return True
