"""Four elements of Fp2 side by side in the eight lanes of `ifma`: slots, and products of them."""

from __future__ import annotations

from collections.abc import Sequence

from zk.kernels.emit import Value
from zk.kernels.vector.kept import ready
from zk.kernels.vector.lanes import Element, hull
from zk.kernels.vector.planar import Planar


def lanes_of(*chosen: int) -> list[bool]:
    """The lanes of some elements of Fp2."""
    return [i // 2 in chosen for i in range(8)]


def slots(t: Planar, a: Element, picks: Sequence[int]) -> Element:
    """Elements of Fp2 in another order."""
    return t.shuffled(a, [2 * s + i for s in picks for i in range(2)])


def picked(t: Planar, a: Element, b: Element, picks: Sequence[int]) -> Element:
    """Elements of Fp2 of a (0 … 3) and of b (4 … 7)."""
    kind = t.k.limb_type
    mask = ", ".join(f"i32 {2 * s + i}" for s in picks for i in range(2))
    limbs = tuple(
        t.f.op(f"shufflevector {kind} {x}, {kind} {y}, <8 x i32> <{mask}>")
        for x, y in zip(a.limbs, b.limbs, strict=True)
    )
    bounds = tuple(hull(x, y) for x, y in zip(a.bounds, b.bounds, strict=True))
    return Element(limbs, hull(a.value, b.value), bounds)


def products(t: Planar, a: Element, b: Element) -> Element:
    """Four products in Fp2."""
    return t.k.mul_sum(*terms(t, a, b))


def terms(t: Planar, a: Element, b: Element) -> tuple[tuple[Element, Element], ...]:
    """What sums up to them: a.re·b and a.im·u·b."""
    a, b = ready(t.k, a), ready(t.k, b)
    return (_part(t, a, 0), b), (_part(t, a, 1), _times_u(t, b))


def _part(t: Planar, a: Element, part: int) -> Element:
    """The real (0) or imaginary (1) part of each element in both of its lanes."""
    return t.shuffled(a, [i // 2 * 2 + part for i in range(8)])


def _times_u(t: Planar, a: Element) -> Element:
    """u·(re, im) = (−im, re) in digits, not negative where a is not."""
    k = t.k
    turned = t.shuffled(a, [i ^ 1 for i in range(8)])
    minus = k.sub(k.constant(k.multiple_above(a.value[1])), turned)
    return ready(k, k.select(t.where([i % 2 == 0 for i in range(8)]), minus, turned))


def _times_xi(t: Planar, a: Element, turned: Element) -> Element:
    """(9 + u)·a, given u·a."""
    k = t.k
    eight = k.double(k.double(k.double(a)))
    return ready(k, k.add(eight, k.add(a, turned)))


def cyclotomic_square(t: Planar, out: Value) -> None:
    """Squares an element of the cyclotomic subgroup in place (see `zk.kernels.vector.tower`).

    With x = (g₀, g₁, g₂) and y = (g₃, g₄, g₅), the coefficients of w⁰ … w⁵, let
    s = x² + ξ·y² and q = x·y, each three products of Fp2 side by side. Then

        g₀' = 3s₀ − 2g₀   g₁' = 6ξ·q₂ + 2g₁   g₂' = 3s₁ − 2g₂
        g₃' = 6q₀ + 2g₃   g₄' = 3s₂ − 2g₄     g₅' = 6q₁ + 2g₅
    """
    k = t.k
    low, high = t.get(out, 0), t.get(out, 1)
    x, y = slots(t, low, (0, 1, 2, 2)), picked(t, low, high, (3, 4, 5, 5))
    x_u, y_u = _times_u(t, x), _times_u(t, y)
    y_xi = _times_xi(t, y, y_u)
    y_parts = _part(t, y, 0), _part(t, y, 1)
    s = k.mul_sum(
        (_part(t, x, 0), x),
        (_part(t, x, 1), x_u),
        (y_parts[0], y_xi),
        (y_parts[1], _times_u(t, y_xi)),
    )
    q = k.mul_sum((y_parts[0], x), (y_parts[1], x_u))
    q_xi = k.double(_times_xi(t, q, _times_u(t, q)))
    q2 = k.double(q)
    mixed = (
        picked(t, picked(t, s, q_xi, (0, 6, 1, 1)), q2, (0, 1, 2, 4)),
        picked(t, s, q2, (2, 5, 2, 5)),
    )
    for v, (fresh, old) in enumerate(zip(mixed, (low, high), strict=True)):
        twice = k.double(old)
        signed = t.negated_where(lanes_of(0, 2), twice)
        t.put(k.add(k.add(k.double(fresh), fresh), signed), out, v)
