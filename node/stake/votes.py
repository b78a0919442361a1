"""Two votes of one CometBFT validator for two things: evidence that stands by itself.  Rule ST-20.

What a validator signs in CometBFT 0.38 is a `CanonicalVote` in protobuf, its length in front:

    1 type      varint: 1 prevote, 2 precommit
    2 height    fixed 8 bytes          3 round   fixed 8 bytes, absent if 0
    4 block id  absent for none: 1 hash, 2 part set header: 1 total varint, 2 hash
    5 time      1 seconds varint, 2 nanoseconds varint
    6 chain id  text

Here a pair of votes has one encoding: fields that both share once, and the lesser block id first.
Numbers are little-endian:

    key 32, type 1, height 8, round 4
    twice: block 1; if 1: hash 32, total 4, parts 32; seconds 8, nanoseconds 4, signature 64
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES, SIGNATURE_BYTES, is_signed
from node.core.ids import ChainId
from node.stake.errors import StakeRefused

PREVOTE: Final = 1
PRECOMMIT: Final = 2
_HASH: Final = 32
_MAX_INT: Final = 2**63 - 1
_MAX_ROUND: Final = 2**31 - 1
_BILLION: Final = 10**9


def engine_chain_id(chain_id: ChainId) -> str:
    """The chain's name in CometBFT, which its votes are over; at most 50 characters."""
    return f"chiaro-{chain_id[:20].hex()}"


@dataclass(frozen=True, slots=True, order=True)
class BlockId:
    """What a vote is for; of none all is empty.

    Attributes:
        hash: of CometBFT's header, 32 bytes.
        total: number of the block's parts.
        parts: root over them, 32 bytes.
    """

    hash: bytes = b""
    total: int = 0
    parts: bytes = b""


@dataclass(frozen=True, slots=True)
class Vote:
    """What differs between two votes of a validator in one step; time since 1970."""

    block: BlockId
    seconds: int
    nanos: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class DuplicateVote:
    """Two votes of one key, of one type, height and round.

    Attributes:
        key: consensus key, Ed25519.
        type: `PREVOTE` or `PRECOMMIT`.
        height, round: of both.
        a, b: the votes, the lesser block id first.
    """

    key: bytes
    type: int
    height: int
    round: int
    a: Vote
    b: Vote

    @staticmethod
    def of(
        key: bytes, kind: int, height: int, turn: int, votes: tuple[Vote, Vote]
    ) -> DuplicateVote:
        """In the one order that there is."""
        a, b = sorted(votes, key=lambda vote: vote.block)
        return DuplicateVote(key, kind, height, turn, a, b)

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.key, KEY_BYTES).u8(self.type).u64(self.height).u32(self.round)
        for vote in (self.a, self.b):
            block = vote.block
            writer.u8(bool(block.hash))
            if block.hash:
                writer.raw(block.hash, _HASH).u32(block.total).raw(block.parts, _HASH)
            writer.u64(vote.seconds).u32(vote.nanos).raw(vote.signature, SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> DuplicateVote:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "duplicate vote")
        key, kind, height, turn = reader.take(KEY_BYTES), reader.u8(), reader.u64(), reader.u32()
        a, b = _vote(reader), _vote(reader)
        reader.done()
        return DuplicateVote(key, kind, height, turn, a, b)

    def check(self, chain_id: ChainId) -> None:
        """ST-20: nobody who votes once a round could have signed both.

        Raises:
            StakeRefused: ST-20.
        """
        if self.type not in (PREVOTE, PRECOMMIT):
            _refuse(f"votes of type {self.type}")
        if not 1 <= self.height <= _MAX_INT or self.round > _MAX_ROUND:
            _refuse("height or round are none of CometBFT")
        if not self.a.block < self.b.block:
            _refuse("both votes are for one block, or not in order")
        for vote in (self.a, self.b):
            if vote.seconds > _MAX_INT or vote.nanos >= _BILLION:
                _refuse("its time is none")
            if not is_signed(self.key, self.signed(chain_id, vote), vote.signature):
                _refuse("a signature is not this validator's over this vote")

    def signed(self, chain_id: ChainId, vote: Vote) -> bytes:
        """What CometBFT has a validator sign for one of the votes."""
        return sign_bytes(engine_chain_id(chain_id), self.type, self.height, self.round, vote)


def sign_bytes(name: str, kind: int, height: int, turn: int, vote: Vote) -> bytes:
    """CometBFT's `VoteSignBytes`: a canonical vote with its length in front.

    Args:
        name: chain id in CometBFT.
        kind: `PREVOTE` or `PRECOMMIT`.
        height: 0 or more.
        turn: round, 0 or more.
        vote: its signature is not read.
    """
    block = vote.block
    message = _number(1, kind) + _fixed(2, height) + _fixed(3, turn)
    if block.hash:
        parts = _number(1, block.total) + _field(2, block.parts)
        message += _field(4, _field(1, block.hash) + _field(2, parts, always=True))
    time = _number(1, vote.seconds) + _number(2, vote.nanos)
    message += _field(5, time, always=True) + _field(6, name.encode())
    return _varint(len(message)) + message


def _vote(reader: Reader) -> Vote:
    block = BlockId()
    if reader.count(1, 1, "block"):
        block = BlockId(reader.take(_HASH), reader.u32(), reader.take(_HASH))
    return Vote(block, reader.u64(), reader.u32(), reader.take(SIGNATURE_BYTES))


def _refuse(why: str) -> None:
    raise StakeRefused("ST-20", f"no evidence of a double vote: {why}", where="evidence")


# --- protobuf: the four shapes that a canonical vote is made of -----------------------------------


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value) if value else b""


def _fixed(tag: int, value: int) -> bytes:
    return _varint(tag << 3 | 1) + value.to_bytes(8, "little") if value else b""


def _field(tag: int, data: bytes, *, always: bool = False) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(data)) + data if data or always else b""
