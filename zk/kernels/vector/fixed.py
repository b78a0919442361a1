"""Products of doubles with constants known long before: Barrett's reduction, Shoup's quotient.

For a constant w the table holds w and w′ = ⌊w·2²⁶⁰/m⌋. Then q ≈ a·w′/2²⁶⁰ is close to a·w/m, and

    a·w − q·m     modulo 2²⁶⁰, so from low halves alone

is a·w up to a few m. No quotient digit waits for another one, and of 75 limb products only 60 need
both halves (10 none but the low, 5 none but the high), while a product of two variables takes 50
whole ones in a chain. Values are not in Montgomery form: the factor is w itself.

The quotient leaves out what lies below 2²⁶⁰: the low halves of five limb products, and the products
of lower limbs. `_value` bounds what that means for the result.

A record is w, then w′, ten limbs that stand for all lanes. Digits are signed and w lies in
(−m/2, m/2). (Integers have something better: `folded`.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from zk.kernels.constants import Modulus
from zk.kernels.emit import Module, Value
from zk.kernels.vector.fma import HIGH, ONE_52, PRODUCT_LIMIT, Fma, bits, signed_digits
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    R_BITS,
    RADIX,
    BoundError,
    Element,
    Interval,
    magnitude,
    top_bound,
)

RECORD: Final = 2 * LIMBS * 8
"""Bytes of a record."""
TOGETHER: Final = 3
"""Products that are computed side by side."""
_VECTOR: Final = 32
_SPARE: Final = "%ymm13"
_SCRATCH_SIZE: Final = 2 * LIMBS * _VECTOR
_HALF: Final = 1 << (RADIX - 1)
_LIFT: Final = 16
"""Columns are made non-negative by this many 2⁵²; at most 8 halves above −2⁵¹ − 1 meet in one."""
_CENTRE: Final = 2
"""Added to quotients of signed digits, so that results lie around zero."""


def digits(m: int, w: int) -> list[int]:
    """The ten limbs of a constant's record."""
    w = (w + m // 2) % m - m // 2
    return signed_digits(w) + signed_digits((w << R_BITS) // m)


def emit_scale(module: Module, m: Modulus) -> None:
    """`(out, a, record)` and the same for three at once.

    Three results, and three records, lie one after the other.
    """
    for count in (1, TOGETHER):
        writer = _Writer(m, count)
        writer.write()
        name = _name(m, count)
        inputs = "abc"[:count]
        f = module.function(name, "out", *inputs, "record", attributes="noinline")
        rows = ", ".join(
            f"<4 x i64> <{', '.join([f'i64 {_signed(x)}'] * 4)}>" for x in writer.pool.values()
        )
        symbol = f"@{name}_pool"
        kind = f"[{len(writer.pool)} x <4 x i64>]"
        f.pool[symbol] = f"{symbol} = internal constant {kind} [{rows}], align {_VECTOR}\n"
        scratch = f.aligned(_SCRATCH_SIZE * count)
        names = ["%out", *(f"%{x}" for x in inputs), "%record", symbol, scratch]
        clobbers = ",".join([*(f"~{{ymm{i}}}" for i in range(16)), "~{memory}"])
        constraints = ",".join(["r"] * len(names))
        code = "\\0A".join(writer.lines)
        pointers = ", ".join(f"ptr {x}" for x in names)
        f.do(f'call void asm sideeffect "{code}", "{constraints},{clobbers}"({pointers})')
        f.leave()


def _name(m: Modulus, count: int) -> str:
    return f"{m.prefix}_vector_scale{count}"


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def scaled(k: Fma, a: Element, record: Value) -> Element:
    """a·w for the constant w of a record, which must stay in memory."""
    return _scaled(k, (a,), record)[0]


def scaled_three(k: Fma, factors: Sequence[Element], records: Value) -> list[Element]:
    """Three such products, with records that lie one after the other."""
    return _scaled(k, factors, records)


def _scaled(k: Fma, factors: Sequence[Element], records: Value) -> list[Element]:
    results = [_result(k, a) for a in factors]
    homes = []
    for a in factors:
        home = a.home
        if not home:
            home = k.f.aligned(k.size)
            k.store(a, home)
        homes.append(home)
    out = k.f.aligned(k.size * len(factors))
    k.f.call(_name(k.m, len(factors)), out, *homes, records)
    return [k.load(k.f.at(out, k.size * i), x, pinned=True) for i, x in enumerate(results)]


def _result(k: Fma, a: Element) -> Element:
    """Bounds of a·w; no registers."""
    if any(magnitude(x) << (RADIX - 1) >= PRODUCT_LIMIT for x in a.bounds):
        raise BoundError("limbs of a product are too large")
    value = _value(k, a)
    lower = [(-_HALF, _HALF - 1)] * (LIMBS - 1)
    top = top_bound(value, lower)
    quotient = (value[1] - value[0] + magnitude(a.value)) >> (RADIX * (LIMBS - 1))
    if max(magnitude(top), quotient) >= _HALF:
        raise BoundError("the top limb is too large")
    return Element((), value, (*lower, top))


def _value(k: Fma, a: Element) -> Interval:
    """Interval of a·w − q·m, where q lacks the products of the columns below 4.

    a·w/m exceeds a·w′/2²⁶⁰ by a·θ/2²⁶⁰, 0 ≤ θ < 1; q lacks five parts in [0, 1) and the columns.
    """
    missing = sum(
        magnitude(a.bounds[i]) << (RADIX * column + RADIX - 1)
        for column in range(LIMBS - 1)
        for i in range(column + 1)
    )
    low = -missing + min(a.value[0], 0) - (_CENTRE << R_BITS)
    high = missing + max(a.value[1], 0) + (LIMBS - _CENTRE << R_BITS)
    return low * k.p >> R_BITS, -(-high * k.p >> R_BITS)


# -- doubles --------------------------------------------------------------------------------------


class _Stream:
    """Columns summed up one after the other, in registers of their own.

    Args:
        registers: the running column, the next one, a high and a low half.
    """

    def __init__(self, writer: _Writer, registers: str) -> None:
        self.writer = writer
        self.current, self.after, self.high, self.low = (f"%ymm{x}" for x in registers.split())
        self.begun = self.opened = False
        self.offset = self.later = 0
        self.groups: list[list[str]] = []
        self.waiting: list[str] = []

    def start(self, address: str, offset: int) -> None:
        """Adds a stored column to the running one."""
        if self.begun:
            self.groups.append([f"vpaddq {address}, {self.current}, {self.current}"])
        else:
            self.groups.append([f"vmovdqa {address}, {self.current}"])
        self.begun = True
        self.offset += offset

    def product(
        self,
        x: str,
        y: str,
        *,
        broadcast: bool = False,
        sign: int = 1,
        high: bool = True,
        low: bool = True,
    ) -> None:
        """x·y: its low half to the running column, its high half to the next one."""
        fused = "vfmadd231pd" if sign > 0 else "vfnmadd231pd"
        upper = self.high if self.opened or not high else self.after
        lines = []
        if broadcast:
            lines.append(f"vbroadcastsd {y}, {_SPARE}")
            y = _SPARE
        lines += [f"vmovapd %ymm15, {upper}", f"{fused} {y}, {x}, {upper}"]
        if low:
            part = self.low if self.begun else self.current
            lines += [f"vsubpd {upper}, %ymm14, {part}", f"{fused} {y}, {x}, {part}"]
            if self.begun:
                lines.append(f"vpaddq {part}, {self.current}, {self.current}")
            self.begun = True
            self.offset += ONE_52
        if high:
            if self.opened:
                lines.append(f"vpaddq {upper}, {self.after}, {self.after}")
            self.opened = True
            self.later += bits(HIGH)
        self.groups.append(self.waiting + lines)
        self.waiting = []

    def fetch(self, address: str) -> None:
        """Loads the first factor of the product that comes next, and stays with it."""
        self.waiting = [f"vmovapd {address}, {_SPARE}"]

    def add(self, value: int) -> None:
        """Takes constants off the running column and adds an integer."""
        bias = self.writer.bias(value - self.offset)
        self.groups.append([f"vpaddq {bias}, {self.current}, {self.current}"])
        self.offset = 0

    def digit(self, untag: str, address: str) -> None:
        """Stores the low 52 bits as doubles."""
        constant, low = self.writer.constant, self.low
        self.groups.append(
            [
                f"vpand {constant('mask')}, {self.current}, {low}",
                f"vpor {constant('tag')}, {low}, {low}",
                f"vsubpd {constant(untag)}, {low}, {low}",
                f"vmovapd {low}, {address}",
            ]
        )

    def carry(self) -> None:
        """Adds the upper bits, lifted by `_LIFT`, to the next column."""
        now, after = self.current, self.after
        self.groups.append([f"vpsrlq $${RADIX}, {now}, {now}", f"vpaddq {now}, {after}, {after}"])
        self.later += _LIFT

    def step(self) -> None:
        """The next column becomes the running one."""
        self.current, self.after = self.after, self.current
        self.begun, self.opened = self.opened, False
        self.offset, self.later = self.later, 0


class _Writer:
    """Writes products: a·w′ and the low half of a·w in turns, then q·m beside the next product's.

    ymm0 … 4    limbs of a
    ymm5, 6     running column and next one of a·w′; ymm7, 8 of a·w; ymm9, 10 of a·w − q·m
    ymm11 … 13  high and low half of a limb product, and a factor of it
    ymm14, 15   C + 2⁵² and C of `zk.kernels.vector.fma`

    Sums of bit patterns carry constants, taken off when a column ends.
    """

    def __init__(self, m: Modulus, count: int) -> None:
        self.pool = {
            "base": bits(HIGH),
            "base low": bits(HIGH + (1 << RADIX)),
            "mask": MASK,
            "tag": ONE_52,
            "untag": bits(1 << RADIX),
            "untag half": bits((1 << RADIX) + _HALF),
            **{f"m{j}": bits(d) for j, d in enumerate(signed_digits(m.value))},
        }
        self.count = count
        self.lines: list[str] = []

    def constant(self, name: str) -> str:
        return f"{_VECTOR * list(self.pool).index(name)}(${self.count + 2})"

    def bias(self, value: int) -> str:
        """The address of an integer that is added to a column."""
        name = f"bias {value % (1 << 64):016x}"
        self.pool.setdefault(name, value % (1 << 64))
        return self.constant(name)

    def out(self, number: int, i: int) -> str:
        return f"{_VECTOR * (LIMBS * number + i)}($0)"

    def record(self, number: int, i: int) -> str:
        return f"{RECORD * number + 8 * i}(${self.count + 1})"

    def scratch(self, number: int, i: int) -> str:
        return f"{_SCRATCH_SIZE * number + _VECTOR * i}(${self.count + 3})"

    def write(self) -> None:
        """The whole function."""
        self.lines += [
            f"vmovapd {self.constant('base')}, %ymm15",
            f"vmovapd {self.constant('base low')}, %ymm14",
        ]
        behind: list[list[str]] = []
        for number in range(self.count):
            upper, lower = _Stream(self, "5 6 11 12"), _Stream(self, "7 8 11 12")
            self._quotient(upper, number)
            offsets = self._low_half(lower, number)
            loads = [[f"vmovapd {_VECTOR * i}(${1 + number}), %ymm{i}"] for i in range(LIMBS)]
            ahead = [*loads, *_merged(upper.groups, lower.groups)]
            self.lines += [line for group in _merged(ahead, behind) for line in group]
            last = _Stream(self, "9 10 11 12")
            self._difference(last, number, offsets)
            behind = last.groups
        self.lines += [line for group in behind for line in group]

    def _quotient(self, s: _Stream, number: int) -> None:
        """Digits of q = a·w′/2²⁶⁰, to the scratch."""
        for column in range(LIMBS - 1, 2 * LIMBS):
            whole = column >= LIMBS
            for i in range(max(0, column - LIMBS + 1), LIMBS):
                address = self.record(number, LIMBS + column - i)
                s.product(f"%ymm{i}", address, broadcast=True, low=whole)
            place = self.scratch(number, column)
            if column == 2 * LIMBS - 1:
                s.add(ONE_52 + _HALF)
                untag = self.constant("untag half")
                s.groups.append(
                    [f"vsubpd {untag}, {s.current}, {s.low}", f"vmovapd {s.low}, {place}"]
                )
            elif whole:
                s.add((_LIFT << RADIX) + (_CENTRE if column == LIMBS else 0))
                s.digit("untag", place)
                s.carry()
            s.step()

    def _low_half(self, s: _Stream, number: int) -> list[int]:
        """Columns of a·w below 2²⁶⁰, to the scratch; returns the constants that they carry."""
        offsets = []
        for column in range(LIMBS):
            for i in range(column + 1):
                address = self.record(number, column - i)
                s.product(f"%ymm{i}", address, broadcast=True, high=column < LIMBS - 1)
            s.groups.append([f"vmovdqa {s.current}, {self.scratch(number, column)}"])
            offsets.append(s.offset)
            s.step()
        return offsets

    def _difference(self, s: _Stream, number: int, offsets: list[int]) -> None:
        """a·w − q·m modulo 2²⁶⁰, to the output."""
        for column, offset in enumerate(offsets):
            s.start(self.scratch(number, column), offset)
            top = column == LIMBS - 1
            for i in range(column + 1):
                digit = self.scratch(number, LIMBS + i)
                s.fetch(digit)
                s.product(_SPARE, self.constant(f"m{column - i}"), sign=-1, high=not top)
            s.add((_LIFT << RADIX) + _HALF)
            s.digit("untag half", self.out(number, column))
            if not top:
                s.carry()
                s.step()


def _merged(a: list[list[str]], b: list[list[str]]) -> Iterator[list[str]]:
    """Two sequences as one, each evenly spread."""
    keys = [((i + 0.5) / len(x), j, i) for j, x in enumerate((a, b)) for i in range(len(x))]
    for _, j, i in sorted(keys):
        yield (a, b)[j][i]
