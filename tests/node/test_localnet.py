"""Real CometBFT: one validator, then four with sealed intents, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.app import development, disturb, localnet, process, processes
from node.app.disturb import Part
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
from node.testing.localnets import Localnet, until
from private_exec.envelope import Terms, seal_intent, size_class_of, size_of
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk import files
from zk.errors import DecodeError

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


class Net(Localnet):
    """Equals that pay and settle."""

    sequence = 0

    def heights(self) -> list[int]:
        return [client.status().height for client in self.clients.values()]

    def to(self, height: int, *numbers: int) -> None:
        """Wait until these nodes, or all, have a block of this height."""
        clients = [self.clients[k] for k in numbers or self.clients]
        until(lambda: min(c.status().height for c in clients) >= height, f"height {height}")

    def agree(self) -> None:
        """All have the same blocks and the same state."""
        common = min(self.heights())
        for height in {1, common // 2, common}:
            views = [client.block(height) for client in self.clients.values()]
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
        for client in self.clients.values():
            until(lambda c=client: c.transaction(tx_id).status == "included", tx_id.hex())


@pytest.fixture
def net(request) -> Iterator[Net]:
    n, version = request.param
    if version and not (BUILT / version / "cometbft").is_file():
        pytest.skip(f"CometBFT {version} is not here: `make cometbft COMETBFT_VERSION={version}`")
    with Net(n, program=BUILT / version / "cometbft" if version else None, lane=LANE) as found:
        found.up()
        yield found


@needs_engine
@pytest.mark.oracle_cometbft
@pytest.mark.parametrize("net", [(1, "")], ids=["pinned"], indirect=True)
def test_one_validator_goes_on_where_it_was_killed(net: Net) -> None:
    person = SigningKey(b"\x01" * 32)
    net.included(net.pay(0, Transfer(person.account, NATIVE, 5)))
    before = net.heights()[0]
    disturb.kill(net.folder, 0, Part.APP)  # its CometBFT ends with it
    net.up()
    net.to(before + 3)
    assert net.clients[0].account(person.account).balance(NATIVE) == 5
    disturb.kill(net.folder, 0, Part.ENGINE)  # and it with its CometBFT
    assert localnet.status(net.folder)[0].process is None
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
    for client in net.clients.values():
        until(lambda c=client: c.account(accounts[0]).balance(SILVER) == 10**6 + 300, "swapped")
    net.agree()

    disturb.kill(net.folder, 3, Part.APP)
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
        fee = domains.least_fee(genesis, MARKET.number, size_of(size_class), 0)
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


def test_a_localnet_that_cannot_be_made_leaves_no_folder(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: str(folder))
    with pytest.raises(DecodeError, match="a localnet of 17 nodes"):
        Localnet(17, program=Path("cometbft"))
    assert not folder.exists()


def test_nobody_waits_for_a_node_that_has_ended(tmp_path: Path) -> None:
    localnet.create(tmp_path, 1, time_ms=1, lane=None)
    (home,) = localnet.homes(tmp_path)
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


def test_a_child_is_gone_when_it_is_reaped_and_not_before(monkeypatch) -> None:
    child = subprocess.Popen(["sleep", "600"])
    with monkeypatch.context() as patch:
        patch.setattr(processes, "_state", lambda _: "Z")  # its first thread has ended
        assert not processes.gone(child.pid)
    processes.kill(child.pid)
    until(lambda: processes.gone(child.pid), "it ends")
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, 0)
    child.returncode = -signal.SIGKILL
    assert processes.gone(child.pid)
