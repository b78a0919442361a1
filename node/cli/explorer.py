"""`chiaro explorer`: where the node's pages are."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

import typer

from node.cli import connection, output
from node.cli.session import Session
from node.core.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer()


@app.command()
def explorer(
    context: typer.Context,
    *,
    open_: bool = typer.Option(False, "--open", help="Open it in the browser of this desktop."),
) -> None:
    """Say where the node's explorer is. Exit 1: the node serves none."""
    session: Session = context.obj
    with connection.connected(session) as client:
        client.status()
        if not client.has_explorer():
            raise NotFound(
                "this node serves no explorer",
                where=session.node,
                why="it was started with --no-explorer, or for other machines to reach",
                fix="start it without: `chiaro down`, then `chiaro up`",
            )
    url = f"{session.node.rstrip('/')}/explorer"
    opened = open_ and webbrowser.open(url)
    if open_ and not opened:
        session.warnings.append("no browser could be opened here")

    def render(out: Console) -> None:
        out.print(url, markup=False, soft_wrap=True)

    output.emit(session, "explorer", {"url": url, "opened": opened}, render)
