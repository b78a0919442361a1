"""Bond, unbond, withdraw: every rule refuses what it names, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.effects import Crossing
from node.core.errors import ConsensusFault, InvalidTransaction
from node.core.genesis import development_genesis
from node.core.ids import NATIVE, EnvironmentId
from node.execution import turnstile
from node.execution.overlay import EmptyState
from node.stake import state as entries
from node.stake.env import StakeEnvironment
from node.stake.faults import FaultKind
from node.stake.transaction import BondTx, EvidenceTx, Tag, decode, preview, sign, wire
from node.testing.stake import BONDS, FEE, PURSE, StakeChain, double_vote, key, validator
from zk.errors import DecodeError


def record(chain, n):
    return entries.validator(chain.state, validator(n).account)


def refused(chain, rule, *txs):
    before = turnstile.supply(chain.state)
    (code,) = chain.codes(*txs)
    assert code == rule
    assert turnstile.supply(chain.state) == before
    chain.check()


def test_genesis_has_its_bonds_in_the_pool(chain):
    (row,) = turnstile.supply(chain.state)
    assert row.stake == row.held[EnvironmentId.STAKE] == sum(BONDS)
    assert row.adds_up
    assert chain.genesis.supply() == {NATIVE: row.issued}
    for n, amount in enumerate(BONDS):
        assert record(chain, n) == entries.Validator(key(n + 1).account, amount)


def test_a_bond_grows_and_comes_back_whole(chain):
    start = chain.balance(key(1))
    assert chain.codes(chain.make(Tag.BOND, key(1), validator(0), 1000)) == ["ok"]
    assert chain.balance(key(1)) == start - 1000 - FEE
    assert record(chain, 0).bonded == BONDS[0] + 1000
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), BONDS[0] + 1000)) == ["ok"]
    assert chain.balance(key(1)) == start - 1000 - 2 * FEE
    assert entries.notices(chain.state, validator(0).account) == ((0, BONDS[0] + 1000),)
    chain.to(chain.stake.last_height(chain.stake.unbonding_epochs))
    assert chain.codes(chain.make(Tag.WITHDRAW, key(1), validator(0), 0)) == ["ok"]
    assert chain.balance(key(1)) == start + BONDS[0] - 3 * FEE
    assert record(chain, 0) is None
    chain.check()


def test_st6_of_another_chain(chain):
    other = StakeChain(development_genesis(
        name="other", validators=chain.genesis.validators, stake=chain.stake
    ))  # fmt: skip
    refused(chain, "ST-6", other.make(Tag.BOND, key(1), validator(0), 1000))
    votes = double_vote(chain.genesis, validator(0), 1)
    tx = EvidenceTx(other.genesis.chain_id, FaultKind.DUPLICATE_VOTE, votes.to_bytes())
    refused(chain, "ST-6", wire(tx))
    with pytest.raises(InvalidTransaction) as caught:
        StakeEnvironment(chain.genesis, {}).preview(tx.to_bytes(), chain.genesis.chain_id)
    assert caught.value.rule == "ST-6"


TXS = st.builds(
    BondTx,
    st.sampled_from([Tag.BOND, Tag.UNBOND, Tag.WITHDRAW]),
    *(st.binary(min_size=32, max_size=32) for _ in range(3)),
    *(st.integers(0, 2**64 - 1) for _ in range(3)),
    signature=st.binary(min_size=64, max_size=64),
) | st.builds(
    EvidenceTx, st.binary(min_size=32, max_size=32), st.sampled_from([1, 2, 3, 4]), st.binary()
)  # fmt: skip


@given(TXS, st.booleans(), st.binary(min_size=1, max_size=3))
def test_st7_exactly_an_encoding(tx, proven, tail):
    if isinstance(tx, BondTx) and tx.tag is Tag.BOND and proven:
        tx = dataclasses.replace(tx, proof=b"\x05" * 64)
    data = tx.to_bytes()
    assert decode(data) == tx
    fee = tx.fee if isinstance(tx, BondTx) else 0
    assert preview(data) == (tx.chain_id, fee)
    with pytest.raises(DecodeError):
        decode(data + tail)
    with pytest.raises(DecodeError):
        decode(data[:-1])


@pytest.mark.parametrize("wrong", [b"\x00", b"\x05", b"\x04" + bytes(32) + b"\x00" + bytes(4)])
def test_st7_unknown_tags_and_kinds(wrong):
    with pytest.raises(InvalidTransaction) as caught:
        decode(wrong.ljust(120, b"\0"))
    assert caught.value.rule == "ST-7"


def test_st8_times_amounts_and_keys(chain):
    chain.to(3)
    for expiry in (3, chain.height + 3 + chain.genesis.parameters.max_expiry):
        refused(chain, "ST-8", chain.make(Tag.BOND, key(1), validator(0), 1000, expiry=expiry))
    for tag, amount in ((Tag.BOND, 0), (Tag.UNBOND, 0), (Tag.WITHDRAW, 1)):
        refused(chain, "ST-8", chain.make(tag, key(1), validator(0), amount))
    bare = chain.make(Tag.BOND, key(1), validator(0), 1000)
    refused(chain, "ST-8", dataclasses.replace(bare, amount=2**64 - 1, fee=1))
    small = sign(dataclasses.replace(bare, key=bytes(32)), key(1))
    refused(chain, "ST-8", small)


def test_st9_only_its_owner_moves_stake(chain):
    for tag, amount in ((Tag.BOND, 1000), (Tag.UNBOND, 1000), (Tag.WITHDRAW, 0)):
        good = chain.make(tag, key(1), validator(0), amount)
        refused(chain, "ST-9", dataclasses.replace(good, signature=key(2).sign(good.consent)))
        refused(chain, "ST-9", dataclasses.replace(good, fee=good.fee + 1))
    first = chain.make(Tag.BOND, key(5), validator(9), 1000, proof=True)
    refused(chain, "ST-9", dataclasses.replace(first, proof=validator(8).sign(first.possession)))
    again = dataclasses.replace(first, amount=1001)
    refused(chain, "ST-9", dataclasses.replace(again, signature=key(5).sign(again.consent)))


def test_st10_the_stake_is_one_accounts(chain):
    for tag, amount in ((Tag.BOND, 1000), (Tag.UNBOND, 1000), (Tag.WITHDRAW, 0)):
        refused(chain, "ST-10", chain.make(tag, key(2), validator(0), amount))


def test_st11_the_first_bond_and_no_other_carries_a_proof(chain):
    refused(chain, "ST-11", chain.make(Tag.BOND, key(5), validator(9), 1000))
    refused(chain, "ST-11", chain.make(Tag.BOND, key(1), validator(0), 1000, proof=True))
    assert chain.codes(chain.make(Tag.BOND, key(5), validator(9), 1000, proof=True)) == ["ok"]
    refused(chain, "ST-11", chain.make(Tag.BOND, key(5), validator(9), 1000, proof=True))
    assert chain.codes(chain.make(Tag.BOND, key(5), validator(9), 1)) == ["ok"]


def test_st12_enough_to_begin_with_and_nobody_at_fault(chain):
    refused(chain, "ST-12", chain.make(Tag.BOND, key(5), validator(9), 999, proof=True))
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(0), 1))) == ["ok"]
    refused(chain, "ST-12", chain.make(Tag.BOND, key(1), validator(0), 1000))


def test_a_bond_is_of_what_the_account_has(chain):
    (code,) = chain.codes(chain.make(Tag.BOND, key(1), validator(0), PURSE))
    assert code == "TR-7"
    chain.check()


def test_st13_notice_is_of_what_is_there_and_leaves_enough_or_nothing(chain):
    for amount in (BONDS[0] + 1, BONDS[0] - 999, BONDS[0] - 1):
        refused(chain, "ST-13", chain.make(Tag.UNBOND, key(1), validator(0), amount))
    refused(chain, "ST-13", chain.make(Tag.UNBOND, key(5), validator(9), 1))
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), BONDS[0] - 1000)) == ["ok"]
    refused(chain, "ST-13", chain.make(Tag.UNBOND, key(1), validator(0), 1))
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), 1000)) == ["ok"]
    assert record(chain, 0) == entries.Validator(key(1).account, 0)
    assert sum(n for _, n in entries.notices(chain.state, validator(0).account)) == BONDS[0]


def test_st14_what_is_due_leaves_once_and_not_a_block_before(chain):
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), 2000)) == ["ok"]
    chain.to(4)
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), 1500)) == ["ok"]
    start = chain.balance(key(1))
    last = chain.stake.last_height(chain.stake.unbonding_epochs)
    while chain.height < last:
        refused(chain, "ST-14", chain.make(Tag.WITHDRAW, key(1), validator(0), 0))
    refused(chain, "ST-14", chain.make(Tag.WITHDRAW, key(1), validator(0), 0, fee=2001))
    assert chain.codes(chain.make(Tag.WITHDRAW, key(1), validator(0), 0)) == ["ok"]
    assert chain.balance(key(1)) == start + 2000 - FEE
    refused(chain, "ST-14", chain.make(Tag.WITHDRAW, key(1), validator(0), 0))
    chain.to(last + 4)
    assert chain.codes(chain.make(Tag.WITHDRAW, key(1), validator(0), 0, fee=1500)) == ["ok"]
    assert chain.balance(key(1)) == start + 2000 - FEE
    assert record(chain, 0).bonded == BONDS[0] - 3500
    chain.check()


def test_st14_what_is_under_notice_still_is_nobody_elses(chain):
    """Only who has nothing left is forgotten: the rest is due to its owner, too."""
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), BONDS[0] - 1000)) == ["ok"]
    chain.to(4)
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), 1000)) == ["ok"]
    chain.to(chain.stake.last_height(chain.stake.unbonding_epochs))
    assert chain.codes(chain.make(Tag.WITHDRAW, key(1), validator(0), 0)) == ["ok"]
    assert record(chain, 0) == entries.Validator(key(1).account, 0)
    chain.to(chain.height + 4)
    assert chain.codes(chain.make(Tag.WITHDRAW, key(1), validator(0), 0)) == ["ok"]
    assert record(chain, 0) is None
    chain.check()


def test_st14_a_fault_is_not_forgotten_with_the_stake(chain):
    """ST-12: else who takes all of it back begins anew with the same key."""
    chain.to(1)
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(0), 1))) == ["ok"]
    left = record(chain, 0).bonded
    assert chain.codes(chain.make(Tag.UNBOND, key(1), validator(0), left)) == ["ok"]
    chain.to(chain.stake.last_height(chain.stake.unbonding_epochs))
    assert chain.codes(chain.make(Tag.WITHDRAW, key(1), validator(0), 0)) == ["ok"]
    assert record(chain, 0) == entries.Validator(key(1).account, 0, 2)
    refused(chain, "ST-12", chain.make(Tag.BOND, key(1), validator(0), 1000))
    refused(chain, "ST-11", chain.make(Tag.BOND, key(1), validator(0), 1000, proof=True))
    chain.check()


def test_st15_a_transaction_happens_once(chain):
    for tag in (Tag.BOND, Tag.UNBOND):
        tx = chain.make(tag, key(1), validator(0), 1000)
        assert chain.codes(tx, tx) == ["ok", "EX-6"]
        assert chain.codes(tx) == ["EX-7"]
    chain.check()


def test_st23_the_pool_holds_what_its_owners_have_in_it(chain):
    chain.check()
    assert chain.codes(
        chain.make(Tag.BOND, key(5), validator(9), 1234, proof=True),
        chain.make(Tag.UNBOND, key(1), validator(0), 1111),
        chain.evidence(double_vote(chain.genesis, validator(1), 1)),
    ) == ["ok", "ok", "ST-16"]
    assert chain.codes(chain.evidence(double_vote(chain.genesis, validator(1), 1))) == ["ok"]
    assert entries.at_stake(chain.state) == sum(BONDS) + 1234
    chain.check()


def test_nothing_crosses_into_stake(chain):
    environment = StakeEnvironment(chain.genesis, {})
    crossing = Crossing(EnvironmentId.STAKE, key(1).account, NATIVE, 5)
    with pytest.raises(InvalidTransaction) as caught:
        environment.cross(crossing, bytes(32), EmptyState())
    assert caught.value.rule == "EX-9"
    with pytest.raises(ConsensusFault):
        StakeEnvironment(development_genesis(), {})


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_st7_garbage_is_refused_by_a_decoder_and_crashes_nothing(data):
    try:
        decode(data)
    except (DecodeError, InvalidTransaction):
        return
    assert decode(data).to_bytes() == data
