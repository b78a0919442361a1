"""The interpreter that keeps values only: it makes the assignment a prover needs, fast."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import gmpy2

from zk.errors import CircuitError, Unsatisfied
from zk.field.arrays import U64Array, to_array
from zk.r1cs.builder import MODULUS, Builder, Wire, check_value

_Z = gmpy2.mpz
_R = gmpy2.mpz(MODULUS)


class Value(Wire):
    """A value, reduced where it becomes a wire and not before."""

    __slots__ = ("value",)

    def __init__(self, value: Any, *, fixed: bool = False) -> None:
        self.value = value
        self.fixed = fixed

    def __add__(self, other: Wire | int) -> Value:
        right = lift(other)
        return Value(self.value + right.value, fixed=self.fixed and right.fixed)

    def __sub__(self, other: Wire | int) -> Value:
        right = lift(other)
        return Value(self.value - right.value, fixed=self.fixed and right.fixed)

    def __rsub__(self, other: Wire | int) -> Value:
        left = lift(other)
        return Value(left.value - self.value, fixed=self.fixed and left.fixed)

    def __mul__(self, factor: int) -> Value:
        return Value(self.value * factor % _R, fixed=self.fixed)

    def __repr__(self) -> str:
        return "Value(…)"  # witness values are secret


def lift(value: Wire | int) -> Value:
    """A wire as it is; an integer as a fixed value."""
    if isinstance(value, Value):
        return value
    if isinstance(value, int):
        return Value(_Z(value) % _R, fixed=True)
    plain = value.plain()
    if plain is value:
        raise CircuitError("a wire of another kind of builder")
    return lift(plain)


class Evaluator(Builder):
    """Computes every wire. `assignment()` gives them all; nothing is checked."""

    def __init__(self) -> None:
        super().__init__()
        self._values: list[Any] = [_Z(1)]
        self._publics: list[str] = []

    def constant(self, value: int) -> Value:
        return lift(int(value))

    def public(self, name: str, value: int) -> Value:
        if len(self._values) != len(self._publics) + 1:
            raise CircuitError("public inputs come before all other wires", where=self.path(name))
        self._publics.append(self.path(name))
        return self._new(_Z(check_value(value, self.path(name))))

    def witness(self, name: str, value: int) -> Value:
        return self._new(_Z(check_value(value, self.path(name))))

    def advise_many(
        self,
        function: Callable[..., Sequence[int]],
        n: int,
        *inputs: Wire,
        name: str = "",
    ) -> tuple[Wire, ...]:
        values = function(*(int(lift(wire).value % _R) for wire in inputs))
        if len(values) != n:
            raise CircuitError(f"advice gave {len(values)} values, not {n}", where=self.path(name))
        return tuple(self._new(_Z(value) % _R) for value in values)

    def mul(self, a: Wire, b: Wire, why: str = "") -> Value:
        del why
        left, right = lift(a), lift(b)
        value = left.value * right.value % _R
        if left.fixed or right.fixed:
            return Value(value, fixed=left.fixed and right.fixed)
        return self._new(value)

    def enforce(self, a: Wire, b: Wire | int, c: Wire | int, why: str) -> None:
        left, right, out = lift(a), lift(b), lift(c)
        fixed = left.fixed and right.fixed and out.fixed
        if fixed and (left.value * right.value - out.value) % _R:
            raise Unsatisfied(self.current_clause, self.place(why))

    def dot(self, coefficients: Sequence[int], wires: Sequence[Wire], offset: int = 0) -> Value:
        if len(coefficients) != len(wires):
            raise CircuitError("as many coefficients as wires are needed")
        lifted = [lift(wire) for wire in wires]
        total = sum(map(operator.mul, coefficients, [v.value for v in lifted]), _Z(offset))
        return Value(total % _R, fixed=all(v.fixed for v in lifted))

    def _new(self, value: Any) -> Value:
        self._values.append(value)
        return Value(value)

    @property
    def public_names(self) -> tuple[str, ...]:
        return tuple(self._publics)

    def assignment(self) -> U64Array:
        """`uint64[wires, 4]`, standard form, the constant one first."""
        return to_array(self._values)
