"""`chiaro audit`: a chain in one file, and the whole of it checked again without a node."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from node.cli import audit_source, output
from node.cli.session import Session
from node.cli.typed import digits
from node.cli.verify import Unreadable, readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circuits.key_registry import Registry
    from node.audit.report import AuditReport
    from node.audit.sources import Source

app = typer.Typer(help="For auditors: a chain as one file, verified without a node.")

WORK = typer.Option(None, "--work", help="Folder of what is done; default: one a chain, cached.")
FRESH = typer.Option(False, "--fresh", help="Begin at genesis, whatever was done before.")
REPORT = typer.Option(None, "--report", help="Also write a page for people, .html.")
PARAMS = typer.Option(None, "--params", help="Registry of keys to believe: registry.toml.")
CHAIN = typer.Option(None, "--expect-chain", help="Refuse another chain than this id.")
TIP = typer.Option(None, "--expect-tip", help="Refuse another last block than this hash.")


@app.command()
def export(
    context: typer.Context,
    out: Path = typer.Option(..., "--out", "-o", help="The bundle, a POSIX tar."),
    to: int | None = typer.Option(None, "--to", min=0, help="Last block; default: the tip."),
    params: Path | None = PARAMS,
) -> None:
    """Write the whole chain into one file: of a node, or of this home's stopped one."""
    from node.audit.export import export as write

    session: Session = context.obj
    with (
        output.progress(session, "export", eta=True) as report,
        audit_source.live(session, to) as source,
        readable(out),
    ):
        made = write(
            source,
            out,
            registry(params),
            progress=lambda done, all_: report("blocks", done / max(all_, 1)),
        )
        genesis = source.genesis
    data = {
        "file": str(out),
        "chain_id": "0x" + genesis.chain_id.hex(),
        "name": genesis.name,
        "height": made.height,
        "tip": "0x" + made.tip.hex(),
        "state_root": "0x" + made.state_root.hex(),
        "transactions": made.transactions,
        "members": made.members,
        "bytes": made.size,
        "digest": "0x" + made.digest,
    }
    output.emit(session, "audit.export", data)


@app.command()
def verify(
    context: typer.Context,
    file: Path = typer.Argument(help="A bundle of `chiaro audit export`."),
    work: Path | None = WORK,
    report: Path | None = REPORT,
    params: Path | None = PARAMS,
    expect_chain: str | None = CHAIN,
    expect_tip: str | None = TIP,
    *,
    fresh: bool = FRESH,
    trust_bundled_keys: bool = typer.Option(
        False, "--trust-bundled-keys", help="Take keys that no registry here lists."
    ),
) -> None:
    """Check a bundle from genesis to its end: every proof, signature, root and balance.

    Exit 0: the chain holds; 1: it does not, and the culprits are named; 3: the file is malformed;
    8: its keys are refused. Interrupted, the same command goes on where it stopped.
    """
    from node.audit.perform import Options
    from node.audit.sources import bundle_in

    session: Session = context.obj
    check_page(report)
    options = Options(
        registry(params),
        work,
        fresh,
        trust_bundled_keys,
        _expected(expect_chain, "--expect-chain"),
        _expected(expect_tip, "--expect-tip"),
    )
    with readable(file):
        found = carry_out(session, lambda: bundle_in(file), options)
    conclude(session, "audit.verify", found, report, {"file": str(file)})


def registry(path: Path | None) -> Registry:
    """The installation's registry of keys, or that of a file or folder.

    Raises:
        ParamsError: it cannot be read.
    """
    from circuits.key_registry import REGISTRY, Registry

    if path is None:
        return Registry.load()
    return Registry.load(path / REGISTRY if path.is_dir() else path)


def _expected(text: str | None, where: str) -> bytes | None:
    if text is None:
        return None
    return digits(text, 32, where)


def carry_out(
    session: Session, opened: Callable[[], AbstractContextManager[Source]], options: Any
) -> AuditReport:
    """An audit with its bar; interrupted, it says that nothing is lost."""
    from node.audit.perform import perform

    with _kept(session), output.progress(session, "audit", eta=True) as bar:
        return perform(
            opened,
            options,
            progress=lambda done, all_: bar("blocks", done / max(all_, 1)),
            note=lambda line: output.note(session, line),
            warn=session.warnings.append,
        )


@contextmanager
def _kept(session: Session) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        output.note(session, "interrupted; what is done is kept, and the same command goes on")
        raise


def check_page(page: Path | None) -> None:
    """That the report can be written, before minutes of work.

    Raises:
        Unreadable: it cannot.
    """
    if page is None:
        return
    with readable(page), tempfile.TemporaryFile(dir=page.parent):
        pass
    if page.is_dir():
        raise Unreadable("is a folder", where=str(page))


def conclude(
    session: Session, schema: str, found: AuditReport, page: Path | None, extra: dict[str, Any]
) -> None:
    """Say what an audit found, write its page, set the exit code."""
    from node.cli import audit_show
    from zk import files

    session.exit_code = 0 if found.valid else 1
    session.warnings += [key.warning for key in found.keys if key.warning]
    data = {**extra, **audit_show.data(found)}
    if page is not None:
        from node.cli.audit_report import render as html

        with readable(page):
            files.write(page, html(found).encode())
        data["report"] = str(page)
    output.emit(session, schema, data, lambda out: audit_show.draw(out, found, page))
