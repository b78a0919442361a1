"""`chain tx` of the sealed lane: every kind of transaction, as everyone sees it."""

from __future__ import annotations

import functools

import pytest

from node.cli.chain_lane import HIDDEN, lane_data
from node.core.block import Transaction
from node.core.ids import Height
from node.lane import payload
from node.lane.payload import Tag
from node.rpc import views
from node.testing.market import Market


@functools.cache
def shown() -> dict[Tag, list[dict]]:
    """What is said of every transaction of a chain with a settlement, by kind."""
    market = Market()
    market.fund()
    market.story()
    chain, found = market.chain.chain, {}
    for height in range(1, market.chain.height + 1):
        block, receipts = chain.block(Height(height)), chain.receipts(Height(height))
        for data, receipt in zip(block.txs, receipts, strict=True):
            tag = payload.tag_of_wire(data)
            if tag is not None:
                body = Transaction.from_bytes(data).payload
                found.setdefault(tag, []).append(lane_data(body, views.receipt(receipt)))
    return found


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        (Tag.KEY, {"epoch", "attempt", "message"}),
        (Tag.SEAL, {"epoch", "payer", "fee", "gas_cap", "expiry", "size", "hidden"}),
        (Tag.REVEAL, {"batch", "closed", "root", "opened"}),
        (Tag.SUBMIT, {"batch", "solver", "fee", "settlement", "components"}),
        (Tag.END, {"batch", "ending", "settlement", "components", "parts", "carried"}),
    ],
)
def test_every_kind_says_what_it_is(tag, names) -> None:
    for data in shown()[tag]:
        assert data["kind"] == tag.name.lower()
        assert names <= set(data)


def test_of_a_sealed_intent_nothing_is_said_that_is_sealed() -> None:
    data = shown()[Tag.SEAL][0]
    assert data["hidden"] == HIDDEN
    assert not {"gives", "wants", "intent"} & set(data)


def test_an_end_names_components_their_results_and_what_they_carried_out() -> None:
    (data,) = shown()[Tag.END]
    assert sorted(item["what"] for item in data["components"]) == ["orders", "swaps", "transaction"]
    assert [item["code"] for item in data["parts"]] == ["ok"] * 3
    assert sorted(item["environment"] for item in data["carried"]) == ["shielded", "transparent"]
