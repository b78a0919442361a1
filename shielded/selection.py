"""Which notes to spend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from node.core.errors import PolicyRefused
from shielded.history import OwnedNote


class InsufficientFunds(PolicyRefused):
    """The spendable notes do not reach the amount."""

    code = "WAL-004"
    fix = "wait for pending notes, join small notes first, or send less"


def fewest(notes: Iterable[OwnedNote], amount: int, most: int) -> tuple[OwnedNote, ...]:
    """The fewest notes that reach `amount`, largest first; among these, with little change.

    Fewest, because every two notes cost an action; little change, so that large notes stay whole.

    Raises:
        InsufficientFunds: `most` notes do not reach it.
    """
    usable = sorted(notes, key=lambda note: (note.note.quantity, note.position))
    for count in range(min(most, len(usable)) + 1):
        if _sum(usable[len(usable) - count :]) >= amount:
            return _tighten(usable, count, amount)
    raise InsufficientFunds(
        "not enough spendable notes",
        why=f"at most {most} notes can be spent at once, and they do not reach the amount",
    )


def _tighten(usable: Sequence[OwnedNote], count: int, amount: int) -> tuple[OwnedNote, ...]:
    """Exchange each of the `count` largest (of ascending notes) for the smallest that suffices."""
    chosen = list(range(len(usable) - count, len(usable)))
    for place in range(count):
        others = {at for i, at in enumerate(chosen) if i != place}
        missing = amount - _sum(usable[at] for at in others)
        chosen[place] = next(
            at
            for at, note in enumerate(usable)
            if at not in others and note.note.quantity >= missing
        )
    return tuple(usable[at] for at in sorted(chosen, reverse=True))


def _sum(notes: Iterable[OwnedNote]) -> int:
    return sum(note.note.quantity for note in notes)
