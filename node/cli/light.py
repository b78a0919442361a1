"""`chiaro light …`: what nodes say, checked without running one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, light_session, light_verify, output
from node.cli.session import Session, UsageError
from node.cli.typed import digits

if TYPE_CHECKING:
    from rich.console import Console

    from node.core.genesis import Genesis
    from node.light.block import LightBlock
    from node.light.client import Synced
    from node.light.trust import Record
    from node.rpc.client import NodeClient

app = typer.Typer(help="A light client: checks what nodes say, without running one.")
app.add_typer(light_verify.app, name="verify")

PRIMARY = typer.Option(None, "--primary", help="The node to ask; by default the session's.")
WITNESS = typer.Option(
    None, "--witness", help="A node that is asked for its opinion; may be repeated."
)
_HASH_BYTES: Final = 32
_MAX_EVIDENCE: Final = 4 * 1024 * 1024


@app.command()
def init(
    context: typer.Context,
    genesis: Path | None = typer.Option(None, "--genesis", help="The chain's genesis file."),
    chain_id: str | None = typer.Option(
        None, "--chain-id", help="64 hexadecimal digits; then the node is asked for genesis."
    ),
    trust: str | None = typer.Option(
        None, "--trust", help="HEIGHT:HASH of a recent block of CometBFT, from who you trust."
    ),
    primary: str | None = PRIMARY,
    witness: list[str] | None = WITNESS,
    *,
    reset: bool = typer.Option(False, "--reset", help="Forget what was trusted before."),
) -> None:
    """Begin to trust: a genesis, or a block that somebody vouched for."""
    from node.light.trust import FROM_GENESIS, Record
    from node.rpc.client import NodeClient, check_address

    session: Session = context.obj
    for one in witness or ():
        check_address(one, "--witness")
    store = light_session.store_of(session)
    if store.exists and not reset:
        raise UsageError(
            "this home has a light client already",
            why="what it trusts would be forgotten",
            fix="`chiaro light sync` goes on; --reset begins again",
        )
    url = primary or session.node
    with NodeClient(url) as node:
        found = _genesis(session, node, genesis, chain_id)
        pinned = None if trust is None else _pinned(node, found, trust)
    record = Record(found.chain_id, trust or FROM_GENESIS, url, tuple(witness or ()), pinned)
    store.create(found, record)
    output.emit(session, "light.init", _about(record), lambda out: _draw_record(out, record))


@app.command()
def sync(
    context: typer.Context,
    height: int | None = typer.Option(
        None, "--height", min=1, help="Of CometBFT's block; by default the newest."
    ),
    primary: str | None = PRIMARY,
    witness: list[str] | None = WITNESS,
    period: int | None = typer.Option(
        None, "--period", min=1, help="Trusting period in hours; 32 by default."
    ),
    *,
    sequential: bool = typer.Option(False, "--sequential", help="Check every block between."),
) -> None:
    """Verify the node's newest block; exit 5 if it is not signed, or if there is a fork."""
    session: Session = context.obj
    asked = None if witness is None else tuple(witness)
    with light_session.opened(
        session, primary, asked, sequential=sequential, period_hours=period
    ) as light:
        found = light.sync(height)
        ledger = light.ledger()
        record = light.record
    if warning := light_session.unlocked(light.genesis, period):
        session.warnings.append(warning)
    if not record.witnesses:
        session.warnings.append(
            "no witness was asked: a node that shows a history to you alone would not be noticed"
        )
    data = {
        **_about(record),
        "verified": [block.height for block in found.trace],
        "opinions": [
            {"witness": o.name, "agrees": o.agrees, "why": o.why or None} for o in found.opinions
        ],
        "ledger_height": ledger.height,
        "state_root": "0x" + ledger.root.hex(),
        "age_s": light_session.age_s(ledger.time_ms),
    }
    output.emit(session, "light.sync", data, lambda out: _draw_sync(out, data, found))


@app.command()
def status(context: typer.Context) -> None:
    """Show what is trusted; asks nobody."""
    session: Session = context.obj
    record = light_session.need(session).load()
    output.emit(session, "light.status", _about(record), lambda out: _draw_record(out, record))


@app.command()
def report(
    context: typer.Context,
    file: Path = typer.Argument(help="Evidence of a fork, as `light sync` keeps it."),
) -> None:
    """Hand a fork in: whoever signed both blocks in one round loses stake. Exit 1: nobody did."""
    from node.light import evidence
    from node.light.fork import Fork
    from node.stake.transaction import wire

    session: Session = context.obj
    with file.open("rb") as source:
        fork = Fork.from_bytes(source.read(_MAX_EVIDENCE))
    with connection.connected(session) as client:
        genesis = client.genesis()
        found = evidence.transactions(fork, genesis)
        sent = [client.submit(wire(tx)).tx_id for tx in found]
    session.exit_code = 0 if found else 1
    keys = ["0x" + vote.key.hex() for vote in fork.double_votes()]
    data = {
        "height": fork.ours.height,
        "common": fork.common,
        "validators": keys,
        "tx_ids": sent,
    }

    def draw(out: Console) -> None:
        out.print(f"two blocks of height {fork.ours.height}; {len(sent)} signed both in one round")
        for key, tx_id in zip(keys, sent, strict=True):
            out.print(f"  validator {key}: {tx_id}", markup=False)

    output.emit(session, "light.report", data, draw)


def _genesis(
    session: Session, node: NodeClient, path: Path | None, chain_id: str | None
) -> Genesis:
    """LC-12: from a file, or from the node, compared with a chain id that the user has.

    Raises:
        LightRefused: LC-12, of another chain than was named.
    """
    from node.core.genesis_file import load_genesis
    from node.light.errors import LightRefused

    found = node.genesis() if path is None else load_genesis(path)
    if chain_id is not None and found.chain_id != digits(chain_id, _HASH_BYTES, "--chain-id"):
        raise LightRefused(
            "LC-12",
            f"genesis is of chain {found.chain_id.hex()}",
            where=node.url if path is None else str(path),
            why="whoever gives a genesis names the first validators",
            fix="get the genesis file or the chain id from somebody you trust",
        )
    if path is None and chain_id is None:
        session.warnings.append(
            f"genesis comes from the node itself: compare chain id 0x{found.chain_id.hex()} "
            "with somebody you trust"
        )
    return found


def _pinned(node: NodeClient, genesis: Genesis, text: str) -> LightBlock:
    """The block that HEIGHT:HASH names, verified as far as it can be alone."""
    import time

    from node.consensus.cometbft.mapping import engine_chain_id
    from node.light.client import pinned
    from node.light.verify import Terms
    from node.rpc.light_client import NodeSource

    height, _, digest = text.partition(":")
    if not height.isascii() or not height.isdigit() or not 0 < len(height) < 16:
        raise UsageError("--trust takes HEIGHT:HASH", where="--trust")
    return pinned(
        NodeSource(node),
        engine_chain_id(genesis),
        int(height),
        digits(digest, _HASH_BYTES, "--trust"),
        time.time_ns(),
        Terms(),
    )


def _about(record: Record) -> dict[str, Any]:
    block = record.block
    moment = None if block is None else block.header.moment // 1_000_000
    return {
        "chain_id": "0x" + record.chain_id.hex(),
        "anchor": record.anchor,
        "height": record.height,
        "hash": None if block is None else "0x" + block.hash.hex(),
        "time_ms": moment,
        "validators": None if block is None else len(block.validators.members),
        "primary": record.primary,
        "witnesses": list(record.witnesses),
    }


def _draw_record(out: Console, record: Record) -> None:
    block = record.block
    if block is None:
        out.print(f"✓ genesis of chain {record.chain_id.hex()} is trusted", markup=False)
    else:
        age = light_session.age_s(block.header.moment // 1_000_000)
        out.print(f"✓ block {block.height} is trusted, {age} s old", markup=False)
        out.print(f"  hash     {block.hash.hex()}", markup=False)
    out.print(f"  since    {record.anchor}", markup=False)
    out.print(f"  primary  {record.primary}", markup=False)
    for witness in record.witnesses:
        out.print(f"  witness  {witness}", markup=False)


def _draw_sync(out: Console, data: dict[str, Any], found: Synced) -> None:
    out.print(
        f"✓ block {data['height']} is signed by its validators "
        f"({len(found.trace)} checked on the way, {data['age_s']} s old)",
        markup=False,
    )
    out.print(f"  state after block {data['ledger_height']}: {data['state_root']}", markup=False)
    for item in found.opinions:
        mark, why = ("✓", "agrees") if item.agrees else ("?", item.why)
        out.print(f"  {mark} {item.name}: {why}", markup=False)
