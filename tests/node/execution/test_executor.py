"""EX-1 to EX-14, EX-16: what a block does, and which rule refuses what."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.block import Transaction
from node.core.effects import Effects, nullifier_key
from node.core.errors import ConsensusFault, InvalidTransaction
from node.core.genesis import Parameters
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Height, tagged_hash
from node.execution import turnstile
from node.execution.executor import Executor
from transparent.accounts import Ledger, balance_key
from zk.errors import BackendError, DecodeError, InvalidProof

SHIELDED, TRANSPARENT = EnvironmentId.SHIELDED, EnvironmentId.TRANSPARENT


def balance(world, key, kind=NATIVE) -> int:
    return Ledger(world.state).balance(getattr(key, "account", key), kind)


def test_ex1_undecodable_bytes_leave_a_receipt_and_nothing_else(world):
    good = world.transfer()
    for junk in (b"", b"\x01", good + b"\0", b"\x02" + good[1:], b"\x01\x07" + good[2:]):
        result = world.execute(junk)
        (receipt,) = result.receipts
        assert receipt.code.startswith("ENC-")
        assert receipt.tx_id == receipt.wire_id == tagged_hash("wire", junk)
        assert result.writes.keys() == {b"s/blocks"}
        with pytest.raises(DecodeError) as refused:
            world.executor.check_block([good, junk], Height(1))
        assert refused.value.where.startswith("transaction 1")


@given(junk=st.binary(max_size=300), tag=st.sampled_from([1, 2, 3]))
@settings(max_examples=150, deadline=None)
def test_ex1_execution_is_total(make_world, junk, tag):
    world = make_world()
    payload = Transaction(EnvironmentId(tag), junk).to_bytes()
    codes = world.block(junk, payload, world.transfer())
    assert "ok" not in codes[:2]
    assert codes[2] == "ok"


def test_ex2_an_environment_that_the_chain_does_not_have(world):
    private = Transaction(EnvironmentId.PRIVATE, b"x").to_bytes()
    assert world.block(private) == ["EX-2"]
    assert world.receipts[0].environment is EnvironmentId.PRIVATE
    with pytest.raises(InvalidTransaction) as refused:
        world.executor.check_block([private], Height(1))
    assert refused.value.rule == "EX-2"
    assert world.executor.check([private], world.state, Height(1))[0].error.id == "EX-2"


def test_ex3_a_bad_proof_in_a_block_is_refused_whoever_looked_before(world, note):
    shield = world.shield(world.alice, note(1), 100)
    bad = world.pooled(
        consumes=(note(1),), creates=((note(2), NATIVE.label, 100),), proofs=("626164",)
    )
    good = world.pooled(
        consumes=(note(1),), creates=((note(2), NATIVE.label, 100),), proofs=("00",)
    )
    ids = [a.tx_id for a in world.executor.check([bad, good], world.state, Height(1))]
    assert ids[0] == ids[1], "one id, two proofs"
    assert world.block(shield, bad, good) == ["ok", "PRF-001", "ok"]
    with pytest.raises(InvalidProof):
        world.executor.check_block([bad], Height(2))


def test_ex3_stateless_and_historical_rules_bind_in_a_block(world, note):
    wrong = world.pooled(consumes=(note(1),), flaw="stateless")
    stale = world.pooled(consumes=(note(2),), flaw="historical")
    old = world.pooled(consumes=(note(3),), expiry=0)
    assert world.block(wrong, stale, old) == ["PO-2", "PO-3", "PO-1"]
    world.executor.check_block([stale], Height(1))  # needs a state: not the proposal's business


def test_ex3_proofs_of_a_block_are_verified_in_one_batch(world, note):
    calls = []
    verify = world.verifier.verify
    world.verifier.verify = lambda claims: calls.append(len(claims)) or verify(claims)
    txs = [world.pooled(consumes=(note(i),), proofs=("aa", "bb")) for i in range(5)]
    assert world.block(*txs) == ["ok"] * 5
    assert calls == [10]


def test_ex4_a_failing_transaction_has_no_effect_and_pays_nothing(world, note):
    shield = world.shield(world.alice, note(1), 100)
    # The first crossing succeeds, the second debits more than there is.
    twice = world.pooled(
        world.bob,
        consumes=(note(1),),
        crossings=(
            (1, world.alice.account.hex(), NATIVE.label, 100 + 2**40, ""),
            (1, world.bob.account.hex(), NATIVE.label, -(2**40), ""),
        ),
    )
    assert world.block(shield) == ["ok"]
    before = dict(world.state.items)
    result = world.execute(twice, world.transfer(fee=2**50))
    assert [r.code for r in result.receipts] == ["TR-7", "TR-7"]
    assert all(r.fee == 0 and not r.events for r in result.receipts)
    changed = {k for k, v in result.writes.items() if before.get(k) != v}
    assert changed == {b"s/blocks"}
    assert world.block(world.unshield(world.bob, note(1), 100)) == ["ok"], "the note is unspent"


def test_ex4_the_answer_is_the_same_with_caches_warm_and_cold(world, note):
    txs = [
        world.transfer(),
        world.shield(world.alice, note(1), 50, fee=10),
        world.transfer(sequence=7),
        world.unshield(world.bob, note(1), 40),
        b"junk",
        world.pooled(consumes=(note(9),), proofs=("626164",)),
    ]
    cold = world.execute(*txs)
    warm = world.execute(*txs)
    other = world.execute(*txs, executor=world.new_executor())
    assert cold == warm == other
    assert [r.code for r in cold.receipts][:4] == ["ok", "ok", "TR-6", "ok"]


def test_ex5_a_nullifier_twice_in_one_transaction(world, note):
    assert world.block(world.pooled(consumes=(note(1), note(1)))) == ["EX-5"]
    assert world.state.get(nullifier_key(SHIELDED, bytes.fromhex(note(1)))) is None
    # Also where it is the crossing's answer that repeats it.
    other = type(world.pool)(EnvironmentId.PRIVATE, b"p/")
    world.environments = {**world.environments, EnvironmentId.PRIVATE: other}
    world.executor = world.new_executor()
    crossings = tuple((3, (b"free" * 8).hex(), label, 1, "") for label in (5, 6))
    tx = world.pooled(consumes=(note(1),), crossings=crossings, flaw="mint")
    assert world.block(tx) == ["EX-5"]


def test_ex6_a_nullifier_twice_in_one_block(world, note):
    first, second = (world.pooled(consumes=(note(1),), salt=i) for i in (0, 1))
    assert world.block(first, second) == ["ok", "EX-6"]
    assert world.executor.select([first, second], world.state, Height(2), 10**6) == ()


def test_ex7_a_nullifier_that_an_earlier_block_spent(world, note):
    assert world.block(world.pooled(consumes=(note(1),))) == ["ok"]
    key = nullifier_key(SHIELDED, bytes.fromhex(note(1)))
    assert key == b"n/2/" + bytes.fromhex(note(1))
    assert world.state.get(key) == (1).to_bytes(8, "little")
    assert world.block(world.pooled(consumes=(note(2), note(1)), salt=1)) == ["EX-7"]
    assert world.state.get(nullifier_key(SHIELDED, bytes.fromhex(note(2)))) is None


@pytest.mark.parametrize("flaw", ["outside", "executor's"])
def test_ex8_an_environment_stays_under_its_prefix(world, note, flaw):
    assert world.block(world.pooled(consumes=(note(1),), flaw=flaw)) == ["EX-8"]


def test_ex8_nullifiers_are_32_bytes(world):
    assert world.block(world.pooled(consumes=("aa" * 31,))) == ["EX-8"]


@pytest.mark.parametrize(
    ("crossing", "message"),
    [
        ((2, "11" * 32, 5, 1, ""), "its own environment"),
        ((3, "11" * 32, 5, 1, ""), "not here"),
        ((1, "11" * 32, 5, 0, ""), "moves nothing"),
        ((1, "11" * 32, 5, 2**64, ""), "moves nothing"),
        ((1, "11" * 32, 5, -(2**64), ""), "moves nothing"),
    ],
)
def test_ex9_values_on_the_wire_are_checked(world, note, crossing, message):
    result = world.execute(world.pooled(consumes=(note(1),), crossings=(crossing,), flaw="mint"))
    assert result.receipts[0].code == "EX-9"
    assert message in result.receipts[0].message


def test_ex9_one_authorization_does_not_pay_twice(world, note):
    # Two equal debits: the account's signature over (account, kind, amount, id) fits both.
    debit = (1, world.alice.account.hex(), NATIVE.label, -100, "")
    tx = world.pooled(
        world.alice,
        consumes=(note(1),),
        creates=((note(2), NATIVE.label, 200),),
        crossings=(debit, debit),
    )
    assert world.block(tx) == ["EX-9"]
    assert balance(world, world.alice) == 1_000_000


def test_ex9_the_other_side_must_agree_and_not_cross_back(world, note):
    other = type(world.pool)(EnvironmentId.PRIVATE, b"p/")
    world.environments = {**world.environments, EnvironmentId.PRIVATE: other}
    world.executor = world.new_executor()
    refused = world.pooled(consumes=(note(1),), crossings=((3, "11" * 32, 5, 1, ""),), flaw="mint")
    echo = (3, (b"echo" * 8).hex(), 5, 1, "")
    echoed = world.pooled(consumes=(note(2),), crossings=(echo,), flaw="mint")
    assert world.block(refused, echoed) == ["PO-5", "EX-9"]


def test_ex9_a_debit_needs_the_account_s_own_signature(world, note):
    debit = (1, world.alice.account.hex(), NATIVE.label, -100, "")
    fields = {"consumes": (note(1),), "creates": ((note(2), NATIVE.label, 100),)}
    unsigned = world.pooled(**fields, crossings=(debit,))
    signed = Transaction.from_bytes(world.pooled(world.alice, **fields, crossings=(debit,)))
    tx = world.pool.decode(signed.payload)
    moved = dataclasses.replace(tx, salt=1)  # the signature of another transaction
    replayed = world.pooled(**dataclasses.asdict(moved))
    assert world.block(unsigned, replayed, signed.to_bytes()) == ["TR-10", "TR-10", "ok"]


def test_ex10_a_debit_without_a_nullifier_could_be_repeated(world, note):
    debit = (1, world.alice.account.hex(), NATIVE.label, -100, "")
    fields = {"creates": ((note(2), NATIVE.label, 100),), "crossings": (debit,)}
    assert world.block(world.pooled(world.alice, **fields)) == ["EX-10"]
    assert world.block(world.pooled(world.alice, consumes=(note(1),), **fields)) == ["ok"]
    # What is signed once is used once: the same bytes again.
    assert world.block(world.pooled(world.alice, consumes=(note(1),), **fields)) == ["EX-7"]


def test_ex12_fees_gather_in_their_account_and_cross_the_turnstile(world, note):
    native = balance(world, FEE_ACCOUNT)
    assert native == 0
    assert world.block(world.transfer(fee=25)) == ["ok"]
    assert balance(world, FEE_ACCOUNT) == 25
    assert turnstile.totals(world.state, TRANSPARENT, NATIVE).left == 0
    assert world.block(world.shield(world.alice, note(1), 100, fee=30)) == ["ok"]
    assert balance(world, FEE_ACCOUNT) == 55
    held = turnstile.totals(world.state, SHIELDED, NATIVE)
    assert (held.entered, held.left) == (100, 30)
    assert [r.fee for r in world.receipts] == [25, 30]


def test_ex12_the_fee_paid_is_the_fee_declared(world, note):
    assert world.block(world.shield(world.alice, note(1), 100)) == ["ok"]
    tx = world.pooled(consumes=(note(1),), creates=(), fee=100, flaw="fee")
    assert world.block(tx) == ["EX-12"]
    with pytest.raises(ConsensusFault):
        Executor(world.genesis, {SHIELDED: world.pool}, world.verifier)


def test_ex13_each_environment_closes_the_block_once_with_its_commitments(world, note):
    for i in (1, 2, 3):
        failing = world.pooled(
            consumes=(note(90), note(90)), creates=((f"{9:08x}" + "0" * 56, 5, 0),)
        )
        made = [((f"{10 * i + j:08x}" + "0" * 56), 5, 0) for j in range(3)]
        txs = [world.pooled(creates=tuple(made[:2])), failing, world.pooled(creates=(made[2],))]
        assert world.block(*txs) == ["ok", "EX-5", "ok"]
    assert world.block() == []
    assert world.state.get(b"s/blocks") == b"0:;1:10,11,12;2:20,21,22;3:30,31,32;4:;"


def test_ex13_an_environment_that_cannot_close_stops_the_node(world):
    full = world.pooled(creates=(("ff" * 32, 5, 0),))
    with pytest.raises(ConsensusFault, match="cannot close"):
        world.execute(full)
    world.pool.end_block = lambda *_: Effects(fee=1)
    with pytest.raises(ConsensusFault, match="EX-13"):
        world.execute()


def test_ex14_genesis_allocates_issues_and_closes_block_0(world):
    writes = world.executor.genesis()
    assert writes[balance_key(world.alice.account, NATIVE)] == (1_000_000).to_bytes(8, "little")
    assert writes[turnstile.issued_key(world.asset)] == (1000).to_bytes(8, "little")
    assert turnstile.totals(world.state, TRANSPARENT, world.asset).entered == 1000
    assert writes[b"s/blocks"] == b"0:;"
    assert all(s.adds_up and s.issued for s in turnstile.supply(world.state))
    world.block(world.transfer())
    changed = {k for k, v in world.state.items.items() if writes.get(k) != v}
    assert not any(k.startswith(b"v/") for k in changed), "nothing else is ever issued"


def test_ex16_a_crash_of_an_environment_refuses_the_transaction(world, note, caplog):
    crash = world.pooled(consumes=(note(1),), flaw="crash")
    assert world.block(crash, world.transfer()) == ["EX-16", "ok"]
    assert "ZeroDivisionError" in caplog.text
    assert world.executor.check([crash], world.state, Height(2))[0].error.id == "EX-16"
    world.pool.check_stateless = lambda *_: {}[1]
    with pytest.raises(InvalidTransaction) as refused:
        world.executor.check_block([world.pooled(consumes=(note(2),))], Height(2))
    assert refused.value.rule == "EX-16"


def test_ex16_failures_of_the_machine_are_not_held_against_a_transaction(world, note):
    with pytest.raises(MemoryError):
        world.execute(world.pooled(consumes=(note(1),), flaw="memory"))

    def broken(claims):
        raise BackendError("no kernel")

    world.verifier.verify = broken
    with pytest.raises(BackendError):
        world.execute(world.pooled(consumes=(note(1),), proofs=("00",)))
    world.executor.execute([world.transfer()], world.state, Height(1), 0)


def test_ex17_passed_stateless_rules_are_remembered_by_full_bytes_and_height(world, note):
    tx = world.pooled(consumes=(note(1),))
    for _ in range(3):
        world.executor.check_block([tx], Height(1))
    assert world.pool.stateless_checks == 1
    world.executor.check_block([tx], Height(2))
    world.executor.check_block([world.pooled(consumes=(note(1),), proofs=("00",))], Height(2))
    assert world.pool.stateless_checks == 3
    expiring = world.pooled(consumes=(note(1),), expiry=3)
    world.executor.check_block([expiring], Height(3))
    with pytest.raises(InvalidTransaction):
        world.executor.check_block([expiring], Height(4))


def test_select_orders_what_succeeds_together_within_the_room(world):
    chain = [world.transfer(sequence=i) for i in range(4)]
    offered = [chain[2], chain[0], world.transfer(sequence=9), b"junk", chain[3], chain[1]]
    chosen = world.executor.select(offered, world.state, Height(1), 10**6)
    assert chosen == (chain[0], chain[1], chain[2], chain[3]) or sorted(chosen) == sorted(chain)
    assert world.execute(*chosen).receipts[-1].ok
    room = 2 * len(chain[0]) + 1
    assert len(world.executor.select(chain, world.state, Height(1), room)) == 2


def test_select_takes_no_more_than_the_chain_allows(make_world):
    world = make_world(parameters=Parameters(max_block_txs=2, fee_floor=10))
    chain = [world.transfer(sequence=i) for i in range(4)]
    assert world.executor.select(chain, world.state, Height(1), 10**6) == tuple(chain[:2])


def test_check_answers_for_each_transaction_alone(world):
    first, second = (world.transfer(sequence=i) for i in (0, 1))
    answers = world.executor.check([first, second, first], world.state, Height(1))
    assert [a.error.id if a.error else "" for a in answers] == ["", "TR-6", ""]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_ex3_one_wrong_proof_among_several(world, note, place):
    proofs = ["ab", "ab", "ab"]
    proofs[place] = b"bad".hex()
    bad = world.pooled(consumes=(note(1),), proofs=tuple(proofs))
    good = world.pooled(consumes=(note(1),), proofs=("ab",) * 3)
    with pytest.raises(InvalidProof) as refused:
        world.executor.check_block([good, bad], Height(1))
    assert refused.value.where.startswith("transaction 1")
    assert world.block(bad, good) == ["PRF-001", "ok"]
