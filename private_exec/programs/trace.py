"""`Secret`: a value that a program handles without seeing it.  Rules PV-82, PV-85, PV-92.

A program runs once, in the clear, on these: arithmetic and comparisons on them are written down,
nothing is computed. Each carries the least and the largest number that it can be, so that no sum
leaves the field and every comparison knows how many bits it compares (P2-13).

    a + b, a − b, 3·a          free
    a·b                        a multiplication
    a < b, a ≥ b, a == b       a secret bit
    a // 3, a % 3              by public numbers, for a ≥ 0, rounded down
    if a < b:                  refused: what is done must not depend on what is secret
    select(bit, a, b)          what to write instead
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from private_exec.programs.errors import ProgramRefused
from private_exec.programs.ir import Affine, Bits, Divide, Equal, Less, Multiply, Op
from zk.field.params import FR

MASK_BITS: Final = 80
"""P2-13: by so many bits the mask of a comparison is longer than what it hides."""
MAX_COMPARED: Final = 160
"""Bits that a comparison can take: with its mask and a carry they stay below r."""
MAX_DIVIDED: Final = 80
"""Bits of what is divided by another number than a power of two: twice as many are masked."""
_MOST: Final = (FR.modulus - 1) // 2


class Trace:
    """What a program did so far.

    Attributes:
        ops: operations, in order.
        wires: how many wires there are.
    """

    __slots__ = ("_known", "ops", "wires")

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.wires = 0
        self._known: dict[Op, int] = {}

    def given(self, most: int) -> Secret:
        """An input in [0, most]; inputs come before all operations."""
        self.wires += 1
        return Secret(self, {self.wires - 1: 1}, 0, (0, most))

    def add(self, op: Op) -> int:
        """The first wire of an operation; the same operation is not done twice."""
        if op not in self._known:
            self._known[op] = self.wires
            self.ops.append(op)
            self.wires += op.width
        return self._known[op]


class Secret:
    """A whole number that is written down, not known.

    Attributes:
        trace: the run that it belongs to.
        terms: factors by wire.
        constant: what is added to these.
        low: it surely is not less.
        high: it surely is not more.
    """

    __slots__ = ("constant", "high", "low", "terms", "trace")

    def __init__(
        self, trace: Trace, terms: dict[int, int], constant: int, bounds: tuple[int, int]
    ) -> None:
        self.trace = trace
        self.terms = terms
        self.constant = constant
        self.low, self.high = bounds
        if max(-self.low, self.high) > _MOST:
            raise ProgramRefused(
                "PV-85",
                f"a value could have {max(-self.low, self.high).bit_length()} bits, and leave the"
                " field",
            )

    def affine(self) -> Affine:
        """The form that operations and outputs take."""
        terms = sorted((wire, k) for wire, k in self.terms.items() if k)
        return Affine(tuple(terms), self.constant)

    def lift(self, other: Secret | int) -> Secret:
        """A number as a value of the same program; a value of it as it is.

        Raises:
            ProgramRefused: PV-92, a value of another run; PV-82, what is no whole number.
        """
        if isinstance(other, Secret):
            if other.trace is not self.trace:
                raise ProgramRefused("PV-92", "a secret value of another run of a program")
            return other
        if type(other) is not int:
            text = f"secret values combine with whole numbers, not with {type(other).__name__}"
            raise ProgramRefused("PV-82", text)
        return Secret(self.trace, {}, other, (other, other))

    def within(self, low: int, high: int) -> Secret:
        """The same value with bounds that its maker knows to hold; for this package's functions."""
        bounds = (max(self.low, low), min(self.high, high))
        return Secret(self.trace, self.terms, self.constant, bounds)

    # Free: sums, and multiples by public numbers.

    def __add__(self, other: Secret | int) -> Secret:
        return self.plus([self.lift(other)])

    __radd__ = __add__

    def plus(self, others: Sequence[Secret]) -> Secret:
        """The sum of this and many others."""
        terms, constant, low, high = dict(self.terms), self.constant, self.low, self.high
        for other in map(self.lift, others):
            for wire, k in other.terms.items():
                terms[wire] = terms.get(wire, 0) + k
            constant, low, high = constant + other.constant, low + other.low, high + other.high
        if not any(terms.values()):
            low = high = constant
        return Secret(self.trace, terms, constant, (low, high))

    def __neg__(self) -> Secret:
        terms = {wire: -k for wire, k in self.terms.items()}
        return Secret(self.trace, terms, -self.constant, (-self.high, -self.low))

    def __sub__(self, other: Secret | int) -> Secret:
        return self + -self.lift(other)

    def __rsub__(self, other: int) -> Secret:
        return -self + other

    # Operations.

    def __mul__(self, other: Secret | int) -> Secret:
        a, b = self, self.lift(other)
        ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        bounds = (min(ends), max(ends))
        left, right = a.affine(), b.affine()
        if not left.terms or not right.terms:
            form, k = (b, left.constant) if not left.terms else (a, right.constant)
            terms = {wire: k * factor for wire, factor in form.terms.items()}
            return Secret(self.trace, terms, k * form.constant, bounds)
        if left == right:
            bounds = (max(0, bounds[0]), bounds[1])
        first, second = sorted((left, right), key=lambda form: (form.terms, form.constant))
        return Secret(self.trace, {self.trace.add(Multiply(first, second)): 1}, 0, bounds)

    __rmul__ = __mul__

    def __lt__(self, other: Secret | int) -> Secret:
        """A bit; decided by the bounds where these do."""
        b = self.lift(other)
        if self.high < b.low or self.low >= b.high:
            return self.lift(int(self.high < b.low))
        base = min(self.low, b.low)
        length = (max(self.high, b.high) - base).bit_length()
        _check_length(length)
        left, right = (self - base).affine(), (b - base).affine()
        return self._bit(self.trace.add(Less(left, right, length)))

    def __gt__(self, other: Secret | int) -> Secret:
        return self.lift(other) < self

    def __ge__(self, other: Secret | int) -> Secret:
        return 1 - (self < other)

    def __le__(self, other: Secret | int) -> Secret:
        return 1 - (self > other)

    def __eq__(self, other: object) -> Secret:  # type: ignore[override]
        difference = self - _whole(other)
        if difference.low > 0 or difference.high < 0:
            return self.lift(0)
        length = max(difference.high, -difference.low).bit_length()
        if length == 0:
            return self.lift(1)
        _check_length(length)
        return self._bit(self.trace.add(Equal(difference.affine(), length)))

    def __ne__(self, other: object) -> Secret:  # type: ignore[override]
        return 1 - (self == other)

    def __floordiv__(self, divisor: int) -> Secret:
        """Rounded down; decided by the bounds where these do.

        Raises:
            ProgramRefused: PV-82, the divisor is no public number; PV-85, it is less than 1, or the
                value can be negative or is too long.
        """
        if type(divisor) is not int:
            raise ProgramRefused("PV-82", "secret values are divided by public whole numbers only")
        if divisor < 1 or self.low < 0:
            raise ProgramRefused("PV-85", "what is not negative is divided by 1 or more")
        bounds = (self.low // divisor, self.high // divisor)
        if divisor == 1:
            return self
        if bounds[0] == bounds[1]:
            return self.lift(bounds[0])
        length = self.high.bit_length()
        _check_length(length, MAX_DIVIDED if divisor & (divisor - 1) else MAX_COMPARED)
        wire = self.trace.add(Divide(self.affine(), length, divisor))
        return Secret(self.trace, {wire: 1}, 0, bounds)

    def __mod__(self, divisor: int) -> Secret:
        """The rest; otherwise as the division."""
        return (self - divisor * (self // divisor)).within(0, divisor - 1)

    def bits(self) -> tuple[Secret, ...]:
        """The bits of a value that is not negative, lowest first; as many as it can have.

        Raises:
            ProgramRefused: PV-85, a value that can be negative or is too long.
        """
        if self.low < 0:
            raise ProgramRefused("PV-85", "only a value that cannot be negative has bits")
        length = self.high.bit_length()
        if length < 2:
            return (self,) * length
        _check_length(length)
        first = self.trace.add(Bits(self.affine(), length))
        return tuple(self._bit(first + i) for i in range(length))

    def _bit(self, wire: int) -> Secret:
        return Secret(self.trace, {wire: 1}, 0, (0, 1))

    # What would make a program depend on what is secret.

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> NoReturn:  # noqa: PLE0304 — it does not return
        _refuse("`if`, `and`, `or`, `not`, `min`, `max`", "use `select`, `minimum`, `maximum`")

    def __int__(self) -> NoReturn:
        _refuse("`int()`")

    def __index__(self) -> NoReturn:  # noqa: PLE0305
        _refuse("an index or a range", "use `one_hot(…).pick(…)`")

    def __iter__(self) -> NoReturn:
        _refuse("a loop")

    def __repr__(self) -> str:
        return f"Secret({max(self.high, -self.low).bit_length()} bits)"


def _whole(other: object) -> Secret | int:
    if isinstance(other, (Secret, int)):
        return other
    raise ProgramRefused("PV-82", f"a secret value is compared with {type(other).__name__}")


def _check_length(length: int, most: int = MAX_COMPARED) -> None:
    if length > most:
        raise ProgramRefused(
            "PV-85",
            f"this takes {most} bits, not {length}",
            why=f"its mask needs {MASK_BITS} bits more, and all together must stay below r",
        )


def _refuse(what: str, fix: str = "declare an output if somebody is to know the value") -> NoReturn:
    raise ProgramRefused(
        "PV-82",
        f"{what} would need a value that nobody knows",
        why="what a program does must not depend on what is secret, or everybody would see it",
        fix=fix,
    )
