"""How sealed-bid auctions are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.cli import output, show

if TYPE_CHECKING:
    from rich.console import Console

    from node.rpc.sale_schema import AttemptView, BidsView, SaleView


def sale_document(view: SaleView) -> dict[str, Any]:
    """A sale in JSON; `sold` is null before it is opened."""
    asset = view.kind.name or "units"
    return {
        "id": view.id,
        "status": view.status,
        "committee": view.committee,
        "epoch": view.epoch,
        "asset": asset,
        "item": view.item,
        "seller": view.seller,
        "places": view.bidders,
        "bids": view.bids,
        "close": view.close,
        "accept": view.accept,
        "prove": view.prove,
        "reserve": view.reserve_status,
        "attempt": None if view.attempt is None else attempt_document(view.attempt),
        "sold": None if view.price is None else view.winner is not None,
        "winner": view.winner,
        "price": None if view.price is None else show.amount(int(view.price), asset),
    }


def attempt_document(view: AttemptView) -> dict[str, Any]:
    """An attempt in JSON."""
    return {
        "number": view.number,
        "called": view.called,
        "session": view.session,
        "absent": view.absent,
        "spoiled": view.spoiled,
        "over": view.over,
    }


def bid_documents(view: BidsView) -> list[dict[str, Any]]:
    """Bids in JSON; what each holds nobody sees."""
    return [
        {
            "id": item.id,
            "number": item.number,
            "status": item.status,
            "returns": item.returns,
            "height": item.height,
        }
        for item in view.bids
    ]


def draw_sale(out: Console, view: SaleView, bids: BidsView) -> None:
    """A sale for people."""
    out.print(f"sale       {view.id}", markup=False, style="bold")
    out.print(f"status     {view.status}{_outcome(view)}", markup=False)
    out.print(f"item       {view.item}", markup=False)
    out.print(f"seller     {view.seller}", markup=False)
    out.print(
        f"blocks     now {view.height}; bid to {view.close}, accept to {view.accept}, "
        f"prove to {view.prove}",
        markup=False,
    )
    out.print(f"committee  {view.committee}, epoch {view.epoch}", markup=False)
    out.print(f"reserve    hidden, {view.reserve_status}", markup=False)
    if view.attempt is not None:
        absent = ", ".join(map(str, view.attempt.absent)) or "nobody"
        out.print(
            f"attempt    {view.attempt.number}, called in block {view.attempt.called}, "
            f"absent: {absent}",
            markup=False,
        )
    out.print(f"bids       {view.bids} of {view.bidders} places", markup=False)
    if bids.bids:
        out.print()
        headings = ("", "bid", "amount", "status", "goes back")
        rows = [
            (str(b.number), show.shorten(b.id), "hidden", b.status, "yes" if b.returns else "")
            for b in bids.bids
        ]
        output.table(out, headings, rows)


def _outcome(view: SaleView) -> str:
    if view.price is None:
        return ""
    if view.winner is None:
        return ": nothing is sold"
    price = f"{show.amount_text(int(view.price))} {view.kind.name or ''}".rstrip()
    return f": bid {view.winner} wins for {price}"
