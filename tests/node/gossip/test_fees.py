"""Offers, and how what is paid is divided."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.ids import EnvironmentId
from node.gossip.errors import InvalidMessage
from node.gossip.fees import OrderingFee, SettlementFee, check_cuts, split

U64 = 2**64 - 1


@st.composite
def settlements(draw):
    amount = draw(st.integers(1, U64))
    fee = SettlementFee(amount, draw(st.integers(0, amount)))
    cuts, left = [], fee.for_hops
    for _ in range(draw(st.integers(0, 8))):
        cuts.append(draw(st.integers(0, left)))
        left -= cuts[-1]
    return fee, cuts, draw(st.integers(0, amount))


@given(settlements())
@settings(max_examples=100)
def test_go10_what_is_paid_is_divided_exactly(case) -> None:
    fee, cuts, paid = case
    payout = split(fee, cuts, paid)
    assert sum(payout.hops) + payout.solver == paid
    assert all(0 <= got <= cut for got, cut in zip(payout.hops, cuts, strict=True))
    assert all(cut * paid - got * fee.amount < fee.amount
               for got, cut in zip(payout.hops, cuts, strict=True))  # fmt: skip
    assert payout.solver * fee.amount >= fee.reserved * paid
    assert split(fee, cuts).hops == tuple(cuts)


def test_go10_rejects_payments_beyond_the_offer() -> None:
    fee = SettlementFee(10)
    for paid in (-1, 11):
        with pytest.raises(InvalidMessage) as caught:
            split(fee, [], paid)
        assert caught.value.rule == "GO-10"
    assert split(SettlementFee(10), [3, 3], 5) == split(SettlementFee(10), [3, 3], 5)
    assert split(SettlementFee(10), [3, 3], 5).hops == (1, 1)
    assert split(SettlementFee(10), [3, 3], 5).solver == 3


@pytest.mark.parametrize(("amount", "reserved"), [(0, 0), (U64 + 1, 0), (-1, 0), (5, 6), (5, -1)])
def test_go9_rejects_offers_that_are_none(amount, reserved) -> None:
    with pytest.raises(InvalidMessage) as caught:
        SettlementFee(amount, reserved)
    assert caught.value.rule == "GO-9"


def test_go8_rejects_a_running_total_above_what_is_for_hops() -> None:
    check_cuts(SettlementFee(10, 4), [6, 0])
    for cuts in ([7], [3, 3, 1], [-1, 2]):
        with pytest.raises(InvalidMessage) as caught:
            check_cuts(SettlementFee(10, 4), cuts)
        assert caught.value.rule == "GO-8"


@pytest.mark.parametrize(
    "change",
    [
        {"domain": b"d" * 31},
        {"domain": bytes(32)},
        {"payment": bytes(32)},
        {"payment": b"p" * 33},
        {"amount": 0},
        {"amount": U64 + 1},
        {"environment": EnvironmentId.PRIVATE},
        {"environment": EnvironmentId.CHAIN},
    ],
)
def test_go11_rejects_ordering_fees_that_name_no_payment(change) -> None:
    good = {
        "domain": b"d" * 32,
        "amount": 5,
        "environment": EnvironmentId.TRANSPARENT,
        "payment": b"p" * 32,
    }
    OrderingFee(**good)
    with pytest.raises(InvalidMessage) as caught:
        OrderingFee(**{**good, **change})
    assert caught.value.rule == "GO-11"


def test_go11_rejects_an_unknown_environment_on_the_wire() -> None:
    from node.core.codec import Reader, Writer
    from node.gossip.fees import read_fee

    writer = Writer()
    OrderingFee(b"d" * 32, 5, EnvironmentId.SHIELDED, b"p" * 32).write(writer)
    data = bytearray(writer.done())
    assert read_fee(Reader(bytes(data))).environment == EnvironmentId.SHIELDED
    data[1 + 32 + 8] = 9
    with pytest.raises(InvalidMessage) as caught:
        read_fee(Reader(bytes(data)))
    assert caught.value.rule == "GO-11"
