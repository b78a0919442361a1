"""What Byzantine validators do instead of the protocol. They have their own keys only."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from node.consensus.certificate import Ballot, CommitCertificate, VoteKind
from node.core.block import Block, tx_root
from node.core.ids import Height, StateRoot
from node.testing.cluster.faults import Lie
from node.testing.cluster.keys import Keys
from node.testing.cluster.messages import Decision, Proposal, RoundMessage, Vote

_WRONG: Final = bytes(range(32))


class Liar:
    """One Byzantine validator's choices.

    Args:
        lie: what it does.
        keys: of the cluster.
        place: whose key it signs with.
        draw: its randomness.
    """

    def __init__(self, lie: Lie, keys: Keys, place: int, draw: random.Random) -> None:
        self._lie = lie
        self._keys = keys
        self._place = place
        self._draw = draw
        self._other: dict[tuple[Height, int], Block] = {}

    def block(self, honest: Block, other: Block, number: int) -> Block | None:
        """What it proposes in the place of an honest block; `other` would be as good."""
        if self._lie is Lie.SILENT:
            return None
        if self._lie is Lie.GARBAGE:
            wrong = self._draw.choice(("state_root", "tx_root", "previous", "height", "time_ms"))
            values = {"height": honest.header.height + 7, "time_ms": 0}
            header = replace(honest.header, **{wrong: values.get(wrong, StateRoot(_WRONG))})
            # A header of another height would be dropped as such: the proposal must reach a check.
            if wrong == "height":
                header = replace(honest.header, chain_id=_WRONG)  # type: ignore[arg-type]
            return Block(header, honest.txs)
        if self._lie is Lie.INVALID:
            bad = self._draw.choice((b"add x -5", b"seal " + bytes(40), b"take all"))
            txs = (*honest.txs, bad)
            return Block(replace(honest.header, tx_root=tx_root(txs)), txs)
        if self._lie in {Lie.EQUIVOCATE, Lie.FORGE}:
            self._other[honest.header.height, number] = other
        return honest

    def twist(self, message: RoundMessage, known: Sequence[bytes]) -> RoundMessage | None:
        """What one peer gets in the place of a message that all should get."""
        if self._lie is Lie.MUTE and isinstance(message, Vote):
            return None
        if self._lie not in {Lie.EQUIVOCATE, Lie.FORGE} or self._draw.random() < 0.5:
            return message
        if isinstance(message, Proposal):
            other = self._other.get((message.height, message.round))
            return message if other is None else self._sign_proposal(message, other)
        chosen = self._draw.choice((None, *known))
        return self._sign_vote(replace(message.ballot, block_hash=chosen), message)

    def forgeries(
        self, blocks: Sequence[Block], votes: Sequence[RoundMessage]
    ) -> Iterator[Decision]:
        """Decisions about blocks that nobody decided, from what signatures it saw."""
        if self._lie is not Lie.FORGE:
            return
        count = len(self._keys.committee.members)
        for block in blocks:
            header = block.header
            ballot = Ballot(header.chain_id, VoteKind.PRECOMMIT, header.height, 0, header.hash)
            mine = self._keys.signers[self._place].sign(ballot.digest(self._keys.committee))
            seen = {
                vote.place: vote.signature
                for vote in votes
                if isinstance(vote, Vote) and vote.ballot.block_hash == header.hash
            }
            for signatures in ({self._place: mine}, {**seen, self._place: mine}):
                yield Decision(block, CommitCertificate.of(ballot, count, signatures))
            everyone = dict.fromkeys(range(count), mine)
            yield Decision(block, CommitCertificate.of(ballot, count, everyone))

    def _sign_proposal(self, message: Proposal, block: Block) -> Proposal:
        unsigned = replace(message, block=block)
        signer = self._keys.signers[self._place]
        return replace(unsigned, signature=signer.sign(unsigned.digest(self._keys.committee)))

    def _sign_vote(self, ballot: Ballot, message: Vote) -> Vote:
        signature = self._keys.signers[self._place].sign(ballot.digest(self._keys.committee))
        return replace(message, ballot=ballot, signature=signature)
