"""Inversion modulo a prime by division steps, in variable time.

After Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (eprint
2019/266). A division step maps (δ, f, g), f odd, to

    (1 − δ, g, (g − f)/2)            where δ > 0 and g is odd
    (1 + δ, f, (g + (g mod 2)·f)/2)  else

and g reaches 0 with f = ±gcd. From f = m, g = a < m it takes at most ⌊(49·254 + 57)/17⌋ = 735 steps
(theorem 11.2). Sixty-two steps depend on the low 62 bits only and act as a matrix (u v; q r) over
2⁶², with |u| + |v|, |q| + |r| ≤ 2⁶². So the steps run on machine words, and each batch of 62 then
applies its matrix to f and g, and to d and e, which keep f = d·a/s, g = e·a/s modulo m for the
scale s that e starts with. In the end a·d = ±s.

Within a batch all steps up to the next exchange are done at once: g + w·f, with w ≡ −g/f modulo a
power of two, shifts out as many zeros. 1/f mod 64 is f·(2 − f²), Newton's step from f² ≡ 1 mod 8.

Bounds. d and e are divided by 2⁶² modulo m by adding k·m, −2⁶¹ ≤ k < 2⁶¹, so a batch adds at most
m/2 to the larger of |d|, |e|; from d = 0, 0 ≤ e < m twelve batches stay within 7m. Five limbs of 62
bits, the top one signed, hold that; products are below 2¹²⁴, and their sums below 2¹²⁷.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import LIMB_BITS, Modulus
from zk.kernels.emit import Function, Module, Value

SIZE: Final = 32
STEPS: Final = 62
BATCHES: Final = 12
_LIMBS: Final = 5
_MASK: Final = (1 << STEPS) - 1
_CANCELLED: Final = 6


def emit_inverse(module: Module, m: Modulus) -> None:
    """Out = 1/a in Montgomery form; 0 ↦ 0. a < 2m → < 2m."""
    _emit_steps(module, m)
    square = module.constant(f"{m.prefix}_square", [m.mont(m.mont(1))])
    f = module.function(f"{m.prefix}_inv", "out", "a", attributes="noinline")
    reduced = f.slot(SIZE)
    f.call(f"{m.prefix}_reduce", reduced, "%a")
    # δ as η = −δ; matrix, then f, g, d, e as limbs
    eta = f.slot(8)
    matrix = f.slot(32)
    first, second, left, right = (_Number(f) for _ in range(4))
    f.store(-1, eta)
    first.set_constant(m.value)
    second.set(f.load(reduced, "i256"))
    left.set_constant(0)
    right.set(f.load(square, "i256"))
    with f.loop(BATCHES), f.when(second.is_not_zero()):
        f.do(
            f"call void @{m.prefix}_inv_steps(ptr {matrix}, ptr {eta}, "
            f"i64 {second.limb(0)}, i64 {first.limb(0)})"
        )
        rows = [f.load(f.at(matrix, 8 * i)) for i in range(4)]
        wide = [f.op(f"sext i64 {v} to i128") for v in rows]
        for x, y, modulus in ((first, second, None), (left, right, m)):
            a, b = x.wide(), y.wide()
            x.set_limbs(_apply(f, wide[0], wide[1], a, b, modulus))
            y.set_limbs(_apply(f, wide[2], wide[3], a, b, modulus))
    value = left.value()
    negative = f.compare("slt", first.limb(_LIMBS - 1), 0)
    value = f.select(negative, f.op(f"sub i320 0, {value}"), value, "i320")
    below = f.compare("slt", value, 0, "i320")
    value = f.op(f"add i320 {value}, {f.select(below, 7 * m.value, 0, 'i320')}")
    for multiple in (4, 2):
        less = f.op(f"sub i320 {value}, {multiple * m.value}")
        value = f.select(f.compare("slt", less, 0, "i320"), value, less, "i320")
    f.store(f.op(f"trunc i320 {value} to i256"), "%out", "i256")
    f.leave()


class _Number:
    """A signed integer in five limbs of 62 bits on the stack."""

    def __init__(self, f: Function) -> None:
        self._f = f
        self._limbs = [f.slot(8) for _ in range(_LIMBS)]

    def set_constant(self, value: int) -> None:
        self.set_limbs([str(value >> (STEPS * i) & _MASK) for i in range(_LIMBS)])

    def set(self, value: Value) -> None:
        """From an `i256` that is not negative."""
        f = self._f
        shifted = [f.op(f"lshr i256 {value}, {STEPS * i}") for i in range(_LIMBS)]
        self.set_limbs(
            [f.op(f"and i64 {f.op(f'trunc i256 {v} to i64')}, {_MASK}") for v in shifted]
        )

    def set_limbs(self, limbs: list[Value]) -> None:
        for limb, place in zip(limbs, self._limbs, strict=True):
            self._f.store(limb, place)

    def limb(self, index: int) -> Value:
        return self._f.load(self._limbs[index])

    def wide(self) -> list[Value]:
        return [self._f.op(f"sext i64 {self.limb(i)} to i128") for i in range(_LIMBS)]

    def is_not_zero(self) -> Value:
        f = self._f
        union = self.limb(0)
        for i in range(1, _LIMBS):
            union = f.op(f"or i64 {union}, {self.limb(i)}")
        return f.compare("ne", union, 0)

    def value(self) -> Value:
        """As an `i320`."""
        f = self._f
        total = f.op(f"sext i64 {self.limb(_LIMBS - 1)} to i320")
        for i in reversed(range(_LIMBS - 1)):
            shifted = f.op(f"shl i320 {total}, {STEPS}")
            total = f.op(f"or i320 {shifted}, {f.op(f'zext i64 {self.limb(i)} to i320')}")
        return total


def _apply(
    f: Function, u: Value, v: Value, x: list[Value], y: list[Value], m: Modulus | None
) -> list[Value]:
    """(u·x + v·y)/2⁶², where that is exact, or modulo m: after k·m was added."""

    def plus(a: Value, b: Value) -> Value:
        return f.op(f"add i128 {a}, {b}")

    def times(a: Value, b: Value | int) -> Value:
        return f.op(f"mul i128 {a}, {b}")

    limbs: list[Value] = []
    carry = "0"
    factor = "0"
    for i in range(_LIMBS):
        carry = plus(carry, plus(times(u, x[i]), times(v, y[i])))
        if m is not None:
            if i == 0:
                inverse = -pow(m.value, -1, 1 << LIMB_BITS) % (1 << LIMB_BITS)
                low = f.mul(f.op(f"trunc i128 {carry} to i64"), inverse)
                spread = LIMB_BITS - STEPS
                signed = f.op(f"ashr i64 {f.op(f'shl i64 {low}, {spread}')}, {spread}")
                factor = f.op(f"sext i64 {signed} to i128")
            carry = plus(carry, times(factor, m.value >> (STEPS * i) & _MASK))
        if i:
            limbs.append(f.op(f"and i64 {f.op(f'trunc i128 {carry} to i64')}, {_MASK}"))
        carry = f.op(f"ashr i128 {carry}, {STEPS}")
    limbs.append(f.op(f"trunc i128 {carry} to i64"))
    return limbs


def _emit_steps(module: Module, m: Modulus) -> None:
    """62 division steps on the low words of f and g: their matrix u, v, q, r, and η."""
    s = module.function(
        f"{m.prefix}_inv_steps", "matrix", "eta", "i64 g", "i64 f", attributes="noinline"
    )
    eta, left, f, g = (s.slot(8) for _ in range(4))
    u, v, q, r = (s.slot(8) for _ in range(4))
    for value, place in ((STEPS, left), ("%f", f), ("%g", g), (1, u), (0, v), (0, q), (1, r)):
        s.store(value, place)
    s.store(s.load("%eta"), eta)
    with s.repeat() as stop:
        remaining = s.load(left)
        guard = s.op(f"or i64 {s.load(g)}, {s.op(f'shl i64 -1, {remaining}')}")
        zeros = s.op(f"call i64 @llvm.cttz.i64(i64 {guard}, i1 true)")
        s.store(s.op(f"lshr i64 {s.load(g)}, {zeros}"), g)
        for place in (u, v):
            s.store(s.op(f"shl i64 {s.load(place)}, {zeros}"), place)
        s.store(s.sub(s.load(eta), zeros), eta)
        remaining = s.sub(remaining, zeros)
        s.store(remaining, left)
        stop(s.compare("eq", remaining, 0))
        with s.when(s.compare("slt", s.load(eta), 0)):
            s.store(s.sub("0", s.load(eta)), eta)
            for x, y in ((f, g), (u, q), (v, r)):
                old = s.load(x)
                s.store(s.load(y), x)
                s.store(s.sub("0", old), y)
        quiet = s.add(s.load(eta), 1)
        count = s.select(s.compare("ult", quiet, remaining), quiet, remaining)
        count = s.select(s.compare("ult", count, _CANCELLED), count, _CANCELLED)
        odd, even = s.load(f), s.load(g)
        inverse = s.mul(odd, s.sub(s.mul(odd, odd), 2))  # −1/f modulo 64
        mask = s.sub(s.op(f"shl i64 1, {count}"), 1)
        w = s.op(f"and i64 {s.mul(inverse, even)}, {mask}")
        for target, source in ((g, odd), (q, s.load(u)), (r, s.load(v))):
            s.store(s.add(s.load(target), s.mul(source, w)), target)
    s.store(s.load(eta), "%eta")
    for index, place in enumerate((u, v, q, r)):
        s.store(s.load(place), s.at("%matrix", 8 * index))
    s.leave()
