"""Products as functions from memory to memory, so that a kernel's code stays small.

A product of four lanes of doubles is five hundred instructions; written out at each use, a dozen of
them fill the instruction cache, and compiling takes long. Elements therefore know where they lie in
memory (`Element.home`), and a product is a call that passes addresses.

    {field}_vector_mul(out, a, b)             a·b/R
    {field}_vector_sqr(out, a)                a²/R
    {field}_vector_add2(out, a, b, c, d)      (a·b + c·d)/R
    {field}_vector_sub2(out, a, b, c, d)      (a·b − c·d)/R

Operands are in limb form, every limb at most `WIDE` for one factor of a pair and `NARROW` for the
other, in either order: what `Fma` asks of any product.
"""

from __future__ import annotations

from zk.kernels.constants import Modulus
from zk.kernels.emit import Module, Value
from zk.kernels.vector.fma import PRODUCT_LIMIT, Fma
from zk.kernels.vector.lanes import (
    LIMBS,
    BoundError,
    Element,
    Interval,
    top_bound,
)


class Outlined(Fma):
    """`Fma` whose products are calls."""

    def mul_sum(self, *pairs: tuple[Element, Element]) -> Element:
        ready = [self.ready(a, b) for a, b in pairs]
        value = self.product_value(ready)
        (a, b), *others = ready
        if not others and a is b:
            return self._call("sqr", value, a)
        if not others:
            return self._call("mul", value, a, b)
        if len(others) > 1:
            raise BoundError("three products in one sum have no function")
        c, d = others[0]
        for x, y in ((c, d), (d, c)):
            if x.negated is not None:
                return self._call("sub2", value, a, b, x.negated, y)
        return self._call("add2", value, a, b, c, d)

    def _call(self, name: str, value: Interval, *operands: Element) -> Element:
        homes = [self.home(x) for x in operands]
        out = self.f.aligned(self.size)
        self.f.call(f"{self.m.prefix}_vector_{name}", out, *homes)
        bounds = [self.carried] * (LIMBS - 1)
        like = Element((), value, (*bounds, top_bound(value, bounds)))
        return self.load(out, like, pinned=True)

    def home(self, a: Element) -> Value:
        """An address where the limbs lie."""
        if a.home:
            return a.home
        slot = self.f.aligned(self.size)
        self.store(a, slot)
        return slot


def emit_products(module: Module, m: Modulus) -> None:
    """The four functions of one field."""
    for name, inputs, signs in (
        ("mul", "ab", (1,)),
        ("sqr", "a", (1,)),
        ("add2", "abcd", (1, 1)),
        ("sub2", "abcd", (1, -1)),
    ):
        f = module.function(f"{m.prefix}_vector_{name}", "out", *inputs, attributes="noinline")
        k = Fma(f, m)
        half = k.any_limbs(PRODUCT_LIMIT)
        loaded = [k.load(f"%{x}", half) for x in inputs]
        if name == "sqr":
            loaded *= 2
        pairs = list(zip(loaded[::2], loaded[1::2], strict=True))
        factors = [
            (a, b) if sign > 0 else (k.neg(a), b) for (a, b), sign in zip(pairs, signs, strict=True)
        ]
        k.store(k.mul_sum(*factors), "%out")
        f.leave()
