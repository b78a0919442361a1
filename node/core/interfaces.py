"""The protocols that environments, node and tests meet at. Structural, few, in this one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from node.core.block import Block, Receipt
from node.core.effects import BatchScope, Crossing, Effects, HiddenValue
from node.core.ids import ChainId, EnvironmentId, Height, StateRoot, TxId
from zk.errors import ChiaroError

Tx = TypeVar("Tx")


class StateReader(Protocol):
    """A view of the state: a committed height, or an overlay of a block in execution."""

    def get(self, key: bytes) -> bytes | None: ...

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys with `prefix`, ascending."""
        ...


@dataclass(frozen=True, slots=True)
class TxContext:
    """What a check may know of its surroundings.

    Attributes:
        chain_id: the chain this node serves (replay on another chain is refused).
        height: the height of the block that the transaction would enter.
        scope: the batch of intents that it settles, as a part of a settlement; else None (S-19).
        hidden: the amounts in the dark that it must move, named by the private transaction that
            carries it and has verified them (EX-40); none, where it stands alone.
    """

    chain_id: ChainId
    height: Height
    scope: BatchScope | None = None
    hidden: tuple[HiddenValue, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkedClaim:
    """That the hidden inputs of a proof are what commitments beside it hold (PV-61 … PV-66).

    Attributes:
        commitments: one per hidden value, 32 bytes each; how many is the statement's, never a
            message's.
        point: D, which stands for the hidden inputs in the proof, 32 bytes.
        link: ties both together; as `private_exec.linking` encodes it.
        context: digest of the message that the proof was made for, 32 bytes.
    """

    commitments: tuple[bytes, ...]
    point: bytes
    link: bytes
    context: bytes


@dataclass(frozen=True, slots=True)
class ProofClaim:
    """A proof to be verified, by value: cacheable by its full bytes (S-23), batchable.

    Attributes:
        key_id: which verifying key, e.g. `action/1`.
        public: public inputs, canonical; of a statement that hides some, those that are seen.
        proof: 128 bytes, compressed (A, B, C).
        linked: of a statement that hides inputs, what they are; else None.
    """

    key_id: str
    public: tuple[int, ...]
    proof: bytes
    linked: LinkedClaim | None = None


class ProofVerifier(Protocol):
    """Verifies claims, alone or in batches, off the event loop."""

    def verify(self, claims: Sequence[ProofClaim]) -> list[ChiaroError | None]:
        """One entry per claim: `None`, or why it is refused."""
        ...


class ExecutionEnvironment(Protocol[Tx]):
    """One of the three environments. Pure: it reads, checks and returns effects.

    Order of calls for one transaction: (preview, for the mempool →) decode → check_stateless →
    (its claims verified) → check_historical → execute. In a block, `end_block` runs once after the
    last transaction.
    """

    @property
    def id(self) -> EnvironmentId: ...

    def preview(self, payload: bytes, chain_id: ChainId) -> int:
        """The declared fee, read in place: what is worth nothing here is not decoded.

        Decides nothing about a block. Where `decode` succeeds, `fee` says the same.

        Raises:
            DecodeError: shorter than any transaction.
            InvalidTransaction: made for another chain, by the rule that says so.
        """
        ...

    def is_unpaid(self, payload: bytes) -> bool:
        """Whether few may send it, so that it pays no fee and waits in places of its own."""
        ...

    def whose(self, tx: Tx, state: StateReader) -> bytes:
        """Of what pays nothing: which of those who share the places it comes from (EX-44).

        Decides about admission only. Empty, where all of them are one.

        Raises:
            ChiaroError: it is about nothing that the state has.
        """
        ...

    def decode(self, payload: bytes) -> Tx:
        """Strict, canonical. Raises DecodeError."""
        ...

    def tx_id(self, tx: Tx) -> TxId:
        """Identity: everything but proofs and signatures."""
        ...

    def expiry(self, tx: Tx) -> Height:
        """Last height at which the transaction may be included."""
        ...

    def fee(self, tx: Tx) -> int:
        """Base units of the native kind; for ordering in the mempool."""
        ...

    def conflicts(self, tx: Tx) -> tuple[bytes, ...]:
        """Opaque keys (nullifiers, sequence numbers) that one pending transaction each may hold."""
        ...

    def check_stateless(self, tx: Tx, context: TxContext) -> None:
        """Needs no state: shapes, ranges, points, signatures, expiry. Parallel."""
        ...

    def claims(self, tx: Tx) -> tuple[ProofClaim, ...]:
        """Proofs that must verify; called after check_stateless."""
        ...

    def check_historical(self, tx: Tx, state: StateReader, context: TxContext) -> None:
        """Against a committed state, which may be a few blocks old: anchors, window of roots."""
        ...

    def execute(self, tx: Tx, state: StateReader, context: TxContext) -> Effects:
        """Against the state at its place in the block. Returns, never writes."""
        ...

    def cross(self, crossing: Crossing, digest: bytes, state: StateReader) -> Effects:
        """Accept value from, or release value to, another environment's transaction.

        `digest` is that transaction's id, which a debit's authorization must sign (S-20).
        """
        ...

    def end_block(
        self, commitments: Sequence[int], state: StateReader, context: TxContext
    ) -> Effects:
        """Close the block: append the block's commitments, record the new anchor."""
        ...


@dataclass(frozen=True, slots=True)
class Staged:
    """A block's writes, computed but not yet on disk; `root` is the state root they lead to."""

    height: Height
    root: StateRoot
    batch: tuple[tuple[bytes, bytes | None], ...]


class Store(Protocol):
    """Versioned, authenticated key-value state and a log; one write per block."""

    @property
    def height(self) -> Height:
        """Height of the last committed block; 0 before genesis is committed."""
        ...

    @property
    def root(self) -> StateRoot: ...

    def reader(self, height: Height | None = None) -> StateReader:
        """View of a committed height (default: the last)."""
        ...

    def stage(
        self,
        height: Height,
        writes: Mapping[bytes, bytes | None],
        log: Mapping[bytes, bytes | None],
    ) -> Staged:
        """Compute the new root; nothing is written.

        Entries of `log` are stored, not authenticated; `None` removes one.
        """
        ...

    def commit(self, staged: Staged) -> None:
        """One atomic, fsynced write of everything staged."""
        ...

    def recompute(self, height: Height, writes: Mapping[bytes, bytes | None]) -> StateRoot:
        """The root that `writes` give on top of `height` - 1, which must still be readable."""
        ...

    def log(self, key: bytes) -> bytes | None: ...

    def log_range(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]: ...

    def prove(self, key: bytes, height: Height | None = None) -> bytes:
        """Proof of a key's value or absence under the state root; checked by `node.store.proof`."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Admission:
    """Answer of check_tx: accepted, or the error that refused it."""

    tx_id: bytes
    error: ChiaroError | None = None


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What executing a block gives.

    Attributes:
        writes: key → new value, `None` deletes; the block's net effect, `end_block` included. Keys
            under `c/` belong to the application and are refused here.
        receipts: one per transaction, in the block's order.
    """

    writes: Mapping[bytes, bytes | None]
    receipts: tuple[Receipt, ...]


class BlockExecutor(Protocol):
    """Runs transactions against a state: what the application needs of `node.execution`.

    All calls are pure over their arguments (caches may change how long they take, never what they
    answer) and safe to call from another thread than the one that commits.
    """

    def genesis(self) -> Mapping[bytes, bytes | None]:
        """The first state: allocations, empty note trees, turnstile totals."""
        ...

    def check(self, txs: Sequence[bytes], reader: StateReader, height: Height) -> list[Admission]:
        """Whether each transaction, alone, could enter a block at `height`. Never raises for one.

        One answer per transaction, in order; proofs are verified in one batch.
        """
        ...

    def select(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, max_bytes: int
    ) -> tuple[bytes, ...]:
        """Choose and order what succeeds *together* at `height`, at most `max_bytes` in sum."""
        ...

    def check_block(self, txs: Sequence[bytes], height: Height) -> None:
        """Everything about a proposal's transactions that needs no state, proofs included.

        Raises:
            ChiaroError: of the first transaction that does not decode, breaks a stateless rule or
                carries a wrong proof; `where` names its index.
        """
        ...

    def execute(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, time_ms: int
    ) -> BlockResult:
        """Run a decided block on the state before it; total and deterministic.

        A transaction that fails, for whatever reason, gets a receipt with the refusing rule's id
        and has no effect, nor does it pay: its author may not be the one who put it there.
        """
        ...


class LaneRules(Protocol):
    """What the executor asks of the sealed lane."""

    def passes(self, data: bytes) -> bool:
        """Whether a transaction may stand in a block that waits: an end, a reveal, a message."""
        ...

    def waits(self, state: StateReader, height: Height) -> str:
        """Why nothing else may change the state in this block yet (P1-1); empty if it may."""
        ...

    def signers(self, state: StateReader, height: Height) -> int:
        """How many validators may send messages that pay nothing for a block of this height."""
        ...

    def foresee(self, txs: Sequence[Any], state: StateReader, height: Height) -> None:
        """What can be checked for a block's transactions at once; changes no answer.

        Args:
            txs: of the lane, as its environment decodes them.
            state: before the block.
            height: of the block.
        """
        ...


class SealedLane(Protocol):
    """What the application asks of the sealed lane, on a validator or on one who only checks."""

    def lead(self, state: StateReader, height: Height) -> tuple[tuple[bytes, ...], bool]:
        """What a block of this height begins with, and whether anything else may follow it."""
        ...

    def passes(self, data: bytes) -> bool:
        """Whether a transaction may follow even so: what validators or committees say."""
        ...

    def check_lead(self, txs: Sequence[bytes], state: StateReader, height: Height) -> None:
        """Deterministic (P1-1): a proposal begins as it must, and goes on only if it may.

        Raises:
            ChiaroError: the rule that it breaks.
        """
        ...

    def extend(self, state: StateReader, height: Height) -> bytes:
        """This validator's decryption shares of batches that are final and not yet revealed."""
        ...

    def check_extension(
        self, extension: bytes, validator: bytes, state: StateReader, height: Height
    ) -> None:
        """Deterministic: strict on what is there, lenient on what is not.

        Raises:
            ChiaroError: the rule that it breaks.
        """
        ...

    def receive(self, extension: bytes) -> None:
        """Keep the shares of another validator's extension, which was checked."""
        ...


class TransactionSource(Protocol):
    """Where an engine takes transactions from: the mempool."""

    def pending(self, max_bytes: int) -> Sequence[bytes]:
        """Candidates, best first, about `max_bytes` in sum."""
        ...

    def committed(self, block: Block, receipts: Sequence[Receipt]) -> None:
        """The block is final and on disk: forget its transactions, check the rest again."""
        ...

    def discard(self, txs: Sequence[bytes], error: ChiaroError) -> None:
        """A proposal of these was refused: never offer them again."""
        ...


@dataclass(frozen=True, slots=True)
class AppInfo:
    """What the application has on disk; the engine replays from there."""

    chain_id: ChainId
    height: Height
    state_root: StateRoot


class Application(Protocol):
    """What an engine drives: ABCI 2.0's calls, pure over (state, input); `commit` alone writes."""

    def info(self) -> AppInfo: ...

    def init_chain(self) -> StateRoot:
        """Stage and commit genesis; refuses a store that has one already."""
        ...

    def check_head(self) -> None:
        """Execute the last block again and compare, before anything is built on it."""
        ...

    def check_tx(self, txs: Sequence[bytes]) -> list[Admission]: ...

    def prepare_proposal(
        self,
        height: Height,
        txs: Sequence[bytes],
        max_bytes: int,
        extensions: Sequence[bytes] = (),
    ) -> tuple[bytes, ...]:
        """Choose and order transactions for a block; drops what would fail.

        Args:
            height: of the block.
            txs: candidates, best first.
            max_bytes: room in the block.
            extensions: of the votes for the last block, each of which was verified.
        """
        ...

    def process_proposal(self, block: Block) -> None:
        """Deterministic. Raises if the block must be refused."""
        ...

    def extend_vote(self, height: Height) -> bytes:
        """Data carried by this validator's vote: decryption shares of heights already final."""
        ...

    def verify_vote_extension(
        self, height: Height, extension: bytes, validator: bytes = b""
    ) -> None:
        """Deterministic. Raises if malformed; absence is no fault.

        Args:
            height: of the block voted for.
            extension: what the vote carries.
            validator: consensus key of who sent it.
        """
        ...

    def finalize_block(self, block: Block) -> StateRoot:
        """Execute; nothing is persisted. Returns the root after this block."""
        ...

    def commit(self) -> Height:
        """Persist what finalize_block staged: one atomic, fsynced write."""
        ...
