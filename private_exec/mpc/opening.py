"""Degree-t openings: what is opened is what 2t + 1 members say.  Rule PV-13 (P2-9, P2-11).

Shares of degree t from n = 3t + 1 members are a Reed–Solomon word. A value counts if the shares of
at least 2t + 1 members lie on one polynomial: at least t + 1 of them are honest, and t + 1 points
fix it. So nothing wrong is taken for right while at most t members lie, whoever else is slow; and
once all honest members have spoken, at most t liars cannot stop it, and are named. No echo is
needed, as every honest member decodes the same values from whatever it received.
"""

from __future__ import annotations

from private_exec.mpc import vectors
from private_exec.mpc.context import Context
from private_exec.mpc.decode import decode
from private_exec.mpc.errors import OpeningFailed, TooFewVectors, TooManyLiars
from private_exec.mpc.message import Kind
from private_exec.mpc.rounds import WAIT, Inbox, Round, Rounds
from zk.field.arrays import U64Array


def open_shares(context: Context, shares: U64Array) -> Rounds[U64Array]:
    """Open values of which every member holds a share of degree t. One round.

    Args:
        context: of the member.
        shares: its own, `uint64[m, 4]`; nothing is sent where m = 0.

    Returns:
        The values, `uint64[m, 4]`, the same for every honest member.

    Raises:
        OpeningFailed: PV-13, nobody else is waited for and no value has 2t + 1 members behind it.
    """
    if not len(shares):
        return shares
    inbox = yield Round(Kind.OPEN, vectors.to_bytes(shares))
    while True:
        values = decide(context, inbox)
        if values is not None:
            return values
        if inbox.closed:
            raise OpeningFailed(
                "PV-13",
                f"{len(inbox.messages)} members' shares, and no 2t + 1 of them agree",
                where=f"round {context.round}",
            )
        inbox = yield WAIT


def decide(context: Context, inbox: Inbox) -> U64Array | None:
    """The values behind which 2t + 1 members stand (PV-4); None so far. Notes liars."""
    size = context.session.size
    try:
        decoded = decode(size, inbox.vectors, size.t)
    except (TooFewVectors, TooManyLiars):
        return None
    for liar in decoded.liars:
        header = inbox.messages[liar].header
        context.hold(header, "PV-13", "a share that does not fit the others'")
    return decoded.values
