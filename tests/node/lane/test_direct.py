"""Open intents: settled by their solver, and whoever carried them is paid.  LN-39 … LN-42."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.app import assembly
from node.core.genesis import Allocation
from node.core.ids import NATIVE, AccountId, EnvironmentId, Height, Kind
from node.core.interfaces import TxContext
from node.execution.executor import Executor
from node.gossip import message as messages
from node.gossip.envelope import plain
from node.gossip.fees import NoFee, SettlementFee
from node.gossip.statement import Signer
from node.intents.batch import Batch
from node.intents.limit import LimitOrder, sign_order
from node.intents.solvers import standard
from node.intents.solvers.problem import pose
from node.intents.view import View
from node.intents.worker import seed_of
from node.lane import direct, payload
from node.lane.direct import DirectTx
from node.lane.env import LaneEnvironment
from node.lane.services import ScopedExecutor
from node.testing.lane import LaneChain, entropy, lane_genesis, payers
from node.testing.ledger import Believes
from node.testing.market import METALS, Market
from transparent.accounts import Ledger
from zk.errors import ChiaroError
from zk.hash import domains

GOLD, SILVER = (Kind(0, domains.asset_label(name)) for name in ("gold", "silver"))
APP = b"market".ljust(29, b"\0")
FEE = 1000


class Overlay:
    """A chain, two traders with an order each, one who carries, and a solver."""

    def __init__(self) -> None:
        first, second = payers()[:2]
        allocations = (
            Allocation(first.account, GOLD, 500),
            Allocation(second.account, SILVER, 500),
        )
        self.chain = LaneChain(1, genesis=lane_genesis(1, allocations=sorted(allocations)))
        genesis, verifier = self.chain.genesis, Believes()
        found = assembly.environments(genesis)
        shielded = found[EnvironmentId.SHIELDED]
        inner = Executor(genesis, found, verifier)
        self.services = LaneEnvironment(genesis, inner, verifier, shielded).services
        self.traders = (first, second)
        self.solver = payers()[2]
        self.relay = Signer(entropy("relay"), self.chain.genesis.chain_id)
        self.intents = tuple(
            sign_order(
                trader,
                self.chain.genesis.chain_id,
                APP,
                LimitOrder(trader.account, sell, 100, buy, 1, 1, True),
                expiry=Height(30),
                fee=FEE,
                nonce=bytes([place + 1]) * 32,
            )
            for place, (trader, sell, buy) in enumerate(
                zip(self.traders, (GOLD, SILVER), (SILVER, GOLD), strict=True)
            )
        )

    def message(self, place: int, *, cut: int = 300, fee=None, hops: bool = True):
        """An order as the solver got it: by way of the relay."""
        intent = self.intents[place]
        offer = SettlementFee(intent.fee, reserved=400) if fee is None else fee
        envelope = plain(intent.app, intent.schema, intent.expiry, intent.to_bytes(), offer)
        origin = Signer(entropy("origin", place), self.chain.genesis.chain_id)
        made = messages.originate(origin, 0, envelope)
        return messages.pass_on(made, self.relay, place, cut) if hops else made

    def tx(self, *carried, **changes) -> DirectTx:
        """A settlement of these, signed by the solver."""
        batch = Batch(self.chain.genesis.chain_id, None, self.intents[: len(carried)])
        services = self.services
        context = TxContext(self.chain.genesis.chain_id, self.chain.next_height)
        view = View(
            context, self.chain.state, ScopedExecutor(services.inner, None), services.verifier,
            services.shielded,
        )  # fmt: skip
        problem, _ = pose(batch, view, services.registry)
        settlement = problem.settlement(standard.solve(problem, seed_of(batch.id)))
        fields = {"fee": 5000, "expiry": Height(30), **changes}
        made = DirectTx(
            self.chain.genesis.chain_id, AccountId(self.solver.account),
            messages=carried, settlement=settlement, **fields,
        )  # fmt: skip
        return direct.sign(made, self.solver)

    def put(self, tx: DirectTx):
        (receipt,) = self.chain.block(payload.wire(tx))
        return receipt

    def balance(self, account: bytes, kind: Kind = NATIVE) -> int:
        return Ledger(self.chain.state).balance(AccountId(account), kind)


@pytest.fixture
def overlay() -> Overlay:
    return Overlay()


def test_ln42_hops_get_their_cuts_and_the_solver_the_rest(overlay) -> None:
    before = overlay.balance(overlay.solver.account)
    receipt = overlay.put(overlay.tx(overlay.message(0), overlay.message(1, cut=0)))
    assert receipt.ok, receipt
    assert overlay.balance(overlay.relay.node) == 300
    assert overlay.balance(overlay.solver.account) == before - 5000 + 2 * FEE - 300
    first, second = overlay.traders
    assert overlay.balance(first.account, SILVER) == 100
    assert overlay.balance(second.account, GOLD) == 100


def test_ln42_what_settles_nothing_is_refused_and_moves_nothing(overlay) -> None:
    tx = overlay.tx(overlay.message(0), overlay.message(1))
    assert overlay.put(tx).ok
    before = overlay.balance(overlay.solver.account)
    again = direct.sign(replace(tx, fee=6000), overlay.solver)
    receipt = overlay.put(again)
    assert receipt.code == "LN-42", receipt
    assert overlay.balance(overlay.solver.account) == before, "an order is not filled twice"
    assert overlay.balance(overlay.relay.node) == 600


def test_ln42_a_part_that_the_fee_leaves_nothing_for_settles_nothing_and_says_so(overlay) -> None:
    """The solver trades itself, and pays the chain with what its order would pay with."""
    overlay.solver = overlay.traders[0]
    rich = overlay.balance(overlay.solver.account)
    carried = overlay.message(0, cut=600), overlay.message(1, cut=600)
    receipt = overlay.put(overlay.tx(*carried, fee=rich - 100))  # and the hops get 200 more
    assert receipt.ok, "the fee is paid"
    assert [event.name for event in receipt.events].count("settled") == 0
    (part,) = [dict(event.data) for event in receipt.events if event.name == "part"]
    assert part["code"] != "ok"
    assert overlay.balance(overlay.solver.account, SILVER) == 0
    assert overlay.balance(overlay.relay.node) == 0


def test_ln42_every_intent_that_takes_effect_is_told(overlay) -> None:
    receipt = overlay.put(overlay.tx(overlay.message(0), overlay.message(1)))
    told = {dict(event.data)["intent"] for event in receipt.events if event.name == "settled"}
    assert told == {intent.id.hex() for intent in overlay.intents}


def refusal(overlay, tx) -> str:
    receipt = overlay.put(tx)
    assert not receipt.ok
    return receipt.code


def test_ln39_form_chain_time_fee_and_signature(overlay) -> None:
    tx = overlay.tx(overlay.message(0), overlay.message(1))
    foreign = replace(tx, chain_id=bytes(32))
    for wrong in (
        direct.sign(foreign, overlay.solver),
        direct.sign(replace(tx, expiry=Height(0)), overlay.solver),
        direct.sign(replace(tx, expiry=Height(2**40)), overlay.solver),
        direct.sign(replace(tx, fee=1999), overlay.solver),
        direct.sign(tx, overlay.traders[0]),
    ):
        assert refusal(overlay, wrong) == "LN-39"
    empty = replace(tx, messages=())
    with pytest.raises(ChiaroError) as caught:
        payload.decode(direct.sign(empty, overlay.solver).to_bytes())
    assert caught.value.id == "LN-39"
    assert payload.decode(tx.to_bytes()) == tx


def test_ln40_an_envelope_says_what_its_intent_says(overlay) -> None:
    other = overlay.message(1)
    for fee in (NoFee(), SettlementFee(FEE + 1), SettlementFee(FEE - 1)):
        wrong = overlay.message(0, fee=fee, hops=False)
        assert refusal(overlay, overlay.tx(wrong, other)) == "LN-40"
    intent = overlay.intents[0]
    later = plain(intent.app, intent.schema, Height(31), intent.to_bytes(), SettlementFee(FEE))
    signer = Signer(entropy("origin", 0), overlay.chain.genesis.chain_id)
    assert refusal(overlay, overlay.tx(messages.originate(signer, 0, later), other)) == "LN-40"


def test_ln41_a_path_that_was_not_walked_pays_nobody(overlay) -> None:
    other = overlay.message(1)
    good = overlay.message(0)
    (hop,) = good.hops
    for hops in (
        (replace(hop, fee_taken=600),),  # a greater cut than it signed for
        (replace(hop, node=overlay.solver.account),),  # in another's name
        (replace(hop, fee_taken=601),),  # what is reserved for the solver
    ):
        assert refusal(overlay, overlay.tx(replace(good, hops=hops), other)) == "LN-41"
    bound = messages.pass_on(
        overlay.message(0, hops=False), overlay.relay, 7, 10, overlay.traders[0].account
    )
    assert refusal(overlay, overlay.tx(bound, other)) == "LN-41", "meant for another solver"


def in_the_open(market: Market, *intents):
    """A settlement of intents that somebody published, by an account; its receipt."""
    chain_id, services = market.chain.genesis.chain_id, market.services
    batch = Batch(chain_id, None, intents)
    context = TxContext(chain_id, market.chain.next_height)
    judge = ScopedExecutor(services.inner, None)
    state = market.free.state  # where nothing is reserved, so that a solver finds a settlement
    view = View(context, state, judge, services.verifier, services.shielded)
    problem, left_out = pose(batch, view, services.registry)
    assert not left_out
    carried = tuple(
        messages.originate(
            Signer(entropy("origin", place), chain_id), 0,
            plain(intent.app, intent.schema, intent.expiry, intent.to_bytes()),
        )
        for place, intent in enumerate(intents)
    )  # fmt: skip
    solver = market.accounts[2]
    settlement = problem.settlement(standard.solve(problem, seed_of(batch.id)))
    tx = DirectTx(chain_id, solver.account, 50_000, context.height, carried, settlement)
    (receipt,) = market.block(payload.wire(direct.sign(tx, solver)))
    return receipt


@pytest.mark.parametrize("what", ["swaps", "orders"])
def test_ln42_what_a_sealed_batch_holds_is_not_taken_in_the_open(what: str) -> None:
    """EX-36, TR-11: the same intents, opened in a batch that is being solved."""
    market = Market()
    market.fund()
    market.free = market.chain.copy()
    gold, silver, _ = METALS
    intents = (
        [market.swap(i, METALS[(i + 1) % 3], scope=None) for i in range(3)]
        if what == "swaps"
        else [market.order(0, gold, 1000, silver), market.order(1, silver, 1000, gold)]
    )
    live = market.opened(*intents)
    receipt = in_the_open(market, *intents)
    assert receipt.code == "LN-42"
    assert receipt.message.endswith({"swaps": "EX-36", "orders": "IN-10"}[what]), receipt.message
    market.block(market.submission(live, market.solve(live)))
    (end, *_) = market.end(live)
    settled = [event for event in end.events if event.name == "settled"]
    assert len(settled) == len(intents), "the batch has what was reserved to it"
