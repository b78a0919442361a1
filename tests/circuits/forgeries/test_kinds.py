"""Clause A5: kinds, their points, ephemeral kinds, and the logics that are published."""

from __future__ import annotations

from dataclasses import replace

from circuits import native
from circuits.action import ActionPublic, ActionWitness, KindWitness
from circuits.example import TRANSFER, Recipe, example_action
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.field.params import FR
from zk.field.prime import is_square
from zk.hash import domains
from zk.hash.poseidon import poseidon

R = FR.modulus
Lie = tuple[ActionPublic, ActionWitness]


def test_s2_the_other_sign(forge) -> None:
    """S-2: with ±K both admitted, q of (kind, +K) and q of (kind, −K) balance."""
    _, witness = forge.swap()
    kind = witness.kinds[0]
    flipped = replace(witness, kinds=(replace(kind, y=R - kind.y), witness.kinds[1]))
    public = native.public_of(flipped)
    assert native.kind_point(flipped.kinds[0]) == babyjub.negate(native.kind_point(kind))
    forge.refused(
        public,
        flipped,
        clause="A5",
        rows=["kind_0: 2 + y is a square", "kind_0: 2 - y is five times a square"],
    )


def test_s2_the_other_sign_of_an_unused_kind(forge) -> None:
    _, witness = forge.transfer()
    kind = witness.kinds[1]
    flipped = replace(witness, kinds=(witness.kinds[0], replace(kind, y=R - kind.y)))
    forge.refused(
        native.public_of(flipped),
        flipped,
        clause="A5",
        rows=["kind_1: 2 + y is a square", "kind_1: 2 - y is five times a square"],
    )


def _ambiguous(forge, square: bool) -> Lie:
    """A kind for both of whose roots 2 + y is a square, or for neither."""
    ctr = 0
    while True:
        kind = KindWitness(11, 1, ctr, 0, 0)
        root = babyjub.y_from_x(native.kind_x(kind))
        if root is not None and is_square(2 + root, FR) == is_square(2 - root, FR) == square:
            break
        ctr += 1
    _, witness = forge.with_kind(0, replace(kind, y=root))
    return native.public_of(witness), witness


def test_s2_both_signs_satisfy_the_first_rule(forge) -> None:
    forge.refused(
        *_ambiguous(forge, square=True), clause="A5", rows=["kind_0: 2 - y is five times a square"]
    )


def test_s2_both_signs_satisfy_the_second_rule(forge) -> None:
    forge.refused(*_ambiguous(forge, square=False), clause="A5", rows=["kind_0: 2 + y is a square"])


def test_kind_off_the_curve(forge) -> None:
    public, witness = forge.swap()
    y = next(y for y in range(3, 1000) if native.is_canonical(y) and y != witness.kinds[0].y)
    witness = replace(witness, kinds=(replace(witness.kinds[0], y=y), witness.kinds[1]))
    x, y = forge.computed(public, witness, "delta/x", "delta/y")
    forge.refused(
        replace(public, delta=(x, y)), witness, clause="A5", rows=["kind_0: on the curve"]
    )


def test_s14_kind_whose_point_is_known(forge) -> None:
    """S-14: a kind with K = [c]R is free money, since rcv hides any amount of it."""
    _, witness = forge.swap()
    eighth = pow(8, -1, babyjub.ORDER)
    c = 1
    while not native.is_canonical((point := babyjub.multiply(c * eighth, babyjub.RCV_BASE)).y):
        c += 1
    kinds = (replace(witness.kinds[0], y=point.y), witness.kinds[1])
    witness = replace(witness, kinds=kinds, created=(witness.created[0], witness.created[1]))
    # Consume a dummy of it, create 70.
    recipe = Recipe(consumed=((0, 0), (1, 5)), created=((0, 70), (1, 5)), logics=(11, 22))
    public, made = example_action(b"clauses", depth=2, recipe=recipe)
    witness = replace(made, kinds=kinds)
    dummy = witness.consumed[0]
    owner = native.owner_tag(native.master_key(witness.ak, witness.nk), dummy.diversifier)
    cm = native.commitment(point.x, 0, dummy.data, owner, dummy.nonce, dummy.rcm)
    public, witness = forge.plant(public, witness, 0, cm)
    nf = native.nullifier(witness.nk, dummy.nonce, cm)
    public = replace(public, nullifiers=(nf, public.nullifiers[1]))
    public = forge.publish_created(public, witness, kinds={0: point.x})
    big = babyjub.multiply(c, babyjub.RCV_BASE)
    public = forge.publish_delta(public, witness, (-70, 0), (big, native.kind_point(kinds[1])))
    forge.refused(public, witness, {"kind_0/x": point.x}, clause="A5", rows=["kind_0: x"])


def test_choice_that_is_no_bit(forge) -> None:
    """which = 2 counts q twice as the second kind and minus once as the first."""
    recipe = Recipe(consumed=((1, 20), (0, 0)), created=((0, 10), (0, 10)))
    public, witness = example_action(b"which", depth=2, recipe=recipe)
    first, second = (native.kind_x(k) for k in witness.kinds)
    witness = replace(witness, created=(replace(witness.created[0], which=2), witness.created[1]))
    public = forge.publish_created(public, witness, kinds={0: (2 * second - first) % R})
    points = tuple(native.kind_point(k) for k in witness.kinds)
    # Twenty of the second kind, twice ten: balanced; ten of the first, from nothing, likewise.
    forge.refused(
        forge.publish_delta(public, witness, (10 - 10, 20 - 20), points),
        witness,
        clause="A5",
        rows=["created_0: which is a bit"],
    )


def test_ephemeral_flag_that_is_no_bit(forge) -> None:
    """A third tag: a kind that is neither persistent nor ephemeral."""
    _, witness = forge.swap()
    tag = (2 * domains.EPHEMERAL_KIND - domains.KIND) % R
    ctr = 0
    while True:
        x = poseidon(tag, (11, 5, ctr))
        root = babyjub.y_from_x(x)
        ys = [y for y in (() if root is None else (root, R - root)) if native.is_canonical(y)]
        if ys:
            break
        ctr += 1
    recipe = Recipe(consumed=((1, 0), (1, 5)), created=((1, 0), (1, 5)), logics=(11, 22))
    public, witness = example_action(b"flag", depth=2, recipe=recipe)
    third = KindWitness(11, 5, ctr, 2, ys[0])
    witness = replace(witness, kinds=(third, witness.kinds[1]))
    points = (babyjub.multiply(8, Point(x, ys[0])), native.kind_point(witness.kinds[1]))
    forge.refused(
        forge.publish_delta(public, witness, (0, 0), points),
        witness,
        clause="A5",
        rows=["kind_0: ephemeral is a bit"],
    )


def test_ephemeral_kind_without_logic(forge) -> None:
    """Nothing approves its creation or consumption, and it needs no membership: minting."""
    ctr = 0
    while True:
        x = poseidon(domains.EPHEMERAL_KIND, (0, 5, ctr))
        root = babyjub.y_from_x(x)
        ys = [y for y in (() if root is None else (root, R - root)) if native.is_canonical(y)]
        if ys:
            break
        ctr += 1
    _, witness = forge.with_kind(0, KindWitness(0, 5, ctr, 1, ys[0]))
    forge.refused(
        native.public_of(witness),
        witness,
        clause="A5",
        rows=["kind_0: an ephemeral kind has a logic"],
    )


def test_s16_logic_of_an_empty_slot(forge) -> None:
    """S-16: a dummy would stand as evidence that the logic was asked."""
    recipe = replace(TRANSFER, logics=(11, 22))
    public, witness = example_action(b"s16", depth=2, recipe=recipe)
    assert public.consumed_logic == (11, 0)
    forge.refused(
        replace(public, consumed_logic=(11, 11)),
        witness,
        clause="A5",
        rows=["consumed_1: public logic"],
    )


def test_consumption_without_its_logic(forge) -> None:
    public, witness = forge.swap()
    forge.refused(
        replace(public, consumed_logic=(0, 22)),
        witness,
        clause="A5",
        rows=["consumed_0: public logic"],
    )


def test_creation_without_its_logic(forge) -> None:
    public, witness = forge.swap()
    forge.refused(
        replace(public, created_logic=(11, 0)),
        witness,
        clause="A5",
        rows=["created_1: public logic"],
    )


def test_logic_of_the_other_kind(forge) -> None:
    public, witness = forge.swap()
    forge.refused(
        replace(public, created_logic=(22, 22)),
        witness,
        clause="A5",
        rows=["created_0: public logic"],
    )
