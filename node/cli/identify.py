"""What `ID` on the command line means: an operation's number, a transaction id, a unique prefix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import connection, keystore, wallets
from node.cli.keystore import NoSuchWallet
from node.cli.session import Session
from node.cli.wallet_db import FILE, Operation, WalletDb
from node.core.errors import NotFound, Unreachable
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.private.payload import PrivateTx
    from node.rpc.schema import TransactionView
    from shielded.transaction import ShieldedTx

_HEX: Final = set("0123456789abcdef")


class BadIdentity(ChiaroError):
    """Text that can be neither an operation's number nor a transaction id."""

    code = "WOP-009"
    exit_code = 2
    why = "a guess could show another transaction"
    fix = "give an operation's number (`chiaro tx list`) or a transaction id in hexadecimal"


@dataclass(frozen=True, slots=True)
class Identified:
    """What an identity stands for.

    Attributes:
        tx_id: 32 bytes; None for an operation without a proof yet.
        operation: of the chosen wallet, if it is one.
    """

    tx_id: bytes | None
    operation: Operation | None


@contextmanager
def log_of(session: Session) -> Iterator[WalletDb | None]:
    """The chosen wallet's database, for reading; None where there is no wallet.

    Takes no lock: a status may be asked for while another command makes a proof.
    """
    try:
        folder = keystore.folder(session.places, wallets.choose(session))
    except NoSuchWallet:
        yield None
        return
    if not (folder / FILE).exists():
        yield None
        return
    db = WalletDb(folder)
    try:
        yield db
    finally:
        db.close()


def resolve(session: Session, identity: str) -> Identified:
    """Look an identity up, in the log first.

    Raises:
        BadIdentity: not a number and not hexadecimal.
        NotFound: not in the log, and too short to ask a node for; or a prefix of several.
    """
    digits = identity.strip().lower().removeprefix("tx:").removeprefix("0x")
    if not digits or not set(digits) <= _HEX or len(digits) > 64:
        raise BadIdentity(f"not an operation or transaction: {identity!r}")
    with log_of(session) as db:
        found = [] if db is None else db.find(identity.strip().lower().removeprefix("tx:"))
        by_number = any(str(operation.id) == digits for operation in found)
        known = set() if db is None or by_number else _history_ids(db, digits)
    others = known - {operation.tx_id for operation in found}
    if len(found) + len(others) > 1:
        raise NotFound(f"{identity!r} begins several transactions", fix="give more of its digits")
    if found:
        return Identified(found[0].tx_id, found[0])
    if others:
        return Identified(others.pop(), None)
    if len(digits) == 64:
        return Identified(bytes.fromhex(digits), None)
    raise NotFound(
        f"no operation or transaction {identity!r} in this wallet",
        fix="`chiaro tx list` shows the operations; others' transactions need all 64 digits",
    )


def _history_ids(db: WalletDb, prefix: str) -> set[bytes]:
    """Transactions in the scanned history whose id begins with `prefix`."""
    document = db.load_state() or {}
    ids = {str(entry["tx_id"]) for entry in document.get("history", ())}
    return {bytes.fromhex(text) for text in ids if text.startswith(prefix)}


def fetch(session: Session, tx_id: bytes) -> TransactionView:
    """Ask the node.

    Raises:
        Unreachable; NotFound: the node does not know it.
    """
    with connection.connected(session) as client:
        view = client.transaction(tx_id)
    if view.status == "unknown":
        raise NotFound(
            f"the node knows no transaction {tx_id.hex()}",
            where=session.node,
            fix="it may have expired, or belong to another chain",
        )
    return view


def wire_of(session: Session, found: Identified) -> bytes:
    """Full bytes of a transaction: from the node, else from the log.

    Raises:
        NotFound: neither has them.
        Unreachable: no node, and the log does not have them.
    """
    from node.rpc.text import bytes_of

    own = None if found.operation is None else found.operation.wire
    if found.tx_id is None:
        raise NotFound(
            "this operation has no transaction yet: it was interrupted before its proof was done",
            fix="run the command again",
        )
    try:
        view = fetch(session, found.tx_id)
    except (Unreachable, NotFound):
        if own is None:
            raise
        return own
    if view.tx is not None:
        return bytes_of(view.tx)
    if own is None:
        raise NotFound("the node has only the receipt of this transaction", where=session.node)
    return own


def private_of(wire: bytes) -> PrivateTx | None:
    """The private transaction in an envelope; None for all others.

    Raises:
        DecodeError: it does not decode.
    """
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId
    from node.private import payload

    envelope = Transaction.from_bytes(wire)
    if envelope.environment is not EnvironmentId.PRIVATE:
        return None
    return payload.decode(envelope.payload)


def carried_of(wire: bytes) -> ShieldedTx | None:
    """The shielded transaction that a private one carries; None for all others.

    Raises:
        DecodeError: it does not decode.
    """
    from node.private.gifts import Carrying

    tx = private_of(wire)
    return tx.carried if isinstance(tx, Carrying) else None


def shielded_of(wire: bytes, tx_id: bytes) -> ShieldedTx | None:
    """The shielded transaction in an envelope; None for one of another environment.

    Raises:
        DecodeError: it does not decode.
        BadAnswer: it is another transaction than the one asked for.
    """
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId
    from node.rpc.errors import BadAnswer
    from shielded.transaction import ShieldedTx

    envelope = Transaction.from_bytes(wire)
    if envelope.environment is not EnvironmentId.SHIELDED:
        return None
    tx = ShieldedTx.from_bytes(envelope.payload)
    if tx.id != tx_id:
        raise BadAnswer("the node answered with another transaction")
    return tx
