"""One height by rounds of propose, prevote, precommit, with locks: arXiv:1807.04938, algorithm 1.

For the test bed only. What a validator must not forget (round, step, locks, what it signed) is a
`Memory`, handed to the host before anything that follows from it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, Protocol

from node.consensus.certificate import Ballot, CommitCertificate, VoteKind
from node.core.block import Block
from node.core.committee import Committee
from node.core.ids import Height
from node.testing.cluster.messages import Decision, Proposal, RoundMessage, Vote

TIMEOUT_MS: Final = {1: 300, 2: 200, 3: 200}
"""By step, in round 0; half as much more for each round."""
NONE: Final = -1


class Step(IntEnum):
    """Where in a round."""

    PROPOSE = 1
    PREVOTE = 2
    PRECOMMIT = 3


@dataclass(frozen=True, slots=True)
class Memory:
    """What of a height outlives a crash. Names of fields as in the paper."""

    height: Height
    round: int = 0
    step: Step = Step.PROPOSE
    locked_round: int = NONE
    locked: Block | None = None
    valid_round: int = NONE
    valid: Block | None = None
    sent: tuple[RoundMessage, ...] = ()


class Host(Protocol):
    """What rounds need of the process around them."""

    def remember(self, memory: Memory) -> None:
        """Durable when it returns."""
        ...

    def make_block(self, height: Height, number: int) -> Block | None: ...

    def accepts(self, block: Block) -> bool: ...

    def sign_proposal(self, number: int, valid_round: int, block: Block) -> Proposal: ...

    def sign_vote(self, kind: VoteKind, height: Height, number: int, chosen: bytes | None) -> Vote:
        """With the extension, if it is a precommit."""
        ...

    def broadcast(self, message: RoundMessage) -> None: ...

    def wake(self, height: Height, number: int, step: Step, after_ms: int) -> None:
        """Call `timeout` later."""
        ...


class Rounds:
    """The rounds of one height. `decision` is set once, by `receive` or `timeout`."""

    def __init__(self, host: Host, committee: Committee, place: int, memory: Memory) -> None:
        self.memory = memory
        self.decision: Decision | None = None
        self.blocks: Final[dict[bytes, Block]] = {}
        self._host = host
        self._committee = committee
        self._place = place
        self._proposals: dict[int, dict[bytes, Proposal]] = {}
        self._votes: dict[tuple[VoteKind, int], dict[bytes | None, dict[int, Vote]]] = {}
        self._waits: set[tuple[Step, int]] = set()

    # --- inputs ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the height, or go on with it after a crash."""
        for message in self.memory.sent:
            self._keep(message)
        if self.memory.step is Step.PROPOSE:
            self._propose()
        self._advance()

    def knows(self, message: RoundMessage) -> bool:
        """Whether one that says the same was kept already."""
        if isinstance(message, Proposal):
            return message.block.header.hash in self._proposals.get(message.round, {})
        ballot = message.ballot
        votes = self._votes.get((ballot.kind, ballot.round), {})
        return message.place in votes.get(ballot.block_hash, {})

    def receive(self, message: RoundMessage) -> bool:
        """Take a message of this height whose signature holds; whether it was new."""
        if self.decision is not None or not self._keep(message):
            return False
        self._advance()
        return True

    def timeout(self, number: int, step: Step) -> None:
        """A timer that this object asked for ran out."""
        memory = self.memory
        if self.decision is not None or number != memory.round:
            return
        if step is Step.PRECOMMIT:
            self._enter(number + 1)
        elif step is memory.step and step is Step.PROPOSE:
            self._vote(VoteKind.PREVOTE, None)
        elif step is memory.step and step is Step.PREVOTE:
            self._vote(VoteKind.PRECOMMIT, None)
        self._advance()

    def held(self) -> Iterator[RoundMessage]:
        """What others may lack: all of the height, since some of them may be rounds behind."""
        for number in sorted(self._proposals):
            yield from self._proposals[number].values()
        for table in sorted(self._votes):
            for votes in self._votes[table].values():
                yield from votes.values()

    def proposed(self, number: int) -> tuple[bytes, ...]:
        """Hashes of the blocks proposed in a round: one, if its proposer is honest."""
        return tuple(self._proposals.get(number, ()))

    def certificates(self, block_hash: bytes) -> Iterator[CommitCertificate]:
        """The precommits for a block, one unchecked certificate a round: mostly too few."""
        for kind, number in sorted(self._votes):
            votes = self._votes[kind, number].get(block_hash)
            if kind is VoteKind.PRECOMMIT and votes:
                yield self._certificate(votes)

    def extensions(self, block_hash: bytes) -> tuple[bytes, ...]:
        """What the precommits for a block carry, by round and place; only those that carry any."""
        found = []
        for kind, number in sorted(self._votes):
            votes = self._votes[kind, number].get(block_hash, {})
            if kind is VoteKind.PRECOMMIT:
                found += [votes[place].extension for place in sorted(votes)]
        return tuple(extension for extension in found if extension)

    # --- rules -------------------------------------------------------------------------------

    def _advance(self) -> None:
        while self.decision is None and (
            self._decide() or self._skip() or self._prevote() or self._precommit() or self._wait()
        ):
            pass

    def _decide(self) -> bool:
        """Line 49: a quorum of precommits for a block that is known, of any round."""
        for kind, number in sorted(self._votes):
            if kind is VoteKind.PRECOMMIT:
                chosen = self._quorum(kind, number)
                if chosen in self.blocks and chosen is not None:
                    votes = self._votes[kind, number][chosen]
                    self.decision = Decision(self.blocks[chosen], self._certificate(votes))
                    return True
        return False

    def _skip(self) -> bool:
        """Line 55: more than a third are in a later round."""
        later = sorted({number for _, number in self._votes} | set(self._proposals), reverse=True)
        for number in later:
            if number <= self.memory.round:
                return False
            present = {p.place for p in self._proposals.get(number, {}).values()}
            present.update(self._voters(VoteKind.PREVOTE, number))
            present.update(self._voters(VoteKind.PRECOMMIT, number))
            if 3 * self._weight(present) > self._committee.total:
                self._enter(number)
                return True
        return False

    def _prevote(self) -> bool:
        """Lines 22 and 28: vote for what is valid and against no lock."""
        memory = self.memory
        if memory.step is not Step.PROPOSE:
            return False
        for hash_, proposal in self._proposals.get(memory.round, {}).items():
            earlier = proposal.valid_round
            if earlier != NONE and not (
                0 <= earlier < memory.round and self._quorum(VoteKind.PREVOTE, earlier) == hash_
            ):
                continue
            free = memory.locked_round <= earlier or (
                memory.locked is not None and memory.locked.header.hash == hash_
            )
            good = free and self._host.accepts(proposal.block)
            self._vote(VoteKind.PREVOTE, hash_ if good else None)
            return True
        return False

    def _precommit(self) -> bool:
        """Lines 36 and 44: lock what a quorum prevoted, or give the round up."""
        memory = self.memory
        chosen = self._quorum(VoteKind.PREVOTE, memory.round)
        if memory.step is Step.PROPOSE or chosen is _NO_QUORUM:
            return False
        if chosen is None:
            if memory.step is Step.PREVOTE:
                self._vote(VoteKind.PRECOMMIT, None)
                return True
            return False
        block = self.blocks.get(chosen)
        if block is None or memory.valid_round == memory.round or not self._host.accepts(block):
            return False
        valid = replace(memory, valid=block, valid_round=memory.round)
        if memory.step is Step.PREVOTE:
            self.memory = replace(valid, locked=block, locked_round=memory.round)
            self._vote(VoteKind.PRECOMMIT, chosen)
        else:
            self._remember(valid)
        return True

    def _wait(self) -> bool:
        """Lines 34 and 47: a quorum voted, but not for one thing; give the rest a little time."""
        memory = self.memory
        waits = [(Step.PRECOMMIT, VoteKind.PRECOMMIT)]
        if memory.step is Step.PREVOTE:
            waits.append((Step.PREVOTE, VoteKind.PREVOTE))
        for step, kind in waits:
            voted = self._weight(self._voters(kind, memory.round))
            if voted >= self._committee.quorum and (step, memory.round) not in self._waits:
                self._wake(step)
                return True
        return False

    # --- acts --------------------------------------------------------------------------------

    def _enter(self, number: int) -> None:
        self._remember(replace(self.memory, round=number, step=Step.PROPOSE))
        self._propose()

    def _propose(self) -> None:
        memory = self.memory
        self._wake(Step.PROPOSE)
        if proposer(self._committee, memory.height, memory.round) != self._place:
            return
        if any(isinstance(m, Proposal) and m.round == memory.round for m in memory.sent):
            return
        block = memory.valid or self._host.make_block(memory.height, memory.round)
        if block is None:
            return
        earlier = memory.valid_round if memory.valid is not None else NONE
        self._send(self._host.sign_proposal(memory.round, earlier, block), memory)

    def _vote(self, kind: VoteKind, chosen: bytes | None) -> None:
        """Sign once per kind and round, remember, send; in this order."""
        memory = self.memory
        step = Step.PREVOTE if kind is VoteKind.PREVOTE else Step.PRECOMMIT
        for message in memory.sent:
            if isinstance(message, Vote) and (message.ballot.kind, message.round) == (
                kind,
                memory.round,
            ):
                raise RuntimeError(f"a second {message}")
        vote = self._host.sign_vote(kind, memory.height, memory.round, chosen)
        self._send(vote, replace(memory, step=step))

    def _send(self, message: RoundMessage, memory: Memory) -> None:
        self._remember(replace(memory, sent=(*memory.sent, message)))
        self._keep(message)
        self._host.broadcast(message)

    def _remember(self, memory: Memory) -> None:
        self._host.remember(memory)
        self.memory = memory

    def _wake(self, step: Step) -> None:
        self._waits.add((step, self.memory.round))
        after = TIMEOUT_MS[step] * (2 + self.memory.round) // 2
        self._host.wake(self.memory.height, self.memory.round, step, after)

    # --- tables ------------------------------------------------------------------------------

    def _keep(self, message: RoundMessage) -> bool:
        if isinstance(message, Proposal):
            if message.place != proposer(self._committee, message.height, message.round):
                return False
            known = self._proposals.setdefault(message.round, {})
            hash_ = message.block.header.hash
            self.blocks.setdefault(hash_, message.block)
            return known.setdefault(hash_, message) is message
        ballot = message.ballot
        votes = self._votes.setdefault((ballot.kind, ballot.round), {})
        same = votes.setdefault(ballot.block_hash, {})
        return same.setdefault(message.place, message) is message

    def _voters(self, kind: VoteKind, number: int) -> set[int]:
        return {place for votes in self._votes.get((kind, number), {}).values() for place in votes}

    def _quorum(self, kind: VoteKind, number: int) -> bytes | None:
        """What a quorum voted for, `None` being no block; `_NO_QUORUM` if there is none."""
        for chosen, votes in self._votes.get((kind, number), {}).items():
            if self._weight(votes) >= self._committee.quorum:
                return chosen
        return _NO_QUORUM

    def _weight(self, places: Iterable[int]) -> int:
        return sum(self._committee.members[place].weight for place in places)

    def _certificate(self, votes: dict[int, Vote]) -> CommitCertificate:
        ballot: Ballot = next(iter(votes.values())).ballot
        signatures = {place: vote.signature for place, vote in votes.items()}
        return CommitCertificate.of(ballot, len(self._committee.members), signatures)


_NO_QUORUM: Final = b"no quorum"


def proposer(committee: Committee, height: int, number: int) -> int:
    """Whose turn it is: everybody in turn, whatever their weights."""
    return (height + number) % len(committee.members)
