"""A node's chain in the place of one that is made by hand: for command lines over a committee."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

from node.app import development
from node.app.options import Options
from node.core.block import Transaction
from node.core.ids import tagged_hash
from node.core.interfaces import ProofVerifier
from node.core.private import PrivateParameters
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of
from node.testing.clock import EPOCH_MS
from node.testing.ledger import FAUCET, transfer
from node.testing.nodes import VALIDATOR, memory_node, serving
from node.testing.private import assert_ok
from node.testing.sales import SaleChain
from transparent.signature import SigningKey

PARAMETERS: Final = PrivateParameters(step_heights=8)
_SOMEBODY: Final = SigningKey(tagged_hash("testing/over-node")).account


class OverNode:
    """What `PrivateChain` has its blocks made by.

    Args:
        node: in this process.
        client: of it.
    """

    def __init__(self, node: Any, client: NodeClient) -> None:
        self.genesis, self.store, self.client = node.genesis, node.store, client

    @property
    def height(self) -> int:
        return self.client.status().height

    def block(self, *wires: bytes) -> list[SimpleNamespace]:
        """A block of these, or of anything."""
        sent = [self.client.submit(wire) for wire in wires]
        if not wires:
            sequence = self.client.account(FAUCET.account).sequence
            here: Any = self  # of a ledger, chain and height are asked
            wire = transfer(here, _SOMEBODY, 1, sequence=sequence)
            self.client.wait_for_tx(bytes_of(self.client.submit(wire).tx_id, 32), 30)
        views = [self.client.wait_for_tx(bytes_of(item.tx_id, 32), 30) for item in sent]
        return [
            SimpleNamespace(
                ok=v.status == "included",
                code=v.status,
                message=v,
                environment=Transaction.from_bytes(wire).environment,
            )
            for wire, v in zip(wires, views, strict=True)
        ]


def node_of(verifier: ProofVerifier) -> Any:
    """A node in memory, of a development chain with a private environment."""
    genesis = development.genesis(EPOCH_MS, validators=(VALIDATOR.public,), private=PARAMETERS)
    options = Options(port=0, delay_ms=1, lane_tick_ms=3_600_000)
    return memory_node(genesis, verifier=verifier, options=options)


@contextmanager
def committee_over(verifier: ProofVerifier) -> Iterator[SimpleNamespace]:
    """A `client` of a node, and the `chain` of a committee that has keys there."""
    node = node_of(verifier)
    with serving(node) as client:
        chain: Any = SaleChain(genesis=node.genesis, parameters=PARAMETERS, epoch_blocks=5000)
        chain.ledger = OverNode(node, client)
        chain.purse = SimpleNamespace(settle=lambda *_: None)  # people have wallets of their own
        assert_ok(chain.run(chain.declare()))
        chain.ceremony()
        yield SimpleNamespace(client=client, chain=chain)
