"""A wallet's state as JSON. Rule SH-56.

It holds no key, spending or viewing; the viewing key is asked for again when it is read, and must
be the same. It does hold amounts, memos and note seeds: whoever stores it encrypts it.
"""

from __future__ import annotations

from typing import Any, Final

from node.core.amounts import check_amount
from node.core.ids import ID_BYTES, Kind, tagged_hash
from shielded import json_values as values
from shielded.address import Address
from shielded.encryption import MEMO_BYTES
from shielded.history import Direction, HistoryEntry, OwnedNote
from shielded.keys import FullViewingKey, ViewingKey
from shielded.notes import Note
from shielded.tree import WitnessTree
from shielded.wallet import WalletState
from zk.errors import DecodeError, DigestMismatch

VERSION: Final = 1


def key_id(key: ViewingKey) -> str:
    """32 hexadecimal digits that tell viewing keys apart and give nothing of them away."""
    return tagged_hash("viewing-key-id", type(key).__name__.encode(), key.to_bytes())[:16].hex()


def encode(state: WalletState) -> dict[str, Any]:
    """Everything but the key, as JSON's own types; equal states give equal documents."""
    notes, history, locks = state.snapshot()
    return {
        "version": VERSION,
        "key_id": key_id(state.key),
        "birthday": state.birthday,
        "verified": state.verified,
        "tree": state.tree.to_json(),
        "notes": [_note_to_json(note) for note in notes],
        "history": [_entry_to_json(entry) for entry in history],
        "locks": [[position, until] for position, until in sorted(locks.items())],
    }


def decode(key: ViewingKey, data: object) -> WalletState:
    """The state that `encode` wrote for this key.

    Raises:
        DigestMismatch: it was written for another key.
        DecodeError: anything else that does not fit: a note that is not the leaf it claims to be.
    """
    if values.get(data, "version", int) != VERSION:
        raise DecodeError("a wallet state of another version", where="wallet")
    if values.get(data, "key_id", str) != key_id(key):
        raise DigestMismatch(
            "this wallet state belongs to another key",
            where="wallet",
            why="balances of one account would be shown for another",
            fix="open it with the viewing key it was made for, or scan again",
        )
    tree = WitnessTree.from_json(values.get(data, "tree", dict))
    notes = [_note_from_json(item) for item in values.items(data, "notes")]
    _check_notes(key, notes, tree)
    history = [_entry_from_json(item) for item in values.items(data, "history")]
    locks = _locks(values.items(data, "locks"), {note.position for note in notes})
    birthday, verified = values.get(data, "birthday", int), values.get(data, "verified", int)
    return WalletState.restore(key, birthday, tree, notes, history, locks, verified)


def _check_notes(key: ViewingKey, notes: list[OwnedNote], tree: WitnessTree) -> None:
    """Recompute what counts as balance: a changed file must not become money."""
    for owned in notes:
        if owned.spent:
            continue
        if owned.note.commitment != owned.commitment or owned.position >= tree.size:
            raise DecodeError("a stored note is not the one it claims to be", where="wallet")
        if isinstance(key, FullViewingKey) and owned.nullifier != owned.note.nullifier(key.nk):
            raise DecodeError("a stored note has another nullifier", where="wallet")


def _locks(items: list[Any], positions: set[int]) -> dict[int, int]:
    locks = {}
    for item in items:
        if not isinstance(item, list | tuple) or [type(v) for v in item] != [int, int]:
            raise DecodeError("a stored lock is malformed", where="wallet")
        position, until = item
        if position not in positions:
            raise DecodeError("a stored lock is of no note", where="wallet")
        locks[position] = until
    return locks


def _note_to_json(owned: OwnedNote) -> dict[str, Any]:
    note = owned.note
    return {
        "logic": values.fr_to_hex(note.kind.logic),
        "label": values.fr_to_hex(note.kind.label),
        "quantity": note.quantity,
        "data": values.fr_to_hex(note.data),
        "diversifier": note.diversifier.hex(),
        "owner": values.fr_to_hex(note.owner),
        "nonce": values.fr_to_hex(note.nonce),
        "rseed": note.rseed.hex(),
        "commitment": values.fr_to_hex(owned.commitment),
        "nullifier": None if owned.nullifier is None else values.fr_to_hex(owned.nullifier),
        "position": owned.position,
        "height": owned.height,
        "tx_id": owned.tx_id.hex(),
        "memo": _memo_to_hex(owned.memo),
        "address_index": owned.address_index,
        "internal": owned.internal,
        "spent_height": owned.spent_height,
        "spent_tx": None if owned.spent_tx is None else owned.spent_tx.hex(),
    }


def _note_from_json(data: object) -> OwnedNote:
    note = Note(
        kind=_kind(data),
        quantity=check_amount(values.get(data, "quantity", int)),
        data=values.fr_from_hex(values.field(data, "data")),
        diversifier=values.bytes_from_hex(values.field(data, "diversifier")),
        owner=values.fr_from_hex(values.field(data, "owner")),
        nonce=values.fr_from_hex(values.field(data, "nonce")),
        rseed=values.bytes_from_hex(values.field(data, "rseed")),
    )
    nullifier = values.field(data, "nullifier")
    spent_height, spent_tx = values.field(data, "spent_height"), values.field(data, "spent_tx")
    if spent_height is not None:
        spent_height = values.get(data, "spent_height", int)
    internal = values.field(data, "internal")
    if not isinstance(internal, bool):
        raise DecodeError("expected true or false `internal`")
    return OwnedNote(
        note=note,
        commitment=values.fr_from_hex(values.field(data, "commitment")),
        nullifier=None if nullifier is None else values.fr_from_hex(nullifier),
        position=values.get(data, "position", int),
        height=values.get(data, "height", int),
        tx_id=values.bytes_from_hex(values.field(data, "tx_id"), ID_BYTES),
        memo=_memo_from_hex(values.field(data, "memo")),
        address_index=values.get(data, "address_index", int),
        internal=internal,
        spent_height=spent_height,
        spent_tx=None if spent_tx is None else values.bytes_from_hex(spent_tx, ID_BYTES),
    )


def _entry_to_json(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "height": entry.height,
        "tx_id": entry.tx_id.hex(),
        "direction": entry.direction.value,
        "logic": values.fr_to_hex(entry.kind.logic),
        "label": values.fr_to_hex(entry.kind.label),
        "quantity": entry.quantity,
        "action": entry.action,
        "slot": entry.slot,
        "memo": _memo_to_hex(entry.memo),
        "address": None if entry.address is None else entry.address.to_bytes().hex(),
        "address_index": entry.address_index,
        "account": entry.account.hex(),
    }


def _entry_from_json(data: object) -> HistoryEntry:
    direction = values.get(data, "direction", str)
    if direction not in Direction.__members__.values():
        raise DecodeError(f"unknown direction {direction!r}", where="wallet")
    address, index = values.field(data, "address"), values.field(data, "address_index")
    return HistoryEntry(
        height=values.get(data, "height", int),
        tx_id=values.bytes_from_hex(values.field(data, "tx_id"), ID_BYTES),
        direction=Direction(direction),
        kind=_kind(data),
        quantity=check_amount(values.get(data, "quantity", int)),
        action=values.get(data, "action", int),
        slot=values.get(data, "slot", int),
        memo=_memo_from_hex(values.field(data, "memo")),
        address=None if address is None else Address.from_bytes(values.bytes_from_hex(address)),
        address_index=None if index is None else values.get(data, "address_index", int),
        account=values.bytes_from_hex(values.field(data, "account")),
    )


def _kind(data: object) -> Kind:
    return Kind(
        values.fr_from_hex(values.field(data, "logic")),
        values.fr_from_hex(values.field(data, "label")),
    )


def _memo_to_hex(memo: bytes) -> str:
    """Without the zero bytes at its end; the length is known where there is a memo at all."""
    return memo.rstrip(b"\0").hex() + ("" if memo else "-")


def _memo_from_hex(text: object) -> bytes:
    if text == "-":
        return b""
    memo = values.bytes_from_hex(text)
    if len(memo) > MEMO_BYTES or memo.endswith(b"\0"):
        raise DecodeError("a stored memo is malformed", where="wallet")
    return memo.ljust(MEMO_BYTES, b"\0")
