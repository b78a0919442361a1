"""`chiaro verify`: a proof in files, or the proofs of a transaction, checked item by item."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import output
from node.cli.session import DEFAULT_PROFILE, Session, UsageError
from zk.errors import ChiaroError, FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from circuits.key_registry import KeyEntry
    from zk.formats.itemised import Check
    from zk.groth16.keys import VerifyingKey

app = typer.Typer()

MAX_FILE_BYTES: Final = 1 << 20
HISTORY = typer.Option(
    False, "--history", help="A version marked insecure is a warning, not a refusal: old blocks."
)


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
    history: bool = HISTORY,
) -> None:
    """Verify a proof and say what was checked. Exit 0 valid, 1 invalid, 3 malformed."""
    session: Session = context.obj
    statement = None if circuit is None else statement_id(circuit)
    path = Path(target)
    if vk is None and public is None and not path.exists():
        _verify_transaction(session, target.removeprefix("tx:"), statement, also, history=history)
        return
    folder = path.parent
    key_file, public_file = vk or folder / "verification_key.json", public or folder / "public.json"
    documents = (read_file(path), read_file(public_file), read_file(key_file))
    files = (str(path), str(public_file), str(key_file))
    found = check_documents(session, *documents, files, statement=statement, history=history)
    found.checks.extend(_ask_others(also, *documents))
    _report(session, str(path), [("", found)])


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


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one proof.

    Attributes:
        checks: item by item.
        key: what is known of the key, as `key_document` says it.
    """

    checks: list[Check]
    key: dict[str, Any]


def key_document(key_id: str, entry: KeyEntry | None) -> dict[str, Any]:
    """What a registry says of a verifying key, for `--json`; of an unlisted one, its id."""
    document: dict[str, Any] = {"verifying_key": "0x" + key_id, "registered": entry is not None}
    if entry is None:
        return document
    document |= {
        "statement": entry.statement,
        "version": entry.version,
        "r1cs": "0x" + entry.r1cs,
        "status": entry.status,
        "origin": entry.origin,
        "unsafe": entry.unsafe,
    }
    if entry.insecure:
        document |= {"since": entry.since, "reason": entry.reason}
    if entry.transcript:
        document |= {
            "transcript": "0x" + entry.transcript,
            "contributions": entry.contributions,
            "beacon": None if entry.beacon == "none" else "0x" + entry.beacon,
        }
    return document


def judged_key(
    session: Session, data: bytes, where: str, *, history: bool
) -> tuple[VerifyingKey, KeyEntry | None, list[Check]]:
    """A verifying key of snarkjs, its registry entry, and whether its version is current.

    Warns about keys that prove nothing, or less than they seem to.

    Raises:
        MalformedDocument, UnsafeKey: the document, rule S-11.
        DevParamsRefused: a development key, and the profile is not `dev`.
    """
    from circuits.key_registry import Registry
    from zk.errors import DevParamsRefused, InsecureVersion
    from zk.formats import snarkjs
    from zk.formats.itemised import Check

    key = snarkjs.read_verifying_key(data, where)
    registry = Registry.load()
    listed = key.id in registry.statements_by_key()
    entry = registry.entry_of_key(key.id) if listed else None
    marked = entry.unsafe if entry is not None else ""
    if entry is None and snarkjs.marked_unsafe(data, where):
        marked = "its maker marks this key UNSAFE: anyone can forge under it"
    if marked and session.profile != DEFAULT_PROFILE:
        raise DevParamsRefused(
            f"a development key proves nothing under profile {session.profile}", where=where
        )
    if entry is None:
        session.warnings.append(
            "this key is not in the registry: what it proves is what its maker says it proves"
        )
        session.warnings += [marked] if marked else []
        return key, None, []
    if marked:
        session.warnings.append(
            "development key: its secret is published, so anyone can forge proofs under it"
        )
    if not entry.insecure:
        return key, entry, [Check("version", True, "", f"{entry.version} is current")]
    session.warnings.append(entry.insecure)
    code = "" if history else InsecureVersion.code
    return key, entry, [Check("version", history, code, entry.insecure)]


def check_documents(
    session: Session,
    proof: bytes,
    public: bytes,
    key: bytes,
    files: tuple[str, str, str] | None = None,
    *,
    statement: str | None,
    history: bool = False,
) -> Checked:
    """All checks over three snarkjs documents; warns about keys that prove nothing.

    Args:
        session: its profile decides whether development keys may be used.
        proof: `proof.json`.
        public: `public.json`.
        key: `verification_key.json`.
        files: their names, for messages; by default these.
        statement: demand the registered key of this statement.
        history: an insecure version is a warning and no refusal.
    """
    from circuits.registry import STATEMENTS
    from zk.formats.itemised import DOCUMENTS, verify_documents

    files = files or DOCUMENTS
    verifying, entry, versions = judged_key(session, key, files[2], history=history)
    names: Sequence[str] = ()
    if entry is not None and entry.statement in STATEMENTS:
        names = STATEMENTS[entry.statement]().public_names
    checks = verify_documents(
        proof,
        public,
        key,
        registry={} if entry is None else {verifying.id: entry.statement},
        statement=statement,
        origin="" if entry is None else entry.made,
        names=names,
        files=files,
    )
    checks[-1:-1] = versions  # the pairing stays last
    return Checked(checks, key_document(verifying.id, entry))


def _verify_transaction(
    session: Session, identity: str, statement: str | None, also: list[str], *, history: bool
) -> None:
    from node.cli import exported, identify, verify_linked

    results = []
    named = identify.resolve(session, identity)
    wire = identify.wire_of(session, named)
    for index, part in enumerate(exported.documents_of(session, wire, named.tx_id or b"")):
        documents = (part.proof, part.public, part.key)
        found = check_documents(session, *documents, statement=statement, history=history)
        found.checks.extend(_ask_others(also, *documents))
        results.append((f"action {index}", found))
    if (linked := verify_linked.linked_checks(session, wire, history=history)) is not None:
        results.append(("hidden amounts", linked))
    session.warnings[:] = list(dict.fromkeys(session.warnings))
    _report(session, f"transaction {identity}", results)


def _report(session: Session, target: str, results: list[tuple[str, Checked]]) -> None:
    valid = all(check.ok for _, found in results for check in found.checks)
    session.exit_code = 0 if valid else 1

    def item(part: str, check: Check) -> dict[str, Any]:
        described = {"id": check.id, "ok": check.ok, "code": check.code, "detail": check.detail}
        return {**described, "part": part} if part else described

    data = {
        "target": target,
        "valid": valid,
        "checks": [item(part, check) for part, found in results for check in found.checks],
        "key": results[0][1].key if results else None,  # a transaction's actions share one
    }

    def render(out: Console) -> None:
        for part, found in results:
            if part:
                out.print(part, style="bold")
            for check in found.checks:
                mark, style = ("✓", "green") if check.ok else ("✗", "bold red")
                code = f"[{check.code}] " if check.code else ""
                out.print(f" {mark} ", style=style, end="")
                out.print(f"{check.id:<10} {code}{check.detail}", markup=False)
        name = results[0][1].key.get("version", "") if results else ""
        out.print(
            f"{'VALID' if valid else 'INVALID'}  {name}".rstrip(),
            style="bold green" if valid else "bold red",
        )

    output.emit(session, "verify", data, render)
