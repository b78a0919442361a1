"""Who sees what of an intent, and when: for people, before they send it and when they ask.

The same table, with sizes and timing, is in docs/intents.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.cli.intent_files import Kept, Published

_COLLUDING: Final = (
    "the content, at once, if they break the rules: nothing but their number keeps them from it, "
    "and it leaves no trace. `chiaro validator keys` says how many it takes; where a chain has one "
    "validator, that one alone"
)
SWAP: Final = "swap"
LIMIT: Final = "limit"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one role learns at one moment."""

    when: str
    who: str
    what: str


def _content(kept: Kept) -> str:
    """What the opening makes public."""
    if kept.schema == SWAP:
        return (
            "assets and net amounts that you give and want, expiry, nullifiers and new "
            "commitments; not who you are, what your notes hold, or your change"
        )
    if kept.schema == LIMIT:
        return "your account, what it sells at most, for how much of what at least"
    return (
        "a whole private transaction, as any private payment shows itself; its amounts, sender "
        "and receiver stay hidden"
    )


def table(kept: Kept) -> tuple[Sight, ...]:
    """All of it, in the order of time."""
    if kept.published is not None:
        return _open_table(kept, kept.published)
    sent = kept.sent
    payer = "your transparent account" if sent is None or not sent.payer_index else (
        "a one-time account that was funded from the pool"
    )  # fmt: skip
    opened = _content(kept)
    rest = "its nullifiers link it to whatever spends its notes later"
    if kept.schema == LIMIT:
        rest = "the order itself stays known; it can be filled until it expires"
    return (
        Sight("kept", "you", "everything; it lies in this wallet's folder, readable by you alone"),
        Sight("sent", "the node you use", "your network address, when you sent it"),
        Sight("sent", "enough validators together", _COLLUDING),
        Sight(
            "ordered",
            "everyone",
            f"that {payer} ordered something: fee, size class, number of proofs, expiry, time",
        ),
        Sight("closed", "each validator", "nothing more, nor do too few of them together"),
        Sight("opened", "everyone, solvers too", opened),
        Sight("settled", "everyone", "which intents were settled together, and by whom"),
        Sight("not settled", "everyone", f"the same as when it was opened; {rest}"),
    )


def _open_table(kept: Kept, item: Published) -> tuple[Sight, ...]:
    content = _content(kept)
    mine = Sight(
        "kept", "you", "everything; it lies in this wallet's folder, readable by you alone"
    )
    node = Sight("published", "the node you use", "your network address, when you sent it")
    if item.to is None:
        read: tuple[Sight, ...] = (
            Sight("published", "everyone", f"{content}; before it has any place in an order"),
        )
    else:
        read = (
            Sight("published", "the solver that it is for", content),
            Sight(
                "published", "everyone else", "that somebody wrote to somebody: size class, expiry"
            ),
        )
    return (
        mine,
        node,
        *read,
        Sight("settled", "everyone", f"{content}; with which others, and by which solver"),
        Sight("not settled", "whoever has read it", "the same; it can be settled until it expires"),
    )


def before_publishing(kept: Kept, to: bytes | None) -> tuple[str, ...]:
    """What a person should have read before an intent goes out unsealed."""
    content = _content(kept)
    first = (
        (
            f"at once: {content}",
            "whoever reads it can trade ahead of it or leave it out: nothing orders it before",
        )
        if to is None
        else (
            f"to that solver at once, to everyone when it settles: {content}",
            "that solver can trade ahead of it or leave it out; nobody else can read it",
        )
    )
    return (*first, f"it can be settled up to block {kept.expiry}, and not be called back")


def before_sending(kept: Kept, pay: str) -> tuple[str, ...]:
    """What a person should have read before the bytes leave.

    Args:
        kept: the intent.
        pay: `account` or `shielded`: from where its order is paid.
    """
    payer = "that your transparent account ordered something"
    if pay != "account":
        payer = "that an account ordered something which was funded from the pool for this alone"
    return (
        f"at once: {payer}; fee, size class, time",
        f"when the batch is opened: {_content(kept)}",
        "it cannot be taken back once it is ordered; nobody, you neither, gets a last look at "
        "the others",
    )
