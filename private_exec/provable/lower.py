"""A program in two kinds of operations, products and bits, so that each wire has its rows.  PV-67.

    input x, at most m       bits of x, and of m − x where m is not 2ⁿ − 1
    less L a b               bit L of b − a − 1 + 2^L, its L + 1 bits
    equal L a                [a ≥ 0]·[−a ≥ 0], each bit L of L + 1 bits
    divide L d a             the bits of a from k on, for d = 2ᵏ; else those of a·M from K on, with
                             K = L + ⌈log₂ d⌉ and M = ⌈2ᴷ/d⌉ (why that is exact: `mpc.divide`)

What members run is the lowered program, so that they hold shares of exactly the wires that are
constrained. No mask of a comparison is among them: what a comparison opened on the way is nothing
that the proof would have to believe (P2-7).
"""

from __future__ import annotations

from collections.abc import Sequence

from private_exec.programs.ir import Affine, Bits, Circuit, Divide, Equal, Less, Multiply, Op
from private_exec.programs.program import Program


def ranges(program: Program) -> tuple[int, ...]:
    """The largest value of each input, in the order of their wires."""
    sizes = program.sizes
    return tuple(
        item.type.most(sizes)
        for item in program.declaration.inputs.values()
        for _ in range(item.count(sizes))
    )


def lowered(program: Program) -> Circuit:
    """The same program in `Multiply` and `Bits` alone, ranges of inputs checked first."""
    return _Lowering(program.circuit).run(ranges(program))


class _Lowering:
    """One pass over the operations."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.ops: list[Op] = []
        self.wires = circuit.given
        self.place = {wire: wire for wire in range(circuit.given)}

    def run(self, most: Sequence[int]) -> Circuit:
        for wire, limit in enumerate(most):
            self._range(wire, limit)
        for first, op in self.circuit.firsts():
            self._lower(first, op)
        outputs = (
            (name, tuple(v.moved(self.place) for v in values))
            for name, values in self.circuit.outputs
        )
        return Circuit(self.circuit.given, tuple(self.ops), tuple(outputs))

    def _range(self, wire: int, limit: int) -> None:
        value, bits = Affine(((wire, 1),), 0), max(1, limit.bit_length())
        self._emit(Bits(value, bits))
        if limit != (1 << bits) - 1:
            self._emit(Bits(_sum((-1, value), constant=limit), bits))

    def _lower(self, first: int, op: Op) -> None:
        operands = [operand.moved(self.place) for operand in op.operands]
        match op:
            case Multiply():
                self.place[first] = self._emit(Multiply(*operands))
            case Bits():
                start = self._emit(Bits(operands[0], op.bits))
                self.place.update({first + i: start + i for i in range(op.bits)})
            case Less():
                left, right = operands
                self.place[first] = self._at_least_zero(
                    (1, right), (-1, left), less=1, bits=op.bits
                )
            case Equal():
                (value,) = operands
                up = self._at_least_zero((1, value), less=0, bits=op.bits)
                down = self._at_least_zero((-1, value), less=0, bits=op.bits)
                product = Multiply(Affine(((up, 1),), 0), Affine(((down, 1),), 0))
                self.place[first] = self._emit(product)
            case Divide():
                self.place[first] = self._quotient(operands[0], op.bits, op.divisor)

    def _quotient(self, value: Affine, bits: int, divisor: int) -> int:
        """The wire of ⌊a/divisor⌋, which is a sum of bits: times one, to be a wire."""
        places = (divisor - 1).bit_length()
        if divisor != 1 << places:
            places += bits
            value, bits = _sum((-(-(1 << places) // divisor), value)), 2 * bits + 1
        start = self._emit(Bits(value, bits))
        high = ((start + i, 1 << (i - places)) for i in range(places, bits))
        return self._emit(Multiply(Affine(tuple(high), 0), Affine((), 1)))

    def _at_least_zero(self, *parts: tuple[int, Affine], less: int, bits: int) -> int:
        """The wire of [Σ k·a − less ≥ 0], for sums between −2^bits and 2^bits − 1."""
        shifted = _sum(*parts, constant=(1 << bits) - less)
        return self._emit(Bits(shifted, bits + 1)) + bits

    def _emit(self, op: Op) -> int:
        """Its first wire."""
        self.ops.append(op)
        first = self.wires
        self.wires += op.width
        return first


def _sum(*parts: tuple[int, Affine], constant: int = 0) -> Affine:
    """Σ k·a + constant."""
    terms: dict[int, int] = {}
    for factor, form in parts:
        constant += factor * form.constant
        for wire, k in form.terms:
            terms[wire] = terms.get(wire, 0) + factor * k
    return Affine(tuple((wire, k) for wire, k in sorted(terms.items()) if k), constant)
