"""Baby Jubjub inside a statement: the complete Edwards law, and Montgomery steps that are not.

Edwards     a·x² + y² = 1 + d·x²·y²        complete: any two points of the curve add, 6 rows
Montgomery  v² = u³ + A·u² + u             3 rows a step, but ±q + q divides by zero

A zero over a zero leaves a slope unconstrained, and whoever chooses the slope chooses the sum
(S-17). So Montgomery steps serve only in chains that start at `CHAIN_START`; "Exceptional cases" in
`circuits/SPEC.md` has the argument. All gadgets take points *of the curve*: witnessed points pass
`assert_on_curve`, and every sum stays on it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from zk.curve import babyjub
from zk.r1cs.advice import QUOTIENT, Formula
from zk.r1cs.builder import Builder, Wire

A: Final = babyjub.A
D: Final = babyjub.D
MONT_A: Final = babyjub.MONT_A

THIRD_U: Final = Formula(lambda slope, u1, u2: slope * slope - MONT_A - u1 - u2)
LINE: Final = Formula(lambda slope, u1, v1, u: slope * (u1 - u) - v1)


class EdwardsPoint(NamedTuple):
    """A point of the twisted Edwards curve, as wires."""

    x: Wire
    y: Wire


class MontgomeryPoint(NamedTuple):
    """A point of the birationally equivalent Montgomery curve, never the identity, as wires."""

    u: Wire
    v: Wire


class Squares(NamedTuple):
    """x² and y² of an Edwards point."""

    xx: Wire
    yy: Wire


def divide(cs: Builder, numerator: Wire, denominator: Wire, name: str) -> Wire:
    """The wire q with q·denominator = numerator.

    Constrains: q, wherever the denominator is not 0. 0/0 leaves q free.
    Assumes:    the caller shows that the denominator is not 0, or that only the numerator is not.
    Cost:       1.
    """
    q = cs.advise(QUOTIENT, numerator, denominator, name=name)
    cs.enforce(q, denominator, numerator, name)
    return q


def constant_point(cs: Builder, p: babyjub.Point) -> EdwardsPoint:
    """A point known when the statement is written. Cost: 0."""
    return EdwardsPoint(cs.constant(p.x), cs.constant(p.y))


def negate(p: EdwardsPoint) -> EdwardsPoint:
    """−(x, y) = (−x, y). Cost: 0."""
    return EdwardsPoint(-p.x, p.y)


def assert_on_curve(cs: Builder, p: EdwardsPoint) -> Squares:
    """The curve's equation.

    Constrains: a·x² + y² = 1 + d·x²·y².
    Assumes:    nothing.
    Cost:       3.
    """
    squares = Squares(cs.square(p.x, "x^2"), cs.square(p.y, "y^2"))
    cs.enforce(D * squares.xx, squares.yy, A * squares.xx + squares.yy - 1, "on the curve")
    return squares


def assert_same(cs: Builder, p: EdwardsPoint, q: EdwardsPoint, why: str) -> None:
    """P = q, coordinate by coordinate. Cost: 2."""
    cs.equal(p.x, q.x, f"x of {why}")
    cs.equal(p.y, q.y, f"y of {why}")


def add(cs: Builder, p: EdwardsPoint, q: EdwardsPoint, name: str = "sum") -> EdwardsPoint:
    """The sum by the complete law: no exception, hence no condition beyond being on the curve.

        x₃ = (x₁y₂ + y₁x₂)/(1 + d·τ)     y₃ = (y₁y₂ − a·x₁x₂)/(1 − d·τ)     τ = x₁x₂y₁y₂

    With β = x₁y₂, γ = y₁x₂ the second numerator is (y₁ − a·x₁)(x₂ + y₂) + aβ − γ, and τ = βγ.

    Constrains: the result.
    Assumes:    both on the curve (then no denominator is 0, as a is a square and d is not).
    Cost:       6; 3 when one of the two is a constant.
    """
    with cs.scope(name):
        beta = cs.mul(p.x, q.y, "beta")
        gamma = cs.mul(p.y, q.x, "gamma")
        delta = cs.mul(p.y - A * p.x, q.x + q.y, "delta")
        tau = cs.mul(beta, gamma, "tau")
        x = divide(cs, beta + gamma, 1 + D * tau, "x")
        y = divide(cs, delta + A * beta - gamma, 1 - D * tau, "y")
    return EdwardsPoint(x, y)


def double(cs: Builder, p: EdwardsPoint, squares: Squares | None = None) -> EdwardsPoint:
    """[2]p by the complete law, its denominators rewritten with the curve's equation.

        x₃ = 2xy/(a·x² + y²)     y₃ = (y² − a·x²)/(2 − a·x² − y²)

    Constrains: the result.
    Assumes:    p on the curve.
    Cost:       5; 3 when the squares are at hand.
    """
    with cs.scope("double"):
        xx, yy = squares if squares else (cs.square(p.x, "x^2"), cs.square(p.y, "y^2"))
        xy = cs.mul(p.x, p.y, "xy")
        x = divide(cs, 2 * xy, A * xx + yy, "x")
        y = divide(cs, yy - A * xx, 2 - A * xx - yy, "y")
    return EdwardsPoint(x, y)


def to_montgomery(cs: Builder, p: EdwardsPoint, name: str) -> MontgomeryPoint:
    """(u, v) = ((1 + y)/(1 − y), u/x).

    Constrains: the result, and that p is neither the identity (y = 1 asks for u·0 = 2) nor the
                point (0, −1) of order 2 (x has an inverse): nothing is left to choose.
    Assumes:    p on the curve.
    Cost:       3.
    """
    with cs.scope(name):
        u = divide(cs, 1 + p.y, 1 - p.y, "u")
        inverse = divide(cs, cs.constant(1), p.x, "inverse of x")
        v = cs.mul(u, inverse, "v")
    return MontgomeryPoint(u, v)


def from_montgomery(cs: Builder, p: MontgomeryPoint) -> EdwardsPoint:
    """(x, y) = (u/v, (u − 1)/(u + 1)).

    Constrains: the result. u = −1 is on no point; v = 0 only at (0, 0), the point of order 2,
                where x would be free.
    Assumes:    p on the curve and not (0, 0): the end of a chain (S-17).
    Cost:       2.
    """
    with cs.scope("edwards"):
        x = divide(cs, p.u, p.v, "x")
        y = divide(cs, p.u - 1, p.u + 1, "y")
    return EdwardsPoint(x, y)


def constant_montgomery(cs: Builder, p: babyjub.Point) -> MontgomeryPoint:
    """A constant, not the identity, in Montgomery coordinates. Cost: 0."""
    u, v = babyjub.to_montgomery_curve(p)
    return MontgomeryPoint(cs.constant(u), cs.constant(v))


def step(cs: Builder, p: MontgomeryPoint, t: MontgomeryPoint) -> MontgomeryPoint:
    """P + t, for p ≠ ±t.

        λ = (v_t − v_p)/(u_t − u_p)     u = λ² − A − u_p − u_t     v = λ(u_p − u) − v_p

    Constrains: the sum where u_p ≠ u_t; where both coordinates agree λ is free.
    Assumes:    p ≠ ±t, by the argument on chains (S-17).
    Cost:       3.
    """
    slope = divide(cs, t.v - p.v, t.u - p.u, "slope")
    u = third_u(cs, slope, p.u, t.u, "u")
    v = chord(cs, slope, p, u)
    return MontgomeryPoint(u, v)


def third_u(cs: Builder, slope: Wire, u1: Wire, u2: Wire, name: str) -> Wire:
    """U of the third point on a line: λ² − A − u₁ − u₂. Cost: 1."""
    u = cs.advise(THIRD_U, slope, u1, u2, name=name)
    cs.enforce(slope, slope, u + MONT_A + u1 + u2, name)
    return u


def chord(cs: Builder, slope: Wire, p: MontgomeryPoint, u: Wire) -> Wire:
    """V of the sum at u, on the line through p: λ(u_p − u) − v_p.

    A wire of its own, not `mul(…) − v_p`, whose combinations would grow along the chain.
    Cost: 1.
    """
    v = cs.advise(LINE, slope, p.u, p.v, u, name="v")
    cs.enforce(slope, p.u - u, v + p.v, "v of the sum")
    return v
