"""`chiaro private auction` over a node: hidden bids, a proved result, settlement, what goes back.

Members compute in this process, from a real ceremony on the node's chain, and the node verifies
what they prove; other proofs prove nothing.
"""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
from rich.console import Console

from node.cli import keystore, private_trust, wallet_private, wallets
from node.cli.private_auction_show import draw_sale, sale_document
from node.cli.wallet_private import Provers
from node.core.ids import tagged_hash
from node.private.bidding import opening_of
from node.private.rounds import read_input
from node.rpc.client import NodeClient
from node.rpc.text import bytes_of
from node.testing.overnode import committee_over
from node.testing.private import assert_ok, unlinked
from node.testing.sales import Sceptic, auction_of
from shielded import private_owner
from shielded.private_owner import PrivateOwner
from transparent.signature import SigningKey

SELLER = SigningKey(tagged_hash("testing/auction")).account
AWAY = SigningKey(tagged_hash("testing/auction", b"away")).account


@pytest.fixture(scope="module")
def committee():
    """A node, and a committee with keys on its chain."""
    with committee_over(Sceptic(auction_of(2))) as found:
        yield found


@pytest.fixture
def place(committee, parts, tmp_path, capsys, stub_prover, assembled, monkeypatch):
    """With two bidders who have notes."""
    monkeypatch.setattr(
        wallet_private, "provers", lambda *_: Provers(lambda *_: stub_prover, unlinked)
    )
    monkeypatch.setattr(wallet_private, "linked_proofs", lambda _profile: unlinked)
    cli = parts.Cli(tmp_path / "home", capsys, committee.client.url)
    for name in ("alice", "bob"):
        cli.wallet(name)
        assert cli.pay("shield", "2", "--wallet", name).code == 0
    return SimpleNamespace(cli=cli, client=committee.client, chain=committee.chain, tmp=tmp_path)


def new_sale(place, *more: str, reserve: str = "0.1") -> str:
    made = place.cli.pay(
        "private", "auction", "new", "--committee", "0x" + place.chain.declaration.id.hex(),
        "--item", "a painting", "--reserve", reserve, "--places", "2",
        "--seller", "0x" + SELLER.hex(), "--wallet", "alice", *more,
    )  # fmt: skip
    assert made.code == 0, made.out
    assert made.data["status"] == "included"
    return made.data["sale"]


def bid(place, name: str, sale: str, *more: str):
    return place.cli.pay("private", "auction", "bid", sale, *more, "--wallet", name)


def accept(place, sale: str) -> None:
    """The members take the reserve and all bids; and the last block before a call."""
    identity = bytes_of(sale, 32)
    view = place.client.private_sale(identity)
    messages = [
        view.reserve_message,
        *(b.message for b in place.client.private_bids(identity).bids),
    ]
    given = [read_input(bytes_of(item)) for item in messages]
    assert_ok(place.chain.run(place.chain.admit(identity, given)))
    place.chain.to(view.accept)


def shown(place, sale: str):
    return place.cli.json("private", "auction", "show", sale).data


def spendable(place, name: str) -> float:
    (asset,) = place.cli.json("balance", "--wallet", name).data["assets"]
    return float(asset["spendable"]["amount"])


def claimed(place, name: str, sale: str) -> float:
    """What the wallet has more by a claim, and by the fee that it paid."""
    held = spendable(place, name)
    assert place.cli.json("sync", "--rescan", "--wallet", name).code == 0
    back = place.cli.pay("private", "auction", "claim", sale, "--wallet", name)
    assert back.code == 0, back.out
    return spendable(place, name) - held + float(back.data["operation"]["fee"]["amount"])


def test_an_auction_from_its_offer_to_what_goes_back(place) -> None:
    sale = new_sale(place)
    amount = place.tmp / "amount"
    amount.write_text("0.7\n")
    amount.chmod(0o600)
    assert bid(place, "alice", sale, "0.5", "--item", "a painting").code == 0
    given = bid(place, "bob", sale, "--amount-file", str(amount))
    assert (given.code, given.data["operation"]["state"]) == (0, "included"), given.out
    made = place.cli.json("tx", "show", given.data["operation"]["tx_id"], "--wallet", "bob").data
    assert (made["private"]["kind"], made["private"]["sale"]) == ("bid", sale)

    early = place.cli.json("private", "auction", "call", sale)
    assert early.error["code"] == "PV-175"
    accept(place, sale)
    called = place.cli.json("private", "auction", "call", sale).data
    assert (called["attempt"], called["sale"]["status"]) == (0, "computing")
    identity = bytes_of(sale, 32)
    assert_ok(place.chain.run(place.chain.prove(identity)))
    assert shown(place, sale)["sold"] is None
    assert_ok(place.chain.run(place.chain.outputs(identity)))
    view = shown(place, sale)
    assert (view["status"], view["sold"], view["winner"]) == ("opened", True, 1)
    assert view["price"] == {"amount": "0.5", "unit": "native"}
    waiting = place.cli.pay("private", "auction", "claim", sale, "--wallet", "bob")
    assert (waiting.code, waiting.error["code"]) == (1, "WOP-034")

    settled = place.cli.json("private", "auction", "settle", sale).data
    assert settled["sale"]["status"] == "settled"
    (held,) = place.client.account(SELLER).balances
    assert held.amount == "500000"
    assert claimed(place, "alice", sale) == pytest.approx(0.5)
    assert place.cli.json("sync", "--rescan", "--wallet", "bob").code == 0
    words = ("private", "auction", "withdraw", sale, "--to", "0x" + AWAY.hex())
    back = place.cli.pay(*words, "--wallet", "bob")
    assert (back.code, back.data["amount"]["amount"]) == (0, "0.2"), back.out
    (away,) = place.client.account(AWAY).balances
    assert away.amount == "200000"
    twice = place.cli.pay("private", "auction", "claim", sale, "--wallet", "bob")
    assert (twice.code, twice.error["code"]) == (1, "WOP-034")
    again = place.cli.json("private", "auction", "settle", sale)
    assert again.error["code"] == "PV-181"
    listed = {s["id"]: s for s in place.cli.json("private", "auction", "list").data["sales"]}
    assert (listed[sale]["status"], listed[sale]["bids"]) == ("settled", 2)
    assert "bid 1 wins for 0.5" in place.cli("private", "auction", "show", sale).out


def test_a_price_of_all_that_was_bid_leaves_nothing(place) -> None:
    sale = new_sale(place, reserve="0.5")
    assert bid(place, "bob", sale, "0.5").code == 0
    accept(place, sale)
    identity = bytes_of(sale, 32)
    place.chain.call(identity)
    assert_ok(place.chain.run(place.chain.prove(identity)))
    assert_ok(place.chain.run(place.chain.outputs(identity)))
    assert place.cli.json("private", "auction", "settle", sale).code == 0
    nothing = place.cli.pay("private", "auction", "claim", sale, "--wallet", "bob")
    assert nothing.error["code"] == "WOP-034"
    assert "the price took all of it" in nothing.error["message"]
    unsold = msgspec.structs.replace(place.client.private_sale(identity), winner=None)
    assert sale_document(unsold)["sold"] is False
    out = Console(record=True, width=120)
    draw_sale(out, unsold, place.client.private_bids(identity))
    assert "settled: nothing is sold" in out.export_text()


def test_a_bid_under_a_copied_key_is_in_nobodys_way(place, monkeypatch) -> None:
    """A key says nothing of who made a bid: a wallet takes what it can open."""
    sale = new_sale(place)
    identity, honest = bytes_of(sale, 32), private_owner.next_owner
    assert bid(place, "bob", sale, "0.3").code == 0
    (one,) = place.client.private_bids(identity).bids

    def copied(*asked):
        found = honest(*asked)
        object.__setattr__(found, "public", bytes_of(one.owner, 32))
        return found

    monkeypatch.setattr(private_owner, "next_owner", copied)
    assert bid(place, "alice", sale, "0.2").code == 0
    assert len({item.owner for item in place.client.private_bids(identity).bids}) == 1
    place.chain.to(place.client.private_sale(identity).accept)
    assert shown(place, sale)["status"] == "failed"
    assert claimed(place, "bob", sale) == pytest.approx(0.3)
    left = place.cli.pay("private", "auction", "claim", sale, "--wallet", "bob")
    assert (left.code, left.error["code"]) == (1, "WOP-034")
    assert "opens its bid" in left.error["message"]


def test_drafts_and_refusals_send_nothing(place) -> None:
    sale, before = new_sale(place), len(place.client.private_sales().sales)
    draft = bid(place, "bob", sale, "0.5", "--dry-run")
    assert (draft.data["sent"], draft.data["amount"]["amount"]) == (False, "0.5")
    refusals = (
        (("0.5", "--item", "a copy"), 2, "USE-001"),
        (("0",), 2, "USE-001"),
        (("0.1234567",), 2, "USE-001"),
        (("4294.967296",), 2, "USE-001"),
        ((), 2, "USE-003"),
        (("0.5", "--amount-file", str(place.tmp / "none")), 2, "USE-001"),
        (("--amount-file", str(place.tmp / "none")), 3, "FIL-002"),
        (("3",), 5, "WOP-005"),
    )
    for words, code, name in refusals:
        refused = bid(place, "bob", sale, *words)
        assert (refused.code, refused.error["code"]) == (code, name), words
        assert "0.1234567" not in str(refused.error)  # nobody looks over a bidder's shoulder
    assert bid(place, "bob", "0x12", "1").code == 2
    unknown = bid(place, "bob", "0x" + "11" * 32, "0.5")
    assert unknown.error["code"] == "NOD-003"
    assert place.client.private_sale(bytes_of(sale, 32)).bids == 0
    assert bid(place, "bob", sale, "0.3").code == 0
    assert bid(place, "bob", sale, "0.4").error["code"] == "WOP-035"
    assert bid(place, "bob", sale, "0.4", "--again").code == 0
    for words in (
        ("--places", "3"), ("--reserve", "5000"), ("--bid-for", "4990"), ("--item-file", "x"),
        ("--committee", "0x" + "22" * 32),
    ):  # fmt: skip
        made = place.cli.pay(
            "private", "auction", "new", "--committee", "0x" + place.chain.declaration.id.hex(),
            "--item", "a", "--reserve", "1", "--places", "2", "--wallet", "alice", *words,
        )  # fmt: skip
        assert made.code in {1, 2}, made.out
    assert len(place.client.private_sales().sales) == before


def test_no_secret_of_a_bid_is_printed_or_kept(place, monkeypatch) -> None:
    """Owner and blinding are derived when they are needed, shown to nobody; nor is a reserve."""
    entropies: list[bytes] = []
    made = keystore.new_entropy
    monkeypatch.setattr(keystore, "new_entropy", lambda: entropies.append(made()) or entropies[-1])
    place.cli.wallet("dora")
    assert place.cli.pay("shield", "2", "--wallet", "dora").code == 0
    place.cli.printed.clear()
    reserve = place.tmp / "reserve"
    reserve.write_text("0.123457\n")
    reserve.chmod(0o600)
    offered = place.cli.pay(
        "private", "auction", "new", "--committee", "0x" + place.chain.declaration.id.hex(),
        "--item", "a boat", "--reserve-file", str(reserve), "--places", "2", "--wallet", "dora",
    )  # fmt: skip
    assert offered.code == 0, offered.out
    sale = offered.data["sale"]
    assert bid(place, "dora", sale, "0.5").code == 0
    key, identity = wallets.derive(entropies[0]).spending, bytes_of(sale, 32)
    owner = PrivateOwner.of(key, identity)
    terms = private_trust.sale_terms_of(place.client, place.chain.genesis.chain_id, identity)
    record = private_trust.record_at(place.client, terms.committee, terms.epoch)
    numbers = [opening_of(owner, n, record, identity).blinding for n in (500_000, 123_457)]
    secrets = [owner.seed.hex(), *map(str, numbers), *(f"{n:064x}" for n in numbers), "0.123457"]
    raw = [owner.seed, *(n.to_bytes(32, "little") for n in numbers)]
    files = [path.read_bytes() for path in place.cli.home.rglob("*") if path.is_file()]
    assert any(identity.hex().encode() in data for data in files)
    for text in (*place.cli.printed, *(data.decode("latin-1") for data in files)):
        assert not any(secret in text for secret in secrets)
    assert not any(secret in data for secret in raw for data in files)


def test_a_node_that_shows_another_sale_gets_no_bid(place, monkeypatch) -> None:
    """PV-191: terms, and with them who can read, follow from the id that the bidder was given."""
    announced, other = new_sale(place), new_sale(place, reserve="0.2")
    asked = NodeClient.nullifier
    names = {bytes_of(announced, 32): bytes_of(other, 32)}
    monkeypatch.setattr(
        NodeClient,
        "nullifier",
        lambda self, name, environment: asked(self, names.get(name, name), environment),
    )
    refused = bid(place, "bob", announced, "0.5")
    assert (refused.code, refused.error["code"]) == (5, "PV-191")
    assert place.client.private_sale(bytes_of(announced, 32)).bids == 0
    assert bid(place, "bob", other, "0.5").code == 0
