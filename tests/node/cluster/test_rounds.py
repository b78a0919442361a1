"""Locks of the test bed's rounds: without them its runs would say nothing about finality."""

from __future__ import annotations

from node.consensus.certificate import Ballot, VoteKind
from node.core.block import Block, Header, tx_root
from node.core.ids import Height, StateRoot
from node.testing.cluster.keys import keys
from node.testing.cluster.messages import Proposal, Vote
from node.testing.cluster.rounds import Memory, Rounds, Step

KEYS = keys(4)
CHAIN = KEYS.genesis.chain_id


def block(time_ms: int) -> Block:
    root = StateRoot(bytes(32))
    return Block(Header(CHAIN, Height(1), time_ms, bytes(32), root, tx_root(())), ())


ONE, OTHER = block(1), block(2)


class Recorder:
    """A host that accepts everything and notes what is said."""

    def __init__(self) -> None:
        self.said: list[Proposal | Vote] = []
        self.kept: list[Memory] = []

    def remember(self, memory):
        self.kept.append(memory)

    def make_block(self, height, number):
        return OTHER

    def accepts(self, block):
        return True

    def sign_proposal(self, number, valid_round, block):
        return Proposal(number, valid_round, block, 0, b"")

    def sign_vote(self, kind, height, number, chosen):
        return Vote(Ballot(CHAIN, kind, height, number, chosen), 0, b"")

    def broadcast(self, message):
        assert message in self.kept[-1].sent  # remembered before it is said
        self.said.append(message)

    def wake(self, height, number, step, after_ms):
        assert after_ms > 0


def vote(kind, number, place, chosen) -> Vote:
    hash_ = None if chosen is None else chosen.header.hash
    return Vote(Ballot(CHAIN, kind, Height(1), number, hash_), place, b"")


def proposal(number, place, chosen, earlier=-1) -> Proposal:
    return Proposal(number, earlier, chosen, place, b"")


def locked() -> tuple[Recorder, Rounds]:
    """Place 0, locked on ONE in round 0, and moved on to round 1, whose proposer is place 2."""
    host = Recorder()
    rounds = Rounds(host, KEYS.committee, 0, Memory(Height(1)))
    rounds.start()
    rounds.receive(proposal(0, 1, ONE))
    for place in (1, 2):
        rounds.receive(vote(VoteKind.PREVOTE, 0, place, ONE))
    assert rounds.memory.locked == ONE
    for place in (1, 2):
        rounds.receive(vote(VoteKind.PRECOMMIT, 0, place, None))
    rounds.timeout(0, Step.PRECOMMIT)
    assert (rounds.memory.round, rounds.decision) == (1, None)
    return host, rounds


def test_a_locked_validator_prevotes_nothing_else() -> None:
    host, rounds = locked()
    rounds.receive(proposal(1, 2, OTHER))
    assert host.said[-1] == vote(VoteKind.PREVOTE, 1, 0, None)


def test_a_lock_holds_for_its_own_block() -> None:
    host, rounds = locked()
    rounds.receive(proposal(1, 2, ONE))
    assert host.said[-1] == vote(VoteKind.PREVOTE, 1, 0, ONE)


def test_a_lock_gives_way_to_a_later_quorum_of_prevotes_only() -> None:
    host, rounds = locked()
    rounds.timeout(1, Step.PROPOSE)
    for place in (1, 2, 3):
        rounds.receive(vote(VoteKind.PREVOTE, 1, place, OTHER))
    for place in (1, 2, 3):
        rounds.receive(vote(VoteKind.PRECOMMIT, 1, place, None))
    rounds.timeout(1, Step.PRECOMMIT)
    assert rounds.memory.locked == ONE  # the block itself never came
    before = list(host.said)
    rounds.receive(proposal(2, 3, OTHER, 0))  # round 0 had no quorum for it
    rounds.receive(proposal(2, 3, ONE, 5))  # a round that was not yet
    assert host.said == before
    fresh_host, fresh = locked()
    fresh.timeout(1, Step.PROPOSE)
    for place in (1, 2, 3):
        fresh.receive(vote(VoteKind.PREVOTE, 1, place, OTHER))
        fresh.receive(vote(VoteKind.PRECOMMIT, 1, place, None))
    fresh.timeout(1, Step.PRECOMMIT)
    fresh.receive(proposal(2, 3, OTHER, 1))
    assert fresh_host.said[-1] == vote(VoteKind.PREVOTE, 2, 0, OTHER)


def test_locks_and_votes_outlive_a_crash() -> None:
    host, rounds = locked()
    rounds.receive(proposal(1, 2, OTHER))
    again = Recorder()
    revived = Rounds(again, KEYS.committee, 0, host.kept[-1])
    revived.start()
    revived.receive(proposal(1, 2, ONE))
    assert again.said == []  # it has prevoted in this round, and does not again
    assert revived.memory.locked == ONE


def test_precommits_of_two_rounds_decide_nothing() -> None:
    _, rounds = locked()
    rounds.receive(vote(VoteKind.PRECOMMIT, 1, 1, ONE))
    rounds.receive(vote(VoteKind.PRECOMMIT, 1, 2, ONE))
    assert rounds.decision is None  # with its own of round 0 they would be three
    rounds.receive(vote(VoteKind.PRECOMMIT, 1, 3, ONE))
    assert rounds.decision is not None
