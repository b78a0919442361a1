"""`chiaro private fund` over a node: hidden donations, sums, settlement, and what goes back.

Members compute in this process, from a real ceremony on the node's chain; proofs prove nothing.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from node.app import development
from node.cli import keystore, private_trust, wallet_private, wallets
from node.cli.wallet_private import Provers
from node.core.ids import tagged_hash
from node.core.private import MAX_DONATIONS
from node.execution.order import PoolState
from node.private.build import about_of, openings_of
from node.private.rounds import read_input
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of
from node.testing.nodes import serving
from node.testing.overnode import PARAMETERS, OverNode, node_of
from node.testing.private import PrivateChain, assert_ok, unlinked
from shielded import private_owner
from shielded.private_owner import PrivateOwner, member_secret
from transparent.signature import SigningKey

RECIPIENTS = [SigningKey(tagged_hash("testing/fund", bytes([i]))).account for i in range(2)]


@contextmanager
def committee_and_donors(parts, folder, capsys, node, names):
    """Donors with notes, a committee with keys, the command line over the node."""
    with serving(node) as client:
        cli = parts.Cli(folder / "home", capsys, client.url)
        chain = PrivateChain(genesis=node.genesis, parameters=PARAMETERS)
        chain.ledger = OverNode(node, client)
        chain.purse = SimpleNamespace(settle=lambda *_: None)  # donors have wallets of their own
        assert_ok(chain.run(chain.declare()))
        chain.ceremony()
        leaves = []
        for name in names:
            cli.wallet(name)
            assert cli.pay("shield", "2", "--wallet", name).code == 0
            told = cli.pay("private", "fund", "member", "friends", "--wallet", name).data
            leaves.append(told["leaf"])
        members = folder / "members.json"
        members.write_text(json.dumps({"group": "friends", "leaves": leaves}))
        yield SimpleNamespace(cli=cli, client=client, chain=chain, members=str(members))


@pytest.fixture
def place(parts, tmp_path, capsys, stub_prover, assembled, monkeypatch):
    """Three donors, and proofs that prove nothing."""
    monkeypatch.setattr(
        wallet_private,
        "provers",
        lambda _profile, _action, _progress=None: Provers(lambda *_: stub_prover, unlinked),
    )
    people, node = ("alice", "bob", "carol"), node_of(parts.Believes())
    with committee_and_donors(parts, tmp_path, capsys, node, people) as story:
        yield story


def new_round(place) -> str:
    made = place.cli.pay(
        "private", "fund", "new", "--pool", "1", "--committee", committee(place),
        "--project", f"0x{RECIPIENTS[0].hex()}", "--project", f"0x{RECIPIENTS[1].hex()}=100",
        "--members", place.members, "--least", "1", "--donate-for", "16", "--wallet", "alice",
    )  # fmt: skip
    assert made.code == 0, made.out
    assert made.data["status"] == "included"
    return made.data["round"]


def committee(place) -> str:
    return "0x" + place.chain.declaration.id.hex()


def give(place, name: str, identity: str, project: int, amount: str):
    return place.cli.pay(
        "private", "fund", "donate", identity, str(project), amount,
        "--members", place.members, "--wallet", name,
    )  # fmt: skip


def accept(place, identity: str) -> None:
    """The members take all donations that wait."""
    name = bytes_of(identity, 32)
    found = [read_input(bytes_of(i.message)) for i in wallet_private.inputs_of(place.client, name)]
    given = [SimpleNamespace(input=item) for item in found]
    assert_ok(place.chain.run(place.chain.accept(name, given)))


def shown(place, identity: str):
    return place.cli.json("private", "fund", "show", identity).data


def spendable(place, name: str) -> str:
    (asset,) = place.cli.json("balance", "--wallet", name).data["assets"]
    return asset["spendable"]["amount"]


def test_a_round_from_its_pool_to_payouts_and_a_donation_that_goes_back(place) -> None:
    identity = new_round(place)
    before = place.client.account(RECIPIENTS[0]).balance(development.NATIVE)
    for name, project, amount in (("alice", 0, "0.04"), ("bob", 0, "0.09"), ("carol", 1, "0.5")):
        given = give(place, name, identity, project, amount)
        assert given.code == 0, given.out
        assert given.data["operation"]["state"] == "included"
    assert given.data["operation"]["amount"]["amount"] == "0.499849"  # 707², the square below
    made = place.cli.json("tx", "show", given.data["operation"]["tx_id"], "--wallet", "carol").data
    assert (made["private"]["kind"], made["private"]["round"]) == ("donate", identity)
    (dark,) = made["hidden_values"]
    assert (dark["direction"], dark["asset"]) == ("leaves", "native")
    assert {item["direction"] for item in made["known"]} >= {"spent", "pledged"}
    again = give(place, "carol", identity, 1, "0.01")
    assert (again.code, again.error["code"]) == (5, "WOP-032")

    accept(place, identity)
    view = shown(place, identity)
    assert [p["donations"] for p in view["projects"]] == [2, 1]
    assert [p["total"] for p in view["projects"]] == [None, None]
    early = place.cli.json("private", "fund", "settle", identity)
    assert early.error["code"] == "PV-117"
    place.chain.to(view["accept"])
    assert_ok(place.chain.run(place.chain.sums(bytes_of(identity, 32))))
    settled = place.cli.json("private", "fund", "settle", identity).data["round"]
    assert settled["status"] == "settled"
    funded, dropped = settled["projects"]
    assert funded["total"]["amount"] == "0.13" and funded["payout"]["amount"] == "0.12"
    assert dropped["funded"] is False
    after = place.client.account(RECIPIENTS[0]).balance(development.NATIVE)
    assert after - before == 250_000

    held = spendable(place, "carol")
    assert place.cli.json("sync", "--rescan", "--wallet", "carol").code == 0
    back = place.cli.pay("private", "fund", "claim", identity, "--wallet", "carol")
    assert back.code == 0, back.out
    gained = float(spendable(place, "carol")) - float(held)
    assert gained == pytest.approx(0.499849 - float(back.data["operation"]["fee"]["amount"]))
    twice = place.cli.pay("private", "fund", "claim", identity, "--wallet", "carol")
    assert (twice.code, twice.error["code"]) == (1, "WOP-031")
    nothing = place.cli.pay("private", "fund", "claim", identity, "--wallet", "bob")
    assert nothing.error["code"] == "WOP-031"
    listed = place.cli.json("private", "fund", "list").data["rounds"]
    assert [item["id"] for item in listed] == [identity]
    assert "no: donors take theirs back" in place.cli("private", "fund", "show", identity).out


def test_a_donation_leaves_a_pool_that_is_exit_only_into_an_account(place, monkeypatch) -> None:
    """Also where somebody else gave under the key that its owner has, which everybody reads."""
    identity, honest = new_round(place), private_owner.next_owner
    given = give(place, "carol", identity, 0, "0.25")
    assert given.code == 0, given.out
    (one,) = wallet_private.inputs_of(place.client, bytes_of(identity, 32))

    def copied(*asked):
        found = honest(*asked)
        object.__setattr__(found, "public", bytes_of(one.owner, 32))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(private_owner, "next_owner", copied)
        assert give(place, "bob", identity, 0, "0.04").code == 0
    both = list(wallet_private.inputs_of(place.client, bytes_of(identity, 32)))
    assert [item.owner for item in both] == [one.owner] * 2
    place.chain.to(shown(place, identity)["accept"] + 1)
    place.chain.decree(PoolState.EXIT_ONLY)
    hidden = place.cli.pay("private", "fund", "claim", identity, "--wallet", "carol")
    assert hidden.error["code"] == "EX-34"
    account = SigningKey(tagged_hash("testing/fund", b"away")).account
    words = ("private", "fund", "withdraw", identity, "--to", "0x" + account.hex())
    back = place.cli.pay(*words, "--wallet", "carol")
    assert (back.code, back.data["amount"]["amount"]) == (0, "0.25"), back.out
    assert place.client.account(account).balance(development.NATIVE) == 250_000
    twice = place.cli.pay(*words, "--wallet", "carol")
    assert (twice.code, twice.error["code"]) == (1, "WOP-031")
    assert "opens its donation" in twice.error["message"]


def test_drafts_and_refusals_send_nothing(place, tmp_path) -> None:
    identity = new_round(place)
    draft = place.cli.pay(
        "private", "fund", "donate", identity, "0", "0.04", "--members", place.members,
        "--wallet", "bob", "--dry-run",
    )  # fmt: skip
    assert draft.data["sent"] is False
    assert draft.data["weight"] == "200"
    assert any("single donation" in text for text in draft.document["warnings"])
    assert give(place, "bob", identity, 2, "0.04").code == 2
    assert give(place, "bob", identity, 0, "3").error["code"] == "WOP-005"
    assert give(place, "bob", "0x12", 0, "1").code == 2
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"group": "strangers", "leaves": ["0x" + "00" * 32]}))
    stranger = place.cli.pay(
        "private", "fund", "donate", identity, "0", "0.04", "--members", str(other),
        "--wallet", "bob",
    )  # fmt: skip
    assert stranger.error["code"] == "PV-109"
    for text in (
        "[]",
        "{",
        '{"group": 1, "leaves": []}',
        '{"group": "x", "leaves": ["zz"]}',
        '{"group": "x", "leaves": [7]}',
        '{"group": "\\ud800", "leaves": []}',
    ):
        other.write_text(text)
        wrong = place.cli.pay(
            "private", "fund", "donate", identity, "0", "0.04", "--members", str(other)
        )
        assert (wrong.code, wrong.error["code"]) == (3, "WOP-033"), text
    assert place.client.private_round(bytes_of(identity, 32)).inputs == 0
    assert place.cli.json("tx", "list", "--wallet", "bob").data["operations"][0]["action"] == (
        "shield"
    )


def test_no_secret_of_a_donation_is_printed_or_kept(place, monkeypatch) -> None:
    """Its owner, membership and blindings are derived when they are needed, and shown to nobody."""
    entropies: list[bytes] = []
    made = keystore.new_entropy
    monkeypatch.setattr(keystore, "new_entropy", lambda: entropies.append(made()) or entropies[-1])
    place.cli.wallet("dora")
    assert place.cli.pay("shield", "2", "--wallet", "dora").code == 0
    told = place.cli.pay("private", "fund", "member", "friends", "--wallet", "dora").data["leaf"]
    document = json.loads(Path(place.members).read_text())
    document["leaves"].append(told)
    Path(place.members).write_text(json.dumps(document))
    identity = new_round(place)
    assert give(place, "dora", identity, 0, "0.04").code == 0

    key = wallets.derive(entropies[0]).spending
    owner = PrivateOwner.of(key, bytes_of(identity, 32))
    terms = private_trust.terms_of(place.client, place.chain.genesis.chain_id, owner.context)
    record = private_trust.record_of(place.client, terms)
    found = openings_of(owner, 200, about_of(record, owner.context, 0))
    numbers = [
        member_secret(key, wallet_private.group_id("friends")),
        found.weight.blinding,
        found.amount.blinding,
    ]
    secrets = [owner.seed.hex(), *map(str, numbers), *(f"{n:064x}" for n in numbers)]
    raw = [owner.seed, *(n.to_bytes(32, "little") for n in numbers)]
    files = [path.read_bytes() for path in place.cli.home.rglob("*") if path.is_file()]
    assert any(bytes_of(identity, 32).hex().encode() in data for data in files)
    for text in (*place.cli.printed, *(data.decode("latin-1") for data in files)):
        assert not any(secret in text for secret in secrets)
    assert not any(secret in data for secret in raw for data in files)


def test_verify_says_what_of_a_donation_does_not_hold(place) -> None:
    """The stub's proofs: neither those of actions nor the linked one."""
    identity = new_round(place)
    assert give(place, "bob", identity, 0, "0.04").code == 0
    verified = place.cli.json("verify", "2", "--wallet", "bob")
    assert (verified.code, verified.data["valid"]) == (1, False)
    hidden = {c["id"]: c for c in verified.data["checks"] if c["part"] == "hidden amounts"}
    assert hidden["carried"]["ok"] is True
    assert hidden["linked"]["ok"] is False and hidden["linked"]["code"]


def test_a_node_that_shows_another_round_gets_no_donation(place, monkeypatch) -> None:
    """PV-142: terms, and with them who can read, follow from the id that the donor was given."""
    announced, other = new_round(place), new_round(place)
    asked = NodeClient.transaction
    names = {bytes_of(announced, 32): bytes_of(other, 32)}
    monkeypatch.setattr(
        NodeClient, "transaction", lambda self, name: asked(self, names.get(bytes(name), name))
    )
    refused = give(place, "bob", announced, 0, "0.04")
    assert (refused.code, refused.error["code"]) == (5, "PV-142")
    assert place.client.private_round(bytes_of(announced, 32)).inputs == 0
    assert give(place, "bob", other, 0, "0.04").code == 0


def test_terms_that_no_round_can_have_are_refused_before_anything_is_asked(place) -> None:
    words = (
        "private", "fund", "new", "--pool", "1", "--committee", committee(place),
        "--members", place.members, "--wallet", "alice",
    )  # fmt: skip
    project = ("--project", f"0x{RECIPIENTS[0].hex()}")
    for more in (project * 33, (*project, "--donate-for", str(10**30))):
        refused = place.cli.pay(*words, *more)
        assert (refused.code, refused.error["code"]) == (2, "USE-001"), refused.out
        assert refused.error["where"] == more[-2]


def test_a_node_whose_donations_have_no_end_is_asked_for_as_many_as_there_may_be() -> None:
    page = SimpleNamespace(inputs=[None] * wallet_private.PAGE)
    asked: list[int] = []
    client = SimpleNamespace(private_inputs=lambda _id, first, _limit: asked.append(first) or page)
    found = islice(wallet_private.inputs_of(client, bytes(32)), MAX_DONATIONS + 1)
    assert len(list(found)) == MAX_DONATIONS
    assert asked == list(range(0, MAX_DONATIONS, wallet_private.PAGE))


@pytest.mark.slow
def test_real_proofs_of_a_donation_and_of_its_way_back(parts, tmp_path, capsys, assembled) -> None:
    """The node verifies what the wallet proves, with the installation's own keys."""
    with committee_and_donors(parts, tmp_path, capsys, node_of(None), ("alice",)) as place:
        identity = new_round(place)
        given = give(place, "alice", identity, 1, "0.25")
        assert (given.code, given.data["operation"]["state"]) == (0, "included"), given.out
        view = shown(place, identity)
        verified = place.cli.json("verify", "2", "--wallet", "alice")
        assert (verified.code, verified.data["valid"]) == (0, True), verified.out
        told = {c["id"] for c in verified.data["checks"] if c["part"] == "hidden amounts"}
        assert told == {"carried", "key", "linked"}
        place.chain.to(view["accept"] + 1)
        held = float(spendable(place, "alice"))
        back = place.cli.pay("private", "fund", "claim", identity, "--wallet", "alice")
        assert (back.code, back.data["operation"]["state"]) == (0, "included"), back.out
        fee = float(back.data["operation"]["fee"]["amount"])
        assert float(spendable(place, "alice")) == pytest.approx(held + 0.25 - fee)
