"""What each viewing key shows, and what it cannot prove. Rules SH-46, SH-64.

A report made with a viewing key is read by people who decide something on it: what it leaves out is
part of what it says (zcash#3060: notes handed over out of band hide from the holder of a full
viewing key). The sentences stand here once; balances, ledgers and reports quote them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shielded.keys import FullViewingKey, IncomingViewingKey, ViewingKey


class View(StrEnum):
    """Which viewing key somebody looks with."""

    FULL = "full"
    INCOMING = "incoming"
    OUTGOING = "outgoing"

    @property
    def running(self) -> str:
        """What its amounts sum to: a balance only where spending is seen."""
        return _RUNNING[self]

    @property
    def shows(self) -> str:
        """What the holder sees, one sentence."""
        return SHOWS[self]

    @property
    def cannot_prove(self) -> tuple[str, ...]:
        """What the holder cannot see or prove, one sentence each.

        What depends on heights is not among them: see `completeness`.
        """
        return (*_OWN_LIMITS[self], *_COMMON_LIMITS)


_RUNNING: Final = {View.FULL: "balance", View.INCOMING: "received", View.OUTGOING: "sent"}

SHOWS: Final = {
    View.FULL: "everything: amounts, addresses, memos, what was received, sent, spent; "
    "spends nothing",
    View.INCOMING: "what its addresses receive; neither change nor when a note is spent",
    View.OUTGOING: "what was sent, to whom, with which memo; not what was received",
}

_OWN_LIMITS: Final = {
    View.FULL: (
        "Payments for which the sender kept no copy (made by another program, or handed over "
        "outside the chain) appear as spent; their receiver and memo are not known.",
    ),
    View.INCOMING: (
        "Spending is invisible: the sums are what was received, not what is left. Some or all of "
        "it may be spent.",
        "Change and other notes at internal addresses are invisible, as is everything sent.",
        "A payment of the wallet to its own address counts as received.",
    ),
    View.OUTGOING: (
        "Receipts, change and balances are invisible: the sums are what was sent.",
        "Payments made without a copy for this key, withdrawals to transparent accounts and fees "
        "of transfers are invisible.",
        "A payment of the wallet to its own address counts as sent.",
    ),
}
_COMMON_LIMITS: Final = (
    "A note whose opening was handed over outside the chain, beside a ciphertext of noise, is not "
    "shown, nor is its spending: the key sees the notes that were delivered on the chain to it.",
    "Notes whose ciphertext is for another key are not shown: other accounts and other wallets of "
    "the same person, and its transparent accounts, are not part of this.",
    "Who a person is, and whether a memo is true, does not follow from any key.",
)


def view_of(key: ViewingKey) -> View:
    """Which of the three a key is."""
    if isinstance(key, FullViewingKey):
        return View.FULL
    return View.INCOMING if isinstance(key, IncomingViewingKey) else View.OUTGOING


def completeness(birthday: int, height: int) -> str:
    """For which blocks a scanned wallet speaks, one sentence.  Rule SH-64."""
    start = "the first block" if birthday == 0 else f"block {birthday + 1}"
    before = "" if birthday == 0 else f" Notes of blocks up to {birthday} were not looked for."
    if height <= birthday:
        return f"No block was scanned yet.{before}"
    return f"Complete from {start} to block {height} only, as one node served them.{before}"
