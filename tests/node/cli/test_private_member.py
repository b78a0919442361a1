"""`chiaro private member`: four processes over a node; one lies, one is killed and comes back.

Keys, inputs, cells, sums and results of auctions are real, from processes that share nothing but
the node and their sockets; what wallets prove proves nothing.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from node.app import development
from node.app.options import Options
from node.cli import wallet_private
from node.cli.wallet_private import Provers
from node.core.ids import ChainId, Height, tagged_hash
from node.core.private import PrivateParameters
from node.private.paid import DeclareTx, Head, sign_declare
from node.private.payload import wire
from node.private.sale_program import Market, SaleProgram
from node.rpc.text import bytes_of
from node.testing.clock import EPOCH_MS
from node.testing.ledger import FAUCET, FEE
from node.testing.localnets import p2p_port
from node.testing.member_processes import MemberProcesses
from node.testing.nodes import VALIDATOR, memory_node, serving
from node.testing.private import unlinked
from node.testing.sales import Sceptic, auction_of
from private_exec.committee.declaration import Declaration, Seat
from transparent.signature import SigningKey

PARAMETERS = PrivateParameters(step_heights=8)
RECIPIENT = SigningKey(tagged_hash("testing/member-fund")).account
SALES = (auction_of(2), SaleProgram(Market.BATCH, (4, 8)))
SELLER = SigningKey(tagged_hash("testing/member-sale")).account
WAIT_S = 180.0


class Members(MemberProcesses):
    """Processes of four members, and the node that they follow."""

    def __init__(self, cli: Any, client: Any, folder: Path) -> None:
        super().__init__(folder, client.url)
        self.cli, self.client = cli, client
        self.committee = b""

    def declare(self) -> None:
        keys = [
            bytes_of(
                self.cli.json("private", "member", "init", "--dir", str(self.home(m))).data["key"]
            )
            for m in range(1, 5)
        ]
        port = p2p_port(len(keys), 1)
        seats = tuple(Seat(key, f"127.0.0.{2 + number}:{port}") for number, key in enumerate(keys))
        status = self.client.status()
        chain_id = ChainId(bytes_of(status.chain_id, 32))
        declaration = Declaration(chain_id, tagged_hash("testing/purpose"), 500, seats)
        head = Head(chain_id, FEE, Height(status.height + 10), FAUCET.account)
        tx = sign_declare(DeclareTx(head, declaration.to_bytes()), FAUCET)
        sent = self.client.submit(wire(tx))
        self.client.wait_for_tx(bytes_of(sent.tx_id, 32), 30)
        self.committee = declaration.id

    def start(self, member: int, *, lying: bool = False) -> None:
        self.begin(member, "0x" + self.committee.hex(), "--lie" if lying else "--trace")

    def until(self, what: Callable[[], bool], last: int | None = None, pace: float = 0.3) -> None:
        """Blocks, until it is so; none of ours behind `last`: what members send makes others."""
        deadline = time.monotonic() + WAIT_S
        while not what():
            logs = "\n".join(f"--- {m}\n{self.log(m)}" for m in range(1, 5))
            assert time.monotonic() < deadline, logs
            if last is None or self.client.status().height < last:
                self.client.make_block()
            time.sleep(pace)

    def words(self, step: str) -> int:
        found = self.client.private_ceremony(self.committee).words
        return sum(1 for word in found if word.step == step)


@pytest.fixture
def place(parts, tmp_path, capsys, stub_prover, assembled, monkeypatch) -> Iterator[Any]:
    """A node, two donors with notes, four members that are not running."""
    monkeypatch.setattr(
        wallet_private,
        "provers",
        lambda _profile, _action, _progress=None: Provers(lambda *_: stub_prover, unlinked),
    )
    monkeypatch.setattr(wallet_private, "linked_proofs", lambda _profile: unlinked)
    genesis = development.genesis(EPOCH_MS, validators=(VALIDATOR.public,), private=PARAMETERS)
    options = Options(port=0, delay_ms=1, lane_tick_ms=3_600_000)
    with serving(memory_node(genesis, verifier=Sceptic(*SALES), options=options)) as client:
        cli = parts.Cli(tmp_path / "home", capsys, client.url)
        leaves = []
        for name in ("alice", "bob"):
            cli.wallet(name)
            assert cli.pay("shield", "2", "--wallet", name).code == 0
            told = cli.pay("private", "fund", "member", "friends", "--wallet", name).data
            leaves.append(told["leaf"])
        people = tmp_path / "members.json"
        people.write_text(json.dumps({"group": "friends", "leaves": leaves}))
        members = Members(cli, client, tmp_path)
        members.declare()
        with contextlib.ExitStack() as stack:
            stack.callback(members.stop)
            yield SimpleNamespace(cli=cli, client=client, members=members, people=str(people))


def make_keys(place) -> None:
    """Four processes, the last of which lies, bring their ceremony to its end."""
    members, client = place.members, place.client
    for member in (1, 2, 3, 4):
        members.start(member, lying=member == 4)
    members.until(lambda: members.words("notice") == 4, last=client.status().height)
    plan = client.private_ceremony(members.committee)
    dealings = plan.opened + 2 * plan.step_heights - 1
    members.until(lambda: members.words("dealing") == 4, last=dealings - 4)
    members.until(lambda: client.private_committee(members.committee).made == 1, pace=0.05)


@pytest.mark.slow
def test_four_processes_hold_an_auction_and_a_dark_pool_with_one_lying_throughout(place) -> None:
    """They accept, call, compute, prove and open by themselves; the node verifies the results."""
    members, client, cli = place.members, place.client, place.cli
    assert cli.pay("shield", "2", "--asset", "gold", "--wallet", "alice").code == 0
    make_keys(place)
    collected = cli.pay(
        "private", "batch", "new", "--committee", "0x" + members.committee.hex(), "--base", "gold",
        "--lot", "0.5", "--low", "0.1", "--step", "0.01", "--order-for", "16", "--wallet", "alice",
    )  # fmt: skip
    assert collected.code == 0, collected.out
    pool, batch = collected.data["batch"], bytes_of(collected.data["batch"], 32)
    for who, words in (("alice", ("sell", "3", "0.12")), ("bob", ("buy", "2", "0.15"))):
        ordered = cli.pay("private", "batch", "order", pool, *words, "--wallet", who)
        assert ordered.code == 0, ordered.out
    offered = cli.pay(
        "private", "auction", "new", "--committee", "0x" + members.committee.hex(),
        "--item", "a painting", "--reserve", "0.1", "--places", "2", "--bid-for", "12",
        "--seller", "0x" + SELLER.hex(), "--wallet", "alice",
    )  # fmt: skip
    assert offered.code == 0, offered.out
    name, sale = offered.data["sale"], bytes_of(offered.data["sale"], 32)
    for who, amount in (("alice", "0.5"), ("bob", "0.7")):
        assert cli.pay("private", "auction", "bid", name, amount, "--wallet", who).code == 0
    accept = client.private_sale(sale).accept

    def statuses() -> set[str]:
        now = client.private_sale(sale)
        given = (*client.private_bids(sale).bids, *client.private_orders(batch).orders)
        return {now.reserve_status, *(item.status for item in given)}

    first = min(accept, client.private_batch(batch).accept)
    members.until(lambda: statuses() == {"accepted"}, last=first - 1)
    members.until(lambda: client.status().height >= accept, pace=0.05)
    members.until(lambda: client.private_sale(sale).status == "opened", last=accept + 2)
    members.until(lambda: client.private_batch(batch).status == "opened", last=accept + 4)
    opened = client.private_sale(sale)
    assert (opened.winner, opened.price) == (1, "500000")
    assert opened.attempt is not None and opened.attempt.number == 0
    assert "PV-13: member 4" in "".join(members.log(m) for m in (1, 2, 3))
    assert cli.json("private", "auction", "settle", name).code == 0
    (held,) = client.account(SELLER).balances
    assert held.amount == "500000"
    back = cli.pay("private", "auction", "claim", name, "--wallet", "bob")
    assert back.data["operation"]["amount"]["amount"] == "0.2"
    assert cli.json("private", "batch", "settle", pool).code == 0
    traded = cli.pay("private", "batch", "claim", pool, "--wallet", "bob")
    assert traded.data["operation"]["amount"] == {"amount": "1", "unit": "gold"}


@pytest.mark.slow
def test_four_processes_make_keys_accept_and_open_with_one_lying_and_one_killed(place) -> None:
    members, client, cli = place.members, place.client, place.cli
    for member in (1, 2, 3):
        members.start(member)
    members.start(4, lying=True)
    start = client.status().height
    members.until(lambda: members.words("notice") == 4, last=start)
    members.kill(2)
    members.start(2)  # with the entropy that its notice came from, so that it can deal
    plan = client.private_ceremony(members.committee)
    dealings = plan.opened + 2 * plan.step_heights - 1
    members.until(lambda: members.words("dealing") == 4, last=dealings - 4)
    members.until(lambda: client.private_committee(members.committee).made == 1, pace=0.05)
    made = client.private_committee(members.committee).latest
    assert (made.qualified, made.faults) == ([1, 2, 3, 4], [])

    opened = cli.pay(
        "private", "fund", "new", "--pool", "1", "--committee", "0x" + members.committee.hex(),
        "--project", f"0x{RECIPIENT.hex()}", "--members", place.people, "--least", "1",
        "--donate-for", "12", "--wallet", "alice",
    )  # fmt: skip
    assert opened.code == 0, opened.out
    identity = bytes_of(opened.data["round"], 32)
    members.kill(3)
    for name, amount in (("alice", "0.04"), ("bob", "0.09")):
        given = cli.pay(
            "private", "fund", "donate", opened.data["round"], "0", amount,
            "--members", place.people, "--wallet", name,
        )  # fmt: skip
        assert given.code == 0, given.out
    view = client.private_round(identity)

    def statuses() -> list[str]:
        return [item.status for item in client.private_inputs(identity).inputs]

    members.until(lambda: client.status().height >= view.accept - 2, last=view.accept - 2)
    time.sleep(2.0)
    assert statuses() == ["pending", "pending"]  # two honest members and a liar make no quorum
    members.start(3)
    members.until(lambda: statuses() == ["accepted", "accepted"], last=view.accept - 1)
    members.until(lambda: client.private_round(identity).status == "opened", last=view.open - 1)
    (project,) = client.private_round(identity).projects
    assert (project.donations, project.roots, project.total) == (2, "500", "130000")
    traced = [json.loads(x) for m in (1, 2, 3) for x in members.log(m).splitlines() if x[0] == "{"]
    faults = {(line["member"], line["rule"]) for line in traced if line["what"] == "fault"}
    assert faults == {(4, "PV-13")}
    assert {line["what"] for line in traced} == {"said", "heard", "fault"}
    told = cli.json(
        "private", "member", "status", "--dir", str(members.home(2)),
        "--committee", "0x" + members.committee.hex(),
    ).data  # fmt: skip
    assert (told["member"], told["kept"]) == (2, [{"epoch": 0, "attempt": 0}])
    members.processes[1].terminate()
    assert members.processes[1].wait(30) == 0


def test_members_lie_on_purpose_on_development_chains_only(parts, tmp_path, capsys, monkeypatch):
    """`--lie` shows how others find out; elsewhere it would be a weapon."""
    with serving(memory_node(options=Options(port=0, delay_ms=1))) as client:
        status = client.status()
        elsewhere = msgspec.structs.replace(status, profile="main")
        cli = parts.Cli(tmp_path / "home", capsys, client.url)
        words = (
            "private", "member", "run", "--dir", str(tmp_path), "--committee", "0x" + "00" * 32,
        )  # fmt: skip
        monkeypatch.setattr(type(client), "status", lambda _: elsewhere)
        refused = cli.json(*words, "--lie")
        assert (refused.code, refused.error["where"]) == (2, "--lie")
        assert cli.json(*words).error["where"] != "--lie"
