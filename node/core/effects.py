"""What a transaction does, as a value. Environments return effects; the executor alone writes.

Keys of the state are bytes with a readable prefix, one prefix per owner:

    `t/…`   transparent environment        `s/…`   shielded environment (`p/…` private)
    `n/…`   nullifiers, written by the executor: `n/` + environment tag + nullifier → height (u64)
    `v/…`   turnstile totals, written by the executor (rule EX-…, S-7)
    `o/…`   orders of the guardians and states of pools
    `i/…`   sealed intents: keys, batches, settlements; reservations under `i/r/`,
              held balances under `i/held/`
    `b/…`   stake: validators, notices, rosters, faults (`node.stake.state`)
    `c/…`   chain: parameters, block metadata
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from node.core.ids import AccountId, EnvironmentId, Kind

PART: Final = "part"
"""Event of a part: its name, and `ok` or the rule that refused it. Its own events follow."""
CARRIED: Final = "carried"
"""Event of a transaction inside another: environment, id, fee; its bytes where they are told."""


def nullifier_key(environment: EnvironmentId, nullifier: bytes) -> bytes:
    """Where the state says in which block a resource was spent, for those who only read it."""
    return b"n/%d/" % environment + nullifier


RESERVATIONS: Final = b"i/r/"
"""Prefix of all `reservation_key`s."""


def reservation_key(nullifier: bytes) -> bytes:
    """Where the state says to which batch of intents a resource is reserved (S-19).

    Args:
        nullifier: a `nullifier_key`.
    """
    return RESERVATIONS + nullifier


def held_key(account: AccountId, kind: Kind) -> bytes:
    """Where the state says how much of a balance opened intents may take (TR-11)."""
    return b"i/held/" + account + kind.to_bytes()


@dataclass(frozen=True, slots=True)
class BatchScope:
    """A batch of intents: what a settlement's parts run under.

    Attributes:
        domain: number of the data availability domain.
        epoch: of the key under which its intents were sealed.
        number: of the batch in its domain.
    """

    domain: int
    epoch: int
    number: int

    @property
    def ref(self) -> bytes:
        """12 bytes that name the batch: domain and number, big-endian, so that they sort."""
        return self.domain.to_bytes(4, "big") + self.number.to_bytes(8, "big")


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
class HiddenValue:
    """An amount that nobody sees, on its way between two pools (SH-66, EX-40).

    Attributes:
        target: the pool on the other side.
        reference: 32 bytes, digest of the message there that it pays for, or that it is paid by.
        kind: what moves.
        cv: 32 bytes, the commitment [v]K + [rcv]R to the amount v, on Baby Jubjub, compressed.
        enters: from `target` into the transaction's pool; else the other way.
    """

    target: EnvironmentId
    reference: bytes
    kind: Kind
    cv: bytes
    enters: bool


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for receipts and wallets. Not part of the state, never secret."""

    name: str
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a transaction that takes effect wholly or not at all, in other environments.

    Attributes:
        name: what its event says, such as `component 3`.
        wires: whole transactions, run in order as if they stood in the block themselves.
        balances: then, changes of transparent accounts, signed; per kind they sum to 0, and what is
            taken must be there when the part runs.
        effects: then, writes and events in an environment's name; never of balances.
        scope: the batch that it settles; None outside of batches.
        required: its failure refuses the transaction; else only the part, and an event says so.
        told: the events have the bytes of its transactions, for who looks for these in a block.
        hidden: what its one transaction moves in the dark; whoever made the part has verified that
            the other side moves the same amounts (EX-40).
    """

    name: str
    wires: tuple[bytes, ...] = ()
    balances: tuple[tuple[AccountId, Kind, int], ...] = ()
    effects: tuple[tuple[EnvironmentId, Effects], ...] = ()
    scope: BatchScope | None = None
    required: bool = False
    told: bool = False
    hidden: tuple[HiddenValue, ...] = ()


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
        payer: the transparent account that pays the fee instead, if it signed for that.
        parts: what else happens, each part atomically (EX-38); of the sealed lane, and, as EX-43
            says, of the private environment.
        carried_fee: what of the declared fee its parts' transactions pay themselves (EX-43).
        hidden: amounts in the dark that leave or enter (EX-40).
        releases: without it something that is inside could not leave (EX-46).
    """

    writes: tuple[tuple[bytes, bytes | None], ...] = ()
    nullifiers: tuple[bytes, ...] = ()
    commitments: tuple[int, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    fee: int = 0
    events: tuple[Event, ...] = field(default=())
    payer: AccountId | None = None
    parts: tuple[Part, ...] = ()
    carried_fee: int = 0
    hidden: tuple[HiddenValue, ...] = ()
    releases: bool = False
