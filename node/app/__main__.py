"""`python -m node.app run --home DIR`: the process that `chiaro up` starts."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from circuits.keys import KeyStore
from node.app import assembly, choices, development, logs
from node.app.blocks import system_clock
from node.app.errors import DiskRefused, NoNode
from node.app.node import Node
from node.app.process import ERROR_FILE, GENESIS_FILE, LOG_FILE, PROCESS_FILE, NodeProcess
from node.app.roles import NATS_FILES
from node.core.genesis import Genesis, Parameters
from node.core.genesis_file import load_genesis
from node.lane.validator import identity
from node.rpc.errors import problem
from node.rpc.schema import ProblemDocument
from zk import files
from zk.errors import ChiaroError
from zk.secrecy import forbid_core_dumps

BUG = 70
_log = logging.getLogger("node.app")


def main(arguments: Sequence[str] | None = None, node_type: type[Node] = Node) -> int:
    """Run until SIGTERM or SIGINT; the exit code is the error's, or 0.

    Args:
        arguments: default: the process's.
        node_type: what is run; tests of faults have nodes that lie or end themselves.
    """
    try:
        serve(arguments, node_type)
    except ChiaroError as error:
        sys.stderr.write(f"error[{error.id}]: {error.message}\n")
        return error.exit_code
    except Exception:
        return BUG  # told by the log
    return 0


def serve(arguments: Sequence[str] | None = None, node_type: type[Node] = Node) -> None:
    """The same, for a program that goes on afterwards.

    Raises:
        ChiaroError, Exception: what the node ended with; the log and a file in `state` have it.
    """
    options = _parser().parse_args(arguments)
    home: Path = options.home.resolve()
    state: Path = (options.state or home / "state").resolve()
    os.umask(0o077)
    forbid_core_dumps()
    try:
        handler = _handler(options.log, state)
    except OSError as error:
        raise _of_files(error) or error from None
    try:
        asyncio.run(_run(home, state, options, node_type))
    except ChiaroError as error:
        _report(state, error)
        raise
    except OSError as error:
        if (refused := _of_files(error)) is None:
            _log.exception("the node failed")
            raise
        _report(state, refused)
        raise refused from None
    except Exception:
        _log.exception("the node failed")
        raise
    finally:
        logging.getLogger().removeHandler(handler)
        with contextlib.suppress(OSError):  # a full disk, which is told already
            handler.close()


def _of_files(error: OSError) -> DiskRefused | None:
    """What a file or a disk refused; None: something else did."""
    if error.filename is None and error.errno not in files.OF_A_DISK:
        return None
    where = "" if error.filename is None else str(error.filename)
    return DiskRefused(error.strerror or "it cannot be used", where=where)


def _handler(where: str, state: Path) -> logging.Handler:
    """Of the log; whoever starts a node in the background looks for the file."""
    if where == "stderr":
        files.make_private_folder(state)
        return logs.to_stream(sys.stderr)
    return logs.to_file(state / LOG_FILE)


async def _run(home: Path, state: Path, options: argparse.Namespace, node_type: type[Node]) -> None:
    _prepare(home, options)
    chosen = choices.load(home, options)
    node = node_type.open(home, options=chosen)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ready(url: str) -> None:
        NodeProcess(
            pid=os.getpid(),
            url=url,
            port=int(url.rpartition(":")[2]),
            home=str(home),
            log=str(state / LOG_FILE),
            chain_id=node.genesis.chain_id.hex(),
            profile=node.genesis.profile,
            started_ms=system_clock(),
        ).write(state)

    try:
        await node.run(stop, ready)
    finally:
        with contextlib.suppress(FileNotFoundError):
            (state / PROCESS_FILE).unlink()
        node.close()


def _prepare(home: Path, options: argparse.Namespace) -> None:
    """Make the folder's chain where there is none; else see that it is the one asked for.

    Raises:
        NoNode: another chain is there.
        DecodeError: the genesis file.
        InsecureVersion, ForeignGenesis: RPC-14, RPC-24, RPC-25; nothing is made.
    """
    wanted = None if options.genesis is None else load_genesis(options.genesis)
    if Node.exists(home):
        there = load_genesis(home / GENESIS_FILE)
        if wanted is not None and wanted.chain_id != there.chain_id:
            raise NoNode(
                f"another chain is in this folder: {there.name}, profile {there.profile}, "
                f"{there.chain_id.hex()[:16]}…, not {wanted.chain_id.hex()[:16]}…",
                where=str(home),
                why="a new chain would hide the old one",
                fix="leave --genesis out to go on with it, or name another folder",
            )
        _check_private(there, home, asked=options.private)
        return
    if wanted is not None:
        _check_private(wanted, options.genesis, asked=options.private)
    if options.create:
        chain = wanted or _development(home, private=options.private)
        keys = KeyStore()
        assembly.verifying_keys(chain, keys)
        assembly.check_new_chain(chain, keys)
        Node.create(home, chain)


def _check_private(chain: Genesis, where: Path, *, asked: bool) -> None:
    """Raises NoNode: private rounds were asked for, and the chain has none."""
    if asked and chain.private is None:
        raise NoNode(
            f"the chain {chain.name} has no private environment",
            where=str(where),
            why="its genesis says so, for good",
            fix="leave --private out, or begin another chain in another folder (`--home`)",
        )


def _development(home: Path, *, private: bool) -> Genesis:
    """A new development chain: with private rounds, whose deadlines are heights, blocks by time."""
    own = (_validator(home),)
    if not private:
        return development.genesis(system_clock(), validators=own)
    return development.genesis(
        system_clock(),
        parameters=Parameters(block_time_ms=development.PRIVATE_BLOCK_MS),
        validators=own,
        private=development.PRIVATE,
    )


def _validator(home: Path) -> bytes:
    """Consensus key of a new development chain's only validator: this node's, made if need be."""
    path = home / identity.KEY_FILE
    return (identity.load(path) if path.exists() else identity.create(path)).public


def _report(state: Path, error: ChiaroError) -> None:
    """For whoever started us, and for the log."""
    document = ProblemDocument(error=problem(error))
    with contextlib.suppress(OSError):  # a full disk takes not even that
        files.write(state / ERROR_FILE, msgspec.json.encode(document))
    _log.error("stopped: %s", error, extra={"code": error.id})


def _units(text: str) -> int:
    """A whole number, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise argparse.ArgumentTypeError("a whole number, 0 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m node.app", description="A node's process.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the node in a folder until SIGTERM")
    run.add_argument("--home", type=Path, required=True, help="folder of the node")
    run.add_argument("--state", type=Path, help="folder of log and process file")
    run.add_argument("--host", help="address of the RPC")
    run.add_argument("--port", type=int, help="port of the RPC; 0: any")
    run.add_argument("--metrics", help="where metrics and health are told, HOST:PORT on loopback")
    run.add_argument("--log", choices=("file", "stderr"), default="file", help="lines of JSON")
    run.add_argument("--allow-remote", action="store_true", help="other machines may connect")
    run.add_argument("--create", action="store_true", help="make a chain if the folder is empty")
    run.add_argument("--genesis", type=Path, help="of the chain to make; else a development chain")
    run.add_argument(
        "--private", action="store_true", help="give a new development chain private rounds"
    )
    run.add_argument("--delay-ms", type=int, help="before a block")
    run.add_argument("--empty-blocks", action="store_true", help="on the chain's timer")
    run.add_argument(
        "--cometbft", action="store_true", help="the CometBFT of the folder `engine` decides"
    )
    run.add_argument(
        "--start-cometbft", type=Path, dest="binary", help="the same, run by this process"
    )
    run.add_argument("--lane-tick-ms", type=int, help="between blocks of the lane")
    run.add_argument(
        "--explorer",
        action=argparse.BooleanOptionalAction,
        help="serve the web explorer; by default unless other machines may connect",
    )
    run.add_argument(
        "--gossip-cut",
        type=_units,
        help="base units of an open intent's fee for passing it on",
    )
    run.add_argument("--nats", help="servers that carry the overlay: URL[,URL…]")
    for name, what in NATS_FILES.items():
        run.add_argument(f"--nats-{name}", type=Path, help=f"a file: {what}")
    run.add_argument(
        "--snapshot-interval",
        type=_units,
        help="heights between snapshots for nodes that join late; 0: none",
    )
    run.add_argument(
        "--retain-heights",
        type=_units,
        help="blocks that are kept; 0: all",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
