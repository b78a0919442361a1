"""Real CometBFT: one validator, then four with sealed intents, one of which is killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from node.app import development, localnet, process
from node.app.errors import NoNode, StartFailed
from node.cli import solver_run
from node.consensus.cometbft.home import binary
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId
from node.core.lane import LaneDomain, LaneParameters
from node.intents.limit import LimitOrder, sign_order
from node.intents.worker import Limits
from node.lane import domains, payload
from node.lane.payload import SealTx
from node.rpc.client import NodeClient
from private_exec.envelope import HEADER_BYTES, SIZE_CLASSES, Terms, seal_intent, size_class_of
from private_exec.roster import SIGNATURE_BYTES
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk import files
from zk.errors import ChiaroError, DecodeError

needs_engine = pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
MARKET = LaneDomain(1, "market", period=6, fee=100, solve_period=10)
LANE = LaneParameters((MARKET,), epoch_heights=300, lead=20, round_heights=3)
APP = b"localnet".ljust(29, b"\0")
FAUCET = SigningKey(DEV_FAUCET_SEED)
GOLD, SILVER = development.asset("gold"), development.asset("silver")
WAIT_S = 60.0
NEWEST = "v0.40.0"
"""The other line that one server serves; smoke-tested where it is built."""
BUILT = Path(__file__).parents[2] / ".cache" / "cometbft"
SEAL_BYTES = 5 * 32

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, seconds: float = WAIT_S) -> Found:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ChiaroError):
            if found := look():
                return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds:g} s: {what}")


def free_port() -> int:
    """Free on the addresses of four nodes, a moment ago."""
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.2", 0))
            port = first.getsockname()[1]
            for last in (3, 4, 5):
                stack.enter_context(socket.socket()).bind((f"127.0.0.{last}", port))
            return port


class Net:
    """A localnet in a folder with a short name, since paths of sockets are short."""

    def __init__(self, n: int, cometbft: Path | None = None) -> None:
        self.cometbft = cometbft
        self.folder = Path(tempfile.mkdtemp(prefix="net", dir="/tmp"))
        self.genesis = localnet.create(
            self.folder,
            n,
            time_ms=time.time_ns() // 1_000_000,
            block_time_ms=200,
            p2p_port=free_port(),
            lane=LANE,
        )
        self.sequence = 0
        self.clients: list[NodeClient] = []

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.clients = []

    def up(self) -> None:
        self.close()
        standing = localnet.up(self.folder, rpc_port=0, cometbft=self.cometbft)
        self.clients = [NodeClient(node.process.url) for node in standing]

    def pids(self) -> list[int]:
        return [node.process.pid for node in localnet.status(self.folder)]

    def heights(self) -> list[int]:
        return [client.status().height for client in self.clients]

    def to(self, height: int, *numbers: int) -> None:
        """Wait until these nodes, or all, have a block of this height."""
        clients = [self.clients[k] for k in numbers or range(len(self.clients))]
        until(lambda: min(c.status().height for c in clients) >= height, f"height {height}")

    def agree(self) -> None:
        """All have the same blocks and the same state."""
        common = min(self.heights())
        for height in {1, common // 2, common}:
            views = [client.block(height) for client in self.clients]
            assert len({(view.hash, view.state_root) for view in views}) == 1, height

    def pay(self, number: int, *transfers: Transfer) -> bytes:
        """A payment of the faucet's, sent to one node; returns its id."""
        client = self.clients[number]
        expiry = client.status().height + 60
        tx = sign(FAUCET, self.genesis.chain_id, self.sequence, expiry, 1000, transfers)
        self.sequence += 1
        wire = Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()
        client.submit(wire)
        return tx.id

    def included(self, tx_id: bytes) -> None:
        """On every node."""
        for client in self.clients:
            until(lambda c=client: c.transaction(tx_id).status == "included", tx_id.hex())


@pytest.fixture
def net(request) -> Iterator[Net]:
    n, version = request.param
    if version and not (BUILT / version / "cometbft").is_file():
        pytest.skip(f"CometBFT {version} is not here: `make cometbft COMETBFT_VERSION={version}`")
    found = Net(n, BUILT / version / "cometbft" if version else None)
    try:
        found.up()
        yield found
    finally:
        found.close()
        pids = [p.process.pid for p in localnet.status(found.folder) if p.process]
        localnet.down(found.folder)
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        assert not engines(found.folder)
        shutil.rmtree(found.folder)


def kill(pid: int) -> None:
    """A node, which is a child of this process."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def engines(folder: Path) -> list[int]:
    """Processes of CometBFT in this localnet."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if f"\0start\0--home\0{folder}".encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


@needs_engine
@pytest.mark.oracle_cometbft
@pytest.mark.parametrize("net", [(1, "")], ids=["pinned"], indirect=True)
def test_one_validator_goes_on_where_it_was_killed(net: Net) -> None:
    person = SigningKey(b"\x01" * 32)
    net.included(net.pay(0, Transfer(person.account, NATIVE, 5)))
    (pid,), before = net.pids(), net.heights()[0]
    kill(pid)
    until(lambda: not engines(net.folder), "CometBFT ends with its node")
    net.up()
    net.to(before + 3)
    assert net.clients[0].account(person.account).balance(NATIVE) == 5
    (engine,) = engines(net.folder)
    os.kill(engine, signal.SIGKILL)
    until(lambda: localnet.status(net.folder)[0].process is None, "the node ends as well")
    net.up()
    net.to(before + 6)


@needs_engine
@pytest.mark.oracle_cometbft
@pytest.mark.parametrize("net", [(4, ""), (4, NEWEST)], ids=["pinned", NEWEST], indirect=True)
def test_four_validators_settle_what_was_sealed_and_one_is_killed(net: Net) -> None:
    people = [SigningKey(bytes([k]) * 32) for k in (1, 2)]
    accounts = [person.account for person in people]
    for number, kind in enumerate((NATIVE, GOLD, SILVER)):
        net.included(net.pay(number, *(Transfer(a, kind, 10**6) for a in accounts)))

    batch = settle(net, people)
    assert [part.code for part in batch.end.parts] == ["ok"]
    assert len(batch.end.settled) == 2
    for client in net.clients:
        until(lambda c=client: c.account(accounts[0]).balance(SILVER) == 10**6 + 300, "swapped")
    net.agree()

    kill(net.pids()[3])
    before = net.clients[0].status().height
    net.to(before + 5, 0, 1, 2)
    person = SigningKey(b"\x03" * 32)
    paid = net.pay(0, Transfer(person.account, NATIVE, 7))
    until(lambda: net.clients[1].transaction(paid).status == "included", "three of four go on")
    net.up()
    net.included(paid)
    net.to(max(net.heights()) + 2)
    net.agree()
    assert settle(net, people, nonce=1).end.settled


def settle(net: Net, people, nonce: int = 0):
    """Two orders that fit, sealed, opened by all and settled; the batch behind its end."""
    client, genesis = net.clients[1], net.genesis
    key = client.lane.wait_for_key(genesis, MARKET.number, WAIT_S)
    until(lambda: client.status().height % MARKET.period < 2, "a batch that stays open a while")
    net.to(client.status().height)
    for who, (sell, buy) in enumerate(((GOLD, SILVER), (SILVER, GOLD))):
        terms = LimitOrder(people[who].account, sell, 300, buy, 1, 1, partial=True)
        fresh = bytes([who, nonce]) * 16
        expiry = client.status().height + 60
        order = sign_order(
            people[who], genesis.chain_id, APP, terms, expiry=expiry, fee=0, nonce=fresh
        )
        data = order.to_bytes()
        size_class = size_class_of(len(data))
        size = HEADER_BYTES + SEAL_BYTES + SIZE_CLASSES[size_class] + SIGNATURE_BYTES
        fee = domains.least_fee(genesis, MARKET.number, size, 0)
        last = LANE.last_height(key.epoch)
        header = Terms(people[who].account, nonce, fee, 0, last, size_class)
        envelope = seal_intent(key, header, data, people[who], os.urandom(32))
        net.clients[who].submit(payload.wire(SealTx(MARKET.number, envelope)))
    place = until(lambda: next(iter(solving(client)), None), "a batch that is opened")
    solver = FAUCET
    solved = solver_run.solve(client, genesis, *place, "standard", Limits())
    assert solved.settlement is not None, solved.why
    wire, _ = solver_run.submission(client, genesis, solved, solver)
    client.submit(wire)
    until(lambda: client.lane.batch(*place).end, "the end of the batch")
    return client.lane.batch(*place)


def solving(client: NodeClient) -> list[tuple[int, int]]:
    return [(b.domain, b.number) for b in solver_run.solvable(client, frozenset())]


def test_a_localnet_is_made_once_and_of_a_few(tmp_path: Path) -> None:
    folder = tmp_path
    for n in (0, localnet.MAX_NODES + 1):
        with pytest.raises(DecodeError):
            localnet.create(folder, n, time_ms=1)
    with pytest.raises(NoNode):
        localnet.status(folder)
    genesis = localnet.create(folder, 2, time_ms=1)
    with pytest.raises(NoNode):
        localnet.create(folder, 2, time_ms=1)
    assert len(genesis.validators) == 2
    assert [node.process for node in localnet.status(folder)] == [None, None]
    for home in localnet.homes(folder):
        for name in ("validator.key", "engine/config/priv_validator_key.json"):
            assert (home / name).stat().st_mode & 0o777 == 0o600
    assert localnet.down(folder) == 0
    assert process.find(folder / "node0", folder / "node0" / "state") is None


def test_nobody_waits_for_a_node_that_has_ended(tmp_path: Path) -> None:
    localnet.create(tmp_path, 1, time_ms=1, lane=None)
    (home,) = localnet.homes(tmp_path)
    began = time.monotonic()
    with pytest.raises(StartFailed, match="node 0 does not run") as refused:
        localnet.healthy(tmp_path, seconds=WAIT_S)
    assert str(home) in refused.value.where
    error = {"code": "NOD-005", "base": "NOD-005", "message": "CometBFT ended with code 1"}
    document = {"error": {**error, "where": "engine.log", "why": "", "hint": ""}}
    state = files.make_private_folder(home / "state")
    (state / process.ERROR_FILE).write_text(json.dumps(document))
    with pytest.raises(StartFailed, match="CometBFT ended with code 1") as refused:
        localnet.healthy(tmp_path, seconds=WAIT_S)
    assert refused.value.where == "engine.log"
    assert time.monotonic() - began < WAIT_S
