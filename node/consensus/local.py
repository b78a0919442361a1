"""The embedded engine: one process, one validator, the application's calls in ABCI's order.

It decides nothing that needs a protocol: with one validator a block is decided when its only voter
has it on disk. So the engine keeps no log of its own (CH-22): the application's `commit` writes
block and state in one atomic write, which *is* the decision. A crash before it leaves a height that
nobody has been told of, and the next start proposes that height again, perhaps with other
transactions; a crash after it leaves a height that is whole. There is no moment with a block but no
state for it, and a write-ahead log would only add one. Whoever submitted a transaction is told once
`commit` has returned, not before.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from node.consensus.proposer import Proposer
from node.core.block import Block, Receipt
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import StateRoot
from node.core.interfaces import AppInfo, Application, StateReader, TransactionSource
from node.stake.rosters import consensus_set
from node.store.chain import Chain
from node.store.proof import EMPTY_ROOT
from node.store.versioned import CrashPoint, no_crash

Clock = Callable[[], int]
"""Milliseconds since 1970."""

CRASH_POINTS: Final = (
    "engine-begin",
    "engine-prepared",
    "engine-processed",
    "engine-extended",
    "engine-finalized",
    "engine-committed",
    "engine-acknowledged",
)
"""Places between the calls where the process may be killed."""


@dataclass(frozen=True, slots=True)
class Produced:
    """A block that is on disk, and what came of it; `root` is the state root after it."""

    block: Block
    receipts: tuple[Receipt, ...]
    root: StateRoot


def check_alone(genesis: Genesis, state: StateReader) -> None:
    """CH-26: nobody has bonded stake enough to vote beside the one validator, or in its place.

    Args:
        genesis: of the chain.
        state: behind the last block.

    Raises:
        ConsensusFault: somebody has, and this engine runs no agreement.
    """
    if genesis.stake is None:
        return
    keys = tuple(member.key for member in consensus_set(state, genesis).members)
    if keys != genesis.validators:
        raise ConsensusFault(
            f"CH-26: the embedded engine serves the validator of genesis; {len(keys)} vote now",
            why="it runs no agreement protocol: two of it on one chain would be two chains",
            fix="use the CometBFT engine for chains with stake",
        )


def begin(app: Application) -> AppInfo:
    """Commit genesis into an empty store; else check the last block (CH-24)."""
    if app.info().state_root == EMPTY_ROOT:
        app.init_chain()
    else:
        app.check_head()
    return app.info()


class LocalEngine:
    """Makes blocks on demand or on a timer.

    Args:
        app: the state machine.
        chain: what `app` has committed, for the header to follow.
        genesis: of the chain.
        source: the mempool.
        clock: where header times come from; a block is never older than the one before.
        crash_point: see `CRASH_POINTS`.

    Raises:
        ConsensusFault: CH-26, more than one validator.
    """

    def __init__(
        self,
        app: Application,
        chain: Chain,
        genesis: Genesis,
        source: TransactionSource,
        clock: Clock,
        *,
        crash_point: CrashPoint = no_crash,
    ) -> None:
        if len(genesis.validators) > 1:
            raise ConsensusFault(
                f"CH-26: the embedded engine serves one validator, not {len(genesis.validators)}",
                why="it runs no agreement protocol: two of it on one chain would be two chains",
                fix="use the CometBFT engine for several validators",
            )
        self._app = app
        self._chain = chain
        self._genesis = genesis
        self._source = source
        self._clock = clock
        self._crash_point = crash_point
        self._proposer: Final = Proposer(app, chain, source, crash_point=crash_point)
        self._extension = b""
        self._one_at_a_time = threading.Lock()

    def start(self) -> AppInfo:
        """Commit genesis into an empty store; else check the last block (CH-24)."""
        with self._one_at_a_time:
            return begin(self._app)

    def produce_block(self) -> Produced:
        """One block of what the mempool offers, perhaps empty, decided and on disk.

        Blocking: proofs are verified and the disk is waited for. Calls exclude each other.
        """
        with self._one_at_a_time:
            self._crash_point("engine-begin")
            info = self._app.info()
            block = self._propose(info)
            self._crash_point("engine-processed")
            extension = self._app.extend_vote(block.header.height)
            validator = self._genesis.validators[0] if self._genesis.validators else b""
            self._app.verify_vote_extension(block.header.height, extension, validator)
            self._extension = extension
            self._crash_point("engine-extended")
            root = self._app.finalize_block(block)
            self._crash_point("engine-finalized")
            self._app.commit()
            self._crash_point("engine-committed")
            receipts = self._chain.receipts(block.header.height)
            self._source.committed(block, receipts)
            self._crash_point("engine-acknowledged")
            return Produced(block, receipts, root)

    async def run(self, stop: asyncio.Event, *, empty_blocks: bool = False) -> None:
        """Make a block every `block_time_ms` until `stop` is set, off the event loop.

        Without `empty_blocks` a height waits for a transaction. An error ends the loop: a node that
        cannot make or keep a block must stop and say so.
        """
        interval = max(self._genesis.parameters.block_time_ms, 1) / 1000
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not stop.is_set():
            if empty_blocks or self._source.pending(self._genesis.parameters.max_block_bytes):
                await asyncio.to_thread(self.produce_block)
            due = max(due + interval, loop.time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), due - loop.time())

    def _propose(self, info: AppInfo) -> Block:
        room = self._genesis.parameters.max_block_bytes
        extensions = (self._extension,) if self._extension else ()
        candidates = self._source.pending(room)
        return self._proposer.propose(info, self._time(info), candidates, room, extensions)

    def _time(self, info: AppInfo) -> int:
        """The clock's, or the last block's if later."""
        last = self._chain.head(info.height).time_ms if info.height else self._genesis.time_ms
        return max(self._clock(), last)
