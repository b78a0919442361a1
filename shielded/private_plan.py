"""Plans that put notes into the private pool, and that make notes of what comes from there.

    pledge   notes ──▶ hidden value out, change          paid for by what the wallet has
    claim    hidden value in ──▶ a note to oneself       pays its own fee, if native

Pure. The private message exists before the plan, since its digest is the reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.ids import NATIVE, ChainId, Height, Kind
from shielded.address import Address
from shielded.errors import PlanRefused
from shielded.hidden import HiddenOpening
from shielded.history import OwnedNote
from shielded.plan import Payment, Plan, anchor_children, spend
from shielded.wallet import WalletState

MOST_NOTES: Final = 16
"""Notes that one plan spends at most, of each kind."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan takes from its surroundings.

    Attributes:
        chain_id: where.
        expiry: last height.
        seed: 32 fresh random bytes (SH-30).
        fee: base units of the native kind.
        confirmations: that a note must have to be spent.
    """

    chain_id: ChainId
    expiry: Height
    seed: bytes = field(repr=False)
    fee: int = 0
    confirmations: int = 1


def pledge(
    state: WalletState, change: Address, opening: HiddenOpening, terms: Terms
) -> tuple[Plan, tuple[OwnedNote, ...]]:
    """Spend notes for a hidden value that leaves, and the fee.

    Args:
        state: whose notes.
        change: internal address of the wallet.
        opening: what goes into the private pool.
        terms: see there.

    Returns:
        The plan, and the notes that it spends, to be locked.

    Raises:
        PlanRefused: SH-70, the hidden value enters.
        InsufficientFunds: of `shielded.selection`.
    """
    if opening.enters:
        raise PlanRefused("SH-70", "what is claimed is not paid for", where="hidden values")
    needed = Counter({opening.kind: opening.amount})
    needed[NATIVE] += terms.fee
    return _plan(state, change, opening, terms, needed)


def claim(
    state: WalletState, own: Address, opening: HiddenOpening, terms: Terms
) -> tuple[Plan, tuple[OwnedNote, ...]]:
    """Make a note of a hidden value that enters; the fee is taken from it if it is native.

    The note is at an internal address, as change is: so the wallet knows the claim for its own
    when it reads the chain again (SH-73).

    Args:
        state: whose notes may have to pay the fee.
        own: internal address of the wallet.
        opening: what comes from the private pool.
        terms: see there.

    Raises:
        PlanRefused: SH-70, the hidden value leaves.
        InsufficientFunds: of `shielded.selection`, nothing pays the fee.
    """
    if not opening.enters:
        raise PlanRefused("SH-70", "what leaves is not claimed", where="hidden values")
    needed = Counter({opening.kind: -opening.amount})
    needed[NATIVE] += terms.fee
    return _plan(state, own, opening, terms, needed)


def _plan(
    state: WalletState, own: Address, opening: HiddenOpening, terms: Terms, needed: Counter[Kind]
) -> tuple[Plan, tuple[OwnedNote, ...]]:
    notes = [
        note
        for kind, amount in sorted(needed.items())
        if amount > 0
        for note in state.select(kind, amount, most=MOST_NOTES, confirmations=terms.confirmations)
    ]
    paths = state.spend_context(notes).paths
    return (
        Plan(
            seed=terms.seed,
            chain_id=terms.chain_id,
            anchor_children=paths[0].top if paths else anchor_children(state.tree.tree()),
            expiry=terms.expiry,
            spends=tuple(spend(note, path) for note, path in zip(notes, paths, strict=True)),
            payments=_change(own, notes, needed),
            fee=terms.fee,
            hidden_values=(opening,),
        ),
        tuple(notes),
    )


def _change(own: Address, notes: Sequence[OwnedNote], needed: Counter[Kind]) -> tuple[Payment, ...]:
    """What is left of each kind, one note each; of what is claimed a note even of nothing."""
    left = Counter[Kind]()
    for note in notes:
        left[note.note.kind] += note.note.quantity
    left.subtract(needed)
    return tuple(
        Payment(own, amount, kind, change=True)
        for kind, amount in sorted(left.items())
        if amount or needed[kind] < 0
    )
