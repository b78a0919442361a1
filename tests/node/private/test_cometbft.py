"""A round and an auction on four validators with real CometBFT: who speaks, speaks to any node.

The chain made by hand follows the network's blocks, transaction by transaction: what members,
donors and bidders need to know of the state they read there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from circuits.key_registry import DEV
from circuits.keys import KeyStore
from node.consensus.cometbft.home import binary
from node.core.block import Receipt
from node.core.private import PrivateParameters
from node.private import state as entries
from node.private.messages import SettleTx
from node.private.payload import PrivateTx, wire
from node.private.prove import linked_prover
from node.testing.ledger import real_prover
from node.testing.localnets import Localnet
from node.testing.private import AMOUNT, assert_ok
from node.testing.sales import SELLER, SaleChain

needs_engine = pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
FEE = 3000
"""What two proofs cost a donor at least, and more."""
PARAMETERS = PrivateParameters(step_heights=6, round_heights=500, max_donations=8)


class Following(SaleChain):
    """Says everything to the network, and repeats what the network decided."""

    def __init__(self, net: Localnet) -> None:
        super().__init__(
            parameters=PARAMETERS,
            genesis=net.genesis,
            prove=real_prover(),
            linked=linked_prover(profile=DEV, keys=KeyStore()),
            fee=FEE,
        )
        self.net = net
        self.sent = 0

    def run(self, *txs: PrivateTx | bytes) -> list[Receipt]:
        """Each to another node; returns when all are decided."""
        if not txs:
            return self.follow(self.height + 1)
        found: dict[bytes, Receipt] = {}
        wires = [tx if isinstance(tx, bytes) else wire(tx) for tx in txs]
        for data in wires:
            self.sent += 1
            client = self.net.clients[self.sent % 4]
            if self.height:  # a node a block behind would refuse what is due now
                client.events(self.height - 1, 20)
            client.submit(data)
        while not all(data in found for data in wires):
            height = self.height + 1
            receipts = self.follow(height, list(txs))
            block = self.net.clients[0].block(height)
            for data, receipt in zip(block.txs, receipts, strict=True):
                found[bytes.fromhex(data[2:])] = receipt
        return [found[data] for data in wires]

    def follow(self, height: int, mine: list[PrivateTx | bytes] | None = None) -> list[Receipt]:
        """The network's block of a height, here."""
        self.net.clients[0].events(height - 1, 20)
        block = self.net.clients[0].block(height)
        known = {tx if isinstance(tx, bytes) else wire(tx): tx for tx in mine or []}
        data = [bytes.fromhex(tx[2:]) for tx in block.txs]
        receipts = super().run(*(known.get(tx, tx) for tx in data))
        assert [receipt.code for receipt in receipts] == [r.code for r in block.receipts]
        return receipts


@pytest.fixture
def net() -> Iterator[Localnet]:
    with Localnet(4, block_ms=250, lane=None, private=PARAMETERS) as found:
        found.up()
        yield found


@needs_engine
@pytest.mark.oracle_cometbft
def test_a_round_on_four_validators(net: Localnet) -> None:
    chain = Following(net)
    chain.start(notes=4)
    h = chain.height
    identity = chain.open_round(0, 10**9, close=h + 30, accept=h + 45, open=h + 60)
    given = [chain.donate(identity, project, 100 + project, project) for project in range(2)]
    assert_ok(chain.run(chain.accept(identity, given)))
    terms = entries.round_of(chain.state, identity).terms
    chain.to(terms.accept)
    assert_ok(chain.run(chain.sums(identity)))
    assert_ok(chain.run(SettleTx(identity)))
    assert_ok(chain.run(chain.claim(given[1])))
    for client in net.clients.values():
        client.events(chain.height - 1, 20)
        view = client.private_round(identity)
        assert view.status == "settled"
        assert [(p.total, p.funded) for p in view.projects] == [("10000", True), ("10201", False)]
        assert client.private_input(given[1].input.id).status == "claimed"
        recipient = bytes.fromhex(view.projects[0].recipient[2:])
        assert client.account(recipient).balances[0].amount == "10000"
    assert chain.purse.holdings == 4 * AMOUNT - 10_000 - 3 * FEE


@needs_engine
@pytest.mark.oracle_cometbft
def test_an_auction_on_four_validators(net: Localnet) -> None:
    """Every validator verifies reserve, bids and result under the keys that genesis names."""
    chain = Following(net)
    chain.start(notes=2)
    h = chain.height
    sale, placed = chain.ready(20_000, 90_000, 70_000, close=h + 14, accept=h + 26, prove=h + 100)
    chain.call(sale)
    assert_ok(chain.run(chain.prove(sale)))
    assert_ok(chain.run(chain.outputs(sale)))
    assert_ok(chain.run(SettleTx(sale)))
    assert_ok(chain.run(chain.back(placed[0], price=70_000), chain.back(placed[1])))
    for client in net.clients.values():
        client.events(chain.height - 1, 20)
        view = client.private_sale(sale)
        assert (view.status, view.winner, view.price) == ("settled", 0, "70000")
        assert {bid.status for bid in client.private_bids(sale).bids} == {"claimed"}
        assert client.account(SELLER.account).balances[0].amount == "70000"
    assert chain.purse.holdings == 2 * AMOUNT - 70_000 - 4 * FEE
