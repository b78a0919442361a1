"""`chiaro tx disclose`, `verify-disclosure`: one payment shown to a third party, and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from node.cli import connection, identify, keystore, output, prompts, show, start, wallets
from node.cli.prompts import SecretFile
from node.cli.session import Session, UsageError, write_new
from node.cli.verify import read_file
from node.core.errors import NotFound
from zk import jsontext
from zk.errors import DecodeError

if TYPE_CHECKING:
    from rich.console import Console

    from shielded.disclosure import DisclosedPayment, Disclosure
    from shielded.keys import SpendingKey, ViewingKey
    from shielded.scan import ScannedTransaction
    from shielded.transaction import ShieldedTx

app = typer.Typer()

CHALLENGE = typer.Option(
    None, "--challenge", help="Text that the reader chose, for this one disclosure."
)
AUDIENCE = typer.Option(None, "--for", help="Whom the disclosure is made for.")

PROVES: Final = "the holder of the key that authorised this action signed this disclosure"
NOT_PROVED: Final = (
    "whether the note was spent since, and who a person is",
    "that whoever shows this is the signer: a document can be handed on",
    "whose notes paid, in a transaction that several parties composed",
)
NO_SENDER: Final = ("who paid, and whether it was spent since",)


@app.command("disclose")
def disclose(
    context: typer.Context,
    identity: str = typer.Argument(
        help="Number of an operation, transaction id, or a unique prefix of one."
    ),
    number: int | None = typer.Option(
        None, "--output", min=0, help="Which output (`tx show` numbers them)."
    ),
    challenge: str | None = CHALLENGE,
    audience: str | None = AUDIENCE,
    out: Path | None = typer.Option(None, "--out", "-o", help="Write the document to this file."),
    password_file: Path | None = start.PASSWORD_FILE,
    *,
    sender: bool = typer.Option(
        False, "--sender", help="Also prove that this wallet sent it; asks the password."
    ),
) -> None:
    """Prove one payment to a third party; opens that output and nothing else."""
    from shielded import disclosure

    session: Session = context.obj
    if not sender and (challenge is not None or audience is not None):
        raise UsageError(
            "only a signature can answer a challenge or name an audience", fix="add `--sender`"
        )
    if out is not None and out.exists():
        raise UsageError(f"{out} exists; it is not overwritten")
    stored = keystore.load(session.places, wallets.choose(session))
    if sender:
        wallets.check_spends(
            stored,
            "cannot sign as the sender",
            "disclose without `--sender`, or from the wallet that holds the words",
        )
    found = identify.resolve(session, identity)
    tx = _included(session, found)
    key = wallets.viewing_key(stored)
    scanned = tx.scanned
    index = _first_payment(key, scanned) if number is None else number
    made = disclosure.create(key, tx.chain_id, scanned, index // 2, index % 2)
    if sender:
        made = disclosure.with_authority(
            made,
            _spending_key(session, stored, password_file),
            scanned,
            [action.rk for action in tx.actions],
            audience=audience or "",
            challenge=challenge or "",
        )
    document = made.to_json()
    data: dict[str, Any] = {"tx_id": "0x" + tx.id.hex(), "output": index, "sender": sender}
    text = json.dumps(document, indent=1)
    if out is not None:
        write_new(out, text.encode() + b"\n")
        output.emit(session, "tx.disclosure", {**data, "file": str(out)})
        return
    output.emit(
        session,
        "tx.disclosure",
        {**data, "disclosure": document},
        lambda console: console.print(text, markup=False),
    )


def _spending_key(session: Session, stored: keystore.Keystore, file: Path | None) -> SpendingKey:
    """The key of a wallet, under its password.

    Raises:
        Locked: no password, or a wrong one.
    """
    password = prompts.password(session, file, f"Password for {stored.name}")
    return wallets.secrets_of(stored, keystore.decrypt(stored, password)).spending


def _included(session: Session, found: identify.Identified) -> ShieldedTx:
    """A shielded transaction that the node has in a block."""
    from node.rpc.text import bytes_of

    if found.tx_id is None:
        raise NotFound("this operation has no transaction yet")
    view = identify.fetch(session, found.tx_id)
    if view.status != "included" or view.tx is None:
        raise NotFound(
            f"the transaction is {view.status}: only what is in a block proves a payment"
        )
    tx = identify.shielded_of(bytes_of(view.tx), found.tx_id)
    if tx is None:
        raise NotFound("a transparent transaction hides nothing to disclose")
    return tx


def _first_payment(key: ViewingKey, scanned: ScannedTransaction) -> int:
    """The first output that this key sent to somebody, else the first that it received."""
    from shielded import encryption
    from shielded.keys import IncomingViewingKey, OutgoingViewingKey

    outputs = [item for action in scanned.actions for item in action.outputs]
    if not isinstance(key, IncomingViewingKey):
        for index, item in enumerate(outputs):
            sent = encryption.recover_outgoing(key.ovk, item)
            if sent is not None and sent.note.quantity:
                return index
    if not isinstance(key, OutgoingViewingKey):
        for index, item in enumerate(outputs):
            for viewer in encryption.viewers(key):
                received = encryption.try_decrypt(viewer, item)
                if received is not None and received.note.quantity:
                    return index
    raise NotFound("this wallet neither sent nor received an output of that transaction")


@app.command("verify-disclosure")
def verify_disclosure(
    context: typer.Context,
    file: Path = typer.Argument(help="The document that was handed over."),
    challenge: str | None = CHALLENGE,
    audience: str | None = AUDIENCE,
    *,
    require_sender: bool = typer.Option(
        False, "--require-sender", help="Refuse a document that the sender did not sign."
    ),
) -> None:
    """Check a disclosure against the chain; needs no keys. Exit 1: the chain refutes it."""
    from shielded import disclosure
    from shielded.authority import AuthorityRefused
    from shielded.disclosure import DisclosureRefused

    session: Session = context.obj
    shown = _read_disclosure(file)
    with connection.connected(session) as client:
        chain_id = client.status().chain_id
    tx = _included(session, identify.Identified(shown.tx_id, None))
    try:
        paid = disclosure.verify(
            shown,
            bytes.fromhex(chain_id.removeprefix("0x")),
            tx.scanned,
            [action.rk for action in tx.actions],
            require_sender=require_sender,
            audience=audience,
            challenge=challenge,
        )
    except (DisclosureRefused, AuthorityRefused) as refused:
        session.exit_code = 1
        data = {"valid": False, "code": refused.id, "detail": refused.message, "fix": refused.fix}
        output.emit(session, "tx.disclosed", data, lambda out: _render_refused(out, data))
        return
    if paid.sender is not None and paid.sender.challenge and challenge is None:
        session.warnings.append(
            "the signature answers a challenge that was not given here; with yours in "
            "`--challenge` you know that it is fresh"
        )
    _report_disclosed(session, paid)


def _render_refused(out: Console, data: dict[str, Any]) -> None:
    out.print(f"✗ [{data['code']}] {data['detail']}", markup=False)
    out.print(f"  fix   {data['fix']}", markup=False)


def _read_disclosure(file: Path) -> Disclosure:
    """A disclosure document, bare or in the envelope of `--json`.

    Raises:
        DecodeError, SecretFile: not one.
    """
    from shielded.disclosure import Disclosure

    try:
        document = jsontext.loads(read_file(file))
    except ValueError:
        raise SecretFile("not a JSON document", where=str(file), fix="ask for it again") from None
    if isinstance(document, dict) and isinstance(document.get("data"), dict):
        document = document["data"].get("disclosure")
    try:
        return Disclosure.from_json(document)
    except DecodeError as error:
        error.where = str(file)
        raise


def _report_disclosed(session: Session, paid: DisclosedPayment) -> None:
    from node.cli.wallet_spend import asset_names
    from shielded.encryption import memo_to_text

    with connection.if_reachable(session) as client:
        unit = asset_names(None if client is None else client.status())(paid.kind)
    memo, to = memo_to_text(paid.memo) or "", paid.address.encode(session.profile)
    sender = paid.sender
    not_proved = NO_SENDER if sender is None else NOT_PROVED
    data: dict[str, Any] = {
        "valid": True,
        "version": paid.version,
        "tx_id": "0x" + paid.tx_id.hex(),
        "output": 2 * paid.action + paid.slot,
        **show.amount(paid.quantity, unit),
        "to": to,
        "memo": memo,
        "sender": None
        if sender is None
        else {"proved": PROVES, "audience": sender.audience, "challenge": sender.challenge},
        "not_proved": list(not_proved),
    }

    def render(out: Console) -> None:
        out.print(f"✓ {show.amount_text(paid.quantity)} {unit} to {to}", markup=False)
        out.print(f"  tx {paid.tx_id.hex()}, output {data['output']}", markup=False)
        if memo:
            out.print(f"  memo “{show.safe(memo)}”", markup=False)
        if sender is not None:
            out.print(f"✓ sender: {PROVES}", markup=False)
            if sender.audience:
                out.print(f"  for “{show.safe(sender.audience)}”", markup=False)
            if sender.challenge:
                out.print(f"  challenge “{show.safe(sender.challenge)}”", markup=False)
        elif paid.version == 1:
            out.print("  version 1: no sender authority", markup=False)
        out.print(f"  not shown: {'; '.join(not_proved)}", markup=False)

    output.emit(session, "tx.disclosed", data, render)
