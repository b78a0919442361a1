"""`chiaro setup`: development keys, verified keys, what ties a key to its circuit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from node.cli import ceremony, output, setup_import
from node.cli.session import Session
from node.cli.verify import readable
from zk import files

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="Keys: for development, from ceremonies, and which circuit they are for.")
app.command("verify")(ceremony.verify)
app.registered_commands.extend(setup_import.app.registered_commands)

_ZKEY = typer.Argument(help="Proving key, .zkey.")


@app.command()
def dev(
    context: typer.Context,
    r1cs: Path = typer.Option(..., "--r1cs", help="Circuit of any compiler."),
    out: Path = typer.Option(..., "--out", "-o", help="The key, .zkey."),
) -> None:
    """A development key of any circuit, from the published seed: anyone can forge under it."""
    from zk import backends
    from zk.formats.r1cs import read_r1cs
    from zk.formats.zkey import write_zkey
    from zk.groth16.setup import UnsafeDevSetup

    session: Session = context.obj
    with output.progress(session, "key") as report, readable(r1cs):
        shape = read_r1cs(r1cs).shape
        key = UnsafeDevSetup().run(shape, backends.get(), report)
        verifying_key = key.verifying_key.id  # refused before anything is written
        with files.replacing(out) as temporary:
            write_zkey(key, temporary)
    session.warnings.append(key.note)
    data = {
        "file": str(out),
        "circuit": shape.name,
        "r1cs": "0x" + shape.digest.hex(),
        "verifying_key": "0x" + verifying_key,
        "unsafe": key.note,
    }
    output.emit(session, "setup.dev", data)


@app.command("export-vk")
def export_vk(
    context: typer.Context,
    zkey: Path = _ZKEY,
    out: Path = typer.Option(..., "--out", "-o", help="verification_key.json."),
) -> None:
    """The verifying key of a proving key; one that nobody contributed to is refused (S-11)."""
    from zk import backends
    from zk.formats import snarkjs
    from zk.formats.zkey import read_zkey

    session: Session = context.obj
    with readable(zkey):
        key = read_zkey(zkey, check=backends.get())
        document = snarkjs.verifying_key_document(key.verifying_key, unsafe=key.warning)
        files.write(out, snarkjs.dump(document))
    if key.warning:
        session.warnings.append(key.warning)
    data = {
        "file": str(out),
        "verifying_key": "0x" + key.verifying_key.id,
        "inputs": key.publics,
    }
    output.emit(session, "setup.export-vk", data)


@app.command()
def manifest(
    context: typer.Context,
    zkey: Path = _ZKEY,
    out: Path = typer.Option(..., "--out", "-o", help="The manifest, .json."),
    ptau: Path = typer.Option(..., "--ptau", help="Powers of tau of the first phase."),
    r1cs: Path | None = typer.Option(None, "--r1cs", help="Circuit of any compiler."),
    circuit: str | None = typer.Option(None, "--circuit", help="Statement of this project."),
    initial: Path | None = typer.Option(None, "--initial", help="As in `ceremony verify`."),
) -> None:
    """Verify a key, and write what ties it together: circuit, first phase, ceremony, digests."""
    from circuits.key_install import manifest_bytes

    session: Session = context.obj
    with output.progress(session, "verify") as report, readable(zkey):
        document = setup_import.verified(zkey, ptau, r1cs, circuit, initial, report)
        files.write(out, manifest_bytes(document))
    data = {**document, "file": str(out)}

    def render(console: Console) -> None:
        for name in ("circuit", "r1cs", "verifying_key", "proving_key", "transcript", "file"):
            console.print(f"{name:<14} {data[name]}", markup=False)

    output.emit(session, "setup.manifest", data, render)
