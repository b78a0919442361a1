"""How rounds of quadratic funding are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.cli import output, show

if TYPE_CHECKING:
    from rich.console import Console

    from node.rpc.private_schema import ProjectView, RoundView


def round_document(view: RoundView) -> dict[str, Any]:
    """A round in JSON."""
    asset = view.kind.name or "units"
    return {
        "id": view.id,
        "status": view.status,
        "phase": view.phase,
        "provider": view.provider,
        "committee": view.committee,
        "epoch": view.epoch,
        "members": view.members,
        "pool": show.amount(int(view.pool), asset),
        "least": view.least,
        "close": view.close,
        "accept": view.accept,
        "open": view.open,
        "donations": view.inputs,
        "projects": [_project_document(item, asset) for item in view.projects],
    }


def _project_document(item: ProjectView, asset: str) -> dict[str, Any]:
    return {
        "recipient": item.recipient,
        "minimum": show.amount(int(item.minimum), asset),
        "donations": item.donations,
        "roots": item.roots,
        "total": None if item.total is None else show.amount(int(item.total), asset),
        "funded": item.funded,
        "payout": None if item.payout is None else show.amount(int(item.payout), asset),
    }


def draw_round(out: Console, view: RoundView) -> None:
    """A round for people."""
    asset = view.kind.name or ""
    out.print(f"round      {view.id}", markup=False, style="bold")
    out.print(f"status     {view.status}, {view.phase}", markup=False)
    out.print(f"pool       {show.amount_text(int(view.pool))} {asset}", markup=False)
    out.print(
        f"blocks     now {view.height}; give to {view.close}, accept to {view.accept}, "
        f"open to {view.open}",
        markup=False,
    )
    out.print(f"committee  {view.committee}, epoch {view.epoch}", markup=False)
    out.print(f"donations  {view.inputs}; a project needs {view.least} accepted", markup=False)
    out.print()
    headings = ("", "recipient", "minimum", "donations", "sum", "pool adds", "funded")
    output.table(out, headings, [_row(i, item) for i, item in enumerate(view.projects)])


def _row(index: int, item: ProjectView) -> tuple[str, ...]:
    funded = {None: "", True: "yes", False: "no: donors take theirs back"}[item.funded]
    return (
        str(index),
        show.shorten(item.recipient),
        show.amount_text(int(item.minimum)),
        str(item.donations),
        "hidden" if item.total is None else show.amount_text(int(item.total)),
        "" if item.payout is None else show.amount_text(int(item.payout)),
        funded,
    )
