"""`chiaro localnet …`: several validators on this machine, each with its own CometBFT."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import output
from node.cli.session import Session, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from node.app.localnet import Report, Standing

_WATCH_S: Final = 1.0
NODE = typer.Argument(..., min=0, metavar="N", help="Number of the node, from 0.")

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
        26656, "--p2p-port", min=1, max=65534, help="Of each CometBFT, on its own address."
    ),
    relays: bool = typer.Option(
        False, "--relays", help="Peers reach each other through relays: for `partition`."
    ),
    stake: bool = typer.Option(
        False, "--stake", help="Validators have stake, change at ends of epochs, and can lose it."
    ),
    private: bool = typer.Option(False, "--private", help="The chain has private rounds."),
) -> None:
    """Make a new development chain of several validators, and a folder for each."""
    from node.app import development, localnet

    session: Session = context.obj
    place = folder(session)
    genesis = localnet.create(
        place,
        validators,
        time_ms=time.time_ns() // 1_000_000,
        block_time_ms=block_ms,
        p2p_port=p2p_port,
        with_relays=relays,
        **(localnet.staked() if stake else {}),
        private=development.PRIVATE if private else None,
    )
    data = {
        "folder": str(place),
        "relays": relays,
        "stake": stake,
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
    """Start every node that does not run, and wait until all make blocks together.

    Interrupted, it stops what it started.
    """
    from node.app import localnet

    session: Session = context.obj
    place = folder(session)
    with _live(session) as report:
        before = {node.number for node in localnet.status(place) if node.process is not None}
        try:
            localnet.up(place, rpc_port=port, report=report)
            found = localnet.healthy(place, report=report)
        except KeyboardInterrupt:
            if before:
                localnet.stop_others(place, before)
            else:
                localnet.down(place)
            raise
    _report(session, "localnet.up", found)


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
def status(
    context: typer.Context,
    watch: bool = typer.Option(False, "--watch", "-w", help="Until interrupted."),
) -> None:
    """Show every node's height; `height` is what all that run have reached.

    With --json --watch: a document a line.
    """
    from node.app import localnet

    session: Session = context.obj
    place = folder(session)
    if not watch:
        _report(session, "localnet.status", localnet.status(place))
        return
    if session.json:
        while True:  # a document a line
            _report(session, "localnet.status", localnet.status(place))
            sys.stdout.flush()
            time.sleep(_WATCH_S)
    from rich.live import Live

    out = output.console(session)
    with Live(console=out, auto_refresh=False) as live:
        while True:
            table = _table(localnet.status(place))
            if out.is_terminal:
                live.update(table, refresh=True)
            else:  # a file or a pipe gets one below the other
                out.print(table)
                out.file.flush()
            time.sleep(_WATCH_S)


@app.command()
def kill(
    context: typer.Context,
    number: int = NODE,
    app_: bool = typer.Option(False, "--app", help="The node, which takes its CometBFT with it."),
    engine: bool = typer.Option(False, "--engine", help="CometBFT; the node ends then."),
    both: bool = typer.Option(False, "--both", help="Both at once: the default."),
) -> None:
    """Kill a node (SIGKILL), as a power cut would; `up` starts it again."""
    from node.app import disturb
    from node.app.disturb import Part

    session: Session = context.obj
    chosen = [part for part, said in ((Part.APP, app_), (Part.ENGINE, engine)) if said]
    if (both and chosen) or len(chosen) == 2:
        raise UsageError("one of --app, --engine, --both")
    part = chosen[0] if chosen else Part.BOTH
    pids = disturb.kill(folder(session), number, part)
    _done(session, "localnet.kill", number, pids, "killed")


@app.command()
def pause(
    context: typer.Context,
    number: int = NODE,
    seconds: float = typer.Option(
        0.0, "--seconds", min=0.0, max=86_400.0, help="Then let it go on; 0: until `resume`."
    ),
) -> None:
    """Stop a node where it is, as a machine that hangs would."""
    from node.app import disturb

    session: Session = context.obj
    pids = disturb.pause(folder(session), number)
    if seconds:
        try:
            time.sleep(seconds)
        finally:
            disturb.resume(folder(session), number)
    _done(session, "localnet.pause", number, pids, "paused" if not seconds else "goes on")


@app.command()
def resume(context: typer.Context, number: int = NODE) -> None:
    """Let a paused node go on."""
    from node.app import disturb

    session: Session = context.obj
    _done(session, "localnet.resume", number, disturb.resume(folder(session), number), "goes on")


@app.command()
def partition(
    context: typer.Context,
    groups: str = typer.Argument(
        "", metavar="[A,B|C,D]", help="Numbers of nodes; those not named are one more group."
    ),
    heal: bool = typer.Option(False, "--heal", help="One network again."),
    reset: bool = typer.Option(
        False, "--reset", help="Reset connections, in place of holding what is sent."
    ),
    delay_ms: int = typer.Option(
        0, "--delay-ms", min=0, max=60_000, help="Let all pass between groups, but this late."
    ),
) -> None:
    """Part groups of nodes from each other; of a localnet that was made with --relays."""
    from node.app import disturb
    from node.app.links import Mode, Weather

    session: Session = context.obj
    if heal == bool(groups) or (heal and (reset or delay_ms)) or (reset and delay_ms):
        raise UsageError("either groups, with --reset or --delay-ms or neither, or --heal")
    if heal:
        disturb.heal(folder(session))
        data: dict[str, Any] = {"parted": []}
    else:
        mode = Mode.OPEN if delay_ms else Mode.CUT if reset else Mode.HELD
        parted = disturb.partition(folder(session), _groups(groups), Weather(mode, delay_ms))
        data = {"parted": [list(pair) for pair in parted]}
    words = ", ".join(f"{a}-{b}" for a, b in data["parted"]) or "none"
    output.emit(
        session,
        "localnet.partition",
        data,
        lambda out: out.print(f"links parted: {words}", markup=False),
    )


def _groups(text: str) -> list[list[int]]:
    try:
        return [[int(number) for number in group.split(",")] for group in text.split("|")]
    except ValueError:
        raise UsageError(f"groups like 0,1|2,3 are wanted, not {text[:80]!r}") from None


def _done(session: Session, schema: str, number: int, pids: Sequence[int], words: str) -> None:
    output.emit(
        session,
        schema,
        {"node": number, "pids": list(pids)},
        lambda out: out.print(f"node {number} {words}", markup=False),
    )


@contextmanager
def _live(session: Session) -> Iterator[Report | None]:
    """A table on stderr while nodes start, where somebody looks."""
    err = output.console(session, stderr=True)
    if session.quiet or session.json or not err.is_terminal:
        yield None
        return
    from rich.live import Live

    with Live(console=err, auto_refresh=False, transient=True) as live:
        yield lambda nodes: live.update(_table(nodes), refresh=True)


HEADINGS: Final = ("node", "rpc", "state", "height", "state root")


def _rows(nodes: Sequence[Standing]) -> list[tuple[str, ...]]:
    return [
        (
            str(node.number),
            "-" if node.process is None else node.process.url,
            node.state,
            "" if node.height is None else str(node.height),
            node.root[:18],
        )
        for node in nodes
    ]


def _table(nodes: Sequence[Standing]) -> Table:
    return output.make_table(HEADINGS, _rows(nodes))


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
                "engine_pid": node.engine,
                "state": node.state,
                "height": node.height,
                "state_root": node.root or None,
            }
            for node in nodes
        ],
    }
    output.emit(session, schema, data, lambda out: output.table(out, HEADINGS, _rows(nodes)))
