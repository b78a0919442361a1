"""Value goes through random rounds, and back and forth between the pools: none is made or lost.

A plain model knows what every hidden amount is. After each block the shielded and the private pool
together hold, by the turnstile, exactly the notes there are, the pools of rounds and the donations.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core.ids import EnvironmentId, tagged_hash
from node.execution import turnstile
from node.private import state as entries
from node.private.messages import SettleTx
from node.private.state import Status
from node.testing.ledger import FAUCET
from node.testing.private import POOL, Given, Held, PrivateChain, assert_ok
from private_exec.programs.quadratic import Tally
from private_exec.programs.quadratic import settle as settled
from shielded.private_owner import PrivateOwner

GIFTS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(40, 900), st.booleans()), min_size=0, max_size=4
)
"""Project, weight, whether members accept it."""


@dataclass
class Model:
    """What only the donors know."""

    chain: PrivateChain
    pools: int = 0
    hidden: int = 0

    def __post_init__(self) -> None:
        self.held: list[Held] = []

    def move(self, which: str) -> None:
        """One of the six ways between accounts, notes and cells."""
        chain, amount = self.chain, 20_000 + self.chain.height
        owner = PrivateOwner(tagged_hash("walk", chain.height.to_bytes(8, "big")), bytes(32))
        match which:
            case "shield":
                assert_ok(chain.run(chain.purse.shield(2, amount)))
            case "unshield":
                assert_ok(chain.run(chain.purse.leave(FAUCET.account, 1234)))
            case "place" | "store":
                make = chain.placed if which == "place" else chain.stored
                tx, held = make(amount, owner)
                assert_ok(chain.run(tx))
                self.held.append(held)
                self.hidden += amount
            case _ if self.held:
                held = self.held.pop()
                out = chain.withdrawal(held, FAUCET.account)
                assert_ok(chain.run(out if which == "out" else chain.reclaim(held)))
                self.hidden -= held.opening.value

    def check(self) -> None:
        held = self.chain.held()
        dark = held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)
        assert dark == self.chain.purse.holdings + self.pools + self.hidden
        assert all(row.adds_up for row in turnstile.supply(self.chain.state))


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    gifts=GIFTS,
    minimums=st.tuples(*[st.sampled_from([0, 0, 100_000, 10**8])] * 2),
    least=st.integers(1, 2),
    pool=st.sampled_from([1, 5000, POOL]),
    opens=st.booleans(),
    moves=st.lists(st.sampled_from(["shield", "unshield", "place", "store", "out", "back"])),
)
def test_value_is_conserved(chain, gifts, minimums, least, pool, opens, moves):
    model = Model(chain)
    model.check()
    h = chain.height
    deadlines = {"close": h + 20, "accept": h + 24, "open": h + 28}
    identity = chain.open_round(*minimums, least=least, pool=pool, **deadlines)
    model.pools += pool
    model.check()
    everybody: list[tuple[Given, bool]] = []
    for donor, (project, weight, accepted) in enumerate(gifts):
        everybody.append((chain.donate(identity, project, weight, donor), accepted))
        model.hidden += weight * weight
        model.check()
    for move in moves[:6]:
        model.move(move)
        model.check()
    terms = entries.round_of(chain.state, identity).terms
    if chosen := [item for item, accepted in everybody if accepted]:
        assert_ok(chain.run(chain.accept(identity, chosen)))
    chain.to(terms.accept)
    counts = [tally.count for tally in entries.round_of(chain.state, identity).tallies]
    if opens:
        assert_ok(chain.run(chain.sums(identity)))
    else:
        chain.to(terms.open)
    provider = chain.balance(FAUCET.account)
    assert_ok(chain.run(SettleTx(identity)))
    model.pools -= pool
    expected = plaintext(gifts, minimums, counts, pool, least) if opens else None
    of = entries.round_of(chain.state, identity)
    if expected is None:
        assert not of.payouts and chain.balance(FAUCET.account) == provider + pool
    else:
        assert of.payouts == expected[0]
        assert chain.balance(FAUCET.account) == provider + expected[1]
        for (project, weight, accepted), _ in zip(gifts, everybody, strict=True):
            if accepted and expected[0][project] is not None:
                model.hidden -= weight * weight
    model.check()
    chain.to(terms.accept + 1)
    for person, (item, accepted) in enumerate(everybody):
        funded = expected is not None and expected[0][item.tx.given.project] is not None
        assert chain.is_claimable(item) is not (accepted and funded)
        if chain.is_claimable(item):
            assert_ok(chain.run(chain.claim(item, person % 2)))
            model.hidden -= item.openings.amount.value
            assert entries.donation_of(chain.state, item.input.id).status is Status.CLAIMED
        model.check()
    while model.held:
        model.move("out")
        model.check()
    assert (model.pools, model.hidden) == (0, 0)


def plaintext(gifts, minimums, counts, pool, least):
    """Payouts by project, and what the provider gets back, from amounts in the clear."""
    tallies = [
        Tally(
            sum(w for p, w, accepted in gifts if accepted and p == project and open_),
            sum(w * w for p, w, accepted in gifts if accepted and p == project and open_),
            minimums[project],
        )
        for project, open_ in ((index, counts[index] >= least) for index in range(2))
    ]
    found = settled(pool, tallies)
    paid = tuple(
        payout if funded and count >= least else None
        for payout, funded, count in zip(found.payouts, found.funded, counts, strict=True)
    )
    return paid, found.back
