"""Sums of many products with one reduction, over operands in memory: what Fp12 is made of.

A kernel `dot` adds a·b over a table of operands and reduces once:

    out = Σ a[table[t].a] · b[table[t].b] / R        t < count

in limb form, limb i of an operand at i times a fixed stride. The a's are single elements that stand
for all lanes (`broadcast`) or whole vectors; the b's are vectors at any multiple of 8 bytes. So a
convolution needs no shuffles: the a's are coefficients, the b's the other operand shifted.

On `fma` the loop is assembly: ten columns, the operand and its two halves just fill the registers,
and LLVM's allocator would spill all of them. The bounds of operands are stated by whoever emits a
dot, and proved here: column sums below 2⁶², products of limbs below 2¹⁰³ (`fma`) or limbs below 2⁵²
(`ifma`). Where a column could be negative a multiple of 2⁵² is lent to it by the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zk.kernels.constants import FP, Modulus
from zk.kernels.emit import Function, Module, Value
from zk.kernels.vector import ifma
from zk.kernels.vector.fma import Fma
from zk.kernels.vector.lanes import (
    LIMBS,
    MASK,
    R_BITS,
    RADIX,
    BoundError,
    Element,
    Interval,
    Lanes,
    add_intervals,
    magnitude,
    mul_intervals,
    top_bound,
)

_COLUMNS: Final = 2 * LIMBS
_HALF: Final = 1 << (RADIX - 1)
_HIGH: Final = 3 << 103
_PRODUCT_LIMIT: Final = 1 << 103
_ENTRY: Final = 16


def _bits(value: int) -> int:
    """Bit pattern of a double with this exactly representable value."""
    if value == 0:
        return 0
    size = abs(value)
    exponent = size.bit_length() - 1
    fraction = (size << RADIX >> exponent) & MASK
    return (value < 0) << 63 | (exponent + 1023) << RADIX | fraction


def _signed_digits(value: int) -> list[int]:
    digits = []
    for _ in range(LIMBS - 1):
        digit = (value + _HALF & MASK) - _HALF
        digits.append(digit)
        value = value - digit >> RADIX
    return [*digits, value]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the operands of a dot lie in memory.

    Attributes:
        name: of the function.
        broadcast: whether an a stands for all lanes.
        a_stride: bytes between the limbs of an a.
        b_stride: bytes between the limbs of a b.
        out_stride: bytes between the limbs of the result.
    """

    name: str
    broadcast: bool
    a_stride: int
    b_stride: int
    out_stride: int


class Dots:
    """Emits dots of one multiplier into one module.

    Args:
        module: where functions and tables go.
        lanes: the multiplier.
        modulus: the field.
    """

    def __init__(self, module: Module, lanes: type[Lanes], modulus: Modulus = FP) -> None:
        self.module = module
        self.lanes = lanes
        self.modulus = modulus
        self._data: dict[str, str] = {}

    def emit(self, shape: Shape) -> None:
        """The function of a shape: `(out, a, b, table, count, pool)`."""
        if issubclass(self.lanes, ifma.Ifma):
            _emit_words(self.module, self.lanes, shape, self.modulus)
        else:
            _emit_assembly(self.module, shape)

    def table(self, name: str, offsets: Sequence[tuple[int, int]]) -> Value:
        """Byte offsets of a and b, term by term."""
        symbol = f"@dot.table.{name}"
        words = ", ".join(f"i64 {x}" for pair in offsets for x in pair)
        self._data[symbol] = f"{symbol} = internal constant [{2 * len(offsets)} x i64] [{words}]\n"
        return symbol

    def call(
        self,
        k: Lanes,
        shape: Shape,
        out: Value,
        a: Value,
        b: Value,
        table: Value,
        terms: Sequence[tuple[Element, Element]],
    ) -> Element:
        """Bounds of the result; `terms` are the bounds of the operands, in order."""
        k.f.pool[table] = self._data[table]
        pool = "null"
        if isinstance(k, Fma):
            pool, text, like = _fma_pool(k, terms)
            k.f.pool[pool] = text
        else:
            like = ifma_like(k, terms)
        k.f.do(
            f"call void @{shape.name}(ptr {out}, ptr {a}, ptr {b}, ptr {table}, "
            f"i64 {len(terms)}, ptr {pool})"
        )
        return like


def _value(k: Lanes, terms: Sequence[tuple[Element, Element]]) -> Interval:
    total: Interval = (0, 0)
    for a, b in terms:
        total = add_intervals(total, mul_intervals(a.value, b.value))
    step = (k.friendly << RADIX) - 1
    grown = sum((MASK * step) << (RADIX * i) for i in range(LIMBS - 1))
    grown += (MASK * k.p) << (RADIX * (LIMBS - 1))
    return total[0] >> R_BITS, (total[1] + grown >> R_BITS) + 1


# -- four doubles ---------------------------------------------------------------------------------


class _Plan:
    """What columns hold, and what they must start from."""

    def __init__(self) -> None:
        self.start = [0] * (_COLUMNS + 1)
        self.bound: list[Interval] = [(0, 0)] * (_COLUMNS + 1)

    def term(self, column: int, a: Interval, b: Interval) -> None:
        product = mul_intervals(a, b)
        if magnitude(product) >= _PRODUCT_LIMIT:
            raise BoundError("a product of limbs is too large")
        self.grow(column, (0, MASK), _bits(1 << RADIX))
        self.grow(column + 1, (product[0] >> RADIX, product[1] >> RADIX), _bits(_HIGH))

    def grow(self, column: int, bound: Interval, constant: int) -> None:
        self.start[column] -= constant
        self.bound[column] = add_intervals(self.bound[column], bound)
        if magnitude(self.bound[column]) >= 1 << 62:
            raise BoundError("a column overflows")

    def carry(self, column: int) -> None:
        """Lends so that the column is not negative, and moves what lies above 52 bits."""
        low, high = self.bound[column]
        lent = max(0, -(low >> RADIX))
        self.start[column] += lent << RADIX
        self.start[column + 1] -= lent
        self.grow(column + 1, (low >> RADIX, high >> RADIX), 0)


def fma_pool(k: Lanes, terms: Sequence[tuple[Element, Element]]) -> tuple[list[int], Element]:
    """What a dot of doubles starts from, then its constants; and the bounds of its result."""
    value = _value(k, terms)
    plan = _Plan()
    for a, b in terms:
        for i in range(LIMBS):
            for j in range(LIMBS):
                plan.term(i + j, a.bounds[i], b.bounds[j])
    digit = (0, MASK)
    for i in range(LIMBS - 1):
        plan.carry(i)
        for j, d in enumerate(_signed_digits(k.friendly)):
            plan.term(i + 1 + j, digit, (d, d))
    for j, d in enumerate(_signed_digits(k.p)):
        plan.term(LIMBS - 1 + j, digit, (d, d))
    plan.carry(LIMBS - 1)
    for column in range(LIMBS, _COLUMNS - 1):
        plan.grow(column, (_HALF, _HALF), -_HALF)
        plan.carry(column)
    bounds: list[Interval] = [(-_HALF, _HALF - 1)] * (LIMBS - 1)
    top = top_bound(value, bounds)
    if magnitude(top) >= _HALF:
        raise BoundError("the top limb is too large")
    plan.start[_COLUMNS - 1] += _bits(1 << RADIX) + _HALF
    words = [x % (1 << 64) for x in plan.start[:_COLUMNS]] + _constants(k.m)
    return words, Element(("poison",) * LIMBS, value, (*bounds, top))


def pool_rows(words: Sequence[int]) -> list[str]:
    """Constants as rows of IR, each in all lanes."""
    return [f"<4 x i64> <{', '.join([f'i64 {_signed(x)}'] * 4)}>" for x in words]


def _fma_pool(k: Lanes, terms: Sequence[tuple[Element, Element]]) -> tuple[Value, str, Element]:
    words, like = fma_pool(k, terms)
    symbol = f"@dot.pool.{len(terms)}.{_name_of(words)}"
    rows = pool_rows(words)
    text = f"{symbol} = internal constant [{len(rows)} x <4 x i64>] [{', '.join(rows)}], align 32\n"
    return symbol, text, like


def _name_of(words: Sequence[int]) -> str:
    """A short name for constants."""
    total = 0
    for word in words:
        total = (total * 1_000_003 + word) % (1 << 61)
    return f"{total:x}"


def _signed(x: int) -> int:
    return x - (1 << 64) if x >> 63 else x


def _constants(m: Modulus) -> list[int]:
    """After the starts: C, C + 2⁵², mask, 2⁵² as bits, 2⁵² + 2⁵¹, −1/p, N′, p."""
    k = -pow(m.value, -1, 1 << RADIX) % (1 << RADIX)
    friendly = (k * m.value + 1) >> RADIX
    return [
        _bits(_HIGH),
        _bits(_HIGH + (1 << RADIX)),
        MASK,
        _bits(1 << RADIX),
        _bits((1 << RADIX) + _HALF),
        _bits(_signed_digits(k)[0]),
        *map(_bits, _signed_digits(friendly)),
        *map(_bits, _signed_digits(m.value)),
    ]


def _emit_assembly(module: Module, shape: Shape) -> None:
    """Registers: ymm0 … ymm9 columns, ymm10 operand, ymm11 and ymm12 halves, ymm14, ymm15 C."""
    lines: list[str] = []

    def put(text: str) -> None:
        lines.append(text)

    def pool(index: int) -> str:
        return f"{32 * index}($5)"

    c0 = _COLUMNS
    base, base_low, mask, tag, untag_half, inverse = (pool(c0 + i) for i in range(6))
    friendly = [pool(c0 + 6 + i) for i in range(LIMBS)]
    prime = [pool(c0 + 6 + LIMBS + i) for i in range(LIMBS)]

    def product(column: int, operand: str) -> None:
        put("vmovapd %ymm15, %ymm11")
        put(f"vfmadd231pd {operand}, %ymm10, %ymm11")
        put("vsubpd %ymm11, %ymm14, %ymm12")
        put(f"vfmadd231pd {operand}, %ymm10, %ymm12")
        put(f"vpaddq %ymm12, %ymm{column}, %ymm{column}")
        put(f"vpaddq %ymm11, %ymm{column + 1}, %ymm{column + 1}")

    def digit(column: int, *, half: bool = False) -> None:
        put(f"vpand {mask}, %ymm{column}, %ymm10")
        put(f"vpor {tag}, %ymm10, %ymm10")
        put(f"vsubpd {untag_half if half else tag}, %ymm10, %ymm10")

    def carry(column: int) -> None:
        put(f"vpsrlq $$52, %ymm{column}, %ymm13")
        put(f"vpaddq %ymm13, %ymm{column + 1}, %ymm{column + 1}")

    for column in range(_COLUMNS):
        put(f"vmovdqu {pool(column)}, %ymm{column}")
    put(f"vmovapd {base}, %ymm15")
    put(f"vmovapd {base_low}, %ymm14")
    put("1:")
    put("movq ($3), %r8")
    put("movq 8($3), %r9")
    put("addq $1, %r8")
    put("addq $2, %r9")
    load = "vbroadcastsd" if shape.broadcast else "vmovupd"
    for i in range(LIMBS):
        put(f"{load} {shape.a_stride * i}(%r8), %ymm10")
        for j in range(LIMBS):
            product(i + j, f"{shape.b_stride * j}(%r9)")
    put("addq $$16, $3")
    put("decq $4")
    put("jnz 1b")
    for i in range(LIMBS - 1):
        digit(i)
        carry(i)
        for j in range(LIMBS):
            product(i + 1 + j, friendly[j])
    last = LIMBS - 1
    digit(last)
    put("vmovapd %ymm15, %ymm11")
    put(f"vfmadd231pd {inverse}, %ymm10, %ymm11")
    put("vsubpd %ymm11, %ymm14, %ymm12")
    put(f"vfmadd132pd {inverse}, %ymm12, %ymm10")
    put(f"vsubpd {tag}, %ymm10, %ymm10")
    for j in range(LIMBS):
        product(last + j, prime[j])
    carry(last)
    for i in range(LIMBS - 1):
        digit(LIMBS + i, half=True)
        put(f"vmovupd %ymm10, {shape.out_stride * i}($0)")
        carry(LIMBS + i)
    put(f"vsubpd {untag_half}, %ymm9, %ymm10")
    put(f"vmovupd %ymm10, {shape.out_stride * last}($0)")
    f = module.function(
        shape.name, "out", "a", "b", "table", "i64 count", "pool", attributes="noinline"
    )
    text = "\\0A".join(lines)
    clobbers = ",".join(
        [*(f"~{{ymm{i}}}" for i in range(16)), "~{r8}", "~{r9}", "~{memory}", "~{cc}"]
    )
    table, count = f.op("freeze ptr %table"), f.op("freeze i64 %count")
    f.op(
        f'call {{ptr, i64}} asm sideeffect "{_numbered(text)}", '
        f'"=&r,=&r,r,r,r,r,0,1,{clobbers}"'
        f"(ptr %out, ptr %a, ptr %b, ptr %pool, ptr {table}, i64 {count})"
    )
    f.leave()


def _numbered(text: str) -> str:
    """Operands as LLVM counts them: results (table, count) first, then out, a, b, pool."""
    names = {"$0": "$2", "$1": "$3", "$2": "$4", "$3": "$0", "$4": "$1", "$5": "$5"}
    out = []
    i = 0
    while i < len(text):
        if text.startswith("$$", i):
            out.append("$$")
            i += 2
        elif text[i] == "$":
            out.append(names[text[i : i + 2]])
            i += 2
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


# -- eight words ----------------------------------------------------------------------------------


def _columns(terms: Sequence[tuple[Element, Element]]) -> list[Interval]:
    bound: list[Interval] = [(0, 0)] * (_COLUMNS + 1)
    for a, b in terms:
        for x in (*a.bounds, *b.bounds):
            if x[0] < 0 or x[1] > MASK:
                raise BoundError("a limb of a product is no digit")
        for i in range(LIMBS):
            for j in range(LIMBS):
                product = mul_intervals(a.bounds[i], b.bounds[j])
                bound[i + j] = add_intervals(bound[i + j], (0, min(MASK, product[1])))
                bound[i + j + 1] = add_intervals(bound[i + j + 1], (0, product[1] >> RADIX))
    return bound


_MOST_TERMS: Final = 16


def ifma_like(k: Lanes, terms: Sequence[tuple[Element, Element]]) -> Element:
    """Bounds of a result; the columns of a function hold for up to `_MOST_TERMS` terms."""
    if len(terms) > _MOST_TERMS:
        raise BoundError("too many terms for the columns of a dot")
    _columns(terms)
    value = _value(k, terms)
    if value[0] < 0:
        raise BoundError("a dot of words cannot be negative")
    bounds: list[Interval] = [(0, MASK)] * (LIMBS - 1)
    return Element(("poison",) * LIMBS, value, (*bounds, top_bound(value, bounds)))


def _emit_words(module: Module, lanes: type[ifma.Ifma], shape: Shape, m: Modulus) -> None:
    f = module.function(
        shape.name, "out", "a", "b", "table", "i64 count", "pool", attributes="noinline"
    )
    k = lanes(f, m)
    v = k.words
    # low and high halves apart: chains of half the length
    halves = {name: [f.aligned(8 * k.width) for _ in range(_COLUMNS)] for name in (k.low, k.high)}
    for column in (*halves[k.low], *halves[k.high]):
        f.do(f"store {v} zeroinitializer, ptr {column}, align 64")
    with f.loop("%count") as t:
        entry = f.row("%table", t, _ENTRY)
        a = f.at("%a", f.load(entry))
        b = f.at("%b", f.load(f.at(entry, 8)))
        right = [
            f.op(f"load {v}, ptr {f.at(b, shape.b_stride * j)}, align 8") for j in range(LIMBS)
        ]
        for i in range(LIMBS):
            left = _operand(f, k, shape, a, i)
            for j in range(LIMBS):
                for name, place in ((k.low, i + j), (k.high, i + j + 1)):
                    total = f.op(f"load {v}, ptr {halves[name][place]}, align 64")
                    total = k.madd(name, total, left, right[j])
                    f.do(f"store {v} {total}, ptr {halves[name][place]}, align 64")
    digits = Element(("poison",) * LIMBS, (0, 1 << R_BITS), ((0, MASK),) * LIMBS)
    bound = _columns([(digits, digits)] * _MOST_TERMS)
    parts = [[f.op(f"load {v}, ptr {c}, align 64") for c in half] for half in halves.values()]
    registers = [k.word_op("add", x, y) for x, y in zip(*parts, strict=True)]
    _reduce_words(k, registers, bound)
    upper = Element(tuple(registers[LIMBS:]), (0, 1 << R_BITS), tuple(bound[LIMBS:_COLUMNS]))
    for i, limb in enumerate(k.carry_signed(upper).limbs):
        f.do(f"store {v} {limb}, ptr {f.at('%out', shape.out_stride * i)}, align 8")
    f.leave()


def _reduce_words(k: ifma.Ifma, registers: list[Value], bound: list[Interval]) -> None:
    """Montgomery's reduction of ten columns, four steps by N and one by p, in place."""

    def row(position: int, digit: Value, known: int) -> None:
        for j in range(LIMBS):
            limb = known >> (RADIX * j) & (MASK if j < LIMBS - 1 else -1)
            for name, column, most in (
                (k.low, position + j, MASK),
                (k.high, position + j + 1, limb * MASK >> RADIX),
            ):
                registers[column] = k.madd(name, registers[column], digit, k.splat(limb))
                bound[column] = add_intervals(bound[column], (0, most))

    for i in range(LIMBS):
        digit = registers[i]
        if i == LIMBS - 1:
            digit = k.madd(k.low, k.splat(0), digit, k.splat(k.inverse))
            row(i, digit, k.p)
        carried = k.word_const("lshr", registers[i], RADIX)
        registers[i + 1] = k.word_op("add", registers[i + 1], carried)
        bound[i + 1] = add_intervals(bound[i + 1], (0, bound[i][1] >> RADIX))
        if i < LIMBS - 1:
            row(i + 1, digit, k.friendly)
        if any(high >= 1 << 63 for _, high in bound):
            raise BoundError("a column overflows")


def _operand(f: Function, k: Lanes, shape: Shape, a: Value, i: int) -> Value:
    where = f.at(a, shape.a_stride * i)
    if not shape.broadcast:
        return f.op(f"load {k.words}, ptr {where}, align 8")
    one = f.op(f"insertelement {k.words} poison, i64 {f.load(where)}, i32 0")
    mask = f"<{k.width} x i32> zeroinitializer"
    return f.op(f"shufflevector {k.words} {one}, {k.words} poison, {mask}")
