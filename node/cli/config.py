"""`chiaro config`: settings, where each comes from, and the file that holds them."""

from __future__ import annotations

import typer

from node.cli import output
from node.cli.session import KEYS, Session, UsageError, load_toml, write_private

app = typer.Typer(help="Settings and where they come from.")


@app.command("get")
def get(
    context: typer.Context,
    key: str | None = typer.Argument(None, help="One setting; all of them without it."),
) -> None:
    """Show settings with their source."""
    session: Session = context.obj
    if key is not None and key not in KEYS:
        raise UsageError(f"unknown setting {key!r}; known: {', '.join(KEYS)}")
    shown = {
        name: {"value": value, "source": source}
        for name, (value, source) in session.settings.items()
        if key in (None, name)
    }
    output.emit(
        session,
        "config",
        shown,
        lambda out: output.table(
            out,
            ("setting", "value", "from"),
            [(name, item["value"], item["source"]) for name, item in shown.items()],
        ),
    )


@app.command("set")
def put(context: typer.Context, key: str, value: str) -> None:
    """Write one setting to the user's configuration file."""
    session: Session = context.obj
    if key not in KEYS:
        raise UsageError(f"unknown setting {key!r}; known: {', '.join(KEYS)}")
    path = session.places.config / "config.toml"
    settings = {**load_toml(path), key: value}
    lines = []
    for name, text in sorted(settings.items()):
        if any(character in text for character in '"\\\n\r') or not text.isprintable():
            raise UsageError(f"the value of {name!r} may not hold quotes or control characters")
        lines.append(f'{name} = "{text}"\n')
    write_private(path, "".join(lines).encode())
    output.emit(session, "config", {key: value, "file": str(path)})


@app.command("path")
def path(context: typer.Context) -> None:
    """Show the folders of this installation."""
    from zk import params

    session: Session = context.obj
    output.emit(
        session,
        "config.path",
        {
            "config": str(session.places.config),
            "data": str(session.places.data),
            "state": str(session.places.state),
            "cache": str(params.cache_dir()),
            "params": str(params.root()),
        },
    )
