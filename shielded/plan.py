"""A plan: what the wallet intends, complete before anything is computed, and shown to the user.

What is random about a transaction is derived from the plan (SH-30, S-13): the same plan gives the
same bytes, and a plan that differs in anything at all shares no secret with it, because the root
of the derivation hashes the content together with the seed. Only α is derived outside the plan:
from the account's secret and what the action publishes, to be found again (SH-61).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from node.core.amounts import MAX_AMOUNT
from node.core.codec import Writer
from node.core.effects import Crossing
from node.core.ids import NATIVE, ChainId, Height, Kind
from shielded import spec
from shielded.address import Address
from shielded.encryption import MEMO_BYTES, memo_to_text
from shielded.errors import PlanRefused
from shielded.hidden import HiddenOpening, check_form
from shielded.notes import Note
from shielded.transaction import Mode, Scope, check_public_values
from shielded.tree import DEPTH, MerklePath, NoteTree, node
from zk.curve.babyjub import ORDER
from zk.errors import DecodeError
from zk.field.params import FR

SEED_BYTES: Final = 32
EMPTY_MEMO: Final = bytes(MEMO_BYTES)


class OwnsNote(Protocol):
    """What a plan needs of a wallet's note."""

    @property
    def note(self) -> Note: ...


@dataclass(frozen=True, slots=True, repr=False)
class Spend:
    """A note to be consumed, and its path to the plan's anchor."""

    note: Note
    path: MerklePath

    def __repr__(self) -> str:
        return "<Spend: hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Payment:
    """A note to be created.

    Attributes:
        address: whose it will be.
        quantity: base units; 0 is allowed and pays nothing (a memo alone).
        kind: of a plain token.
        memo: 512 bytes (`encryption.memo_from_text`).
        data: one field element, given meaning by a logic.
        change: to oneself, at an internal address; no copy under ovk is made.
    """

    address: Address
    quantity: int
    kind: Kind = NATIVE
    memo: bytes = EMPTY_MEMO
    data: int = 0
    change: bool = False

    def __repr__(self) -> str:
        return "<Payment: hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """What shall happen.

    Attributes:
        seed: 32 fresh random bytes; the only randomness there is.
        chain_id: where.
        anchor_children: children of the tree's root at one height; one anchor serves the whole
            transaction (SH-31, S-24). `NoteTree.top`, or `MerklePath.top`.
        expiry: last height.
        spends: notes to consume.
        payments: notes to create, change included.
        public_values: what leaves (positive) or enters the pool; without authorizations.
        fee: base units of the native kind.
        mode: what the signatures bind; `PARTY` for a part of a composed transaction.
        scope: None: anywhere.
        hidden_values: what goes into the private pool or comes from it, its amounts in the dark.

    Raises:
        PlanRefused: SH-30 the seed, SH-31 a path to another anchor, SH-32 a hidden value of a kind
            with a logic, SH-39 amounts.
        MalformedTransaction: SH-21 … SH-24, of the public values; SH-5, SH-66, SH-67, of the
            hidden ones.
    """

    seed: bytes
    chain_id: ChainId
    anchor_children: tuple[int, ...]
    expiry: Height
    spends: tuple[Spend, ...] = ()
    payments: tuple[Payment, ...] = ()
    public_values: tuple[Crossing, ...] = ()
    fee: int = 0
    mode: Mode = Mode.TRANSACTION
    scope: Scope | None = None
    hidden_values: tuple[HiddenOpening, ...] = ()

    def __repr__(self) -> str:
        return "<Plan: hidden>"

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise PlanRefused("SH-30", f"a plan's seed has {SEED_BYTES} bytes", where="seed")
        amounts = [payment.quantity for payment in self.payments]
        if not all(0 <= amount <= MAX_AMOUNT for amount in (*amounts, self.fee)):
            raise PlanRefused("SH-39", "an amount is outside [0, 2^64)", where="plan")
        if any(len(payment.memo) != MEMO_BYTES for payment in self.payments):
            raise PlanRefused("SH-39", f"a memo has {MEMO_BYTES} bytes", where="memo")
        for index, spend in enumerate(self.spends):
            if spend.path.top != self.anchor_children:
                raise PlanRefused(
                    "SH-31",
                    "a path leads to another anchor",
                    where=f"spend {index}",
                    fix="take all paths at one height",
                )
        check_public_values(self.public_values)
        check_form(tuple(opening.value for opening in self.hidden_values))
        if any(opening.kind.logic for opening in self.hidden_values):
            raise PlanRefused("SH-32", "a kind with a logic cannot cross", where="hidden values")

    @property
    def anchor(self) -> int:
        """Root of the note tree that the plan is made against."""
        return node(self.anchor_children)

    def imbalance(self) -> dict[Kind, int]:
        """Kinds that do not sum to zero: positive, more comes in than goes out."""
        sums = Counter[Kind]()
        for spend in self.spends:
            sums[spend.note.kind] += spend.note.quantity
        for payment in self.payments:
            sums[payment.kind] -= payment.quantity
        for value in self.public_values:
            sums[value.kind] -= value.amount
        for opening in self.hidden_values:
            sums[opening.kind] += opening.amount if opening.enters else -opening.amount
        sums[NATIVE] -= self.fee
        return {kind: amount for kind, amount in sums.items() if amount}

    def check_balanced(self) -> None:
        """SH-39: what comes in goes out.

        Raises:
            PlanRefused: names no amount, only the number of kinds concerned.
        """
        if missing := self.imbalance():
            raise PlanRefused(
                "SH-39",
                f"{len(missing)} kinds do not sum to zero",
                where="plan",
                fix="add change, or compose it with another party's part",
            )

    def revised(self, seed: bytes, **changes: Any) -> Plan:
        """A changed plan; it takes a new seed.  Rule SH-30 (S-13).

        Raises:
            PlanRefused: SH-30, the seed is the old one.
        """
        if seed == self.seed:
            raise PlanRefused("SH-30", "a changed plan takes a new seed", where="seed")
        return replace(self, seed=seed, **changes)

    @property
    def randomness(self) -> Randomness:
        return Randomness(spec.expand("plan/root", self.seed, self.content()))

    def content(self) -> bytes:
        """Everything but the seed, injectively: what the derivation of secrets is bound to."""
        writer = Writer().raw(self.chain_id, 32).u64(self.expiry).fr(self.anchor).u8(self.mode)
        writer.u8(self.scope is not None)
        if self.scope is not None:
            writer.u32(self.scope.domain).u64(self.scope.epoch)
        writer.u32(len(self.spends))
        for spend in self.spends:
            writer.fr(spend.note.commitment).raw(spend.note.rseed, 32)
        writer.u32(len(self.payments))
        for payment in self.payments:
            writer.blob(payment.address.to_bytes()).raw(payment.kind.to_bytes(), 64)
            writer.u64(payment.quantity).fr(payment.data).blob(payment.memo).u8(payment.change)
        writer.u32(len(self.public_values))
        for value in self.public_values:
            writer.u8(value.target).raw(value.account, 32).raw(value.kind.to_bytes(), 64)
            writer.i128(value.amount)
        writer.u32(len(self.hidden_values))
        for opening in self.hidden_values:
            writer.raw(opening.reference, 32).raw(opening.kind.to_bytes(), 64)
            writer.u64(opening.amount).uint(opening.rcv, 32).u8(opening.enters)
        return writer.u64(self.fee).done()

    def summary(self) -> Summary:
        """What a user is shown before it is signed."""
        from shielded.slots import pack

        return Summary(
            payments=tuple(payment for payment in self.payments if not payment.change),
            change=_totals((p.kind, p.quantity) for p in self.payments if p.change),
            spent=_totals((spend.note.kind, spend.note.quantity) for spend in self.spends),
            inputs=len(self.spends),
            public_values=self.public_values,
            fee=self.fee,
            actions=len(pack(self)),
            expiry=self.expiry,
            part=self.mode is Mode.PARTY or bool(self.imbalance()),
            hidden_values=self.hidden_values,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Randomness:
    """The plan's secrets, each under what it is for and what it belongs to.  Rule SH-30 (S-13)."""

    root: bytes = field(repr=False)

    def __repr__(self) -> str:
        return "<Randomness: secret>"

    def seed(self, purpose: str, *of: int) -> bytes:
        """32 bytes for a purpose and the numbers that it belongs to."""
        return self._expand(purpose, of)[:32]

    def scalar(self, purpose: str, *of: int) -> int:
        """In [1, l)."""
        return int.from_bytes(self._expand(purpose, of), "little") % (ORDER - 1) + 1

    def element(self, purpose: str, *of: int) -> int:
        """In [1, r)."""
        return int.from_bytes(self._expand(purpose, of), "little") % (FR.modulus - 1) + 1

    def _expand(self, purpose: str, of: Iterable[int]) -> bytes:
        parts = (value.to_bytes(32, "little") for value in of)
        return spec.expand(f"plan/{purpose}", self.root, *parts)


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """A plan for people. Amounts in base units.

    Attributes:
        payments: to others (or to oneself at a public address).
        change: per kind, back to the wallet.
        spent: per kind, the notes consumed.
        inputs: number of notes consumed.
        public_values: what enters or leaves, in the clear.
        fee: of the native kind, in the clear.
        actions: number of actions.
        expiry: last height.
        part: others complete it, and see it before it settles.
        hidden_values: into the private pool, or from it.
    """

    payments: tuple[Payment, ...]
    change: Mapping[Kind, int]
    spent: Mapping[Kind, int]
    inputs: int
    public_values: tuple[Crossing, ...]
    fee: int
    actions: int
    expiry: Height
    part: bool
    hidden_values: tuple[HiddenOpening, ...] = ()

    def __repr__(self) -> str:
        return "<Summary: hidden>"

    def paid(self) -> dict[Kind, int]:
        """Per kind, what the payments sum to."""
        return _totals((payment.kind, payment.quantity) for payment in self.payments)

    def memos(self) -> tuple[str | None, ...]:
        """Text of each payment's memo; None where it is not text. Not terminal-safe yet."""
        return tuple(memo_to_text(payment.memo) for payment in self.payments)

    def reveals(self) -> tuple[str, ...]:
        """What others will learn, one sentence each: who reads the chain, who gets a part."""
        lines = [
            f"the number of actions ({self.actions}), not how many of their notes are real",
            f"the fee and the expiry height {self.expiry}",
            "about when the notes spent were last known to the wallet (the anchor's age)",
        ]
        for value in self.public_values:
            verb = "enters from" if value.amount < 0 else "leaves to"
            lines.append(
                f"the amount and kind of what {verb} the {value.target.label} "
                f"account {value.account.hex()[:8]}…"
            )
        for opening in self.hidden_values:
            verb = "comes from" if opening.enters else "goes into"
            lines.append(
                f"that some amount {verb} the private pool, of which kind and for which message "
                f"there ({opening.reference.hex()[:8]}…); not how much"
            )
        if self.part:  # SH-60
            lines += (
                "to whoever gets this part before it settles: how much of which kinds you give "
                "and want in sum",
                "to the same: should it not settle, which later transaction spends its notes",
            )
        return tuple(lines)


def anchor_children(tree: NoteTree) -> tuple[int, ...]:
    """For a plan that spends nothing: the children of the tree's root."""
    return tree.top


def spend(note: OwnsNote | Note, path: MerklePath) -> Spend:
    """Pair a note with its path, and check that it leads to the path's own root.

    Raises:
        PlanRefused: SH-31.
    """
    owned = note if isinstance(note, Note) else note.note
    try:
        path.root(owned.commitment)
    except DecodeError as error:
        raise PlanRefused("SH-31", error.message, where="path") from error
    if len(path.levels) != DEPTH - 1:
        raise PlanRefused("SH-31", "a path of another length", where="path")
    return Spend(owned, path)


def _totals(amounts: Iterable[tuple[Kind, int]]) -> dict[Kind, int]:
    sums = Counter[Kind]()
    for kind, amount in amounts:
        sums[kind] += amount
    return dict(sums)
