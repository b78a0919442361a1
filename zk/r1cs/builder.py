"""The verbs a circuit is written in; four interpreters carry them out.

    Recorder        linear combinations, no values     → the constraint system
    Evaluator       values, no constraints             → the assignment a prover needs
    Checker         values, each constraint checked    → the first broken clause
    TapeRecorder    how each wire follows from others  → a program that makes assignments

A statement's one `constrain` runs under each of them, and must not look at values: what it
builds may depend on shape only. `+`, `-` and scaling cost nothing. Wire numbers agree among the
interpreters because all decide alike what folds: a value is *fixed* when it is made of constants
alone, which is a matter of syntax and never of values (x − x is not fixed).
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from zk.errors import CircuitError, ShapeMismatch
from zk.field.params import FR
from zk.r1cs.advice import Single

MODULUS: Final = FR.modulus


class Wire(ABC):
    """A linear combination of wires, as one interpreter sees it. Immutable.

    `+`, `-` and negation take wires of the same builder or integers; `*` takes an integer. The
    product of two wires is `Builder.mul`, because it costs a row.

    Attributes:
        fixed: made of constants alone.
    """

    __slots__ = ("fixed",)

    fixed: bool

    @abstractmethod
    def __add__(self, other: Wire | int) -> Wire: ...

    @abstractmethod
    def __sub__(self, other: Wire | int) -> Wire: ...

    @abstractmethod
    def __rsub__(self, other: Wire | int) -> Wire: ...

    @abstractmethod
    def __mul__(self, factor: int) -> Wire: ...

    def plain(self) -> Wire:
        """The interpreter's own object; types that wrap a wire override this."""
        return self

    def __radd__(self, other: Wire | int) -> Wire:
        return self + other

    def __rmul__(self, factor: int) -> Wire:
        return self * factor

    def __neg__(self) -> Wire:
        return self * -1

    def __bool__(self) -> bool:
        raise CircuitError(
            "a wire has no truth value",
            why="a circuit that branches on a value has no fixed shape",
            fix="use circuits.gadgets.select or compare",
        )


class Builder(ABC):
    """Where a circuit is built. See the module's docstring."""

    def __init__(self) -> None:
        self._scopes: list[str] = []
        self._clauses: list[str] = [""]

    @abstractmethod
    def constant(self, value: int) -> Wire:
        """A constant of the circuit, taken mod r. Never a value that depends on the witness."""

    @abstractmethod
    def public(self, name: str, value: int) -> Wire:
        """The next public input; all come before any other wire.

        Raises:
            CircuitError: a private wire exists already.
            ShapeMismatch: the value is not in [0, r).
        """

    @abstractmethod
    def witness(self, name: str, value: int) -> Wire:
        """A new private wire with a value the prover brings; the circuit must constrain it.

        Raises:
            ShapeMismatch: the value is not in [0, r).
        """

    @abstractmethod
    def advise_many(
        self,
        function: Callable[..., Sequence[int]],
        n: int,
        *inputs: Wire,
        name: str = "",
    ) -> tuple[Wire, ...]:
        """`n` new wires computed by `function` from the inputs' values, and *not* constrained.

        The caller must constrain them; `circuits.review` lists every use. The function maps
        integers in [0, r) to n integers, taken mod r; it must be total, since it also meets
        inputs that no honest prover has. The functions of `zk.r1cs.advice` can be compiled.
        """

    def advise(self, function: Callable[..., int], *inputs: Wire, name: str = "") -> Wire:
        """One advised wire; see `advise_many`."""
        return self.advise_many(Single(function), 1, *inputs, name=name)[0]

    def derive(self, function: Callable[..., Sequence[int]], n: int, *values: int) -> Sequence[int]:
        """`n` integers computed from integers of the witness, before the circuit: for `witness`.

        What a statement computes from its witness in plain code goes through here, so that the
        work can be repeated for another witness without running `constrain` (`zk.r1cs.tape`).

        Args:
            function: from integers to n integers.
            n: how many.
            values: integers of the witness, results of `derive`, or constants.

        Raises:
            CircuitError: the function gave another number of values.
        """
        results = function(*values)
        if len(results) != n:
            raise CircuitError(f"{len(results)} values were derived, not {n}")
        return results

    @abstractmethod
    def mul(self, a: Wire, b: Wire, why: str = "") -> Wire:
        """a·b. One row and one wire; free when either is fixed."""

    def square(self, a: Wire, why: str = "") -> Wire:
        """a². One row and one wire; free when a is fixed."""
        return self.mul(a, a, why)

    @abstractmethod
    def enforce(self, a: Wire, b: Wire | int, c: Wire | int, why: str) -> None:
        """a·b = c. One row; none when all three are fixed, which are then compared at once.

        Raises:
            Unsatisfied: in the checker, or for fixed values in any interpreter.
        """

    def equal(self, a: Wire, b: Wire | int, why: str) -> None:
        """A = b. One row (a·1 = b)."""
        self.enforce(a, 1, b, why)

    @abstractmethod
    def dot(self, coefficients: Sequence[int], wires: Sequence[Wire], offset: int = 0) -> Wire:
        """`offset` + Σ coefficientᵢ·wireᵢ: the linear layers of hashes, fast and without a row."""

    @contextlib.contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names what is built inside; scopes nest into a path."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    @contextlib.contextmanager
    def clause(self, name: str) -> Iterator[None]:
        """Says which clause of the statement the rows inside carry; the innermost counts."""
        self._clauses.append(name)
        try:
            yield
        finally:
            self._clauses.pop()

    @property
    def current_clause(self) -> str:
        return self._clauses[-1]

    def path(self, name: str) -> str:
        """Full name of a wire called `name` here: `scope/scope/name`."""
        return "/".join((*self._scopes, name))

    def place(self, why: str) -> str:
        """How a row made here is called: `scope/scope: why`."""
        return f"{'/'.join(self._scopes)}: {why}" if self._scopes else why


def check_value(value: object, name: str) -> int:
    """`value`, known to be an integer in [0, r).

    Raises:
        ShapeMismatch: it is not; the value itself is not shown, it may be secret.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ShapeMismatch("a value of the statement is not an integer", where=name)
    if not 0 <= value < MODULUS:
        raise ShapeMismatch(
            "a value of the statement is not in [0, r)",
            where=name,
            why="x and x + r are one field element: the second form would pass for another value",
            fix="reduce the value where it is made, and refuse it where it is read",
        )
    return value


class Names:
    """Full names of wires: a repeated name gets `#2`, `#3`, … in order of making."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def unique(self, name: str) -> str:
        count = self._seen[name] = self._seen.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"
