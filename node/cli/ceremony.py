"""`chiaro ceremony`: keys whose secrets nobody knows, made by many people in turn."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import output, prompts
from node.cli.session import Session, UsageError
from node.cli.verify import readable, statement_id
from zk import files, jsontext
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from rich.console import Console

    from zk.formats.ceremony import Line
    from zk.groth16.keys import ProvingKey
    from zk.interfaces import Backend, Progress
    from zk.r1cs.matrices import R1CS

app = typer.Typer(help="Ceremonies: contribute to keys, verify them, report on them.")

_FILE = typer.Argument(help="The ceremony's last file: .ptau (phase 1) or .zkey (phase 2).")
_OUT = typer.Option(..., "--out", "-o", help="Where the next file goes.")
_PTAU = typer.Option(None, "--ptau", help="Powers of tau of the first phase.")
_R1CS = typer.Option(None, "--r1cs", help="Circuit of any compiler.")
_CIRCUIT = typer.Option(None, "--circuit", help="Statement of this project, e.g. action.")


_SILENT: Final = {
    "id": "CHI-001",
    "message": "the contributing process ended without a word",
    "where": "",
    "why": "nothing was contributed; no file was changed",
    "fix": "run the command again, with more memory if the machine is short of it",
    "exit_code": 70,
}


class WorkerFailed(ChiaroError):
    """What the contributing process reported, under its own code."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["message"], where=told["where"], why=told["why"], fix=told["fix"])
        self._id = str(told["id"])
        self._exit_code = int(told["exit_code"])

    @property
    def id(self) -> str:
        return self._id

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return self._exit_code


@app.command()
def new(
    context: typer.Context,
    out: Path = _OUT,
    power: int | None = typer.Option(None, "--power", min=1, max=20, help="Phase 1: 2^N powers."),
    ptau: Path | None = _PTAU,
    r1cs: Path | None = _R1CS,
    circuit: str | None = _CIRCUIT,
) -> None:
    """Start: powers of tau (--power), or a circuit's initial key (--ptau with its circuit)."""
    from zk import backends
    from zk.formats.ptau import write_ptau
    from zk.formats.zkey import write_zkey
    from zk.groth16.ceremony.initial import initial_key
    from zk.groth16.ceremony.phase1 import new_powers

    session: Session = context.obj
    if (power is None) == (ptau is None):
        raise UsageError("give --power for a first phase, or --ptau with a circuit for a second")
    if power is not None and (r1cs or circuit):
        raise UsageError("a first phase knows no circuit: leave --r1cs and --circuit out")
    backend = backends.get()
    with output.progress(session, "new") as report, readable(out):
        if power is not None:
            powers = new_powers(power, backend)
            with files.replacing(out) as temporary:
                write_ptau(powers, temporary)
            data = {"phase": "powers", "power": power, "file": str(out)}
        else:
            shape = _shape(r1cs, circuit)
            first = _verified_powers(ptau, backend, report)
            key = initial_key(shape, first, backend, report)
            with files.replacing(out) as temporary:
                write_zkey(key, temporary, plain=True)
            data = {
                "phase": "key",
                "circuit": shape.name,
                "r1cs": "0x" + shape.digest.hex(),
                "circuit_hash": "0x" + key.circuit_hash.hex(),
                "file": str(out),
            }
    output.emit(session, "ceremony.new", data)


@app.command()
def contribute(
    context: typer.Context,
    file: Path = _FILE,
    out: Path = _OUT,
    name: str = typer.Option("", "--name", help="Who you are, for the record; public."),
    entropy_file: Path | None = typer.Option(
        None, "--entropy-file", help="Your own randomness, mixed with the system's."
    ),
) -> None:
    """Multiply a secret of yours into the ceremony's last file, in a process that then ends."""
    session: Session = context.obj
    if entropy_file is not None:
        typed = prompts.read_secret_file(session, entropy_file)
    elif prompts.can_ask(session):
        typed = str(typer.prompt("Random text, as you like", hide_input=True, err=True, default=""))
    else:
        typed = ""
        session.warnings.append("no text of yours was mixed in: the system's randomness alone")
    with output.progress(session, "contribute") as report:
        told = _in_a_process(file, out, {"entropy": typed, "name": name}, report)
    session.warnings.append(
        "Python cannot promise that memory was erased; the process that drew the secret has ended"
    )
    data = {"file": str(out), "number": told["number"], "hash": "0x" + told["hash"], "name": name}
    output.emit(session, "ceremony.contribute", data, lambda console: _attest(console, data))


def _attest(out: Console, data: dict[str, Any]) -> None:
    out.print(f"contribution {data['number']} written to {data['file']}", markup=False)
    out.print("publish this hash; it is how others see that your contribution is in the key:")
    out.print(f"  {data['hash']}", markup=False)


def _in_a_process(file: Path, out: Path, order: dict[str, str], report: Progress) -> dict[str, Any]:
    # -P: no module of the current folder may stand in for one of ours beside a secret.
    command = [sys.executable, "-P", "-m", "node.cli.ceremony_worker", str(file), str(out)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        try:
            with contextlib.suppress(BrokenPipeError):  # it ended early: what it said tells why
                process.stdin.write(json.dumps(order))
                process.stdin.close()
            for line in process.stdout:
                told = jsontext.loads(line.encode())
                if "error" in told or "hash" in told:
                    process.wait()  # its last word: a signal now would only make it complain
                if "error" in told:
                    raise WorkerFailed(told["error"])
                if "hash" in told:
                    return dict(told)
                report(told["phase"], told["share"])
        finally:
            if process.poll() is None:
                process.terminate()
    raise WorkerFailed(_SILENT)


@app.command()
def beacon(
    context: typer.Context,
    file: Path = _FILE,
    out: Path = _OUT,
    value: str = typer.Option(..., "--beacon", help="Public randomness, hexadecimal."),
    iterations: int = typer.Option(10, "--iterations", min=10, max=32, help="Hashed 2^N times."),
    name: str = typer.Option("", "--name", help="Such as the block it is from; public."),
) -> None:
    """End a ceremony with public randomness that nobody knew before."""
    from zk import backends
    from zk.formats.ceremony import contribute_file
    from zk.groth16.ceremony.beacon import Beacon

    session: Session = context.obj
    try:
        drawn = Beacon(bytes.fromhex(value.removeprefix("0x")), iterations)
    except ValueError:
        raise UsageError("--beacon takes hexadecimal digits") from None
    with (
        output.progress(session, "beacon") as report,
        readable(file),
        files.replacing(out) as temporary,
    ):
        made = contribute_file(
            file, temporary, backends.get(), beacon=drawn, name=name, progress=report
        )
    data = {"file": str(out), "number": made.number, "hash": "0x" + made.digest.hex()}
    output.emit(session, "ceremony.beacon", data)


@app.command()
def verify(
    context: typer.Context,
    file: Path = _FILE,
    ptau: Path | None = _PTAU,
    r1cs: Path | None = _R1CS,
    circuit: str | None = _CIRCUIT,
    initial: Path | None = typer.Option(
        None, "--initial", help="The key before any contribution; made here without it (minutes)."
    ),
) -> None:
    """Verify a whole ceremony: every contribution, and that the file is what they made.

    Exit 0 if it holds, 1 if a rule refuses it (CER-…), 3 for malformed files.
    """
    session: Session = context.obj
    with output.progress(session, "verify") as report, readable(file):
        data, lines = verify_file(file, ptau, r1cs, circuit, initial, report)

    def render(out: Console) -> None:
        for check in data["checks"]:
            out.print(" ✓ ", style="green", end="")
            out.print(f"{check['id']:<14} {check['detail']}", markup=False)
        output.table(
            out,
            ("#", "name", "hash"),
            [(str(line.number), line.name or "-", line.digest.hex()[:32] + "…") for line in lines],
        )
        out.print("VALID", style="bold green")

    output.emit(session, "ceremony.verify", data, render)


@app.command()
def report(
    context: typer.Context,
    file: Path = _FILE,
    out: Path = typer.Option(..., "--out", "-o", help="The page, .html."),
    ptau: Path | None = _PTAU,
    r1cs: Path | None = _R1CS,
    circuit: str | None = _CIRCUIT,
    initial: Path | None = typer.Option(None, "--initial", help="As in verify."),
) -> None:
    """Verify, and write a page for people: who contributed, what was checked, how to repeat it."""
    from node.cli.ceremony_report import page

    session: Session = context.obj
    with output.progress(session, "verify") as progress, readable(file):
        data, lines = verify_file(file, ptau, r1cs, circuit, initial, progress)
        files.write(out, page(data, lines).encode())
    output.emit(
        session, "ceremony.report", {**data, "report": str(out)}, lambda c: c.print(str(out))
    )


def verify_file(
    file: Path,
    ptau: Path | None,
    r1cs: Path | None,
    circuit: str | None,
    initial: Path | None,
    report: Progress,
) -> tuple[dict[str, Any], list[Line]]:
    """Verify a file of either phase.

    Raises:
        UsageError: a key without its circuit or first phase.
        ChiaroError: what does not hold.
    """
    from zk import backends
    from zk.formats.ceremony import phase_of, record

    backend = backends.get()
    data: dict[str, Any] = {"valid": True, "file": str(file), "digest": _digest(file)}
    if phase_of(file) == "powers":
        if ptau or r1cs or circuit or initial:
            raise UsageError("a first phase is verified by itself: leave the other files out")
        from zk.groth16.ceremony.phase1_contribution import powers_contributions_from_bytes

        powers = _verified_powers(file, backend, report)
        lines = record(powers_contributions_from_bytes(powers.contributions))
        checks = [
            ("points", "every point on its curve, in its subgroup"),
            ("contributions", f"{len(lines)}, each proved, each following the one before"),
            ("powers", f"2^{powers.power} successive powers of one τ, in all parts"),
            ("hashes", "those of the last contribution" if powers.whole else "cut file: none"),
            ("bases", "follow from the powers" if powers.lagrange else "none in this file"),
        ]
        data |= {"phase": "powers", "power": powers.power}
    else:
        from zk.formats.ceremony import transcript_digest

        shape, key, lines = _verify_key(file, ptau, r1cs, circuit, initial, backend, report)
        checks = [
            ("points", "every point on its curve, in its subgroup"),
            ("first phase", f"{ptau} verified"),
            ("initial key", f"the one of {shape.name} and that first phase"),
            ("contributions", f"{len(lines)}, each proved, each following the one before"),
            ("key", "the initial one, C and H divided by δ, nothing else changed"),
        ]
        data |= {
            "phase": "key",
            "circuit": shape.name,
            "r1cs": "0x" + shape.digest.hex(),
            "verifying_key": "0x" + key.verifying_key.id,
            "transcript": "0x" + transcript_digest(key).hex(),
        }
    data["checks"] = [{"id": name, "ok": True, "detail": detail} for name, detail in checks]
    data["contributions"] = [
        {
            "number": line.number,
            "name": line.name,
            "hash": "0x" + line.digest.hex(),
            "beacon": "0x" + line.beacon.hex() if line.beacon else None,
            "iterations_exp": line.iterations_exp or None,
        }
        for line in lines
    ]
    return data, lines


def _verify_key(
    file: Path,
    ptau: Path | None,
    r1cs: Path | None,
    circuit: str | None,
    initial: Path | None,
    backend: Backend,
    report: Progress,
) -> tuple[R1CS, ProvingKey, list[Line]]:
    from zk.formats.ceremony import record
    from zk.formats.zkey import read_zkey
    from zk.groth16.ceremony.initial import initial_key, verify_initial
    from zk.groth16.ceremony.phase2 import verify_key

    if ptau is None:
        raise UsageError("a key is verified against its first phase: give --ptau")
    shape = _shape(r1cs, circuit)
    powers = _verified_powers(ptau, backend, report)
    key = read_zkey(file, check=backend)
    start: ProvingKey
    if initial is None:
        start = initial_key(shape, powers, backend, report)
    else:
        start = read_zkey(initial, check=backend)
        verify_initial(start, shape, powers, backend, report)
    return shape, key, record(verify_key(key, start, backend, report))


def _verified_powers(path: Path | None, backend: Backend, report: Progress) -> Any:
    from zk.formats.ptau import read_ptau
    from zk.groth16.ceremony.lagrange import verify_lagrange
    from zk.groth16.ceremony.phase1 import verify_powers

    assert path is not None  # noqa: S101
    with readable(path):
        report("powers", 0.0)
        powers = read_ptau(path, check=backend)
        verify_powers(powers, backend, report)
        verify_lagrange(powers, backend)
        report("powers", 1.0)
    return powers


def _shape(r1cs: Path | None, circuit: str | None) -> R1CS:
    if (r1cs is None) == (circuit is None):
        raise UsageError("name the circuit: --r1cs FILE, or --circuit NAME")
    if r1cs is not None:
        from zk.formats.r1cs import read_r1cs

        with readable(r1cs):
            return read_r1cs(r1cs).shape
    from circuits import registry
    from circuits.statement import record

    return record(registry.statement(statement_id(str(circuit))))


def _digest(path: Path) -> str:
    from circuits.keys import file_digest

    return "0x" + file_digest(path)
