"""Duplicate votes: judged by their bytes, punished once, in time, for good."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.consensus.cometbft import wire
from node.consensus.cometbft.duplicate import DuplicateVote
from node.consensus.cometbft.mapping import engine_chain_id
from node.consensus.cometbft.votes import NO_BLOCK, BlockId, Vote, VoteType
from node.core.ed25519 import is_signed
from node.core.effects import Event
from node.core.errors import InvalidTransaction
from node.core.ids import Height
from node.core.stake import MILLION
from node.stake import punishment
from node.stake import state as entries
from node.stake.faults import FaultKind, Offence
from node.stake.punishment import PUNISHED
from node.stake.transaction import EvidenceTx, Tag
from node.stake.transaction import wire as enveloped
from node.testing.stake import BONDS, StakeChain, double_vote, genesis, key, parameters, validator
from node.testing.twisted import sign
from zk.errors import DecodeError

CUT = 50_000
BLOCK = BlockId(b"\x01" * 32, 1, b"\x02" * 32)


def record(chain, n):
    return entries.validator(chain.state, validator(n).account)


def test_st16_a_fault_lies_before_the_block_that_punishes_it(chain):
    chain.to(3)
    for height in (4, 5, 2**62):
        assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(0), height))) == [
            "ST-16"
        ]
        chain.ledger = StakeChain(chain.genesis).ledger
        chain.to(3)
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(0), 3))) == ["ok"]


def test_st16_a_fault_is_of_a_block(chain):
    chain.to(2)
    for height, fine in ((0, False), (1, True), (2, True), (3, False)):
        found = Offence(validator(0).account, FaultKind.TWO_ROOTS, Height(height))
        if fine:
            punishment.check(found, chain.state, Height(3), chain.stake)
            continue
        with pytest.raises(InvalidTransaction) as caught:
            punishment.check(found, chain.state, Height(3), chain.stake)
        assert caught.value.rule == "ST-16"


def test_st17_of_whom_nothing_is_at_stake_nothing_is_taken(chain):
    chain.to(1)
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(9), 1))) == ["ST-17"]


@pytest.mark.parametrize("unbonding", [2, 3])
def test_st18_a_fault_counts_as_long_as_its_stake_is_there(unbonding):
    """Notice in epoch 0: the stake stands for faults of epoch 1, and is due behind epoch U."""
    chain = StakeChain(genesis(parameters(unbonding_epochs=unbonding)))
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), BONDS[0])) == ["ok"]
    fault = chain.stake.last_height(1)
    chain.to(chain.stake.last_height(unbonding) - 1)
    votes = chain.evidence(double_vote(chain.genesis, validator(0), fault))
    old = chain.evidence(double_vote(chain.genesis, validator(1), chain.stake.last_height(0)))
    assert chain.codes(votes, old) == ["ok", "ST-18"]
    left = BONDS[0] - BONDS[0] * CUT // MILLION
    assert entries.notices(chain.state, validator(0).account) == ((0, left),)
    other = chain.evidence(double_vote(chain.genesis, validator(1), fault))
    assert chain.codes(other) == ["ST-18"]
    assert chain.codes(chain.make(Tag.WITHDRAW, key(1), validator(0), 0)) == ["ok"]
    chain.check()


def test_st19_what_is_of_no_use_any_more_gets_no_place(chain):
    """It pays nothing, so a pool looks at the state before it looks at its room."""
    chain.to(1)
    intake = chain.ledger.executor.intake
    found = [chain.evidence(double_vote(chain.genesis, validator(0), h)) for h in (1, 50)]

    def look(data):
        intake.check_historical(intake.decode(data), chain.state, Height(chain.height + 1))

    look(found[0])
    for data, rule in ((found[0], "ST-19"), (found[1], "ST-16")):
        assert chain.codes(data) == ["ok" if rule == "ST-19" else rule]
        with pytest.raises(InvalidTransaction) as caught:
            look(data)
        assert caught.value.rule == rule


def test_st19_once_for_a_kind_and_an_epoch(chain):
    chain.to(6)
    first = chain.evidence(double_vote(chain.genesis, validator(0), 1))
    same = chain.evidence(double_vote(chain.genesis, validator(0), 3, kind=VoteType.PREVOTE))
    later = chain.evidence(double_vote(chain.genesis, validator(0), 6))
    assert chain.codes(first, first, same, later) == ["ok", "ST-19", "ST-19", "ok"]
    once = BONDS[0] - BONDS[0] * CUT // MILLION
    assert record(chain, 0).bonded == once - once * CUT // MILLION
    assert record(chain, 0).fault == 7
    assert entries.lost(chain.state) == BONDS[0] - record(chain, 0).bonded
    chain.check()


def test_st19_what_was_punished_is_forgotten_when_it_is_too_old_to_be_punished_again(chain):
    chain.to(1)
    first = chain.evidence(double_vote(chain.genesis, validator(0), 1))
    assert chain.codes(first) == ["ok"]
    found = entries.punished_key(0, validator(0).account, FaultKind.DUPLICATE_VOTE)
    while chain.height < 12:
        assert (chain.state.get(found) is not None) == (chain.height < 8)
        assert chain.codes(first) == ["ST-19" if chain.height <= 8 else "ST-18"]


def both(votes, **changes):
    return dataclasses.replace(
        votes, a=dataclasses.replace(votes.a, **changes), b=dataclasses.replace(votes.b, **changes)
    )


def one(votes, which, **changes):
    changed = dataclasses.replace(getattr(votes, which), **changes)
    return dataclasses.replace(votes, **{which: changed})


CHANGES = {
    "another key": lambda v: dataclasses.replace(v, key=validator(1).account),
    "another type": lambda v: both(v, kind=VoteType.PREVOTE),
    "no type": lambda v: both(v, kind=32),
    "another height": lambda v: both(v, height=2),
    "no height": lambda v: both(v, height=0),
    "another round": lambda v: both(v, round=1),
    "a round beyond": lambda v: both(v, round=2**31),
    "one vote twice": lambda v: dataclasses.replace(v, b=v.a),
    "the greater first": lambda v: dataclasses.replace(v, a=v.b, b=v.a),
    "another time": lambda v: one(v, "a", moment=9),
    "no time": lambda v: one(v, "a", moment=wire.LAST_MOMENT + 1),
    "another block": lambda v: one(v, "b", block=BlockId(b"\x09" * 32, 1, b"\x02" * 32)),
    "a block of no parts": lambda v: one(v, "b", block=BlockId(b"\x01" * 32, 0, b"\x02" * 32)),
    "another signature": lambda v: one(v, "a", signature=v.b.signature),
}


@pytest.mark.parametrize("name", CHANGES)
def test_st20_nothing_else_is_a_double_vote(chain, name):
    chain.to(2)
    good = double_vote(chain.genesis, validator(0), 1)
    assert chain.codes(chain.evidence(CHANGES[name](good))) == ["ST-20"]
    assert chain.codes(chain.evidence(good)) == ["ok"]


@pytest.mark.parametrize(
    "bare",
    [
        Vote(VoteType.PRECOMMIT, 1, 2**31, BLOCK, 0),
        Vote(VoteType.PRECOMMIT, 1, 0, BLOCK, wire.LAST_MOMENT + 1),
        Vote(VoteType.PRECOMMIT, 1, 0, BLOCK, wire.FIRST_MOMENT - 1),
        Vote(VoteType.PRECOMMIT, 1, 0, dataclasses.replace(BLOCK, parts=0), 0),
    ],
)
def test_st20_what_cometbft_never_has_signed_is_none_though_it_is_signed(chain, bare):
    """Another program with the validator's key may be made to sign such bytes."""
    who, name = validator(0), engine_chain_id(chain.genesis)
    pair = [bare, dataclasses.replace(bare, block=NO_BLOCK)]
    votes = [dataclasses.replace(v, signature=who.sign(v.sign_bytes(name))) for v in pair]
    chain.to(2)
    data = chain.evidence(DuplicateVote.of(who.account, *votes))
    assert chain.codes(data) == ["ST-20"]


@pytest.mark.parametrize("moment", [wire.FIRST_MOMENT, -1, 2**63, wire.LAST_MOMENT])
def test_st20_votes_of_any_time_convict(chain, moment):
    """CometBFT does not look at a vote's time: it must not let anybody go."""
    chain.to(2)
    who, name = validator(0), engine_chain_id(chain.genesis)
    good = both(double_vote(chain.genesis, who, 1), moment=moment)
    for which in ("a", "b"):
        bare = getattr(good, which)
        good = one(good, which, signature=who.sign(bare.sign_bytes(name)))
    assert chain.codes(chain.evidence(good)) == ["ok"]


def test_st20_a_signature_that_only_cometbft_takes_convicts_as_well(chain):
    """Else who signs so votes twice, and nobody can prove it to the ledger."""
    chain.to(2)
    name, good = engine_chain_id(chain.genesis), double_vote(chain.genesis, validator(0), 1)
    seed = bytes([100]) * 32
    for which in ("a", "b"):
        bare = getattr(good, which).sign_bytes(name)
        good = one(good, which, signature=sign(seed, bare))
    assert not is_signed(good.key, good.a.sign_bytes(name), good.a.signature)
    wrong = one(good, "b", signature=sign(seed, b"something else"))
    assert chain.codes(chain.evidence(wrong)) == ["ST-20"]
    assert chain.codes(chain.evidence(good)) == ["ok"]


def test_st20_votes_of_another_chain(chain):
    other = dataclasses.replace(chain.genesis, name="other")
    chain.to(2)
    assert chain.codes(chain.evidence(double_vote(other, validator(0), 1))) == ["ST-20"]


HASH = st.binary(min_size=32, max_size=32)
BLOCKS = st.just(NO_BLOCK) | st.builds(BlockId, HASH, st.integers(1, 2**32 - 1), HASH)
MOMENTS = st.integers(wire.FIRST_MOMENT, wire.LAST_MOMENT)
SIGNED = st.tuples(BLOCKS, MOMENTS, st.binary(min_size=64, max_size=64))


@given(
    HASH,
    st.sampled_from(VoteType),
    st.integers(1, 2**63 - 1),
    st.integers(0, 2**31 - 1),
    SIGNED,
    SIGNED,
)
def test_st20_one_encoding_of_a_pair(public, kind, height, turn, first, second):
    votes = [Vote(kind, height, turn, *parts) for parts in (first, second)]
    found = DuplicateVote.of(public, *votes)
    data = found.to_bytes()
    assert DuplicateVote.from_bytes(data) == found
    if first[0] != second[0]:
        assert DuplicateVote.of(public, *reversed(votes)) == found
    for wrong in (data[:-1], data + b"\0"):
        with pytest.raises(DecodeError):
            DuplicateVote.from_bytes(wrong)


def test_st21_a_chain_without_a_lane_knows_no_evidence_of_one(chain):
    chain.to(1)
    for kind in (FaultKind.TWO_ROOTS, FaultKind.WRONG_SHARE, FaultKind.KEY_GENERATION):
        assert chain.codes(enveloped(EvidenceTx(chain.genesis.chain_id, kind, b"x"))) == ["ST-21"]


@pytest.mark.parametrize("kind", [k for k in FaultKind if k is not FaultKind.DUPLICATE_VOTE])
def test_st21_the_lane_judges_its_own(kind):
    """One path for all kinds: what the lane says is punished by the same rules."""
    from node.core.interfaces import TxContext
    from node.stake.env import StakeEnvironment

    class Lane:
        def judge(self, kind, evidence, state):
            if evidence != b"true":
                raise InvalidTransaction("LN-0", "nothing is proved")
            return Offence(validator(0).account, kind, 1)

    chain = StakeChain(genesis(parameters(key_generation=1000, two_roots=2000, wrong_share=3000)))
    chain.to(2)
    environment = StakeEnvironment(chain.genesis, {kind: Lane()})
    context = TxContext(chain.genesis.chain_id, 3)
    for use in (environment.check_historical, environment.execute):
        with pytest.raises(InvalidTransaction, match="nothing is proved"):
            use(EvidenceTx(chain.genesis.chain_id, kind, b"false"), chain.state, context)
    tx = EvidenceTx(chain.genesis.chain_id, kind, b"true")
    environment.check_historical(tx, chain.state, context)
    writes = dict(environment.execute(tx, chain.state, context).writes)
    after = entries.Validator.from_bytes(writes[entries.validator_key(validator(0).account)])
    assert after.bonded == BONDS[0] - BONDS[0] * kind.fraction(chain.stake) // MILLION


def test_st22_who_gave_notice_of_all_votes_for_nothing_in_no_block(chain):
    """It votes once more behind its last epoch (ST-3), and its stake still stands for that."""
    who = validator(0).account
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), BONDS[0])) == ["ok"]
    while who in chain.weights():
        chain.run()
    last = chain.height + 1  # the block behind it is the first that it does not vote for
    assert last == chain.stake.last_height(1) + 1
    chain.to(last)
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(0), last))) == ["ok"]
    left = BONDS[0] - BONDS[0] * CUT // MILLION
    assert entries.notices(chain.state, who) == ((0, left),)
    chain.check()


def test_st22_a_fault_costs_what_stood_behind_it_and_no_more(chain):
    """Notice of epochs 0 … 2; a fault of epoch 3 had what was given notice of since epoch 2."""
    for epoch in range(3):
        chain.to(epoch * 4)
        assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), 1000)) == ["ok"]
    chain.to(14)
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(0), 14))) == ["ok"]
    assert entries.notices(chain.state, validator(0).account) == (
        (0, 1000), (1, 1000), (2, 950),
    )  # fmt: skip
    assert record(chain, 0).bonded == 1900
    assert record(chain, 0).fault == 15
    assert entries.lost(chain.state) == 150
    chain.check()


def test_st22_the_first_fault_is_the_one_that_is_told(chain):
    chain.to(1)
    for kind, fault in ((VoteType.PRECOMMIT, 2), (VoteType.PREVOTE, 7)):
        chain.to(fault - 1)
        votes = double_vote(chain.genesis, validator(0), fault - 1, kind=kind)
        assert chain.codes(chain.evidence(votes)) == ["ok"]
        assert record(chain, 0).fault == 2


def test_st22_the_receipt_says_what_it_cost(chain):
    chain.to(1)
    (receipt,) = chain.run(chain.evidence(double_vote(chain.genesis, validator(3), 1)))
    assert receipt.fee == 0
    assert receipt.events == (
        Event(
            PUNISHED,
            (
                ("validator", validator(3).account.hex()),
                ("kind", "duplicate-vote"),
                ("height", "1"),
                ("amount", str(BONDS[3] * CUT // MILLION)),
            ),
        ),
    )


def test_st22_all_of_it_may_be_lost():
    chain = StakeChain(genesis(parameters(duplicate_vote=MILLION)))
    chain.to(1)
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(0), 1))) == ["ok"]
    assert record(chain, 0).bonded == 0
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), 1)) == ["ST-13"]
    assert entries.lost(chain.state) == BONDS[0]
    chain.check()
