"""`chiaro proof batch|inspect|convert|calldata|export-solidity`: proofs and keys of any tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import output
from node.cli.session import Session, UsageError
from node.cli.verify import (
    HISTORY,
    judged_key,
    key_document,
    read_file,
    readable,
    statement_id,
)
from zk import files
from zk.errors import ChiaroError, UnknownKey

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer()

_PUBLIC = typer.Option(None, "--public", help="public.json.")


@app.command()
def convert(
    context: typer.Context,
    source: Path = typer.Argument(help="A proof or a verifying key."),
    out: Path = typer.Option(..., "--out", "-o", help="The converted file."),
    to: str = typer.Option(
        ...,
        "--to",
        help="snarkjs, arkworks, arkworks-raw, gnark, gnark-raw, evm, calldata, calldata-text.",
    ),
    origin: str | None = typer.Option(None, "--from", help="Its encoding; found out by default."),
    key: bool = typer.Option(False, "--key", help="It is a verifying key."),
    public: Path | None = _PUBLIC,
) -> None:
    """Convert between encodings; everything is checked on the way."""
    from zk.formats import convert as formats
    from zk.formats import snarkjs

    session: Session = context.obj
    data = read_file(source)
    with readable(out):
        if key:
            found = origin or formats.guess_key(data)
            files.write(out, formats.write_key(formats.read_key(data, found, str(source)), to))
            written = [str(out)]
        else:
            found = origin or formats.guess_proof(data)
            statement = formats.read_proof(data, found, str(source))
            inputs = statement.public
            if public is not None:
                given = snarkjs.read_public(read_file(public), str(public))
                if inputs not in (None, given):
                    raise UsageError("--public differs from the inputs that the proof's file has")
                inputs = given
            if to in formats.WITH_INPUTS and inputs is None:
                raise UsageError(f"{to} holds the public inputs, too: give --public")
            content = {out: formats.write_proof(statement.proof, to, inputs or ())}
            if statement.public is not None and to not in formats.WITH_INPUTS:
                beside = out.with_name("public.json")
                if beside == out:
                    raise UsageError("public.json is where the inputs go: name the proof otherwise")
                content[beside] = snarkjs.dump(snarkjs.public_document(statement.public))
            files.write_all(content)
            written = [str(path) for path in content]
    output.emit(session, "proof.convert", {"from": found, "to": to, "files": written})


@app.command()
def calldata(
    context: typer.Context,
    proof: Path = typer.Argument(help="proof.json."),
    public: Path | None = _PUBLIC,
) -> None:
    """The call of a verifier contract: its arguments as text, and the bytes of the transaction."""
    from zk.formats import evm, snarkjs

    session: Session = context.obj
    made = snarkjs.read_proof(read_file(proof), str(proof))
    beside = public or proof.with_name("public.json")
    inputs = snarkjs.read_public(read_file(beside), str(beside))
    data = {
        "arguments": evm.text(made, inputs),
        "calldata": "0x" + evm.call_data(made, inputs).hex(),
    }
    output.emit(
        session,
        "proof.calldata",
        data,
        lambda out: out.print(data["arguments"], markup=False, soft_wrap=True),
    )


@app.command("export-solidity")
def export_solidity(
    context: typer.Context,
    vk: Path = typer.Argument(help="verification_key.json."),
    out: Path = typer.Option(..., "--out", "-o", help="The contract, .sol."),
    name: str = typer.Option("Verifier", "--name", help="Of the contract."),
) -> None:
    """A contract that verifies proofs under a key, by Ethereum's precompiles."""
    from zk.formats import snarkjs
    from zk.formats.solidity import verifier_contract
    from zk.groth16.setup import UNSAFE_STAMP

    session: Session = context.obj
    document = read_file(vk)
    key, entry, _ = judged_key(session, document, str(vk), history=True)
    warning = entry.unsafe if entry is not None else ""
    if entry is not None:
        entry.require_current()
    elif snarkjs.marked_unsafe(document, str(vk)):
        warning = UNSAFE_STAMP
    source = verifier_contract(key, name=name, unsafe=warning)
    with readable(out):
        files.write(out, source.encode())
    data = {"file": str(out), "name": name, "key": "0x" + key.id, "inputs": key.publics}
    output.emit(session, "proof.export-solidity", data)


@app.command()
def batch(
    context: typer.Context,
    proofs: list[Path] = typer.Argument(
        help="Proofs; the inputs of X.proof.json are X.public.json, of proof.json public.json."
    ),
    vk: Path = typer.Option(..., "--vk", help="verification_key.json of all of them."),
    circuit: str | None = typer.Option(
        None, "--circuit", help="Demand the registered key of this statement, e.g. action."
    ),
    history: bool = HISTORY,
) -> None:
    """Verify many proofs of one statement together; the wrong ones are named. Exit 1 if any is."""
    from zk import backends
    from zk.formats import snarkjs
    from zk.formats.itemised import check_count
    from zk.groth16.batch import judge

    session: Session = context.obj
    wanted = None if circuit is None else statement_id(circuit)
    key, entry, versions = judged_key(session, read_file(vk), str(vk), history=history)
    listed = None if entry is None else entry.statement
    if wanted not in (None, listed):
        raise UnknownKey(
            f"this is the key of {listed or 'no statement in the registry'}, not of {wanted}",
            where=str(vk),
        )
    refused = [check for check in versions if not check.ok]
    rows: list[dict[str, Any]] = []
    items, places = [], []
    for path in proofs:
        row = {"file": str(path), "valid": False, "code": "", "detail": ""}
        rows.append(row)
        try:
            proof = snarkjs.read_proof(read_file(path), str(path))
            beside = path.with_name(path.name.replace("proof", "public"))
            inputs = snarkjs.read_public(read_file(beside), str(beside))
            check_count(key, len(inputs), str(beside))
            items.append((inputs, proof))
            places.append(row)
        except ChiaroError as error:
            row |= {"code": error.id, "detail": error.message}
    for row, verdict in zip(places, judge(key, items, backends.get()), strict=True):
        row["valid"] = verdict is None
        if verdict is not None:
            row |= {"code": verdict.id, "detail": verdict.message}
    invalid = [row["file"] for row in rows if not row["valid"]]
    valid = not invalid and not refused
    session.exit_code = 0 if valid else 1
    data = {
        "key": "0x" + key.id,
        "about_key": key_document(key.id, entry),
        "refused": [{"id": c.id, "code": c.code, "detail": c.detail} for c in refused],
        "proofs": rows,
        "invalid": invalid,
        "valid": valid,
    }

    def render(out: Console) -> None:
        if entry is not None:
            out.print(f"key of {entry.version}: {entry.made}", markup=False)
        for check in refused:
            out.print(f"✗ [{check.code}] {check.detail}", style="bold red", markup=False)
        verdicts = [
            (r["file"], "valid" if r["valid"] else r["code"] or "invalid", r["detail"])
            for r in rows
        ]
        output.table(out, ("proof", "verdict", "why"), verdicts)

    output.emit(session, "proof.batch", data, render)


@app.command()
def inspect(
    context: typer.Context,
    file: Path = typer.Argument(help=".zkey, .r1cs, .wtns, .ptau, .sym, a proof or a key."),
) -> None:
    """What a file is, what it holds, and its digest. Points of large files are not checked here."""
    from node.cli.proof_inspect import inspected

    session: Session = context.obj
    with readable(file):
        data = inspected(file)
    output.emit(session, "proof.inspect", data)
