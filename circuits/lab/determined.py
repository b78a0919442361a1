"""Which wires follow from others, by algebra: the rows are solved one unknown at a time.

From the known wires each other one must follow. How it does is told apart:

    constant    a row is linear in it, its coefficient a constant
    division    a row is linear in it, its coefficient a combination of known wires, which a prover
                might steer to zero: then it is open, and somebody has to say why that cannot be
    zero test   x·u = z and x·(1 − z) = 0 with x known: z is 1 or 0, whatever u is
    bits        some wires at once, each a bit by a row, recomposed by one row, and fewer than 254

What remains is *open*: the rows leave it a choice. In the manner of Picus and Ecne (uniqueness by
propagation); it decides no case that needs a search, so an open wire calls for an argument or shows
a hole. Values play no part.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from zk.field.params import FR
from zk.r1cs.matrices import R1CS

_R: Final = FR.modulus

Row = tuple[dict[int, int], dict[int, int], dict[int, int]]


@dataclass(slots=True)
class Determined:
    """What follows from the known wires.

    Attributes:
        shape: the circuit.
        known: wires that follow, those given included.
        divisions: wire → row that gives it by a division; 0/0 would leave it open.
        quotients: the same where 0/0 cannot be, for the rows say so: dividend and divisor differ by
            a constant, or by a constant after scaling.
        flags: wires that follow from a zero test.
        widths: numbers of bits of the decompositions used, in order.
        solving: rows that something follows from.
        open: wires that do not follow, in order.
    """

    shape: R1CS
    known: set[int]
    divisions: dict[int, int] = field(default_factory=dict)
    quotients: dict[int, int] = field(default_factory=dict)
    flags: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    solving: set[int] = field(default_factory=set)
    open: list[int] = field(default_factory=list)

    def checks(self) -> list[int]:
        """Rows from which nothing follows: they test what is known."""
        return [row for row in range(self.shape.rows) if row not in self.solving]

    def names(self, wires: Collection[int]) -> list[str]:
        """Full names of wires."""
        return [self.shape.wire_names[wire] for wire in wires]


def solve(shape: R1CS, known: Collection[int], *, zero_tests: bool = True) -> Determined:
    """Solve the rows.

    Args:
        shape: the circuit.
        known: wires that are given; the constant one is always known.
        zero_tests: use the rule of zero tests; otherwise their flag follows by two divisions.
    """
    return _Solver(shape, known, zero_tests=zero_tests).run()


def rows_of(shape: R1CS) -> list[Row]:
    """The rows as dictionaries wire → coefficient, for A, B and C."""
    matrices = [matrix for _, matrix in shape.matrices()]
    return [
        (dict(matrices[0].row(i)), dict(matrices[1].row(i)), dict(matrices[2].row(i)))
        for i in range(shape.rows)
    ]


class _Solver:
    def __init__(self, shape: R1CS, known: Collection[int], *, zero_tests: bool) -> None:
        self.shape = shape
        self.result = Determined(shape, {0, *known})
        self.zero_tests = zero_tests
        self.rows = rows_of(shape)
        self.unknown = [(set(a) | set(b) | set(c)) - self.result.known for a, b, c in self.rows]
        self.readers: dict[int, list[int]] = {}
        for index, wires in enumerate(self.unknown):
            for wire in wires:
                self.readers.setdefault(wire, []).append(index)
        self.ready = [i for i, wires in enumerate(self.unknown) if len(wires) == 1]
        self.divided: list[tuple[int, int]] = []

    def run(self) -> Determined:
        result = self.result
        while True:
            self._peel()
            if any(self._recompose(i) or self._zero_test(i) for i in range(self.shape.rows)):
                continue
            if not self.divided:
                break
            self._divide()
        result.open = [w for w in range(self.shape.wires) if w not in result.known]
        return result

    def _peel(self) -> None:
        """Rows with one unknown, linear in it."""
        while self.ready:
            index = heapq.heappop(self.ready)
            if len(self.unknown[index]) != 1:
                continue
            (wire,) = self.unknown[index]
            a, b, _ = self.rows[index]
            if wire in a and wire in b:
                continue  # a quadratic equation, with two roots
            factor = b if wire in a else a if wire in b else {0: 1}
            if not factor:
                continue  # nothing times the wire
            if set(factor) != {0}:
                heapq.heappush(self.divided, (index, wire))  # better if it follows otherwise
                continue
            self.result.solving.add(index)
            self._learn(wire)

    def _divide(self) -> None:
        """The first division left, where its quotient is not known otherwise."""
        index, wire = heapq.heappop(self.divided)
        if wire not in self.result.known:
            exact = _never_both_zero(self.rows[index], wire)
            (self.result.quotients if exact else self.result.divisions)[wire] = index
            self.result.solving.add(index)
            self._learn(wire)

    def _learn(self, wire: int) -> None:
        self.result.known.add(wire)
        for index in self.readers.get(wire, ()):
            self.unknown[index].discard(wire)
            if len(self.unknown[index]) == 1:
                heapq.heappush(self.ready, index)

    # -- some unknowns at once --------------------------------------------------------------------

    def _recompose(self, index: int) -> bool:
        """Bits that a row recomposes to a known value.

        Either x·(x − 1) = 0 for x = known − Σ_{i≥1} 2^i·bᵢ, where x is the lowest bit, or the
        linear known = Σ 2^i·bᵢ.
        """
        wires = self.unknown[index]
        if not wires or not all(map(self._is_bit, wires)):
            return False
        found = decomposition(self.rows[index], wires)
        if found is None:
            return False
        width, unique = found
        if not unique:
            return False
        self.result.widths.append(width)
        self.result.solving.add(index)
        for wire in sorted(wires):
            self._learn(wire)
        return True

    def _is_bit(self, wire: int) -> bool:
        return any(is_boolean(self.rows[i], wire) for i in self.readers[wire])

    def _zero_test(self, index: int) -> bool:
        """x·u = z, with x·(1 − z) = 0 in another row and x known; z a combination, one unknown."""
        if not self.zero_tests or len(self.unknown[index]) != 2:
            return False
        a, b, c = self.rows[index]
        for x, factor in ((a, b), (b, a)):
            if len(factor) != 1:
                continue
            (inverse,) = factor
            rest = self.unknown[index] - {inverse}
            if len(rest) != 1 or not rest <= set(c) or inverse in c or self.unknown[index] & set(x):
                continue
            (flag,) = rest
            one_less = {w: -v % _R for w, v in c.items()} | {0: (1 - c.get(0, 0)) % _R}
            negative = {w: v for w, v in one_less.items() if v}
            for other in self.readers[flag]:
                sides = self.rows[other]
                if not sides[2] and sides[:2] in ((x, negative), (negative, x)):
                    self.result.flags.append(flag)
                    self.result.solving |= {index, other}
                    self._learn(flag)
                    return True
        return False


def is_boolean(row: Row, wire: int) -> bool:
    """Whether a row says b·(b − 1) = 0."""
    a, b, c = row
    bit, less = {wire: 1}, {0: _R - 1, wire: 1}
    return not c and ((a, b) in ((bit, less), (less, bit)))


def decomposition(row: Row, bits: Collection[int]) -> tuple[int, bool] | None:
    """(width, unique) where the row recomposes bits to what stands beside them in it, else None.

    Unique: no two values of that width are equal modulo r.
    """
    a, b, c = row
    if not c and _differ_by_one(a, b):
        found = sorted(_R - a[wire] for wire in bits) if all(w in a for w in bits) else []
        if found == [2 << i for i in range(len(found))] and found:
            return len(found) + 1, len(found) + 1 < _R.bit_length()
        return None
    linear = _linear(row)
    if linear is None or not all(wire in linear for wire in bits):
        return None
    for sign in (1, -1):
        found = sorted(sign * linear[wire] % _R for wire in bits)
        scale = pow(found[0], -1, _R)
        if sorted(value * scale % _R for value in found) == [1 << i for i in range(len(found))]:
            return len(found), len(found) < _R.bit_length()
    return None


def _never_both_zero(row: Row, wire: int) -> bool:
    """Whether a row wire·divisor = dividend has dividend − λ·divisor = constant ≠ 0 for some λ."""
    a, b, c = row
    factor, divisor = (a, b) if wire in a else (b, a)
    if set(factor) != {wire}:
        return False
    scale = pow(factor[wire], -1, _R)
    dividend = {w: v * scale % _R for w, v in c.items()}
    wires = sorted((set(dividend) | set(divisor)) - {0})
    ratio = dividend.get(wires[0], 0) * pow(divisor[wires[0]], -1, _R) if wires[0] in divisor else 0
    rest = {w: (dividend.get(w, 0) - ratio * divisor.get(w, 0)) % _R for w in (0, *wires)}
    return {w for w, v in rest.items() if v} == {0}


def _differ_by_one(a: dict[int, int], b: dict[int, int]) -> bool:
    difference = {w: (a.get(w, 0) - b.get(w, 0)) % _R for w in set(a) | set(b)}
    return {w: d for w, d in difference.items() if d} == {0: 1}


def _linear(row: Row) -> dict[int, int] | None:
    """A·B − C of a row where A or B is a constant."""
    a, b, c = row
    for side, factor in ((a, b), (b, a)):
        if set(factor) <= {0}:
            scale = factor.get(0, 0)
            wires = set(side) | set(c)
            sums = {w: (side.get(w, 0) * scale - c.get(w, 0)) % _R for w in wires}
            return {w: value for w, value in sums.items() if value}
    return None
