"""`shielded.spec` and the circuit of the action state one and the same: random statements."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from circuits import statement
from circuits.action import Action
from circuits.records import (
    ActionPublic,
    ActionWitness,
    Children,
    ConsumedWitness,
    CreatedWitness,
    KindWitness,
)
from node.core.ids import NATIVE, Kind
from shielded import spec
from shielded.keys import SpendingKey
from shielded.notes import Note
from shielded.tree import MerklePath, WitnessTree
from zk.curve import babyjub
from zk.errors import Unsatisfied
from zk.field.params import FR


def children(values: tuple[int, ...]) -> Children:
    a, b, c, d, e, f, g, h = values
    return a, b, c, d, e, f, g, h


def kind_witness(point: spec.KindPoint) -> KindWitness:
    return KindWitness(point.kind.logic, point.kind.label, point.ctr, int(point.ephemeral), point.y)


@dataclass
class Case:
    """A true statement, all of it computed by `shielded`."""

    public: ActionPublic
    witness: ActionWitness


def make_case(seed: int) -> Case:
    """Notes of two kinds, one of them perhaps ephemeral, real or dummy, in a tree of others'."""
    rng = random.Random(seed)
    key = SpendingKey.from_seed(rng.randbytes(64))
    fvk = key.full_viewing_key
    ephemeral = rng.random() < 0.5
    logic = rng.randrange(1, FR.modulus) if ephemeral else 0
    kinds = (
        spec.kind_point(NATIVE),
        spec.kind_point(Kind(logic, rng.randrange(FR.modulus)), ephemeral),
    )

    def a_note(which: int, nonce: int, owner_index: int | None) -> Note:
        address = (
            fvk.address(owner_index)
            if owner_index is not None
            else SpendingKey.from_seed(rng.randbytes(64)).full_viewing_key.address(0)
        )
        return Note(
            kind=kinds[which].kind,
            quantity=rng.choice([0, 1, 2**64 - 1, rng.randrange(2**64)]),
            data=rng.choice([0, rng.randrange(FR.modulus)]),
            diversifier=address.diversifier,
            owner=address.owner,
            nonce=nonce,
            rseed=rng.randbytes(32),
            ephemeral=kinds[which].ephemeral,
        )

    sides = [(rng.randrange(2), rng.randrange(FR.modulus), rng.randrange(2**64)) for _ in (0, 1)]
    consumed = [a_note(*side) for side in sides]
    tree = WitnessTree()
    for note in consumed:
        before = [rng.randrange(FR.modulus) for _ in range(rng.randrange(40))]
        tree.append([*before, note.commitment], [tree.size + len(before)])
    tree.append([rng.randrange(FR.modulus) for _ in range(rng.randrange(40))])
    paths: list[MerklePath] = [tree.path(position) for position in sorted(tree.marks)]
    nullifiers = (consumed[0].nullifier(key.nk), consumed[1].nullifier(key.nk))
    picks = [rng.randrange(2) for _ in (0, 1)]
    created = [
        a_note(which, spec.created_nonce(slot, *nullifiers), None)
        for slot, which in enumerate(picks)
    ]
    whiches = [side[0] for side in sides]
    alpha, rcv = rng.randrange(babyjub.ORDER), rng.randrange(babyjub.ORDER)
    nets = [
        sum(n.quantity for n, w in zip(consumed, whiches, strict=True) if w == which)
        - sum(n.quantity for n, w in zip(created, picks, strict=True) if w == which)
        for which in (0, 1)
    ]
    logics = [note.kind.logic if note.quantity else 0 for note in (*consumed, *created)]
    public = ActionPublic(
        anchor=tree.root(),
        nullifiers=nullifiers,
        commitments=(created[0].commitment, created[1].commitment),
        consumed_logic=(logics[0], logics[1]),
        created_logic=(logics[2], logics[3]),
        rk=spec.randomized_key(key.ak, alpha),
        delta=spec.delta_point(zip((k.point for k in kinds), nets, strict=True), rcv),
    )
    inputs = [
        ConsumedWitness(
            which=which,
            quantity=note.quantity,
            data=note.data,
            nonce=note.nonce,
            rcm=note.rcm,
            diversifier=spec.diversifier_value(note.diversifier),
            path=tuple(children(level) for level in path.levels),
        )
        for note, which, path in zip(consumed, whiches, paths, strict=True)
    ]
    outputs = [
        CreatedWitness(which, note.quantity, note.data, note.owner, note.rcm)
        for note, which in zip(created, picks, strict=True)
    ]
    witness = ActionWitness(
        ak=key.ak,
        nk=key.nk,
        kinds=(kind_witness(kinds[0]), kind_witness(kinds[1])),
        consumed=(inputs[0], inputs[1]),
        created=(outputs[0], outputs[1]),
        top=children(paths[0].top),
        alpha=alpha,
        rcv=rcv,
    )
    return Case(public, witness)


@pytest.mark.parametrize("seed", range(6))
def test_statements_made_by_shielded_satisfy_the_circuit(seed: int) -> None:
    case = make_case(seed)
    statement.check(Action(), case.public, case.witness)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_statements_made_by_shielded_satisfy_the_circuit(seed: int) -> None:
    case = make_case(seed)
    statement.check(Action(), case.public, case.witness)


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        ("anchor", "A1"),
        ("nullifiers", "A2"),
        ("commitments", "A3"),
        ("created_logic", "A5"),
        ("rk", "A7"),
        ("delta", "A8"),
    ],
)
def test_any_other_public_value_does_not(name: str, clause: str) -> None:
    """The comparison above can fail: each value that `spec` computes is the only one admitted."""
    case = make_case(1)
    value = getattr(case.public, name)
    other = (value[0], (value[1] + 1) % FR.modulus) if isinstance(value, tuple) else value + 1
    with pytest.raises(Unsatisfied) as caught:
        statement.check(Action(), replace(case.public, **{name: other}), case.witness)
    assert caught.value.clause.endswith(clause)
