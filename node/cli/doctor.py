"""`chiaro doctor`: is this installation complete, and what will it use?"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    for statement in STATEMENTS:
        store.verifying_key(statement, session.profile)
    from zk import params

    return f"{len(STATEMENTS)} verifying key as registered, in {params.root()}"


def _kernels(session: Session) -> str:  # noqa: ARG001
    from zk import backends

    names = backends.available()
    if names[0] == "reference":
        raise ChiaroError(
            "compiled arithmetic does not start; proofs take minutes",
            fix="reinstall llvmlite and numba, or report your CPU",
        )
    return f"{names[0]} (available: {', '.join(names)})"


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


CHECKS: tuple[tuple[str, Callable[[Session], str]], ...] = (
    ("python", _python),
    ("packages", _packages),
    ("parameters", _parameters),
    ("arithmetic", _kernels),
    ("cache", _cache),
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


@app.command()
def doctor(
    context: typer.Context,
    warm: bool = typer.Option(
        False, "--warm", help="Compile the kernels and build the keys now, not on first use."
    ),
) -> None:
    """Check the installation; with --warm, prepare everything that first use would build."""
    session: Session = context.obj
    if warm:
        from circuits.keys import KeyStore
        from circuits.registry import STATEMENTS
        from zk import backends

        with output.progress(session, "warming") as report:
            backends.warm(report)
            for statement in STATEMENTS:
                KeyStore().proving_key(statement, session.profile, report)
    findings = examine(session)
    session.exit_code = 0 if all(finding.ok for finding in findings) else 1
    data = {
        "ok": session.exit_code == 0,
        "checks": [{"id": f.id, "ok": f.ok, "detail": f.detail, "fix": f.fix} for f in findings],
    }

    def render(out: Console) -> None:
        for f in findings:
            mark, style = ("✓", "green") if f.ok else ("✗", "bold red")
            out.print(f" {mark} ", style=style, end="")
            out.print(f"{f.id:<11} {f.detail}", markup=False)
            if f.fix and not f.ok:
                out.print(f"   fix: {f.fix}", markup=False)

    output.emit(session, "doctor", data, render)
