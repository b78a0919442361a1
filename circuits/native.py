"""The action in plain code: its formulas on integers, and every clause as a comparison.

The twin of `circuits.action`: the two are written independently and tests hold them together. It
serves whoever assembles a witness, and answers "which clause is broken?" without a circuit.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from circuits.records import (
    QUANTITY_BITS,
    ActionPublic,
    ActionWitness,
    Children,
    ConsumedWitness,
    CreatedWitness,
    KindWitness,
    Pair,
)
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.errors import ParamsError
from zk.field.params import FR
from zk.field.prime import is_square
from zk.hash import domains
from zk.hash.poseidon import poseidon

_R: Final = FR.modulus


def master_key(ak: Pair, nk: int) -> int:
    """The owner's master key, mpk = Poseidon_mpk(ak.x, ak.y, nk)."""
    return poseidon(domains.MASTER_KEY, (*ak, nk))


def owner_tag(mpk: int, diversifier: int) -> int:
    """The tag that names an owner in a resource, owner = Poseidon_owner(mpk, d)."""
    return poseidon(domains.OWNER, (mpk, diversifier))


def commitment(kind_x: int, quantity: int, data: int, owner: int, nonce: int, rcm: int) -> int:
    """The commitment, cm = Poseidon_cm(kind, quantity, data, owner, nonce, rcm)."""
    return poseidon(domains.COMMITMENT, (kind_x, quantity, data, owner, nonce, rcm))


def nullifier(nk: int, nonce: int, cm: int) -> int:
    """The nullifier, nf = Poseidon_nf(nk, nonce, cm)."""
    return poseidon(domains.NULLIFIER, (nk, nonce, cm))


def created_nonce(slot: int, nullifiers: Pair) -> int:
    """Poseidon_nonce(i, nf₁, nf₂) of created slot i ∈ {0, 1} (S-3)."""
    return poseidon(domains.NONCE, (slot, *nullifiers))


def tree_node(children: Sequence[int]) -> int:
    """An inner node of the note tree."""
    return poseidon(domains.TREE_NODE, children)


def kind_x(kind: KindWitness) -> int:
    """X coordinate of a kind's point, and the `kind` inside a commitment."""
    tag = domains.EPHEMERAL_KIND if kind.ephemeral else domains.KIND
    return poseidon(tag, (kind.logic, kind.label, kind.ctr))


def is_canonical(y: int) -> bool:
    """S-2: 2 + y is a square and 2 − y five times a square (5 is a non-residue)."""
    return is_square((2 + y) % _R, FR) and is_square((2 - y) * pow(5, -1, _R) % _R, FR)


@functools.lru_cache(maxsize=1 << 12)
def find_kind(logic: int, label: int, *, ephemeral: bool = False) -> KindWitness:
    """The kind of (logic, label): smallest ctr with a canonical y.

    Raises:
        ParamsError: an ephemeral kind without a logic (A5).
    """
    if ephemeral and logic == 0:
        raise ParamsError("an ephemeral kind needs a logic", where="A5")
    ctr = 0
    while True:
        kind = KindWitness(logic, label, ctr, int(ephemeral), 0)
        root = babyjub.y_from_x(kind_x(kind))
        for y in () if root is None else (root, _R - root):
            if is_canonical(y):
                return KindWitness(logic, label, ctr, int(ephemeral), y)
        ctr += 1


def kind_point(kind: KindWitness) -> Point:
    """K = [8](x, y)."""
    return babyjub.multiply(babyjub.COFACTOR, Point(kind_x(kind), kind.y))


def lone_path(leaf: int, depth: int) -> tuple[Children, ...]:
    """A path below the root's children that holds nothing but `leaf`: what a dummy shows."""
    path: list[Children] = []
    for _ in range(depth - 1):
        children: Children = (leaf, 0, 0, 0, 0, 0, 0, 0)
        path.append(children)
        leaf = tree_node(children)
    return tuple(path)


def consumed_commitment(witness: ActionWitness, slot: int) -> int:
    """The commitment of a consumed slot, its owner derived from the action's own keys (A2)."""
    note = witness.consumed[slot]
    owner = owner_tag(master_key(witness.ak, witness.nk), note.diversifier)
    kind = witness.kinds[note.which]
    return commitment(kind_x(kind), note.quantity, note.data, owner, note.nonce, note.rcm)


def public_of(witness: ActionWitness) -> ActionPublic:
    """The public inputs that a witness makes true, provided that it is honest (`violations`)."""
    nf0, nf1 = (
        nullifier(witness.nk, witness.consumed[i].nonce, consumed_commitment(witness, i))
        for i in (0, 1)
    )
    cm0, cm1 = (_created_commitment(witness, i, (nf0, nf1)) for i in (0, 1))
    return ActionPublic(
        anchor=tree_node(witness.top),
        nullifiers=(nf0, nf1),
        commitments=(cm0, cm1),
        consumed_logic=_logics(witness, witness.consumed),
        created_logic=_logics(witness, witness.created),
        rk=babyjub.add(Point(*witness.ak), babyjub.multiply(witness.alpha, babyjub.B8)),
        delta=balance_point(witness),
    )


def net(witness: ActionWitness, which: int) -> int:
    """Consumed minus created quantity of one of the two kinds, a signed integer."""
    return sum(n.quantity for n in witness.consumed if n.which == which) - sum(
        n.quantity for n in witness.created if n.which == which
    )


def balance_point(witness: ActionWitness) -> Point:
    """Δ = [net₀]K₀ + [net₁]K₁ + [rcv]R."""
    total = babyjub.multiply(witness.rcv, babyjub.RCV_BASE)
    for which in (0, 1):
        term = babyjub.multiply(net(witness, which), kind_point(witness.kinds[which]))
        total = babyjub.add(total, term)
    return total


def violations(public: ActionPublic, witness: ActionWitness) -> tuple[str, ...]:
    """The clauses of `circuits/SPEC.md` that do not hold, in order; empty for a true statement.

    A6 never appears: here created nonces are derived, so a foreign one shows as A3. A choice of
    kind that is neither 0 nor 1 is reported alone, for nothing else has a meaning then.
    """
    if any(note.which not in {0, 1} for note in _slots(witness)):
        return ("A5",)
    return tuple(
        name
        for name, holds in (
            ("A1", _a1(public, witness)),
            ("A2", _a2(public, witness)),
            ("A3", _a3(public, witness)),
            ("A4", all(0 <= n.quantity < 1 << QUANTITY_BITS for n in _slots(witness))),
            ("A5", _a5(public, witness)),
            ("A7", _a7(public, witness)),
            ("A8", _a8(public, witness)),
        )
        if not holds
    )


def _slots(witness: ActionWitness) -> tuple[ConsumedWitness | CreatedWitness, ...]:
    return (*witness.consumed, *witness.created)


def _logics(witness: ActionWitness, notes: Sequence[ConsumedWitness | CreatedWitness]) -> Pair:
    first, second = (witness.kinds[n.which].logic if n.quantity else 0 for n in notes)
    return first, second


def _created_commitment(witness: ActionWitness, slot: int, nullifiers: Pair) -> int:
    note = witness.created[slot]
    kind = witness.kinds[note.which]
    nonce = created_nonce(slot, nullifiers)
    return commitment(kind_x(kind), note.quantity, note.data, note.owner, nonce, note.rcm)


def _a1(public: ActionPublic, witness: ActionWitness) -> bool:
    if public.anchor != tree_node(witness.top):
        return False
    for slot, note in enumerate(witness.consumed):
        node = consumed_commitment(witness, slot)
        for children in note.path:
            if node not in children:
                return False
            node = tree_node(children)
        live = note.quantity != 0 and not witness.kinds[note.which].ephemeral
        if live and node not in witness.top:
            return False
    return True


def _a2(public: ActionPublic, witness: ActionWitness) -> bool:
    return public.nullifiers == tuple(
        nullifier(witness.nk, note.nonce, consumed_commitment(witness, slot))
        for slot, note in enumerate(witness.consumed)
    )


def _a3(public: ActionPublic, witness: ActionWitness) -> bool:
    return public.commitments == tuple(
        _created_commitment(witness, slot, public.nullifiers) for slot in (0, 1)
    )


def _a5(public: ActionPublic, witness: ActionWitness) -> bool:
    return (
        all(
            kind.ephemeral in {0, 1}
            and babyjub.is_on_curve(Point(kind_x(kind), kind.y))
            and is_canonical(kind.y)
            and not (kind.ephemeral and kind.logic == 0)
            for kind in witness.kinds
        )
        and public.consumed_logic == _logics(witness, witness.consumed)
        and public.created_logic == _logics(witness, witness.created)
    )


def _a7(public: ActionPublic, witness: ActionWitness) -> bool:
    ak = Point(*witness.ak)
    return babyjub.is_on_curve(ak) and public.rk == babyjub.add(
        ak, babyjub.multiply(witness.alpha, babyjub.B8)
    )


def _a8(public: ActionPublic, witness: ActionWitness) -> bool:
    first, second = witness.kinds
    return kind_point(first) != kind_point(second) and public.delta == balance_point(witness)
