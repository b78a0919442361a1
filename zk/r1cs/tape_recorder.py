"""The interpreter that records how every wire is computed: it makes a `zk.r1cs.tape.Tape`.

`constrain` runs once, on a witness whose integers are `Traced`: they can be passed to `public`,
`witness` and `derive`, and nothing else can be done with them, so the program recorded is right for
every witness of the same shape. A statement that computes on its witness in plain code elsewhere
has no tape.

Sums are kept as combinations of slots and become operations where a product or an advice reads
them; long ones do so before they are added to others, so that nothing is computed twice. What no
wire needs (the sides of constraints, above all) is dropped at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import gmpy2
import numpy as np

from zk.errors import CircuitError, Unsatisfied
from zk.field.arrays import to_array
from zk.r1cs.advice import Digits, Formula, Inverse, Less, Quotient, Single, SquareRoot
from zk.r1cs.builder import MODULUS, Builder, Wire, check_value
from zk.r1cs.tape import COEFFICIENT_BITS, Call, Derivation, Op, Tape, pack_digits

_Z = gmpy2.mpz
_R = gmpy2.mpz(MODULUS)
_MINUS: Final = _R - 1

SHORT: Final = 4
"""Sums of more terms than this are computed before they enter another sum."""

_Row = tuple[Op, int, int, int]


class Traced:
    """Stands for an integer of the witness while a tape is recorded.

    Attributes:
        number: which of the tape's values it is.

    Raises:
        CircuitError: where it is compared or asked for its truth.
    """

    __slots__ = ("number",)

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        raise _looked_at()

    def __bool__(self) -> bool:
        raise _looked_at()


def _looked_at() -> CircuitError:
    return CircuitError(
        "the statement looks at an integer of its witness in plain code",
        why="a tape recorded for one witness would be wrong for another",
        fix="compute what the circuit needs inside Builder.derive",
    )


class Sum(Wire):
    """Σ coefficient·slot. Slot 0 is the constant one, negative slots are intermediate results."""

    __slots__ = ("owner", "terms")

    def __init__(self, owner: TapeRecorder, terms: Mapping[int, Any], *, fixed: bool) -> None:
        self.owner = owner
        self.terms = terms
        self.fixed = fixed

    def __add__(self, other: Wire | int) -> Sum:
        return self.owner.combine(((1, self), (1, self.owner.lift(other))))

    def __sub__(self, other: Wire | int) -> Sum:
        return self.owner.combine(((1, self), (_MINUS, self.owner.lift(other))))

    def __rsub__(self, other: Wire | int) -> Sum:
        return self.owner.combine(((1, self.owner.lift(other)), (_MINUS, self)))

    def __mul__(self, factor: int) -> Sum:
        scale = _Z(factor) % _R
        return Sum(self.owner, {s: c * scale % _R for s, c in self.terms.items()}, fixed=self.fixed)


class _Variable:
    """What a `Formula` is recorded with: +, − and * become operations."""

    __slots__ = ("owner", "value")

    def __init__(self, owner: TapeRecorder, value: Sum) -> None:
        self.owner = owner
        self.value = value

    def _other(self, other: _Variable | int) -> Sum:
        return other.value if isinstance(other, _Variable) else self.owner.constant(other)

    def __add__(self, other: _Variable | int) -> _Variable:
        return _Variable(self.owner, self.value + self._other(other))

    def __sub__(self, other: _Variable | int) -> _Variable:
        return _Variable(self.owner, self.value - self._other(other))

    def __rsub__(self, other: int) -> _Variable:
        return _Variable(self.owner, self._other(other) - self.value)

    def __mul__(self, other: _Variable | int) -> _Variable:
        return _Variable(self.owner, self.owner.product(self.value, self._other(other)))

    def __neg__(self) -> _Variable:
        return _Variable(self.owner, self.value * -1)

    def __bool__(self) -> bool:
        raise CircuitError("a formula looks at a value", fix="use +, - and * only")

    __radd__ = __add__
    __rmul__ = __mul__


class TapeRecorder(Builder):
    """Records operations. `finish()` gives the tape.

    Args:
        name: id of the statement.
        leaves: how many integers its public inputs and witness consist of; they are the `Traced`
            values 0 … leaves − 1.
    """

    def __init__(self, name: str, leaves: int) -> None:
        super().__init__()
        self.name = name
        self._leaves = leaves
        self._values = leaves
        self._wires = 1
        self._publics: list[str] = []
        self._temporaries = 0
        self._inputs: list[tuple[int, int]] = []  # (slot, number of the value)
        self._read: set[int] = set()
        self._derivations: list[Derivation] = []
        self._rows: list[_Row] = []
        self._sums: list[tuple[tuple[int, Any], ...]] = []  # terms of each DOT, which has its index
        self._calls: list[Call] = []
        self._known: dict[tuple[tuple[int, Any], ...], int] = {}

    # -- verbs ------------------------------------------------------------------------------------

    def constant(self, value: int) -> Sum:
        return self.lift(int(value))

    def public(self, name: str, value: int) -> Sum:
        if self._wires != len(self._publics) + 1:
            raise CircuitError("public inputs come before all other wires", where=self.path(name))
        self._publics.append(self.path(name))
        return self.witness(name, value)

    def witness(self, name: str, value: int) -> Sum:
        wire = self._wire()
        given: object = value
        if isinstance(given, Traced):
            self._inputs.append((wire, given.number))
            self._read.add(given.number)
        else:
            constant = _Z(check_value(value, self.path(name)))
            self._place({0: constant} if constant else {}, wire)
        return self._slot_sum(wire)

    def derive(self, function: Callable[..., Sequence[int]], n: int, *values: int) -> Sequence[int]:
        given: Sequence[object] = values
        if not any(isinstance(value, Traced) for value in given):
            return super().derive(function, n, *values)
        arguments = []
        for value, constant in zip(given, values, strict=True):
            if isinstance(value, Traced):
                self._read.add(value.number)
                arguments.append((True, value.number))
            else:
                arguments.append((False, int(constant)))
        self._derivations.append(Derivation(function, tuple(arguments), n))
        start = self._values
        self._values += n
        traced: list[Any] = [Traced(start + i) for i in range(n)]
        return traced

    def advise_many(
        self,
        function: Callable[..., Sequence[int]],
        n: int,
        *inputs: Wire,
        name: str = "",
    ) -> tuple[Wire, ...]:
        sums = [self.lift(wire) for wire in inputs]
        inner: object = function.function if isinstance(function, Single) else function
        if n == 0:
            return ()
        if isinstance(inner, Formula) and n == 1:
            return (self._formula(inner, sums),)
        slots = [self._slot(value) for value in sums]
        first = self._wires
        self._wires += n
        match inner:
            case Quotient():
                self._rows.append((Op.QUOTIENT, first, slots[0], slots[1]))
            case Inverse():
                self._rows.append((Op.QUOTIENT, first, 0, slots[0]))
            case SquareRoot():
                self._rows.append((Op.ROOT, first, slots[0], 0))
            case Less():
                self._rows.append((Op.LESS, first, slots[0], slots[1]))
            case Digits() if inner.count == n:
                packed = pack_digits(inner.width, inner.first, inner.count)
                self._rows.append((Op.DIGITS, first, slots[0], packed))
            case _:
                self._rows.append((Op.CALL, first, len(self._calls), 0))
                self._calls.append(Call(function, tuple(slots), n, self.path(name or "advice")))
        return tuple(self._slot_sum(first + i) for i in range(n))

    def mul(self, a: Wire, b: Wire, why: str = "") -> Sum:
        del why
        left, right = self.lift(a), self.lift(b)
        if left.fixed or right.fixed:
            return self.product(left, right)
        operands = self._slot(left), self._slot(right)
        wire = self._wire()
        self._rows.append((Op.MUL, wire, *operands))
        return self._slot_sum(wire)

    def enforce(self, a: Wire, b: Wire | int, c: Wire | int, why: str) -> None:
        left, right, out = self.lift(a), self.lift(b), self.lift(c)
        fixed = left.fixed and right.fixed and out.fixed
        if fixed and (_value(left) * _value(right) - _value(out)) % _R:
            raise Unsatisfied(self.current_clause, self.place(why))

    def dot(self, coefficients: Sequence[int], wires: Sequence[Wire], offset: int = 0) -> Sum:
        parts = list(zip(coefficients, map(self.lift, wires), strict=True))
        return self.combine((*parts, (1, self.lift(offset))))

    # -- sums -------------------------------------------------------------------------------------

    def lift(self, value: Wire | int) -> Sum:
        """A wire of this recorder as it is; an integer as a fixed sum."""
        if isinstance(value, Sum):
            if value.owner is not self:
                raise CircuitError("a wire of another builder")
            return value
        if isinstance(value, int):
            constant = _Z(value) % _R
            return Sum(self, {0: constant} if constant else {}, fixed=True)
        plain = value.plain()
        if plain is value:
            raise CircuitError("a wire of another kind of builder")
        return self.lift(plain)

    def combine(self, parts: Iterable[tuple[Any, Sum]]) -> Sum:
        """Σ factor·part."""
        listed = list(parts)
        fixed = all(part.fixed for _, part in listed)
        alone = sum(not part.fixed for _, part in listed) == 1
        terms: dict[int, Any] = {}
        for factor, part in listed:
            if len(part.terms) > SHORT and not alone:
                self._slot(part)
            for slot, coefficient in part.terms.items():
                terms[slot] = terms.get(slot, 0) + factor * coefficient
        reduced = {s: v for s, c in terms.items() if (v := c % _R)}
        return Sum(self, reduced, fixed=fixed)

    def product(self, left: Sum, right: Sum) -> Sum:
        """left·right as an intermediate result."""
        if left.fixed:
            return right * _value(left)
        if right.fixed:
            return left * _value(right)
        operands = self._slot(left), self._slot(right)
        slot = self._temporary()
        self._rows.append((Op.MUL, slot, *operands))
        return self._slot_sum(slot)

    def _formula(self, formula: Formula, inputs: Sequence[Sum]) -> Sum:
        result = formula.polynomial(*(_Variable(self, value) for value in inputs))
        value = result.value if isinstance(result, _Variable) else self.constant(result)
        wire = self._wire()
        self._place(value.terms, wire)
        return self._slot_sum(wire)

    def _wire(self) -> int:
        self._wires += 1
        return self._wires - 1

    def _temporary(self) -> int:
        self._temporaries += 1
        return -self._temporaries

    def _slot_sum(self, slot: int) -> Sum:
        return Sum(self, {slot: _Z(1)}, fixed=False)

    def _slot(self, value: Sum) -> int:
        """The slot that holds a sum, computed now if it is in none yet."""
        terms = value.terms
        if len(terms) == 1:
            ((slot, coefficient),) = terms.items()
            if coefficient == 1:
                return slot
        key = tuple(sorted(terms.items())) if len(terms) <= SHORT else None
        found = None if key is None else self._known.get(key)
        if found is None:
            found = self._place(terms, self._temporary())
            if key is not None:
                self._known[key] = found
        if not value.fixed:
            value.terms = {found: _Z(1)}  # the same value, from now on by its slot
        return found

    def _place(self, terms: Mapping[int, Any], out: int) -> int:
        """Operations that write a sum to `out`: additions where coefficients are ±1, else DOT."""
        units = all(c in (1, _MINUS) for s, c in terms.items() if s)
        if not units or len(terms) < 2:
            if len(terms) == 1 and 1 in terms.values():
                (slot,) = terms
                self._rows.append((Op.ADD, out, slot, self._constant(0)))
            else:
                self._dot(tuple(sorted(terms.items())), out)
            return out
        plus = [s for s, c in terms.items() if s and c == 1]
        minus = [s for s, c in terms.items() if s and c != 1]
        if 0 in terms:
            plus.append(self._constant(terms[0]))
        if not plus:
            plus.append(self._constant(0))
        total = plus[0]
        steps = [(Op.ADD, s) for s in plus[1:]] + [(Op.SUB, s) for s in minus]
        for index, (code, slot) in enumerate(steps):
            target = out if index == len(steps) - 1 else self._temporary()
            self._rows.append((code, target, total, slot))
            total = target
        return out

    def _constant(self, value: Any) -> int:
        """The slot of a constant."""
        if value == 1:
            return 0
        key = ((0, _Z(value)),) if value else ()
        if key not in self._known:
            self._known[key] = self._dot(key, self._temporary())
        return self._known[key]

    def _dot(self, terms: tuple[tuple[int, Any], ...], out: int) -> int:
        self._rows.append((Op.DOT, out, len(self._sums), 0))
        self._sums.append(terms)
        return out

    # -- the tape ---------------------------------------------------------------------------------

    @property
    def public_names(self) -> tuple[str, ...]:
        return tuple(self._publics)

    def finish(self) -> Tape:
        """The tape of what was recorded.

        Raises:
            CircuitError: an integer of the witness was never read, so it may have been used in a
                way that was not seen.
        """
        if len(self._read & set(range(self._leaves))) != self._leaves:
            raise CircuitError(
                "an integer of the witness is not read",
                where=self.name,
                why="the tape may miss what is computed from it",
            )
        rows, slots = self._renumbered(self._needed())
        operations: list[tuple[int, int, int, int]] = []
        terms: list[tuple[int, int]] = []
        coefficients = _Coefficients()
        for code, out, a, b in rows:
            first, last = a, b
            if code == Op.DOT:
                first = len(terms)
                terms += [(slots[s], coefficients.number(c)) for s, c in self._sums[a]]
                last = len(terms)
            operations.append((int(code), out, first, last))
        calls = [
            Call(c.function, tuple(slots[s] for s in c.arguments), c.count, c.name)
            for c in self._calls
        ]
        return Tape(
            name=self.name,
            wires=self._wires,
            publics=len(self._publics),
            slots=len(slots),
            leaves=self._leaves,
            derivations=tuple(self._derivations),
            sources=np.array([number for _, number in self._inputs], dtype=np.uint32),
            inputs=np.array([slot for slot, _ in self._inputs], dtype=np.uint32),
            operations=np.array(operations, dtype=np.uint32).reshape(-1, 4),
            terms=np.array(terms, dtype=np.uint32).reshape(-1, 2),
            coefficients=to_array(coefficients.stored),
            calls=tuple(calls),
        )

    def _operands(self, row: _Row) -> Iterable[int]:
        code, _, a, b = row
        match code:
            case Op.DOT:
                return (slot for slot, _ in self._sums[a])
            case Op.CALL:
                return self._calls[a].arguments
            case Op.ROOT | Op.DIGITS:
                return (a,)
            case _:
                return (a, b)

    def _needed(self) -> list[_Row]:
        """Operations whose result is a wire or is needed for one, in order."""
        wanted: set[int] = set()
        kept: list[_Row] = []
        for row in reversed(self._rows):
            if row[1] >= 0 or row[1] in wanted:
                kept.append(row)
                wanted.update(self._operands(row))
        kept.reverse()
        return kept

    def _renumbered(self, rows: list[_Row]) -> tuple[list[_Row], dict[int, int]]:
        """Rows with intermediate results numbered after the wires, and old slot → new slot."""
        slots = {wire: wire for wire in range(self._wires)}
        for row in rows:
            if row[1] < 0:
                slots[row[1]] = len(slots)
        renumbered: list[_Row] = []
        for code, out, a, b in rows:
            match code:
                case Op.DOT | Op.CALL:
                    renumbered.append((code, slots[out], a, b))
                case Op.ROOT | Op.DIGITS:
                    renumbered.append((code, slots[out], slots[a], b))
                case _:
                    renumbered.append((code, slots[out], slots[a], slots[b]))
        return renumbered, slots


class _Coefficients:
    """The table of coefficients, each value once."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self._numbers: dict[Any, int] = {}

    def number(self, coefficient: Any) -> int:
        if coefficient not in self._numbers:
            self._numbers[coefficient] = len(self.stored)
            self.stored.append(int((coefficient << COEFFICIENT_BITS) % _R))
        return self._numbers[coefficient]


def _value(fixed: Sum) -> int:
    return int(fixed.terms.get(0, 0))
