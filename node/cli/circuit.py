"""`chiaro circuit`: what the proofs state, what it costs, and files for foreign tools."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import circuit_audit, circuit_forge, output
from node.cli.session import Session, UsageError
from node.cli.verify import key_document, statement_id

if TYPE_CHECKING:
    from rich.console import Console

    from circuits.review import Cost

app = typer.Typer(help="Statements: what proofs state, and what that costs.")

app.command()(circuit_audit.audit)
app.command()(circuit_audit.diff)
app.command()(circuit_forge.forge)

_NAME = typer.Argument(help="Such as action.")


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List the statements."""
    from circuits.key_registry import CURRENT, INSECURE, Registry
    from circuits.registry import STATEMENTS

    session: Session = context.obj
    listed = Registry.load()
    rows: list[dict[str, Any]] = []
    for name, make in STATEMENTS.items():
        text = (make().__doc__ or "").strip().splitlines()[0]
        entries = listed.of_statement(name)
        marks = [entry.insecure for entry in entries if entry.insecure][:1]
        status, keys = INSECURE if marks else CURRENT, [entry.origin for entry in entries]
        rows.append({"id": name, "status": status, "keys": keys, "summary": text})
        session.warnings += marks
    shown = [
        (
            row["id"],
            row["status"].upper() if row["status"] == INSECURE else row["status"],
            ", ".join(row["keys"]),
            row["summary"],
        )
        for row in rows
    ]
    output.emit(
        session,
        "circuit.list",
        {"circuits": rows},
        lambda out: output.table(out, ("id", "status", "keys", "summary"), shown),
    )


@app.command()
def info(context: typer.Context, name: str = _NAME) -> None:
    """Rows, public inputs in order, digest, cost per clause, keys."""
    from circuits import registry, review
    from circuits.key_registry import Registry
    from circuits.statement import record

    session: Session = context.obj
    statement = registry.statement(statement_id(name))
    with output.progress(session, "recording") as report:
        report(statement.id, 0.0)
        shape = record(statement)
    listed = Registry.load().find(statement.id, session.profile)
    costs = sorted(review.cost_by_clause(shape), key=lambda cost: cost.name)
    clauses = [
        {"id": cost.name, "rows": cost.rows, "nonzeros": cost.a + cost.b + cost.c} for cost in costs
    ]
    total = review.total_cost(shape)
    data = {
        "id": statement.id,
        "rows": shape.rows,
        "domain": shape.domain,
        "wires": shape.wires,
        "public_inputs": list(statement.public_names),
        "digest": "0x" + shape.digest.hex(),
        "clauses": clauses,
        "nonzeros": {"a": total.a, "b": total.b, "c": total.c},
        "wires_in_g2": review.g2_wires(shape),
        "verifying_key": "0x" + listed.verifying_key,
        "proving_key": "0x" + listed.proving_key,
        "registered": shape.digest.hex() == listed.r1cs,
        "unsafe": listed.unsafe,
        "status": listed.status,
        "insecure": listed.insecure,
        "key": key_document(listed.verifying_key, listed),
    }
    session.warnings += [text for text in (listed.unsafe, listed.insecure) if text]

    def render(out: Console) -> None:
        out.print(f"{statement.id}   {shape.digest.hex()}", style="bold")
        if listed.insecure:
            out.print(listed.insecure, style="bold red", markup=False)
        out.print(inspect.cleandoc(statement.__doc__ or ""), markup=False)
        out.print()
        free = shape.domain - shape.rows - shape.publics - 1
        out.print(f"rows           {shape.rows} of {shape.domain} ({free} free)")
        out.print(f"wires          {shape.wires}, of which {data['wires_in_g2']} reach G2")
        out.print(f"non-zeros      A {total.a}  B {total.b}  C {total.c}")
        out.print(f"public inputs  {', '.join(statement.public_names)}")
        out.print(f"verifying key  {listed.verifying_key}")
        out.print(f"made by        {listed.made}", markup=False)
        out.print()
        output.table(
            out,
            ("clause", "rows", "non-zeros", ""),
            [_bar(cost, shape.rows) for cost in costs],
        )

    output.emit(session, "circuit.info", data, render)


def _bar(cost: Cost, total: int) -> tuple[str, str, str, str]:
    nonzeros = cost.a + cost.b + cost.c
    return (cost.name, str(cost.rows), str(nonzeros), "█" * max(1, round(40 * cost.rows / total)))


@app.command()
def profile(context: typer.Context, name: str = _NAME) -> None:
    """Cost per gadget and part, places where a value is advised; also of a .r1cs file."""
    from circuits import registry, review

    session: Session = context.obj
    shape = circuit_audit.shape_of(name)
    gadgets = sorted(review.cost_by_gadget(shape), key=lambda cost: -cost.rows)
    parts = review.cost_by_scope(shape)
    advice: dict[str, tuple[int, int]] = {}
    if not circuit_audit.is_file(name):
        statement = registry.statement(statement_id(name))
        advice = review.advice_summary(review.advice_sites(statement))

    def rows(costs: list[review.Cost]) -> list[dict[str, Any]]:
        return [{"name": c.name, "rows": c.rows, "a": c.a, "b": c.b, "c": c.c} for c in costs]

    data = {
        "id": shape.name,
        "gadgets": rows(gadgets),
        "parts": rows(parts),
        "advice": [{"site": k, "uses": u, "wires": w} for k, (u, w) in advice.items()],
    }

    def render(out: Console) -> None:
        for title, costs in (("gadget", gadgets), ("part", parts)):
            table = [(c.name or "–", str(c.rows), str(c.a), str(c.b), str(c.c)) for c in costs]
            output.table(out, (title, "rows", "A", "B", "C"), table)
            out.print()
        output.table(
            out,
            ("advised (value without a constraint of its own)", "uses", "wires"),
            [(site, str(uses), str(wires)) for site, (uses, wires) in advice.items()],
        )

    output.emit(session, "circuit.profile", data, render)


@app.command()
def export(
    context: typer.Context,
    name: str = _NAME,
    out_folder: Path = typer.Option(Path(), "--out", "-o", help="Folder for the files."),
    keys: bool = typer.Option(False, "--keys", help="Also the .zkey (megabytes)."),
    example: bool = typer.Option(False, "--example", help="Also the .wtns of a made-up action."),
) -> None:
    """Write .r1cs, .sym and verification_key.json for snarkjs and analysers."""
    from circuits import registry
    from circuits.keys import KeyStore
    from circuits.statement import evaluate, record
    from zk.formats import snarkjs
    from zk.formats.r1cs import write_r1cs
    from zk.formats.sym import write_sym
    from zk.formats.wtns import write_wtns
    from zk.formats.zkey import write_zkey

    session: Session = context.obj
    statement = registry.statement(statement_id(name))
    base = statement.id.replace("/", "-")
    if out_folder.exists() and not out_folder.is_dir():
        raise UsageError(f"{out_folder} is not a folder")
    out_folder.mkdir(parents=True, exist_ok=True)
    store = KeyStore()
    shape = record(statement)
    write_r1cs(shape, out_folder / f"{base}.r1cs")
    write_sym(shape, out_folder / f"{base}.sym")
    written = [f"{base}.r1cs", f"{base}.sym", "verification_key.json"]
    entry = store.entry(statement.id, session.profile)
    key = store.verifying_key(statement.id, session.profile)
    document = snarkjs.verifying_key_document(key, unsafe=entry.unsafe)
    (out_folder / "verification_key.json").write_bytes(snarkjs.dump(document))
    if keys:
        with output.progress(session, "proving key") as report:
            proving = store.proving_key(statement.id, session.profile, report)
        write_zkey(proving, out_folder / f"{base}.zkey")
        written.append(f"{base}.zkey")
    if example:
        from circuits.example import example_action

        public, witness = example_action(b"export")
        write_wtns(evaluate(statement, public, witness), out_folder / f"{base}.wtns")
        written.append(f"{base}.wtns")

    def render(out: Console) -> None:
        for item in written:
            out.print(str(out_folder / item), markup=False)

    output.emit(session, "circuit.export", {"folder": str(out_folder), "files": written}, render)
