"""A wallet's movements as books: signed effects, a running balance, sums that are compared.

    own transaction      the effects are what crossed the wallet's border: deposited +, claimed +,
                         sent −, withdrawn −, pledged −, fee −; spent notes, change and payments to
                         oneself are internal, effect 0
    others' transaction  received +

The truth is the notes (what came, what was spent); the rows explain them. Where they do not, as in
a transaction that several parties composed, a row `other` carries the difference, so that the
running balance always is that of the notes. Rule SH-63: all of it is compared before it is shown.

Without a full viewing key there is no balance. The running sum of an incoming key is what was
received, that of an outgoing key what was sent (SH-46).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from node.core.ids import NATIVE, Kind
from shielded.address import Address
from shielded.history import Direction, HistoryEntry, OwnedNote
from shielded.viewing import View, view_of
from shielded.wallet import WalletError, WalletState
from zk.errors import Ruled

OTHER: Final = "other"
"""Direction of a row that no movement explains."""

_SIGNS: Final = {
    Direction.DEPOSITED: 1,
    Direction.SENT: -1,
    Direction.WITHDRAWN: -1,
    Direction.PLEDGED: -1,
    Direction.CLAIMED: 1,
    Direction.FEE: -1,
}
_COMES: Final = (Direction.RECEIVED, Direction.CHANGE)
_OUTPUTS: Final = (Direction.RECEIVED, Direction.CHANGE, Direction.SENT)


class LedgerMismatch(Ruled, WalletError):
    """The movements of a wallet do not add up to its notes."""

    code = "WAL-010"
    exit_code = 3
    why = "books that do not add up to the notes would be wrong without anybody seeing it"
    fix = "the stored history is damaged: scan again with `chiaro sync --rescan`"

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__("SH-63", message, where=where)


@dataclass(frozen=True, slots=True, repr=False)
class Movement:
    """One row. Amounts in base units.

    Attributes:
        height, tx_id: where.
        direction: as in `history.Direction`, or `other`.
        kind, quantity: what.
        effect: by how much it changes the running sum; 0 for what stays within the wallet.
        running: the sum of this kind after it.
        fee: on the first row of a transaction whose fee the wallet paid: that fee; else None.
        internal: between the wallet's own notes.
        output: number of the output in its transaction; None for inputs and public values.
        memo: 512 bytes, or empty.
        address: the receiver, of what was sent.
        address_index: which own address received.
        account: on the other side, of what crossed the pool's border in the open; the reference
            of what crossed in the dark; else empty.
    """

    height: int
    tx_id: bytes
    direction: str
    kind: Kind
    quantity: int
    effect: int
    running: int
    fee: int | None
    internal: bool
    output: int | None
    memo: bytes
    address: Address | None
    address_index: int | None
    account: bytes

    def __repr__(self) -> str:
        return f"<Movement: {self.direction} at {self.height}, hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Ledger:
    """All movements up to a height.

    Attributes:
        view: with which key they were found.
        birthday, height: blocks after the one, up to the other.
        movements: oldest first.
        totals: per kind, the last running sum.
    """

    view: View
    birthday: int
    height: int
    movements: tuple[Movement, ...]
    totals: dict[Kind, int]

    def __repr__(self) -> str:
        return f"<Ledger: {self.view}, height {self.height}, hidden>"


def ledger(state: WalletState) -> Ledger:
    """The books of a wallet, compared with its notes.  Rule SH-63.

    Raises:
        LedgerMismatch: SH-63; in some transaction, or in all, rows and notes differ, or a running
            balance is negative.
    """
    view = view_of(state.key)
    history, notes = state.history, state.notes
    if view is not View.OUTGOING:
        _check_transactions(history, notes)
    running = Counter[Kind]()
    movements: list[Movement] = []
    for _, group in groupby(history, key=lambda entry: (entry.height, entry.tx_id)):
        movements += _transaction(view, list(group), running)
    totals = dict(running)
    if view is not View.OUTGOING:
        _check_totals(view, totals, notes)
    return Ledger(view, state.birthday, state.height, tuple(movements), totals)


def _transaction(
    view: View, entries: Sequence[HistoryEntry], running: Counter[Kind]
) -> list[Movement]:
    """The rows of one transaction."""
    own = any(entry.direction not in _COMES for entry in entries)
    fee = sum(entry.quantity for entry in entries if entry.direction is Direction.FEE)
    rows = []
    for index, entry in enumerate(entries):
        effect = _effect(view, entry, own=own)
        running[entry.kind] += effect
        rows.append(
            Movement(
                height=entry.height,
                tx_id=entry.tx_id,
                direction=str(entry.direction),
                kind=entry.kind,
                quantity=entry.quantity,
                effect=effect,
                running=running[entry.kind],
                fee=fee if index == 0 and fee else None,
                internal=own and entry.direction in (*_COMES, Direction.SPENT),
                output=(2 * entry.action + entry.slot if entry.direction in _OUTPUTS else None),
                memo=entry.memo,
                address=entry.address,
                address_index=entry.address_index,
                account=entry.account,
            )
        )
    if view is View.FULL:
        rows += _unexplained(entries, rows, running)
        if any(running[entry.kind] < 0 for entry in entries):
            raise LedgerMismatch("a running balance is negative", where=_place(entries[0]))
    return rows


def _effect(view: View, entry: HistoryEntry, *, own: bool) -> int:
    if view is View.OUTGOING:
        return entry.quantity if entry.direction is Direction.SENT else 0
    if entry.direction in _COMES:
        return entry.quantity if view is View.INCOMING or not own else 0
    return _SIGNS.get(entry.direction, 0) * entry.quantity


def _unexplained(
    entries: Sequence[HistoryEntry], rows: Sequence[Movement], running: Counter[Kind]
) -> list[Movement]:
    """A row per kind whose notes changed by another amount than the movements say."""
    missing = Counter[Kind]()
    for entry in entries:
        if entry.direction in _COMES:
            missing[entry.kind] += entry.quantity
        elif entry.direction is Direction.SPENT:
            missing[entry.kind] -= entry.quantity
    for row in rows:
        missing[row.kind] -= row.effect
    first, result = entries[0], []
    for kind, amount in sorted(missing.items()):
        if amount:
            running[kind] += amount
            result.append(
                Movement(
                    height=first.height,
                    tx_id=first.tx_id,
                    direction=OTHER,
                    kind=kind,
                    quantity=abs(amount),
                    effect=amount,
                    running=running[kind],
                    fee=None,
                    internal=False,
                    output=None,
                    memo=b"",
                    address=None,
                    address_index=None,
                    account=b"",
                )
            )
    return result


def _check_transactions(history: Iterable[HistoryEntry], notes: Iterable[OwnedNote]) -> None:
    """In each transaction, what the rows say came and was spent is what the notes say."""
    said, held = Counter[tuple[bytes, Kind, bool]](), Counter[tuple[bytes, Kind, bool]]()
    for entry in history:
        if entry.direction in _COMES:
            said[entry.tx_id, entry.kind, True] += entry.quantity
        elif entry.direction is Direction.SPENT:
            said[entry.tx_id, entry.kind, False] += entry.quantity
    for note in notes:
        held[note.tx_id, note.note.kind, True] += note.note.quantity
        if note.spent_tx is not None:
            held[note.spent_tx, note.note.kind, False] += note.note.quantity
    for key in sorted(said.keys() | held.keys(), key=lambda item: item[0]):
        if said[key] != held[key]:
            what = "received" if key[2] else "spent"
            raise LedgerMismatch(
                f"the movements and the notes {what} differ", where=f"transaction {key[0].hex()}"
            )


def _check_totals(view: View, totals: dict[Kind, int], notes: Iterable[OwnedNote]) -> None:
    """The last running sums are what the notes hold: unspent ones, or all that were received."""
    held = Counter[Kind]()
    for note in notes:
        if view is View.INCOMING or not note.spent:
            held[note.note.kind] += note.note.quantity
    for kind in {NATIVE, *totals, *held}:
        if totals.get(kind, 0) != held[kind]:
            raise LedgerMismatch(f"the movements do not sum to the {view.running} of the notes")


def _place(entry: HistoryEntry) -> str:
    return f"transaction {entry.tx_id.hex()}"
