"""Turnstile (S-7): how much of each kind has entered and left each environment, ever.

    v/0/ ‖ kind        issued at genesis, u64 little-endian
    v/<tag>/ ‖ kind    entered and left, two u128; the environment holds the difference
    v/h/ ‖ kind        how often amounts that nobody sees went into and out of the private pool,
                       two u64; absent: never

Totals only grow, so a wrong one cannot be repaired by a later movement (incident 23). What an
environment holds is never negative (EX-11): if a flaw in a circuit minted value inside the shielded
pool, no more than what honestly entered could ever come out.

Amounts that move in the dark between the shielded and the private pool are in no total. A pool into
which some went is bounded together with the other one (EX-41): what both hold is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from node.core.amounts import MAX_AMOUNT
from node.core.block import Receipt
from node.core.codec import Reader, Writer
from node.core.effects import Event
from node.core.errors import InvalidTransaction
from node.core.genesis import Genesis
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Kind
from node.core.interfaces import StateReader
from node.execution.overlay import EmptyState, Overlay
from transparent.accounts import every_balance
from zk.errors import DecodeError

Item = TypeVar("Item")

PREFIX: Final = b"v/"
_ISSUED: Final = PREFIX + b"0/"
_HIDDEN: Final = PREFIX + b"h/"
_TOTAL_BYTES: Final = 16
EVENT: Final = "turnstile"
"""Name of the event that a receipt carries for every movement."""
HIDDEN_EVENT: Final = "turnstile-hidden"
"""Name of the event of a movement whose amount nobody sees."""
DARK: Final = (EnvironmentId.SHIELDED, EnvironmentId.PRIVATE)
"""The two pools between which amounts move in the dark."""
_ENDS: Final = (DARK, DARK[::-1])


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount` base units of `kind` from one environment to another; amount > 0."""

    source: EnvironmentId
    target: EnvironmentId
    kind: Kind
    amount: int

    def event(self) -> Event:
        return Event(EVENT, (*_way(self), ("amount", str(self.amount))))

    @staticmethod
    def from_event(event: Event) -> Movement:
        """The movement of a receipt's event. Raises DecodeError if it is none."""
        found = Movement(*_read(event, "amount", int))
        if not 0 < found.amount <= MAX_AMOUNT:
            # Receipts may be a stranger's: a negative amount would take totals back.
            raise DecodeError("a movement of nothing, or of 2^64 or more", where="receipt")
        return found


@dataclass(frozen=True, slots=True)
class HiddenMovement:
    """Some amount of `kind` from one of the two dark pools to the other.

    Attributes:
        source, target: SHIELDED and PRIVATE, or the reverse.
        kind: what moved.
        reference: 32 bytes, digest of the private message that it belongs to.
    """

    source: EnvironmentId
    target: EnvironmentId
    kind: Kind
    reference: bytes

    def event(self) -> Event:
        return Event(HIDDEN_EVENT, (*_way(self), ("reference", self.reference.hex())))

    @staticmethod
    def from_event(event: Event) -> HiddenMovement:
        """The movement of a receipt's event. Raises DecodeError if it is none."""
        found = HiddenMovement(*_read(event, "reference", bytes.fromhex))
        if (found.source, found.target) not in _ENDS:
            raise DecodeError("nothing moves in the dark between these", where="receipt")
        return found


def _way(moved: Movement | HiddenMovement) -> tuple[tuple[str, str], ...]:
    """What the events of both say: from where to where, and of which kind."""
    return (
        ("from", moved.source.label),
        ("to", moved.target.label),
        ("logic", str(moved.kind.logic)),
        ("label", str(moved.kind.label)),
    )


def _read(
    event: Event, name: str, parse: Callable[[str], Item]
) -> tuple[EnvironmentId, EnvironmentId, Kind, Item]:
    """That, and what the event says under one more name. Raises DecodeError."""
    try:
        fields = dict(event.data)
        ends = EnvironmentId[fields["from"].upper()], EnvironmentId[fields["to"].upper()]
        return *ends, Kind(int(fields["logic"]), int(fields["label"])), parse(fields[name])
    except (KeyError, ValueError) as error:
        raise DecodeError("no movement of the turnstile", where="receipt") from error


@dataclass(frozen=True, slots=True)
class Hidden:
    """How often amounts of one kind moved in the dark, since genesis.

    Attributes:
        into: from the shielded pool into the private one.
        out_of: back.
    """

    into: int = 0
    out_of: int = 0

    def entered(self, environment: EnvironmentId) -> bool:
        """Whether a pool may hold more than its totals say."""
        match environment:
            case EnvironmentId.PRIVATE:
                return self.into > 0
            case EnvironmentId.SHIELDED:
                return self.out_of > 0
            case _:
                return False

    def to_bytes(self) -> bytes:
        return Writer().u64(self.into).u64(self.out_of).done()

    @staticmethod
    def from_bytes(data: bytes) -> Hidden:
        reader = Reader(data, "turnstile")
        found = Hidden(reader.u64(), reader.u64())
        reader.done()
        return found


@dataclass(frozen=True, slots=True)
class Totals:
    """Base units of one kind that have entered and left one environment since genesis."""

    entered: int = 0
    left: int = 0

    @property
    def held(self) -> int:
        return self.entered - self.left

    def to_bytes(self) -> bytes:
        return Writer().uint(self.entered, _TOTAL_BYTES).uint(self.left, _TOTAL_BYTES).done()

    @staticmethod
    def from_bytes(data: bytes) -> Totals:
        reader = Reader(data, "turnstile")
        totals = Totals(reader.uint(_TOTAL_BYTES), reader.uint(_TOTAL_BYTES))
        reader.done()
        return totals


def totals_key(environment: EnvironmentId, kind: Kind) -> bytes:
    """Key of the totals of one environment and kind."""
    return PREFIX + b"%d/" % environment + kind.to_bytes()


def issued_key(kind: Kind) -> bytes:
    """Key of what genesis issued of a kind."""
    return _ISSUED + kind.to_bytes()


def totals(state: StateReader, environment: EnvironmentId, kind: Kind) -> Totals:
    """What has entered and left `environment` so far."""
    data = state.get(totals_key(environment, kind))
    return Totals.from_bytes(data) if data is not None else Totals()


def hidden_key(kind: Kind) -> bytes:
    """Key of how often amounts of a kind moved in the dark."""
    return _HIDDEN + kind.to_bytes()


def hidden(state: StateReader, kind: Kind) -> Hidden:
    """How often amounts of a kind moved in the dark so far."""
    data = state.get(hidden_key(kind))
    return Hidden.from_bytes(data) if data is not None else Hidden()


def genesis_writes(genesis: Genesis) -> dict[bytes, bytes | None]:
    """EX-14: all that is ever issued enters the transparent environment, once; bonds go on."""
    writes: dict[bytes, bytes | None] = {}
    for kind, amount in genesis.supply().items():
        writes[issued_key(kind)] = Writer().u64(amount).done()
        writes[totals_key(EnvironmentId.TRANSPARENT, kind)] = Totals(amount).to_bytes()
    if genesis.stake is not None:
        issued, bonded = genesis.supply()[NATIVE], genesis.stake.bonded
        left = Totals(issued, bonded)
        writes[totals_key(EnvironmentId.TRANSPARENT, NATIVE)] = left.to_bytes()
        writes[totals_key(EnvironmentId.STAKE, NATIVE)] = Totals(bonded).to_bytes()
    return writes


def move(
    state: Overlay, movements: Iterable[Movement], dark: Iterable[HiddenMovement] = ()
) -> None:
    """Record one transaction's movements.

    EX-11 is checked on what an environment holds after *all* of them: their order within a
    transaction means nothing, but no amount is netted away in the totals.

    Args:
        state: below which they are written.
        movements: whose amounts are known.
        dark: whose amounts nobody sees; they are counted.

    Raises:
        InvalidTransaction: EX-11, EX-41, EX-45.
    """
    for one in dark:
        if state.get(issued_key(one.kind)) is None:
            raise InvalidTransaction(
                "EX-45", f"nothing was ever issued of what moves (label {one.kind.label})",
                where="turnstile",
            )  # fmt: skip
        before = hidden(state, one.kind)
        into = one.target is EnvironmentId.PRIVATE
        count = Hidden(before.into + into, before.out_of + (not into))
        state.put(hidden_key(one.kind), count.to_bytes())
    changed = _changed(state, movements)
    for (environment, kind), after in changed.items():
        state.put(totals_key(environment, kind), after.to_bytes())
    for (environment, kind), after in changed.items():
        dark_ever = hidden(state, kind)
        if not dark_ever.entered(environment):
            what = f"the {environment.label} environment than ever entered it"
            _check_bound("EX-11", after.held, what, kind)
        if environment in DARK and dark_ever != Hidden():
            joint = sum(totals(state, pool, kind).held for pool in DARK)
            what = "the shielded and private pools together than ever entered them"
            _check_bound("EX-41", joint, what, kind)


def _check_bound(rule: str, held: int, what: str, kind: Kind) -> None:
    if held < 0:
        raise InvalidTransaction(
            rule,
            f"{-held} base units more would have left {what} (label {kind.label})",
            where="turnstile",
        )


def _changed(
    state: StateReader, movements: Iterable[Movement]
) -> dict[tuple[EnvironmentId, Kind], Totals]:
    """What the environments touched will have; nothing is written."""
    changed: dict[tuple[EnvironmentId, Kind], Totals] = {}
    for movement in movements:
        for environment, entered, left in (
            (movement.source, 0, movement.amount),
            (movement.target, movement.amount, 0),
        ):
            key = environment, movement.kind
            before = changed.get(key) or totals(state, *key)
            changed[key] = Totals(before.entered + entered, before.left + left)
    return changed


def stored(state: StateReader) -> dict[bytes, bytes]:
    """All turnstile entries of a state."""
    return dict(state.iterate(PREFIX))


def recomputed(genesis: Genesis, receipts: Iterable[Receipt]) -> dict[bytes, bytes]:
    """EX-15: the entries that a state must hold after these receipts, from genesis on.

    Args:
        genesis: of the chain.
        receipts: of every block since, in order.

    Raises:
        InvalidTransaction: EX-11 or EX-41, the receipts are not those of a valid chain.
        DecodeError: an event that is no movement.
    """
    state = Overlay(EmptyState())
    state.update(genesis_writes(genesis).items())
    for receipt in receipts:
        if receipt.ok:
            move(state, *told(receipt))
    return dict(state.iterate(PREFIX))


def told(receipt: Receipt) -> tuple[list[Movement], list[HiddenMovement]]:
    """The movements that a receipt tells of: with amounts, and in the dark.

    Raises:
        DecodeError: an event that is no movement.
    """
    return (
        [Movement.from_event(e) for e in receipt.events if e.name == EVENT],
        [HiddenMovement.from_event(e) for e in receipt.events if e.name == HIDDEN_EVENT],
    )


# --- audit --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Supply:
    """Where the base units of one kind are, as a state has it.

    Attributes:
        kind: which.
        issued: at genesis.
        transparent: sum of all balances, those of fees included.
        fees: of these, what FEE_ACCOUNT holds.
        held: what the turnstile says each environment holds; what is in a pool can be known by no
            other way, since notes do not show their amounts.
        hidden: how often amounts moved in the dark between the shielded and the private pool. If
            ever, `held` of these two says what is known of each; exact is their sum, `joint`.
    """

    kind: Kind
    issued: int
    transparent: int
    fees: int
    held: Mapping[EnvironmentId, int]
    hidden: Hidden = Hidden()

    @property
    def shielded(self) -> int:
        return self.held.get(EnvironmentId.SHIELDED, 0)

    @property
    def private(self) -> int:
        return self.held.get(EnvironmentId.PRIVATE, 0)

    @property
    def stake(self) -> int:
        return self.held.get(EnvironmentId.STAKE, 0)

    @property
    def joint(self) -> int:
        """What the shielded and the private pool hold together: exact, whatever moved in them."""
        return self.shielded + self.private

    @property
    def adds_up(self) -> bool:
        """Balances are what the turnstile says, no pool is negative, all of it was issued.

        A pool into which amounts came in the dark may hold more than is known (EX-41).
        """
        known = (n for tag, n in self.held.items() if not self.hidden.entered(tag))
        return (
            self.transparent == self.held.get(EnvironmentId.TRANSPARENT, 0)
            and min(known, default=0) >= 0
            and self.joint >= 0
            and self.transparent + self.shielded + self.private + self.stake == self.issued
        )


def supply(state: StateReader) -> tuple[Supply, ...]:
    """Audit a state: one line per kind that it mentions, in the order of kinds.

    Reads every balance: linear in the number of accounts.
    """
    issued: dict[Kind, int] = {}
    held: dict[Kind, dict[EnvironmentId, int]] = {}
    dark: dict[Kind, Hidden] = {}
    balances: dict[Kind, int] = {}
    fees: dict[Kind, int] = {}
    for key, value in state.iterate(PREFIX):
        tag, kind_bytes = key[len(PREFIX) : len(PREFIX) + 2], key[len(PREFIX) + 2 :]
        kind = Kind.read(Reader(kind_bytes, "turnstile"))
        if tag == b"0/":
            issued[kind] = int.from_bytes(value, "little")
        elif tag == b"h/":
            dark[kind] = Hidden.from_bytes(value)
        else:
            environment = EnvironmentId(int(tag[:1]))
            held.setdefault(kind, {})[environment] = Totals.from_bytes(value).held
    for account, kind, amount in every_balance(state):
        balances[kind] = balances.get(kind, 0) + amount
        if account == FEE_ACCOUNT:
            fees[kind] = fees.get(kind, 0) + amount
    return tuple(
        Supply(
            kind,
            issued.get(kind, 0),
            balances.get(kind, 0),
            fees.get(kind, 0),
            held.get(kind, {}),
            dark.get(kind, Hidden()),
        )
        for kind in sorted({*issued, *held, *balances})
    )
