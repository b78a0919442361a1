"""`chiaro circuit audit` and `diff`: is every value of a circuit held, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import output
from node.cli.session import Session
from node.cli.verify import Unreadable, statement_id

if TYPE_CHECKING:
    from rich.console import Console

    from zk.formats.r1cs import CircuitFile
    from zk.r1cs.matrices import R1CS

SUFFIX = ".r1cs"
GADGETS = "gadgets"


def is_file(name: str) -> bool:
    """Whether a circuit is given as a file; others are names of statements."""
    return name.endswith(SUFFIX)


def read_circuit(path: Path) -> CircuitFile:
    """A circuit from its file.

    Raises:
        Unreadable: missing, a folder, no permission.
        FormatError: malformed.
    """
    from zk.formats.r1cs import read_r1cs

    try:
        return read_r1cs(path)
    except OSError as error:
        raise Unreadable(error.strerror or "cannot be read", where=str(path)) from None


def shape_of(name: str) -> R1CS:
    """The rows of a statement, or of a file.

    Raises:
        UsageError: no such statement.
        Unreadable: no such file.
    """
    if is_file(name):
        return read_circuit(Path(name)).shape
    from circuits import registry
    from circuits.statement import record

    return record(registry.statement(statement_id(name)))


def audit(
    context: typer.Context,
    name: str = typer.Argument(help="A statement such as action, `gadgets`, or a .r1cs file."),
    seed: str = typer.Option("0", "--label", help="Of all random choices; any text."),
    every_row: bool = typer.Option(
        False, "--every-row", help="Forge against each row, not one of each class of copies."
    ),
    wtns: Path | None = typer.Option(None, "--wtns", help="With a .r1cs: an assignment of it."),
    out_file: Path | None = typer.Option(None, "--out", "-o", help="Write the certificate here."),
) -> None:
    """Change every value, delete every row, solve the rows: is anything left open?

    Exit 0 when everything found has a written reason, 1 when not.
    """
    session: Session = context.obj
    with output.progress(session, "audit") as report:
        if is_file(name):
            data = _file(Path(name), wtns)
        elif name == GADGETS:
            from circuits.lab.gadget_audit import examine_all

            data = examine_all(seed, report)
        else:
            data = _statement(statement_id(name), seed, every_row, report)
    if out_file is not None:
        _write(out_file, data)
    _compare(session, data)
    session.exit_code = 0 if data["passed"] else 1
    output.emit(session, "circuit.audit", data, _renderer(data))


def _statement(
    identifier: str, seed: str, every_row: bool, report: Callable[[str, float], None]
) -> dict[str, Any]:
    from circuits.lab import reasons
    from circuits.lab.audit import audit as examine
    from circuits.lab.subjects import subject

    chosen = subject(identifier, seed)
    return examine(chosen, reasons.load, seed, report, every_row=every_row).document()


def _file(path: Path, wtns: Path | None) -> dict[str, Any]:
    from circuits.lab.foreign import examine
    from zk.formats.wtns import read_wtns

    circuit = read_circuit(path)
    if wtns is None:
        return examine(circuit)
    try:
        assignment = read_wtns(wtns)
    except OSError as error:
        raise Unreadable(error.strerror or "cannot be read", where=str(wtns)) from None
    return examine(circuit, assignment)


def _write(path: Path, data: Mapping[str, Any]) -> None:
    from circuits.lab.audit import text
    from zk import files

    try:
        files.write(path, text(data).encode())
    except OSError as error:
        raise Unreadable(error.strerror or "cannot be written", where=str(path)) from None


def _compare(session: Session, data: Mapping[str, Any]) -> None:
    """Warn where the certificate under version control says otherwise."""
    from circuits.lab.audit import parse, path_of, text

    committed = path_of(str(data.get("statement", GADGETS)))
    if not committed.exists() or "seed" not in data:
        return
    said = parse(committed.read_bytes(), str(committed))
    same = ("digest", "seed")
    if any(said.get(key) != data.get(key) for key in same):
        return
    if said["deletions"]["examined"] == data["deletions"]["examined"] and text(said) != text(data):
        session.warnings.append(f"{committed.name} under circuits/lab/certificates says otherwise")


def _renderer(data: Mapping[str, Any]) -> Callable[[Console], None]:
    def render(out: Console) -> None:
        out.print(f"{data.get('statement', GADGETS)}   {data.get('digest', '')}", style="bold")
        facts = _facts(data)
        width = max(len(label) for label, _ in facts)
        for label, text in facts:
            out.print(f"{label:<{width}}  {text}", markup=False)
        _reasons(out, data)
        if data["passed"]:
            out.print("PASSED: whatever is left open has its written reason", style="bold green")
            return
        for finding in data["unexplained"]:
            out.print(f"  ✗ {finding}", style="red", markup=False)
        out.print(
            f"NOT PASSED: {len(data['unexplained'])} findings without a reason", style="bold red"
        )

    return render


def _facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = []
    if "rows" in data:
        facts.append(("size", f"{data['rows']:,} rows, {data['wires']:,} wires"))
    if "mutants" in data:
        left = data["mutants"] - data["killed"]
        facts.append(
            (
                "mutants",
                f"{data['mutants']:,} values changed, {data['killed']:,} noticed; "
                f"{left:,} not, at {len(data['survivors'])} places",
            )
        )
    if "mended" in data:
        facts.append(("mended", f"{data['mended']:,} values changed with others to make up for it"))
    if "alone" in data:
        facts.append(("alone", f"{data['alone']:,} values tested against all others at once"))
    for name, each in data.get("gadgets", {}).items():
        small = each.get("small_field")
        field = f", all {small['inputs']:,} inputs over F_{small['modulus']}" if small else ""
        facts.append((name, f"{each['rows']:,} rows, {each['mutants']:,} mutants{field}"))
    if "deletions" in data:
        done = data["deletions"]
        facts.append(
            (
                "deletions",
                f"{done['examined']:,} of {done['rows']:,} rows ({done['classes']:,} classes): "
                f"{done['forged']:,} forged without them",
            )
        )
    if "decompositions" in data:
        count = sum(each["count"] for each in data["decompositions"])
        probes = sum(each["count"] * each["probes"] for each in data["decompositions"])
        wrong = sum(len(each["wrong"]) for each in data["decompositions"])
        facts.append(("decompositions", f"{count} into bits, {probes} probes, {wrong} wrong"))
    if "determined" in data:
        found = data["determined"]
        facts.append(
            (
                "algebra",
                f"{found['follow']:,} wires follow from {found['given']:,}, "
                f"{found['by_division']:,} of them by a division; {len(found['open'])} places open",
            )
        )
    return facts


def _reasons(out: Console, data: Mapping[str, Any]) -> None:
    """What is left, by reason: places that share one stand together."""
    from rich.markup import escape

    found = data.get("determined", {})
    listed = [
        *(("changes", each["site"], each["reason"]) for each in data.get("survivors", ())),
        *(
            ("row", each["row"], each["reason"])
            for each in data.get("deletions", {}).get("open", ())
        ),
        *(("open", each["site"], each["reason"]) for each in found.get("open", ())),
        *(("division", each["site"], each["reason"]) for each in found.get("divisions", ())),
    ]
    places: dict[str, list[str]] = {}
    kinds: dict[str, list[str]] = {}
    for kind, place, reason in listed:
        if reason:
            places.setdefault(reason, []).append(place)
            kinds.setdefault(reason, []).append(kind)
    rows = [
        tuple(
            escape(text)
            for text in (
                "\n".join(dict.fromkeys(kinds[reason])),
                "\n".join(dict.fromkeys(places[reason])),
                reason,
            )
        )
        for reason in places
    ]
    if rows:
        out.print()
        output.table(out, ("left", "where", "why that does no harm"), rows)
        out.print()


def diff(
    context: typer.Context,
    old: str = typer.Argument(help="A statement, or a .r1cs file."),
    new: str = typer.Argument(help="Another."),
) -> None:
    """What changed from one circuit to another. Exit 0 when nothing, 1 when something."""
    from circuits import review

    session: Session = context.obj
    shapes = [shape_of(name) for name in (old, new)]
    found = review.differences(*shapes)
    costs = [{c.name: c.rows for c in review.cost_by_gadget(shape)} for shape in shapes]
    gadgets: list[dict[str, Any]] = [
        {"name": name or "–", "old": costs[0].get(name, 0), "new": costs[1].get(name, 0)}
        for name in dict.fromkeys((*costs[0], *costs[1]))
        if costs[0].get(name) != costs[1].get(name)
    ]
    data = {
        "old": {"name": shapes[0].name, "digest": "0x" + shapes[0].digest.hex()},
        "new": {"name": shapes[1].name, "digest": "0x" + shapes[1].digest.hex()},
        "same": not found,
        "differences": found,
        "gadgets": gadgets if found else [],
    }
    session.exit_code = 0 if data["same"] else 1

    def render(out: Console) -> None:
        for label, shape in zip(("old", "new"), shapes, strict=True):
            out.print(f"{label}  {shape.name}   {shape.digest.hex()}", markup=False)
        for line in found:
            out.print(f"  {line}", markup=False)
        if gadgets and found:
            rows = [(each["name"], str(each["old"]), str(each["new"])) for each in gadgets]
            output.table(out, ("rows of", "old", "new"), rows)
        if not found:
            out.print("the same circuit", style="bold green")

    output.emit(session, "circuit.diff", data, render)
