"""The interpreter that keeps linear combinations and records the constraint system.

Values are ignored and advice is not computed: what is recorded depends on the statement's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gmpy2
import numpy as np

from zk.errors import CircuitError, Unsatisfied
from zk.field.arrays import to_array
from zk.r1cs.builder import MODULUS, Builder, Names, Wire
from zk.r1cs.matrices import R1CS, Matrix

Terms = Mapping[int, Any]
"""Wire number → coefficient (a GMP integer, reduced when it is written out)."""

_Z = gmpy2.mpz
_R = gmpy2.mpz(MODULUS)


class Combination(Wire):
    """Σ coefficient·wire, by wire number; wire 0 carries the constant."""

    __slots__ = ("terms",)

    def __init__(self, terms: Terms, *, fixed: bool) -> None:
        self.terms = terms
        self.fixed = fixed

    def __add__(self, other: Wire | int) -> Combination:
        return _combine(((1, self), (1, _lift(other))))

    def __sub__(self, other: Wire | int) -> Combination:
        return _combine(((1, self), (-1, _lift(other))))

    def __rsub__(self, other: Wire | int) -> Combination:
        return _combine(((1, _lift(other)), (-1, self)))

    def __mul__(self, factor: int) -> Combination:
        scale = _Z(factor)
        return Combination({w: v * scale % _R for w, v in self.terms.items()}, fixed=self.fixed)


def _lift(value: Wire | int) -> Combination:
    if isinstance(value, Combination):
        return value
    if isinstance(value, int):
        return Combination({0: _Z(value) % _R}, fixed=True)
    plain = value.plain()
    if plain is value:
        raise CircuitError("a wire of another kind of builder")
    return _lift(plain)


def _combine(parts: Iterable[tuple[Any, Combination]], offset: int = 0) -> Combination:
    terms: dict[int, Any] = {}
    if offset:
        terms[0] = _Z(offset)
    fixed = True
    for factor, part in parts:
        fixed = fixed and part.fixed
        for wire, value in part.terms.items():
            terms[wire] = terms.get(wire, 0) + factor * value
    return Combination({w: v % _R for w, v in terms.items()}, fixed=fixed)


@dataclass(frozen=True, slots=True)
class AdviceSite:
    """One use of `advise`: full name, first wire and number of wires, clause it stands in."""

    name: str
    first: int
    count: int
    clause: str


class Recorder(Builder):
    """Records rows. `finish()` gives the constraint system."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.advice: list[AdviceSite] = []
        self._names = Names()
        self._wire_names: list[str] = [self._names.unique("one")]
        self._publics = 0
        self._rows: tuple[list[Terms], list[Terms], list[Terms]] = ([], [], [])
        self._row_clauses: list[str] = []
        self._row_scopes: list[str] = []

    def constant(self, value: int) -> Combination:
        return _lift(int(value))

    def public(self, name: str, value: int) -> Combination:
        del value
        if len(self._wire_names) != self._publics + 1:
            raise CircuitError("public inputs come before all other wires", where=self.path(name))
        self._publics += 1
        return self._new(name)

    def witness(self, name: str, value: int) -> Combination:
        del value
        return self._new(name)

    def advise_many(
        self,
        function: Callable[..., Sequence[int]],
        n: int,
        *inputs: Wire,
        name: str = "",
    ) -> tuple[Wire, ...]:
        del function
        for wire in inputs:
            _lift(wire)
        site = self.path(name or "advice")
        self.advice.append(AdviceSite(site, len(self._wire_names), n, self.current_clause))
        return tuple(self._new(name or "advice") for _ in range(n))

    def mul(self, a: Wire, b: Wire, why: str = "") -> Combination:
        left, right = _lift(a), _lift(b)
        if left.fixed:
            return right * _value(left)
        if right.fixed:
            return left * _value(right)
        product = self._new(why or "product")
        self._row(left.terms, right.terms, product.terms, why or "product")
        return product

    def enforce(self, a: Wire, b: Wire | int, c: Wire | int, why: str) -> None:
        left, right, out = _lift(a), _lift(b), _lift(c)
        if left.fixed and right.fixed and out.fixed:
            if (_value(left) * _value(right) - _value(out)) % MODULUS:
                raise Unsatisfied(self.current_clause, self.place(why))
            return
        self._row(left.terms, right.terms, out.terms, why)

    def dot(
        self, coefficients: Sequence[int], wires: Sequence[Wire], offset: int = 0
    ) -> Combination:
        parts = zip(coefficients, map(_lift, wires), strict=True)
        return _combine(parts, offset)

    def _new(self, name: str) -> Combination:
        number = len(self._wire_names)
        self._wire_names.append(self._names.unique(self.path(name)))
        return Combination({number: _Z(1)}, fixed=False)

    def _row(self, a: Terms, b: Terms, c: Terms, why: str) -> None:
        for column, terms in zip(self._rows, (a, b, c), strict=True):
            column.append(terms)
        self._row_clauses.append(self.current_clause)
        self._row_scopes.append(self.place(why))

    @property
    def public_names(self) -> tuple[str, ...]:
        return tuple(self._wire_names[1 : self._publics + 1])

    def finish(self) -> R1CS:
        """The constraint system recorded so far."""
        a, b, c = map(_matrix, self._rows)
        return R1CS(
            name=self.name,
            wires=len(self._wire_names),
            publics=self._publics,
            rows=len(self._row_clauses),
            a=a,
            b=b,
            c=c,
            wire_names=tuple(self._wire_names),
            row_clauses=tuple(self._row_clauses),
            row_scopes=tuple(self._row_scopes),
        )


def _value(fixed: Combination) -> int:
    return int(fixed.terms.get(0, 0))


def _matrix(rows: Sequence[Terms]) -> Matrix:
    """Canonical rows: columns ascending, zeros dropped."""
    counts: list[int] = [0]
    columns: list[int] = []
    values: list[Any] = []
    for terms in rows:
        for wire in sorted(terms):
            if value := terms[wire]:
                columns.append(wire)
                values.append(value)
        counts.append(len(columns))
    return Matrix(
        indptr=np.array(counts, dtype=np.uint64),
        columns=np.array(columns, dtype=np.uint64),
        values=to_array(values),
    )
