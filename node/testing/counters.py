"""A ledger of counters, small enough to be obviously right: executor of the real application."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from node.core.block import OK, Receipt
from node.core.errors import InvalidTransaction, PolicyRefused
from node.core.genesis import Genesis, Parameters
from node.core.ids import EnvironmentId, Height, TxId, tagged_hash
from node.core.interfaces import Admission, BlockResult, StateReader
from zk.errors import ChiaroError, NonCanonical

GENESIS: Final = Genesis("dev", "counters", 1_000, Parameters(block_time_ms=1, max_block_txs=64))


def parse(tx: bytes) -> tuple[bytes, bytes, int]:
    """`add KEY N proof`: adds N, which may be negative, to a counter, which may not become so.

    Raises:
        NonCanonical: something else.
        InvalidTransaction: KV-1, the proof is `bad`.
    """
    parts = tx.split(b" ")
    if len(parts) != 4 or parts[0] not in {b"add", b"del"}:
        raise NonCanonical("not add KEY N PROOF")
    if parts[3] == b"bad":
        raise InvalidTransaction("KV-1", "wrong proof")
    return parts[0], b"t/" + parts[1], int(parts[2])


def tx_id(tx: bytes) -> TxId:
    """Of everything but the proof."""
    return TxId(tagged_hash("kv", tx.rsplit(b" ", 1)[0]))


def receipts(
    txs: Sequence[bytes],
    run: Callable[[bytes], None],
    name: Callable[[bytes], TxId],
    height: Height,
    environment: EnvironmentId,
) -> tuple[Receipt, ...]:
    """Of a block of a ledger for tests.

    Args:
        txs: of the block.
        run: takes a transaction into the overlay; raises ChiaroError: it has no effect.
        name: of a transaction.
        height: of the block.
        environment: of all of them.
    """
    found = []
    for index, tx in enumerate(txs):
        code, message = OK, ""
        try:
            run(tx)
        except ChiaroError as error:
            code, message = error.id, error.message
        found.append(
            Receipt(tagged_hash("wire", tx), name(tx), height, index, environment, code, message, 0)
        )
    return tuple(found)


class KvExecutor:
    """`BlockExecutor`. `writes_too` adds writes of its own, to test who may write what."""

    def __init__(self, writes_too: Mapping[bytes, bytes | None] | None = None) -> None:
        self.writes_too = dict(writes_too or {})
        self.selects_anything = False

    def genesis(self) -> Mapping[bytes, bytes | None]:
        return {b"t/supply": b"0"}

    def check(self, txs: Sequence[bytes], reader: StateReader, height: Height) -> list[Admission]:  # noqa: ARG002
        answers = []
        for tx in txs:
            error = None
            try:
                self._run(tx, {}, reader)
            except ChiaroError as refused:
                error = refused
            answers.append(Admission(tx_id(tx), error))
        return answers

    def select(
        self,
        txs: Sequence[bytes],
        reader: StateReader,
        height: Height,  # noqa: ARG002
        max_bytes: int,
    ) -> tuple[bytes, ...]:
        if self.selects_anything:
            return tuple(txs)
        overlay: dict[bytes, bytes | None] = {}
        chosen: list[bytes] = []
        size = 0
        for tx in txs:
            with contextlib.suppress(ChiaroError):
                if size + len(tx) <= max_bytes:
                    self._run(tx, overlay, reader)
                    chosen.append(tx)
                    size += len(tx)
        return tuple(chosen)

    def check_block(self, txs: Sequence[bytes], height: Height) -> None:  # noqa: ARG002
        for index, tx in enumerate(txs):
            try:
                parse(tx)
            except ChiaroError as error:
                error.where = f"transaction {index}"
                raise

    def execute(
        self,
        txs: Sequence[bytes],
        reader: StateReader,
        height: Height,
        time_ms: int,  # noqa: ARG002
    ) -> BlockResult:
        overlay: dict[bytes, bytes | None] = {}
        found = receipts(
            txs, lambda tx: self._run(tx, overlay, reader), tx_id, height, EnvironmentId.TRANSPARENT
        )
        # An unordered set on purpose: the root must not depend on the order of writes.
        return BlockResult({k: overlay[k] for k in set(overlay)} | self.writes_too, found)

    def _run(self, tx: bytes, overlay: dict[bytes, bytes | None], reader: StateReader) -> None:
        verb, key, amount = parse(tx)
        before = overlay[key] if key in overlay else reader.get(key)
        after = int(before or b"0") + amount
        if after < 0:
            raise PolicyRefused("the counter would be negative")
        overlay[key] = None if verb == b"del" or after == 0 else b"%d" % after
