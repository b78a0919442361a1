"""`chiaro node …`: a node on a machine of its own, of any role, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import local, output
from node.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from node.app.roles import Value
    from node.consensus.cometbft.inspect import EngineStatus
    from node.rpc.health_schema import HealthView

app = typer.Typer(help="A node on a machine of its own: docs/production.md.")

ENGINE_FILE = "engine/rpc.sock"


@app.command()
def init(
    context: typer.Context,
    genesis: Path = typer.Option(..., "--genesis", help="Of the chain, from its founders."),
    role: str = typer.Option(
        "full", "--role", help="validator, full, archive, rpc, solver or gossip."
    ),
    p2p: str = typer.Option("0.0.0.0:26656", "--p2p", help="HOST:PORT for CometBFT's peers."),
    external: str = typer.Option("", "--external", help="HOST:PORT that others are told."),
    peer: list[str] | None = typer.Option(
        None, "--peer", help="ID@HOST:PORT to be connected with; repeat it."
    ),
    private: list[str] | None = typer.Option(
        None, "--private", help="Id of a --peer of whom nobody is told; repeat it."
    ),
    engine: str = typer.Option(
        "child", "--engine", help="child: the node runs CometBFT; beside; embedded: alone."
    ),
    cometbft: Path | None = typer.Option(None, "--cometbft", help="The program, for child."),
    validator_key: Path | None = typer.Option(
        None, "--validator-key", help="File to copy; else the one in the node's folder."
    ),
    rpc: str | None = typer.Option(None, "--rpc", help="HOST:PORT of the RPC."),
    engine_rpc: str = typer.Option(
        "", "--engine-rpc", help="HOST:PORT of CometBFT's RPC too, for who joins by a snapshot."
    ),
    sync_from: list[str] | None = typer.Option(
        None, "--sync-from", help="URL of a peer's --engine-rpc: begin with a snapshot; repeat it."
    ),
    metrics: str | None = typer.Option(
        None, "--metrics", help="HOST:PORT on loopback for metrics and health."
    ),
    *,
    exchange: bool = typer.Option(
        False, "--exchange", help="Tell peers of peers, and be told: sentries do."
    ),
) -> None:
    """Make the home of a node of a chain; prints what its peers have to know."""
    from node.app import hosting, sync
    from node.consensus.cometbft.home import Network
    from node.core.genesis_file import load_genesis

    session: Session = context.obj
    home = session.places.node
    local.check_profile(session, home, genesis)
    given: dict[str, Value] = {"node.role": role, "engine.mode": engine}
    said: dict[str, Value | None] = {
        "node.rpc": rpc,
        "node.metrics": metrics,
        "engine.binary": None if cometbft is None else str(cometbft.resolve()),
    }
    given |= {name: value for name, value in said.items() if value is not None}
    chain = load_genesis(genesis)
    begin = sync.trusted(chain, sync_from) if sync_from else None
    peers = tuple(peer or ())
    network = Network(peers, tuple(private or ()), exchange, external, engine_rpc, begin)
    made = hosting.make(
        home,
        chain,
        given,
        p2p=p2p,
        network=network,
        key_file=validator_key,
    )
    if validator_key is not None:
        session.warnings.append(
            "the validator's key was copied: never let two machines run with it"
        )
    if begin is not None:
        session.warnings.append(
            f"block {begin.height} is believed to have hash {begin.hash.hex()}: compare it with "
            "somebody whom you trust before you run the node"
        )
    data = {
        "home": str(made.home),
        "role": made.role,
        "peer": made.peer,
        "validator": None if made.validator is None else "0x" + made.validator.hex(),
        "settings": str(made.home / "node.toml"),
        "trust": None
        if begin is None
        else {"height": begin.height, "hash": "0x" + begin.hash.hex()},
    }

    def render(out: Console) -> None:
        for name, value in data.items():
            if name != "trust":
                out.print(f"{name:<10} {value or 'none'}", markup=False)
        if begin is not None:
            out.print(f"trust      block {begin.height}, {begin.hash.hex()}", markup=False)
        if made.peer is not None:
            out.print("give the line `peer` to those who connect to this node", markup=False)
        out.print("next       chiaro node run", markup=False)

    output.emit(session, "node.init", data, render)


@app.command()
def run(
    context: typer.Context,
    metrics: str | None = typer.Option(
        None, "--metrics", help="HOST:PORT on loopback for metrics and health."
    ),
) -> None:
    """Run the node of this home in the foreground, by its node.toml, until SIGTERM or Ctrl-C.

    The log goes to standard error as lines of JSON, or to a file if node.toml says so.
    """
    from node.app import __main__ as process_entry
    from node.app import settings
    from node.app.errors import NoNode
    from node.app.node import Node

    session: Session = context.obj
    home, state = session.places.node, session.places.state
    found = settings.load(home)
    if found is None or not Node.exists(home):
        raise NoNode(
            "there is no node with settings in this folder",
            where=str(home),
            fix="make one: `chiaro node init`; development chains: `chiaro up`",
        )
    local.check_profile(session, home, None)
    words = ["run", "--home", str(home), "--state", str(state), "--log", found.text("node.log")]
    words += [] if metrics is None else ["--metrics", metrics]
    process_entry.serve(words)
    output.emit(session, "node.run", {"home": str(home), "role": found.role, "stopped": True})


@app.command()
def status(context: typer.Context) -> None:
    """Say whether this machine's node is ready, and why not. Exit 1: it is not; 6: no answer."""
    from node.app import process, settings
    from node.consensus.cometbft import inspect
    from node.consensus.cometbft.query import EngineAnswer
    from node.core.errors import NotFound, Unreachable
    from node.rpc.client import NodeClient

    session: Session = context.obj
    home, state = session.places.node, session.places.state
    running = process.find(home, state)
    if running is None:
        raise Unreachable("no node runs here", where=str(home), fix="`chiaro node run`")
    found = settings.load(home)
    with NodeClient(running.url) as client:
        health, chain = client.health(), client.status()
    engine: EngineStatus | None = None
    if (home / ENGINE_FILE).exists():
        try:
            engine = inspect.ask(home / ENGINE_FILE)
        except (Unreachable, EngineAnswer, NotFound) as error:
            session.warnings.append(error.message)
    session.exit_code = 0 if health.ready else 1
    data: dict[str, Any] = {
        "ready": health.ready,
        "reasons": [{"code": item.code, "text": item.text} for item in health.reasons],
        "role": None if found is None else found.role,
        "url": running.url,
        "pid": running.pid,
        "chain_id": chain.chain_id,
        "height": chain.height,
        "state_root": chain.state_root,
        "engine": None
        if engine is None
        else {
            "node": engine.node,
            "height": engine.height,
            "peers": engine.peers,
            "syncing": engine.syncing,
        },
    }
    output.emit(
        session,
        "node.status",
        data,
        lambda out: _draw(out, data, health, engine),
        freshness={"height": chain.height},
    )


def _draw(
    out: Console, data: dict[str, Any], health: HealthView, engine: EngineStatus | None
) -> None:
    lines = {
        "ready": "yes" if health.ready else "no",
        "role": data["role"] or "of a development chain",
        "node": f"{data['url']}  (pid {data['pid']})",
        "height": str(data["height"]),
        "root": data["state_root"],
        "engine": "embedded, or silent"
        if engine is None
        else f"{engine.node}, {engine.peers} peers, height {engine.height}",
    }
    for name, value in lines.items():
        out.print(f"{name:<8} {value}", markup=False)
    for item in health.reasons:
        out.print(f"  {item.code:<9} {item.text}", markup=False)
