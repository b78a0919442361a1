"""Sealed intents get their place; batches close."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.effects import nullifier_key
from node.core.errors import ConsensusFault, InvalidTransaction
from node.core.genesis import Parameters
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Height
from node.da.batch import Closed, Open
from node.execution.overlay import Overlay
from node.lane import domains, holders, layout, ordering, sealed
from node.lane.errors import LaneOutdated
from node.lane.layout import Live, Stage
from node.lane.payload import SealTx, wire
from node.testing.lane import entropy, envelope_of, lane_genesis, lane_tx, signing_key
from private_exec import cipher
from private_exec.batch import duplicate_key
from private_exec.envelope import auth_digest, seal_intent
from private_exec.errors import SealRefused
from transparent.accounts import Ledger
from zk.curve.encoding import G1_BYTES
from zk.field.params import FR


def rewired(data: bytes, *, domain: int = 0, **changes) -> bytes:
    return wire(SealTx(domain, replace(envelope_of(data), **changes)))


def codes(receipts) -> list[str]:
    return [receipt.code for receipt in receipts]


def test_a_batch_opens_fills_and_closes(chain) -> None:
    sent = [chain.seal(b"one"), chain.seal(b"two", payer=chain.payers[1])]
    (first,) = chain.block(sent[0])
    assert (first.code, first.fee, first.events[0].name) == ("ok", 1000, "sealed")
    assert chain.live() == (Live(0, 0, Stage.OPEN, 10, 0),)
    assert codes(chain.block(sent[1])) == ["ok"]  # height 10, that of the close
    item = chain.closed()
    assert (item.closed, item.height, item.stage) == (10, 20, Stage.CLOSED)
    batch = layout.batch(chain.state, item.ref)
    assert isinstance(batch, Closed)
    opened = chain.batch(item)
    assert [entry.id for entry in batch.entries] == list(opened.ids)
    assert [entry.payer for entry in batch.entries] == [key.account for key in chain.payers[:2]]
    assert [e.to_bytes() for e in opened.envelopes] == [envelope_of(s).to_bytes() for s in sent]
    assert sealed.roots(chain.state, 10, chain.genesis) == (opened.root,)
    assert sealed.roots(chain.state, 9, chain.genesis) == ()


def test_a_domain_with_period_one_closes_in_the_same_block(chain) -> None:
    chain.block(chain.seal(b"one", domain=1), chain.seal(b"two"))
    assert [(item.domain, item.stage, item.closed) for item in layout.live(chain.state)] == [
        (0, Stage.OPEN, 0),
        (1, Stage.CLOSED, 9),
    ]


def test_batches_are_numbered_in_their_domain(chain) -> None:
    chain.block(chain.seal(b"one", domain=1))
    chain.step(chain.seal(b"two", domain=1), chain.seal(b"three"))
    found = [(item.domain, item.number) for item in layout.live(chain.state)]
    assert found == [(0, 0), (1, 0), (1, 1)]


def test_an_open_batch_is_not_decrypted(chain) -> None:
    chain.block(chain.seal(b"one"))
    with pytest.raises(ConsensusFault):
        chain.batch(chain.live()[0])


def test_the_payer_pays_for_order(chain) -> None:
    payer = chain.payers[2]
    before = [Ledger(chain.state).balance(a, NATIVE) for a in (payer.account, FEE_ACCOUNT)]
    chain.block(chain.seal(b"one", payer=payer, fee=5000))
    after = [Ledger(chain.state).balance(a, NATIVE) for a in (payer.account, FEE_ACCOUNT)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [-5000, 5000]


def test_who_has_nothing_orders_nothing(chain) -> None:
    (receipt,) = chain.block(chain.seal(b"one", payer=signing_key("poor")))
    assert receipt.code == "EX-37"
    assert chain.live() == ()


def test_ln2_refuses_an_unknown_domain(chain) -> None:
    (receipt,) = chain.block(rewired(chain.seal(b"one"), domain=2))
    assert receipt.code == "LN-2"


def test_an_envelope_of_another_domain_is_bound_to_it(chain) -> None:
    (receipt,) = chain.block(rewired(chain.seal(b"one"), domain=1))
    assert receipt.code == "PX-4"


def test_ln3_refuses_what_has_no_key(chain, fresh) -> None:
    data, other = chain.seal(b"one"), fresh(4)
    assert other.genesis == chain.genesis
    other.run_to(chain.height)
    assert codes(other.block(data)) == ["LN-3"]
    assert codes(chain.block(data)) == ["ok"]


def test_ln3_the_next_epoch_has_a_key_of_its_own(chain) -> None:
    data = chain.seal(b"one", expiry=60)
    chain.run_to(50)
    assert codes(chain.block(data)) == ["LN-3"]
    chain.make_key(0)
    assert codes(chain.block(data)) == ["PX-7"]
    assert codes(chain.block(chain.seal(b"one"))) == ["ok"]


@pytest.mark.parametrize(
    ("fee", "gas_cap", "code"),
    [(999, 0, "LN-4"), (1000, 0, "ok"), (2999, 3, "LN-4"), (3000, 3, "ok")],
)
def test_ln4_the_fee_pays_for_size_and_proofs(chain, fee, gas_cap, code) -> None:
    assert codes(chain.block(chain.seal(b"one", fee=fee, gas_cap=gas_cap))) == [code]


def test_ln4_counts_started_kilobytes(chain) -> None:
    long = b"x" * 2000  # an envelope of 2868 bytes
    assert (
        domains.least_fee(chain.genesis, 0, len(envelope_of(chain.seal(long)).to_bytes()), 0)
        == 3000
    )
    assert codes(chain.block(chain.seal(long, fee=2999))) == ["LN-4"]
    assert codes(chain.block(chain.seal(long, fee=3000))) == ["ok"]


def test_ln5_a_batch_has_room_for_so_many(chain) -> None:
    key = chain.key()
    most = holders.capacity(key.roster, key.parameters)
    assert most == 128
    sent = [chain.seal(b"%d" % k) for k in range(most + 1)]
    assert codes(chain.block(*sent)) == ["ok"] * most + ["LN-5"]
    chain.run_to(10)
    assert len(chain.batch(chain.closed())) == most


def test_ln5_a_batch_is_no_larger_than_a_transaction_that_opens_it(fresh) -> None:
    """A reveal that no block takes would be proposed, and refused, for ever (CH-7)."""
    limits = Parameters(block_time_ms=0, max_tx_bytes=1500)
    chain = fresh(1, genesis=lane_genesis(1, parameters=limits))
    chain.make_key(0)
    most = ordering.most(chain.genesis, chain.key())
    assert most == 44
    sent = [chain.seal(b"%d" % k) for k in range(most + 1)]
    assert codes(chain.block(*sent)) == ["ok"] * most + ["LN-5"]
    chain.run_to(5)
    (reveal,) = chain.due()
    assert len(reveal) <= limits.max_tx_bytes < len(reveal) + G1_BYTES


def test_ln5_so_many_batches_at_once(chain) -> None:
    others = [Live(7, k, Stage.SOLVING, 90, 0, 5) for k in range(layout.MAX_LIVE)]
    state = Overlay(chain.state)
    state.update([layout.live_write(others)])
    item = envelope_of(chain.seal(b"one"))
    with pytest.raises(LaneOutdated) as caught:
        ordering.order(0, item, state, Height(9), chain.genesis)
    assert caught.value.rule == "LN-5"
    state.update([layout.live_write(others[1:])])
    ordering.order(0, item, state, Height(9), chain.genesis)


def test_px12_a_copy_is_refused_for_ever(chain) -> None:
    data = chain.seal(b"one", domain=1)
    assert codes(chain.block(data, data)) == ["ok", "DA-24"]  # of one batch, it is there already
    assert codes(chain.step(data))[-1] == "EX-7"
    mark = nullifier_key(EnvironmentId.INTENTS, duplicate_key(envelope_of(data).seal.u))
    assert chain.state.get(mark) == (9).to_bytes(8, "little")


def test_px4_a_copy_under_another_payer_is_refused(chain) -> None:
    data = chain.seal(b"one")
    terms = replace(envelope_of(data).terms, payer=chain.payers[1].account)
    assert codes(chain.block(rewired(data, terms=terms))) == ["PX-4"]


def test_px14_a_changed_proof_is_refused_beside_a_right_one(chain) -> None:
    item = envelope_of(chain.seal(b"one"))
    wrong = replace(item.seal, z=(item.seal.z + 1) % FR.modulus)
    payer, key = chain.payers[0], chain.key()
    honest = seal_intent(key, item.terms, b"one", payer, entropy("again"))
    auth = payer.sign(auth_digest(item.label(key), wrong))
    forged = wire(SealTx(0, replace(item, seal=wrong, auth=auth)))
    assert codes(chain.block(wire(SealTx(0, honest)), forged)) == ["ok", "PX-14"]
    assert codes(chain.block(forged)) == ["PX-14"]


def test_px7_what_expires_before_the_close_is_refused(chain) -> None:
    assert codes(chain.block(chain.seal(b"one", expiry=9))) == ["PX-7"]
    assert codes(chain.block(chain.seal(b"one", expiry=10))) == ["ok"]


def test_px7_a_remembered_verdict_is_of_one_closing_height(chain) -> None:
    data = chain.seal(b"one", expiry=10)
    environment = chain.executor.lane
    context = chain.executor.intake.context(Height(9))
    environment.check_historical(lane_tx(data), chain.state, context)
    chain.run_to(10)
    assert codes(chain.block(data)) == ["PX-7"]


def test_px14_what_was_verified_once_is_not_verified_for_every_close(chain, monkeypatch) -> None:
    """A pool looks again at all that waits after each block."""
    data = chain.seal(b"one")
    environment = chain.executor.lane
    context = chain.executor.intake.context
    environment.check_historical(lane_tx(data), chain.state, context(Height(9)))
    monkeypatch.setattr(cipher, "verify_batch", None)
    environment.check_historical(lane_tx(data), chain.state, context(Height(11)))


def test_the_lane_holds_no_value_and_block_0_has_no_writes(chain, fresh) -> None:
    assert not list(fresh(1).state.iterate(b"i/"))
    with pytest.raises(InvalidTransaction) as caught:
        chain.executor.lane.cross(None, b"", chain.state)
    assert caught.value.rule == "EX-9"


def test_an_open_batch_that_is_not_there_stops_the_node(chain) -> None:
    state = Overlay(chain.state)
    state.update([layout.live_write([Live(0, 0, Stage.OPEN, 10, 0)])])
    with pytest.raises(ConsensusFault):
        ordering.close(state, Height(10), chain.genesis)
    assert not isinstance(layout.batch(state, bytes(12)), Open)


def test_proofs_of_a_block_are_verified_at_once_and_a_false_one_is_named(chain, monkeypatch):
    wires = [chain.seal(b"at once", payer=chain.payers[i % 4], fee=4321) for i in range(8)]
    item = envelope_of(wires[5])
    seal = replace(item.seal, z=(item.seal.z + 1) % FR.modulus)
    signature = chain.payers[1].sign(auth_digest(item.label(chain.key()), seal))
    wires[5] = wire(SealTx(0, replace(item, seal=seal, auth=signature)))
    asked = []
    verify = cipher.verify_batch

    def counted(key, items):
        asked.append(len(items))
        verify(key, items)

    monkeypatch.setattr(cipher, "verify_batch", counted)
    assert codes(chain.block(*wires)) == ["ok"] * 5 + ["PX-14"] + ["ok"] * 2
    assert asked == [8, 1]


def test_what_passed_once_is_remembered_with_its_payers_consent(chain) -> None:
    """The same envelope under no signature is another, though its id is the same."""
    item = envelope_of(chain.seal(b"one"))
    at = (chain.state, chain.height + 1, chain.genesis)
    ordering.check(0, item, *at)
    ordering.check(0, item, *at)
    unsigned = replace(item, auth=bytes(64))
    ordering.foresee([(0, unsigned)], *at)
    with pytest.raises(SealRefused) as caught:
        ordering.check(0, unsigned, *at)
    assert caught.value.rule == "PX-4"
