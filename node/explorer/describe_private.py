"""Private transactions: who acts, in which round; amounts of donors stay in the dark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.core.ids import Kind
from node.explorer.facts import Facts, Hidden, Picture
from node.private import payload
from node.private.gifts import BidTx, ClaimTx, DepositTx, DonateTx, OrderTx
from node.private.messages import (
    AcceptTx,
    CeremonyTx,
    ComplaintTx,
    FreezeTx,
    HandoverTx,
    OpenTx,
    RemaskTx,
    SettleTx,
)
from node.private.paid import DeclareTx, Head, PlaceTx, RoundTx, WithdrawTx
from node.private.payload import PrivateTx
from node.private.rounds import read_input
from node.private.sale_payload import (
    BatchTx,
    BlameTx,
    CallTx,
    OfferTx,
    ResultTx,
    SilenceTx,
    members_of,
)
from node.private.succession_payload import NameTx, TransferTx
from node.rpc import views
from private_exec.committee.declaration import Declaration

TONE: Final = "private"
_GIFT: Final = (
    Hidden("how much"),
    Hidden("which member gives", "one of all on the round's list"),
    Hidden("which notes pay", "among all notes that exist"),
    Hidden("whether it is the largest", "sums of a project are opened, and nothing else"),
)
_BACK: Final = (Hidden("how much"), Hidden("whose it is"), Hidden("whose notes it becomes"))


def picture(data: bytes, names: Mapping[Kind, str]) -> Picture:
    """A payload of the private environment.

    Raises:
        ChiaroError: it does not decode.
    """
    tx = payload.decode(data)
    light = Facts()
    return Picture(_title(tx), TONE, _light(tx, light, names).done(), _shadow(tx))


def _title(tx: PrivateTx) -> str:
    titles = {
        DeclareTx: "A committee is declared",
        CeremonyTx: "A member makes keys",
        RoundTx: "A round of matching funds",
        DonateTx: "A donation",
        ComplaintTx: "A member complains",
        AcceptTx: "Inputs become cells",
        OpenTx: "Outputs are opened",
        SettleTx: "A round or sale is settled",
        ClaimTx: "A donation, bid, order, fill or deposit goes back",
        DepositTx: "A hidden deposit",
        PlaceTx: "A deposit in the clear",
        WithdrawTx: "A donation, bid, order, fill or deposit leaves in the clear",
        RemaskTx: "Cells go to other keys",
        FreezeTx: "An epoch is frozen",
        HandoverTx: "Cells go to another committee",
        NameTx: "A member names who follows its committee",
        TransferTx: "A message of a hand-over",
        OfferTx: "A sealed-bid auction",
        BidTx: "A bid",
        BatchTx: "A batch of hidden orders",
        OrderTx: "An order",
        CallTx: "A committee is called",
        ResultTx: "A result, proved",
        BlameTx: "Members give a batch up",
        SilenceTx: "A member says whom it did not hear",
    }
    return titles[type(tx)]


def _shadow(tx: PrivateTx) -> tuple[Hidden, ...]:
    match tx:
        case DonateTx():
            return _GIFT
        case ClaimTx():
            return _BACK
        case DepositTx():
            return (Hidden("how much"), Hidden("whose it is"), Hidden("which notes pay"))
        case BidTx():
            return (Hidden("how much"), Hidden("who bids"), Hidden("which notes pay"))
        case OrderTx():
            return (
                Hidden("how much"), Hidden("at which limit"), Hidden("who trades"),
                Hidden("which notes pay"), Hidden("what it traded", "its owner alone is told"),
            )  # fmt: skip
        case OfferTx():
            return (Hidden("the reserve", "also when the item is sold, or not"),)
        case ResultTx():
            return (Hidden("what is public of it", "until the block behind this one"),)
        case OpenTx():
            return (Hidden("every single input", "of few of them the outputs say much"),)
        case _:
            return ()


def _light(tx: PrivateTx, light: Facts, names: Mapping[Kind, str]) -> Facts:
    match tx:
        case DeclareTx():
            declared = Declaration.from_bytes(tx.declaration)
            light.code("committee", declared.id.hex()).number("members", declared.size.n)
            light.number("can read together", declared.size.t + 1, "fewer read nothing")
            return _paid(light, tx.head)
        case CeremonyTx():
            light.code("committee", tx.committee.hex()).number("epoch", tx.epoch)
            return light.number("attempt", tx.attempt).text("step", tx.step.label)
        case RoundTx():
            terms = tx.terms
            light.amount("pool", terms.pool, views.kind(terms.kind, names))
            light.number("projects", len(terms.projects)).block("donations end", terms.close)
            light.block("sums are open by", terms.open).code("committee", terms.committee.hex())
            return _paid(light, tx.head)
        case DonateTx():
            given = tx.given
            light.code("round", given.round.hex()).number("project", given.project)
            light.code("member's nullifier", f"{given.nullifier:064x}", "once a round")
            return light.native("fee", tx.carried.fee, "paid by the notes")
        case ComplaintTx():
            return light.code("input", tx.input.hex())
        case AcceptTx():
            return light.code("round or sale, or committee", tx.round.hex(), "of deposits")
        case SettleTx():
            return light.code("round or sale", tx.round.hex())
        case OpenTx():
            light.code("round or session", tx.round.hex())
            for number, output in enumerate(tx.opened.outputs, 1):
                light.add(f"output {number}", str(output.value))
            return light
        case ClaimTx():
            light.code("input", tx.wanted.input.hex())
            return light.native("fee", tx.carried.fee, "paid out of it")
        case DepositTx():
            light.code("committee", read_input(tx.input).committee.hex())
            return light.native("fee", tx.carried.fee, "paid by the notes")
        case PlaceTx():
            light.amount("amount", tx.amount, views.kind(tx.kind, names))
            light.code("committee", read_input(tx.input).committee.hex())
            return _paid(light, tx.head)
        case WithdrawTx():
            light.code("input", tx.input.hex()).account("to", tx.account)
            light.number("base units", tx.opened.value)
            return _paid(light, tx.head)
        case RemaskTx():
            light.code("committee", tx.committee.hex())
            return light.number("from the keys of epoch", tx.epoch)
        case FreezeTx():
            light.code("committee", tx.committee.hex())
            return light.number("epoch", tx.epoch, "only owners take its cells")
        case HandoverTx():
            light.code("from", tx.committee.hex()).number("from the keys of epoch", tx.epoch)
            return light.code("to", tx.successor.hex()).number("to the keys of epoch", tx.serving)
        case NameTx():
            light.code("committee", tx.committee.hex()).number("member", tx.member)
            return light.code("successor", tx.successor.hex())
        case TransferTx():
            light.code("committee", tx.committee.hex()).number("transfer", tx.retry)
            return light.text("step", tx.step.label.replace("_", " "))
        case OrderTx():
            light.code("sale", tx.ordered.sale.hex())
            for value in tx.carried.hidden_values:
                light.amount("of each lot it locks", tx.ordered.unit, views.kind(value.kind, names))
            return light.native("fee", tx.carried.fee, "paid by the notes")
        case OfferTx() | BidTx() | CallTx() | ResultTx() | BlameTx() | SilenceTx() | BatchTx():
            return _of_sale(tx, light)


def _of_sale(
    tx: OfferTx | BidTx | CallTx | ResultTx | BlameTx | SilenceTx | BatchTx, light: Facts
) -> Facts:
    light.code("sale", tx.sale.hex())
    match tx:
        case BatchTx():
            batch = tx.terms
            light.number("places", batch.orders).number("prices", batch.ticks)
            light.number("from", batch.low).number("to", batch.top).block("orders end", batch.close)
            light.block("a result by", batch.prove).code("committee", batch.committee.hex())
            return _paid(light, tx.head)
        case OfferTx():
            terms = tx.terms
            light.code("item", terms.item.hex()).number("places", terms.bidders)
            light.account("seller", terms.seller).block("bids end", terms.close)
            light.block("a result by", terms.prove).code("committee", terms.committee.hex())
            return _paid(light, tx.head)
        case BidTx():
            return light.native("fee", tx.carried.fee, "paid by the notes")
        case CallTx():
            return light.number("attempt", tx.attempt)
        case ResultTx():
            light.code("session", tx.session.hex()).number("cells read", len(tx.reads))
            return light.number("signatures", len(tx.certificate.signatures))
        case BlameTx():
            return light.text("spoiled by members", _members(tx.liars))
        case SilenceTx():
            return light.number("member", tx.member).text("did not hear", _members(tx.unheard))


def _members(mask: int) -> str:
    return ", ".join(map(str, members_of(mask))) or "nobody"


def _paid(light: Facts, head: Head) -> Facts:
    light.account("payer", head.payer).native("fee", head.fee)
    return light.number("expires at", head.expiry)
