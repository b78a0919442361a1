"""Two votes of one validator for two things: evidence that stands by itself.  Rule ST-20.

A pair of votes has one encoding: what both share once, the lesser block first. Numbers are
little-endian:

    key 32, type 1, height 8, round 4
    twice: block 1; if 1: hash 32, parts 4, their root 32; then time 16, signature 64

The time is in nanoseconds since 1970, signed: CometBFT takes a vote of any time that protobuf can
say, so one from before 1970 convicts as well. Each vote is signed over CometBFT's own bytes
(`votes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn

from node.consensus.cometbft import mapping
from node.consensus.cometbft.votes import HASH_BYTES, NO_BLOCK, BlockId, Vote, VoteType
from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES, SIGNATURE_BYTES
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.stake.errors import StakeRefused
from node.stake.faults import FaultKind, Offence


@dataclass(frozen=True, slots=True)
class DuplicateVote:
    """Two votes of one key, of one type, height and round.

    Attributes:
        key: consensus key, Ed25519.
        a, b: its votes, the lesser block first.
    """

    key: bytes
    a: Vote
    b: Vote

    @staticmethod
    def of(key: bytes, one: Vote, other: Vote) -> DuplicateVote:
        """In the one order that there is."""
        a, b = sorted((one, other), key=_place)
        return DuplicateVote(key, a, b)

    def to_bytes(self) -> bytes:
        a = self.a
        writer = Writer().raw(self.key, KEY_BYTES).u8(a.kind).u64(a.height).u32(a.round)
        for vote in (a, self.b):
            block = vote.block
            writer.u8(not block.is_none)
            if not block.is_none:
                writer.raw(block.hash, HASH_BYTES).u32(block.parts)
                writer.raw(block.parts_hash, HASH_BYTES)
            writer.i128(vote.moment).raw(vote.signature, SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> DuplicateVote:
        """Strict: of what no validator could have signed nothing is made.

        Raises:
            DecodeError: not an encoding.
            StakeRefused: ST-20, no votes of CometBFT.
        """
        reader = Reader(data, "duplicate vote")
        key, kind, height, turn = reader.take(KEY_BYTES), reader.u8(), reader.u64(), reader.u32()
        if kind not in VoteType.__members__.values():
            _refuse(f"votes of type {kind}")
        a, b = (_vote(reader, VoteType(kind), height, turn) for _ in range(2))
        reader.done()
        return DuplicateVote(key, a, b)

    def check(self, chain_id: str) -> None:
        """ST-20: nobody who votes once a round could have signed both.

        Args:
            chain_id: CometBFT's.

        Raises:
            StakeRefused: ST-20.
        """
        if not _place(self.a) < _place(self.b):
            _refuse("both votes are for one block, or not in order")
        for vote in (self.a, self.b):
            if not vote.is_of(self.key, chain_id):
                _refuse("a signature is not this validator's over this vote")


class VoteJudge:
    """`node.stake.faults.Judge` of double votes: by their bytes and the chain's name alone.

    Args:
        genesis: of the chain.
    """

    def __init__(self, genesis: Genesis) -> None:
        self._chain_id: Final = mapping.engine_chain_id(genesis)

    def judge(
        self,
        kind: FaultKind,
        evidence: bytes,
        state: StateReader,  # noqa: ARG002
    ) -> Offence:
        found = DuplicateVote.from_bytes(evidence)
        found.check(self._chain_id)
        return Offence(found.key, kind, Height(found.a.height))


def _place(vote: Vote) -> tuple[bytes, int, bytes]:
    return vote.block.hash, vote.block.parts, vote.block.parts_hash


def _vote(reader: Reader, kind: VoteType, height: int, turn: int) -> Vote:
    block = NO_BLOCK
    if reader.count(1, 1, "block"):
        block = BlockId(reader.take(HASH_BYTES), reader.u32(), reader.take(HASH_BYTES))
    vote = Vote(kind, height, turn, block, reader.i128(), reader.take(SIGNATURE_BYTES))
    if not vote.is_possible:
        _refuse("height, round, block or time are none of CometBFT")
    return vote


def _refuse(why: str) -> NoReturn:
    raise StakeRefused("ST-20", f"no evidence of a double vote: {why}", where="evidence")
