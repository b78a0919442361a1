"""An audit follows stake: it executes bonds and evidence again, and counts the pool."""

from __future__ import annotations

import dataclasses

import pytest

from circuits.key_registry import Registry
from node.audit import keys, work
from node.audit.engine import Audit
from node.audit.sources import FolderSource
from node.audit.supply import SupplyAudit
from node.core.block import Receipt
from node.core.ids import NATIVE, EnvironmentId, Height
from node.execution.overlay import Overlay
from node.stake import state as entries
from node.stake.transaction import Tag
from node.store.chain import decode_receipts, encode_receipts
from node.testing.nodes import development_genesis
from node.testing.stake import BONDS, StakeChain, double_vote, genesis, key, parameters, validator


@pytest.fixture
def staked() -> StakeChain:
    """A bond, notice, a fault, a withdrawal; in the fourth epoch."""
    chain = StakeChain(genesis(parameters(), development_genesis().statements))
    for tx in (
        chain.make(Tag.BOND, key(5), validator(9), 1500, proof=True),
        chain.make(Tag.UNBOND, key(2), validator(1), 1000),
        chain.evidence(double_vote(chain.genesis, validator(0), 1)),
    ):
        assert chain.codes(tx) == ["ok"]
    chain.to(13)
    assert chain.codes(chain.make(Tag.WITHDRAW, key(2), validator(1), 0)) == ["ok"]
    return chain


def audit_of(chain: StakeChain):
    chosen, _ = keys.choose(chain.genesis, {}, Registry.load())
    source = FolderSource(chain.ledger.store, chain.genesis, "memory", None)
    with work.in_memory(chain.genesis) as journal:
        return Audit(source, chosen, journal).run()


def test_an_audit_comes_to_the_same_stake(staked):
    report = audit_of(staked)
    assert report.valid, report.culprits
    assert report.state_root == staked.ledger.store.root
    native = next(row for row in report.supply if row.kind == NATIVE)
    assert native.stake == sum(BONDS) + 500
    assert native.adds_up
    assert report.points[0].held[NATIVE][EnvironmentId.STAKE] == sum(BONDS) + 1500
    assert report.points[-1].held[NATIVE][EnvironmentId.STAKE] == native.stake


def test_a_punishment_that_a_source_leaves_out_of_its_receipts_is_named(staked, monkeypatch):
    """The receipt says ST-19 where executing punishes."""
    store, height = staked.ledger.store, Height(3)
    (told,) = staked.ledger.chain.receipts(height)
    other: Receipt = dataclasses.replace(told, code="ST-19", message="no", events=())
    plain = store.log

    def log(name: bytes) -> bytes | None:
        data = plain(name)
        if data == encode_receipts((told,)):
            return encode_receipts((other,))
        return data

    monkeypatch.setattr(store, "log", log)
    assert decode_receipts(encode_receipts((other,))) == (other,)
    report = audit_of(staked)
    assert not report.valid
    assert report.culprits[0].height == height


@pytest.mark.parametrize("change", [1, -1])
def test_st23_a_pool_that_holds_something_else_is_named(staked, change):
    audit = SupplyAudit(staked.genesis, staked.state)
    assert audit.fault(staked.height, staked.state, last=True) is None
    false = Overlay(staked.state)
    false.put(entries.LOST_KEY, entries.amount(entries.lost(staked.state) + change))
    rule, message = audit.fault(staked.height, false, last=True)
    assert rule == "ST-23"
    assert f"bonds, notice and losses are {entries.at_stake(staked.state) + change}" in message
