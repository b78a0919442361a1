"""Rosters: fixed one whole epoch ahead, those with the most stake, never empty."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.errors import InvalidTransaction
from node.core.genesis import development_genesis
from node.core.lane import MAX_REVEAL_WINDOW
from node.execution.overlay import EmptyState
from node.stake import state as entries
from node.stake.rosters import committee, consensus_set, genesis_roster
from node.stake.transaction import Tag
from node.testing.lane import LANE, LaneChain, lane_genesis
from node.testing.stake import (
    BONDS,
    PURSE,
    UNIT,
    StakeChain,
    double_vote,
    genesis,
    key,
    parameters,
    validator,
)
from zk.errors import DecodeError


def weights(found) -> dict[bytes, int]:
    return {member.key: member.weight for member in found.members}


def of(*pairs: tuple[int, int]) -> dict[bytes, int]:
    """Validator number → bond, as weights."""
    return {validator(n).account: bond // UNIT for n, bond in pairs}


START = of(*enumerate(BONDS))


def test_st1_epochs_0_and_1_have_the_roster_of_genesis_and_e_plus_2_that_of_the_end_of_e(chain):
    for epoch in (0, 1):
        assert weights(committee(chain.state, chain.genesis, epoch)) == START
    chain.run(chain.make(Tag.BOND, key(1), validator(0), 600))
    chain.to(3)
    with pytest.raises(InvalidTransaction, match="no roster of epoch 2") as caught:
        committee(chain.state, chain.genesis, 2)
    assert caught.value.rule == "ST-2"
    chain.to(4)
    more = {**START, **of((0, BONDS[0] + 600))}
    assert weights(committee(chain.state, chain.genesis, 2)) == more
    assert weights(committee(chain.state, chain.genesis, 1)) == START
    ids = [m.id for m in committee(chain.state, chain.genesis, 2).members]
    assert ids == sorted(ids) == [m.key for m in committee(chain.state, chain.genesis, 2).members]


def test_st1_without_stake_validators_are_equals_in_every_epoch():
    keys = tuple(sorted(validator(n).account for n in range(4)))
    found = development_genesis(validators=keys)
    for epoch in (0, 1, 7, 10**9):
        assert weights(committee(EmptyState(), found, epoch)) == dict.fromkeys(keys, 1)
    assert consensus_set(EmptyState(), found) == genesis_roster(found)
    with pytest.raises(DecodeError, match="DA-1"):
        committee(EmptyState(), development_genesis(), 0)


def test_st2_rosters_are_kept_while_faults_in_them_count_and_no_longer(chain):
    for end in range(1, 8):
        chain.to(end * 4)
        oldest = max(end - chain.stake.unbonding_epochs + 1, 0)
        for epoch in range(end + 5):
            if oldest <= epoch <= end + 1:
                assert weights(committee(chain.state, chain.genesis, epoch)) == START
                continue
            with pytest.raises(InvalidTransaction) as caught:
                committee(chain.state, chain.genesis, epoch)
            assert caught.value.rule == "ST-2"
    with pytest.raises(InvalidTransaction, match="no roster of epoch -1"):
        committee(chain.state, chain.genesis, -1)


def test_st2_rosters_are_kept_while_what_was_sealed_under_them_is_opened():
    """Epochs and grace may be shorter than a batch takes: members restore shares till then."""
    lane = dataclasses.replace(LANE, domains=LANE.domains[1:], epoch_heights=2, grace=1, lead=1)
    chain = LaneChain(4, genesis=lane_genesis(4, lane=lane, stakes=(5, 4, 3, 3)))
    while chain.height < 30:
        chain.step()
        for epoch in range(lane.epoch_of(chain.height) + 1):
            if chain.height < lane.last_height(epoch) + MAX_REVEAL_WINDOW:
                assert len(committee(chain.state, chain.genesis, epoch).members) == 4
    with pytest.raises(InvalidTransaction) as caught:
        committee(chain.state, chain.genesis, 0)
    assert caught.value.rule == "ST-2"


@pytest.mark.parametrize("epoch_heights", [1, 2, 3, 4])
def test_st3_consensus_follows_the_roster_of_the_height_that_heeds_it(epoch_heights):
    """What the state says behind H is about H + 2, whose votes open what H + 1 closed."""
    chain = StakeChain(genesis(parameters(epoch_heights=epoch_heights)))
    assert chain.weights() == START
    rosters = {0: START, 1: START}
    for height in range(1, 17):
        chain.run(chain.make(Tag.BOND, key(2), validator(1), 100 * height))
        epoch = chain.stake.epoch_of(height)
        if height == chain.stake.last_height(epoch):
            rosters[epoch + 2] = weights(committee(chain.state, chain.genesis, epoch + 2))
        assert chain.weights() == rosters[chain.stake.epoch_of(height + 1)]
    assert len({tuple(found.items()) for found in rosters.values()}) == len(rosters) - 1


def test_st4_those_with_the_most_stake_and_of_equals_the_lower_key():
    chain = StakeChain(genesis(parameters(max_validators=4)))
    new = sorted((validator(n) for n in (4, 5)), key=lambda k: k.account)
    for who in reversed(new):  # both as much as the third; one place becomes free
        assert chain.codes(chain.make(Tag.BOND, key(9), who, 3000, proof=True)) == ["ok"]
    chain.to(4)
    third = validator(2).account
    lower = sorted([third, *(who.account for who in new)])[:2]
    expected = {**of((0, 5000), (1, 4000)), **dict.fromkeys(lower, 30)}
    assert weights(committee(chain.state, chain.genesis, 2)) == expected


def test_st4_with_nobody_left_the_roster_stays(chain):
    for n, amount in enumerate(BONDS):
        tx = chain.make(Tag.UNBOND, key(n + 1), validator(n), amount)
        assert chain.codes(tx) == ["ok"]
    assert chain.height == 4
    assert weights(committee(chain.state, chain.genesis, 2)) == START
    chain.to(40)
    assert chain.weights() == START
    assert chain.codes(chain.make(Tag.BOND, key(9), validator(7), 1000, proof=True)) == ["ok"]
    chain.to(52)
    assert chain.weights() == {validator(7).account: 10}


def test_st4_who_has_less_than_the_least_bond_has_no_place(chain):
    """Who gave notice of all of it, and has no fault; what is exactly enough is enough."""
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), BONDS[0] - 1000)) == ["ok"]
    assert chain.codes(chain.make(Tag.UNBOND, key(4), validator(3), BONDS[3])) == ["ok"]
    chain.to(4)
    found = weights(committee(chain.state, chain.genesis, 2))
    assert found == of((0, 1000), *list(enumerate(BONDS))[1:3])


def test_st5_who_was_at_fault_votes_no_more_from_two_blocks_later(chain):
    chain.to(1)
    votes = double_vote(chain.genesis, validator(0), 1)
    assert chain.codes(chain.evidence(votes)) == ["ok"]
    assert validator(0).account not in chain.weights()
    assert len(chain.weights()) == 3
    assert validator(0).account in weights(committee(chain.state, chain.genesis, 1))
    chain.to(40)
    assert validator(0).account not in chain.weights()


def test_st5_the_last_ones_vote_whatever_they_did(chain):
    chain.to(1)
    three = [chain.evidence(double_vote(chain.genesis, validator(n), 1)) for n in range(3)]
    assert chain.codes(*three) == ["ok"] * 3
    assert set(chain.weights()) == {validator(3).account}
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(3), 1))) == ["ok"]
    assert chain.weights() == START
    assert all(found.fault for _, found in entries.validators(chain.state))
    chain.to(20)
    assert chain.weights() == START
    assert chain.codes(chain.make(Tag.BOND, key(9), validator(8), PURSE // 2, proof=True)) == ["ok"]
    chain.to(32)
    assert set(chain.weights()) == {validator(8).account}
    chain.check()
