"""`chiaro chain migrate`: the genesis of the chain that continues a closed one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import output
from node.cli.demo_facts import units
from node.cli.session import Session, UsageError
from node.cli.verify import Unreadable, readable

if TYPE_CHECKING:
    from rich.console import Console

    from node.core.genesis import Genesis
    from node.core.ids import Kind
    from node.execution.migration import Succession


def migrate(
    context: typer.Context,
    out: Path | None = typer.Option(None, "--out", "-o", help="Genesis to write, .toml or .json."),
    check: Path | None = typer.Option(
        None, "--check", help="Genesis of somebody else to recompute and compare."
    ),
    height: int | None = typer.Option(
        None, "--height", min=1, help="Last block that counts; by default the chain's last one."
    ),
    *,
    same_circuit: bool = typer.Option(
        False, "--same-circuit", help="Only the old key was broken: the circuit is used again."
    ),
    rehearsal: bool = typer.Option(
        False, "--rehearsal", help="Development chains: the same statements again. UNSAFE."
    ),
) -> None:
    """Derive the successor of this machine's stopped chain, whose pool is closed for good.

    Balances of accounts go along; what the pool still holds stays behind.
    """
    from node.app import migration
    from node.core.genesis_file import load_genesis

    session: Session = context.obj
    if (out is None) == (check is None):
        raise UsageError("one of --out and --check is needed")
    if check is not None and height is not None:
        raise UsageError("the file says it itself", where="--height")
    again = migration.Again(same_circuit=same_circuit, rehearsal=rehearsal)
    found = None if check is None else load_genesis(check)
    if out is not None:
        _check_target(out)
    with (
        migration.opened(session.places.node) as old,
        output.progress(session, "migrate") as report,
    ):
        if found is not None:
            made = migration.check(old, found, again, report=report)
        else:
            made = migration.succeed(old, height, again, report=report)
        issued = old.genesis
    if out is not None:
        _write(made.genesis, out)
    if rehearsal:
        session.warnings.append(
            "a rehearsal: the statements that were declared insecure are used again"
        )
    _report(session, made, issued, out or check)


def _check_target(out: Path) -> None:
    """Before anything is computed: a genesis is never written over."""
    if out.suffix not in {".toml", ".json"}:
        raise UsageError("a genesis file ends in .toml or .json", where="--out")
    if out.exists():
        raise Unreadable(
            "there is a file of that name already", where=str(out),
            why="a genesis that is replaced is another chain", fix="name another file",
        )  # fmt: skip


def _write(genesis: Genesis, out: Path) -> None:
    """The file, unless nobody could read it.

    Raises:
        NoSuccessor: more balances than a genesis file holds.
    """
    from node.core import genesis_file
    from node.execution.migration import NoSuccessor
    from zk import files

    data = genesis_file.format_genesis(genesis, json_format=out.suffix == ".json").encode()
    if len(data) > genesis_file.MAX_FILE:
        raise NoSuccessor(
            f"{len(genesis.allocations)} balances make a genesis of {len(data)} bytes, "
            f"at most {genesis_file.MAX_FILE} are read",
            where=str(out),
            why="a file that no node reads starts no chain",
            fix="raise `node.core.genesis_file.MAX_FILE` on every node of the new chain",
        )
    with readable(out):
        files.write(out, data, durable=True)


def _report(session: Session, made: Succession, old: Genesis, file: Path | None) -> None:
    """Per kind: issued = carried + left behind."""
    from node.app import development

    genesis, predecessor = made.genesis, made.genesis.predecessor
    names = development.names(old)
    carried = genesis.supply()
    rows = [
        {
            "asset": _name(kind, names),
            "issued": str(issued),
            "carried": str(carried.get(kind, 0)),
            "left_behind": str(sum(x.amount for x in made.left_behind if x.kind == kind)),
        }
        for kind, issued in sorted(old.supply().items())
    ]
    data: dict[str, Any] = {
        "file": str(file),
        "chain_id": "0x" + genesis.chain_id.hex(),
        "predecessor": None
        if predecessor is None
        else {
            "chain_id": "0x" + predecessor.chain_id.hex(),
            "height": predecessor.height,
            "block_hash": "0x" + predecessor.block_hash.hex(),
        },
        "statements": [item.statement for item in genesis.statements],
        "accounts": len({item.account for item in genesis.allocations}),
        "unit": "base units",
        "kinds": rows,
    }

    def render(out: Console) -> None:
        out.print(f"✓ {file}", style="bold green", markup=False)
        for key in ("chain_id", "accounts"):
            out.print(f"  {key:<12} {data[key]}", markup=False)
        if predecessor is not None:
            text = f"{predecessor.chain_id.hex()} after block {predecessor.height}"
            out.print(f"  {'predecessor':<12} {text}", markup=False)
        cells = [
            (row["asset"], *(units(int(row[k])) for k in ("issued", "carried", "left_behind")))
            for row in rows
        ]
        output.table(out, ("asset", "issued", "carried over", "left behind"), cells)
        out.print(
            "What is left behind stays in the closed pool: with a broken statement, notes cannot "
            "be told from forged ones."
        )

    output.emit(session, "chain.migrate", data, render)


def _name(kind: Kind, names: dict[Kind, str]) -> str:
    from node.core.ids import NATIVE

    return "native" if kind == NATIVE else names.get(kind) or f"0x{kind.label:064x}"
