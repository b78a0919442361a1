"""`chiaro circuit forge`: what would pass if one row were missing, as files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from node.cli import output
from node.cli.session import Session, UsageError
from node.cli.verify import Unreadable, statement_id

if TYPE_CHECKING:
    from rich.console import Console

    from zk.r1cs.matrices import R1CS


def forge(
    context: typer.Context,
    name: str = typer.Argument(help="A statement such as action."),
    row: str = typer.Argument(help="A row, by number or by name: 'kind_0: on the curve'."),
    seed: str = typer.Option("0", "--label", help="Of all random choices; any text."),
    out_folder: Path = typer.Option(Path(), "--out", "-o", help="Folder for the files."),
) -> None:
    """Forge a witness that breaks one row only; write it, the circuit, and the circuit without it.

    Exit 0 when one was found, 1 when not.
    """
    from circuits import registry
    from circuits.lab import deletions
    from circuits.lab.program import Program
    from circuits.lab.subject import Draws
    from circuits.lab.subjects import subject
    from circuits.statement import record
    from zk.field.arrays import to_array
    from zk.formats.r1cs import write_r1cs
    from zk.formats.wtns import write_wtns

    session: Session = context.obj
    if out_folder.exists() and not out_folder.is_dir():
        raise UsageError(f"{out_folder} is not a folder")
    identifier = statement_id(name)
    with output.progress(session, "forge") as report:
        report("record", 0.0)
        shape = record(registry.statement(identifier))
        number = _number(shape, row)
        examined = subject(identifier, seed)
        program = Program(examined.statement)
        report("search", 0.0)
        finder = deletions.Finder(examined, program, Draws(seed))
        shown = {forged.row: forged for forged in finder.suspects()}
        found = shown[number] if number in shown else finder.forge(number)
    files: list[str] = []
    if found is not None:
        base = identifier.replace("/", "-")
        files = [f"{base}.r1cs", f"{base}-without-{number}.r1cs", f"{base}-without-{number}.wtns"]
        assignment = to_array([int(value) for value in found.values])
        try:
            out_folder.mkdir(parents=True, exist_ok=True)
            write_r1cs(shape, out_folder / files[0])
            write_r1cs(deletions.without(shape, number), out_folder / files[1])
            write_wtns(assignment, out_folder / files[2])
        except OSError as error:
            where = str(error.filename or out_folder)
            raise Unreadable(error.strerror or "cannot be written", where=where) from None
    data = {
        "statement": identifier,
        "row": number,
        "name": shape.row_scopes[number],
        "clause": shape.row_clauses[number],
        "forged": found is not None,
        "case": found.case if found else "",
        "wire": found.wire if found else "",
        "repairs": found.repairs if found else 0,
        "folder": str(out_folder),
        "files": files,
    }
    session.exit_code = 0 if found else 1

    def render(out: Console) -> None:
        out.print(f"row {number}  {data['clause']}  {data['name']}", markup=False)
        if found is None:
            out.print("no forged witness was found: the row may be redundant", style="bold yellow")
            return
        how = f"with {found.wire} set" if found.wire else "a lie from the start"
        out.print(f"forged from: {found.case}, {how}, {found.repairs} repairs", markup=False)
        out.print("refused by this row and by no other", markup=False)
        for item in files:
            out.print(str(out_folder / item), markup=False)

    output.emit(session, "circuit.forge", data, render)


def _number(shape: R1CS, row: str) -> int:
    """A row by its number, or by its name, the first of those with that name.

    Raises:
        UsageError: there is none.
    """
    if row.isdecimal() and int(row) < shape.rows:
        return int(row)
    if row in shape.row_scopes:
        return shape.row_scopes.index(row)
    raise UsageError(f"{shape.name} has no row {row}; rows are 0 … {shape.rows - 1}, or names")
