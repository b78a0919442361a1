"""`chiaro proof`: proofs with keys and witnesses that any tool made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import output, proof_files
from node.cli.session import Session, UsageError
from node.cli.verify import Unreadable, verify
from zk.errors import DigestMismatch

if TYPE_CHECKING:
    from rich.console import Console

    from zk.interfaces import Backend
    from zk.proving import Proved

app = typer.Typer(help="Proofs of any tool: make, verify, look into, convert.")
app.command("verify")(verify)
app.registered_commands.extend(proof_files.app.registered_commands)

_DIGEST_BYTES = 32


@app.command()
def prove(
    context: typer.Context,
    zkey: Path = typer.Option(..., "--zkey", help="Proving key, Groth16 over BN254."),
    wtns: Path = typer.Option(..., "--wtns", help="Witness of the same circuit."),
    out_folder: Path = typer.Option(Path(), "--out", "-o", help="Folder for the documents."),
    backend: str | None = typer.Option(None, "--backend", help="ifma, fma, portable, reference."),
    threads: int | None = typer.Option(None, "--threads", min=1, max=16, help="As many as here."),
    digest: str | None = typer.Option(
        None,
        "--key-digest",
        help="BLAKE2b-256 of the key, hex: refuse any other, and trust this one's points.",
    ),
) -> None:
    """Prove: proof.json, public.json and verification_key.json, verified before they are written.

    Exit 1 when the witness does not satisfy the circuit, 3 for malformed files, 8 when key and
    witness, or key and digest, do not belong together.
    """
    from zk.phases import Phases, phase
    from zk.proving import prove_files

    session: Session = context.obj
    if out_folder.exists() and not out_folder.is_dir():
        raise UsageError(f"{out_folder} is not a folder")
    began = time.perf_counter()
    with output.progress(session, "prove") as report:
        phases = Phases(report)
        try:
            with phase(phases, "start"):
                chosen = _backend(backend, threads)
            if digest is not None:
                with phase(phases, "digest"):
                    _compare(zkey, digest)
            proved = prove_files(
                zkey, wtns, backend=chosen, trusted=digest is not None, progress=phases
            )
            _require_current(proved)
            with phase(phases, "write"):
                written = proved.write(out_folder)
        except OSError as error:
            where = str(error.filename or zkey)
            raise Unreadable(error.strerror or "cannot be read or written", where=where) from None
    total = (time.perf_counter() - began) * 1e3  # phases may overlap
    if proved.unsafe:
        session.warnings.append(proved.unsafe)
    _report(session, proved, chosen, {**phases.times, "total": total}, written)


def _require_current(proved: Proved) -> None:
    """That the key is not one of a version that the registry marks insecure.

    Raises:
        InsecureVersion: it is; nothing is written.
    """
    from circuits.key_registry import Registry

    listed = Registry.load()
    if proved.key.id in listed.statements_by_key():
        listed.entry_of_key(proved.key.id).require_current()


def _backend(name: str | None, threads: int | None) -> Backend:
    from zk import backends
    from zk.bench.tasks import backend_with

    chosen = backends.get(name)
    return chosen if threads is None else backend_with(chosen.name, threads)


def _compare(path: Path, wanted: str) -> None:
    """That a file has this digest; who knows it has seen the file checked.

    Raises:
        UsageError: not 64 hexadecimal digits.
        DigestMismatch: it has another one.
    """
    from circuits.keys import file_digest

    text = wanted.removeprefix("0x").lower()
    if len(text) != 2 * _DIGEST_BYTES or not all(c in "0123456789abcdef" for c in text):
        raise UsageError("--key-digest takes 64 hexadecimal digits")
    found = file_digest(path)
    if found != text:
        raise DigestMismatch(
            f"the file has digest {found[:16]}…, not {text[:16]}…",
            where=str(path),
            fix="leave --key-digest out, and every point is checked, or take the right file",
        )


def _report(
    session: Session,
    proved: Proved,
    backend: Backend,
    times: dict[str, float],
    written: list[Path],
) -> None:
    data: dict[str, Any] = {
        "verified": True,
        "key": "0x" + proved.key.id,
        "public": [str(value) for value in proved.public],
        "backend": backend.name,
        "threads": getattr(backend, "threads", 1),
        "milliseconds": {name: round(taken, 3) for name, taken in times.items()},
        "files": [str(path) for path in written],
    }

    def render(out: Console) -> None:
        output.table(out, ("phase", "ms"), [(name, f"{ms:.1f}") for name, ms in times.items()])
        out.print(f"key        {proved.key.id}", markup=False)
        out.print(f"backend    {backend.name}, {data['threads']} threads", markup=False)
        for path in written:
            out.print(str(path), markup=False)
        out.print("PROVED and verified", style="bold green")

    output.emit(session, "proof.prove", data, render)
