"""Clauses A1 to A4 and A6: membership, nullifiers, commitments, quantities, nonces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from circuits import native
from circuits.action import ActionPublic, ActionWitness
from circuits.example import TRANSFER, example_action
from zk.curve import babyjub
from zk.field.params import FR

R = FR.modulus
Lie = tuple[ActionPublic, ActionWitness]


# A1


def test_anchor_of_another_tree(forge) -> None:
    """The note lies in a tree of the prover's own; the public anchor is the ledger's."""
    public, witness = forge.transfer()
    forge.refused(
        replace(public, anchor=native.tree_node(range(8))), witness, clause="A1", rows=["anchor"]
    )


def test_note_that_was_never_created(forge) -> None:
    public, witness = forge.transfer()
    top = (*range(1, 9),)
    forge.refused(
        replace(public, anchor=native.tree_node(top)),
        replace(witness, top=top),
        clause="A1",
        rows=["consumed_0: in the tree"],
    )


def test_path_through_a_node_that_does_not_hold_the_note(forge) -> None:
    """The node is in the tree, the note is not below it."""
    public, witness = forge.transfer()
    children = (*range(1, 9),)
    top = (*witness.top[:7], native.tree_node(children))
    first = replace(witness.consumed[0], path=(children,))
    forge.refused(
        replace(public, anchor=native.tree_node(top)),
        replace(witness, consumed=(first, witness.consumed[1]), top=top),
        clause="A1",
        rows=["consumed_0/level 0: is among the children"],
    )


def test_dummy_path_outside_its_own_subtree(forge) -> None:
    """Harmless, but every level below the root's children is enforced for dummies too."""
    public, witness = forge.transfer()
    dummy = replace(witness.consumed[1], path=((*range(1, 9),),))
    forge.refused(
        public,
        replace(witness, consumed=(witness.consumed[0], dummy)),
        clause="A1",
        rows=["consumed_1/level 0: is among the children"],
    )


# A2


def test_foreign_nullifier(forge) -> None:
    """S-1: spend once under the true nullifier and again under an invented one."""
    public, witness = forge.transfer()
    public = replace(public, nullifiers=(public.nullifiers[0] ^ 1, public.nullifiers[1]))
    forge.refused(
        forge.publish_created(public, witness), witness, clause="A2", rows=["consumed_0: nullifier"]
    )


def test_foreign_nullifier_of_a_dummy(forge) -> None:
    public, witness = forge.transfer()
    public = replace(public, nullifiers=(public.nullifiers[0], 1))
    forge.refused(
        forge.publish_created(public, witness), witness, clause="A2", rows=["consumed_1: nullifier"]
    )


def test_stolen_note(forge) -> None:
    """Everything about a victim's note is known but the keys; the thief signs with its own."""
    public, witness = forge.transfer()
    note = witness.consumed[0]
    victim = native.owner_tag(native.master_key(babyjub.B8, 123), note.diversifier)
    x = native.kind_x(witness.kinds[note.which])
    cm = native.commitment(x, note.quantity, note.data, victim, note.nonce, note.rcm)
    public, witness = forge.plant(public, witness, 0, cm)
    nf = native.nullifier(witness.nk, note.nonce, cm)
    public = replace(public, nullifiers=(nf, public.nullifiers[1]))
    forge.refused(
        forge.publish_created(public, witness),
        witness,
        {"consumed_0/owner": victim},
        clause="A2",
        rows=["consumed_0: owner"],
    )


# A3


def _false_opening(forge, change: Mapping[str, int]) -> Lie:
    """The ledger gets a commitment to another note than the one that balances."""
    public, witness = forge.transfer()
    lie = replace(witness.created[0], **change)
    false = replace(witness, created=(lie, witness.created[1]))
    return forge.publish_created(public, false), witness


def test_commitment_to_a_larger_quantity(forge) -> None:
    forge.refused(
        *_false_opening(forge, {"quantity": 1_000_000}), clause="A3", rows=["created_0: commitment"]
    )


def test_commitment_to_the_other_kind(forge) -> None:
    forge.refused(*_false_opening(forge, {"which": 1}), clause="A3", rows=["created_0: commitment"])


def test_commitment_to_other_data(forge) -> None:
    forge.refused(*_false_opening(forge, {"data": 1}), clause="A3", rows=["created_0: commitment"])


def test_commitment_to_another_owner(forge) -> None:
    forge.refused(*_false_opening(forge, {"owner": 1}), clause="A3", rows=["created_0: commitment"])


# A4


def _wrapped(forge, role: str, quantity: int, balance: tuple[int, int]) -> Lie:
    """A quantity outside u64, balanced by the others modulo r. `balance`: consumed 1, created 1."""
    public, witness = example_action(b"wrap", depth=2, recipe=TRANSFER)
    amounts = {"consumed": [70, balance[0]], "created": [0, balance[1]]}
    amounts[role][0] = quantity
    witness = replace(
        witness,
        consumed=tuple(
            replace(n, quantity=q, which=0)
            for n, q in zip(witness.consumed, amounts["consumed"], strict=True)
        ),
        created=tuple(
            replace(n, quantity=q, which=0)
            for n, q in zip(witness.created, amounts["created"], strict=True)
        ),
    )
    for slot in (0, 1):
        cm = native.consumed_commitment(witness, slot)
        public, witness = forge.plant(public, witness, slot, cm)
    nullifiers = tuple(
        native.nullifier(witness.nk, n.nonce, native.consumed_commitment(witness, i))
        for i, n in enumerate(witness.consumed)
    )
    public = forge.publish_created(replace(public, nullifiers=nullifiers), witness)
    net = (sum(amounts["consumed"]) - sum(amounts["created"])) % R
    net = net if net < R // 2 else net - R
    assert abs(net) < 1 << 65
    points = tuple(native.kind_point(kind) for kind in witness.kinds)
    return forge.publish_delta(public, witness, (net, 0), points), witness


def test_created_minus_one(forge) -> None:
    """70 = (−1) + 71: one unit from nothing, for the note of −1 is thrown away."""
    forge.refused(
        *_wrapped(forge, "created", R - 1, (0, 71)),
        clause="A4",
        rows=["created_0/quantity: recomposes to a value below 2^64"],
    )


def test_created_two_to_the_64(forge) -> None:
    forge.refused(
        *_wrapped(forge, "created", 1 << 64, (0, 0)),
        clause="A4",
        rows=["created_0/quantity: recomposes to a value below 2^64"],
    )


def test_consumed_two_to_the_64(forge) -> None:
    forge.refused(
        *_wrapped(forge, "consumed", 1 << 64, (0, 5)),
        clause="A4",
        rows=["consumed_0/quantity: recomposes to a value below 2^64"],
    )


def test_consumed_minus_one(forge) -> None:
    forge.refused(
        *_wrapped(forge, "consumed", R - 1, (2, 1)),
        clause="A4",
        rows=["consumed_0/quantity: recomposes to a value below 2^64"],
    )


# A6


def test_s3_faerie_gold(forge) -> None:
    """S-3: two notes with one nonce have one nullifier; the receiver can spend only one."""
    public, witness = forge.transfer()
    repeated = 12345
    public = forge.publish_created(public, witness, nonces={0: repeated})
    forge.refused(
        public, witness, {"created_0/nonce": repeated}, clause="A6", rows=["created_0: nonce"]
    )


def test_nonce_of_the_other_slot(forge) -> None:
    public, witness = forge.transfer()
    other = native.created_nonce(0, public.nullifiers)
    public = forge.publish_created(public, witness, nonces={1: other})
    forge.refused(
        public, witness, {"created_1/nonce": other}, clause="A6", rows=["created_1: nonce"]
    )
