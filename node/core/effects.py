"""What a transaction does, as a value. Environments return effects; the executor alone writes.

Keys of the state are bytes with a readable prefix, one prefix per owner:

    `t/…`   transparent environment        `s/…`   shielded environment (`p/…` private)
    `n/…`   nullifiers, written by the executor: `n/` + environment tag + nullifier → height (u64)
    `v/…`   turnstile totals, written by the executor (rule EX-…, S-7)
    `o/…`   orders of the guardians and states of pools
    `c/…`   chain: parameters, block metadata
"""

from __future__ import annotations

from dataclasses import dataclass, field

from node.core.ids import AccountId, EnvironmentId, Kind


def nullifier_key(environment: EnvironmentId, nullifier: bytes) -> bytes:
    """Where the state says in which block a resource was spent, for those who only read it."""
    return b"n/%d/" % environment + nullifier


@dataclass(frozen=True, slots=True)
class Crossing:
    """Value that enters or leaves an environment (a *public value* of protocol.md §6, S-20).

    Attributes:
        target: environment on the other side, which must accept the crossing.
        account: whom it credits or debits there.
        kind: what moves.
        amount: positive: leaves the transaction's environment and credits `account`; negative:
            debits `account` and enters the transaction's environment. Never 0, |amount| < 2⁶⁴.
        authorization: for a debit, the account's signature over the transaction's digest; empty for
            a credit.
    """

    target: EnvironmentId
    account: AccountId
    kind: Kind
    amount: int
    authorization: bytes = b""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for receipts and wallets. Not part of the state, never secret."""

    name: str
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Effects:
    """All that one transaction does.

    Attributes:
        writes: key → new value, `None` deletes. Later effects see earlier ones of the same block.
        nullifiers: 32-byte encodings; the executor refuses duplicates and records them.
        commitments: field elements appended to the environment's note tree, in this order.
        crossings: value that enters or leaves.
        fee: base units of the native kind that leave this environment into FEE_ACCOUNT.
        events: for receipts.
    """

    writes: tuple[tuple[bytes, bytes | None], ...] = ()
    nullifiers: tuple[bytes, ...] = ()
    commitments: tuple[int, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    fee: int = 0
    events: tuple[Event, ...] = field(default=())
