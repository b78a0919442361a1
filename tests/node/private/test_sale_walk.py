"""Sales that go well or badly, at random: none makes or loses anything, and nothing goes twice.

A plain model knows every bid. After each block the two dark pools hold, by the turnstile, exactly
the notes there are and the bids that have not left; and in each block exactly those bids go back
that the model says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core.ids import EnvironmentId
from node.execution import turnstile
from node.private import claims
from node.private.errors import PrivateOutdated
from node.private.messages import SettleTx
from node.private.sale_payload import CallTx
from node.testing.private import assert_ok, signer
from node.testing.sales import Placed, SaleChain, plaintext

ALICE = signer(7)
BIDS = st.lists(
    st.tuples(st.sampled_from([1_500, 4_000, 8_000]), st.booleans()), min_size=0, max_size=2
)
"""Amount, and whether members accept it."""


@pytest.fixture(scope="module")
def chain() -> SaleChain:
    found = SaleChain(bidders=2, epoch_blocks=10_000)
    found.start(notes=32)
    return found


@dataclass
class Model:
    """What only bidders know, and what the chain must make of it."""

    chain: SaleChain
    sale: bytes
    accept: int
    prove: int
    bids: list[tuple[Placed, bool]] = field(default_factory=list)
    left: set[int] = field(default_factory=set)
    hidden: int = 0
    proved: bool = False
    settled: bool = False
    winner: int | None = None
    price: int = 0

    def goes_back(self, number: int) -> bool:
        """In the next block."""
        height = self.chain.height + 1
        if number in self.left:
            return False
        if not self.bids[number][1]:
            return height > self.accept
        return self.settled or (height > self.prove and not self.proved)

    def check(self) -> None:
        chain = self.chain
        held = chain.held()
        dark = held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)
        assert dark == chain.purse.holdings + self.hidden
        assert all(row.adds_up for row in turnstile.supply(chain.state))
        for number, (placed, _) in enumerate(self.bids):
            try:
                claims.leaving(chain.state, placed.input.id, chain.height + 1)
            except PrivateOutdated as error:
                assert error.rule == "PV-182"
                assert not self.goes_back(number)
            else:
                assert self.goes_back(number)

    def to(self, height: int) -> None:
        while self.chain.height < height:
            self.chain.run()
            self.check()

    def leave(self, number: int, *, hidden: bool) -> None:
        """What a bidder has there, to notes or in the clear; never twice."""
        placed, chain = self.bids[number][0], self.chain
        paid = self.price if number == self.winner else 0
        amount = placed.opening.value - paid
        if amount < 1000:
            return
        if hidden:
            assert_ok(chain.run(chain.back(placed, paid)))
        else:
            assert_ok(chain.run(chain.leave(placed, ALICE.account, paid)))
        self.hidden -= amount
        self.left.add(number)
        self.check()
        assert chain.codes(chain.leave(placed, ALICE.account, paid)) == ["PV-182"]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    reserve=st.sampled_from([0, 4_000, 8_000]),
    bids=BIDS,
    attempts=st.integers(0, 2),
    proves=st.booleans(),
    hidden=st.booleans(),
)
def test_value_is_conserved_and_goes_back_at_its_height_once(
    chain, reserve, bids, attempts, proves, hidden
):
    offer = chain.offer(reserve)
    assert_ok(chain.run(offer))
    model = Model(chain, offer.sale, offer.terms.accept, offer.terms.prove)
    for number, (amount, accepted) in enumerate(bids):
        model.bids.append((chain.bid(offer.sale, amount, number), accepted))
        model.hidden += amount
        model.check()
    chosen = [placed.input for placed, accepted in model.bids if accepted]
    assert_ok(chain.run(chain.admit(offer.sale, [chain.reserve_input(offer), *chosen])))
    model.to(offer.terms.accept)
    if chosen:
        for number in range(attempts):
            assert_ok(chain.run(CallTx(offer.sale, number)))
            model.check()
            if number + 1 < attempts:
                model.to(chain.height + 2 * chain.parameters.step_heights)
        if attempts and proves:
            conclude(model, reserve)
    model.to(offer.terms.prove)
    for number in range(len(bids)):
        model.leave(number, hidden=hidden)
    assert model.left == {
        n
        for n, (placed, _) in enumerate(model.bids)
        if placed.opening.value - (model.price if n == model.winner else 0) >= 1000
    }


def conclude(model: Model, reserve: int) -> None:
    """A result, what it opens to, and the settlement."""
    chain, sale = model.chain, model.sale
    assert_ok(chain.run(chain.prove(sale)))
    model.proved = True
    model.check()
    assert_ok(chain.run(chain.outputs(sale)))
    model.check()
    taken = [n for n, (_, accepted) in enumerate(model.bids) if accepted]
    amounts = [model.bids[n][0].opening.value for n in taken]
    winner, model.price = plaintext(reserve, amounts)
    model.winner = None if winner is None else taken[winner]
    assert_ok(chain.run(SettleTx(sale)))
    model.settled = True
    model.hidden -= model.price
    model.check()
