"""The products of `fma` in assembly, two at a time.

A product is 50 times the same six instructions, and a chain of five quotient digits runs through
it: some 160 cycles long, with work for 90. Two independent products side by side fill the gaps, but
only if their instructions alternate and no register is spilled, which a general compiler does not
do. So registers are assigned here, and columns (Comba) of the streams are written in turns:

    x in a register, y in memory, column c of a stream:
    high = x·y + C             vfmadd     its bits add to column c + 1
    low  = x·y + (C + 2⁵² − high)         its bits add to column c

    C, C + 2⁵² and a spare in ymm13 … 15; for each stream the running column, the next one and the
    newest digit; one high and one low half; limbs of first factors in what is left

Digits are cancelled by multiples of p that end in −1: M = (k·p + 1)/2¹⁰⁴ serves the first two,
which then do not wait for one another, N = (k′·p + 1)/2⁵² the next two, p itself the last, so that
the result is below 1.13·p + a·b/R like that of `Fma`.

Functions of a field, all memory to memory in limb form; an output may be an input:

    mul (out, a, b)  sqr(out, a)          a·b/R, a²/R
    add2, sub2 (out, a, b, c, d)          (a·b ± c·d)/R
    mul_both (out, and, a, b, c, d)       a·b/R, c·d/R
    sqr_both (out, and, a, c)             a²/R, c²/R
    cross (out, and, a, b, c, d)          (a·c − b·d)/R, (a·d + b·c)/R: a product in Fp2

Bounds: |aᵢ·bⱼ| < 2¹⁰³ for all limbs of all pairs (|2·aᵢ·aⱼ| in a square). A column then stays
within ±2⁵⁸ whatever the limbs are, and above −16·2⁵².
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from zk.kernels.constants import Modulus
from zk.kernels.emit import Module, Value
from zk.kernels.vector.fma import HIGH, ONE_52, PRODUCT_LIMIT, Fma, bits, signed_digits
from zk.kernels.vector.lanes import LIMBS, MASK, RADIX, BoundError, Element, magnitude, top_bound

_VECTOR: Final = 32
_HALF: Final = 1 << (RADIX - 1)
_LIFT: Final = 16
"""Columns are made non-negative by this many 2⁵²: at most 16 halves above −2⁵¹ meet in one."""
_BASE: Final = "%ymm13"
_BASE_LOW: Final = "%ymm14"
_SPARE: Final = "%ymm15"

_STEPS: Final = (("m", 2), ("m", 2), ("n", 1), ("n", 1), ("p", 0))
"""How each quotient digit is cancelled: by which multiple of p, and how many limbs above itself its
lowest product lies. 2¹⁰⁴·M − 1 takes two digits at once, 2⁵²·N − 1 one, p the last."""

Factor = tuple[int, int] | str
"""A limb (pair, number) of a first factor, or the address of something else."""


class Assembled(Fma):
    """`Fma` whose products are calls of the functions above."""

    def mul_sum(self, *pairs: tuple[Element, Element]) -> Element:
        ready = [self.ready(a, b) for a, b in pairs]
        value = self.product_value(ready)
        if len(ready) == 1 and self._is_square(*ready[0]):
            return self._call("sqr", value, ready[0][0])
        if len(ready) == 1:
            return self._call("mul", value, *ready[0])
        if len(ready) == 2:
            (a, b), (c, d) = ready
            for x, y in ((c, d), (d, c)):
                if x.negated is not None:
                    return self._call("sub2", value, a, b, x.negated, y)
            return self._call("add2", value, a, b, c, d)
        raise BoundError("three products in one sum have no function")

    def mul_both(
        self, first: tuple[Element, Element], second: tuple[Element, Element]
    ) -> tuple[Element, Element]:
        pairs = [self.ready(*first), self.ready(*second)]
        values = [self.product_value([pair]) for pair in pairs]
        if all(self._is_square(*pair) for pair in pairs):
            operands = [pair[0] for pair in pairs]
            name = "sqr_both"
        else:
            operands = [x for pair in pairs for x in pair]
            name = "mul_both"
        homes = [self.home(x) for x in operands]
        outs = [self.f.aligned(self.size) for _ in pairs]
        self.f.call(f"{self.m.prefix}_vector_{name}", *outs, *homes)
        one, other = (self._result(o, v) for o, v in zip(outs, values, strict=True))
        return one, other

    def cross(
        self, a: tuple[Element, Element], b: tuple[Element, Element]
    ) -> tuple[Element, Element]:
        x, y = self._fitting(*a, *b)
        real = self.product_value([(x[0], y[0]), (self.neg(x[1]), y[1])])
        imaginary = self.product_value([(x[0], y[1]), (x[1], y[0])])
        outs = [self.f.aligned(self.size) for _ in range(2)]
        homes = [self.home(e) for e in (*x, *y)]
        self.f.call(f"{self.m.prefix}_vector_cross", *outs, *homes)
        return self._result(outs[0], real), self._result(outs[1], imaginary)

    def _fitting(
        self, a: Element, b: Element, c: Element, d: Element
    ) -> tuple[tuple[Element, Element], tuple[Element, Element]]:
        """The two factors with limbs such that each of a, b fits each of c, d."""
        for _ in range(3):
            left, right = (max(largest(x), largest(y)) for x, y in ((a, b), (c, d)))
            if left * right < PRODUCT_LIMIT:
                return (a, b), (c, d)
            if left >= right:
                a, b = self.carry(a), self.carry(b)
            else:
                c, d = self.carry(c), self.carry(d)
        raise BoundError("limbs of a product are too large")

    def _is_square(self, a: Element, b: Element) -> bool:
        return a is b and 2 * largest(a) ** 2 < PRODUCT_LIMIT

    def _call(self, name: str, value: tuple[int, int], *operands: Element) -> Element:
        homes = [self.home(x) for x in operands]
        out = self.f.aligned(self.size)
        self.f.call(f"{self.m.prefix}_vector_{name}", out, *homes)
        return self._result(out, value)

    def _result(self, out: Value, value: tuple[int, int]) -> Element:
        bounds = [(-_HALF, _HALF - 1)] * (LIMBS - 1)
        top = top_bound(value, bounds)
        if magnitude(top) >= _HALF:
            raise BoundError("the top limb is too large")
        like = Element((), value, (*bounds, top))
        return self.load(out, like, pinned=True)

    def home(self, a: Element) -> Value:
        """An address where the limbs lie."""
        if a.home:
            return a.home
        slot = self.f.aligned(self.size)
        self.store(a, slot)
        return slot


def largest(a: Element) -> int:
    """Bound of the absolute value of every limb."""
    return max(magnitude(x) for x in a.bounds)


def emit_products(module: Module, m: Modulus) -> None:
    """The functions of one field."""
    _emit(module, m, "mul", _Stream("ab"))
    _emit(module, m, "sqr", _Stream("a", square=True))
    _emit(module, m, "add2", _Stream("abcd", signs=(1, 1)))
    _emit(module, m, "sub2", _Stream("abcd", signs=(1, -1)))
    _emit(module, m, "mul_both", _Stream("ab"), _Stream("cd"))
    _emit(module, m, "sqr_both", _Stream("a", square=True), _Stream("c", square=True))
    _emit(module, m, "cross", _Stream("acbd", signs=(1, -1)), _Stream("adbc", signs=(1, 1)))


def _pool(m: Modulus) -> dict[str, int]:
    """Constants as 64-bit patterns, in the order in which they lie in memory."""
    inverse = -pow(m.value, -1, 1 << RADIX) % (1 << RADIX)
    longer = -pow(m.value, -1, 1 << 2 * RADIX) % (1 << 2 * RADIX)
    once = signed_digits((inverse * m.value + 1) >> RADIX)
    twice = signed_digits((longer * m.value + 1) >> 2 * RADIX)
    return {
        "base": bits(HIGH),
        "base low": bits(HIGH + (1 << RADIX)),
        "inverse": bits(signed_digits(inverse)[0]),
        "mask": MASK,
        "tag": ONE_52,
        "untag": bits(1 << RADIX),
        "untag half": bits((1 << RADIX) + _HALF),
        **{f"n{j}": bits(d) for j, d in enumerate(once)},
        **{f"m{j}": bits(d) for j, d in enumerate(twice)},
        **{f"p{j}": bits(d) for j, d in enumerate(signed_digits(m.value))},
    }


def _emit(module: Module, m: Modulus, name: str, *streams: _Stream) -> None:
    outputs = ["out", "and"][: len(streams)]
    inputs = sorted({x for stream in streams for x in stream.inputs})
    writer = _Writer(m, outputs, inputs)
    writer.write(streams)
    f = module.function(f"{m.prefix}_vector_{name}", *outputs, *inputs, attributes="noinline")
    rows = ", ".join(
        f"<4 x i64> <{', '.join([f'i64 {_signed(value)}'] * 4)}>" for value in writer.pool.values()
    )
    symbol = f"@{m.prefix}_vector_{name}_pool"
    kind = f"[{len(writer.pool)} x <4 x i64>]"
    f.pool[symbol] = f"{symbol} = internal constant {kind} [{rows}], align {_VECTOR}\n"
    scratch = f.aligned(len(streams) * LIMBS * _VECTOR)
    operands = [f"ptr %{x}" for x in (*outputs, *inputs)] + [f"ptr {symbol}", f"ptr {scratch}"]
    clobbers = ",".join([*(f"~{{ymm{i}}}" for i in range(16)), "~{memory}"])
    constraints = ",".join(["r"] * len(operands))
    text = "\\0A".join(writer.lines)
    f.do(f'call void asm sideeffect "{text}", "{constraints},{clobbers}"({", ".join(operands)})')
    f.leave()


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


class _Stream:
    """One of the products that a function computes.

    Args:
        inputs: letters of its factors, pair by pair; one letter for a square.
        signs: of the pairs.
        square: whether it is one.
    """

    def __init__(self, inputs: str, signs: tuple[int, ...] = (1,), *, square: bool = False) -> None:
        self.inputs = inputs
        self.signs = signs
        self.square = square
        self.current = self.next = ""
        self.lows = self.highs = 0
        self.resident: dict[tuple[int, int], str] = {}
        self.digits: list[str] = []
        self.fresh = ""
        self.output = ""
        self.scratch = 0


class _Writer:
    """Writes a function's products, column by column, the streams in turns."""

    def __init__(self, m: Modulus, outputs: list[str], inputs: list[str]) -> None:
        self.pool = _pool(m)
        names = [*outputs, *inputs, "pool", "scratch"]
        self.operand = {name: f"(${i})" for i, name in enumerate(names)}
        self.outputs = outputs
        self.lines: list[str] = []

    # -- operands ---------------------------------------------------------------------------------

    def constant(self, name: str) -> str:
        place = list(self.pool).index(name)
        return f"{_VECTOR * place}{self.operand['pool']}"

    def bias(self, value: int) -> str:
        """The address of an integer that is added to a column."""
        name = f"bias {value % (1 << 64):016x}"
        self.pool.setdefault(name, value % (1 << 64))
        return self.constant(name)

    def limb(self, name: str, i: int) -> str:
        return f"{_VECTOR * i}{self.operand[name]}"

    def line(self, text: str) -> None:
        self.lines.append(text)

    # -- order ------------------------------------------------------------------------------------

    def write(self, streams: Sequence[_Stream]) -> None:
        """The whole function."""
        registers = iter(range(13))
        for number, stream in enumerate(streams):
            stream.output = self.outputs[number]
            stream.scratch = number * LIMBS
            stream.current, stream.next = (f"%ymm{next(registers)}" for _ in range(2))
            stream.fresh = f"%ymm{next(registers)}"
        self.high, self.low = (f"%ymm{next(registers)}" for _ in range(2))
        self.line(f"vmovapd {self.constant('base')}, {_BASE}")
        self.line(f"vmovapd {self.constant('base low')}, {_BASE_LOW}")
        self._load(streams, [f"%ymm{i}" for i in registers])
        for stream in streams:
            self.line(f"vpxor {stream.current}, {stream.current}, {stream.current}")
        for column in range(2 * LIMBS - 1):
            before = [stream.highs for stream in streams]
            for stream in streams:
                stream.lows = stream.highs = 0
            terms = [self._terms(stream, column) for stream in streams]
            for together in itertools.zip_longest(*terms):
                for stream, term in zip(streams, together, strict=True):
                    if term is not None:
                        self._product(stream, *term)
            for stream, highs in zip(streams, before, strict=True):
                self._end_column(stream, column, highs)
        for stream in streams:
            offset = stream.highs * bits(HIGH) + _LIFT
            top = stream.current
            self.line(f"vpaddq {self.bias(ONE_52 + _HALF - offset)}, {top}, {top}")
            self.line(f"vsubpd {self.constant('untag half')}, {top}, {top}")
            self.line(f"vmovapd {top}, {self.limb(stream.output, LIMBS - 1)}")

    def _load(self, streams: Sequence[_Stream], free: list[str]) -> None:
        """As many limbs of first factors as there are registers; in a square, those of 2·a.

        The lowest limbs come first: the higher ones are used in fewer columns that are crowded.
        """
        for i in range(LIMBS):
            for stream in streams:
                for k in range(len(stream.signs)):
                    if stream.square and i == 0:
                        continue
                    if free:
                        register = free.pop(0)
                        self._fetch(stream, k, i, register)
                        stream.resident[k, i] = register

    def _fetch(self, stream: _Stream, k: int, i: int, register: str) -> None:
        self.line(f"vmovapd {self.limb(stream.inputs[2 * k], i)}, {register}")
        if stream.square:
            self.line(f"vaddpd {register}, {register}, {register}")

    # -- columns ----------------------------------------------------------------------------------

    def _terms(self, stream: _Stream, column: int) -> list[tuple[Factor, str, int]]:
        """What is multiplied in a column: first factor, address of the second, sign."""
        terms: list[tuple[Factor, str, int]] = []
        for i in range(max(0, column - LIMBS + 1), min(column, LIMBS - 1) + 1):
            j = column - i
            if not stream.square:
                for k, sign in enumerate(stream.signs):
                    second = self.limb(stream.inputs[2 * k + 1], j)
                    terms.append(((k, i), second, sign))
            elif i < j:
                terms.append(((0, j), self.limb(stream.inputs, i), 1))
            elif i == j:
                terms.append((self.limb(stream.inputs, i), self.limb(stream.inputs, i), 1))
        for i, digit in enumerate(stream.digits):
            kind, distance = _STEPS[i]
            j = column - i - distance
            name = f"{kind}{j}"
            if 0 <= j < LIMBS and self.pool[name]:
                terms.append((stream.fresh if i == column - 1 else digit, self.constant(name), 1))
        return terms

    def _product(self, stream: _Stream, first: Factor, second: str, sign: int) -> None:
        """Adds a product: its low half to the running column, its high half to the next one."""
        if isinstance(first, str) and first.startswith("%"):
            x = first
        elif isinstance(first, str):
            x = _SPARE
            self.line(f"vmovapd {first}, {x}")
        elif first in stream.resident:
            x = stream.resident[first]
        else:
            x = _SPARE
            self._fetch(stream, *first, x)
        opens = stream.highs == 0
        high = stream.next if opens else self.high
        fused = "vfmadd231pd" if sign > 0 else "vfnmadd231pd"
        self.line(f"vmovapd {_BASE}, {high}")
        self.line(f"{fused} {second}, {x}, {high}")
        self.line(f"vsubpd {high}, {_BASE_LOW}, {self.low}")
        self.line(f"{fused} {second}, {x}, {self.low}")
        self.line(f"vpaddq {self.low}, {stream.current}, {stream.current}")
        if not opens:
            self.line(f"vpaddq {high}, {stream.next}, {stream.next}")
        stream.lows += 1
        stream.highs += 1

    def _end_column(self, stream: _Stream, column: int, highs: int) -> None:
        """Takes the column's constants off, makes a digit or a limb of it, and carries."""
        now = stream.current
        offset = stream.lows * ONE_52 + highs * bits(HIGH) + (_LIFT if column else 0)
        lift = (_LIFT << RADIX) + (_HALF if column >= LIMBS else 0)
        self.line(f"vpaddq {self.bias(lift - offset)}, {now}, {now}")
        if column < LIMBS:
            self._to_double(now, stream.fresh, "untag")
            if column == LIMBS - 1:
                self._quotient(stream.fresh)
            place = f"{_VECTOR * (stream.scratch + column)}{self.operand['scratch']}"
            self.line(f"vmovapd {stream.fresh}, {place}")
            stream.digits.append(place)
            if column == LIMBS - 1:
                self._product(stream, stream.fresh, self.constant("p0"), 1)
                self.line(f"vpaddq {self.bias(-ONE_52)}, {now}, {now}")
        else:
            self._to_double(now, self.low, "untag half")
            self.line(f"vmovapd {self.low}, {self.limb(stream.output, column - LIMBS)}")
        self.line(f"vpsrlq $${RADIX}, {now}, {now}")
        self.line(f"vpaddq {now}, {stream.next}, {stream.next}")
        stream.current, stream.next = stream.next, stream.current

    def _to_double(self, source: str, register: str, offset: str) -> None:
        """The low 52 bits as a double, less an offset."""
        self.line(f"vpand {self.constant('mask')}, {source}, {register}")
        self.line(f"vpor {self.constant('tag')}, {register}, {register}")
        self.line(f"vsubpd {self.constant(offset)}, {register}, {register}")

    def _quotient(self, register: str) -> None:
        """Replaces x by −x/p mod 2⁵²."""
        inverse = self.constant("inverse")
        self.line(f"vmovapd {self.constant('base')}, {_SPARE}")
        self.line(f"vfmadd231pd {inverse}, {register}, {_SPARE}")
        self.line(f"vsubpd {_SPARE}, {_BASE_LOW}, {_SPARE}")
        self.line(f"vfmadd231pd {inverse}, {register}, {_SPARE}")
        self.line(f"vsubpd {self.constant('untag')}, {_SPARE}, {register}")
