"""Butterflies of doubles: products by Shoup's quotients (`fixed`).

Between layers values stay within `_WIDEST`, and limbs within ±2⁵³. The leading operand of a
butterfly is brought into half the interval by one conditional addition, the others are products.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from zk.kernels.constants import FR
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector import fixed
from zk.kernels.vector.butterflies import Butterflies, Four, nowhere
from zk.kernels.vector.canonical import canonical
from zk.kernels.vector.fma import HIGH, Fma
from zk.kernels.vector.lanes import (
    LIMBS,
    RADIX,
    BoundError,
    Element,
    Lanes,
    add_intervals,
    clip,
    magnitude,
    top_bound,
    within,
)

_WIDEST: Final = (-27, 29)
"""Values between layers stay between these multiples of r."""
_HALVINGS: Final = 3
"""Of the interval of operands that are added without having been multiplied."""


class DoubleButterflies(Butterflies):
    """See `Butterflies`."""

    record = fixed.RECORD
    kept_log = 18
    k: Fma

    @classmethod
    def emit(cls, module: Module, lanes: type[Lanes]) -> None:  # noqa: ARG003  others need it
        fixed.emit_scale(module, FR)

    @classmethod
    def digits(cls, w: int) -> list[int]:
        return fixed.digits(FR.value, w)

    @property
    def fresh(self) -> Element:
        """Rows and products, carried; the first layer adds four of them as they are."""
        return nowhere((-self.k.p, 6 * self.k.p), self.k.carried)

    @property
    def between(self) -> Element:
        return _between(type(self.k))

    # -- layers -----------------------------------------------------------------------------------

    def pair(self, a: Sequence[Element], factor: Value) -> tuple[Element, Element]:
        k = self.k
        u, v = a
        if factor:
            u, v = self._narrowed(u, _HALVINGS), self._times(v, factor)
        return k.add(u, v), k.sub(u, v)

    def four(self, a: Sequence[Element], factors: Value, fourth: Value, *, fresh: bool) -> Four:
        k = self.k
        if fresh:
            b = list(a)
        elif factors:
            b = fixed.scaled_three(k, [self._loosened(x) for x in a[1:]], factors)
            b.insert(0, self._narrowed(a[0], 1))
        else:
            b = [self._narrowed(x, _HALVINGS) for x in a]
        even, odd = k.add(b[0], b[2]), k.add(b[1], b[3])
        even_, odd_ = k.sub(b[0], b[2]), self._times(k.sub(b[1], b[3]), fourth)
        return k.add(even, odd), k.add(even_, odd_), k.sub(even, odd), k.sub(even_, odd_)

    def _times(self, a: Element, record: Value) -> Element:
        """Product with a constant of a table."""
        return fixed.scaled(self.k, self._loosened(a), record)

    def _loosened(self, a: Element) -> Element:
        """The same values with limbs that a multiplier takes.

        All carries are taken from the limbs as they were, so that none waits for another one.
        """
        k = self.k
        low, high = k.carried
        if all(low <= x[0] and x[1] <= high for x in a.bounds[:-1]):
            return a
        if any(magnitude(x) > 1 << (RADIX + 1) for x in a.bounds[:-1]):
            raise BoundError("a limb is too large to be carried")
        big, half = k.pooled(HIGH), k.pooled(-low)
        down = f"<{', '.join([f'double 0x{(1023 - RADIX) << 52:016X}'] * k.width)}>"
        # x + 2⁵¹ truncated to a multiple of 2⁵²; the sum is inexact above 2⁵³ alone, downwards
        carries = [k.fsub(k.fadd(k.fadd(x, half), big), big) for x in a.limbs[:-1]]
        spans = [((x[0] - low) >> RADIX, (x[1] - low) >> RADIX) for x in a.bounds[:-1]]
        limbs = [*(k.fsub(x, c) for x, c in zip(a.limbs, carries, strict=False)), a.limbs[-1]]
        bounds = [k.carried] * (LIMBS - 1) + [a.bounds[-1]]
        for i in range(1, LIMBS):
            limbs[i] = k.fma(carries[i - 1], down, limbs[i])
            bounds[i] = add_intervals(bounds[i], spans[i - 1])
        bounds[-1] = clip(top_bound(a.value, bounds[:-1]), bounds[-1])
        return Element(tuple(limbs), a.value, tuple(bounds))

    def _narrowed(self, a: Element, halvings: int) -> Element:
        """The same residues, carried, in an interval around zero halved so many times."""
        k = self.k
        a = self._loosened(a)
        for _ in range(halvings):
            low, high = a.value
            amount = -(-(high - low) // (2 * k.p)) * k.p
            middle = (min(low + amount, high - amount) + high) // 2
            a = k.lift_below(a, high - amount, amount, -((2 * middle + k.p) // (2 * k.p)) * k.p)
        return k.carry_signed(a)

    # -- rows and factors -------------------------------------------------------------------------

    def multiplied(self, pairs: Sequence[tuple[Element, Element]]) -> list[Element]:
        (a, v), (b, w) = pairs
        return list(self.k.mul_both((self._loosened(a), v), (self._loosened(b), w)))

    def settled(self, a: Element) -> Element:
        return a

    def canonical(self, a: Element) -> list[Value]:
        return canonical(self.k, a)

    def quotient(self, values: Sequence[Element], scale: int) -> list[Value]:
        k = self.k
        a, b, c = (self._loosened(x) for x in values)
        return canonical(k, k.mul_sum((a, b), (k.neg(c), k.constant(scale))))


@functools.cache
def _between(lanes: type[Fma]) -> Element:
    """`Butterflies.between`, proved."""
    value = _WIDEST[0] * FR.value, _WIDEST[1] * FR.value
    start = nowhere(value, (-(1 << (RADIX + 1)), 1 << (RADIX + 1)))
    b = DoubleButterflies(lanes(Function("bounds", []), FR))
    fresh = b.fresh
    results = [x for f in ("%w", "") for x in b.four([start] * 4, f, "%i", fresh=False)]
    results += [*b.pair([start] * 2, "%w"), *b.pair([fresh] * 2, "")]
    results += [fresh, *b.four([fresh] * 4, "", "%i", fresh=True)]
    if not all(within(x, start) for x in results):
        raise BoundError("a butterfly does not keep its bounds")
    return start
