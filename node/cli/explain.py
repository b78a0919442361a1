"""`chiaro explain CODE`: what an error code or a numbered rule means."""

from __future__ import annotations

import difflib

import typer

from node.cli import output
from node.cli.session import Session
from node.core.errors import NotFound

app = typer.Typer()


@app.command()
def explain(
    context: typer.Context,
    code: str | None = typer.Argument(None, help="Such as ENC-002 or SH-7; a list without it."),
) -> None:
    """Explain an error code or a rule."""
    from node.core import catalog

    session: Session = context.obj
    if code is None:
        entries = {**catalog.errors(), **catalog.rules()}
        rows = [
            (key, (entry.text or entry.title).splitlines()[0][:90])
            for key, entry in sorted(entries.items())
        ]
        output.emit(
            session,
            "explain.list",
            {"codes": [{"code": key, "summary": text} for key, text in rows]},
            lambda out: output.table(out, ("code", "summary"), rows),
        )
        return
    entry = catalog.look_up(code)
    if entry is None:
        known = [*catalog.errors(), *catalog.rules()]
        near = difflib.get_close_matches(code.upper(), known, n=3)
        raise NotFound(
            f"no such code: {code}",
            why="codes are printed in square brackets after `error`",
            fix=f"did you mean {', '.join(near)}?" if near else "`chiaro explain` lists them all",
        )
    data = {
        "code": entry.code,
        "title": entry.title,
        "text": entry.text,
        "why": entry.why,
        "fix": entry.fix,
        "exit_code": entry.exit_code,
        "source": entry.source,
    }
    output.emit(session, "explain", {k: v for k, v in data.items() if v not in ("", None)})
