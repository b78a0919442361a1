"""Assembly: which chains a node serves, when it makes blocks, what it logs."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from types import SimpleNamespace

import msgspec
import pytest

from circuits.key_registry import Registry
from circuits.keys import KeyStore
from node.app import assembly, development, logs
from node.app.blocks import BlockMaker
from node.app.errors import AlreadyRunning, ForeignGenesis, NoNode, NotInstalled
from node.app.node import GENESIS_FILE, Node
from node.app.options import Options
from node.core.errors import ConsensusFault, InvalidTransaction
from node.core.genesis import Parameters
from node.core.genesis_file import save_genesis
from node.core.ids import NATIVE
from node.lane.validator.identity import ConsensusKey
from node.store.memory import MemoryKeyValue
from node.testing.clock import EPOCH_MS, FakeClock
from node.testing.nodes import VALIDATOR, development_genesis, memory_node, serving
from zk.errors import ChiaroError, DevParamsRefused


def changed(genesis, **fields):
    """The same genesis with another first statement."""
    statement = dataclasses.replace(genesis.statements[0], **fields)
    return dataclasses.replace(genesis, statements=(statement,))


def test_rpc14_another_circuit_or_key_is_another_chain(genesis, tmp_path) -> None:
    for other, what in (
        (changed(genesis, r1cs=bytes(32)), "circuit"),
        (changed(genesis, verifying_key=bytes(32)), "verifying key"),
        (changed(genesis, statement="action/2"), "verifies action/2"),
        (dataclasses.replace(genesis, statements=()), "verifies nothing"),
    ):
        assert other.chain_id != genesis.chain_id
        with pytest.raises(ForeignGenesis, match=f"RPC-14.*{what}"):
            memory_node(other)
    home = tmp_path / "node"
    Node.create(home, changed(genesis, verifying_key=bytes(32)))
    with pytest.raises(ForeignGenesis, match="RPC-14"):
        Node.open(home)
    assert {path.name for path in home.iterdir()} <= {GENESIS_FILE, "node.lock"}


def test_rpc14_development_keys_serve_no_other_profile(genesis) -> None:
    other = dataclasses.replace(genesis, profile="main", ceremony=bytes(32))
    with pytest.raises(DevParamsRefused):
        memory_node(other)
    without = KeyStore(Registry({}))
    with pytest.raises(ForeignGenesis, match="RPC-14"):
        memory_node(genesis, keys=without)


def test_rpc14_all_keys_of_the_chain_are_loaded(genesis) -> None:
    keys = KeyStore()
    found = assembly.verifying_keys(genesis, keys)
    assert {name: key.id for name, key in found.items()} == {
        item.statement: item.verifying_key.hex() for item in genesis.statements
    }
    assert "UNSAFE" in assembly.warnings(genesis, keys)["action/1"]


def test_rpc15_not_under_optimisation() -> None:
    assembly.check_interpreter(0)
    for level in (1, 2):
        with pytest.raises(NotInstalled, match="RPC-15"):
            assembly.check_interpreter(level)


def test_rpc16_one_process_per_folder(genesis, tmp_path) -> None:
    home = tmp_path / "node"
    with pytest.raises(NoNode):
        Node.open(home)
    Node.create(home, genesis)
    with pytest.raises(NoNode):
        Node.create(home, genesis)
    node = Node.open(home)
    try:
        with pytest.raises(AlreadyRunning, match="RPC-16"):
            Node.open(home)
    finally:
        node.close()
    Node.open(home).close()


def test_a_failed_open_leaves_the_folder_free(genesis, tmp_path) -> None:
    home = tmp_path / "node"
    Node.create(home, genesis)
    Node.open(home).close()
    (home / GENESIS_FILE).unlink()
    save_genesis(development_genesis(Parameters(fee_floor=1)), home / GENESIS_FILE)
    with pytest.raises(Exception, match="CH-13") as refused:  # the store is another chain's
        Node.open(home)
    (home / GENESIS_FILE).unlink()
    save_genesis(genesis, home / GENESIS_FILE)
    Node.open(home).close()
    assert refused.value.exit_code == 6


def test_more_than_one_validator_is_refused(genesis) -> None:
    other = ConsensusKey(bytes(32)).public
    two = dataclasses.replace(genesis, validators=tuple(sorted((*genesis.validators, other))))
    with pytest.raises(ConsensusFault, match="CH-26"):
        memory_node(two)


def test_the_development_chain(genesis) -> None:
    assert genesis == development_genesis()
    assert development.genesis(EPOCH_MS + 1).chain_id != genesis.chain_id
    assert set(development.names(genesis).values()) == {"gold", "silver"}
    assert development.names(SimpleNamespace(profile="main")) == {}
    assert development.asset("native") == NATIVE
    assert {kind for kind, _ in genesis.supply().items()} == {
        development.asset(name) for name in ("native", "gold", "silver")
    }


def test_a_transfer_and_a_restart_in_memory(make_person) -> None:
    database, clock = MemoryKeyValue(), FakeClock()
    with serving(memory_node(database=database, clock=clock)) as client:
        alice, bob = make_person(client, b"alice"), make_person(client, b"bob")
        client.faucet(alice.account, 10**6)
        tx_id, data = alice.transfer(bob.account, 5)
        client.submit(data)
        done = client.wait_for_tx(tx_id, timeout=30)
        assert done.status == "included"
        clock.advance(5000)
        assert client.make_block().time_ms == EPOCH_MS + 5000
        before = client.status()
    with serving(memory_node(database=database)) as again:
        after = again.status()
        assert (after.height, after.state_root) == (before.height, before.state_root)
        assert again.transaction(tx_id) == told_at(done, after.height)
        assert again.account(bob.account).balance(NATIVE) == 5


def told_at(view, tip):
    """The same answer, as given at another height."""

    return msgspec.structs.replace(view, tip=tip)


def test_several_payments_of_one_sender_wait_together(make_person) -> None:
    with serving(memory_node()) as client:
        alice, bob = make_person(client, b"alice"), make_person(client, b"bob")
        client.faucet(alice.account, 10**7)
        sent = [alice.transfer(bob.account, 1, sequence=n) for n in range(8)]
        for _, data in sent:
            client.submit(data)
        for tx_id, _ in sent:
            assert client.wait_for_tx(tx_id, timeout=30).status == "included"
        assert client.account(bob.account).balance(NATIVE) == 8
        assert client.mempool().txs == 0


# --- the block maker ----------------------------------------------------------------------------


class Source:
    def __init__(self):
        self.waiting = 0

    def pending(self, _most):
        return [b"tx"] * self.waiting


class Blocks:
    """Produces blocks of all that waits, or empty ones."""

    def __init__(self, source, *, takes=True):
        self.source = source
        self.takes = takes
        self.made: list[int] = []

    async def __call__(self):
        taken = self.source.waiting if self.takes else 0
        self.made.append(taken)
        self.source.waiting -= taken
        return SimpleNamespace(block=SimpleNamespace(txs=(b"tx",) * taken))


async def drive(maker, script):
    stop = asyncio.Event()
    task = asyncio.create_task(maker.run(stop))
    await script()
    stop.set()
    await asyncio.wait_for(task, 10)


def test_blocks_come_when_something_waits_and_not_else() -> None:
    source = Source()
    blocks = Blocks(source)
    maker = BlockMaker(blocks, source, delay_ms=10, interval_ms=0)

    async def script():
        await asyncio.sleep(0.03)
        assert blocks.made == []
        source.waiting = 2
        maker.wake()
        source.waiting = 3  # gathered within the delay
        while not blocks.made:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.03)

    asyncio.run(drive(maker, script))
    assert blocks.made == [3]


def test_what_fits_no_block_makes_no_stream_of_empty_ones() -> None:
    source = Source()
    blocks = Blocks(source, takes=False)
    maker = BlockMaker(blocks, source, delay_ms=0, interval_ms=0)

    async def script():
        source.waiting = 1
        maker.wake()
        await asyncio.sleep(0.1)

    asyncio.run(drive(maker, script))
    assert len(blocks.made) <= 2


def test_a_timer_makes_empty_blocks_if_told_to() -> None:
    source = Source()
    blocks = Blocks(source)
    maker = BlockMaker(blocks, source, delay_ms=0, interval_ms=1, empty_blocks=True)

    async def script():
        while len(blocks.made) < 3:
            await asyncio.sleep(0.001)

    asyncio.run(drive(maker, script))
    assert set(blocks.made) == {0}


def test_a_fault_ends_the_node() -> None:
    node = memory_node(options=Options(port=0, delay_ms=1))

    def broken():
        raise ConsensusFault("broken")

    def until_it_breaks():
        with serving(node) as client:
            node.engine.produce_block = broken
            node.pool.pending = lambda _most: [b"tx"]
            node._loop.call_soon_threadsafe(node._maker.wake)
            client.events(10**6, timeout=10)

    with pytest.raises(ConsensusFault, match="broken"):
        until_it_breaks()


# --- logs ---------------------------------------------------------------------------------------


def test_rpc18_a_story_leaves_nobody_in_the_log(tmp_path, genesis, make_person) -> None:
    handler = logs.to_file(tmp_path / "node.log")
    try:
        with serving(memory_node(genesis)) as client:
            people = [make_person(client, name) for name in (b"alice", b"bob")]
            client.faucet(people[0].account, 10**6)
            tx_id, data = people[0].transfer(people[1].account, 5)
            client.submit(data)
            client.wait_for_tx(tx_id)
            with pytest.raises(InvalidTransaction):
                client.submit(people[0].transfer(people[1].account, 5, sequence=0)[1])
            with pytest.raises(ChiaroError):
                client.submit(b"garbage")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    text = (tmp_path / "node.log").read_text()
    assert '"event": "block"' in text
    for person in people:
        assert person.account.hex() not in text
    assert tx_id.hex() not in text
    assert VALIDATOR.secret().hex() not in text


def test_rpc18_logs_have_a_closed_list_of_fields(tmp_path) -> None:
    path = tmp_path / "state" / "node.log"
    handler = logs.to_file(path)
    try:
        log = logging.getLogger("node.app.test")
        log.info("block", extra={"height": 7, "memo": "secret", "account": "secret"})
        try:
            secret = "secret" * 2
            raise ValueError(len(secret))
        except ValueError:
            log.exception("failed", extra={"path": "/v1/tx"})
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first.keys() == {"time", "level", "source", "event", "height"}
    assert (first["event"], first["height"]) == ("block", 7)
    assert "Traceback" in second["traceback"]
    assert "secretsecret" not in path.read_text()
