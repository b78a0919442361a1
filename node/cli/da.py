"""`chiaro da …`: blobs of sealed intents that the committee keeps, read and sampled."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, output
from node.cli.session import Session, UsageError, write_new
from node.cli.typed import digits
from node.cli.verify import Unreadable
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from rich.console import Console

    from node.da.sampling import Sampled
    from node.lane.blobs.dispersal import Ordered
    from node.rpc.client import NodeClient
    from private_exec.envelope import Envelope

app = typer.Typer(help="Blobs of sealed intents that the committee keeps.")

STANDARD: Final = "-"
_DEFAULT_SAMPLES: Final = 20
_TIMEOUT: Final = 60.0

ROOT = typer.Argument(help="The blob's root, 64 hexadecimal digits (`da put` prints it).")


class NotOrdered(ChiaroError):
    """A blob whose certificate did not take effect in a block."""

    code = "WOP-030"
    exit_code = 1
    why = "until a block orders it, nothing in a blob is an intent of the chain"
    fix = "see the rule named; `chiaro da put --order` hands a certificate in again"


@app.command("put")
def put(
    context: typer.Context,
    file: str = typer.Argument(help="The blob (`da pack` makes one), or - for standard input."),
    domain: int = typer.Option(0, "--domain", min=0, help="Number of the domain."),
    *,
    order: bool = typer.Option(
        False, "--order", help="Also hand the certificate in, and wait for the block."
    ),
) -> None:
    """Give a blob to the committee and print its certificate; the intents' payers pay."""
    session: Session = context.obj
    data = _read(file)
    with connection.connected(session) as client:
        kept = client.da.put(domain, data)
        result: dict[str, Any] = {
            "root": kept.root,
            "domain": kept.domain,
            "entries": kept.entries,
            "bytes": kept.bytes,
            "expiry": kept.expiry,
            "certificate": kept.certificate,
            "tx_id": kept.tx_id,
            "signers": kept.signers,
            "faults": [
                {"member": item.member, "code": item.code, "message": item.message}
                for item in kept.faults
            ],
        }
        if order:
            result |= _order(client, kept.tx, kept.tx_id)
    output.emit(session, "da.put", result)


@app.command("pack")
def pack(
    context: typer.Context,
    files: list[Path] = typer.Argument(
        help="Sealed intents, one a file: envelopes, or transactions that order them."
    ),
    out: Path = typer.Option(..., "--out", "-o", help="Write the blob to this file."),
) -> None:
    """Make a blob of sealed intents."""
    from node.lane.blobs import blob as blobs

    session: Session = context.obj
    envelopes = [_envelope(_read(str(path))) for path in files]
    data = blobs.encode(envelopes)
    write_new(out, data)
    output.emit(
        session, "da.pack", {"file": str(out), "entries": len(envelopes), "bytes": len(data)}
    )


@app.command("get")
def get(
    context: typer.Context,
    root: str = ROOT,
    out: Path | None = typer.Option(None, "--out", "-o", help="Write the blob to this file."),
    evidence: Path | None = typer.Option(
        None, "--evidence", help="Where the rows go that show a blob to be empty for everybody."
    ),
) -> None:
    """Read a blob from rows that prove themselves. Exit 1: it is empty for everybody."""
    from node.da.errors import BadEncoding
    from node.lane.blobs import blob as blobs

    session: Session = context.obj
    for path in (out, evidence):
        if path is not None and path.exists():
            raise UsageError(f"{path} exists; it is not overwritten")
    with connection.connected(session) as client:
        found = client.da.ordered(digits(root, 32, "ROOT"))
        try:
            data = client.da.read(found.commitment)
        except BadEncoding as error:
            if evidence is not None:
                write_new(evidence, error.evidence.to_bytes())
            raise
    if out is not None:
        write_new(out, data)
    result = {
        **_about(found),
        "file": None if out is None else str(out),
        "read": len(data),
        "decoded": len(blobs.decode(data)) if found.entries else 0,
    }
    output.emit(session, "da.get", result)


@app.command("sample")
def sample(
    context: typer.Context,
    root: str = ROOT,
    samples: int | None = typer.Option(
        None, "--samples", min=1, help=f"How many rows to ask for; {_DEFAULT_SAMPLES} by default."
    ),
    missing: int = typer.Option(0, "--missing", min=0, help="How many of them may not come."),
    risk: str | None = typer.Option(
        None, "--risk", help="Ask for as many rows as this risk takes, such as 1e-9."
    ),
) -> None:
    """Find out that a blob can be read, without reading it; says how sure that is. Exit 6: no."""
    from node.da import sampling

    session: Session = context.obj
    if risk is not None and samples is not None:
        raise UsageError("the number of samples follows from the risk", fix="give one of them")
    with connection.connected(session) as client:
        found = client.da.ordered(digits(root, 32, "ROOT"))
        coding = found.commitment.coding
        count = _DEFAULT_SAMPLES if samples is None else samples
        if risk is not None:
            count = sampling.samples_for(coding, _fraction(risk), missing)
        passed = client.da.sample(found.commitment, count, missing)
    result = {**_about(found), **_confidence(passed, missing)}
    output.emit(session, "da.sample", result, lambda console: _draw(console, result))


def _about(found: Ordered) -> dict[str, Any]:
    commitment = found.commitment
    return {
        "root": "0x" + commitment.root.hex(),
        "domain": found.domain,
        "height": found.height,
        "entries": found.entries,
        "bytes": commitment.size,
        "rows": commitment.coding.n,
        "needed": commitment.coding.k,
    }


def _confidence(passed: Sampled, allowed: int) -> dict[str, Any]:
    """Exact: the risk is a fraction of two binomial coefficients' sums, never rounded down."""
    return {
        "asked": list(passed.indices),
        "missing": list(passed.missing),
        "allowed": allowed,
        "risk": str(passed.risk),
        "risk_bits": _bits(passed.risk),
    }


def _bits(risk: Fraction) -> int | None:
    """The largest b with risk ≤ 2^−b; None for a risk of 0."""
    if not risk:
        return None
    bits = 0
    while risk * 2 <= 1:
        risk, bits = risk * 2, bits + 1
    return bits


def _draw(out: Console, data: dict[str, Any]) -> None:
    asked, gone = len(data["asked"]), len(data["missing"])
    out.print(
        f"{asked} of {data['rows']} rows asked for at random, {asked - gone} came and prove "
        "themselves against the state",
        markup=False,
    )
    out.print(
        f"a blob that cannot be read would have passed with a chance of at most {data['risk']} "
        f"(at most 2^-{data['risk_bits']})"
        if data["risk"] != "0"
        else "a blob that cannot be read could not have passed",
        markup=False,
    )
    out.print(
        "assumed: whoever answers did not know which rows would be asked for; what the blob says "
        "is another question (`chiaro da get`)",
        markup=False,
    )


def _order(client: NodeClient, tx: str, tx_id: str) -> dict[str, Any]:
    from node.rpc.text import bytes_of

    client.submit(bytes_of(tx))
    view = client.wait_for_tx(bytes_of(tx_id), _TIMEOUT)
    receipt = view.receipt
    if receipt is None or not receipt.ok:
        reason = "it is not in a block" if receipt is None else f"{receipt.code}: {receipt.message}"
        raise NotOrdered(f"the blob was not ordered: {reason}")
    codes = [event.data.get("code", "") for event in receipt.events if event.name == "part"]
    return {
        "height": receipt.height,
        "ordered": codes.count("ok"),
        "refused": [code for code in codes if code != "ok"],
    }


def _envelope(data: bytes) -> Envelope:
    """What is sealed in a file. Raises DecodeError, SealRefused."""
    from node.core.block import Transaction
    from node.lane import payload
    from private_exec.envelope import Envelope

    if payload.tag_of_wire(data) is payload.Tag.SEAL:
        tx = payload.decode(Transaction.from_bytes(data).payload)
        if isinstance(tx, payload.SealTx):
            return tx.envelope
    return Envelope.from_bytes(data)


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"not a risk: {text!r}", fix="give a number such as 1e-9") from None


def _read(name: str) -> bytes:
    """A file's bytes, or standard input's.

    Raises:
        Unreadable: missing, a folder, no permission, or larger than a blob may be.
    """
    from node.da.domain import BATCH_BYTES

    try:
        if name == STANDARD:
            data = sys.stdin.buffer.read(BATCH_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(BATCH_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"{name}: {error.strerror}", where=name) from error
    if len(data) > BATCH_BYTES:
        raise Unreadable(f"more than {BATCH_BYTES} bytes", where=name)
    return data
