"""One side of an exact swap: from a wallet's notes to an intent that can be sealed.

The largest sealed intent has room for one action: two notes in, of one kind, and two out, what is
wanted and the change. So its ordering fee comes from a transparent account (the envelope's payer),
unless the native kind is given or wanted anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.errors import PolicyRefused
from node.core.ids import NATIVE, ChainId, Height, Kind, tagged_hash
from node.core.intent import Intent
from node.intents.swap import swap_terms
from private_exec.envelope import OVERHEAD, SIZE_CLASSES
from shielded.build import Prove, build_part
from shielded.history import OwnedNote
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan, spend
from shielded.slots import pack
from shielded.transaction import Mode, Scope
from shielded.wallet import NOTES_PER_ACTION, WalletState

MAX_SEALED_BYTES: Final = SIZE_CLASSES[-1] - OVERHEAD
MAX_SEALED_ACTIONS: Final = 1
"""An action has 2067 bytes; two do not fit in `MAX_SEALED_BYTES`."""


class SwapTooLarge(PolicyRefused):
    """A swap that fits in no sealed intent."""

    code = "INT-005"
    why = f"a sealed intent has {MAX_SEALED_BYTES} bytes at most, which is one action"
    fix = "join notes first, by sending to yourself; or offer no fee in the intent itself"


@dataclass(frozen=True, slots=True, repr=False)
class Swap:
    """What a party agrees to: exactly these amounts, all or nothing.

    Attributes:
        gives, give: kind and base units.
        wants, want: kind and base units; another kind.
        fee: native base units offered beside, to whoever settles; 0 where the envelope pays.
    """

    gives: Kind
    give: int
    wants: Kind
    want: int
    fee: int = 0

    def __repr__(self) -> str:
        return "<Swap: hidden>"

    @property
    def spent(self) -> dict[Kind, int]:
        """What the notes must reach, per kind."""
        needed = {self.gives: self.give}
        if self.fee and self.wants != NATIVE:
            needed[NATIVE] = needed.get(NATIVE, 0) + self.fee
        return needed

    @property
    def created(self) -> int:
        """Base units of `wants` that come in."""
        return self.want - (self.fee if self.wants == NATIVE else 0)

    def check(self) -> None:
        """That it moves something, between two kinds.

        Raises:
            PolicyRefused: it does not.
        """
        if self.give <= 0 or self.created <= 0 or self.fee < 0 or self.gives == self.wants:
            raise PolicyRefused(
                "a swap gives a positive amount of one kind for a positive one of another",
                where="swap",
            )


@dataclass(frozen=True, slots=True, repr=False)
class PlannedSwap:
    """A swap before anything is proved: what a person agrees to.

    Attributes:
        swap: the terms.
        plan: of the party; unbalanced.
        notes: what it would spend. Whoever builds it locks them until the plan's expiry.
    """

    swap: Swap
    plan: Plan
    notes: tuple[OwnedNote, ...]

    def __repr__(self) -> str:
        return "<PlannedSwap: hidden>"


def plan_swap(
    wallet: WalletState,
    owner: SpendingKey,
    swap: Swap,
    *,
    chain_id: ChainId,
    expiry: Height,
    scope: Scope | None,
    seed: bytes,
) -> PlannedSwap:
    """Choose notes of a wallet that is up to date.

    Args:
        wallet: whose notes; synchronised.
        owner: its key.
        swap: the terms.
        chain_id: where.
        expiry: last height at which it may settle.
        scope: domain and epoch of the batch that it is meant for (S-19); None: it may settle
            anywhere, also outside of batches.
        seed: 32 fresh random bytes.

    Raises:
        InsufficientFunds: one or two notes do not reach what is given.
        SwapTooLarge: more than one action is needed.
        PolicyRefused: it moves nothing.
    """
    swap.check()
    notes: tuple[OwnedNote, ...] = ()
    for kind, amount in swap.spent.items():
        notes += wallet.select(kind, amount, most=NOTES_PER_ACTION)
    full = owner.full_viewing_key
    payments = [Payment(full.address(0), swap.created, swap.wants)]
    back = full.address(0, internal=True)
    for kind, amount in swap.spent.items():
        rest = sum(note.note.quantity for note in notes if note.note.kind == kind) - amount
        if rest:
            payments.append(Payment(back, rest, kind, change=True))
    paths = wallet.spend_context(notes).paths
    plan = Plan(
        seed=seed,
        chain_id=chain_id,
        anchor_children=paths[0].top,
        expiry=expiry,
        spends=tuple(spend(note, path) for note, path in zip(notes, paths, strict=True)),
        payments=tuple(payments),
        mode=Mode.PARTY,
        scope=scope,
    )
    if (actions := len(pack(plan))) > MAX_SEALED_ACTIONS:
        raise SwapTooLarge(f"this swap needs {actions} actions")
    return PlannedSwap(swap, plan, notes)


def build_swap(planned: PlannedSwap, owner: SpendingKey, app: bytes, prove: Prove) -> Intent:
    """Prove and sign a planned swap. The same plan gives the same intent.

    Args:
        planned: by `plan_swap`.
        owner: of the notes.
        app: 29 bytes, namespace of the application.
        prove: makes the proof; takes its time.

    Raises:
        PlanRefused, DecodeError: what cannot become an intent.
    """
    plan = planned.plan
    part = build_part(plan, owner, prove)
    payload = swap_terms(part, plan.imbalance()).to_bytes()
    nonce = tagged_hash("intents/party/nonce", plan.randomness.seed("intent/nonce"))
    return Intent(app, "swap", payload, plan.expiry, planned.swap.fee, nonce)
