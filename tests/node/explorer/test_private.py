"""Private transactions in the light: what each shows, and that no donor's amount is in it."""

from __future__ import annotations

import io

import httpx
import pytest
from rich.console import Console

from node.cli import chain
from node.cli.chain_private import private_data
from node.core.block import Transaction
from node.core.ids import EnvironmentId
from node.explorer import describe
from node.private import state as entries
from node.private.gifts import LinkedProof
from node.private.messages import (
    ComplaintTx,
    FreezeTx,
    HandoverTx,
    OpenTx,
    RemaskTx,
    SettleTx,
    Step,
)
from node.private.payload import wire
from node.private.sale_payload import BlameTx, CallTx, ResultTx, SilenceTx, mask_of
from node.private.sale_terms import Side
from node.private.succession_payload import NameTx, opening
from node.private.tags import Tag
from node.rpc import views
from node.rpc.schema import TransactionView
from node.testing.batches import BatchChain
from node.testing.nodes import memory_node, serving
from node.testing.private import PrivateChain, assert_ok
from node.testing.sales import auction_of
from private_exec.committee.certificate import Certificate
from private_exec.committee.opening import OpenStatement
from private_exec.linking import link_bytes
from private_exec.mpc.labels import SessionId
from private_exec.pedersen import H, Opening
from private_exec.provable.session import Made

TITLES = {
    Tag.DECLARE: "A committee is declared",
    Tag.CEREMONY: "A member makes keys",
    Tag.ROUND: "A round of matching funds",
    Tag.DONATE: "A donation",
    Tag.COMPLAINT: "A member complains",
    Tag.ACCEPT: "Inputs become cells",
    Tag.OPEN: "Outputs are opened",
    Tag.SETTLE: "A round or sale is settled",
    Tag.CLAIM: "A donation, bid, order, fill or deposit goes back",
    Tag.DEPOSIT: "A hidden deposit",
    Tag.PLACE: "A deposit in the clear",
    Tag.WITHDRAW: "A donation, bid, order, fill or deposit leaves in the clear",
    Tag.REMASK: "Cells go to other keys",
    Tag.FREEZE: "An epoch is frozen",
    Tag.HANDOVER: "Cells go to another committee",
    Tag.NAME: "A member names who follows its committee",
    Tag.TRANSFER: "A message of a hand-over",
    Tag.OFFER: "A sealed-bid auction",
    Tag.BID: "A bid",
    Tag.CALL: "A committee is called",
    Tag.RESULT: "A result, proved",
    Tag.BLAME: "Members give a batch up",
    Tag.SILENCE: "A member says whom it did not hear",
    Tag.BATCH: "A batch of hidden orders",
    Tag.ORDER: "An order",
}
WEIGHT = 31_337
CARRYING = (Tag.DONATE, Tag.CLAIM, Tag.DEPOSIT, Tag.BID, Tag.ORDER)


@pytest.fixture(scope="module")
def told():
    """One transaction of each kind, with its receipt where it was in a block."""
    made = PrivateChain()
    made.start(notes=8)
    found = {Tag.DECLARE: (made.declare(), None)}
    notice = made.participants()[1].notice()
    found[Tag.CEREMONY] = (made.message(Step.NOTICE, notice.to_bytes()), None)
    opened = made.round(made.terms(0, 10**15))
    assert_ok(made.run(opened))
    found[Tag.ROUND] = (opened, None)
    given = [made.give(opened.id, project, WEIGHT + project, project) for project in (0, 1)]
    for item in given:
        receipts = made.run(item.tx)
        assert_ok(receipts)
        found[Tag.DONATE] = (item.tx, receipts[0])
    found[Tag.COMPLAINT] = (ComplaintTx(given[0].input.id, b""), None)
    terms = entries.round_of(made.state, opened.id).terms
    made.to(terms.close)
    for tag, make in (
        (Tag.ACCEPT, lambda: made.accept(opened.id, given)),
        (Tag.OPEN, lambda: made.sums(opened.id)),
        (Tag.SETTLE, lambda: SettleTx(opened.id)),
        (Tag.CLAIM, lambda: made.claim(given[1])),
    ):
        if tag is Tag.OPEN:
            made.to(terms.accept)
        tx = make()
        receipts = made.run(tx)
        assert_ok(receipts)
        found[tag] = (tx, receipts[0])
    owner = given[0].owner
    stored, held = made.stored(WEIGHT**2, owner)
    for tag, tx in (
        (Tag.DEPOSIT, stored),
        (Tag.PLACE, made.placed(5000, owner)[0]),
        (Tag.WITHDRAW, made.withdrawal(held, owner.public)),
    ):
        receipts = made.run(tx)
        assert_ok(receipts)
        found[tag] = (tx, receipts[0])
    here = made.declaration.id
    found[Tag.REMASK] = (RemaskTx(here, 0, b""), None)
    found[Tag.FREEZE] = (FreezeTx(here, 0), None)
    will = Certificate(((1, bytes(64)),))
    found[Tag.NAME] = NameTx(here, bytes(32), 1, 2), None
    found[Tag.TRANSFER] = opening(here, 0, 1), None
    found[Tag.HANDOVER] = (HandoverTx(here, 0, bytes(32), 1, 0, will, b""), None)
    return found | sold()


def sold():
    """The same of a sale, on a chain of its own; nothing is computed."""
    made = BatchChain(bidders=2)
    made.start(notes=2)
    offer = made.offer(WEIGHT)
    assert_ok(made.run(offer))
    bid = made.place(offer.sale, WEIGHT**2, 1).tx
    receipts = made.run(bid)
    assert_ok(receipts)
    order = made.trade(made.collect(), Side.BUY, 1, WEIGHT, 1).tx
    (ordered,) = made.run(order)
    assert_ok([ordered])
    session, signed = SessionId(bytes(32)), Certificate(((1, bytes(64)),))
    linked, cells = LinkedProof(bytes(128), bytes(32), bytes(link_bytes(5))), (H, H, H)
    return {
        Tag.OFFER: (offer, None),
        Tag.BID: (bid, receipts[0]),
        Tag.CALL: (CallTx(offer.sale, 0), None),
        Tag.RESULT: (
            ResultTx(
                offer.sale,
                session,
                auction_of(2),
                bytes(32),
                cells,
                (Made(1, H), Made(2, H)),
                linked,
                signed,
            ),
            None,
        ),
        Tag.BLAME: (BlameTx(offer.sale, session, b"", mask_of([3]), signed), None),
        Tag.SILENCE: (SilenceTx(offer.sale, session, 1, 0), None),
        Tag.BATCH: (made.batch(), None),
        Tag.ORDER: (order, ordered),
    }


@pytest.mark.parametrize("tag", list(Tag))
def test_every_private_transaction_has_a_page_and_a_document(told, tag) -> None:
    tx, receipt = told[tag]
    view = None if receipt is None else views.receipt(receipt)
    page = describe.picture(wire(tx), view, {})
    assert (page.title, page.tone) == (TITLES[tag], "private")
    assert page.light
    data = private_data(Transaction.from_bytes(wire(tx)).payload, view)
    assert data["kind"] == tag.label
    assert len(data) > 1
    if tag in CARRYING:
        (inside,) = data["carried"]
        assert inside["environment"] == "shielded"
        assert inside["tx_id"] == "0x" + tx.carried.id.hex()


def test_marks_of_every_environment_are_explained() -> None:
    with serving(memory_node()) as client:
        page = httpx.get(f"{client.url}/explorer/blocks").text
    for environment in EnvironmentId:
        assert f'tone-{environment.label}"></span> ' in page


def test_no_donors_amount_is_on_its_page(told) -> None:
    for tag in CARRYING:
        tx, receipt = told[tag]
        page = describe.picture(wire(tx), views.receipt(receipt), {})
        shown = " ".join(f"{fact.name} {fact.value}" for fact in page.light).replace(",", "")
        for weight in (WEIGHT, WEIGHT + 1):
            assert str(weight) not in shown
            assert str(weight * weight) not in shown
        assert any("how much" in hidden.name for hidden in page.shadow)


def test_what_is_carried_says_that_it_goes_into_the_private_pool(told) -> None:
    tx, _ = told[Tag.DONATE]
    page = describe.picture(
        Transaction(EnvironmentId.SHIELDED, tx.carried.to_bytes()).to_bytes(), None, {}
    )
    assert page.title == "Into the private pool"
    assert any("nobody sees how much" in fact.note for fact in page.light)


def test_a_terminal_shows_both_without_an_amount(told) -> None:
    tx, receipt = told[Tag.DONATE]
    carried = Transaction(EnvironmentId.SHIELDED, tx.carried.to_bytes()).to_bytes()
    for identity, data, words in (
        (tx.id, wire(tx), ("donate", "carried out")),
        (tx.carried.id, carried, ("in the dark", "leaves the pool", tx.reference.hex())),
    ):
        view = TransactionView(
            tx_id="0x" + identity.hex(),
            status="included",
            tip=1,
            environment="private",
            tx="0x" + data.hex(),
            receipt=views.receipt(receipt),
        )
        out = Console(record=True, width=300, file=io.StringIO())
        chain.draw_tx(out, chain.transaction_data(view, {}))
        shown = out.export_text()
        assert all(word in shown for word in words)
        assert str(WEIGHT**2) not in shown.replace(",", "")


def test_sums_that_a_round_refused_are_described() -> None:
    """Nothing but their form is asked of what stands in a block."""
    odd = OpenTx(OpenStatement(b"\x01" * 32, (Opening(5, 1), Opening(25, 1), Opening(6, 1))))
    shown = describe.picture(wire(odd), None, {})
    opened = [str(fact.value) for fact in shown.light if fact.name.startswith("output")]
    assert opened == ["5", "25", "6"]
