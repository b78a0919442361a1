"""A batch of sealed intents, from order to settlement, as a value.

    OPEN → CLOSED → DECRYPTED → SOLVING → SETTLED | EXPIRED
              └────────────────────────────→ EXPIRED      not revealed up to H + 10 (P1-6)

Nothing here reads a clock or a disk: what happens is an event at a height, `step` gives the next
state or refuses, and `advance` does what heights alone bring about. Every node that sees the same
events in the same blocks has the same batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, NoReturn

from node.core.ids import ID_BYTES, AccountId, Height
from node.da.domain import Domain
from node.da.errors import DataRefused

MAX_ENTRIES: Final = 4096
MAX_SCORE: Final = 2**127 - 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is known of an intent before it is opened.

    Attributes:
        id: 32 bytes.
        tag: 32 bytes, a hash of the ciphertext's random point (PX-12).
        payer: who paid, and gets the fee back if the batch is never revealed.
        fee: paid, in base units.
        size: bytes of the ciphertext with its envelope.
        expiry: last height at which it may be ordered.
    """

    id: bytes
    tag: bytes
    payer: AccountId
    fee: int
    size: int
    expiry: Height

    def __post_init__(self) -> None:
        """DA-24, as far as it is about one entry."""
        if {len(self.id), len(self.tag), len(self.payer)} != {ID_BYTES}:
            raise DataRefused("DA-24", "an id, tag or payer is not 32 bytes", where="entry")
        if not 0 <= self.fee < 2**64 or not 1 <= self.size < 2**32:
            raise DataRefused("DA-24", f"fee {self.fee}, size {self.size}", where="entry")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of one entry: its plaintext, or `None` if it provably has none.

    An entry that does not decrypt keeps its place and loses its fee.
    """

    id: bytes
    plaintext: bytes | None


@dataclass(frozen=True, slots=True)
class Solution:
    """A solution as the chain found it: validity and score are recomputed, never believed.

    Attributes:
        id: 32 bytes.
        solver: account.
        score: by the domain's criterion; more is better.
    """

    id: bytes
    solver: AccountId
    score: int

    def __post_init__(self) -> None:
        """DA-29, as far as it is about one solution."""
        if {len(self.id), len(self.solver)} != {ID_BYTES} or abs(self.score) > MAX_SCORE:
            raise DataRefused("DA-29", "not an id, an account and a score", where="solution")

    def beats(self, other: Solution | None) -> bool:
        """More score; of equal ones the lesser id, so that nothing depends on who came first."""
        return other is None or (-self.score, self.id) < (-other.score, other.id)


@dataclass(frozen=True, slots=True)
class Refund:
    """A fee that goes back."""

    entry: bytes
    payer: AccountId
    amount: int


class Reason(IntEnum):
    """Why a batch expired."""

    UNREVEALED = 1
    """Too few shares came. All fees go back: nothing of what they were for was done."""
    UNSOLVED = 2
    """Nobody solved it. No fee goes back: it was for order, storage and decryption, and to fill
    batches with what nobody can solve must cost something."""


# STATES


@dataclass(frozen=True, slots=True)
class _State:
    """Common to all.

    Attributes:
        domain: id of the domain.
        number: of the batch in its domain, from 0.
        height: of the last event.
        entries: in the order in which blocks had them.
    """

    domain: bytes
    number: int
    height: Height
    entries: tuple[Sealed, ...]


@dataclass(frozen=True, slots=True)
class Open(_State):
    """Takes entries, up to and in the block of height `closes`."""

    closes: Height

    @property
    def size(self) -> int:
        """Bytes so far."""
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Closed(_State):
    """Ordered for good at height `closed`; revealed up to height `deadline`, else expired."""

    closed: Height
    deadline: Height


@dataclass(frozen=True, slots=True)
class Decrypted(_State):
    """Readable since height `revealed`; one outcome for each entry."""

    revealed: Height
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Solving(_State):
    """Takes solutions below height `deadline`; keeps the best one."""

    outcomes: tuple[Outcome, ...]
    deadline: Height
    best: Solution | None


@dataclass(frozen=True, slots=True)
class Settled(_State):
    """Settled by the best solution."""

    solution: Solution


@dataclass(frozen=True, slots=True)
class Expired(_State):
    """Over, without a settlement."""

    reason: Reason
    refunds: tuple[Refund, ...]


Batch = Open | Closed | Decrypted | Solving | Settled | Expired


# EVENTS


@dataclass(frozen=True, slots=True)
class Add:
    """A block has another entry."""

    entry: Sealed


@dataclass(frozen=True, slots=True)
class Close:
    """The block of the closing height is over."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """A block has the secrets of the batch, checked; these are the outcomes."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Solvers have seen the outcomes in a block of their own."""


@dataclass(frozen=True, slots=True)
class Submit:
    """A block has a solution, which was recomputed."""

    solution: Solution


@dataclass(frozen=True, slots=True)
class Settle:
    """The best solution is carried out."""


@dataclass(frozen=True, slots=True)
class Expire:
    """The batch's time is over."""


Event = Add | Close | Reveal | Start | Submit | Settle | Expire


def open_batch(domain: Domain, number: int, height: Height) -> Open:
    """A new batch, first block `height`.

    Raises:
        DataRefused: DA-25, the domain closes no batch any more.
    """
    closes = domain.close.next(height)
    if closes is None or not 0 <= number < 2**64:
        raise DataRefused(
            "DA-25", f"no batch {number} closes at {height} or later", where=_name(domain.id)
        )
    return Open(domain.id, number, height, (), closes)


def step(batch: Batch, event: Event, domain: Domain, height: Height) -> Batch:
    """The batch after an event in the block of `height`. Pure.

    Raises:
        DataRefused: DA-22, another domain's parameters; DA-31, no event for this state, or the
            height lies before the last one; DA-24 … DA-30, the rule of the event.
    """
    if batch.domain != domain.id:
        raise DataRefused("DA-22", "the batch is another domain's", where=_name(batch.domain))
    if height < batch.height:
        _refuse(batch, "DA-31", f"height {height} lies before {batch.height}")
    transition = _STEPS.get((type(batch), type(event)))
    if transition is None:
        state, what = type(batch).__name__.upper(), type(event).__name__.lower()
        _refuse(batch, "DA-31", f"{what} has no place in {state}")
    after: Batch = transition(batch, event, domain, height)
    return after


def advance(batch: Batch, domain: Domain, height: Height) -> Batch:
    """What has come about by height alone, before anything in the block of `height` happens."""
    while (event := _due(batch, height)) is not None:
        batch = step(batch, event, domain, height)
    return batch


def _due(batch: Batch, height: Height) -> Event | None:
    match batch:
        case Open(closes=closes) if height > closes:
            return Close()
        case Closed(deadline=deadline) if height > deadline:
            return Expire()
        case Decrypted(revealed=revealed) if height > revealed:
            return Start()
        case Solving(deadline=deadline, best=best) if height >= deadline:
            return Settle() if best else Expire()
        case _:
            return None


def _add(batch: Open, event: Add, domain: Domain, height: Height) -> Open:
    """DA-24: in time, once, paid, and the batch stays within its size."""
    entry = event.entry
    if height > batch.closes:
        _refuse(batch, "DA-24", f"entries are taken up to height {batch.closes}")
    if entry.expiry < batch.closes:
        _refuse(batch, "DA-24", f"the entry expires at {entry.expiry}, the batch is open longer")
    if any(entry.id == other.id or entry.tag == other.tag for other in batch.entries):
        _refuse(batch, "DA-24", f"entry {entry.id.hex()[:16]}… is there already")
    if entry.fee < domain.fee_of(entry.size):
        _refuse(batch, "DA-24", f"a fee of {entry.fee}, not {domain.fee_of(entry.size)}")
    if len(batch.entries) == MAX_ENTRIES or batch.size + entry.size > domain.max_batch_bytes:
        _refuse(batch, "DA-24", "the batch is full")
    return replace(batch, height=height, entries=(*batch.entries, entry))


def _close(batch: Open, _event: Close, domain: Domain, height: Height) -> Closed:
    """DA-25: not before its height. Whenever it is noticed, it closed at that height."""
    if height < batch.closes:
        _refuse(batch, "DA-25", f"closes at height {batch.closes}, this is {height}")
    deadline = Height(batch.closes + domain.reveal_window)
    return Closed(batch.domain, batch.number, height, batch.entries, batch.closes, deadline)


def _reveal(batch: Closed, event: Reveal, _domain: Domain, height: Height) -> Decrypted:
    """DA-26: after the close is final, up to the deadline. DA-27: one outcome for each entry."""
    if height <= batch.closed:
        _refuse(batch, "DA-26", f"closed at {batch.closed}: not final before the next block")
    if height > batch.deadline:
        _refuse(batch, "DA-26", f"expired after height {batch.deadline}, this is {height}")
    if [outcome.id for outcome in event.outcomes] != [entry.id for entry in batch.entries]:
        _refuse(batch, "DA-27", "not one outcome for each entry, in their order")
    return Decrypted(batch.domain, batch.number, height, batch.entries, height, event.outcomes)


def _start(batch: Decrypted, _event: Start, domain: Domain, height: Height) -> Solving:
    """DA-29: solutions begin a block after the reveal, so that no proposer solves alone."""
    if height <= batch.revealed:
        _refuse(batch, "DA-29", f"revealed at {batch.revealed}: solving starts a block later")
    deadline = Height(height + domain.solve_period)
    return Solving(
        batch.domain, batch.number, height, batch.entries, batch.outcomes, deadline, None
    )


def _submit(batch: Solving, event: Submit, _domain: Domain, height: Height) -> Solving:
    """DA-29: before the deadline, and better than what is there."""
    if height >= batch.deadline:
        _refuse(batch, "DA-29", f"solutions are taken below height {batch.deadline}")
    if not event.solution.beats(batch.best):
        _refuse(batch, "DA-29", "a solution that is as good or better is there")
    return replace(batch, height=height, best=event.solution)


def _settle(batch: Solving, _event: Settle, _domain: Domain, height: Height) -> Settled:
    """DA-30: at the deadline, and by the best solution."""
    if height < batch.deadline:
        _refuse(batch, "DA-30", f"settles at height {batch.deadline}, this is {height}")
    if batch.best is None:
        _refuse(batch, "DA-30", "there is no solution")
    return Settled(batch.domain, batch.number, height, batch.entries, batch.best)


def _expire_unrevealed(batch: Closed, _event: Expire, _domain: Domain, height: Height) -> Expired:
    """DA-28 (P1-6): by height, and every fee goes back."""
    if height <= batch.deadline:
        _refuse(batch, "DA-28", f"expires after height {batch.deadline}, this is {height}")
    refunds = tuple(Refund(entry.id, entry.payer, entry.fee) for entry in batch.entries)
    return Expired(batch.domain, batch.number, height, batch.entries, Reason.UNREVEALED, refunds)


def _expire_unsolved(batch: Solving, _event: Expire, _domain: Domain, height: Height) -> Expired:
    """DA-28: at the deadline, and only without a solution."""
    if height < batch.deadline:
        _refuse(batch, "DA-28", f"expires at height {batch.deadline}, this is {height}")
    if batch.best is not None:
        _refuse(batch, "DA-28", "there is a solution: it settles")
    return Expired(batch.domain, batch.number, height, batch.entries, Reason.UNSOLVED, ())


_STEPS: Final[dict[tuple[type, type], Callable[[Any, Any, Domain, Height], Any]]] = {
    (Open, Add): _add,
    (Open, Close): _close,
    (Closed, Reveal): _reveal,
    (Closed, Expire): _expire_unrevealed,
    (Decrypted, Start): _start,
    (Solving, Submit): _submit,
    (Solving, Settle): _settle,
    (Solving, Expire): _expire_unsolved,
}


def _refuse(batch: Batch, rule: str, message: str) -> NoReturn:
    raise DataRefused(rule, message, where=f"batch {batch.number} of {_name(batch.domain)}")


def _name(domain_id: bytes) -> str:
    return f"domain {domain_id.hex()[:16]}…"
