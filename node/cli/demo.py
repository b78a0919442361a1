"""`chiaro demo`: a private transfer from end to end, in a temporary folder, offline."""

from __future__ import annotations

import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from node.cli import output
from node.cli.session import Session, UsageError
from node.core.errors import PolicyRefused

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console

    from node.cli.demo_facts import DemoFacts, Step

app = typer.Typer()

REPORT: Final = "report.html"


@app.command()
def demo(
    context: typer.Context,
    out_folder: Path | None = typer.Option(
        None, "--out", "-o", help="Keep report and proof files in this folder."
    ),
    *,
    keep: bool = typer.Option(False, "--keep", help="Keep the temporary folder: chain, wallets."),
    browse: bool = typer.Option(False, "--open", help="Show the report in a browser."),
) -> None:
    """Show a private transfer from end to end: node, wallets, proof, audit, report. Offline."""
    from node.cli import exported
    from node.cli.demo_facts import document
    from node.cli.demo_report import render
    from node.cli.demo_run import Run

    session: Session = context.obj
    if browse and not (out_folder or keep):
        raise UsageError("--open needs a report that stays: add --out DIR or --keep")
    if out_folder is not None:
        _check_folder(out_folder)
    _introduce(session)
    with _stopped_cleanly(), _folder(keep=keep) as folder:
        with output.progress(session, "proving key") as bar:
            run = Run(folder, lambda step: _tell(session, step), bar)
            facts = run()
        commands = next_commands(out_folder)
        page = render(facts, commands)
        written: list[str] = []
        for place in (out_folder, folder if keep else None):
            if place is None:
                continue
            exported.write(run.documents[:1], place)
            (place / REPORT).write_text(page, encoding="utf-8")
            names = (REPORT, exported.PROOF, exported.PUBLIC, exported.KEY)
            written += [str(place / name) for name in names]
        if browse:
            import webbrowser

            webbrowser.open(Path(written[0]).resolve().as_uri())
    session.exit_code = 0 if facts.valid else 1
    data = {
        **document(facts),
        "files": written,
        "kept": str(folder) if keep else None,
        "next": [{"for": who, "command": command} for who, command in commands],
    }
    output.emit(session, "demo", data, lambda console: _conclude(console, facts, written, commands))


def next_commands(out_folder: Path | None) -> tuple[tuple[str, str], ...]:
    """For whom, and what to type next."""
    where = shlex.quote(str(out_folder)) if out_folder is not None else "demo"
    verify = f"chiaro verify {where}/proof.json"
    return (
        ("a user", "chiaro up && chiaro init"),
        ("an auditor", verify if out_folder is not None else f"chiaro demo --out demo && {verify}"),
        ("a researcher", "chiaro circuit profile action"),
    )


def _check_folder(folder: Path) -> None:
    """Refuse a place that cannot be written to before half a minute of work.

    Raises:
        UsageError: a file is there, or the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"cannot write there: {error.strerror}", where=str(folder)) from None


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    """A private temporary folder; removed at the end, whatever the end."""
    folder = Path(tempfile.mkdtemp(prefix="chiaro-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


class Terminated(PolicyRefused):
    """Another process told this one to end."""

    code = "DEM-002"
    exit_code = 130
    why = "another process asked for it"
    fix = "run the demonstration again"


@contextmanager
def _stopped_cleanly() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the run as Ctrl-C does: node stopped, folder removed."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise Terminated(f"ended by {signal.Signals(number).name}")

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- for people -----------------------------------------------------------------------------------


def _introduce(session: Session) -> None:
    if session.quiet or session.json:
        return
    err = output.console(session, stderr=True)
    err.print("Chiaroscuro: a private transfer, from end to end", style="bold")
    err.print("offline, in a temporary folder; no wallet of yours is touched", style="dim")
    err.print()


def _tell(session: Session, step: Step) -> None:
    if session.quiet or session.json:
        return
    from rich.text import Text

    from node.cli.demo_facts import duration

    line = Text(" ✓ ", style="green")
    line.append(f"{step.title:<30}", style="default")
    line.append(f"{duration(step.seconds):>8}  ", style="bold")
    line.append(step.detail, style="dim")
    output.console(session, stderr=True).print(line)


def _conclude(
    out: Console, facts: DemoFacts, written: list[str], commands: tuple[tuple[str, str], ...]
) -> None:
    from node.cli.demo_facts import duration

    out.print()
    out.print(
        f"proof {duration(facts.prove_seconds)} · verification {duration(facts.verify_seconds)} · "
        f"all of it {duration(facts.seconds)}",
        markup=False,
    )
    verdict = "VALID, AND THE SUPPLY ADDS UP" if facts.valid else "NOT VALID"
    out.print(verdict, style="bold green" if facts.valid else "bold red")
    if written:
        out.print()
        for path in written:
            out.print(path, markup=False)
    else:
        out.print("nothing was kept; `chiaro demo --out DIR` keeps the report and the proof")
    out.print()
    out.print("next", style="bold")
    for who, command in commands:
        out.print(f"  {who:<14} {command}", markup=False)
