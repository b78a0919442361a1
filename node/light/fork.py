"""Evidence of a fork: two blocks of one height that both follow from one before.  Rule LC-14."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.consensus.cometbft.duplicate import DuplicateVote
from node.core.codec import Reader, Writer
from node.light.block import Flag, LightBlock
from zk.errors import NonCanonical

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Fork:
    """Two blocks that cannot both be the chain's.

    Attributes:
        common: height of the last block on which both sides agree; 0 is genesis.
        ours: what the primary serves.
        theirs: what a witness serves.
    """

    common: int
    ours: LightBlock
    theirs: LightBlock

    def to_bytes(self) -> bytes:
        """Version, common height, both blocks."""
        writer = Writer().u8(_VERSION).u64(self.common)
        return writer.blob(self.ours.to_bytes()).blob(self.theirs.to_bytes()).done()

    @staticmethod
    def from_bytes(data: bytes) -> Fork:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "fork")
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"LC-14: unknown version {version}", where=reader.where)
        common = reader.u64()
        ours, theirs = (LightBlock.from_bytes(reader.blob(len(data), "block")) for _ in range(2))
        reader.done()
        for block in (ours, theirs):
            if len(block.commit.places) != len(block.validators.members):
                raise NonCanonical("LC-14: not a place for each validator", where=reader.where)
        return Fork(common, ours, theirs)

    def double_votes(self) -> tuple[DuplicateVote, ...]:
        """Who signed both in one round: each pair convicts its validator, for anybody.

        Empty for other forks: validators who voted in two rounds, or made up a header, are known
        to the chain's nodes, who saw what they had voted before.
        """
        first, second = self.ours.commit, self.theirs.commit
        if (first.height, first.round) != (second.height, second.round):
            return ()
        if first.block == second.block:
            return ()
        theirs = {p.address: p for p in second.places if p.flag == Flag.COMMIT}
        return tuple(
            DuplicateVote.of(member.key, first.vote(place), second.vote(theirs[place.address]))
            for place, member in zip(first.places, self.ours.validators.members, strict=True)
            if place.flag == Flag.COMMIT and place.address in theirs
        )
