"""Transactions as the chain sees them, blocks, receipts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Event
from node.core.ids import ChainId, EnvironmentId, Height, StateRoot, tagged_hash
from zk.errors import NonCanonical

WIRE_VERSION: Final = 1
MAX_TX_BYTES: Final = 256 * 1024
MAX_BLOCK_BYTES: Final = 4 * 1024 * 1024
MAX_TEXT: Final = MAX_BLOCK_BYTES
"""Cap of any text in a receipt: nothing that a transaction made us say may be unreadable later."""
_MAX_HEADER: Final = 4096
OK: Final = "ok"
"""Code of a receipt of a transaction that took effect."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An environment's payload in its envelope: version, environment tag, payload."""

    environment: EnvironmentId
    payload: bytes

    def to_bytes(self) -> bytes:
        return Writer().u8(WIRE_VERSION).u8(self.environment).blob(self.payload).done()

    @staticmethod
    def from_bytes(data: bytes) -> Transaction:
        reader = Reader(data, "transaction")
        version = reader.u8()
        if version != WIRE_VERSION:
            raise NonCanonical(f"unknown transaction version {version}", where="transaction")
        tag = reader.u8()
        if tag not in EnvironmentId.__members__.values():
            raise NonCanonical(f"unknown environment {tag}", where="transaction")
        payload = reader.blob(MAX_TX_BYTES, "payload")
        reader.done()
        return Transaction(EnvironmentId(tag), payload)

    @property
    def wire_id(self) -> bytes:
        """Hash of the full bytes: the key of caches, bans and rejections (S-23); not the txid."""
        return tagged_hash("wire", self.to_bytes())


@dataclass(frozen=True, slots=True)
class Header:
    """What validators sign.

    Attributes:
        chain_id: S-12.
        height: first block is 1.
        time_ms: milliseconds since 1970, never decreasing.
        previous: hash of the header before; zeros at height 1.
        state_root: root over everything *after the previous block* (CometBFT's convention).
        tx_root: hash over the ordered transactions' full bytes.
    """

    chain_id: ChainId
    height: Height
    time_ms: int
    previous: bytes
    state_root: StateRoot
    tx_root: bytes

    def to_bytes(self) -> bytes:
        return (
            Writer()
            .raw(self.chain_id, 32)
            .u64(self.height)
            .u64(self.time_ms)
            .raw(self.previous, 32)
            .raw(self.state_root, 32)
            .raw(self.tx_root, 32)
            .done()
        )

    @staticmethod
    def from_bytes(data: bytes) -> Header:
        reader = Reader(data, "header")
        header = Header(
            ChainId(reader.take(32)),
            Height(reader.u64()),
            reader.u64(),
            reader.take(32),
            StateRoot(reader.take(32)),
            reader.take(32),
        )
        reader.done()
        return header

    @property
    def hash(self) -> bytes:
        return tagged_hash("header", self.to_bytes())


@dataclass(frozen=True, slots=True)
class Block:
    """A header and the transactions it orders, as full bytes."""

    header: Header
    txs: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        writer = Writer().blob(self.header.to_bytes()).u32(len(self.txs))
        for tx in self.txs:
            writer.blob(tx)
        return writer.done()

    @staticmethod
    def header_of(data: bytes) -> Header:
        """Of a block's bytes that are known to be one's; what follows is not looked at."""
        return Header.from_bytes(Reader(data, "block").blob(_MAX_HEADER, "header"))

    @staticmethod
    def from_bytes(data: bytes) -> Block:
        reader = Reader(data, "block")
        header = Header.from_bytes(reader.blob(_MAX_HEADER, "header"))
        count = reader.count(4, MAX_BLOCK_BYTES // 8, "transactions")
        txs = tuple(reader.blob(MAX_TX_BYTES + 64, "transaction") for _ in range(count))
        reader.done()
        return Block(header, txs)


def tx_root(txs: tuple[bytes, ...]) -> bytes:
    """Hash over the ordered list of full transactions."""
    return tagged_hash("tx-root", *(tagged_hash("wire", tx) for tx in txs))


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a transaction of a block ended. `code` is `ok` or the id of the rule that refused it."""

    wire_id: bytes
    tx_id: bytes
    height: Height
    index: int
    environment: EnvironmentId
    code: str
    message: str
    fee: int
    events: tuple[Event, ...] = ()

    @property
    def ok(self) -> bool:
        return self.code == OK

    def to_bytes(self) -> bytes:
        """Total: text that is no text (lone surrogates) is stored with question marks."""

        def utf8(text: str) -> bytes:
            return text.encode("utf-8", "replace")

        writer = (
            Writer()
            .raw(self.wire_id, 32)
            .raw(self.tx_id, 32)
            .u64(self.height)
            .u32(self.index)
            .u8(self.environment)
            .blob(utf8(self.code))
            .blob(utf8(self.message))
            .u64(self.fee)
            .u32(len(self.events))
        )
        for event in self.events:
            writer.blob(utf8(event.name)).u32(len(event.data))
            for name, value in event.data:
                writer.blob(utf8(name)).blob(utf8(value))
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Receipt:
        reader = Reader(data, "receipt")

        def text() -> str:
            try:
                return reader.blob(MAX_TEXT, "text").decode()
            except UnicodeDecodeError as error:
                raise NonCanonical("text that is not UTF-8", where="receipt") from error

        def event() -> Event:
            name = text()
            pairs = reader.count(4, MAX_TEXT, "fields")
            return Event(name, tuple((text(), text()) for _ in range(pairs)))

        wire_id, tx_id = reader.take(32), reader.take(32)
        height, index, tag = Height(reader.u64()), reader.u32(), reader.u8()
        if tag not in EnvironmentId.__members__.values():
            raise NonCanonical(f"unknown environment {tag}", where="receipt")
        code, message, fee = text(), text(), reader.u64()
        events = tuple(event() for _ in range(reader.count(4, MAX_TEXT, "events")))
        reader.done()
        environment = EnvironmentId(tag)
        return Receipt(wire_id, tx_id, height, index, environment, code, message, fee, events)
