"""`chiaro localnet …`: several validators on this machine, each with its own CometBFT."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import output
from node.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from node.app.localnet import Standing

app = typer.Typer(help="Several validators on this machine, for development: needs CometBFT.")


def folder(session: Session) -> Path:
    """Of the localnet of this installation."""
    return session.places.data / "localnet"


@app.command()
def init(
    context: typer.Context,
    validators: int = typer.Option(4, "--validators", min=1, max=16, help="How many."),
    block_ms: int = typer.Option(1000, "--block-ms", min=1, help="Pause between blocks."),
    p2p_port: int = typer.Option(
        26656, "--p2p-port", min=1, max=65535, help="Of each CometBFT, on its own address."
    ),
) -> None:
    """Make a new development chain of several validators, and a folder for each."""
    from node.app import localnet

    session: Session = context.obj
    place = folder(session)
    genesis = localnet.create(
        place,
        validators,
        time_ms=time.time_ns() // 1_000_000,
        block_time_ms=block_ms,
        p2p_port=p2p_port,
    )
    data = {
        "folder": str(place),
        "validators": ["0x" + key.hex() for key in genesis.validators],
        "chain": "0x" + genesis.chain_id.hex(),
    }

    def render(out: Console) -> None:
        out.print(f"{validators} validators in {place}", markup=False)
        out.print("next  chiaro localnet up", markup=False)

    output.emit(session, "localnet.init", data, render)


@app.command()
def up(
    context: typer.Context,
    port: int = typer.Option(
        7430, "--port", min=0, max=65520, help="Of the first node's RPC; 0 takes free ones."
    ),
) -> None:
    """Start every node that does not run, and wait until each answers."""
    from node.app import localnet

    session: Session = context.obj
    _report(session, "localnet.up", localnet.up(folder(session), rpc_port=port))


@app.command()
def down(context: typer.Context) -> None:
    """Stop all nodes, and wait until they have."""
    from node.app import localnet

    session: Session = context.obj
    stopped = localnet.down(folder(session))
    output.emit(
        session,
        "localnet.down",
        {"stopped": stopped},
        lambda out: out.print(f"{stopped} stopped", markup=False),
    )


@app.command()
def status(context: typer.Context) -> None:
    """Show every node's height; `height` is what all that run have reached."""
    from node.app import localnet

    session: Session = context.obj
    _report(session, "localnet.status", localnet.status(folder(session)))


def _report(session: Session, schema: str, nodes: tuple[Standing, ...]) -> None:
    heights = [node.height for node in nodes if node.height is not None]
    data: dict[str, Any] = {
        "height": min(heights, default=None),
        "running": len(heights),
        "validators": len(nodes),
        "nodes": [
            {
                "node": node.number,
                "home": str(node.home),
                "url": None if node.process is None else node.process.url,
                "pid": None if node.process is None else node.process.pid,
                "height": node.height,
                "state_root": node.root or None,
            }
            for node in nodes
        ],
    }
    rows = [
        (
            str(node.number),
            "-" if node.process is None else node.process.url,
            "down" if node.height is None else str(node.height),
            node.root[:18],
        )
        for node in nodes
    ]
    output.emit(
        session,
        schema,
        data,
        lambda out: output.table(out, ("node", "rpc", "height", "state root"), rows),
    )
