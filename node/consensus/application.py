"""The ledger as a state machine that an engine drives, by ABCI 2.0's calls.

Pure over (state, input): no clock, no randomness, no network; `commit` is the only call that
writes, and writes everything of a block at once. The embedded engine, CometBFT and test clusters
drive the same object. Order per height: prepare* → process* → extend → verify* → finalize* →
commit, where a starred call may come any number of times: a height may take several rounds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from node.consensus.errors import InvalidBlock
from node.core.block import Block, Receipt, tx_root
from node.core.errors import ConsensusFault, Missing, NodeError
from node.core.genesis import Genesis, Parameters
from node.core.head import APPLICATION_PREFIX, CHAIN_KEY, HEAD_KEY, ZERO_HASH, Head
from node.core.ids import ChainId, Height, StateRoot
from node.core.interfaces import (
    Admission,
    AppInfo,
    BlockExecutor,
    BlockResult,
    SealedLane,
    Staged,
    StateReader,
    Store,
)
from node.store.chain import (
    MOST_PRUNED,
    Chain,
    block_entries,
    check_retention,
    genesis_entries,
    pruned_entries,
)
from node.store.proof import EMPTY_ROOT
from node.store.versioned import CrashPoint, no_crash
from zk.errors import BackendError, ChiaroError

_log = logging.getLogger(__name__)

MISSING_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses before the bytes of a decided block are asked for once more; then the node stops."""
CRASH_POINTS: Final = (
    "init-before-commit",
    "init-after-commit",
    "finalize-begin",
    "finalize-executed",
    "prune-planned",
    "finalize-staged",
    "commit-begin",
    "store-before-write",
    "store-after-write",
    "commit-end",
    "checkpoint-before-rename",
)
"""Places inside the calls where the process may be killed; `tests/node/crash` does."""


@dataclass(frozen=True, slots=True)
class Finalized:
    """A block that has been executed and not yet committed; `writes` is what it does."""

    block: Block
    receipts: tuple[Receipt, ...]
    staged: Staged
    writes: Mapping[bytes, bytes | None]


class LedgerApplication:
    """`node.core.interfaces.Application` over an executor and a store.

    Args:
        genesis: of the chain; its id must be the store's.
        executor: runs transactions.
        store: written by `init_chain` and `commit` only, and by nobody else.
        lane: of sealed intents, if the chain has one.
        retain: SN-14, how many of the last blocks stay; 0: all.
        crash_point: see `CRASH_POINTS`.

    Raises:
        StoreError: SN-14, `retain` is fewer than the node itself looks back to.
    """

    def __init__(
        self,
        genesis: Genesis,
        executor: BlockExecutor,
        store: Store,
        *,
        lane: SealedLane | None = None,
        retain: int = 0,
        crash_point: CrashPoint = no_crash,
    ) -> None:
        check_retention(retain)
        self.genesis: Final = genesis
        self.chain_id: Final[ChainId] = genesis.chain_id
        self.chain: Final = Chain(store)
        self._executor = executor
        self._store = store
        self._lane: Final = lane
        self._retain: Final = retain
        self._crash_point = crash_point
        self._finalized: Finalized | None = None

    # --- what is on disk ---------------------------------------------------------------------

    def info(self) -> AppInfo:
        """What is on disk; a root of zeros means that genesis is not."""
        return AppInfo(self.chain_id, self._store.height, self._store.root)

    def head(self) -> Head:
        """The last block, or genesis as block 0."""
        data = self._store.reader().get(HEAD_KEY)
        if data is None:
            raise ConsensusFault("the store has no genesis", fix="call init_chain first")
        return Head.from_bytes(data)

    def init_chain(self) -> StateRoot:
        """CH-20: genesis is committed once, and only into an empty store."""
        if self._store.root != EMPTY_ROOT:
            raise ConsensusFault(
                "CH-20: the store has a genesis already",
                why="a second genesis would erase the chain",
                fix="open it and go on from its height",
            )
        writes = dict(self._checked(self._executor.genesis()))
        writes[CHAIN_KEY] = self.chain_id
        writes[HEAD_KEY] = Head(Height(0), self.genesis.time_ms, ZERO_HASH).to_bytes()
        staged = self._store.stage(Height(0), writes, genesis_entries(self.genesis.to_bytes()))
        self._crash_point("init-before-commit")
        self._store.commit(staged)
        self._crash_point("init-after-commit")
        return staged.root

    def check_head(self) -> None:
        """CH-24: execute the last block again, on the state before it, and compare.

        SN-11: a state that came as a snapshot, with no block behind it yet, was checked entry by
        entry when it came, and there is no block here to execute.

        Raises:
            ConsensusFault: the program or the machine computes something else than it did: another
                version, damaged memory or disk. Going on would fork this node from the others.
        """
        height = self._store.height
        if height < self.chain.first:  # genesis, or SN-11: a state that was checked entry by entry
            return
        block = self.chain.block(height)
        result = self._execute(block, self._store.reader(Height(height - 1)))
        writes = self._block_writes(block, result.writes)
        root = self._store.recompute(height, writes)
        outcomes = [_outcome(receipt) for receipt in result.receipts]
        before = [_outcome(receipt) for receipt in self.chain.receipts(height)]
        if root != self._store.root or outcomes != before:
            raise ConsensusFault(
                f"CH-24: block {height} gives another state than when it was committed",
                why="this node would fork from the others",
                fix="restore the version of the program that made it, or sync the chain again",
            )

    # --- mempool -----------------------------------------------------------------------------

    def check_tx(self, txs: Sequence[bytes]) -> list[Admission]:
        height = self._store.height
        return self._executor.check(txs, self._store.reader(height), Height(height + 1))

    # --- proposals ---------------------------------------------------------------------------

    def prepare_proposal(
        self,
        height: Height,
        txs: Sequence[bytes],
        max_bytes: int,
        extensions: Sequence[bytes] = (),
    ) -> tuple[bytes, ...]:
        """CH-36: what the sealed lane begins a block with comes first; then what is chosen.

        CH-43: extensions of votes that came late were verified by nobody; what the lane cannot
        read of them is left out.
        """
        head = self.head()
        if height != head.height + 1:
            raise ConsensusFault(f"asked for a proposal at {height} on top of {head.height}")
        limits = self.genesis.parameters
        room = min(max_bytes, limits.max_block_bytes)
        reader = self._store.reader()
        lead: tuple[bytes, ...] = ()
        if self._lane is not None:
            for extension in extensions:
                self._receive(self._lane, extension)
            lead, more = self._lane.lead(reader, height)
            passing = self._lane.passes
            txs = (*lead, *(txs if more else filter(passing, txs)))
        chosen = self._executor.select(txs, reader, height, room)[: limits.max_block_txs]
        if self._lane is not None and chosen[: len(lead)] != lead:
            # A batch that does not open here expires; with anything behind the gap every proposal
            # would be refused (LN-11), and the chain stand still.
            chosen = tuple(tx for tx in chosen if tx in lead)
        return chosen

    @staticmethod
    def _receive(lane: SealedLane, extension: bytes) -> None:
        try:
            lane.receive(extension)
        except (NodeError, BackendError):
            raise
        except ChiaroError as error:
            _log.warning("CH-43: extension left out: %s", error, extra={"code": error.id})

    def process_proposal(self, block: Block) -> None:
        """Rules CH-1 … CH-8, CH-36; raises InvalidBlock, which names the rule.

        Raises:
            InvalidBlock: the proposal must be refused.
            NodeError, BackendError: this machine cannot tell; no transaction is to blame.
        """
        self._check_header(block)
        check_sizes(block, self.genesis.parameters)
        lane = self._lane
        if lane is not None:  # before anything else is decoded: a reveal has a hundred points
            reader = self._store.reader()
            _refuse_by("CH-36", lambda: lane.check_lead(block.txs, reader, block.header.height))
        _refuse_by("CH-8", lambda: self._executor.check_block(block.txs, block.header.height))

    def _check_header(self, block: Block) -> None:
        check_follows(block, self.head(), self.chain_id)
        if block.header.state_root != self._store.root:
            raise InvalidBlock("CH-4", "state root is not the one after the last block")

    # --- votes -------------------------------------------------------------------------------

    def extend_vote(self, height: Height) -> bytes:
        """Shares of batches that were final before the block of `height`, which is not, yet."""
        return b"" if self._lane is None else self._lane.extend(self._store.reader(), height)

    def verify_vote_extension(
        self, height: Height, extension: bytes, validator: bytes = b""
    ) -> None:
        """CH-21: absence is no fault; bytes that the lane refuses, or without a lane, are."""
        if not extension:
            return
        lane = self._lane
        if lane is None:
            raise InvalidBlock(
                "CH-21", f"{len(extension)} bytes of vote extension", where=f"height {height}"
            )
        reader = self._store.reader()
        _refuse_by("CH-21", lambda: lane.check_extension(extension, validator, reader, height))

    # --- decided blocks ----------------------------------------------------------------------

    def finalize_block(self, block: Block) -> StateRoot:
        """Execute a decided block and keep the result in memory; again replaces it.

        Raises:
            ConsensusFault: the block does not fit what is on disk, or the executor breaks its word.
        """
        self._crash_point("finalize-begin")
        self._finalized = None
        try:
            self._check_header(block)
        except InvalidBlock as error:
            raise ConsensusFault(
                f"the engine decided a block that {error.rule} refuses: {error.message}",
                why="engine and ledger disagree about the chain",
                fix="stop; compare the height and root of `chiaro status` with other nodes",
            ) from error
        header = block.header
        result = self._execute(block, self._store.reader())
        self._check_receipts(block, result.receipts)
        self._crash_point("finalize-executed")
        writes = self._block_writes(block, result.writes)
        log = {**self._pruned(header.height), **block_entries(self._store, block, result.receipts)}
        staged = self._store.stage(header.height, writes, log)
        self._finalized = Finalized(block, result.receipts, staged, writes)
        self._crash_point("finalize-staged")
        return staged.root

    def _execute(self, block: Block, before: StateReader) -> BlockResult:
        """LN-37: bytes that others must have, since they signed for them, are asked for again."""
        header = block.header
        waits = iter(MISSING_WAITS_S)
        while True:
            try:
                return self._executor.execute(block.txs, before, header.height, header.time_ms)
            except Missing as error:
                wait_s = next(waits, None)
                if wait_s is None:
                    raise
                _log.warning("waiting for bytes of the block: %s", error, extra={"code": error.id})
                time.sleep(wait_s)

    @property
    def finalized(self) -> Finalized | None:
        """What the next `commit` writes."""
        return self._finalized

    def commit(self) -> Height:
        """CH-11, CH-22: state, block, receipts and indices in one atomic, fsynced write."""
        if self._finalized is None:
            raise ConsensusFault("commit without finalize_block")
        self._crash_point("commit-begin")
        self._store.commit(self._finalized.staged)
        height, self._finalized = self._finalized.block.header.height, None
        self._crash_point("commit-end")
        return height

    def _pruned(self, height: Height) -> dict[bytes, bytes | None]:
        """SN-14: what the write of this block removes from the log."""
        if not self._retain:
            return {}
        found = pruned_entries(self._store, height - self._retain + 1, MOST_PRUNED)
        self._crash_point("prune-planned")
        return found

    def _block_writes(
        self, block: Block, writes: Mapping[bytes, bytes | None]
    ) -> dict[bytes, bytes | None]:
        header = block.header
        head = Head(header.height, header.time_ms, header.hash)
        return {**self._checked(writes), HEAD_KEY: head.to_bytes()}

    def _checked(self, writes: Mapping[bytes, bytes | None]) -> Mapping[bytes, bytes | None]:
        """CH-25: what is under `c/` is the application's."""
        if any(key.startswith(APPLICATION_PREFIX) for key in writes):
            raise ConsensusFault("CH-25: the executor writes under c/")
        return writes

    def _check_receipts(self, block: Block, receipts: Sequence[Receipt]) -> None:
        """CH-23: one receipt per transaction, in order, of this height."""
        places = [(receipt.height, receipt.index) for receipt in receipts]
        if places != [(block.header.height, index) for index in range(len(block.txs))]:
            raise ConsensusFault("CH-23: receipts do not match the block's transactions")


def _refuse_by(rule: str, check: Callable[[], None]) -> None:
    """A check whose refusal is a proposal's under this rule.

    Raises:
        InvalidBlock: the rule; the message names the one that was broken.
        NodeError, BackendError: this machine's failure, which says nothing of the block (EX-16).
    """
    try:
        check()
    except (NodeError, BackendError):
        raise
    except ChiaroError as error:
        raise InvalidBlock(rule, f"{error.id}: {error.message}", where=error.where) from error


def check_follows(block: Block, head: Head, chain_id: ChainId) -> None:
    """CH-1 … CH-3, CH-5, CH-6: what a header owes to the one before and to its transactions.

    Raises:
        InvalidBlock: names the rule.
    """
    header = block.header
    if header.chain_id != chain_id:
        raise InvalidBlock("CH-1", f"block of chain {header.chain_id.hex()[:16]}…")
    if header.height != head.height + 1:
        raise InvalidBlock("CH-2", f"height {header.height} after {head.height}")
    if header.previous != head.hash:
        raise InvalidBlock("CH-3", f"follows {header.previous.hex()[:16]}…, not the last block")
    if header.time_ms < head.time_ms:
        raise InvalidBlock("CH-5", f"time {header.time_ms} is before {head.time_ms}")
    if header.tx_root != tx_root(block.txs):
        raise InvalidBlock("CH-6", "transactions are not those of the header")


def check_sizes(block: Block, limits: Parameters) -> None:
    """CH-7: within the chain's caps.

    Raises:
        InvalidBlock: CH-7.
    """
    if len(block.txs) > limits.max_block_txs:
        raise InvalidBlock("CH-7", f"{len(block.txs)} transactions > {limits.max_block_txs}")
    if (size := sum(map(len, block.txs))) > limits.max_block_bytes:
        raise InvalidBlock("CH-7", f"{size} bytes > {limits.max_block_bytes}")
    for index, tx in enumerate(block.txs):
        if len(tx) > limits.max_tx_bytes:
            raise InvalidBlock(
                "CH-7",
                f"{len(tx)} bytes > {limits.max_tx_bytes}",
                where=f"transaction {index}",
            )


def _outcome(receipt: Receipt) -> tuple[bytes, bytes, str, int]:
    """The part of a receipt that must not differ; wording and events may, between versions."""
    return receipt.wire_id, receipt.tx_id, receipt.code, receipt.fee
