"""Clauses A7 and A8: the key that signs, and the balance."""

from __future__ import annotations

from dataclasses import replace

from circuits import native
from circuits.action import ActionPublic, ActionWitness
from circuits.example import Recipe, example_action
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.field.params import FR

R = FR.modulus
Lie = tuple[ActionPublic, ActionWitness]


# A7


def test_key_of_someone_else(forge) -> None:
    """rk is the signer's own, ak the owner's: anyone who knows nk could spend."""
    public, witness = forge.transfer()
    forge.refused(
        replace(public, rk=babyjub.multiply(77, babyjub.B8)),
        witness,
        clause="A7",
        rows=["x of rk", "y of rk"],
    )


def test_ak_off_the_curve(forge) -> None:
    public, witness = forge.transfer()
    witness = replace(witness, ak=(witness.ak[0], 5))
    assert not babyjub.is_on_curve(Point(*witness.ak))
    public = native.public_of(witness)
    for slot in (0, 1):
        cm = native.consumed_commitment(witness, slot)
        public, witness = forge.plant(public, witness, slot, cm)
    x, y = forge.computed(public, witness, "rk/x", "rk/y")
    forge.refused(replace(public, rk=(x, y)), witness, clause="A7", rows=["on the curve"])


def test_digit_of_alpha_that_is_no_bit(forge) -> None:
    """rk is then ak plus whatever the prover likes; refused at the digit's first constraint."""
    public, witness = forge.transfer()
    forge.refused(
        public,
        witness,
        {"alpha/window 0/b0": 2},
        clause="A7",
        rows=["alpha/window 0: b0 is a bit"],
        alone=False,
    )


def test_table_entry_of_alpha_replaced(forge) -> None:
    public, witness = forge.transfer()
    forge.refused(
        public,
        witness,
        {"alpha/window 3/v of T": 4},
        clause="A7",
        rows=["alpha/window 3: v is ± the table's"],
        alone=False,
    )


# A8


def test_balance_of_another_amount(forge) -> None:
    public, witness = forge.transfer()
    points = tuple(native.kind_point(k) for k in witness.kinds)
    forge.refused(
        forge.publish_delta(public, witness, (1_000, 0), points),
        witness,
        clause="A8",
        rows=["x of delta", "y of delta"],
    )


def test_balance_with_kinds_exchanged(forge) -> None:
    recipe = Recipe(consumed=((0, 70), (1, 5)), created=((0, 60), (1, 5)))
    public, witness = example_action(b"exchange", depth=2, recipe=recipe)
    first, second = (native.kind_point(k) for k in witness.kinds)
    forge.refused(
        forge.publish_delta(public, witness, (10, 0), (second, first)),
        witness,
        clause="A8",
        rows=["x of delta", "y of delta"],
    )


def test_balance_with_the_sign_reversed(forge) -> None:
    recipe = Recipe(consumed=((0, 70), (1, 5)), created=((0, 60), (1, 5)))
    public, witness = example_action(b"reverse", depth=2, recipe=recipe)
    points = tuple(native.kind_point(k) for k in witness.kinds)
    forge.refused(
        forge.publish_delta(public, witness, (-10, 0), points),
        witness,
        clause="A8",
        rows=["x of delta"],
        alone=False,
    )


def test_digit_of_net_that_is_no_bit(forge) -> None:
    public, witness = forge.transfer()
    forge.refused(
        public,
        witness,
        {"moved/net 0": 2},
        clause="A8",
        rows=["moved: recomposes to a value below 2^66"],
        alone=False,
    )


def test_digit_of_rcv_that_is_no_bit(forge) -> None:
    public, witness = forge.transfer()
    forge.refused(
        public,
        witness,
        {"rcv/window 83/b1": 3},
        clause="A8",
        rows=["rcv/window 83: b1 is a bit"],
        alone=False,
    )


def test_s17_equal_kinds(forge) -> None:
    """The joint table has the identity then, which no row may leave to the prover."""
    _, witness = forge.swap()
    public, same = forge.with_kind(1, witness.kinds[0])
    public = native.public_of(same)
    x, y = forge.computed(public, same, "delta/x", "delta/y")
    forge.refused(
        replace(public, delta=(x, y)),
        same,
        clause="A8",
        rows=["moved/table/H0 - H1: u", "moved/table/H0 - H1: inverse of x"],
    )
