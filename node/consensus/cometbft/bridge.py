"""ABCI's calls on the application, without I/O.  Rules CH-38, CH-39, CH-42, CH-44, CH-49.

Each method takes the part of a request that its name says and returns that part of a response.
A refusal is an answer; anything else that goes wrong is raised, and ends the node (CH-40).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from node.consensus.application import LedgerApplication
from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import mapping, snapshots
from node.consensus.cometbft.snapshots import SnapshotCalls
from node.consensus.cometbft.voters import Misbehaviour, Voters
from node.consensus.errors import InvalidBlock
from node.consensus.local import Produced
from node.consensus.proposer import Proposer, next_block
from node.core.block import Block
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import Admission, TransactionSource
from node.store.proof import EMPTY_ROOT
from node.store.versioned import VersionedStore

CODESPACE: Final = "chiaro"
ACCEPTED: Final = 0
REFUSED: Final = 1
"""Which rule refused is said in the log: codes are hashed into the engine's chain, logs are not."""
UNKNOWN: Final = 2
"""Of a query: no such path or height."""
STATE_PATH: Final = "state"
PROOF_TYPE: Final = "chiaro:state"
_MOST_MISBEHAVIOUR: Final = 256

_log = logging.getLogger(__name__)


class Pool(TransactionSource, Protocol):
    """A mempool that takes what the engine's gossip brings."""

    def take(self, txs: Sequence[bytes]) -> list[Admission]:
        """Admit many, in order; one answer each. Proofs are verified in one batch."""
        ...

    def has_pending(self, tx: bytes) -> bool:
        """Whether it still waits, by its full bytes."""
        ...


class Bridge:
    """One node's application, as CometBFT sees it.

    Calls of the consensus connection exclude each other, which the server sees to; `check` and
    `query` may be made beside them from other threads.

    Args:
        genesis: of the chain.
        app: the state machine; its store has genesis (`LedgerApplication.init_chain`).
        store: of `app`.
        pool: of the node; its transactions come first in our own proposals.
        own: this validator's consensus key; empty: it does not vote.
        decided: called when a block is on the disk, before CometBFT hears of it.
        joined: called when a CometBFT begins to speak.
        accuse: told of misbehaviour once the block that says so is on the disk.
        snapshots: what is served, and taken by a node that begins from one; None: neither.
        retain: SN-15, lowest height whose block CometBFT must keep; 0: all.
    """

    def __init__(
        self,
        genesis: Genesis,
        app: LedgerApplication,
        store: VersionedStore,
        pool: Pool,
        own: bytes = b"",
        decided: Callable[[Produced], None] = lambda _: None,
        joined: Callable[[], None] = lambda: None,
        accuse: Callable[[Misbehaviour], None] = lambda _: None,
        snapshots: SnapshotCalls | None = None,
        retain: Callable[[], int] = lambda: 0,
    ) -> None:
        self._genesis: Final = genesis
        self._app: Final = app
        self._store: Final = store
        self._pool: Final = pool
        self._own: Final = own
        self._decided: Final = decided
        self._joined: Final = joined
        self._snapshots: Final = snapshots or SnapshotCalls(genesis, store, None)
        self._retain: Final = retain
        self._proposer: Final = Proposer(app, app.chain, pool)
        self._voters: Final = Voters(genesis, store)
        self._accuse: Final = accuse
        self.misbehaviour: Final[deque[Misbehaviour]] = deque(maxlen=_MOST_MISBEHAVIOUR)

    def answer(self, kind: str, request: abci.Request) -> abci.Response:
        """The answer to any call but `check_tx`, which is answered in batches.

        Raises:
            ConsensusFault, NodeError, BackendError: this node cannot go on.
        """
        answering = self._snapshots if kind in snapshots.CALLS else self
        method: Callable[[Any], Any] = getattr(answering, kind)
        return abci.Response(**{kind: method(getattr(request, kind))})

    # QUERY

    def echo(self, request: abci.RequestEcho) -> abci.ResponseEcho:
        return abci.ResponseEcho(message=request.message)

    def info(self, request: abci.RequestInfo) -> abci.ResponseInfo:  # noqa: ARG002
        """CH-44: what is on the disk; CometBFT replays from there."""
        found = self._app.info()
        self._joined()
        return abci.ResponseInfo(
            data=found.chain_id.hex(),
            app_version=mapping.APP_VERSION,
            last_block_height=found.height,
            last_block_app_hash=found.state_root if found.height else b"",
        )

    def query(self, request: abci.RequestQuery) -> abci.ResponseQuery:
        """An entry of the state at a height, with its proof under that height's root."""
        tip = self._store.height
        height = Height(request.height or tip)
        if request.path.strip("/") != STATE_PATH:
            return _unknown(f"no path {request.path[:64]!r}; there is {STATE_PATH!r}")
        if not self._store.oldest <= height <= tip:
            return _unknown(f"heights {self._store.oldest} to {tip} can be read, not {height}")
        key = request.data
        value = self._store.reader(height).get(key)
        answer = abci.ResponseQuery(key=key, value=value or b"", height=height)
        if request.prove:
            proof = self._store.prove(key, height)
            answer.proof_ops.ops.append(abci.ProofOp(type=PROOF_TYPE, key=key, data=proof))
        return answer

    # MEMPOOL

    def check(self, requests: Sequence[abci.RequestCheckTx]) -> list[abci.ResponseCheckTx]:
        """One answer each, in order. What is seen again must only still wait.

        SN-13: a node without a state cannot tell, and takes nothing.
        """
        if self._store.empty:
            return [
                abci.ResponseCheckTx(code=REFUSED, log="no state yet", codespace=CODESPACE)
                for _ in requests
            ]
        new = [item.tx for item in requests if item.type != abci.RECHECK]
        admissions = iter(self._pool.take(new) if new else ())
        return [
            self._rechecked(item.tx) if item.type == abci.RECHECK else _admitted(next(admissions))
            for item in requests
        ]

    def _rechecked(self, tx: bytes) -> abci.ResponseCheckTx:
        if self._pool.has_pending(tx):
            return abci.ResponseCheckTx()
        return abci.ResponseCheckTx(code=REFUSED, log="waits no longer", codespace=CODESPACE)

    # CONSENSUS

    def init_chain(self, request: abci.RequestInitChain) -> abci.ResponseInitChain:
        """CH-38. Genesis is on the disk; CometBFT asks again after a crash before its block 1."""
        mapping.check_init(request, self._genesis)
        found = self._app.info()
        if found.state_root == EMPTY_ROOT or found.height:
            raise ConsensusFault(
                f"CH-38: the engine begins at genesis, the ledger is at {found.height}",
                why="the engine's folder was lost or replaced",
                fix="restore the engine's folder, or begin with an empty one on both sides",
            )
        return abci.ResponseInitChain(app_hash=found.state_root)

    def prepare_proposal(
        self, request: abci.RequestPrepareProposal
    ) -> abci.ResponsePrepareProposal:
        """Our mempool's transactions by its order, then what only CometBFT's has."""
        self._expect(request.height, "prepare_proposal")
        room = mapping.room(self._genesis, request.max_tx_bytes)
        candidates = tuple(dict.fromkeys((*self._pool.pending(room), *request.txs)))
        votes = request.local_last_commit.votes
        extensions = [vote.vote_extension for vote in votes if vote.vote_extension]
        block = self._proposer.propose(
            self._app.info(), mapping.time_ms(request.time), candidates, room, extensions
        )
        return abci.ResponsePrepareProposal(txs=block.txs)

    def process_proposal(
        self, request: abci.RequestProcessProposal
    ) -> abci.ResponseProcessProposal:
        status = abci.ResponseProcessProposal.ProposalStatus
        self._expect(request.height, "process_proposal")
        try:
            self._app.process_proposal(self._block(request.time, request.txs))
        except InvalidBlock as error:
            _log.warning(
                "proposal of %s at %d refused: %s",
                request.proposer_address.hex(),
                request.height,
                error,
                extra={"code": error.id, "height": request.height},
            )
            return abci.ResponseProcessProposal(status=status.REJECT)
        return abci.ResponseProcessProposal(status=status.ACCEPT)

    def extend_vote(self, request: abci.RequestExtendVote) -> abci.ResponseExtendVote:
        """CH-42: an extension that we would refuse ourselves would stop the network; none does."""
        height = self._expect(request.height, "extend_vote")
        extension = self._app.extend_vote(height)
        try:
            self._app.verify_vote_extension(height, extension, self._own)
        except InvalidBlock as error:
            where = {"code": error.id, "height": height}
            _log.error("CH-42: own extension withheld: %s", error, extra=where)
            extension = b""
        return abci.ResponseExtendVote(vote_extension=extension)

    def verify_vote_extension(
        self, request: abci.RequestVerifyVoteExtension
    ) -> abci.ResponseVerifyVoteExtension:
        status = abci.ResponseVerifyVoteExtension.VerifyStatus
        height = self._expect(request.height, "verify_vote_extension")
        voter = self._voters.key(request.validator_address)
        try:
            self._app.verify_vote_extension(height, request.vote_extension, voter)
        except InvalidBlock as error:
            _log.warning(
                "extension of %s at %d refused: %s",
                request.validator_address.hex(),
                height,
                error,
                extra={"code": error.id, "height": height},
            )
            return abci.ResponseVerifyVoteExtension(status=status.REJECT)
        return abci.ResponseVerifyVoteExtension(status=status.ACCEPT)

    def finalize_block(self, request: abci.RequestFinalizeBlock) -> abci.ResponseFinalizeBlock:
        """CH-44: again, after a crash before `commit` or within a run, gives the same."""
        height = self._expect(request.height, "finalize_block")
        if rounds := request.decided_last_commit.round:
            where = {"height": height - 1, "round": rounds}
            _log.warning("decided in a later round than the first", extra=where)
        for item in request.misbehavior:
            self._note(height, item)
        root = self._app.finalize_block(self._block(request.time, request.txs))
        found = self._app.finalized
        receipts = () if found is None else found.receipts
        return abci.ResponseFinalizeBlock(
            app_hash=root,
            validator_updates=() if found is None else self._voters.updates(found.writes),
            tx_results=[
                abci.ExecTxResult(
                    code=ACCEPTED if item.ok else REFUSED,
                    log="" if item.ok else item.code,
                    codespace="" if item.ok else CODESPACE,
                )
                for item in receipts
            ],
        )

    def commit(self, request: abci.RequestCommit) -> abci.ResponseCommit:  # noqa: ARG002
        """On the disk first; then mempool, keeper and whoever waits hear of it."""
        found = self._app.finalized
        self._app.commit()
        if found is not None:
            self._pool.committed(found.block, found.receipts)
            self._decided(Produced(found.block, found.receipts, found.staged.root))
            height = found.block.header.height
            for item in [item for item in self.misbehaviour if item.height == height]:
                self._accuse(item)
        return abci.ResponseCommit(retain_height=self._retain())

    def _expect(self, height: int, call: str) -> Height:
        """CH-39: the engine speaks of the next height, and of no other.

        Raises:
            ConsensusFault: it does not.
        """
        following = self._app.info().height + 1
        if height != following:
            raise ConsensusFault(
                f"CH-39: {call} of height {height}, the ledger is at {following - 1}",
                why="engine and ledger disagree about the chain",
                fix="restore the engine's folder and the ledger's from the same moment",
            )
        return Height(following)

    def _block(self, time: Timestamp, txs: Sequence[bytes]) -> Block:
        return next_block(self._app.info(), self._app.chain, mapping.time_ms(time), tuple(txs))

    def _note(self, height: int, item: abci.Misbehavior) -> None:
        key = self._voters.key(item.validator.address)
        kind = abci.MisbehaviorType.Name(item.type)
        found = Misbehaviour(height, key, kind, item.height)
        if found not in self.misbehaviour:  # CH-44: the call may come again
            self.misbehaviour.append(found)
            where = {"height": item.height, "code": kind}
            _log.error("%s of %s at %d, proved", kind, key.hex(), item.height, extra=where)


def _admitted(admission: Admission) -> abci.ResponseCheckTx:
    error = admission.error
    if error is None:
        return abci.ResponseCheckTx(data=admission.tx_id)
    log = f"{error.id}: {error.message}"
    return abci.ResponseCheckTx(code=REFUSED, log=log, codespace=CODESPACE)


def _unknown(log: str) -> abci.ResponseQuery:
    return abci.ResponseQuery(code=UNKNOWN, log=log, codespace=CODESPACE)
