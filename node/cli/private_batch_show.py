"""How batches of orders are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.cli import output, show
from node.cli.private_auction_show import attempt_document

if TYPE_CHECKING:
    from rich.console import Console

    from node.rpc.batch_schema import BatchView, OrdersView
    from node.rpc.schema import KindView


def name_of(kind: KindView) -> str:
    """Of an asset."""
    return kind.name or "units"


def batch_document(view: BatchView) -> dict[str, Any]:
    """A batch in JSON; `traded` is null before it is opened."""
    quote = name_of(view.quote)
    return {
        "id": view.id,
        "status": view.status,
        "committee": view.committee,
        "epoch": view.epoch,
        "base": name_of(view.base),
        "quote": quote,
        "lot": show.amount(int(view.lot), name_of(view.base)),
        "low": show.amount(int(view.low), quote),
        "step": show.amount(int(view.step), quote),
        "prices": view.ticks,
        "places": view.places,
        "orders": view.orders,
        "close": view.close,
        "accept": view.accept,
        "prove": view.prove,
        "attempt": None if view.attempt is None else attempt_document(view.attempt),
        "traded": None if view.tick is None else view.price is not None,
        "price": None if view.price is None else show.amount(int(view.price), quote),
    }


def order_documents(view: OrdersView) -> list[dict[str, Any]]:
    """Orders in JSON; limits, quantities and fills nobody sees."""
    return [
        {
            "id": item.id,
            "number": item.number,
            "side": item.side,
            "status": item.status,
            "returns": item.returns,
            "fill": None if item.fill is None else ("claimed" if item.fill.claimed else "waits"),
            "height": item.height,
        }
        for item in view.orders
    ]


def draw_batch(out: Console, view: BatchView, orders: OrdersView) -> None:
    """A batch for people."""
    base, quote = name_of(view.base), name_of(view.quote)
    low, step = int(view.low), int(view.step)
    top = low + (view.ticks - 1) * step
    out.print(f"batch      {view.id}", markup=False, style="bold")
    out.print(f"status     {view.status}{_outcome(view)}", markup=False)
    out.print(
        f"prices     {show.amount_text(low)} to {show.amount_text(top)} {quote}, "
        f"by {show.amount_text(step)}, for {show.amount_text(int(view.lot))} {base}",
        markup=False,
    )
    out.print(
        f"blocks     now {view.height}; order to {view.close}, accept to {view.accept}, "
        f"prove to {view.prove}",
        markup=False,
    )
    out.print(f"committee  {view.committee}, epoch {view.epoch}", markup=False)
    out.print(f"orders     {view.orders} of {view.places} places", markup=False)
    if orders.orders:
        out.print()
        headings = ("", "order", "side", "limit", "quantity", "status", "goes back", "traded")
        rows = [
            (
                str(item.number),
                show.shorten(item.id),
                item.side,
                "hidden",
                "hidden",
                item.status,
                "yes" if item.returns else "",
                "" if item.fill is None else ("taken" if item.fill.claimed else "hidden"),
            )
            for item in orders.orders
        ]
        output.table(out, headings, rows)


def _outcome(view: BatchView) -> str:
    if view.tick is None:
        return ""
    if view.price is None:
        return ": nothing is traded"
    return f": all trade at {show.amount_text(int(view.price))} {name_of(view.quote)}"
