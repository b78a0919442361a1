"""`chiaro private committee` and `chiaro private deposit` over a node.

Members compute in this process, from a real ceremony on the node's chain; proofs prove nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from node.cli import wallet_private
from node.cli.wallet_private import Provers
from node.core.ids import NATIVE, tagged_hash
from node.private.rounds import read_input
from node.rpc.text import bytes_of
from node.testing.nodes import serving
from node.testing.overnode import PARAMETERS, OverNode, node_of
from node.testing.private import PrivateChain, assert_ok, signer, unlinked
from private_exec.committee.declaration import Declaration


@contextmanager
def over(parts, folder, capsys, node):
    """A node, Alice with notes, a committee to be declared."""
    with serving(node) as client:
        cli = parts.Cli(folder / "home", capsys, client.url)
        cli.wallet("alice")
        assert cli.pay("shield", "2").code == 0
        chain = PrivateChain(genesis=node.genesis, parameters=PARAMETERS)
        chain.ledger = OverNode(node, client)
        chain.purse = SimpleNamespace(settle=lambda *_: None)
        yield SimpleNamespace(cli=cli, client=client, chain=chain)


@pytest.fixture
def place(parts, tmp_path, capsys, stub_prover, assembled, monkeypatch):
    """The same; proofs prove nothing."""
    monkeypatch.setattr(
        wallet_private,
        "provers",
        lambda _profile, _action, _progress=None: Provers(lambda *_: stub_prover, unlinked),
    )
    with over(parts, tmp_path, capsys, node_of(parts.Believes())) as found:
        yield found


def seats(place) -> list[str]:
    given = place.chain.declaration.seats
    return [part for s in given for part in ("--member", f"0x{s.key.hex()}@{s.endpoint}")]


def declared(place) -> str:
    """A committee from the command line, with keys."""
    made = place.cli.pay(
        "private", "committee", "declare", *seats(place), "--epoch-blocks", "500",
        "--purpose", "keeping",
    )  # fmt: skip
    assert made.code == 0, made.out
    assert (made.data["status"], made.data["threshold"]) == ("included", 1)
    committee = bytes_of(made.data["committee"], 32)
    found = place.client.private_committee(committee)
    place.chain.declaration = Declaration(
        place.chain.genesis.chain_id, tagged_hash("private/purpose", b"keeping"), 500,
        place.chain.declaration.seats,
    )  # fmt: skip
    assert place.chain.declaration.id == committee and found.made == 0
    return made.data["committee"]


def accept(place, *ids: str) -> None:
    views = [place.client.private_deposit(bytes_of(identity, 32)) for identity in ids]
    waiting = [SimpleNamespace(input=read_input(bytes_of(view.message))) for view in views]
    assert_ok(place.chain.run(place.chain.welcome(waiting)))


def listed(place, *words: str):
    found = place.cli.pay("private", "deposit", "list", *words)
    assert found.code == 0, found.out
    return {item["id"]: item for item in found.data["deposits"]}


def test_a_committee_is_declared_and_shown_and_keeps_deposits_that_come_back(place) -> None:
    committee = declared(place)
    early = place.cli.pay("private", "deposit", "new", committee, "1")
    assert early.error["code"] == "USE-001"
    place.chain.ceremony()
    shown = place.cli.json("private", "committee", "show", committee).data
    assert (shown["keys"]["epoch"], shown["keys"]["qualified"]) == (0, [1, 2, 3, 4])
    assert (shown["keeps"], shown["ceremony"]["epoch"]) == ([], 1)
    (one,) = place.cli.json("private", "committee", "list").data["committees"]
    assert one["id"] == committee

    draft = place.cli.json("private", "deposit", "new", committee, "0.5", "--dry-run").data
    assert (draft["amount"]["amount"], draft["hidden"], draft["sent"]) == ("0.5", True, False)
    given = place.cli.pay("private", "deposit", "new", committee, "0.5")
    assert given.data["operation"]["state"] == "included", given.out
    placed = place.cli.pay("private", "deposit", "new", committee, "0.25", "--shown")
    assert placed.data["status"] == "included", placed.out
    found = listed(place)
    assert {item["status"] for item in found.values()} == {"pending"}
    (hidden,) = found.keys() - {placed.data["deposit"]}
    accept(place, hidden)
    shown = place.cli.json("private", "committee", "show", committee).data
    assert shown["keeps"] == [{"epoch": 0, "deposits": 2}]

    frozen = place.cli.json("private", "committee", "freeze", committee, "--epoch", "0")
    assert "PV-127" in frozen.out

    account = "0x" + signer(9).account.hex()
    back = place.cli.pay("private", "deposit", "withdraw", placed.data["deposit"], "--to", account)
    assert back.data["amount"]["amount"] == "0.25", back.out
    assert place.client.account(signer(9).account).balance(NATIVE) == 250_000
    claimed = place.cli.pay("private", "deposit", "claim", hidden)
    assert claimed.data["operation"]["state"] == "included", claimed.out
    assert {item["status"] for item in listed(place).values()} == {"claimed"}
    again = place.cli.pay("private", "deposit", "claim", hidden)
    assert again.error["code"] == "USE-001"
    foreign = place.cli.pay("private", "deposit", "withdraw", "0x" + "11" * 32)
    assert foreign.error["code"] == "WOP-040"


@pytest.mark.slow
def test_real_proofs_of_a_deposit_and_of_its_way_back(parts, tmp_path, capsys, assembled) -> None:
    """The node verifies what is proved; a wallet made from the words alone takes it back."""
    with over(parts, tmp_path, capsys, node_of(None)) as place:
        committee = declared(place)
        place.chain.ceremony()
        given = place.cli.pay("private", "deposit", "new", committee, "0.5")
        assert (given.code, given.data["operation"]["state"]) == (0, "included"), given.out
        (identity,) = listed(place)
        words = tmp_path / "words"
        told = place.cli.pay("wallet", "backup", "--show-words")
        words.write_text(" ".join(told.data["words"]) + "\n")
        words.chmod(0o600)
        again = place.cli.pay("wallet", "restore", "again", "--from-words-file", str(words))
        assert again.code == 0, again.out
        back = place.cli.pay("private", "deposit", "claim", identity, "--wallet", "again")
        assert (back.code, back.data["operation"]["state"]) == (0, "included"), back.out
        assert listed(place, "--wallet", "alice")[identity]["status"] == "claimed"
