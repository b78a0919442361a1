"""`python -m node.app run --home DIR`: the process that `chiaro up` starts."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from node.app import development, logs
from node.app.node import DEFAULT_PORT, Node, Options, system_clock
from node.app.process import ERROR_FILE, LOG_FILE, PROCESS_FILE, NodeProcess
from node.core.errors import Unreachable
from node.core.genesis_file import load_genesis
from node.rpc.errors import problem
from node.rpc.schema import ProblemDocument
from zk.errors import ChiaroError

BUG = 70
_log = logging.getLogger("node.app")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; the exit code is the error's, or 0."""
    options = _parser().parse_args(arguments)
    home: Path = options.home.resolve()
    state: Path = (options.state or home / "state").resolve()
    os.umask(0o077)
    handler = logs.to_file(state / LOG_FILE)
    try:
        asyncio.run(_run(home, state, options))
    except ChiaroError as error:
        _report(state, error)
        return error.exit_code
    except Exception:
        _log.exception("the node failed")
        return BUG
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    return 0


async def _run(home: Path, state: Path, options: argparse.Namespace) -> None:
    if options.create and not Node.exists(home):
        if options.genesis is not None:
            Node.create(home, load_genesis(options.genesis))
        else:
            Node.create(home, development.genesis(system_clock()))
    node = Node.open(
        home,
        options=Options(
            host=options.host,
            port=options.port,
            allow_remote=options.allow_remote,
            delay_ms=options.delay_ms,
            empty_blocks=options.empty_blocks,
        ),
    )
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
            started_ms=time.time_ns() // 1_000_000,
        ).write(state)

    try:
        await node.run(stop, ready)
    except OSError as error:
        raise Unreachable(
            f"cannot listen on {options.host}:{options.port}: {error.strerror}",
            why="another program uses the port, or the address is not this machine's",
            fix="name another one: --port",
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            (state / PROCESS_FILE).unlink()
        node.close()


def _report(state: Path, error: ChiaroError) -> None:
    """For whoever started us, and for the log."""
    document = ProblemDocument(error=problem(error))
    (state / ERROR_FILE).write_bytes(msgspec.json.encode(document))
    _log.error("stopped: %s", error, extra={"code": error.id})
    sys.stderr.write(f"error[{error.id}]: {error.message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m node.app", description="A node's process.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the node in a folder until SIGTERM")
    run.add_argument("--home", type=Path, required=True, help="folder of the node")
    run.add_argument("--state", type=Path, help="folder of log and process file")
    run.add_argument("--host", default="127.0.0.1", help="address of the RPC")
    run.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the RPC; 0: any")
    run.add_argument("--allow-remote", action="store_true", help="other machines may connect")
    run.add_argument("--create", action="store_true", help="make a chain if the folder is empty")
    run.add_argument("--genesis", type=Path, help="of the chain to make; else a development chain")
    run.add_argument("--delay-ms", type=int, default=Options().delay_ms, help="before a block")
    run.add_argument("--empty-blocks", action="store_true", help="on the chain's timer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
