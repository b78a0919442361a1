"""`chiaro private batch` over a node: hidden orders, one price, what was traded and what is left.

Members compute in this process, from a real ceremony on the node's chain, and the node verifies
what they prove; other proofs prove nothing.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import msgspec
import pytest
from rich.console import Console

from node.cli import wallet_carry, wallet_private
from node.cli.private_batch_show import batch_document, draw_batch
from node.cli.wallet_private import Provers
from node.core.errors import PolicyRefused
from node.private.ordering import OrderOpenings
from node.private.rounds import read_input
from node.private.sale_program import Market, SaleProgram
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of, hex_of
from node.testing.overnode import committee_over
from node.testing.private import assert_ok, unlinked
from node.testing.sales import Sceptic
from private_exec import group
from shielded import private_owner
from zk.curve.encoding import g1_from_bytes, g1_to_bytes


@pytest.fixture(scope="module")
def committee():
    """A node, and a committee with keys on its chain."""
    with committee_over(Sceptic(SaleProgram(Market.BATCH, (4, 8)))) as found:
        yield found


@pytest.fixture
def place(committee, parts, tmp_path, capsys, stub_prover, assembled, monkeypatch):
    """Alice has gold, Bob what it is paid with."""
    monkeypatch.setattr(
        wallet_private, "provers", lambda *_: Provers(lambda *_: stub_prover, unlinked)
    )
    cli = parts.Cli(tmp_path / "home", capsys, committee.client.url)
    for name, assets in (("alice", ("gold", "native")), ("bob", ("native",))):
        cli.wallet(name)
        for asset in assets:
            words = ("shield", "2", "--asset", asset, "--wallet", name)
            assert cli.pay(*words).code == 0
    return SimpleNamespace(cli=cli, client=committee.client, chain=committee.chain, tmp=tmp_path)


def new_batch(place, *more: str):
    return place.cli.pay(
        "private", "batch", "new", "--committee", "0x" + place.chain.declaration.id.hex(),
        "--base", "gold", "--lot", "0.5", "--low", "0.1", "--step", "0.01", "--wallet", "alice",
        *more,
    )  # fmt: skip


def order(place, name: str, batch: str, *more: str):
    return place.cli.pay("private", "batch", "order", batch, *more, "--wallet", name)


def under(monkeypatch, owner: str) -> None:
    """Whoever orders next puts it under this key, which everybody reads on the chain."""
    honest = private_owner.next_owner

    def copied(*asked):
        found = honest(*asked)
        object.__setattr__(found, "public", bytes_of(owner, 32))
        return found

    monkeypatch.setattr(private_owner, "next_owner", copied)


def lie(monkeypatch, price: int) -> None:
    """A node that says another fill, and what would then be left of what a buyer locked."""
    asked, by = NodeClient.private_orders, 1 << 100

    def changed(one):
        told = msgspec.structs.replace(one.told, value=str((int(one.told.value) + by) % group.R))
        left = g1_from_bytes(bytes_of(one.left), what="left")
        after = group.total_g1([left, *group.base_g1([-price * by % group.R])])
        return msgspec.structs.replace(one, told=told, left=hex_of(g1_to_bytes(after)))

    def orders(self, name):
        view = asked(self, name)
        told = [one if one.told is None else changed(one) for one in view.orders]
        return msgspec.structs.replace(view, orders=told)

    monkeypatch.setattr(NodeClient, "private_orders", orders)


def held(place, name: str) -> dict[str, float]:
    found = place.cli.json("balance", "--wallet", name).data["assets"]
    return {one["asset"]: float(one["spendable"]["amount"]) for one in found}


def claimed(place, name: str, batch: str) -> dict[str, float]:
    """What the wallet has more by all its claims, and by the fees that it paid."""
    before, fees = held(place, name), 0.0
    while True:
        back = place.cli.pay("private", "batch", "claim", batch, "--wallet", name)
        if back.code:
            assert back.error["code"] == "WOP-036"
            break
        fees += float(back.data["operation"]["fee"]["amount"])
    after = held(place, name)
    gained = {asset: after[asset] - before.get(asset, 0.0) for asset in after}
    return {**gained, "native": gained["native"] + fees}


def test_a_batch_from_its_orders_to_what_everybody_takes(place, monkeypatch) -> None:
    made = new_batch(place)
    assert (made.code, made.data["status"]) == (0, "included"), made.out
    name, batch = made.data["batch"], bytes_of(made.data["batch"], 32)
    said = place.tmp / "order"
    said.write_text("2 0.15\n")
    said.chmod(0o600)
    assert order(place, "alice", name, "sell", "3", "0.12").code == 0
    given = order(place, "bob", name, "buy", "--order-file", str(said))
    assert (given.code, given.data["operation"]["state"]) == (0, "included"), given.out
    assert given.data["operation"]["amount"]["amount"] == "0.34"  # 2 lots at the dearest, 0.17
    early = place.cli.json("private", "batch", "call", name)
    assert early.error["code"] == "PV-175"

    orders = place.client.private_orders(batch).orders
    with monkeypatch.context() as patch:
        under(patch, orders[1].owner)
        assert order(place, "alice", name, "sell", "1", "0.12", "--again").code == 0
    owners = [one.owner for one in place.client.private_orders(batch).orders]
    assert owners[1:] == [orders[1].owner] * 2, "in nobody's way"
    messages = [one.message for one in orders]
    inputs = [read_input(bytes_of(message)) for message in messages]
    assert_ok(place.chain.run(place.chain.admit(batch, inputs)))
    place.chain.to(made.data["accept"])
    called = place.cli.json("private", "batch", "call", name).data
    assert (called["attempt"], called["batch"]["status"]) == (0, "computing")
    assert_ok(place.chain.run(place.chain.prove(batch)))
    assert_ok(place.chain.run(place.chain.outputs(batch)))
    view = place.cli.json("private", "batch", "show", name).data
    assert (view["status"], view["traded"]) == ("opened", True)
    price = float(view["price"]["amount"])
    assert 0.12 <= price <= 0.15
    waits = place.cli.pay("private", "batch", "claim", name, "--wallet", "bob")
    assert waits.error["code"] == "WOP-036"

    settled = place.cli.json("private", "batch", "settle", name).data
    assert settled["batch"]["status"] == "settled"
    assert place.cli.json("sync", "--rescan", "--wallet", "bob").code == 0
    with monkeypatch.context() as patch:
        lie(patch, int(place.client.private_batch(batch).price))
        lied = place.cli.pay("private", "batch", "withdraw", name, "--wallet", "bob")
        assert (lied.code, lied.error["code"]) == (1, "WOP-036"), lied.out
    back = place.cli.pay("private", "batch", "withdraw", name, "--wallet", "bob")
    assert (back.code, back.data["amount"]) == (0, {"amount": "1", "unit": "gold"}), back.out
    bob, alice = claimed(place, "bob", name), claimed(place, "alice", name)
    assert bob["native"] == pytest.approx(0.34 - 2 * price)
    assert bob.get("gold", 0.0) == 0.0
    assert alice == pytest.approx({"gold": 0.5, "native": 2 * price})
    listed = {one["id"]: one for one in place.cli.json("private", "batch", "list").data["batches"]}
    assert (listed[name]["status"], listed[name]["orders"]) == ("settled", 3)
    taken = place.cli.json("private", "batch", "show", name).data["places_taken"]
    assert [(one["side"], one["fill"]) for one in taken] == [
        ("sell", "claimed"),
        ("buy", "claimed"),
        ("sell", None),
    ]
    assert "all trade at" in place.cli("private", "batch", "show", name).out
    found = msgspec.structs.replace(place.client.private_batch(batch), price=None)
    assert batch_document(found)["traded"] is False
    out = Console(record=True, width=140)
    draw_batch(out, found, place.client.private_orders(batch))
    assert "settled: nothing is traded" in out.export_text()


def test_an_order_whose_pad_was_copied_is_made_under_another_key(place, monkeypatch) -> None:
    """Who saw it before its block used its pad's commitment: the same one cannot enter (PV-113)."""
    name = new_batch(place).data["batch"]
    drawn, seen = OrderOpenings.of, []

    def lost(*_):
        raise PolicyRefused("sent, and in no block", where="order")

    with monkeypatch.context() as patch:
        patch.setattr(OrderOpenings, "of", lambda *a: seen.append(drawn(*a)) or seen[-1])
        patch.setattr(wallet_carry, "put_in", lost)
        assert order(place, "bob", name, "buy", "1", "0.1").code == 5
    (first,) = seen
    with monkeypatch.context() as patch:
        patch.setattr(OrderOpenings, "of", lambda *a: dataclasses.replace(drawn(*a), pad=first.pad))
        assert order(place, "alice", name, "sell", "1", "0.12").code == 0
    given = order(place, "bob", name, "buy", "1", "0.1")
    assert given.code == 0, given.out
    place.chain.to(place.client.private_batch(bytes_of(name, 32)).accept)
    assert claimed(place, "bob", name)["native"] == pytest.approx(0.17)


def test_drafts_and_refusals_send_nothing(place) -> None:
    name = new_batch(place).data["batch"]
    draft = order(place, "bob", name, "buy", "2", "0.15", "--dry-run")
    assert (draft.data["sent"], draft.data["locked"]["amount"]) == (False, "0.34")
    refusals = (
        (("hold", "1", "0.1"), 2, "USE-001"),
        (("buy", "0", "0.1"), 2, "USE-001"),
        (("buy", "1.5", "0.1"), 2, "USE-001"),
        (("buy", "9" * 5000, "0.1"), 2, "USE-001"),
        (("buy", "1", "0.105"), 2, "USE-001"),
        (("buy", "1", "0.18"), 2, "USE-001"),
        (("buy",), 2, "USE-003"),
        (("buy", "1", "0.1", "--order-file", "x"), 2, "USE-001"),
        (("sell", "1", "0.1"), 5, "WOP-005"),  # Bob has no gold
    )
    for words, code, rule in refusals:
        refused = order(place, "bob", name, *words)
        assert (refused.code, refused.error["code"]) == (code, rule), words
    assert place.client.private_batch(bytes_of(name, 32)).orders == 0
    assert order(place, "bob", name, "buy", "1", "0.1").code == 0
    assert order(place, "bob", name, "buy", "1", "0.1").error["code"] == "WOP-037"
    assert order(place, "bob", name, "buy", "1", "0.1", "--again").code == 0
    for more, code in ((("--places", "5"), "USE-001"), (("--quote", "gold"), "PV-200")):
        assert new_batch(place, *more).error["code"] == code


def test_a_node_that_shows_another_batch_gets_no_order(place, monkeypatch) -> None:
    """PV-191: terms, and with them who can read, follow from the id that the trader was given."""
    announced, other = (new_batch(place).data["batch"] for _ in range(2))
    asked = NodeClient.transaction
    names = {bytes_of(announced, 32): bytes_of(other, 32)}
    monkeypatch.setattr(
        NodeClient, "transaction", lambda self, name: asked(self, names.get(bytes(name), name))
    )
    refused = order(place, "bob", announced, "buy", "1", "0.1")
    assert (refused.code, refused.error["code"]) == (5, "PV-191")
    assert place.client.private_batch(bytes_of(announced, 32)).orders == 0
