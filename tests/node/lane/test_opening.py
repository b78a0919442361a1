"""LN-13 … LN-15, EX-36, TR-11: a batch is opened, every intent gets its fate, and is kept free."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from node.core.effects import reservation_key
from node.core.ids import NATIVE, Height
from node.core.intent import Intent
from node.da.batch import Solving
from node.da.namespaced import check_namespace
from node.intents.schema import Registry
from node.lane import layout, opening, payload
from node.lane import view as views
from node.lane.layout import Live, Stage
from node.lane.payload import RevealTx
from node.testing.market import APP, COPPER, GOLD, SILVER, WEALTH
from private_exec import cipher, envelope
from transparent.accounts import Ledger, held


def codes(receipts) -> list[str]:
    return [receipt.code for receipt in receipts]


def fates(market, live: Live) -> tuple[str, ...]:
    return layout.fates(market.chain.state, live.ref)


def reveal_of(market, wire: bytes) -> RevealTx:
    tx = payload.decode(wire[6:])
    assert isinstance(tx, RevealTx)
    return tx


def close(market) -> Live:
    """Go on to the block that closes the open batch of domain 0."""
    while not [x for x in market.chain.live() if x.stage is Stage.CLOSED]:
        market.block()
    return market.chain.closed()


# LN-13


def test_ln13_only_what_is_closed_is_opened(market) -> None:
    market.seal(market.order(0, GOLD, 100, SILVER))
    (still_open,) = market.chain.live()
    live = close(market)
    wire = market.chain.reveal(live)
    tx = reveal_of(market, wire)
    elsewhere = [replace(tx, number=7), replace(tx, domain=1)]
    unknown = [payload.wire(item) for item in elsewhere]
    assert still_open.ref == live.ref
    assert codes(market.chain.block(*unknown, wire, wire)) == ["LN-13", "LN-13", "ok", "LN-13"]


def test_ln13_a_batch_that_takes_intents_is_not_opened(market) -> None:
    market.seal(market.order(0, GOLD, 100, SILVER))
    (live,) = market.chain.live()
    assert live.stage is Stage.OPEN
    other = market.copy()
    wire = other.chain.reveal(close(other))
    assert codes(market.chain.block(wire)) == ["LN-13"]


def test_px17_a_wrong_secret_opens_nothing(market) -> None:
    live = market_closed(market)
    tx = reveal_of(market, market.chain.reveal(live))
    first, second = tx.reveal.points
    for points in ((second, first), (first,), (first, first)):
        wrong = payload.wire(replace(tx, reveal=replace(tx.reveal, points=points)))
        assert codes(market.chain.block(wrong)) == ["PX-17"]
    assert market.chain.closed() == live


def market_closed(market) -> Live:
    market.seal(market.order(0, GOLD, 100, SILVER), market.order(1, SILVER, 100, GOLD))
    return close(market)


def test_px6_too_late_is_never(market) -> None:
    live = market_closed(market)
    wire = market.chain.reveal(live)
    while market.chain.height < live.height:
        market.chain.block()
    assert codes(market.chain.copy().block(wire)) == ["PX-6"]
    assert codes(market.chain.step(wire)) == ["ok", "LN-13"], "it ended before"


# FATES


def test_every_intent_has_a_fate_and_disturbs_no_other(market) -> None:
    market.fund()
    height = market.chain.height
    good = market.order(0, GOLD, 100, SILVER)
    broken = replace(market.order(1, SILVER, 5, GOLD), fee=3)  # not what was signed
    cases = {
        "ok": good,
        "IN-12": good,
        "IN-2": None,
        "IN-4": Intent(APP, "unknown", b"", Height(90), 0, bytes(32)),
        "IN-5": Intent(APP, "limit", b"junk", Height(90), 0, bytes(32)),
        "IN-6": market.order(2, GOLD, 1, SILVER, expiry=height + 2),
        "IN-10": market.order(3, GOLD, WEALTH + 1, SILVER, partial=False),
        "IN-20": broken,
        "LN-14": market.swap(0, SILVER),
        "TR-6": market.complete(market.payment(3, 0, 5, sequence=9)),
    }
    texts = [b"no intent" if item is None else item.to_bytes() for item in cases.values()]
    assert codes(market.block(*(market.chain.seal(text, gas_cap=0) for text in texts))) == [
        "ok"
    ] * len(texts)
    live = market.open()
    assert fates(market, live) == tuple(cases)
    assert layout.plaintexts(market.chain.state, live.ref) == dict(enumerate(texts))
    assert market.batch(live).intents == (good,)


def test_px16_what_was_sealed_as_nothing_is_nobodys_intent(market) -> None:
    chain = market.chain
    good = chain.seal(market.order(0, GOLD, 100, SILVER).to_bytes())
    template = payload.decode(good[6:]).envelope
    key = chain.key()
    terms = replace(template.terms, payer_nonce=99)
    label = envelope.label_of(key.domain, key.epoch, key.digest, terms)
    body = b"\xff" * (terms.body_bytes - cipher.TAG_BYTES)
    sealed = cipher.seal(key, label, body, bytes(32))
    auth = market.accounts[0].sign(envelope.auth_digest(label, sealed))
    bad = replace(template, terms=terms, seal=sealed, auth=auth)
    assert codes(market.block(payload.wire(payload.SealTx(0, bad)), good)) == ["ok", "ok"]
    live = market.open()
    assert fates(market, live) == ("PX-16", "ok")
    assert list(layout.plaintexts(chain.state, live.ref)) == [1]


def test_the_record_of_a_batch_keeps_hashes(market) -> None:
    order = market.order(0, GOLD, 100, SILVER)
    live = market.opened(order)
    record = layout.batch(market.chain.state, live.ref)
    assert isinstance(record, Solving)
    assert [item.plaintext for item in record.outcomes] == [opening.digest(order.to_bytes())]
    assert (live.height, record.deadline) == (record.height + 3, live.height)


def test_ln14_an_intent_has_the_proofs_that_were_paid_for(market) -> None:
    market.fund()
    swap = market.swap(0, SILVER).to_bytes()
    for cap, fate in ((0, "LN-14"), (1, "ok")):
        other = market.chain.copy()
        other.step(other.seal(swap, gas_cap=cap))
        while other.live()[0].stage is not Stage.SOLVING:
            other.step()
        assert layout.fates(other.state, other.live()[0].ref) == (fate,)


def test_ln15_what_a_live_batch_uses_no_other_takes(market) -> None:
    """The same order in the next batch of another domain, while the first is being solved."""
    order = market.order(0, GOLD, 100, SILVER)
    first = market.opened(order)
    market.seal(order, domain=1)
    market.block()
    (second,) = market.chain.live(1)
    assert market.chain.live() == (first,)
    assert fates(market, second) == ("LN-15",)
    (use,) = market.services.registry.decode(order, market.chain.genesis.chain_id).uses
    assert market.chain.state.get(reservation_key(use)) == first.ref
    market.end(first)
    market.seal(order, domain=1)
    market.block()
    assert fates(market, market.chain.live(1)[0]) == ("ok",)


# A SCHEMA THAT CRASHES


class Crashing:
    """A schema that fails at one place, as no schema should."""

    name = "crash"

    def __init__(self, at: str) -> None:
        self.at = at

    def _maybe(self, at: str) -> None:
        if at == self.at:
            raise KeyError(at)

    def decode(self, intent, chain_id):
        self._maybe("decode")
        return self

    @property
    def uses(self):
        self._maybe("uses")
        return (b"x",)

    def claims(self, terms, view):
        self._maybe("claims")
        return ()

    def covers(self, intent, terms, view):
        self._maybe("covers")
        return {}

    def validate(self, intent, terms, view) -> None:
        self._maybe("validate")


@pytest.mark.parametrize("at", ["decode", "uses", "claims", "covers", "validate", "never"])
def test_in5_a_schema_that_crashes_stops_no_batch(market, at) -> None:
    services = market.services
    registry = Registry((*services.registry.schemas, Crashing(at)))
    live = market_closed(market)
    view = views.view(market.chain.state, live.scope, live.height, services)
    odd = Intent(APP, "crash", b"", Height(90), 0, bytes(32)).to_bytes()
    order = market.order(2, GOLD, 5, SILVER).to_bytes()
    changed = replace(services, registry=registry)
    judged = opening.judge((odd, order), (0, 0), view, live.scope, changed)
    assert judged.fates == ("ok" if at == "never" else "IN-5", "ok")


# WHAT IS KEPT FREE


def test_ex36_no_note_of_an_opened_intent_is_spent_elsewhere_until_the_end(market) -> None:
    market.fund()
    outside = market.spending(0, 10)
    live = market.opened(market.swap(0, SILVER))
    before = market.chain.state
    assert codes(market.block(outside)) == ["EX-36"]
    assert list(before.iterate(b"i/r/"))
    receipts = market.end(live)
    assert codes(receipts) == ["ok"]
    assert not list(market.chain.state.iterate(b"i/r/"))
    assert codes(market.block(outside)) == ["ok"], "it was his all the time"


def test_tr11_what_an_opened_order_may_take_pays_nothing_else(market) -> None:
    whole = market.payment(0, 1, WEALTH - 99, GOLD)
    rest = market.payment(0, 1, WEALTH - 100, GOLD)
    live = market.opened(market.order(0, GOLD, 100, SILVER, fee=7))
    account = market.accounts[0].account
    assert held(market.chain.state, account, GOLD) == 100
    assert held(market.chain.state, account, NATIVE) == 7
    assert codes(market.chain.copy().block(whole)) == ["TR-11"]
    assert codes(market.chain.copy().block(rest)) == ["ok"]
    market.end(live)
    assert not list(market.chain.state.iterate(b"i/held/"))
    assert codes(market.block(whole)) == ["ok"]


def test_tr11_holds_of_two_batches_add_up_and_never_pass_the_balance(market) -> None:
    chain, account = market.chain, market.accounts[0].account
    orders = market.order(0, GOLD, 600, SILVER), market.order(0, GOLD, 600, COPPER, nonce=2)
    chain.run_to(chain.height + 4 - chain.height % 5)
    chain.step(*(chain.seal(item.to_bytes(), domain=i) for i, item in enumerate(orders)))
    chain.step()
    first, second = layout.live(chain.state)
    assert fates(market, first) == fates(market, second) == ("ok",)
    assert second.height < first.height
    assert held(chain.state, account, GOLD) == WEALTH
    market.end(second)
    assert held(chain.state, account, GOLD) == 600
    market.end(first)
    assert held(chain.state, account, GOLD) == 0


def test_tr11_an_order_covered_by_what_is_held_is_not_covered(market) -> None:
    market.opened(market.order(0, GOLD, WEALTH, SILVER))
    market.seal(market.order(0, GOLD, 1, COPPER, nonce=2), domain=1)
    market.block()
    assert fates(market, market.chain.live(1)[0]) == ("IN-10",)


def test_tr11_held_native_units_pay_no_fee_of_the_lane(market) -> None:
    """EX-37: what is held pays no other sealed intent, either."""
    price = market.balance(market.accounts[0]) - 100_000
    market.opened(market.order(0, NATIVE, price, GOLD, partial=True))
    free = Ledger(market.chain.state).free(market.accounts[0].account, NATIVE)
    assert 0 < free < 100_000
    another = market.order(0, SILVER, 5, GOLD, nonce=5).to_bytes()
    assert codes(market.block(market.chain.seal(another, fee=free + 1))) == ["EX-37"]


# THE TREE


def test_the_tree_shows_all_intents_of_an_application(market) -> None:
    mine = [market.order(i, GOLD, 5, SILVER) for i in range(2)]
    other = replace(market.order(2, GOLD, 5, SILVER), app=b"other".ljust(29, b"\0"))
    texts = [mine[0].to_bytes(), b"no intent", other.to_bytes(), mine[1].to_bytes()]
    market.block(*(market.chain.seal(text) for text in texts))
    live = market.open()
    root = market.chain.state.get(layout.tree_key(live.ref))
    tree = views.tree(layout.plaintexts(market.chain.state, live.ref).values())
    assert tree.root == root
    data, proof = tree.prove(APP)
    assert data == (texts[0], texts[3])
    check_namespace(root, APP, data, proof)
    assert Counter(fates(market, live)) == {"ok": 2, "IN-2": 1, "IN-20": 1}
