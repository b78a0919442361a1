"""What `chiaro validator keys` is told of keys, from the state alone."""

from __future__ import annotations

from fractions import Fraction

import pytest

from node.core.block import Transaction
from node.core.committee import Committee, Member
from node.lane import generation, holders, payload
from node.lane.payload import KeyMessage
from node.lane.validator import report
from node.testing.keepers import Town
from node.testing.lane import LANE, LaneChain, lane_genesis, validators
from private_exec.keygen.protocol import FaultKind


@pytest.fixture
def town() -> Town:
    return Town(LaneChain(4, genesis=lane_genesis(4, lane=LANE)), ahead=True)


def told(town, domain=0):
    chain = town.chain
    found = report.key_report(chain.state, chain.genesis, chain.height)
    return [item for item in found if item.domain.number == domain]


def test_rounds_one_after_another(town) -> None:
    (before,) = told(town)
    assert (before.round, before.key, before.participants, before.reason) == (0, None, (), "")
    assert before.until == 50 - 4  # an attempt begins early enough to end within the epoch
    for number, name in enumerate(("commit", "dealing", "complaint"), 2):
        town.step()
        (now,) = told(town)
        assert (now.round, now.expected, now.until) == (number, name, number)
        assert now.participants == town.chain.genesis.validators
    town.step()
    (made,) = told(town)
    assert made.key is not None
    assert (made.round, made.reason, made.faults) == (0, "", ())
    assert made.dealers == town.chain.genesis.validators


def test_who_was_absent_and_who_is_at_fault(town) -> None:
    assert withhold(town, KeyMessage.NOTICE, 3)
    town.step()
    town.step()
    assert withhold(town, KeyMessage.DEALING, 2)  # it committed, and does not open
    town.step()
    town.step()
    (made,) = told(town)
    validators = town.chain.genesis.validators
    assert made.participants == validators[:3]
    assert made.key is None
    assert made.reason == "holders of fewer than T shares dealt rightly"
    (blame,) = made.faults
    assert (blame.validator, blame.kind) == (validators[2], FaultKind.NOT_OPENED)


def withhold(town, what, member) -> int:
    """Take a member's messages of a kind out of the pool; how many there were."""

    def is_it(tx) -> bool:
        item = payload.decode(Transaction.from_bytes(tx).payload)
        return item.what is what and generation.sender(item) == member

    kept = tuple(tx for tx in town.pool if not is_it(tx))
    gone = len(town.pool) - len(kept)
    town.pool = kept
    return gone


def test_the_next_epoch_is_told_once_something_is_known(town) -> None:
    while town.chain.height < 40:
        town.step()
    assert [item.epoch for item in told(town)] == [0]
    town.step()
    assert [item.epoch for item in told(town)] == [0, 1]
    assert told(town)[1].first == 51


@pytest.mark.parametrize(
    ("stakes", "shares", "quorum", "protected", "opening"),
    [
        ([1], [1], 1, "1", "1"),
        ([5] * 4, [1] * 4, 3, "3/4", "3/4"),
        ([1] * 7, [1] * 7, 5, "5/7", "5/7"),
        ([2] * 16, [1] * 16, 11, "11/16", "11/16"),
        ([3, 1, 1, 1], [4, 1, 1, 1], 5, "2/3", "2/3"),
        ([10, 1, 1, 1], [3, 1, 0, 0], 3, "10/13", "10/13"),
    ],
)
def test_what_keys_protect_from(stakes, shares, quorum, protected, opening) -> None:
    held = holders.of_committee(committee(stakes))
    found = report.protection(held)
    assert (found.shares, found.quorum) == (sum(shares), quorum)
    assert (found.protected, found.opening) == (Fraction(protected), Fraction(opening))
    assert found.privacy == quorum - 1
    told = report.shares(held)
    assert [(item.weight, item.shares) for item in told] == list(zip(stakes, shares, strict=True))


def committee(stakes) -> Committee:
    keys = [bytes(key.account) for key in validators(len(stakes))]
    return Committee(tuple(Member(k, k, stake) for k, stake in zip(keys, stakes, strict=True)))
