"""`chiaro up`, `down`, `status`, `logs`: the node of this machine.

Where it lives: store and genesis in `<data>/node`, process file and log in `<state>`. A node that
runs on another port than the usual one is found through its process file (`session.local_node`).
"""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import typer

from node.cli import connection, output, pool_state, prompts
from node.cli.session import DEFAULT_NODE, DEFAULT_PROFILE, Session, UsageError
from node.core.errors import NotFound, PolicyRefused
from zk import jsontext

if TYPE_CHECKING:
    from rich.console import Console

    from node.app.process import NodeProcess
    from node.rpc.schema import Status

app = typer.Typer()

NEXT_STEPS: Final = ("init", "shield 10", "explorer --open", "down")
_POLL_S: Final = 0.3


@app.command()
def up(
    context: typer.Context,
    port: int | None = typer.Option(None, "--port", min=0, max=65535, help="0 takes a free one."),
    genesis: Path | None = typer.Option(
        None, "--genesis", help="Of the chain to begin; else a development chain."
    ),
    *,
    private: bool = typer.Option(
        False, "--private", help="A new development chain gets private rounds (docs/private.md)."
    ),
    foreground: bool = typer.Option(False, "--foreground", help="Stay here; Ctrl-C stops it."),
    no_explorer: bool = typer.Option(False, "--no-explorer", help="Serve no pages for people."),
) -> None:
    """Start a node in the background: a development chain with a faucet, or --genesis."""
    from node.app import process
    from node.app.errors import AlreadyRunning
    from node.cli import ports

    session: Session = context.obj
    home, state = session.places.node, session.places.state
    check_profile(session, home, genesis)
    if (running := process.find(home, state)) is not None:
        raise AlreadyRunning(
            f"a node runs already at {running.url}",
            where=f"pid {running.pid}, {home}",
        )
    wanted = _default_port(session) if port is None else port
    chosen = (("--no-explorer", no_explorer), ("--private", private))
    more = tuple(word for word, said in chosen if said)
    if wanted:
        ports.check_free(wanted)
    if foreground:
        _in_foreground(session, home, state, wanted, genesis, more)
        return
    output.note(session, "starting a node …")
    started = process.spawn(home, state, port=wanted, genesis=genesis, arguments=more)
    session.node = started.url
    _report_started(session, started)


def check_profile(session: Session, home: Path, genesis: Path | None) -> None:
    """That the chain to start is of the session's profile, before a process is started.

    Raises:
        UsageError: it is of another one, or a chain of this profile cannot be made without genesis.
        DecodeError: the genesis file.
    """
    from node.app.process import GENESIS_FILE
    from node.core.genesis_file import load_genesis

    there = home / GENESIS_FILE
    source = genesis if genesis is not None else there if there.is_file() else None
    if source is None:
        if session.profile != DEFAULT_PROFILE:
            raise UsageError(
                f"`chiaro up` makes development chains, not chains of profile {session.profile}",
                fix="give the chain's genesis: --genesis FILE (`chiaro setup genesis` makes one)",
            )
        return
    found = load_genesis(source).profile
    if found != session.profile:
        raise UsageError(
            f"the chain is of profile {found}, not {session.profile}",
            where=str(source),
            fix=f"say --profile {found}, or name another --home",
        )


def _default_port(session: Session) -> int:
    """The port of the session's node if that is one of this machine, so that both agree."""
    parts = urlsplit(session.node)
    if session.settings["node"][1] in {"flag", "environment"} and parts.hostname in {
        "127.0.0.1",
        "localhost",
    }:
        return parts.port or 80
    return urlsplit(DEFAULT_NODE).port or 0


def _report_started(session: Session, started: NodeProcess) -> None:
    from node.core.genesis import dev_faucet_account

    development = started.profile == DEFAULT_PROFILE
    faucet = "0x" + dev_faucet_account().hex() if development else None
    data = {
        "url": started.url,
        "port": started.port,
        "pid": started.pid,
        "chain_id": "0x" + started.chain_id,
        "chain_profile": started.profile,
        "home": started.home,
        "log": started.log,
        "faucet": faucet,
    }
    if development:
        session.warnings.append(
            "development chain: its keys are published; anyone can forge proofs and empty the "
            "faucet"
        )

    home = session.settings.get("home", ("", ""))
    where = f"--home {shlex.quote(home[0])} " if home[1] == "flag" else ""

    def render(out: Console) -> None:
        out.print(f"✓ node at {started.url}", style="bold green")
        for key, value in (
            ("chain", started.chain_id),
            ("faucet", f"account {faucet}" if faucet else "none"),
            ("process", f"pid {started.pid}"),
            ("log", started.log),
        ):
            out.print(f"  {key:<8} {value}", markup=False)
        out.print("next")
        for command in NEXT_STEPS:
            out.print(f"  chiaro {where}{command}", markup=False)

    output.emit(session, "up", data, render)


def _in_foreground(
    session: Session,
    home: Path,
    state: Path,
    port: int,
    genesis: Path | None,
    more: tuple[str, ...],
) -> None:
    """The node in this very process, for service managers and containers."""
    from node.app import __main__ as process_entry
    from node.app.logs import JsonLines

    output.note(session, f"a node in {home}; Ctrl-C stops it")
    echo = logging.StreamHandler(sys.stderr)
    echo.setFormatter(_ForPeople(JsonLines()))
    root = logging.getLogger()
    root.addHandler(echo)
    words = ["run", "--home", str(home), "--state", str(state), "--port", str(port), "--create"]
    words += ["--genesis", str(genesis)] if genesis is not None else []
    words += more
    try:
        session.exit_code = process_entry.main(words)
    finally:
        root.removeHandler(echo)


@app.command()
def down(
    context: typer.Context,
    *,
    erase: bool = typer.Option(False, "--erase", help="Also delete the chain; asks first."),
) -> None:
    """Stop the node of this machine and wait until it has ended."""
    from node.app import process

    session: Session = context.obj
    home, state = session.places.node, session.places.state
    if erase and home.exists():
        question = f"Delete the chain in {home}?"
        if not prompts.confirm(session, question):
            raise PolicyRefused("nothing was stopped or deleted", fix="leave out --erase")
    stopped = process.stop(home, state)
    erased = erase and home.exists()
    if erased:
        _erase(home)
    data = {
        "stopped": stopped is not None,
        "pid": None if stopped is None else stopped.pid,
        "url": None if stopped is None else stopped.url,
        "erased": erased,
    }

    def render(out: Console) -> None:
        out.print("no node was running here" if stopped is None else f"stopped {stopped.url}")
        if erased:
            out.print(f"deleted {home}", markup=False)

    output.emit(session, "down", data, render)


def _erase(home: Path) -> None:
    """Delete a chain; what its validator has of its own stays, unless the chain is for development.

    A validator without its log could make shares of two batches of a height (LN-27).
    """
    from node.app.overlay import FOLDER as GOSSIP_FOLDER
    from node.app.process import GENESIS_FILE
    from node.app.validator import LANE_FOLDER
    from node.core.genesis_file import load_genesis
    from node.lane.validator.identity import KEY_FILE

    source = home / GENESIS_FILE
    own: set[str] = set()
    if source.is_file() and load_genesis(source).profile != DEFAULT_PROFILE:
        own = {KEY_FILE, LANE_FOLDER, GOSSIP_FOLDER}
    for path in home.iterdir():
        if path.name in own:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not any(home.iterdir()):
        home.rmdir()


@app.command()
def status(context: typer.Context) -> None:
    """Say whether the node answers, and where its chain stands. Exit 6: it does not answer."""
    from node.app import process
    from node.core.errors import Unreachable

    session: Session = context.obj
    own = process.find(session.places.node, session.places.state)
    with connection.connected(session) as client:
        try:
            found = client.status()
        except Unreachable as error:
            if own is not None and own.url == session.node:
                error.fix = f"it runs (pid {own.pid}) but does not answer: look into {own.log}"
            raise
    mine = own if own is not None and own.url == session.node else None
    age_ms = max(0, time.time_ns() // 1_000_000 - found.time_ms)
    data: dict[str, Any] = {
        "url": session.node,
        "ready": found.ready,
        "chain_id": found.chain_id,
        "name": found.name,
        "chain_profile": found.profile,
        "height": found.height,
        "block_hash": found.block_hash,
        "state_root": found.state_root,
        "age_ms": age_ms,
        "mempool": {"txs": found.mempool_txs, "bytes": found.mempool_bytes},
        "version": found.version,
        "faucet": found.faucet,
        "pools": pool_state.data_of(found),
        "predecessor": pool_state.predecessor_of(found),
        "pid": None if mine is None else mine.pid,
        "log": None if mine is None else mine.log,
    }
    data["insecure"] = [item.insecure for item in found.statements if item.insecure]
    session.warnings += data["insecure"]
    lines = {
        "node": session.node + ("" if mine is None else f"  (pid {mine.pid})"),
        "chain": f"{found.name}, profile {found.profile}, {found.chain_id}",
        "height": f"{found.height}, last block {_age(age_ms)} ago",
        "mempool": f"{found.mempool_txs} transactions, {found.mempool_bytes} bytes",
        "root": found.state_root,
        "faucet": found.faucet or "none",
        "pools": "; ".join(pool_state.lines_of(found)),
        **_continues(found),
        "log": "of another machine or folder" if mine is None else mine.log,
    }

    def render(out: Console) -> None:
        for key, value in lines.items():
            out.print(f"{key:<8} {value}", markup=False)

    output.emit(session, "status", data, render, freshness={"height": found.height})


@app.command()
def logs(
    context: typer.Context,
    count: int = typer.Option(20, "-n", "--lines", min=0, help="How many of the last lines."),
    *,
    follow: bool = typer.Option(False, "-f", "--follow", help="Go on until Ctrl-C."),
) -> None:
    """Show the node's log. With --json: one document, or with -f one object a line."""
    from node.app.process import LOG_FILE

    session: Session = context.obj
    path = session.places.state / LOG_FILE
    if not path.is_file():
        raise NotFound(
            "no node has run here yet", where=str(path), fix="start one with `chiaro up`"
        )
    with path.open(encoding="utf-8", errors="replace") as file:
        last = list(deque(file, maxlen=count))
        if session.json and not follow:
            output.emit(session, "logs", {"file": str(path), "lines": [_entry(x) for x in last]})
            return
        out = output.console(session)
        for line in (*last, *(_following(path, file.tell()) if follow else ())):
            if session.json:
                sys.stdout.write(json.dumps(_entry(line), ensure_ascii=False) + "\n")
                sys.stdout.flush()
            else:
                out.print(log_line(_entry(line)), markup=False)


def _following(path: Path, position: int) -> Iterator[str]:
    """Lines as they are written, across the turning over of the file; never ends by itself."""
    file = path.open(encoding="utf-8", errors="replace")
    try:
        file.seek(position)
        inode = path.stat().st_ino
        rest = ""
        while True:
            rest += file.readline()
            if rest.endswith("\n"):
                yield rest
                rest = ""
                continue
            if path.exists() and path.stat().st_ino != inode:
                file.close()
                file = path.open(encoding="utf-8", errors="replace")
                inode, rest = path.stat().st_ino, ""
                continue
            time.sleep(_POLL_S)
    finally:
        file.close()


class _ForPeople(logging.Formatter):
    """Lines of the log file as `chiaro logs` shows them."""

    def __init__(self, lines: logging.Formatter) -> None:
        super().__init__()
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        return log_line(_entry(self._lines.format(record)))


def _entry(line: str) -> Mapping[str, Any]:
    """A line of the log as an object; what is not one stays as text."""
    try:
        found = jsontext.loads(line.encode())
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"event": line.rstrip("\n")}


def log_line(entry: Mapping[str, Any]) -> str:
    """An entry for people: time, level where it is not `info`, event, fields, traceback."""
    fixed = {"time", "level", "source", "event", "traceback"}
    parts = [str(entry.get("time", ""))[:19].replace("T", " ")]
    if entry.get("level", "info") != "info":
        parts.append(str(entry["level"]).upper())
    parts.append(str(entry.get("event", "")))
    parts += [f"{key}={value}" for key, value in entry.items() if key not in fixed]
    shown = "  ".join(part for part in parts if part)
    return shown + (f"\n{entry['traceback']}" if "traceback" in entry else "")


def _continues(found: Status) -> dict[str, str]:
    """The chain before this one, where there is one."""
    before = found.predecessor
    return {} if before is None else {"after": f"{before.chain_id}, block {before.height}"}


def _age(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
