"""CH-32: stake goes along to a chain's successor, all of it somewhere."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.genesis import StatementKey
from node.core.ids import NATIVE, EnvironmentId
from node.execution.migration import LeftBehind, NoSuccessor, successor
from node.stake import state as entries
from node.stake.transaction import Tag
from node.testing.stake import BONDS, StakeChain, double_vote, genesis, key, parameters, validator

PROVED = StatementKey("action/1", b"\x01" * 32, b"\x02" * 32)


def made(chain):
    """The successor; no pool of this chain holds anything hidden, so it may always have one."""
    header = chain.ledger.chain.header(chain.height)
    return successor(chain.genesis, chain.state, header, (PROVED,), rehearsal=True)


@pytest.fixture(autouse=True)
def _nothing_hidden(monkeypatch):
    """CH-30 is tested where pools are (`tests/node/execution/test_migration.py`)."""
    monkeypatch.setattr("node.execution.migration._closed_for_good", lambda state, height: set())


def test_ch32_bonds_go_along_and_all_other_stake_goes_back(chain):
    for tx in (
        chain.make(Tag.BOND, key(5), validator(9), 1500, proof=True),
        chain.make(Tag.UNBOND, key(2), validator(1), 1000),
        chain.make(Tag.UNBOND, key(3), validator(2), BONDS[2]),
        chain.evidence(double_vote(chain.genesis, validator(0), 1)),
    ):
        assert chain.codes(tx) == ["ok"]
    found = made(chain)
    stake = found.genesis.stake
    expected = {validator(1).account: BONDS[1] - 1000, validator(3).account: BONDS[3]}
    expected[validator(9).account] = 1500
    assert {bond.key: bond.amount for bond in stake.bonds} == expected
    assert found.genesis.validators == tuple(sorted(expected))
    assert dataclasses.replace(stake, bonds=chain.stake.bonds) == chain.stake
    lost = BONDS[0] * 50_000 // 1_000_000
    assert found.left_behind == (LeftBehind(EnvironmentId.STAKE, NATIVE, lost),)
    balances = {a.account: a.amount for a in found.genesis.allocations if a.kind == NATIVE}
    for n, back in ((0, BONDS[0] - lost), (1, 1000), (2, BONDS[2])):
        owner = key(n + 1)
        assert balances[owner.account] == chain.balance(owner) + back
    assert found.genesis.supply()[NATIVE] + lost == chain.genesis.supply()[NATIVE]
    again = StakeChain(found.genesis)
    again.check()
    assert entries.lost(again.state) == 0
    assert again.weights() == {k: amount // 100 for k, amount in expected.items()}


def test_ch32_somebody_must_be_there_to_vote():
    chain = StakeChain(genesis(parameters(bonds=parameters().bonds[:1])))
    (bond,) = chain.stake.bonds
    number = next(n for n in range(4) if validator(n).account == bond.key)
    chain.run()
    assert made(chain).genesis.stake == chain.stake
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(number), 1))) == ["ok"]
    with pytest.raises(NoSuccessor, match="CH-32: no validator has enough"):
        made(chain)
