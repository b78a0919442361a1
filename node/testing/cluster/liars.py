"""What Byzantine validators do instead of the protocol. They have their own keys only."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from node.consensus.certificate import Ballot, CommitCertificate, VoteKind
from node.core.block import Block, tx_root
from node.core.ids import ChainId, Height, StateRoot
from node.testing.cluster.faults import Lie
from node.testing.cluster.keys import Members
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

    def __init__(self, lie: Lie, keys: Members, place: int, draw: random.Random) -> None:
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
            header = self._draw.choice(
                (
                    replace(honest.header, chain_id=ChainId(_WRONG)),
                    replace(honest.header, previous=_WRONG),
                    replace(honest.header, state_root=StateRoot(_WRONG)),
                    replace(honest.header, time_ms=0),
                    replace(honest.header, tx_root=_WRONG),
                )
            )
            return Block(header, honest.txs)
        if self._lie is Lie.INVALID:
            bad = self._draw.choice((b"add x -5", b"seal " + bytes(40), b"take all"))
            txs = (*honest.txs, bad)
            return Block(replace(honest.header, tx_root=tx_root(txs)), txs)
        if self._lie in {Lie.EQUIVOCATE, Lie.FORGE}:
            self._other[honest.header.height, number] = other
        return honest

    def twist(
        self, message: RoundMessage, proposed: Sequence[bytes], target: int
    ) -> tuple[RoundMessage, ...]:
        """What one peer gets in the place of a message of its own that all should get.

        Equivocation takes sides: peers of even place are told of one block, the others of another,
        so that several liars work for the same split without talking to each other.

        Args:
            message: as the protocol would send it.
            proposed: hashes of the blocks that were proposed in its round.
            target: place of the peer.
        """
        if self._lie is Lie.MUTE and isinstance(message, Vote):
            return ()
        if self._lie not in {Lie.EQUIVOCATE, Lie.FORGE}:
            return (message,)
        side = target % 2
        other = self._other.get((message.height, message.round))
        if isinstance(message, Proposal):
            if other is None:
                return (message,)
            both = sorted(
                (message, self._sign_proposal(message, other)),
                key=lambda proposal: proposal.block.header.hash,
            )
            return both[side], both[1 - side]
        known = {*proposed, *([other.header.hash] if other else [])}
        if not known or self._draw.random() < 0.1:
            return (message,)
        chosen = sorted(known)[-side]
        return (self._sign_vote(replace(message.ballot, block_hash=chosen), message),)

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
