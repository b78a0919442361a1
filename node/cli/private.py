"""`chiaro private`: programs on values that nobody can read; what they reveal, what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from node.cli import (
    output,
    private_auction,
    private_batch,
    private_committee,
    private_deposit,
    private_files,
    private_fund,
    private_member,
    private_proofs,
)
from node.cli.session import Session, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from private_exec.programs.cost import Cost
    from private_exec.programs.program import PrivateProgram, Program

app = typer.Typer(help="Private programs: computing on what nobody can read.")

app.add_typer(private_committee.app, name="committee")
app.add_typer(private_deposit.app, name="deposit")
app.add_typer(private_fund.app, name="fund")
app.add_typer(private_auction.app, name="auction")
app.add_typer(private_batch.app, name="batch")
app.add_typer(private_member.app, name="member")
private_proofs.register(app)

_NAME = typer.Argument(
    metavar="PROGRAM",
    help="Such as auction (`chiaro private programs`), or a Python file, which is run: "
    "FILE.py, FILE.py:NAME.",
)
_MEMBERS = typer.Option(None, "--members", help="4, 7, 10 or 13; default: each of these.")
_SIZES = typer.Option(None, "--size", help="Such as bidders=8; may be repeated.")


@app.command()
def programs(context: typer.Context) -> None:
    """List programs: what comes in, what comes out, what that tells."""
    from private_exec.programs.library import PROGRAMS

    session: Session = context.obj
    data = {"programs": [_declared(made) for made in PROGRAMS.values()]}

    def render(out: Console) -> None:
        for made in PROGRAMS.values():
            declared = made.declaration
            out.print(f"{declared.name}", style="bold", markup=False)
            out.print(f"  {_summary(made)}", markup=False)
            for name, given in declared.inputs.items():
                out.print(f"  in     {name}: {given}", markup=False)
            for name, gained in declared.outputs.items():
                out.print(f"  out    {name}: {gained}", markup=False)
            for sentence in declared.leaks:
                out.print(f"  tells  {sentence}", markup=False)
            out.print()

    output.emit(session, "private.programs", data, render)


@app.command()
def cost(
    context: typer.Context,
    name: str = _NAME,
    members: int | None = _MEMBERS,
    size: list[str] | None = _SIZES,
) -> None:
    """What one run of a program costs each member: rounds, triples, random bits, bytes."""
    from private_exec.mpc.shamir import SIZES
    from private_exec.programs.cost import cost as count

    session: Session = context.obj
    if members is not None and members not in SIZES:
        had = ", ".join(map(str, SIZES))
        raise UsageError(f"a committee has {had} members, not {members}", where="--members")
    sizes = private_proofs.sizes_of(size or [])
    with output.progress(session, "counting") as report:
        report(name, 0.0)
        traced = private_files.program_at(name, sizes)
        costs = [count(traced, n) for n in (SIZES if members is None else (members,))]
    operations = _operations(traced)
    data = {
        "name": traced.declaration.name,
        "version": traced.declaration.version,
        "digest": "0x" + traced.digest.hex(),
        "sizes": dict(traced.sizes),
        "operations": operations,
        "costs": [_document(each) for each in costs],
    }

    def render(out: Console) -> None:
        sized = ", ".join(f"{key} {value}" for key, value in traced.sizes.items())
        out.print(f"{traced.declaration.name}   {sized}", style="bold", markup=False)
        out.print(f"digest      {traced.digest.hex()}")
        done = ", ".join(f"{value} {key}" for key, value in operations.items())
        out.print(f"operations  {done or 'sums only'}", markup=False)
        out.print()
        headings = (
            "members", "rounds", "triples", "random bits", "opened", "new cells",
            "bytes to each, prepared", "bytes to each, online",
        )  # fmt: skip
        output.table(out, headings, [_row(each) for each in costs])

    output.emit(session, "private.cost", data, render)


def _summary(made: PrivateProgram) -> str:
    return (made.body.__doc__ or "").strip().splitlines()[0]


def _declared(made: PrivateProgram) -> dict[str, Any]:
    declared = made.declaration
    return {
        "name": declared.name,
        "version": declared.version,
        "summary": _summary(made),
        "sizes": dict(declared.sizes),
        "inputs": [
            {"name": name, "range": str(i.type), "giver": i.giver, "per": i.per}
            for name, i in declared.inputs.items()
        ],
        "outputs": [
            {"name": name, "range": str(o.type), "to": o.to, "per": o.per}
            for name, o in declared.outputs.items()
        ],
        "leaks": list(declared.leaks),
    }


def _operations(traced: Program) -> dict[str, int]:
    """How many of each kind."""
    counts: dict[str, int] = {}
    for op in traced.circuit.ops:
        counts[op.kind] = counts.get(op.kind, 0) + 1
    return counts


def _document(cost: Cost) -> dict[str, Any]:
    return {
        "members": cost.members,
        "triples": cost.request.triples,
        "random_bits": cost.request.bits,
        "preparation": {"rounds": cost.preparation.rounds, "bytes": cost.preparation.bytes},
        "online": {"rounds": cost.online.rounds, "bytes": cost.online.bytes},
        "opened": cost.opened,
        "cells": cost.cells,
    }


def _row(cost: Cost) -> tuple[str, ...]:
    return (
        str(cost.members),
        str(cost.online.rounds),
        f"{cost.request.triples:,}",
        f"{cost.request.bits:,}",
        str(cost.opened),
        str(cost.cells),
        f"{cost.preparation.bytes:,}",
        f"{cost.online.bytes:,}",
    )
