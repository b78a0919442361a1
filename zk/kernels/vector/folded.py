"""Products with constants on integers: each limb meets a multiple, one digit is left to reduce.

For a constant w the table holds wᵢ = w·2⁵²⁽ⁱ⁺¹⁾ mod m, i = 0 … 4, so that for limbs aᵢ of a

    T = Σ aᵢ·wᵢ  ≡  a·w·2⁵²      below 5·2⁵²·m: one limb too long, and no more

and one digit of Montgomery's reduction, q = −T/m mod 2⁵², ends the product: (T + q·m)/2⁵² is a·w up
to a multiple of m, below 6·m. That is 50 halves of limb products for T, one for q and nine for q·m
(the lowest half only says that something is carried): 60, where Montgomery's way takes 101 and
Barrett's 79. Values are not in Montgomery form; the factor is w itself.

Nothing is masked on the way in: the instruction reads 52 bits of a limb and ignores what is above.
So an operand needs carries alone (`operand`), and its top limb must not be negative: it is raised
by `LIFT`, which the product takes off again for nothing, since its sums start at −LIFT·2²⁰⁸·w·2⁵²
mod m instead of zero. Results are columns, not limbs: below 2⁵⁶, to be added as they are.

A record is that start and w₀ … w₄: thirty limbs that stand for all lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from zk.kernels.emit import Value
from zk.kernels.vector.ifma import Ifma
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    RADIX,
    BoundError,
    Element,
    Interval,
    add_intervals,
)

WORDS: Final = LIMBS * (LIMBS + 1)
RECORD: Final = 8 * WORDS
"""Bytes of a record."""
LIFT: Final = 1 << 50
"""Added to the top limb of an operand: 2²⁵⁸, about 21·m."""
_TOP: Final = RADIX * (LIMBS - 1)


def constants(m: int, w: int) -> list[int]:
    """The six values of a constant's record, each in [0, m)."""
    start = (-(LIFT << _TOP) * w << RADIX) % m
    return [start] + [(w << (RADIX * (i + 1))) % m for i in range(LIMBS)]


def limbs(value: int) -> list[int]:
    """Of 52 bits, the lowest first."""
    return [(value >> (RADIX * i)) & MASK for i in range(LIMBS)]


def broadcast(k: Ifma, pointer: Value) -> Value:
    """One word of a table in all lanes."""
    one = k.f.load(pointer)
    first = k.f.op(f"insertelement {k.words} poison, i64 {one}, i64 0")
    zeros = f"<{k.width} x i32> zeroinitializer"
    return k.f.op(f"shufflevector {k.words} {first}, {k.words} poison, {zeros}")


def operand(k: Ifma, a: Element, lift: int = LIFT) -> tuple[list[Value], int]:
    """Registers whose low 52 bits are the limbs of a + lift·2²⁰⁸, and the most of the top one.

    Raises:
        BoundError: the lifted value may leave [0, 2²⁶⁰).
    """
    low, high = ((x >> _TOP) + lift for x in a.value)
    if low < 0 or high > MASK:
        raise BoundError("a value is too large to be multiplied")
    out = [a.limbs[0]]
    for limb in a.limbs[1:]:
        out.append(k.word_op("add", limb, k.word_const("ashr", out[-1], RADIX)))
    if lift:
        out[-1] = k.word_const("add", out[-1], lift)
    return out, high


def scaled(k: Ifma, *products: tuple[Element, Value]) -> list[Element]:
    """a·w for each pair of a value and the record of a constant, side by side."""
    results: list[Element | None] = [None] * len(products)
    streams = [_product(k, a, record, results, i) for i, (a, record) in enumerate(products)]
    for _ in in_turns(streams):
        pass
    return [x for x in results if x is not None]


def in_turns(streams: Sequence[Iterator[None]]) -> Iterator[None]:
    """Runs all to their ends, a step of each in turn: chains of one fill gaps of another."""
    running = list(streams)
    while running:
        running = [x for x in running if next(x, _DONE) is not _DONE]
        yield


_DONE: Final = object()


class Columns:
    """Sums of halves of limb products, with their bounds."""

    def __init__(self, k: Ifma, count: int) -> None:
        self.k = k
        self.registers = [k.splat(0)] * count
        self.bounds: list[Interval] = [(0, 0)] * count

    def start(self, column: int, register: Value, most: int) -> None:
        """What a column begins with."""
        self.registers[column] = register
        self.bounds[column] = (0, most)

    def half(
        self, column: int, a: Value, b: Value, most: tuple[int, int], *, high: bool = False
    ) -> None:
        """Adds the low or the high half of a·b; `most` are the greatest values of the limbs."""
        k = self.k
        name = k.high if high else k.low
        self.registers[column] = k.madd(name, self.registers[column], a, b)
        product = most[0] * most[1]
        self.grow(column, product >> RADIX if high else min(MASK, product))

    def add(self, column: int, register: Value, most: int) -> None:
        """Adds something that is no product."""
        self.registers[column] = self.k.word_op("add", self.registers[column], register)
        self.grow(column, most)

    def grow(self, column: int, most: int) -> None:
        """Keeps the bound, which must fit a signed word."""
        self.bounds[column] = add_intervals(self.bounds[column], (0, most))
        if self.bounds[column][1] >> 63:
            raise BoundError("a column overflows")


def _product(
    k: Ifma, a: Element, record: Value, results: list[Element | None], index: int
) -> Iterator[None]:
    digits, top = operand(k, a)
    most = [MASK] * (LIMBS - 1) + [top]
    widest = [MASK] * (LIMBS - 1) + [k.p >> _TOP]
    columns = Columns(k, LIMBS + 1)

    def word(row: int, column: int) -> Value:
        return broadcast(k, k.f.at(record, 8 * (LIMBS * row + column)))

    for j in range(LIMBS):
        columns.start(j, word(0, j), widest[j])
    for i in range(LIMBS):
        for j in range(LIMBS):
            w = word(1 + i, j)
            columns.half(j, digits[i], w, (most[i], widest[j]))
            columns.half(j + 1, digits[i], w, (most[i], widest[j]), high=True)
            yield
    # T ≤ start + Σ aᵢ·wᵢ, and q < 2⁵²
    total = k.p * (1 + sum(most))
    yield from last_digit(k, columns, 0)
    value = 0, (total + MASK * k.p) >> RADIX
    lower = columns.bounds[1:LIMBS]
    upper = columns.bounds[LIMBS]
    results[index] = Element(
        tuple(columns.registers[1:]), value, (*lower, (0, min(upper[1], value[1] >> _TOP)))
    )


def last_digit(k: Ifma, columns: Columns, column: int) -> Iterator[None]:
    """Adds q·m, which makes a column a multiple of 2⁵², and carries it to the next one."""
    total = columns.registers[column]
    digit = k.madd(k.low, k.splat(0), total, k.splat(k.inverse))
    # the low half of q·m₀ fills up to the next multiple of 2⁵²
    filled = k.word_const("add", total, MASK)
    columns.add(
        column + 1, k.word_const("lshr", filled, RADIX), (columns.bounds[column][1] + MASK) >> RADIX
    )
    yield
    for j, limb in enumerate(limbs(k.p)):
        if j:
            columns.half(column + j, digit, k.splat(limb), (MASK, limb))
        columns.half(column + j + 1, digit, k.splat(limb), (MASK, limb), high=True)
        yield
