"""`BlockExecutor` of counters and sealed intents: a small ledger whose blocks carry a batch root.

add NAME N     adds N, not negative, to a counter
seal ENVELOPE  orders a sealed intent; its U is remembered (PX-12)
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from typing import Final

from node.core.block import Block
from node.core.ids import EnvironmentId, Height, TxId, tagged_hash
from node.core.interfaces import Admission, BlockResult, StateReader
from node.testing.cluster.keys import WINDOW, Keys
from node.testing.counters import receipts
from private_exec.batch import Batch, duplicate_key, order
from private_exec.envelope import Envelope
from private_exec.errors import SealRefused
from zk.errors import ChiaroError, NonCanonical

MOST_SEALS: Final = 3
_ADD: Final = b"add "
_SEAL: Final = b"seal "
_BASES: Final = b"u/"
_COUNTERS: Final = b"n/"


def add(name: str, amount: int) -> bytes:
    """A transaction that adds to a counter."""
    return _ADD + f"{name} {amount}".encode()


def seal(envelope: Envelope) -> bytes:
    """A transaction that orders a sealed intent."""
    return _SEAL + envelope.to_bytes()


def envelopes(txs: Sequence[bytes]) -> tuple[Envelope, ...]:
    """The sealed intents among transactions, in order. Raises DecodeError."""
    return tuple(_envelope(tx[len(_SEAL) :]) for tx in txs if tx.startswith(_SEAL))


@functools.lru_cache(maxsize=1024)
def _envelope(data: bytes) -> Envelope:
    return Envelope.from_bytes(data)


def _counter(tx: bytes) -> tuple[bytes, int]:
    parts = tx.removeprefix(_ADD).split(b" ")
    if not tx.startswith(_ADD) or len(parts) != 2 or not parts[1].isdigit():
        raise NonCanonical("neither add NAME N nor seal ENVELOPE", where="transaction")
    return _COUNTERS + parts[0], int(parts[1])


@functools.lru_cache(maxsize=8192)
def _ordered(keys: Keys, height: int, items: tuple[bytes, ...]) -> Batch:
    """Pure, so validators of one process may share its answers."""
    return order(keys.key, WINDOW, height, [_envelope(item) for item in items])


class SealedLedger:
    """`node.core.interfaces.BlockExecutor`.

    Args:
        keys: under which intents are sealed.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def batch(self, txs: Sequence[bytes], height: Height) -> Batch:
        """What these transactions order, every proof checked. Raises DecodeError, SealRefused."""
        items = tuple(tx[len(_SEAL) :] for tx in txs if tx.startswith(_SEAL))
        return _ordered(self._keys, height, items)

    def roots_of(self, block: Block) -> tuple[bytes, ...]:
        """`node.consensus.finality.RootsOf`."""
        batch = self.batch(block.txs, block.header.height)
        return (batch.root,) if len(batch) else ()

    def genesis(self) -> Mapping[bytes, bytes | None]:
        return {_COUNTERS + b"supply": b"1"}

    def check(self, txs: Sequence[bytes], reader: StateReader, height: Height) -> list[Admission]:
        answers = []
        for tx in txs:
            error = None
            try:
                self.check_block([tx], height)
                self._run(tx, {}, reader)
            except ChiaroError as refused:
                error = refused
            answers.append(Admission(_tx_id(tx), error))
        return answers

    def select(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, max_bytes: int
    ) -> tuple[bytes, ...]:
        overlay: dict[bytes, bytes | None] = {}
        chosen: list[bytes] = []
        seals, size = 0, 0
        for tx in txs:
            is_seal = tx.startswith(_SEAL)
            if size + len(tx) > max_bytes or (is_seal and seals == MOST_SEALS):
                continue
            with contextlib.suppress(ChiaroError):
                self.check_block([tx], height)
                self._run(tx, overlay, reader)
                chosen.append(tx)
                size += len(tx)
                seals += is_seal
        return tuple(chosen)

    def check_block(self, txs: Sequence[bytes], height: Height) -> None:
        for index, tx in enumerate(txs):
            if not tx.startswith(_SEAL):
                try:
                    _counter(tx)
                except NonCanonical as error:
                    error.where = f"transaction {index}"
                    raise
        self.batch(txs, height)

    def execute(
        self,
        txs: Sequence[bytes],
        reader: StateReader,
        height: Height,
        time_ms: int,  # noqa: ARG002 - the protocol's call
    ) -> BlockResult:
        overlay: dict[bytes, bytes | None] = {}
        found = receipts(
            txs, lambda tx: self._run(tx, overlay, reader), _tx_id, height, EnvironmentId.PRIVATE
        )
        return BlockResult(overlay, found)

    def _run(self, tx: bytes, overlay: dict[bytes, bytes | None], reader: StateReader) -> None:
        if tx.startswith(_SEAL):
            (item,) = envelopes([tx])
            key = _BASES + duplicate_key(item.seal.u)
            if key in overlay or reader.get(key) is not None:
                raise SealRefused("PX-12", "its U was ordered before", where="seal")
            overlay[key] = b"1"
            return
        key, amount = _counter(tx)
        before = overlay.get(key) or reader.get(key) or b"0"
        overlay[key] = b"%d" % (int(before) + amount)


def _tx_id(tx: bytes) -> TxId:
    return TxId(tagged_hash("test-bed/tx", tx))
