"""What a command says. Results go to stdout, everything else to stderr.

With `--json`, stdout carries exactly one document, for success and failure alike:

    {"schema": "chiaro.verify/1", "ok": true, "profile": "dev", "data": {…}, "warnings": […]}
    {"schema": "chiaro.error/1", "ok": false, "profile": "dev", "error": {…}, "warnings": […]}

Amounts and field elements are decimal strings, bytes are 0x-hex.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

from node.cli.session import Session
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn
    from rich.table import Table

_ACTS: Final = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Controls of eight bits, which terminals obey like those of seven; marks that turn text round."""
Report = Callable[[str, float], None]
"""Progress of a phase: its name, and the share done, 0.0 … 1.0."""


def console(session: Session, *, stderr: bool = False) -> Console:
    """A rich console on stdout or stderr that never invents colour where none is wanted.

    What it is given as text is made `printable` here, once for all commands: names of chains and
    assets, reasons and memos come from nodes and strangers.
    """
    from rich.console import Console

    class Careful(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            safe = (printable(o, lines=True) if isinstance(o, str) else o for o in objects)
            super().print(*safe, **options)

    stream = sys.stderr if stderr else sys.stdout
    return Careful(
        stderr=stderr,
        no_color=not session.color,
        highlight=False,
        soft_wrap=True,
        emoji=False,
        width=None if stream.isatty() else PIPE_WIDTH,
    )


def emit(
    session: Session,
    schema: str,
    data: Mapping[str, Any],
    render: Callable[[Console], None] | None = None,
    *,
    freshness: Mapping[str, Any] | None = None,
) -> None:
    """Print a command's result: a document with `--json`, else what `render` draws.

    Without `render`, the data are listed one `key  value` a line.
    """
    if session.json:
        document: dict[str, Any] = {
            "schema": f"chiaro.{schema}/1",
            "ok": True,
            "profile": session.profile,
            "data": data,
            "warnings": list(session.warnings),
        }
        if freshness is not None:
            document["freshness"] = freshness
        _document(document)
        return
    out = console(session)
    if render is not None:
        render(out)
    else:
        width = max((len(key) for key in data), default=0)
        for key, value in data.items():
            out.print(f"{key:<{width}}  {_plain(value)}", markup=False)
    for warning in session.warnings:
        note(session, f"warning: {warning}")


def note(session: Session, text: str) -> None:
    """One line for people on stderr; silent with `--quiet` and `--json`."""
    if not (session.quiet or session.json):
        console(session, stderr=True).print(f"chiaro: {printable(text)}", markup=False)


def printable(text: str, *, lines: bool = False) -> str:
    """Text of strangers for a terminal: control characters as escapes, which would act otherwise.

    Args:
        text: anything.
        lines: leave line ends as they are.
    """
    return "".join(
        c if c.isprintable() or (lines and c == "\n") else c.encode("unicode_escape").decode()
        for c in text
    )


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return printable(str(value), lines=True)


def _document(document: Mapping[str, Any], stream: IO[str] | None = None) -> None:
    (stream or sys.stdout).write(json_text(document) + "\n")


def json_text(document: Mapping[str, Any], indent: int | None = None) -> str:
    """JSON for a stream that may be a terminal: also what JSON itself would not escape."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return _ACTS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def error_fields(error: ChiaroError) -> dict[str, str]:
    """The parts of an error, for JSON."""
    return {
        "code": error.id,
        "message": error.message,
        "where": error.where,
        "why": error.why,
        "hint": error.fix,
        "docs": f"chiaro explain {error.id}",
    }


def emit_error(session: Session, error: ChiaroError) -> None:
    """Say what is wrong, where, why it matters and what to do."""
    if session.json:
        _document(
            {
                "schema": "chiaro.error/1",
                "ok": False,
                "profile": session.profile,
                "error": error_fields(error),
                "warnings": list(session.warnings),
            }
        )
        return
    from rich.text import Text

    for warning in session.warnings:
        note(session, f"warning: {warning}")
    err = console(session, stderr=True)
    head = Text()
    head.append(f"error[{error.id}]", style="bold red")
    head.append(f": {printable(error.message)}")
    err.print(head)
    for label, text in (
        ("in", error.where),
        ("why", error.why),
        ("fix", error.fix),
        ("more", f"chiaro explain {error.id}"),
    ):
        if text:
            line = Text(f"  {label:<5} ", style="dim")
            line.append(printable(text, lines=True), style="default")
            err.print(line)


PIPE_WIDTH: Final = 200
"""Columns when output goes to a file or a pipe: wide enough that no hash is folded."""


@contextmanager
def progress(session: Session, title: str, *, eta: bool = False) -> Iterator[Report]:
    """Bars on stderr while long work runs, one per phase; nothing when nobody looks.

    Args:
        session: whose flags count.
        title: stands before each phase.
        eta: also show how long the rest will take.

    Yields:
        A function to report a phase's name and the share done; phases appear as they come.
    """
    if session.quiet or session.json or not sys.stderr.isatty():
        yield lambda _phase, _share: None
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    if eta:
        columns += (TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=console(session, stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(phase: str, share: float) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(f"{title}: {phase}", total=1.0)
            bars.update(tasks[phase], completed=share)

        yield report


def table(out: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table: left-aligned text, numbers to the right."""
    out.print(make_table(headings, rows))


def make_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """The same, to be drawn again and again."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column, heading in enumerate(headings):
        numeric = bool(rows) and all(
            row[column].replace(".", "").replace(",", "").replace("-", "").isdigit()
            for row in rows
            if row[column]
        )
        drawn.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    return drawn
