"""`chiaro doctor`: is this installation complete, and what will it use?"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import output
from node.cli.session import Session
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    id: str
    ok: bool
    detail: str
    fix: str = ""


def _python(session: Session) -> str:  # noqa: ARG001
    if sys.flags.optimize:
        raise ChiaroError("running under -O: internal checks are off", fix="run without -O")
    return f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}"


def _packages(session: Session) -> str:  # noqa: ARG001
    from importlib.metadata import packages_distributions, version

    owners = packages_distributions()
    for name in ("circuits", "node", "private_exec", "shielded", "transparent", "zk"):
        foreign = set(owners.get(name, ["chiaroscuro"])) - {"chiaroscuro"}
        if foreign:
            raise ChiaroError(
                f"package {name} also belongs to {', '.join(sorted(foreign))}",
                fix="install chiaroscuro into an environment of its own",
            )
    return f"chiaroscuro {version('chiaroscuro')}, six packages with one owner each"


def _parameters(session: Session) -> str:
    from circuits.keys import KeyStore
    from circuits.registry import STATEMENTS

    store = KeyStore()
    made = []
    for statement in STATEMENTS:
        store.verifying_key(statement, session.profile)
        entry = store.entry(statement, session.profile)
        entry.require_current()
        made.append(f"{entry.version}, {entry.made}")
    from zk import params

    return f"{'; '.join(made)}; as registered in {params.root()}"


def _kernels(session: Session) -> str:  # noqa: ARG001
    from zk import backends

    names, chosen = backends.available(), backends.get().name
    forced = os.environ.get(backends.ENV_BACKEND)
    if forced:
        return f"{chosen}, as {backends.ENV_BACKEND} says (available: {', '.join(names)})"
    if chosen == "reference":
        raise ChiaroError(
            "compiled arithmetic does not start; proofs take minutes",
            fix="reinstall llvmlite, or report your CPU",
        )
    return f"{chosen} (available: {', '.join(names)})"


def _cache(session: Session) -> str:  # noqa: ARG001
    from zk import params

    folder = params.cache_dir()
    size = sum(item.stat().st_size for item in folder.rglob("*") if item.is_file())
    return f"{folder}, {size / 1e6:.1f} MB"


def _node(session: Session) -> str:
    from node.rpc.client import NodeClient

    with NodeClient(session.node) as client:
        status = client.status()
    return f"{session.node}, height {status.height}"


def _runtime(session: Session) -> str:  # noqa: ARG001
    from node.app import runtime
    from zk.errors import BackendError

    try:
        return f"0x{runtime.fingerprint().hex()}"
    except BackendError:
        return "not known without arithmetic"


CHECKS: tuple[tuple[str, Callable[[Session], str]], ...] = (
    ("python", _python),
    ("packages", _packages),
    ("parameters", _parameters),
    ("arithmetic", _kernels),
    ("cache", _cache),
    ("runtime", _runtime),
)


def examine(session: Session) -> list[Finding]:
    """Every check; one that fails does not stop the others."""
    findings = []
    for name, check in CHECKS:
        try:
            findings.append(Finding(name, True, check(session)))
        except ChiaroError as error:
            findings.append(Finding(name, False, error.message, error.fix))
    try:
        findings.append(Finding("node", True, _node(session)))
    except ChiaroError as error:
        # Not running a node is no defect of the installation.
        findings.append(Finding("node", True, f"none running ({error.message})"))
    return findings


@dataclass(frozen=True, slots=True)
class Warmed:
    """Something that first use would have built."""

    kind: str
    name: str
    cached: bool
    milliseconds: float
    size: int

    def document(self) -> dict[str, str | bool | float | int]:
        return {
            "kind": self.kind,
            "name": self.name,
            "cached": self.cached,
            "milliseconds": round(self.milliseconds, 3),
            "bytes": self.size,
        }


def prepare(session: Session) -> list[Warmed]:
    """Kernels, proving keys and recorded witnesses, each from its cache or made."""
    from circuits.keys import KeyStore
    from circuits.registry import STATEMENTS
    from circuits.registry import statement as statement_of
    from circuits.statement import cache_entry
    from circuits.tapes import record_tape
    from zk import backends

    store = KeyStore()
    with output.progress(session, "warming") as report:
        warmed = [
            Warmed("kernels", made.name, made.cached, made.milliseconds, made.size)
            for made in backends.warm(report)
        ]
        for name in STATEMENTS:
            claim = statement_of(name)

            def told(_phase: str, share: float, bar: str = f"key {name}") -> None:
                report(bar, share)

            key = partial(store.proving_key, name, session.profile, told)
            steps: tuple[tuple[str, Path, Callable[[], object]], ...] = (
                ("key", store.proving_key_path(name, session.profile), key),
                ("witness", cache_entry(claim, ".tape"), partial(record_tape, claim)),
            )
            for kind, path, make in steps:
                report(f"{kind} {name}", 0.0)
                cached, began = path.exists(), time.perf_counter()
                make()
                taken = (time.perf_counter() - began) * 1e3
                size = path.stat().st_size if path.exists() else 0
                warmed.append(Warmed(kind, name, cached, taken, size))
                report(f"{kind} {name}", 1.0)
    return warmed


def _answers() -> dict[str, str]:
    """Each answer of which the fingerprint is made, to compare with another machine's."""
    from node.app import runtime

    try:
        found = runtime.answers()
    except ChiaroError:  # told by the check
        return {}
    return {name: "0x" + digest.hex() for name, digest in found.items()}


@app.command()
def doctor(
    context: typer.Context,
    warm: bool = typer.Option(
        False, "--warm", help="Compile the kernels and build the keys now, not on first use."
    ),
) -> None:
    """Check the installation; with --warm, prepare everything that first use would build."""
    session: Session = context.obj
    warmed = prepare(session) if warm else []
    findings = examine(session)
    session.exit_code = 0 if all(finding.ok for finding in findings) else 1
    data: dict[str, Any] = {
        "ok": session.exit_code == 0,
        "runtime": _answers(),
        "checks": [{"id": f.id, "ok": f.ok, "detail": f.detail, "fix": f.fix} for f in findings],
    }
    if warm:
        data["warm"] = [item.document() for item in warmed]

    def render(out: Console) -> None:
        for item in warmed:
            how = "cached" if item.cached else "made"
            size = f"{item.size / 1e3:,.0f} kB"
            out.print(
                f"{item.kind:<8} {item.name:<18} {how:<7} {item.milliseconds:>9,.0f} ms {size:>11}",
                markup=False,
            )
        for f in findings:
            mark, style = ("✓", "green") if f.ok else ("✗", "bold red")
            out.print(f" {mark} ", style=style, end="")
            out.print(f"{f.id:<11} {f.detail}", markup=False)
            if f.fix and not f.ok:
                out.print(f"   fix: {f.fix}", markup=False)

    output.emit(session, "doctor", data, render)
