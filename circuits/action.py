"""The action: consume two resources, create two, publish their balance as a point.

One shape for everything that happens in the shielded pool. `circuits/SPEC.md` says of each clause
why it suffices and what it leaves to the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from circuits.gadgets import fixed_base
from circuits.gadgets.assign import assign
from circuits.gadgets.babyjub import EdwardsPoint, add, assert_on_curve, assert_same
from circuits.gadgets.bits import enforce_range
from circuits.gadgets.boolean import Bit, boolean
from circuits.gadgets.compare import is_nonzero
from circuits.gadgets.kinds import Kind, kind
from circuits.gadgets.merkle import climb, enforce_member, node, witness_children
from circuits.gadgets.notes import (
    Resource,
    commitment,
    created_nonce,
    master_key,
    nullifier,
    owner_tag,
)
from circuits.gadgets.select import select
from circuits.gadgets.straus import joint_multiply
from circuits.records import (
    ARITY,
    DEPTH,
    QUANTITY_BITS,
    ActionPublic,
    ActionWitness,
    Children,
    ConsumedWitness,
    CreatedWitness,
    KindWitness,
    blank,
)
from circuits.statement import Statement, public_values
from zk.curve.babyjub import B8, RCV_BASE
from zk.errors import ShapeMismatch
from zk.r1cs.builder import Builder, Wire

__all__ = [
    "ARITY",
    "DEPTH",
    "Action",
    "ActionPublic",
    "ActionWitness",
    "Children",
    "ConsumedWitness",
    "CreatedWitness",
    "KindWitness",
]

PUBLIC_NAMES: Final = (
    "anchor",
    "nullifier_0",
    "nullifier_1",
    "commitment_0",
    "commitment_1",
    "consumed_logic_0",
    "consumed_logic_1",
    "created_logic_0",
    "created_logic_1",
    "rk_x",
    "rk_y",
    "delta_x",
    "delta_y",
)
"""The public inputs, in order."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """What consumed and created resources have in common.

    Attributes:
        which: its kind, first or second.
        kind: x of its kind.
        quantity: below 2⁶⁴.
        second: the quantity if the kind is the second, else 0.
    """

    which: Bit
    kind: Wire
    quantity: Wire
    second: Wire


class Action(Statement[ActionPublic, ActionWitness]):
    """Two resources are consumed and two created; kinds, quantities and owners stay hidden.

    A1  Each consumed resource that exists (quantity ≠ 0, not ephemeral) is in the tree of `anchor`.
    A2  Each nullifier is that of its resource under nk, its owner that of (ak, nk) and its own d.
    A3  Each created commitment opens to its resource.
    A4  All quantities are u64.
    A5  Every resource is of one of two honest kinds; a slot's public logic is 0 if it is empty.
    A6  Created nonces are hashes of the slot and both nullifiers.
    A7  rk = ak + [α]B8, ak on the curve.
    A8  Δ = [net₀]K₀ + [net₁]K₁ + [rcv]R, net = consumed − created.

    Not checked here but by the environment (S-4): public inputs are canonical, nullifiers distinct
    and unspent, the anchor recent, rk and Δ points of the subgroup.
    """

    def __init__(self, depth: int = DEPTH) -> None:
        if depth < 2:
            raise ShapeMismatch("the note tree has at least two levels")
        self.depth = depth
        self.id = "action/1" if depth == DEPTH else f"action-depth{depth}/1"
        self.public_names = PUBLIC_NAMES
        self.functions = {"window values": fixed_base.window_values}

    def placeholder(self) -> tuple[ActionPublic, ActionWitness]:
        return blank(self.depth)

    def constrain(self, cs: Builder, public: ActionPublic, witness: ActionWitness) -> None:
        self._check_shape(witness)
        said = [cs.public(*pair) for pair in zip(PUBLIC_NAMES, public_values(public), strict=True)]
        anchor, nullifiers, commitments, logics = said[0], (said[1], said[2]), said[3:5], said[5:9]
        rk, delta = EdwardsPoint(*said[9:11]), EdwardsPoint(*said[11:13])

        with cs.clause("A5"):
            kinds = (
                kind(cs, witness.kinds[0], "kind_0"),
                kind(cs, witness.kinds[1], "kind_1"),
            )
        with cs.clause("A7"):
            ak = EdwardsPoint(cs.witness("ak_x", witness.ak[0]), cs.witness("ak_y", witness.ak[1]))
            assert_on_curve(cs, ak)
            randomizer = fixed_base.multiply(cs, B8, witness.alpha, "alpha")
            assert_same(cs, add(cs, ak, randomizer, "rk"), rk, "rk")
        with cs.clause("A2"):
            nk = cs.witness("nk", witness.nk)
            mpk = master_key(cs, ak, nk)
        with cs.clause("A1"):
            top = witness_children(cs, "top", witness.top)
            cs.equal(node(cs, top), anchor, "anchor")

        consumed = []
        for i, old in enumerate(witness.consumed):
            with cs.scope(f"consumed_{i}"):
                slot = _slot(cs, old, kinds, logics[i])
                with cs.clause("A2"):
                    nonce = cs.witness("nonce", old.nonce)
                    d = cs.witness("diversifier", old.diversifier)
                    owner = assign(cs, "owner", owner_tag(cs, mpk, d))
                    cm = _commitment(cs, slot, old, owner, nonce)
                    cs.equal(nullifier(cs, nk, nonce, cm), nullifiers[i], "nullifier")
                with cs.clause("A1"):
                    ephemeral = select(
                        cs, slot.which, kinds[1].ephemeral, kinds[0].ephemeral, "ephemeral"
                    )
                    exists = cs.mul(slot.quantity, 1 - ephemeral, "exists")
                    enforce_member(cs, climb(cs, cm, old.path), top, "in the tree", exists)
                consumed.append(slot)

        created = []
        for i, new in enumerate(witness.created):
            with cs.scope(f"created_{i}"):
                slot = _slot(cs, new, kinds, logics[2 + i])
                with cs.clause("A6"):
                    nonce = assign(cs, "nonce", created_nonce(cs, i, nullifiers))
                with cs.clause("A3"):
                    owner = cs.witness("owner", new.owner)
                    cm = _commitment(cs, slot, new, owner, nonce)
                    cs.equal(cm, commitments[i], "commitment")
                created.append(slot)

        with cs.clause("A8"):
            net = _net([s.quantity for s in consumed], [s.quantity for s in created])
            second = _net([s.second for s in consumed], [s.second for s in created])
            halves = (kinds[0].half, kinds[1].half)
            moved = joint_multiply(cs, (net - second, second), halves, "moved")
            blinding = fixed_base.multiply(cs, RCV_BASE, witness.rcv, "rcv")
            assert_same(cs, add(cs, moved, blinding, "delta"), delta, "delta")

    def _check_shape(self, witness: ActionWitness) -> None:
        if {len(pair) for pair in (witness.kinds, witness.consumed, witness.created)} != {2}:
            raise ShapeMismatch(f"{self.id} takes two kinds, two resources in and two out")
        if any(len(note.path) != self.depth - 1 for note in witness.consumed):
            raise ShapeMismatch(f"{self.id} takes paths of {self.depth - 1} levels")


def _slot(
    cs: Builder, note: ConsumedWitness | CreatedWitness, kinds: tuple[Kind, Kind], logic: Wire
) -> _Slot:
    """Quantity and kind of a resource, and the logic that its slot publishes (S-16)."""
    first, second = kinds
    with cs.clause("A4"):
        quantity = cs.witness("quantity", note.quantity)
        enforce_range(cs, quantity, QUANTITY_BITS, "quantity")
    with cs.clause("A5"):
        which = boolean(cs, "which", note.which)
        own_logic = select(cs, which, second.logic, first.logic, "logic")
        cs.enforce(own_logic, is_nonzero(cs, quantity), logic, "public logic")
        kind_x = select(cs, which, second.x, first.x, "kind")
        return _Slot(which, kind_x, quantity, cs.mul(which, quantity, "of the second kind"))


def _commitment(
    cs: Builder, slot: _Slot, note: ConsumedWitness | CreatedWitness, owner: Wire, nonce: Wire
) -> Wire:
    data, rcm = cs.witness("data", note.data), cs.witness("rcm", note.rcm)
    return commitment(cs, Resource(slot.kind, slot.quantity, data, owner, nonce, rcm))


def _net(consumed: Sequence[Wire], created: Sequence[Wire]) -> Wire:
    return consumed[0] + consumed[1] - created[0] - created[1]
