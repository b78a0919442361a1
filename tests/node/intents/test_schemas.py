"""What each schema refuses, by rule; whatever bytes come, an error and no crash."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core.ids import Height, Kind
from node.core.intent import Intent
from node.intents.limit import LimitOrder, LimitSchema, expired_records
from node.intents.schema import Registry
from node.intents.swap import SwapSchema, swap_terms
from node.intents.view import Posterior
from shielded.build import build_part
from shielded.transaction import Mode, Scope
from zk.errors import ChiaroError


def refused(rule: str, call) -> None:
    with pytest.raises(ChiaroError) as caught:
        call()
    assert caught.value.id == rule, caught.value


def decode(market, intent: Intent):
    return market.registry.decode(intent, market.chain_id)


def refused_intent(market, rule: str, intent: Intent, **view) -> None:
    refused(rule, lambda: decode(market, intent).validate(market.view(**view)))


def swap_of(market, part, nets, expiry) -> Intent:
    return Intent(market.app, "swap", swap_terms(part, nets).to_bytes(), expiry, 0, bytes(32))


def test_valid_intents_pass_and_describe_themselves(market, ring) -> None:
    order = market.order(0, market.metals[0], 50, market.metals[1], (3, 2), fee=1, partial=False)
    for intent in (*ring, order, market.transfer(0, 1, 7)):
        decode(market, intent).validate(market.view())
    swap = decode(market, ring[0]).describe()
    gold, silver = market.metals[:2]
    assert (dict(swap.gives), dict(swap.wants), swap.fee) == ({gold: 60}, {silver: 60}, 2)
    limit = decode(market, order).describe()
    assert (dict(limit.gives), dict(limit.wants)) == ({gold: 50}, {silver: 75})
    assert "all or nothing" in limit.lines[0]
    assert decode(market, market.transfer(0, 1, 7)).describe().gives == {gold: 7}


def test_a_registry_with_two_schemas_of_one_name_is_a_bug() -> None:
    with pytest.raises(ValueError, match="one name"):
        Registry((SwapSchema(), SwapSchema()))


def test_in4_an_unknown_schema(market) -> None:
    refused("IN-4", lambda: decode(market, replace(market.transfer(0, 1, 7), schema="auction")))


@pytest.mark.parametrize("schema", ["swap", "limit", "complete"])
@given(payload=st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_in5_random_payloads(market, schema, payload) -> None:
    intent = Intent(market.app, schema, payload, Height(20), 0, bytes(32))
    with pytest.raises(ChiaroError):
        decode(market, intent)


def test_in5_cut_longer_and_flipped_payloads(market, ring) -> None:
    """Whatever is changed in a true payload, it is refused by a rule, or still an intent."""
    for intent in (ring[0], market.order(0, *two(market)), market.transfer(0, 1, 7)):
        size = len(intent.payload)
        for data in (intent.payload[:-1], intent.payload + b"\0", b""):
            bad = replace(intent, payload=data)
            rule = "SH-1" if intent.schema == "swap" and data else "IN-5"
            refused(rule, lambda bad=bad: decode(market, bad))
        for at in range(0, size, max(1, size // 12)):
            data = bytearray(intent.payload)
            data[at] ^= 1
            try:
                decode(market, replace(intent, payload=bytes(data))).validate(market.view())
            except ChiaroError:
                continue
            assert intent.schema == "swap", "only bytes of proofs, which nobody verifies here"


def two(market) -> tuple[Kind, int, Kind]:
    return market.metals[0], 10, market.metals[1]


class Crashes:
    name = "crash"

    def decode(self, intent, chain_id):
        raise KeyError("secret")


def test_in5_a_schema_that_crashes_refuses(market) -> None:
    registry = Registry((Crashes(),))
    intent = Intent(market.app, "crash", b"", Height(20), 0, bytes(32))
    with pytest.raises(ChiaroError) as caught:
        registry.decode(intent, market.chain_id)
    assert caught.value.id == "IN-5"
    assert "secret" not in caught.value.message


def test_in6_after_its_expiry(market, ring) -> None:
    order = market.order(0, *two(market), expiry=5)
    decode(market, order).validate(market.view(height=5))
    refused_intent(market, "IN-6", order, height=6)
    refused_intent(market, "IN-6", ring[0], height=21)


# --- swap ----------------------------------------------------------------------------------------


def test_in7_nets_that_are_not_those_of_the_actions(market) -> None:
    plan = market.swap_plan(0, market.metals[1], 60, 60)
    part = build_part(plan, market.keys[0], market.prove)
    true = plan.imbalance()
    gold, silver, copper = market.metals
    wrong = [
        {**true, gold: true[gold] - 1},
        {**true, copper: 1},
        {gold: true[gold]},
        {gold: true[silver], silver: true[gold]},
        {**true, gold: 2**72},
        {},
    ]
    for nets in wrong:
        intent = swap_of(market, part, nets, plan.expiry)
        refused("IN-7", lambda i=intent: decode(market, i))
    stolen = replace(part, rcv_sum=part.rcv_sum + 1)
    refused("IN-7", lambda: decode(market, swap_of(market, stolen, true, plan.expiry)))


def test_in8_mode_and_expiry(market, ring) -> None:
    refused("IN-8", lambda: decode(market, market.swap(0, market.metals[1], mode=Mode.TRANSACTION)))
    refused("IN-8", lambda: decode(market, replace(ring[0], expiry=Height(19))))


def test_in8_signed_by_another_key(market) -> None:
    """SH-15: Σ rcv does not help to change what was signed."""
    plan = market.swap_plan(0, market.metals[1], 60, 60)
    part = build_part(plan, market.keys[0], market.prove)
    action = part.party.actions[0]
    broken = replace(part.party, actions=(replace(action, auth=bytes(64)), *part.party.actions[1:]))
    intent = swap_of(market, replace(part, party=broken), plan.imbalance(), plan.expiry)
    refused("SH-15", lambda: decode(market, intent))


def test_a_swap_for_another_chain(market, ring) -> None:
    refused("SH-14", lambda: market.registry.decode(ring[0], bytes(32)))


def test_in9_another_batchs_scope(market) -> None:
    scoped = market.swap(0, market.metals[1], scope=Scope(1, 7))
    decode(market, scoped).validate(market.view(scope=Scope(1, 7)))
    for scope in (None, Scope(1, 8), Scope(2, 7)):
        refused_intent(market, "IN-9", scoped, scope=scope)


def test_in10_spent_notes_stale_anchors_wrong_proofs(market, ring) -> None:
    terms = decode(market, ring[0]).terms
    spent = Posterior(market.state, {terms.uses[0]: bytes(8)})
    refused_intent(market, "IN-10", ring[0], state=spent)
    foreign = market.swap(0, market.metals[1], anchor_children=market.wallets[0].tree.tree().top)
    decode(market, foreign).validate(market.view())
    plan = market.swap_plan(0, market.metals[1], 60, 60)
    forgotten = {key: None for key, _ in market.state.iterate(b"s/anchor/")}
    refused_intent(market, "SH-12", ring[0], state=Posterior(market.state, forgotten))

    class RefusesAll:
        def verify(self, claims):
            return [ChiaroError("wrong") for _ in claims]

    view = replace(market.view(), verifier=RefusesAll())
    refused("CHI-001", lambda: decode(market, ring[0]).validate(view))
    assert plan.mode is Mode.PARTY


def test_in10_an_order_that_its_account_cannot_fill(market) -> None:
    gold, _, silver = two(market)
    key = market.accounts[0].account
    for intent, writes in (
        (market.order(0, gold, 10, silver), {balance(key, gold): None}),
        (market.order(0, gold, 10, silver, fee=1001), {}),
        (market.order(0, gold, 1001, silver, partial=False), {}),
        (market.order(0, market.native, 1000, silver, partial=False, fee=1), {}),
    ):
        state = Posterior(market.state, writes)
        refused_intent(market, "IN-10", intent, state=state)
    order = market.order(0, gold, 10, silver)
    filled = {decode(market, order).terms.record_key: (10).to_bytes(8, "little")}
    refused_intent(market, "IN-10", order, state=Posterior(market.state, filled))


def balance(account, kind):
    from transparent.accounts import balance_key

    return balance_key(account, kind)


# --- complete ------------------------------------------------------------------------------------


def test_in11_envelope_and_transaction_differ(market) -> None:
    good = market.transfer(0, 1, 7)
    for changes in ({"fee": 4}, {"expiry": Height(19)}):
        refused("IN-11", lambda c=changes: decode(market, replace(good, **c)))
    refused("IN-11", lambda: market.registry.decode(good, bytes(32)))
    order_of_guardians = b"\1\4" + bytes(4)
    refused("IN-11", lambda: decode(market, replace(good, payload=order_of_guardians)))
    refused_intent(market, "TR-6", market.transfer(0, 1, 7, sequence=1))


# --- limit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"numerator": 0},
        {"denominator": 0},
        {"numerator": 4, "denominator": 2},
        {"buy": Kind(0, 5)},
    ],
)
def test_in19_orders_that_make_no_sense(market, changes) -> None:
    order = LimitOrder(market.accounts[0].account, Kind(0, 5), 10, Kind(0, 6), 1, 2, True)
    bad = replace(order, **changes)
    intent = Intent(market.app, "limit", bad.to_bytes(), Height(20), 0, bytes(32))
    refused("IN-19", bad.check)
    refused("IN-19", lambda: decode(market, intent))


def test_in20_a_signature_covers_everything(market) -> None:
    good = market.order(0, *two(market))
    decode(market, good)
    for changes in ({"app": bytes(29)}, {"expiry": Height(19)}, {"fee": 1}, {"nonce": bytes(32)}):
        refused("IN-20", lambda c=changes: decode(market, replace(good, **c)))
    refused("IN-20", lambda: market.registry.decode(good, bytes(32)))
    refused("IN-20", lambda: decode(market, market.order(0, *two(market), key=market.accounts[1])))
    order = decode(market, good).terms
    for changes in ({"amount": 11}, {"numerator": 2}, {"partial": False}, {"buy": Kind(0, 6)}):
        payload = replace(order, **changes).to_bytes()
        refused("IN-20", lambda p=payload: decode(market, replace(good, payload=p)))


def test_in21_a_second_signature_is_no_second_order(market) -> None:
    """The same order under other signature bytes has another intent id and the same record."""
    good = market.order(0, *two(market))
    order = decode(market, good).terms
    other = replace(good, payload=replace(order, signature=bytes(64)).to_bytes())
    again = LimitSchema().parse(other, market.chain_id)
    assert other.id != good.id
    assert again.uses == order.uses
    refused("IN-20", lambda: decode(market, other))


def test_records_of_expired_orders_may_be_dropped(market) -> None:
    orders = [decode(market, market.order(0, *two(market), expiry=e)).terms for e in (5, 6, 300)]
    writes = {order.record_key: (1).to_bytes(8, "little") for order in orders}
    state = Posterior(market.state, writes)
    assert list(expired_records(state, Height(5))) == []
    assert list(expired_records(state, Height(6))) == [orders[0].record_key]
    assert list(expired_records(state, Height(300))) == [o.record_key for o in orders[:2]]
