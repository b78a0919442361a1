"""The interpreter that checks each constraint where it is made and stops at the first broken one.

It is also the instrument of negative tests: `tamper` replaces the value of one wire, as a dishonest
prover would, and `without` drops the constraints of a clause, to show that a test needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import gmpy2

from zk.errors import CircuitError, Unsatisfied
from zk.r1cs.builder import MODULUS, Names, Wire, check_value
from zk.r1cs.evaluator import Evaluator, Value, lift

Tamper = Mapping[str, Callable[[int], int] | int]
"""Full wire name → another value, or a function of the honest one."""

_R = gmpy2.mpz(MODULUS)


class Checker(Evaluator):
    """Values, and every constraint checked at once.

    Args:
        without: clauses whose constraints are skipped.
        tamper: witness and advice wires, by full name, whose value is replaced.
    """

    def __init__(self, *, without: Collection[str] = (), tamper: Tamper | None = None) -> None:
        super().__init__()
        self._without = frozenset(without)
        self._tamper = dict(tamper or {})
        self._tampered: set[str] = set()
        self._clauses_seen: set[str] = set()
        self._names = Names()
        self._names.unique("one")

    def public(self, name: str, value: int) -> Value:
        self._names.unique(self.path(name))
        return super().public(name, value)

    def witness(self, name: str, value: int) -> Value:
        check_value(value, self.path(name))
        return super().witness(name, self._replaced(name, value))

    def advise_many(
        self,
        function: Callable[..., Sequence[int]],
        n: int,
        *inputs: Wire,
        name: str = "",
    ) -> tuple[Wire, ...]:
        def dishonest(*values: int) -> list[int]:
            return [self._replaced(name or "advice", int(v)) for v in function(*values)]

        return super().advise_many(dishonest, n, *inputs, name=name)

    def mul(self, a: Wire, b: Wire, why: str = "") -> Value:
        product = super().mul(a, b, why)
        if not (a.fixed or b.fixed):
            self._names.unique(self.path(why or "product"))
        return product

    def enforce(self, a: Wire, b: Wire | int, c: Wire | int, why: str) -> None:
        self._clauses_seen.add(self.current_clause)
        if self.current_clause in self._without:
            return
        left, right, out = lift(a), lift(b), lift(c)
        if (left.value * right.value - out.value) % _R:
            raise Unsatisfied(self.current_clause, self.place(why))

    def _replaced(self, name: str, value: int) -> int:
        full = self._names.unique(self.path(name))
        if full not in self._tamper:
            return value
        self._tampered.add(full)
        change: Any = self._tamper[full]
        return int(change(value) if callable(change) else change) % MODULUS

    def finish(self) -> None:
        """Call after a pass: what was to be changed must exist, or a negative test shows nothing.

        Raises:
            CircuitError: a name in `tamper` or `without` met no wire or no constraint.
        """
        unmet = sorted(set(self._tamper) - self._tampered)
        unmet += sorted(self._without - self._clauses_seen)
        if unmet:
            raise CircuitError(
                "nothing in the circuit has this name",
                where=", ".join(unmet),
                fix="look the full name up in R1CS.wire_names and row_clauses",
            )
