"""What a program becomes: a list of few kinds of operations on numbered wires.  Rules PV-85, PV-86.

Wires hold whole numbers. The first are the inputs in the order of their declaration; each operation
makes the next ones. Sums and multiples by public numbers cost nothing where values are shared, so
they are no operations: an operand is an affine form of wires.

    multiply  a b        one wire: a·b
    less      L a b      one wire: 1 where a < b, else 0, for a, b in [0, 2^L)
    equal     L a        one wire: 1 where a = 0, else 0, for |a| < 2^L
    bits      L a        L wires: the bits of a in [0, 2^L), lowest first
    divide    L d a      one wire: ⌊a/d⌋ for a in [0, 2^L) and a public d ≥ 2

Nothing here opens a value; what is opened are the outputs of a circuit, after its last operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from node.core.ids import tagged_hash


@dataclass(frozen=True, slots=True)
class Affine:
    """Σ k·wire + constant, over the integers.

    Attributes:
        terms: (wire, k) with k ≠ 0, by wire.
        constant: what is added.
    """

    terms: tuple[tuple[int, int], ...]
    constant: int

    def at(self, wires: list[int]) -> int:
        """Its value for values of wires."""
        return sum((k * wires[wire] for wire, k in self.terms), self.constant)

    def moved(self, place: Mapping[int, int]) -> Affine:
        """The same with wires numbered anew, in the same order."""
        return Affine(tuple((place[wire], k) for wire, k in self.terms), self.constant)

    def __str__(self) -> str:
        return "+".join((*(f"{k}*w{wire}" for wire, k in self.terms), str(self.constant)))


@dataclass(frozen=True, slots=True)
class _OfOne:
    """What is done to one value."""

    value: Affine

    @property
    def operands(self) -> tuple[Affine, ...]:
        return (self.value,)

    @property
    def width(self) -> int:
        return 1

    def moved(self, place: Mapping[int, int]) -> Self:
        """The same with wires numbered anew."""
        return replace(self, value=self.value.moved(place))


@dataclass(frozen=True, slots=True)
class _OfTwo:
    """What is done to two values."""

    left: Affine
    right: Affine

    @property
    def operands(self) -> tuple[Affine, ...]:
        return (self.left, self.right)

    @property
    def width(self) -> int:
        return 1

    def moved(self, place: Mapping[int, int]) -> Self:
        """The same with wires numbered anew."""
        return replace(self, left=self.left.moved(place), right=self.right.moved(place))


@dataclass(frozen=True, slots=True)
class Multiply(_OfTwo):
    """Wire a·b."""

    kind: ClassVar[str] = "multiply"
    bits: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Less(_OfTwo):
    """Wire [a < b], for a and b of `bits` bits."""

    kind: ClassVar[str] = "less"
    bits: int


@dataclass(frozen=True, slots=True)
class Equal(_OfOne):
    """Wire [a = 0], for |a| below 2^bits."""

    kind: ClassVar[str] = "equal"
    bits: int


@dataclass(frozen=True, slots=True)
class Bits(_OfOne):
    """The `bits` bits of a value, lowest first."""

    kind: ClassVar[str] = "bits"
    bits: int

    @property
    def width(self) -> int:
        return self.bits


@dataclass(frozen=True, slots=True)
class Divide(_OfOne):
    """Wire ⌊a/divisor⌋, for a of `bits` bits."""

    kind: ClassVar[str] = "divide"
    bits: int
    divisor: int


Op = Multiply | Less | Equal | Bits | Divide


def sort_of(op: Op) -> tuple[str, int, int]:
    """Operations of one sort run as one vector: kind, bits, and the divisor where there is one."""
    return op.kind, op.bits, op.divisor if isinstance(op, Divide) else 0


@dataclass(frozen=True, slots=True)
class Circuit:
    """A program at given sizes.

    Attributes:
        given: wires of inputs.
        ops: in an order in which operands exist.
        outputs: by name, in the order of their declaration.
    """

    given: int
    ops: tuple[Op, ...]
    outputs: tuple[tuple[str, tuple[Affine, ...]], ...]

    @property
    def wires(self) -> int:
        return self.given + sum(op.width for op in self.ops)

    def firsts(self) -> Iterator[tuple[int, Op]]:
        """Each operation with the number of the first wire that it makes."""
        wire = self.given
        for op in self.ops:
            yield wire, op
            wire += op.width

    def lines(self) -> Iterator[str]:
        """The canonical text: one operation a line."""
        yield f"inputs {self.given}"
        for wire, op in self.firsts():
            kind, bits, divisor = sort_of(op)
            yield " ".join(map(str, (f"w{wire}", kind, bits, divisor, *op.operands)))
        for name, values in self.outputs:
            yield f"output {name} {' '.join(map(str, values))}"

    def digest(self) -> bytes:
        """PV-86: 32 bytes that name these operations and no others."""
        return tagged_hash("private/circuit", *(line.encode() for line in self.lines()))

    def used(self) -> frozenset[int]:
        """Wires on which an output depends."""
        needed = {wire for _, values in self.outputs for v in values for wire, _ in v.terms}
        for first, op in reversed(list(self.firsts())):
            if not needed.isdisjoint(range(first, first + op.width)):
                needed.update(wire for operand in op.operands for wire, _ in operand.terms)
        return frozenset(needed)

    def needed(self) -> Circuit:
        """The same without operations on which no output depends, wires numbered anew."""
        used, place = self.used(), {wire: wire for wire in range(self.given)}
        ops: list[Op] = []
        wires = self.given
        for first, op in self.firsts():
            if used.isdisjoint(range(first, first + op.width)):
                continue
            place.update({first + i: wires + i for i in range(op.width)})
            wires += op.width
            ops.append(op.moved(place))
        outputs = ((n, tuple(v.moved(place) for v in values)) for n, values in self.outputs)
        return Circuit(self.given, tuple(ops), tuple(outputs))
