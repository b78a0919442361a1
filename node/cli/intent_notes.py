"""Notes that intents keep from being spent: which intents, and how much of what."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.cli import intent_files, wallet_sync
from node.cli.intent_files import BadIntentFile, Kept, Outcome
from node.cli.wallets import Wallet
from node.core.errors import PolicyRefused

if TYPE_CHECKING:
    from node.core.ids import Kind


@dataclass(frozen=True, slots=True)
class Holder:
    """An intent that reserves notes.

    Attributes:
        name: what commands call it.
        until: last height of that, if nothing ends it sooner.
        amounts: base units by kind.
    """

    name: str
    until: int
    amounts: dict[Kind, int]


def holders(wallet: Wallet) -> tuple[Holder, ...]:
    """Intents of a wallet that reserve notes now, oldest first; a file that is none is left out."""
    _, _, locks = wallet.state.snapshot()
    if not locks:
        return ()
    spending = _of_operations(wallet)
    notes = {
        note.position: note.note
        for note in wallet.state.notes
        if note.position in locks and not note.spent and note.position not in spending
    }
    found = []
    for kept in _all(wallet):
        amounts: dict[Kind, int] = {}
        for note in (notes[at] for at in kept.notes if _binds(kept, wallet) and at in notes):
            amounts[note.kind] = amounts.get(note.kind, 0) + note.quantity
        if amounts:
            found.append(Holder(kept.name, kept.expiry, amounts))
    return tuple(found)


def of_others(wallet: Wallet, kept: Kept) -> set[int]:
    """Positions of notes that other intents, or transactions under way, keep.

    An intent that expired unnoticed has lost its notes, and another one may have taken them.
    """
    others = (item for item in _all(wallet) if item.number != kept.number)
    found = {at for item in others if _binds(item, wallet) for at in item.notes}
    return found | _of_operations(wallet)


def _binds(kept: Kept, wallet: Wallet) -> bool:
    """Whether an intent may still spend its notes, as far as its file knows."""
    open_to_all = kept.opened and kept.outcome in {Outcome.EXPIRED, Outcome.REFUSED}
    return wallet.state.height < kept.expiry and (not kept.over or open_to_all)


def _all(wallet: Wallet) -> Iterator[Kept]:
    for path in intent_files.paths_in(wallet.db.path.parent / intent_files.FOLDER):
        with contextlib.suppress(BadIntentFile):
            yield intent_files.load(path)


def _of_operations(wallet: Wallet) -> set[int]:
    return {at for item in wallet_sync.under_way(wallet) for at in item.notes}


def check_unspent(wallet: Wallet, kept: Kept) -> None:
    """Refuse to send an intent whose notes are gone: it would be paid for, opened and refused.

    Raises:
        PolicyRefused: a note of it was spent.
    """
    notes = [note for note in wallet.state.notes if note.position in kept.notes]
    if len(notes) != len(kept.notes) or any(note.spent for note in notes):
        raise PolicyRefused(
            f"a note of intent {kept.name} was spent meanwhile",
            fix=f"make another one: `chiaro intent new`; give this one up: "
            f"`chiaro intent cancel {kept.name}`",
        )
