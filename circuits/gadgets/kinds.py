"""A kind of resource as a point of the curve, its sign fixed inside the statement (S-2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from circuits.gadgets.assign import assign
from circuits.gadgets.babyjub import EdwardsPoint, assert_on_curve, double
from circuits.gadgets.boolean import Bit, boolean
from circuits.gadgets.poseidon import poseidon
from circuits.gadgets.select import select
from circuits.records import KindWitness
from zk.field.params import FR
from zk.hash import domains
from zk.r1cs.advice import QUOTIENT, SQUARE_ROOT
from zk.r1cs.builder import Builder, Wire

_FIFTH: Final = pow(5, -1, FR.modulus)


@dataclass(frozen=True, slots=True)
class Kind:
    """An honest kind: what every constraint of `kind` has been applied to.

    Attributes:
        x: hash of (logic, label, ctr); the `kind` inside commitments.
        logic: 0, or the predicate that approves creation and consumption.
        ephemeral: never in the tree.
        half: [4](x, y), half of the kind's point K = [8](x, y).
    """

    x: Wire
    logic: Wire
    ephemeral: Bit
    half: EdwardsPoint


def kind(cs: Builder, witness: KindWitness, name: str) -> Kind:
    """Witness a kind.

    Constrains: x = Poseidon_{kind or ephemeral}(logic, label, ctr); (x, y) on the curve; y the
                canonical one of ±y; an ephemeral kind has logic ≠ 0.
    Assumes:    nothing. That ctr is the smallest is not enforced: another ctr is another kind.
    Cost:       280.
    """
    with cs.scope(name):
        logic = cs.witness("logic", witness.logic)
        label = cs.witness("label", witness.label)
        ctr = cs.witness("ctr", witness.ctr)
        ephemeral = boolean(cs, "ephemeral", witness.ephemeral)
        tag = select(cs, ephemeral, domains.EPHEMERAL_KIND, domains.KIND)
        x = assign(cs, "x", poseidon(cs, tag, (logic, label, ctr)))
        point = EdwardsPoint(x, cs.witness("y", witness.y))
        squares = assert_on_curve(cs, point)
        assert_canonical(cs, point.y)
        inverse = cs.advise(QUOTIENT, ephemeral, logic, name="ephemeral over logic")
        cs.enforce(logic, inverse, ephemeral, "an ephemeral kind has a logic")
        half = double(cs, double(cs, point, squares))
    return Kind(x, logic, ephemeral, half)


def assert_canonical(cs: Builder, y: Wire) -> None:
    """Admit one of y and −y: 2 + y = s² and 2 − y = 5t².

    5 is a non-residue and no point of the curve has y = ±2, so where y passes, 2 − y is a non-zero
    non-square, and −y, which asks for a root of it, fails.

    Constrains: the sign of y.
    Assumes:    y of a point on the curve.
    Cost:       2.
    """
    s = cs.advise(SQUARE_ROOT, 2 + y, name="root of 2 + y")
    cs.enforce(s, s, 2 + y, "2 + y is a square")
    t = cs.advise(SQUARE_ROOT, (2 - y) * _FIFTH, name="root of a fifth of 2 - y")
    cs.enforce(5 * t, t, 2 - y, "2 - y is five times a square")
