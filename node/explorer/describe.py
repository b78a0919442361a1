"""What a transaction shows to everybody, and what it keeps in the dark: the two halves of its page.

The light half comes from the transaction's own bytes and its receipt; the dark half only names what
is hidden, for nobody who runs a node knows more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.core.block import Transaction
from node.core.effects import Crossing
from node.core.ids import EnvironmentId, Kind
from node.explorer import describe_lane, describe_private, describe_stake, text
from node.explorer.facts import Facts, Hidden, Picture
from node.rpc import views
from node.rpc.schema import ReceiptView, TransactionView
from shielded.transaction import ShieldedTx
from transparent.transaction import TransparentTx
from zk.errors import ChiaroError

_NOTES: Final = Hidden("which notes are spent", "among all notes that exist")
_AMOUNTS: Final = Hidden("amounts", "proved to balance, never shown")
_ASSETS: Final = Hidden("assets")
_PAYER: Final = Hidden("who pays")
_PAYEE: Final = Hidden("who is paid")
_MEMO: Final = Hidden("memo", "sealed, of one length whatever it says")


def picture(wire: bytes, receipt: ReceiptView | None, names: Mapping[Kind, str]) -> Picture:
    """Both halves of a transaction.

    Args:
        wire: full bytes.
        receipt: of a block, where one has it.
        names: of kinds.
    """
    try:
        envelope = Transaction.from_bytes(wire)
        match envelope.environment:
            case EnvironmentId.TRANSPARENT:
                return _transparent(TransparentTx.from_bytes(envelope.payload), names)
            case EnvironmentId.SHIELDED:
                return _shielded(ShieldedTx.from_bytes(envelope.payload), names)
            case EnvironmentId.INTENTS:
                return describe_lane.picture(envelope.payload, receipt)
            case EnvironmentId.PRIVATE:
                return describe_private.picture(envelope.payload, names)
            case EnvironmentId.STAKE:
                return describe_stake.picture(envelope.payload, receipt)
            case _:
                return _of_events(envelope.environment, receipt)
    except ChiaroError as error:
        light = Facts().text("refused", f"{error.id}: {error.message}")
        return Picture("Bytes that do not decode", "malformed", light.done(), ())


def nothing(found: TransactionView) -> Picture:
    """A transaction of which the node has no bytes: it lies in a blob, or left the mempool."""
    light = Facts()
    if found.receipt is not None:
        light.native("fee", int(found.receipt.fee))
    if found.environment == EnvironmentId.INTENTS.label:
        return Picture("Sealed intent", found.environment, light.done(), describe_lane.SEALED)
    return Picture("Transaction", found.environment or "malformed", light.done(), ())


def _transparent(tx: TransparentTx, names: Mapping[Kind, str]) -> Picture:
    light = Facts().account("sender", tx.sender)
    for item in tx.transfers:
        light.amount("pays", item.amount, views.kind(item.kind, names))
        light.account("to", item.recipient)
    light.native("fee", tx.fee).number("sequence", tx.sequence).number("expires at", tx.expiry)
    return Picture("Payment in the clear", "transparent", light.done(), ())


def _shielded(tx: ShieldedTx, names: Mapping[Kind, str]) -> Picture:
    enters = [value for value in tx.public_values if value.amount < 0]
    leaves = [value for value in tx.public_values if value.amount > 0]
    light = Facts()
    for value in (*enters, *leaves):
        _crossing(light, value, names)
    for hidden in tx.hidden_values:
        what = "from the private pool" if hidden.enters else "into the private pool"
        light.add(what, text.kind(views.kind(hidden.kind, names)), note="nobody sees how much")
        light.code("for the message", hidden.reference.hex())
    light.native("fee", tx.fee)
    light.number("actions", len(tx.actions), "each spends two notes and makes two; some are blank")
    light.number("nullifiers", len(tx.nullifiers)).number("commitments", len(tx.commitments))
    light.number("expires at", tx.expiry)
    for action in tx.actions[:1]:
        light.code("anchor", f"{action.public.anchor:064x}", "root of the note tree, a recent one")
    if len(tx.parties) > 1:
        light.number("parties", len(tx.parties), "none of them signs for another")
    return Picture(
        _title(tx, enters, leaves), "shielded", light.done(), _hidden(tx, enters, leaves)
    )


def _title(tx: ShieldedTx, enters: list[Crossing], leaves: list[Crossing]) -> str:
    if len(tx.parties) > 1:
        return "Private swap"
    if tx.hidden_values:
        inward = all(value.enters for value in tx.hidden_values)
        return "Back into the shadow" if inward else "Into the private pool"
    if enters and leaves:
        return "Through the shadow"
    if enters:
        return "Into the shadow"
    return "Out of the shadow" if leaves else "Private transfer"


def _hidden(tx: ShieldedTx, enters: list[Crossing], leaves: list[Crossing]) -> tuple[Hidden, ...]:
    if tx.hidden_values:
        return (_AMOUNTS, _PAYER, _PAYEE, _NOTES, _MEMO)
    if enters and not leaves:
        return (Hidden("whose notes these are"), Hidden("how it is divided into notes"), _MEMO)
    if leaves and not enters:
        return (_PAYER, _NOTES, Hidden("change", "and what else the notes held"), _MEMO)
    return (_AMOUNTS, _ASSETS, _PAYER, _PAYEE, _NOTES, _MEMO)


def _crossing(light: Facts, value: Crossing, names: Mapping[Kind, str]) -> None:
    what = "leaves the pool" if value.amount > 0 else "enters the pool"
    light.amount(what, abs(value.amount), views.kind(value.kind, names))
    light.account("to account" if value.amount > 0 else "from account", value.account)


def _of_events(environment: EnvironmentId, receipt: ReceiptView | None) -> Picture:
    """An environment that has no picture of its own: what its receipt says."""
    light = Facts()
    for event in [] if receipt is None else receipt.events[:8]:
        for name, value in list(event.data.items())[:12]:
            light.text(f"{event.name}: {name}", value)
    title = "Order of the guardians" if environment is EnvironmentId.CHAIN else "Transaction"
    return Picture(title, environment.label, light.done(), ())
