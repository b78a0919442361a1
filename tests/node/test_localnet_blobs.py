"""Real CometBFT, four validators: a blob's rows are with all of them, with three, and repaired."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from node.app import disturb
from node.app.disturb import Part
from node.consensus.cometbft.home import binary
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId
from node.core.lane import LaneDomain, LaneParameters
from node.lane import domains, payload
from node.lane.blobs import blob as blobs
from node.lane.payload import SealTx
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of
from node.testing.localnets import WAIT_S, Localnet, until
from private_exec.envelope import Terms, seal_intent
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign

pytestmark = [
    pytest.mark.oracle_cometbft,
    pytest.mark.skipif(
        binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
    ),
]
MARKET = LaneDomain(1, "market", period=6, fee=100, solve_period=2)
LANE = LaneParameters((MARKET,), epoch_heights=300, lead=20, round_heights=3)
FAUCET, PAYER = SigningKey(DEV_FAUCET_SEED), SigningKey(b"\x07" * 32)
COUNT = 6


@pytest.fixture
def net() -> Iterator[Localnet]:
    with Localnet(4, lane=LANE) as found:
        found.up()
        yield found


def sealed(client: NodeClient, genesis, first: int, count: int = COUNT) -> bytes:
    key = client.lane.wait_for_key(genesis, MARKET.number, WAIT_S)
    fee, last = domains.least_fee(genesis, MARKET.number, 1024, 1), LANE.last_height(key.epoch)
    return blobs.encode(
        seal_intent(key, Terms(PAYER.account, n, fee, 1, last, 0), b"sealed", PAYER, os.urandom(32))
        for n in range(first, first + count)
    )


def test_rows_are_handed_out_read_anywhere_and_repaired(net: Localnet) -> None:
    genesis, clients = net.genesis, net.clients
    transfer = Transfer(PAYER.account, NATIVE, 10**9)
    tx = sign(FAUCET, genesis.chain_id, 0, clients[0].status().height + 60, 1000, (transfer,))
    clients[0].submit(Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes())
    for client in clients.values():
        until(lambda c=client: c.transaction(tx.id).status == "included", "the payer's money")

    data = sealed(clients[0], genesis, 0)
    kept = clients[0].da.put(MARKET.number, data)
    assert (kept.signers, kept.faults) == (4, [])
    clients[1].submit(bytes_of(kept.tx))
    for client in clients.values():
        until(lambda c=client: c.transaction(bytes_of(kept.tx_id)).status == "included", "ordered")
        found = client.da.ordered(bytes_of(kept.root))
        assert found.entries == COUNT
        assert client.da.read(found.commitment) == data
        assert client.da.blob(bytes_of(kept.root)).rows == 64
    assert clients[3].da.sample(found.commitment, 12).missing == ()

    disturb.kill(net.folder, 3, Part.APP)
    data = sealed(clients[1], genesis, COUNT)
    kept = clients[1].da.put(MARKET.number, data)
    assert (kept.signers, [fault.code for fault in kept.faults]) == (3, ["NOD-002"])
    clients[2].submit(bytes_of(kept.tx))
    for client in (clients[k] for k in range(3)):
        until(lambda c=client: c.transaction(bytes_of(kept.tx_id)).status == "included", "ordered")
        assert client.da.read(client.da.ordered(bytes_of(kept.root)).commitment) == data

    disturb.kill(net.folder, 2, Part.APP)
    (envelope,) = blobs.decode(sealed(clients[0], genesis, 2 * COUNT, 1))
    waiting = clients[0].submit(payload.wire(SealTx(MARKET.number, envelope)))
    name = bytes_of(waiting.tx_id)
    until(lambda: clients[1].transaction(name).status == "pending", "mempools carry it")
    assert clients[0].transaction(name).status == "pending", "two of four decide nothing"

    net.up()
    back = clients[3]
    for client in clients.values():
        until(lambda c=client: c.transaction(name).status == "included", "all four go on")
    until(lambda: back.transaction(bytes_of(kept.tx_id)).status == "included", "it catches up")
    until(lambda: back.da.blob(bytes_of(kept.root)).rows == 64, "it has its rows")
    assert back.da.sample(found.commitment, 12).missing == ()
    roots = {c.block(back.status().height - 1).state_root for c in clients.values()}
    assert len(roots) == 1
