"""What an action's statement is about: its public inputs and its witness, as integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEPTH: Final = 10
"""Levels of the note tree below its root."""

ARITY: Final = 8
"""Children of a tree node."""

QUANTITY_BITS: Final = 64

Pair = tuple[int, int]
Children = tuple[int, int, int, int, int, int, int, int]


class Secret:
    """A record whose values never reach a log: its `repr` names the type only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: secret>"


@dataclass(frozen=True, slots=True)
class ActionPublic:
    """Public inputs, in this order; every value in [0, r).

    Attributes:
        anchor: root of the note tree.
        nullifiers: of the consumed resources.
        commitments: of the created resources.
        consumed_logic: logic of each consumed slot, 0 where its quantity is 0.
        created_logic: logic of each created slot, 0 where its quantity is 0.
        rk: randomised spending key, affine on Baby Jubjub.
        delta: [net₀]K₀ + [net₁]K₁ + [rcv]R, affine on Baby Jubjub.
    """

    anchor: int
    nullifiers: Pair
    commitments: Pair
    consumed_logic: Pair
    created_logic: Pair
    rk: Pair
    delta: Pair


@dataclass(frozen=True, slots=True, repr=False)
class KindWitness(Secret):
    """One of the two kinds of an action; x is the hash of (logic, label, ctr)."""

    logic: int
    label: int
    ctr: int
    ephemeral: int
    y: int


@dataclass(frozen=True, slots=True, repr=False)
class ConsumedWitness(Secret):
    """A consumed resource.

    Attributes:
        which: 0 or 1, its kind.
        quantity: below 2⁶⁴; 0 makes it a dummy.
        data: what the kind's logic gives meaning to.
        nonce: of its creation.
        rcm: commitment randomness.
        diversifier: of the address it was sent to, as an integer.
        path: per level, the eight children among which the node below is found, starting with the
            siblings of the leaf; ends below the root's children (`ActionWitness.top`).
    """

    which: int
    quantity: int
    data: int
    nonce: int
    rcm: int
    diversifier: int
    path: tuple[Children, ...]


@dataclass(frozen=True, slots=True, repr=False)
class CreatedWitness(Secret):
    """A created resource; its nonce follows from the nullifiers (A6)."""

    which: int
    quantity: int
    data: int
    owner: int
    rcm: int


@dataclass(frozen=True, slots=True, repr=False)
class ActionWitness(Secret):
    """Everything the prover knows.

    Attributes:
        ak: spending validation key, affine.
        nk: nullifier key.
        kinds: two different kinds; a wallet that needs one takes any other as the second.
        consumed: two resources of the owner (ak, nk).
        created: two resources.
        top: the root's children, shared by both paths.
        alpha: randomiser of rk, below 2²⁵¹.
        rcv: blinding of delta, below 2²⁵¹.
    """

    ak: Pair
    nk: int
    kinds: tuple[KindWitness, KindWitness]
    consumed: tuple[ConsumedWitness, ConsumedWitness]
    created: tuple[CreatedWitness, CreatedWitness]
    top: Children
    alpha: int
    rcv: int


def blank(depth: int) -> tuple[ActionPublic, ActionWitness]:
    """Zeros of the shape of an action in a tree of `depth` levels: no true statement."""
    nothing: Children = (0, 0, 0, 0, 0, 0, 0, 0)
    kind = KindWitness(0, 0, 0, 0, 0)
    consumed = ConsumedWitness(0, 0, 0, 0, 0, 0, (nothing,) * (depth - 1))
    created = CreatedWitness(0, 0, 0, 0, 0)
    public = ActionPublic(0, (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0))
    witness = ActionWitness(
        ak=(0, 0),
        nk=0,
        kinds=(kind, kind),
        consumed=(consumed, consumed),
        created=(created, created),
        top=nothing,
        alpha=0,
        rcv=0,
    )
    return public, witness
