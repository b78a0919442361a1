"""CometBFT's header: its fourteen hashed fields, and their one encoding here.  Rule LC-1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.consensus.cometbft import wire
from node.consensus.cometbft.votes import HASH_BYTES, BlockId
from node.core.codec import Reader, Writer
from node.light import merkle
from zk.errors import NonCanonical

BLOCK_PROTOCOL: Final = 11
"""Of CometBFT 0.38."""
ADDRESS_BYTES: Final = 20
MAX_CHAIN_ID: Final = 50
MAX_APP_HASH: Final = 64


@dataclass(frozen=True, slots=True)
class EngineHeader:
    """The header that CometBFT's validators sign.

    Attributes:
        block_protocol, app_protocol: versions.
        chain_id: CometBFT's.
        height: of the block, which is ours.
        moment: nanoseconds since 1970.
        last_block: the block before; names none at height 1.
        last_commit_hash: over the signatures of that block.
        data_hash: over the transactions.
        validators_hash, next_validators_hash: of this height's and the next one's validators.
        consensus_hash: over CometBFT's own parameters.
        app_hash: our state root after the block *before* (docs/adr/0018).
        last_results_hash: over results of the block before.
        evidence_hash: over evidence in the block.
        proposer: its address, 20 bytes.
    """

    block_protocol: int
    app_protocol: int
    chain_id: str
    height: int
    moment: int
    last_block: BlockId
    last_commit_hash: bytes
    data_hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    consensus_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    evidence_hash: bytes
    proposer: bytes

    @property
    def _hashes(self) -> tuple[bytes, ...]:
        """In CometBFT's order."""
        return (
            self.last_commit_hash,
            self.data_hash,
            self.validators_hash,
            self.next_validators_hash,
            self.consensus_hash,
            self.app_hash,
            self.last_results_hash,
            self.evidence_hash,
        )

    @property
    def hash(self) -> bytes:
        """CometBFT's: the root over all fields, each in protobuf."""
        versions = wire.number(1, self.block_protocol) + wire.number(2, self.app_protocol)
        return merkle.root(
            (
                versions,
                wire.data(1, self.chain_id.encode()),
                wire.number(1, self.height),
                wire.timestamp(self.moment),
                self.last_block.to_proto(),
                *(wire.data(1, item) for item in (*self._hashes, self.proposer)),
            )
        )

    def write(self, writer: Writer) -> None:
        """Versions, chain id, height, moment (i128), last block, hashes, proposer."""
        writer.u64(self.block_protocol).u64(self.app_protocol).blob(self.chain_id.encode())
        writer.u64(self.height).i128(self.moment)
        write_block_id(writer, self.last_block)
        for item in self._hashes:
            writer.blob(item)
        writer.raw(self.proposer, ADDRESS_BYTES)

    @staticmethod
    def read(reader: Reader) -> EngineHeader:
        """LC-1, strict. Raises DecodeError."""
        protocol, app = reader.u64(), reader.u64()
        if protocol != BLOCK_PROTOCOL:
            raise NonCanonical(f"LC-1: a header of block protocol {protocol}", where=reader.where)
        try:
            chain_id = reader.blob(MAX_CHAIN_ID, "LC-1: chain id").decode("ascii")
        except UnicodeDecodeError as error:
            raise NonCanonical("LC-1: a chain id that is no text", where=reader.where) from error
        height = read_height(reader)
        moment = read_moment(reader)
        last = read_block_id(reader)
        if not (last.is_whole or (last.is_none and height == 1)):
            raise NonCanonical("LC-1: it names no block before it", where=reader.where)
        return EngineHeader(
            block_protocol=protocol,
            app_protocol=app,
            chain_id=chain_id,
            height=height,
            moment=moment,
            last_block=last,
            last_commit_hash=_read_hash(reader, "commit"),
            data_hash=_read_hash(reader, "data"),
            validators_hash=_read_whole_hash(reader),
            next_validators_hash=_read_whole_hash(reader),
            consensus_hash=_read_whole_hash(reader),
            app_hash=reader.blob(MAX_APP_HASH, "LC-1: app hash"),
            last_results_hash=_read_hash(reader, "results"),
            evidence_hash=_read_hash(reader, "evidence"),
            proposer=reader.take(ADDRESS_BYTES),
        )


def write_block_id(writer: Writer, block: BlockId) -> None:
    """Hash, number of parts (u32), their hash."""
    writer.blob(block.hash).u32(block.parts).blob(block.parts_hash)


def read_block_id(reader: Reader) -> BlockId:
    """Strict. Raises DecodeError."""
    return BlockId(_read_hash(reader, "block"), reader.u32(), _read_hash(reader, "parts"))


def read_height(reader: Reader) -> int:
    """1 to 2⁶³ − 1. Raises DecodeError."""
    height = reader.u64()
    if not 1 <= height < 1 << 63:
        raise NonCanonical(f"LC-1: a height of {height}", where=reader.where)
    return height


def read_moment(reader: Reader) -> int:
    """A moment that protobuf can say. Raises DecodeError."""
    moment = reader.i128()
    if not wire.FIRST_MOMENT <= moment <= wire.LAST_MOMENT:
        raise NonCanonical("LC-1: a moment outside the years 1 to 9999", where=reader.where)
    return moment


def _read_hash(reader: Reader, name: str) -> bytes:
    """32 bytes or none."""
    found = reader.blob(HASH_BYTES, f"LC-1: {name} hash")
    if len(found) not in {0, HASH_BYTES}:
        raise NonCanonical(f"LC-1: {name} hash of {len(found)} bytes", where=reader.where)
    return found


def _read_whole_hash(reader: Reader) -> bytes:
    found = _read_hash(reader, "validators or parameters")
    if not found:
        raise NonCanonical("LC-1: a hash is missing", where=reader.where)
    return found
