"""An order of the guardians: what it says, its bytes, what they sign.

    body        chain id, sequence, pool u8, state u8, insecure blob, not before u64, expiry u64,
                deadline u64, reason blob
    order       body, count u8, then guardian (32 bytes) and signature (64 bytes), sorted

The id is a hash of the body; guardians sign a hash of the id. So the signatures may be gathered one
after another, by people who never meet.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import SIGNATURE_BYTES
from node.core.guardians import MAX_GUARDIANS
from node.core.ids import ID_BYTES, AccountId, ChainId, EnvironmentId, Height, TxId, tagged_hash
from transparent.signature import SigningKey
from zk.errors import NonCanonical

MAX_REASON: Final = 256
MAX_STATEMENT: Final = 128
MAX_ORDER_BYTES: Final = 8192
"""More than 64 signatures and the longest texts take."""


class PoolState(IntEnum):
    """What may happen to a pool's value; the number is the one on the wire."""

    OPEN = 0
    EXIT_ONLY = 1
    FROZEN = 2

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")

    @staticmethod
    def of(label: str) -> PoolState:
        """Undo `label`. Raises ValueError."""
        states = {state.label: state for state in PoolState}
        if label not in states:
            raise ValueError(label)
        return states[label]


@dataclass(frozen=True, slots=True)
class Order:
    """A decision about one pool.

    Attributes:
        chain_id: the one chain that it is for (EX-25).
        sequence: number of orders that took effect before (EX-29).
        pool: the environment whose value it is about.
        state: what the pool becomes, from the next block on.
        insecure: id of the pool's statement that is declared broken, or empty; never taken back.
        not_before, expiry: first and last height of a block that may hold it (EX-28).
        deadline: last height of this state, after which the pool is frozen; 0: none.
        reason: for people; printable ASCII.
        signatures: guardian and signature, sorted by guardian.
    """

    chain_id: ChainId
    sequence: int
    pool: EnvironmentId
    state: PoolState
    insecure: str
    not_before: Height
    expiry: Height
    deadline: Height
    reason: str
    signatures: tuple[tuple[AccountId, bytes], ...] = ()

    def body(self) -> bytes:
        """Everything but the signatures."""
        return (
            Writer()
            .raw(self.chain_id, ID_BYTES)
            .u64(self.sequence)
            .u8(self.pool)
            .u8(self.state)
            .blob(self.insecure.encode("ascii"))
            .u64(self.not_before)
            .u64(self.expiry)
            .u64(self.deadline)
            .blob(self.reason.encode("ascii"))
            .done()
        )

    def to_bytes(self) -> bytes:
        writer = Writer().u8(len(self.signatures))
        for guardian, signature in self.signatures:
            writer.raw(guardian, ID_BYTES).raw(signature, SIGNATURE_BYTES)
        return self.body() + writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Order:
        """Strict: exact lengths, known tags, ASCII, nothing after the signatures."""
        reader = Reader(data, "order")
        chain_id, sequence = ChainId(reader.take(ID_BYTES)), reader.u64()
        pool, state = reader.u8(), reader.u8()
        if pool not in EnvironmentId.__members__.values():
            raise NonCanonical(f"unknown environment {pool}", where="order")
        if state not in PoolState.__members__.values():
            raise NonCanonical(f"unknown state {state} of a pool", where="order")
        insecure = _ascii(reader, MAX_STATEMENT)
        not_before, expiry, deadline = (Height(reader.u64()) for _ in range(3))
        reason = _ascii(reader, MAX_REASON)
        signatures = tuple(
            (AccountId(reader.take(ID_BYTES)), reader.take(SIGNATURE_BYTES))
            for _ in range(reader.count(1, MAX_GUARDIANS, "signatures"))
        )
        reader.done()
        return Order(
            chain_id, sequence, EnvironmentId(pool), PoolState(state), insecure,
            not_before, expiry, deadline, reason, signatures,
        )  # fmt: skip

    @property
    def id(self) -> TxId:
        return TxId(tagged_hash("order/tx", self.body()))

    @property
    def digest(self) -> bytes:
        """What guardians sign; its tag is not that of a payment (TR-4)."""
        return tagged_hash("order/signature", self.id)

    def signed(self, key: SigningKey) -> Order:
        """The same order with one more signature; again by the same guardian changes nothing."""
        given = {**dict(self.signatures), key.account: key.sign(self.digest)}
        return dataclasses.replace(self, signatures=tuple(sorted(given.items())))


def _ascii(reader: Reader, most: int) -> str:
    try:
        return reader.blob(most, "text").decode("ascii")
    except UnicodeDecodeError as error:
        raise NonCanonical("text that is not ASCII", where=reader.where) from error
