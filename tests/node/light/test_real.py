"""A light client of a real chain: two validators on CometBFT, one is asked, one is the witness."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.app import localnet
from node.consensus.cometbft.home import binary
from node.consensus.cometbft.mapping import engine_chain_id
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId
from node.light import accounts
from node.light.client import LightClient, Witness
from node.light.root import ProvedState, VerifiedLedger, genesis_validators
from node.light.verify import Trusted
from node.rpc.client import NodeClient
from node.rpc.light_client import NodeSource
from node.stake import rosters
from node.testing.localnets import p2p_port
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign

PERSON, FAUCET = SigningKey(b"\x05" * 32), SigningKey(DEV_FAUCET_SEED)
WAIT_S = 60.0


@pytest.fixture
def net() -> Iterator[tuple]:
    folder = Path(tempfile.mkdtemp(prefix="lit", dir="/tmp"))
    now = time.time_ns() // 1_000_000
    genesis = localnet.create(folder, 2, time_ms=now, block_time_ms=200, p2p_port=p2p_port(2))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        stack.callback(localnet.down, folder)
        standing = localnet.up(folder, rpc_port=0)
        yield genesis, [stack.enter_context(NodeClient(item.process.url)) for item in standing]


@pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
@pytest.mark.oracle_cometbft
def test_from_genesis_to_a_payment_that_is_proved(net) -> None:
    genesis, clients = net
    expiry = clients[0].status().height + 60
    transfers = (Transfer(PERSON.account, NATIVE, 5),)
    tx = sign(FAUCET, genesis.chain_id, 0, expiry, 1000, transfers)
    clients[0].submit(Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes())
    view = clients[0].wait_for_tx(tx.id, WAIT_S)
    clients[0].events(view.receipt.height + 1, WAIT_S)  # the block behind is decided, too

    sources = [NodeSource(client) for client in clients]
    trusted = Trusted.genesis(genesis_validators(genesis), genesis.time_ms)

    def pause() -> bool:
        time.sleep(0.1)
        return time.monotonic() < deadline

    deadline = time.monotonic() + WAIT_S
    witness = Witness("other", sources[1])
    client = LightClient(engine_chain_id(genesis), trusted, sources[0], [witness], pause=pause)
    while client.trusted.height <= view.receipt.height + 1:
        assert time.monotonic() < deadline
        synced = client.sync(time.time_ns())
        assert not synced.trace or any(opinion.agrees for opinion in synced.opinions)
    block = sources[1].light_block(client.trusted.height)
    assert block.hash == client.trusted.hash

    ledger = VerifiedLedger(genesis, block, sources[1])
    assert ledger.height >= view.receipt.height
    assert accounts.account(ledger, genesis, PERSON.account).balances == {NATIVE: 5}
    found, _ = ledger.transaction(view.receipt.height, view.receipt.index)
    assert accounts.took_effect(ledger, found, view.receipt.index) is True
    assert ledger.header(1).previous == bytes(32)
    roster = rosters.committee(ProvedState(ledger), genesis, 0)
    assert {member.key for member in roster.members} == set(genesis.validators)
    every = LightClient(engine_chain_id(genesis), trusted, sources[1], sequential=True)
    trace = every.sync(time.time_ns(), block.height).trace
    assert [item.height for item in trace] == list(range(1, block.height + 1))
    assert trace[-1].hash == block.hash
