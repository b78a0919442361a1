"""Elements of Fp12 in memory, coefficients side by side, and vectors of them in registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zk.kernels.constants import FP
from zk.kernels.emit import Function, Value
from zk.kernels.vector.dots import Dots
from zk.kernels.vector.fma import Fma
from zk.kernels.vector.kept import (
    check_within,
    joined,
    kept,
    kept_like,
    light,
    ready,
    times,
)
from zk.kernels.vector.lanes import LIMBS, Element, Lanes

COEFFICIENTS: Final = 12
PLANE: Final = 16 * 8
"""Bytes from limb to limb of a planar element; twelve coefficients and room for whole vectors."""
PLANAR: Final = LIMBS * PLANE
WIDE: Final = 32 * 8
TURNED: Final = LIMBS * WIDE
"""From B to u·B."""
EXTENDED: Final = 2 * TURNED
BASE: Final = 12
"""Index of b₀ in B."""
ROW: Final = 32


class Planar:
    """Vectors of coefficients of one function.

    Args:
        f: where instructions go.
        lanes: the multiplier.
        dots: its dots.
    """

    def __init__(self, f: Function, lanes: type[Lanes], dots: Dots) -> None:
        self.f = f
        self.k = lanes(f, FP)
        self.dots = dots
        self.width = lanes.width
        self.vectors = -(-COEFFICIENTS // lanes.width)
        self.like = kept_like(self.k)

    # -- memory -----------------------------------------------------------------------------------

    def load(self, pointer: Value, stride: int, like: Element) -> Element:
        kind = self.k.limb_type
        limbs = tuple(
            self.f.op(f"load {kind}, ptr {self.f.at(pointer, stride * i)}, align 8")
            for i in range(LIMBS)
        )
        return Element(limbs, like.value, like.bounds)

    def store(self, a: Element, pointer: Value, stride: int) -> None:
        for i, limb in enumerate(a.limbs):
            where = self.f.at(pointer, stride * i)
            self.f.do(f"store {self.k.limb_type} {limb}, ptr {where}, align 8")

    def vector(self, pointer: Value, v: int) -> Value:
        return self.f.at(pointer, 8 * self.width * v)

    def get(self, pointer: Value, v: int) -> Element:
        """A vector of a planar element."""
        return self.load(self.vector(pointer, v), PLANE, self.like)

    def put(self, a: Element, pointer: Value, v: int) -> None:
        """Reduces and stores."""
        self.keep(kept(self.k, a), pointer, v)

    def keep(self, a: Element, pointer: Value, v: int) -> None:
        """Stores what is reduced."""
        check_within(a, self.like)
        self.store(a, self.vector(pointer, v), PLANE)

    def load_pieces(
        self, pointer: Value, stride: int, coefficients: Sequence[int], like: Element
    ) -> Element:
        """Some coefficients of Fp2, each two lanes, side by side."""
        scalar = self.k.limb_type.split(" x ")[1].rstrip(">")
        half = f"<2 x {scalar}>"
        limbs = []
        for i in range(LIMBS):
            parts = [
                self.f.op(f"load {half}, ptr {self.f.at(pointer, stride * i + 16 * c)}, align 8")
                for c in coefficients
            ]
            size = 2
            while len(parts) > 1:
                picks = ", ".join(f"i32 {n}" for n in range(2 * size))
                kind = f"<{size} x {scalar}>"
                parts = [
                    self.f.op(f"shufflevector {kind} {a}, {kind} {b}, <{2 * size} x i32> <{picks}>")
                    for a, b in zip(parts[::2], parts[1::2], strict=True)
                ]
                size *= 2
            limbs.append(parts[0])
        return Element(tuple(limbs), like.value, like.bounds)

    # -- lanes ------------------------------------------------------------------------------------

    def shuffled(self, a: Element, picks: Sequence[int]) -> Element:
        """Lanes of a in another order."""
        kind = self.k.limb_type
        mask = ", ".join(f"i32 {i}" for i in picks)
        limbs = tuple(
            self.f.op(f"shufflevector {kind} {x}, {kind} poison, <{len(picks)} x i32> <{mask}>")
            for x in a.limbs
        )
        return Element(limbs, a.value, a.bounds)

    def where(self, lanes: Sequence[bool]) -> Value:
        """A constant mask."""
        return f"<{', '.join(f'i1 {int(x)}' for x in lanes)}>"

    def negated_where(self, lanes: Sequence[bool], a: Element) -> Element:
        return self.k.select(self.where(lanes), self.k.neg(a), a)

    def times_u(self, a: Element) -> Element:
        """u·(re, im) = (−im, re)."""
        turned = self.shuffled(a, [i ^ 1 for i in range(self.width)])
        return self.negated_where([i % 2 == 0 for i in range(self.width)], turned)

    def times_xi(self, a: Element) -> Element:
        """(9 + u)·a."""
        k = self.k
        return k.add(self._eight(a), light(k, k.add(a, self.times_u(a))))

    def _eight(self, a: Element) -> Element:
        k = self.k
        if not isinstance(k, Fma):
            return k.double(k.double(k.double(a)))
        limbs = tuple(times(k, x, 8) for x in a.limbs)
        bounds = tuple((8 * x[0], 8 * x[1]) for x in a.bounds)
        return light(k, Element(limbs, (8 * a.value[0], 8 * a.value[1]), bounds), 8)

    # -- operands of dots -------------------------------------------------------------------------

    def extend(self, a: Value, out: Value) -> Element:
        """B and u·B of a planar element; returns bounds that hold for all of it."""
        k = self.k
        bounds: list[Element] = []
        for v in range(self.vectors):  # upward: what lies beyond the twelfth is overwritten
            x = self.get(a, v)
            twisted = ready(k, self.times_xi(x))
            self._extension(twisted, out, self.width * v, bounds)
        for v in range(self.vectors):
            self._extension(ready(k, self.get(a, v)), out, BASE + self.width * v, bounds)
        return joined(bounds)

    def _extension(self, x: Element, out: Value, index: int, bounds: list[Element]) -> None:
        turned = ready(self.k, self.times_u(x))
        self.store(x, self.f.at(out, 8 * index), WIDE)
        self.store(turned, self.f.at(out, TURNED + 8 * index), WIDE)
        bounds += [x, turned]
