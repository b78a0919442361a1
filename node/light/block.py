"""What a light client asks for of a height: CometBFT's header, its commit, its validators."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.consensus.cometbft.votes import BlockId, Vote, VoteType
from node.core.codec import Reader, Writer
from node.core.ed25519 import SIGNATURE_BYTES
from node.light.header import (
    ADDRESS_BYTES,
    EngineHeader,
    read_block_id,
    read_height,
    read_moment,
    write_block_id,
)
from node.light.validators import MAX_VALIDATORS, ValidatorSet
from zk.errors import NonCanonical

_VERSION: Final = 1
_MAX_ROUND: Final = 2**31 - 1


class Flag(IntEnum):
    """What a validator's place in a commit holds; CometBFT's numbers."""

    ABSENT = 1
    COMMIT = 2
    NIL = 3


@dataclass(frozen=True, slots=True)
class CommitPlace:
    """One validator's place in a commit.

    Attributes:
        flag: whether it is a precommit for the block, for none, or missing.
        address: the validator's; empty if it is missing.
        moment: of the vote, nanoseconds since 1970; 0 if it is missing.
        signature: 64 bytes; empty if it is missing.
    """

    flag: Flag
    address: bytes = b""
    moment: int = 0
    signature: bytes = b""


ABSENT: Final = CommitPlace(Flag.ABSENT)


@dataclass(frozen=True, slots=True)
class Commit:
    """Precommits of one round.

    Attributes:
        height, round: of them.
        block: that the height decided.
        places: one for each validator, in the set's order.
    """

    height: int
    round: int
    block: BlockId
    places: tuple[CommitPlace, ...]

    def vote(self, place: CommitPlace) -> Vote:
        """The precommit for the block that stands at `place`."""
        return Vote(
            VoteType.PRECOMMIT, self.height, self.round, self.block, place.moment, place.signature
        )


@dataclass(frozen=True, slots=True)
class SignedHeader:
    """A header and who signed it.

    Attributes:
        header: CometBFT's.
        commit: of its height.
    """

    header: EngineHeader
    commit: Commit

    def to_bytes(self) -> bytes:
        """Version, header; round, block, and of each place flag, address, moment, signature."""
        writer = Writer().u8(_VERSION)
        self.header.write(writer)
        commit = self.commit
        writer.u64(commit.height).u32(commit.round)
        write_block_id(writer, commit.block)
        writer.u16(len(commit.places))
        for place in commit.places:
            writer.u8(place.flag)
            if place.flag != Flag.ABSENT:
                writer.raw(place.address, ADDRESS_BYTES).i128(place.moment)
                writer.raw(place.signature, SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> SignedHeader:
        """LC-1, strict: one encoding for each. Raises DecodeError."""
        reader = Reader(data, "signed header")
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"LC-1: unknown version {version}", where=reader.where)
        header = EngineHeader.read(reader)
        height, number = read_height(reader), reader.count(4, _MAX_ROUND, "LC-1: round")
        block = read_block_id(reader)
        count = reader.count(2, MAX_VALIDATORS, "LC-1: places")
        places = tuple(_read_place(reader) for _ in range(count))
        reader.done()
        return SignedHeader(header, Commit(height, number, block, places))


@dataclass(frozen=True, slots=True)
class LightBlock:
    """A signed header with the validators of its height.

    Attributes:
        signed: header and commit.
        validators: the height's.
    """

    signed: SignedHeader
    validators: ValidatorSet

    @property
    def header(self) -> EngineHeader:
        return self.signed.header

    @property
    def commit(self) -> Commit:
        return self.signed.commit

    @property
    def height(self) -> int:
        return self.signed.header.height

    @property
    def hash(self) -> bytes:
        """Of CometBFT's header."""
        return self.signed.header.hash

    def to_bytes(self) -> bytes:
        """The signed header and the validators, each behind its length."""
        return Writer().blob(self.signed.to_bytes()).blob(self.validators.to_bytes()).done()

    @staticmethod
    def from_bytes(data: bytes) -> LightBlock:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "light block")
        signed = SignedHeader.from_bytes(reader.blob(len(data), "signed header"))
        validators = ValidatorSet.from_bytes(reader.blob(len(data), "validators"))
        reader.done()
        return LightBlock(signed, validators)


def _read_place(reader: Reader) -> CommitPlace:
    flag = reader.u8()
    if flag not in Flag.__members__.values():
        raise NonCanonical(f"LC-1: a place of kind {flag}", where=reader.where)
    if flag == Flag.ABSENT:
        return ABSENT
    address = reader.take(ADDRESS_BYTES)
    return CommitPlace(Flag(flag), address, read_moment(reader), reader.take(SIGNATURE_BYTES))
