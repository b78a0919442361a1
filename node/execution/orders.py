"""OrderEnvironment: orders of the guardians, as transactions of their own kind without a fee.

An order changes the state of one pool, from the next block on. It moves no value, spends nothing
and cannot be repeated: its sequence number is strictly the next.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Crossing, Effects, Event
from node.core.errors import InvalidTransaction, Outdated
from node.core.genesis import Genesis
from node.core.ids import ID_BYTES, ChainId, EnvironmentId, Height, TxId
from node.core.interfaces import ProofClaim, StateReader, TxContext
from node.execution import pools
from node.execution.order import MAX_ORDER_BYTES, MAX_REASON, Order, PoolState
from node.execution.pools import PoolRecord
from transparent.signature import check_signature
from zk.errors import WrongLength

MOST_AHEAD: Final = 16
"""How far ahead of the next one a sequence number may be, to wait in a mempool."""
_PRINTABLE: Final = frozenset(map(chr, range(0x20, 0x7F)))


class OrderEnvironment:
    """Implements `node.core.interfaces.ExecutionEnvironment` for Order.

    Args:
        genesis: whose guardians are obeyed, and whose statements can be declared insecure.
        environments: those of the chain; orders are about the pools among them.
    """

    id = EnvironmentId.CHAIN

    def __init__(self, genesis: Genesis, environments: Collection[EnvironmentId]) -> None:
        self._guardians = frozenset(genesis.guardians)
        self._threshold = genesis.guardian_threshold
        self._statements = frozenset(item.statement for item in genesis.statements)
        self.pools: Final = tuple(tag for tag in pools.POOLS if tag in environments)

    # DECODE

    def preview(self, payload: bytes, chain_id: ChainId) -> int:
        """EX-25, and the fee, which is none."""
        if len(payload) > MAX_ORDER_BYTES:
            raise WrongLength(f"{len(payload)} bytes, at most {MAX_ORDER_BYTES}", where="order")
        _check_chain(ChainId(Reader(payload, "order").take(ID_BYTES)), chain_id)
        return 0

    def is_unpaid(self, payload: bytes) -> bool:  # noqa: ARG002
        """EX-35: orders pay with their guardians' signatures."""
        return True

    def whose(self, tx: Order, state: StateReader) -> bytes:  # noqa: ARG002
        """EX-44: the guardians' are one."""
        return b""

    def decode(self, payload: bytes) -> Order:
        return Order.from_bytes(payload)

    def tx_id(self, tx: Order) -> TxId:
        return tx.id

    def expiry(self, tx: Order) -> Height:
        return tx.expiry

    def fee(self, tx: Order) -> int:  # noqa: ARG002
        return 0

    def conflicts(self, tx: Order) -> tuple[bytes, ...]:
        return (b"o/n/" + tx.sequence.to_bytes(8, "little"),)

    # CHECK

    def check_stateless(self, tx: Order, context: TxContext) -> None:
        """EX-25 … EX-28, cheap ones first."""
        _check_chain(tx.chain_id, context.chain_id)
        self._check_form(tx)
        if not tx.not_before <= context.height <= tx.expiry:
            raise Outdated(
                "EX-28",
                f"for blocks {tx.not_before} to {tx.expiry}, this is block {context.height}",
                where="order",
            )
        self._check_signatures(tx)

    def _check_form(self, tx: Order) -> None:
        """EX-26: about a pool and a statement of this chain; fields that mean something."""
        if tx.pool not in self.pools:
            raise InvalidTransaction(
                "EX-26", f"the {tx.pool.label} environment is no pool of this chain", where="order"
            )
        if tx.insecure and tx.insecure not in self._statements:
            raise InvalidTransaction(
                "EX-26", f"this chain verifies no statement {tx.insecure!r}", where="order"
            )
        if tx.state is PoolState.OPEN and tx.deadline:
            raise InvalidTransaction("EX-26", "an open pool has no deadline", where="order")
        if not 1 <= len(tx.reason) <= MAX_REASON or not _PRINTABLE.issuperset(tx.reason):
            raise InvalidTransaction(
                "EX-26", f"the reason is not 1 to {MAX_REASON} printable characters", where="order"
            )

    def _check_signatures(self, tx: Order) -> None:
        """EX-27: enough guardians, each once, each over exactly this order."""
        signers = [guardian for guardian, _ in tx.signatures]
        if any(not a < b for a, b in itertools.pairwise(signers)):
            raise InvalidTransaction("EX-27", "not sorted, or a guardian twice", where="signatures")
        for guardian in signers:
            if guardian not in self._guardians:
                raise InvalidTransaction(
                    "EX-27", f"{guardian.hex()[:16]}… is no guardian here", where="signatures"
                )
        if not self._guardians:
            raise InvalidTransaction("EX-27", "this chain has no guardians", where="signatures")
        if len(signers) < self._threshold:
            raise InvalidTransaction(
                "EX-27", f"{len(signers)} guardians signed, {self._threshold} must",
                where="signatures",
            )  # fmt: skip
        digest = tx.digest
        for guardian, signature in tx.signatures:
            check_signature(guardian, digest, signature, rule="EX-27")

    def claims(self, tx: Order) -> tuple[ProofClaim, ...]:  # noqa: ARG002
        """No proofs."""
        return ()

    def check_historical(self, tx: Order, state: StateReader, context: TxContext) -> None:  # noqa: ARG002
        """EX-29: a number of the past never comes again, one far ahead waits for too much."""
        due = pools.next_sequence(state)
        if not due <= tx.sequence < due + MOST_AHEAD:
            raise Outdated("EX-29", f"order {tx.sequence}, the next is {due}", where="order")

    # EFFECT

    def execute(self, tx: Order, state: StateReader, context: TxContext) -> Effects:
        """EX-29 … EX-31: strictly the next; what cannot be taken back is not."""
        due = pools.next_sequence(state)
        if tx.sequence != due:
            raise Outdated("EX-29", f"order {tx.sequence}, the next is {due}", where="order")
        before = pools.record(state, tx.pool)
        if before.closed_for_good(context.height):
            raise InvalidTransaction(
                "EX-31", f"the {tx.pool.label} pool is closed for good", where="order"
            )
        insecure = tuple(sorted({*before.insecure, *([tx.insecure] if tx.insecure else [])}))
        if tx.state is PoolState.OPEN and insecure:
            raise InvalidTransaction(
                "EX-30", f"{', '.join(insecure)} is insecure: the pool stays closed", where="order"
            )
        if tx.deadline and tx.deadline <= context.height:
            raise InvalidTransaction(
                "EX-26", f"deadline {tx.deadline} is not after block {context.height}",
                where="order",
            )  # fmt: skip
        if tx.state is PoolState.FROZEN and tx.deadline and not insecure:
            raise InvalidTransaction(
                "EX-26", "a frozen pool has a deadline only where a statement is insecure",
                where="order",
            )  # fmt: skip
        after = PoolRecord(tx.state, context.height, tx.deadline, insecure, tx.reason)
        return Effects(
            writes=(
                (pools.SEQUENCE_KEY, Writer().u64(due + 1).done()),
                (pools.pool_key(tx.pool), after.to_bytes()),
            ),
            events=(_event(tx),),
        )

    def cross(self, crossing: Crossing, digest: bytes, state: StateReader) -> Effects:  # noqa: ARG002
        """EX-9: orders hold no value."""
        raise InvalidTransaction("EX-9", "orders hold no value", where="crossing")

    def end_block(
        self,
        commitments: Sequence[int],  # noqa: ARG002 - EX-8: an order makes none
        state: StateReader,  # noqa: ARG002
        context: TxContext,  # noqa: ARG002
    ) -> Effects:
        """Deadlines pass by themselves: they are compared with the height."""
        return Effects()


def _check_chain(found: ChainId, chain_id: ChainId) -> None:
    """EX-25: an order is for one chain; its successor has other guardians' decisions to make."""
    if found != chain_id:
        raise InvalidTransaction("EX-25", "made for another chain", where="chain_id")


def _event(tx: Order) -> Event:
    """What the receipt says."""
    return Event(
        "order",
        (
            ("sequence", str(tx.sequence)),
            ("pool", tx.pool.label),
            ("state", tx.state.label),
            ("deadline", str(tx.deadline)),
            ("insecure", tx.insecure),
            ("reason", tx.reason),
        ),
    )
