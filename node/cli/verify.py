"""`chiaro verify`: a proof in files, or the proofs of a transaction, checked item by item."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import output
from node.cli.session import Session, UsageError
from zk.errors import ChiaroError, FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from zk.formats.itemised import Check

app = typer.Typer()

MAX_FILE_BYTES: Final = 1 << 20


class Unreadable(ChiaroError):
    """A file that is missing or cannot be read."""

    code = "FIL-001"
    exit_code = 3
    why = "the command could not go on without it"
    fix = "check the path, its permissions and the space on the disk"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns errors of the operating system into ours, naming the file.

    Raises:
        Unreadable: what the block tried to read or write could not be.
    """
    try:
        yield
    except OSError as error:
        where = str(error.filename or path)
        raise Unreadable(error.strerror or "cannot be read or written", where=where) from None


def read_file(path: Path) -> bytes:
    """A small file's content.

    Raises:
        Unreadable: missing, a folder, no permission.
        FormatError: larger than any document of its kind.
    """
    with readable(path):
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FormatError(f"larger than {MAX_FILE_BYTES} bytes", where=str(path))
        return path.read_bytes()


@app.command()
def verify(
    context: typer.Context,
    target: str = typer.Argument(help="proof.json, or a transaction id (also tx:ID)."),
    vk: Path | None = typer.Option(None, "--vk", help="verification_key.json."),
    public: Path | None = typer.Option(None, "--public", help="public.json."),
    circuit: str | None = typer.Option(
        None, "--circuit", help="Demand the registered key of this statement, e.g. action."
    ),
    also: list[str] = typer.Option(
        [], "--with", help="Ask another program, too: evm (pyrevm), snarkjs; repeatable."
    ),
) -> None:
    """Verify a proof and say what was checked. Exit 0 valid, 1 invalid, 3 malformed."""
    session: Session = context.obj
    statement = None if circuit is None else statement_id(circuit)
    path = Path(target)
    if vk is None and public is None and not path.exists():
        _verify_transaction(session, target.removeprefix("tx:"), statement, also)
        return
    folder = path.parent
    key_file, public_file = vk or folder / "verification_key.json", public or folder / "public.json"
    documents = (read_file(path), read_file(public_file), read_file(key_file))
    checks = check_documents(session, *documents, statement=statement)
    checks += _ask_others(also, *documents)
    _report(session, str(path), [("", checks)])


def _ask_others(tools: list[str], proof: bytes, public: bytes, key: bytes) -> list[Check]:
    """What other programs say of documents that are well-formed."""
    from node.cli.crosscheck import cross_check

    return [cross_check(tool, proof, public, key) for tool in tools]


def statement_id(name: str) -> str:
    """`action` → `action/1`; a full id stays as it is.

    Raises:
        UsageError: no such statement.
    """
    from circuits.registry import STATEMENTS

    matches = [known for known in STATEMENTS if known == name or known.split("/")[0] == name]
    if not matches:
        raise UsageError(f"no circuit is called {name!r}; known: {', '.join(STATEMENTS)}")
    return matches[-1]


def check_documents(
    session: Session, proof: bytes, public: bytes, key: bytes, *, statement: str | None
) -> list[Check]:
    """All checks over three snarkjs documents; warns about keys that prove nothing."""
    from circuits.keys import Registry
    from circuits.registry import statement as find
    from zk.formats import snarkjs
    from zk.formats.itemised import verify_documents

    registry = Registry.load()
    listed = registry.statements_by_key()
    key_id = snarkjs.read_verifying_key(key, "verification_key.json").id
    names: Sequence[str] = find(listed[key_id]).public_names if key_id in listed else ()
    checks = verify_documents(proof, public, key, registry=listed, statement=statement, names=names)
    if key_id not in listed:
        session.warnings.append(
            "this key is not in the registry: what it proves is what its maker says it proves"
        )
        if snarkjs.marked_unsafe(key, "verification_key.json"):
            session.warnings.append("its maker marks this key UNSAFE: anyone can forge under it")
    elif registry.entry_of_key(key_id).unsafe:
        session.warnings.append(
            "development key: its secret is published, so anyone can forge proofs under it"
        )
    return checks


def _verify_transaction(
    session: Session, identity: str, statement: str | None, also: list[str]
) -> None:
    from node.cli import exported

    parts = exported.documents_of(session, identity)
    results = [
        (
            f"action {index}",
            check_documents(session, part.proof, part.public, part.key, statement=statement)
            + _ask_others(also, part.proof, part.public, part.key),
        )
        for index, part in enumerate(parts)
    ]
    session.warnings[:] = list(dict.fromkeys(session.warnings))
    _report(session, f"transaction {identity}", results)


def _report(session: Session, target: str, results: list[tuple[str, list[Check]]]) -> None:
    valid = all(check.ok for _, checks in results for check in checks)
    session.exit_code = 0 if valid else 1

    def item(part: str, check: Check) -> dict[str, Any]:
        described = {"id": check.id, "ok": check.ok, "code": check.code, "detail": check.detail}
        return {**described, "part": part} if part else described

    data = {
        "target": target,
        "valid": valid,
        "checks": [item(part, check) for part, checks in results for check in checks],
    }

    def render(out: Console) -> None:
        for part, checks in results:
            if part:
                out.print(part, style="bold")
            for check in checks:
                mark, style = ("✓", "green") if check.ok else ("✗", "bold red")
                code = f"[{check.code}] " if check.code else ""
                out.print(f" {mark} ", style=style, end="")
                out.print(f"{check.id:<10} {code}{check.detail}", markup=False)
        out.print("VALID" if valid else "INVALID", style="bold green" if valid else "bold red")

    output.emit(session, "verify", data, render)
