"""Sums of products of field elements without a reduction per product: nine limbs on the stack.

A product of two values below 2²⁵⁶ takes eight limbs; the ninth counts what overflows, so 2⁶⁴ of
them can be added (nine and a tenth, if the second factor has five limbs). A row of the schoolbook
product ends with a carry of one bit that belongs to the limb which the next row ends with; it is
handed on to that row instead of being propagated.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import LIMB_BITS, Modulus
from zk.kernels.emit import Function, Value

LIMBS: Final = 4
WIDE: Final = 2 * LIMBS + 1

_SIGN: Final = 1 << (LIMB_BITS - 1)


class Accumulator:
    """A sum of products in a function under construction.

    Args:
        f: the function.
        second: limbs of the second factor of products.
    """

    def __init__(self, f: Function, second: int = LIMBS) -> None:
        self._f = f
        self._second = second
        self._held = [f.slot(8) for _ in range(LIMBS + second + 1)]
        self.clear()

    def clear(self) -> None:
        """Start at 0."""
        for place in self._held:
            self._f.store(0, place)

    def limb(self, index: int) -> Value:
        return self._f.load(self._held[index])

    def set_limb(self, index: int, value: Value | int) -> None:
        self._f.store(value, self._held[index])

    def add_product(self, a: Value, b: Value) -> None:
        """Add the product of the values at two addresses, the first of four limbs."""
        f = self._f
        left = [self._extend(f.load(f.at(a, 8 * i))) for i in range(LIMBS)]
        right = [self._extend(f.load(f.at(b, 8 * i))) for i in range(self._second)]
        total = [f.load(place) for place in self._held]
        over = "0"
        for i in range(self._second):
            over = self._row(total, i, left, right[i], over)
        total[-1] = f.add(total[-1], self._low(over))
        self._store(total)

    def add_scaled(self, factor: Value, constant: int) -> Value:
        """Add a 64-bit factor times a 256-bit constant; returns what overflows nine limbs' eight.

        The ninth limb neither takes part nor changes.
        """
        f = self._f
        total = [f.load(place) for place in self._held]
        wide = [str(limb(constant, i)) for i in range(LIMBS)]
        carry = self._row(total, 0, wide, self._extend(factor), "0")
        for i in range(LIMBS + 1, 2 * LIMBS):
            step = self._plus(self._extend(total[i]), carry)
            total[i], carry = self._low(step), self._high(step)
        self._store(total)
        return self._low(carry)

    def montgomery(self, m: Modulus, steps: int) -> None:
        """Make the lowest `steps` limbs 0 by adding a multiple of m that is below 2^(64·steps)·m.

        The sum must stay below 2^576, or with four steps below 2^512 + 2^256·m, whose ninth limb
        is then right, too. With a longer second factor the bounds grow by as many limbs.
        """
        f = self._f
        total = [f.load(place) for place in self._held]
        modulus = [str(limb(m.value, i)) for i in range(LIMBS)]
        over = "0"
        for i in range(steps):
            q = self._extend(f.mul(total[i], _signed(m.n0)))
            over = self._row(total, i, modulus, q, over)
        if steps == self._second:
            total[-1] = f.add(total[-1], self._low(over))
        self._store(total)

    def _row(
        self, total: list[Value], i: int, left: list[Value], factor: Value, over: Value
    ) -> Value:
        """Total += left·factor·2^(64·i), and the bit `over` at limb i + 4; returns the next one."""
        carry = "0"
        for j in range(LIMBS):
            product = self._f.op(f"mul i128 {factor}, {left[j]}")
            step = self._plus(self._plus(product, self._extend(total[i + j])), carry)
            total[i + j], carry = self._low(step), self._high(step)
        step = self._plus(self._plus(self._extend(total[i + LIMBS]), carry), over)
        total[i + LIMBS] = self._low(step)
        return self._high(step)

    def _store(self, total: list[Value]) -> None:
        for value, place in zip(total, self._held, strict=True):
            self._f.store(value, place)

    def _extend(self, x: Value) -> Value:
        return self._f.op(f"zext i64 {x} to i128")

    def _low(self, x: Value) -> Value:
        return self._f.op(f"trunc i128 {x} to i64")

    def _high(self, x: Value) -> Value:
        return self._f.op(f"lshr i128 {x}, {LIMB_BITS}")

    def _plus(self, x: Value, y: Value) -> Value:
        return self._f.op(f"add i128 {x}, {y}")


def limb(value: int, index: int) -> int:
    """Limb `index` of an integer."""
    return (value >> (LIMB_BITS * index)) % (1 << LIMB_BITS)


def _signed(x: int) -> int:
    return x - (1 << LIMB_BITS) if x & _SIGN else x
