"""Powers with one exponent in vector lanes: two vectors of values at a time (`zk.kernels.linear`).

A chain of squares waits for each of them, so two chains run side by side. Values between products
keep the bounds of `Lanes.product_like`, which is proved where they are stored.
"""

from __future__ import annotations

from typing import Final

from zk.kernels.constants import FR, MONTGOMERY_BITS
from zk.kernels.emit import Function, Module, Value
from zk.kernels.linear import WINDOW
from zk.kernels.vector.canonical import canonical
from zk.kernels.vector.lanes import R_BITS, Element, Lanes

CHAINS: Final = 2
"""Vectors side by side."""
SIGNATURES: Final = {"fr_vector_raise": ("pppnn", None)}

_ROW: Final = 32
_IN: Final = 1 << 2 * R_BITS - MONTGOMERY_BITS
"""From x·2²⁵⁶ to x·2²⁶⁰, times 2²⁶⁰."""
_OUT: Final = 1 << MONTGOMERY_BITS


def emit_raise(module: Module, lanes: type[Lanes]) -> None:
    """`fr_vector_raise(out, a, digits, count, n)`.

    a and out `[n, 4]`, Montgomery (R = 2²⁵⁶), canonical; n is a multiple of `CHAINS` vectors.
    """
    f = module.function("fr_vector_raise", "out", "a", "digits", "i64 count", "i64 n", export=True)
    k = lanes(f, FR)
    k.begin()
    like = k.product_like()
    entries = 1 << WINDOW
    tables = [f.aligned(k.size * entries) for _ in range(CHAINS)]
    totals = [f.aligned(k.size) for _ in range(CHAINS)]
    span = CHAINS * k.width
    with f.loop(f.op(f"udiv i64 %n, {span}")) as group:
        first = f.mul(group, span)
        for chain, table in enumerate(tables):
            source = f.row("%a", f.add(first, chain * k.width), _ROW)
            k.store(k.field_constant(1), table, like)
            k.store(_loaded(k, source), f.at(table, k.size), like)
        with f.loop(entries, 2) as entry:
            for table in tables:
                before = k.load(f.row(table, f.sub(entry, 1), k.size), like)
                base = k.load(f.at(table, k.size), like)
                k.store(k.mul(before, base), f.row(table, entry, k.size), like)
        for total in totals:
            k.store(k.field_constant(1), total, like)
        with f.loop("%count") as place:
            digit = f.op(f"zext i8 {f.load(f.at('%digits', place), 'i8')} to i64")
            values = [k.load(total, like) for total in totals]
            for _ in range(WINDOW):
                values = [k.sqr(value) for value in values]
            chosen = [k.load(f.row(table, digit, k.size), like) for table in tables]
            for value, entry_, total in zip(values, chosen, totals, strict=True):
                k.store(k.mul(value, entry_), total, like)
        for chain, total in enumerate(totals):
            target = f.row("%out", f.add(first, chain * k.width), _ROW)
            plain = k.mul(k.load(total, like), k.constant(_OUT % k.p))
            k.scatter(canonical(k, plain), _places(f, k, target))
    k.end()
    f.leave()


def _loaded(k: Lanes, source: Value) -> Element:
    words = k.gather(_places(k.f, k, source), 4)
    return k.mul(k.from_integers(words, (0, k.p)), k.constant(_IN % k.p))


def _places(f: Function, k: Lanes, first: Value) -> list[Value]:
    return [f.at(first, _ROW * i) for i in range(k.width)]
