"""The gadgets, each as a statement of its own: inputs are given, outputs must follow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from circuits.gadgets import babyjub, bits, boolean, compare, kinds, merkle, poseidon
from circuits.gadgets.assign import assign
from circuits.gadgets.select import select, swap
from circuits.lab.reduced import Search, curve_points, search
from circuits.lab.subject import Case, Draws, Subject
from circuits.statement import Statement
from zk.curve import babyjub as curve
from zk.errors import UnknownKey
from zk.field.params import FR
from zk.r1cs.advice import SQUARE_ROOT
from zk.r1cs.builder import Builder, Wire

Build = Callable[..., Sequence[Wire]]
Values = tuple[int, ...]

_R: Final = FR.modulus
_INPUT: Final = "in "
_OUTPUT: Final = "out "


class GadgetStatement(Statement[tuple[()], Values]):
    """`build(cs, *inputs)` as a statement without public inputs; outputs are wires `out i`."""

    public_names = ()

    def __init__(self, name: str, build: Build, inputs: int) -> None:
        self.id = f"gadget {name}"
        self.build = build
        self.inputs = inputs

    def placeholder(self) -> tuple[tuple[()], Values]:
        return (), (0,) * self.inputs

    def constrain(self, cs: Builder, public: tuple[()], witness: Values) -> None:
        del public
        given = [cs.witness(f"{_INPUT}{i}", value) for i, value in enumerate(witness)]
        with cs.clause("gadget"):
            outputs = list(self.build(cs, *given))
        for i, wire in enumerate(outputs):
            assign(cs, f"{_OUTPUT}{i}", wire)


@dataclass(frozen=True, slots=True)
class Small:
    """How a gadget is looked through over a small field.

    Attributes:
        modulus: of the field.
        images: constants of Fr → elements of the field.
        inputs: what is tried; by default all values.
        ambiguous: inputs that may have two outputs, which the gadget's own text excludes.
        admits: inputs that the rows should admit.
    """

    modulus: int
    images: Mapping[int, int] = field(default_factory=dict)
    inputs: Callable[[], Iterable[Values]] | None = None
    ambiguous: Callable[[Values], bool] = field(default=lambda _values: False)
    admits: Callable[[Values], bool] = field(default=lambda _values: True)


@dataclass(frozen=True, slots=True)
class Gadget:
    """A gadget under examination.

    Attributes:
        name: in reports.
        build: wires to output wires.
        samples: inputs of true statements, the ends of ranges among them.
        reasons: site of a wire that may vary → why that does no harm.
        divisions: site of a quotient that 0/0 would leave open → why that cannot be.
        rows: row that no forgery needs → why it stands.
        small: the search over a small field, where it makes sense.
    """

    name: str
    build: Build
    samples: Sequence[Values]
    reasons: Mapping[str, str] = field(default_factory=dict)
    divisions: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    small: Small | None = None

    @property
    def statement(self) -> GadgetStatement:
        return GadgetStatement(self.name, self.build, len(self.samples[0]))

    def subject(self) -> Subject:
        """What the lab examines."""
        cases = [Case(f"input {values}", (), values) for values in self.samples]
        return Subject(self.statement, cases, inputs=is_input)

    def tried(self) -> list[Values]:
        """Inputs of the search over the small field; none without it."""
        if self.small is None:
            return []
        if self.small.inputs is not None:
            return list(self.small.inputs())
        return list(itertools.product(range(self.small.modulus), repeat=len(self.samples[0])))

    def look_through(self) -> Search | None:
        """Every assignment over the small field, if the gadget has one."""
        if self.small is None:
            return None
        shape = _record(self.statement)
        names = shape.wire_names
        count = len(self.samples[0])
        return search(
            shape,
            self.small.modulus,
            [names.index(f"{_INPUT}{i}") for i in range(count)],
            self.tried(),
            [i for i, name in enumerate(names) if name.startswith(_OUTPUT)],
            self.small.images,
        )


def is_input(name: str) -> bool:
    """Whether a wire of a gadget's statement is one of its inputs."""
    return name.startswith(_INPUT)


def _record(statement: GadgetStatement) -> Any:
    from circuits.statement import record

    return record(statement, cache=False)


# The small curve: over F_13, a = 1 is a square and d = 2 is none, so the addition law is complete.
_SMALL_A: Final = 1
_SMALL_D: Final = 2
_SMALL_P: Final = 13
_SMALL_MONT_A: Final = 2 * (_SMALL_A + _SMALL_D) * pow(_SMALL_A - _SMALL_D, -1, _SMALL_P)
_CURVE: Final = {
    curve.A: _SMALL_A,
    curve.D: _SMALL_D,
    curve.MONT_A: _SMALL_MONT_A % _SMALL_P,
}


def _pairs() -> Iterable[Values]:
    points = curve_points(_SMALL_P, _SMALL_A, _SMALL_D)
    return ((*p, *q) for p in points for q in points)


def _points() -> list[Values]:
    return list(curve_points(_SMALL_P, _SMALL_A, _SMALL_D))


def _sample_points(count: int) -> list[Values]:
    draws = Draws("gadgets")
    found = [
        curve.multiply(draws.element("point", i) % curve.ORDER, curve.B8) for i in range(count)
    ]
    return [(p.x, p.y) for p in found]


def _montgomery(p: Values) -> Values:
    return curve.to_montgomery_curve(curve.Point(*p))


def _bit(cs: Builder, wire: Wire) -> boolean.Bit:
    return boolean.enforce_boolean(cs, wire)


def _gates(cs: Builder, a: Wire, b: Wire) -> Sequence[Wire]:
    first, second = _bit(cs, a), _bit(cs, b)
    return [gate(cs, first, second) for gate in (boolean.and_, boolean.or_, boolean.xor)]


def _choice(cs: Builder, b: Wire, x: Wire, y: Wire) -> Sequence[Wire]:
    bit = _bit(cs, b)
    return [select(cs, bit, x, y), *swap(cs, bit, x, y)]


def _edwards(x: Wire, y: Wire) -> babyjub.EdwardsPoint:
    return babyjub.EdwardsPoint(x, y)


def _on_curve(cs: Builder, x: Wire, y: Wire) -> Sequence[Wire]:
    return list(babyjub.assert_on_curve(cs, _edwards(x, y)))


def _step(cs: Builder, u1: Wire, v1: Wire, u2: Wire, v2: Wire) -> Sequence[Wire]:
    first, second = babyjub.MontgomeryPoint(u1, v1), babyjub.MontgomeryPoint(u2, v2)
    return babyjub.step(cs, first, second)


def _less_than(cs: Builder, a: Wire, b: Wire) -> Sequence[Wire]:
    for wire in (a, b):
        bits.enforce_range(cs, wire, 8)
    return [compare.less_than(cs, a, b, 8)]


def _nonzero(cs: Builder, x: Wire) -> Sequence[Wire]:
    compare.enforce_nonzero(cs, x, "not zero")
    return []


def _member(cs: Builder, value: Wire, *children: Wire) -> Sequence[Wire]:
    merkle.enforce_member(cs, value, children)
    return []


def _live_member(cs: Builder, live: Wire, value: Wire, *children: Wire) -> Sequence[Wire]:
    merkle.enforce_member(cs, value, children, live=live)
    return []


def _sign(cs: Builder, y: Wire) -> Sequence[Wire]:
    kinds.assert_canonical(cs, y)
    return []


def _signs() -> list[Values]:
    """Two ordinates that pass the rule of signs."""
    found: list[Values] = []
    y = 2
    while len(found) < 2:
        y += 1
        if all(_has_root(v) for v in (2 + y, (2 - y) * pow(5, -1, _R) % _R)):
            found.append((y,))
    return found


def _has_root(value: int) -> bool:
    return SQUARE_ROOT(value) != 0


_COMPLETE: Final = "on the curve no denominator of the complete law vanishes: a is a square, d none"
_FREE_INVERSE: Final = "x = 0 has no inverse, so its place may hold anything; no other row reads it"
_CHAIN: Final = "P = ±T is excluded by the caller's argument on chains (S-17)"

_P, _Q, _S = _sample_points(3)

CATALOGUE: Final[dict[str, Gadget]] = {
    gadget.name: gadget
    for gadget in (
        Gadget("assign", lambda cs, x: [assign(cs, "copy", x)], [(5,), (0,)], small=Small(11)),
        Gadget(
            "to_bits, 3 bits",
            lambda cs, x: bits.to_bits(cs, x, 3),
            [(0,), (5,), (7,)],
            small=Small(17, admits=lambda v: v[0] < 8),
        ),
        Gadget("to_bits, 64 bits", lambda cs, x: bits.to_bits(cs, x, 64), [(1,), ((1 << 64) - 1,)]),
        Gadget(
            "to_bits, 253 bits",
            lambda cs, x: bits.to_bits(cs, x, bits.MAX_BITS),
            [(0,), ((1 << 253) - 1,)],
        ),
        Gadget(
            "to_signed_bits, 3 bits",
            lambda cs, x: bits.to_signed_bits(cs, x, 3),
            [(3,), (_R - 4,), (0,)],
            small=Small(17, admits=lambda v: (v[0] + 4) % 17 < 8),
        ),
        Gadget(
            "and, or, xor",
            _gates,
            [(0, 0), (0, 1), (1, 0), (1, 1)],
            small=Small(7, admits=lambda v: set(v) <= {0, 1}),
        ),
        Gadget(
            "select and swap",
            _choice,
            [(0, 5, 6), (1, 5, 6)],
            small=Small(5, admits=lambda v: v[0] < 2),
        ),
        Gadget(
            "is_nonzero",
            lambda cs, x: [compare.is_nonzero(cs, x)],
            [(0,), (1,), (_R - 1,)],
            reasons={"is nonzero/inverse or *": _FREE_INVERSE},
            divisions={"is nonzero/inverse or *": _FREE_INVERSE},
            small=Small(11),
        ),
        Gadget(
            "is_equal",
            lambda cs, a, b: [compare.is_equal(cs, a, b)],
            [(4, 4), (4, 5)],
            reasons={"is equal/inverse or *": _FREE_INVERSE},
            divisions={"is equal/inverse or *": _FREE_INVERSE},
            small=Small(7),
        ),
        Gadget(
            "enforce_nonzero",
            _nonzero,
            [(1,), (_R - 1,)],
            small=Small(11, admits=lambda v: v != (0,)),
        ),
        Gadget("less_than, 8 bits", _less_than, [(0, 255), (255, 0), (7, 7), (255, 255)]),
        Gadget(
            "member of 3",
            _member,
            [(4, 4, 5, 6), (6, 4, 5, 6)],
            small=Small(5, admits=lambda v: v[0] in v[1:]),
        ),
        Gadget(
            "member of 3, if live",
            _live_member,
            [(1, 4, 4, 5, 6), (0, 9, 4, 5, 6)],
            small=Small(3, admits=lambda v: not v[0] or v[1] in v[2:]),
        ),
        Gadget(
            "poseidon of 2",
            lambda cs, x, y: [poseidon.poseidon(cs, 7, (x, y))],
            [(1, 2), (0, _R - 1)],
        ),
        Gadget(
            "rule of signs",
            _sign,
            _signs(),
            reasons={
                "root of 2 + y": "either root serves; nothing reads it",
                "root of a fifth of 2 - y": "either root serves; nothing reads it",
            },
        ),
        Gadget(
            "on the curve",
            _on_curve,
            [_P, (0, 1)],
            small=Small(_SMALL_P, _CURVE, admits=lambda v: v in _points()),
        ),
        Gadget(
            "edwards add",
            lambda cs, a, b, c, d: babyjub.add(cs, _edwards(a, b), _edwards(c, d)),
            [(*_P, *_Q), (*_P, *_P), (*_P, 0, 1)],
            divisions={"sum/x": _COMPLETE, "sum/y": _COMPLETE},
            small=Small(_SMALL_P, _CURVE, _pairs),
        ),
        Gadget(
            "edwards double",
            lambda cs, x, y: babyjub.double(cs, _edwards(x, y)),
            [_P, (0, 1)],
            divisions={"double/x": _COMPLETE, "double/y": _COMPLETE},
            small=Small(_SMALL_P, _CURVE, _points),
        ),
        Gadget(
            "to montgomery",
            lambda cs, x, y: babyjub.to_montgomery(cs, _edwards(x, y), "point"),
            [_P, _Q],
            small=Small(_SMALL_P, _CURVE, _points, admits=lambda v: v[0] != 0),
        ),
        Gadget(
            "from montgomery",
            lambda cs, u, v: babyjub.from_montgomery(cs, babyjub.MontgomeryPoint(u, v)),
            [_montgomery(_P), _montgomery(_Q)],
            divisions={"edwards/x": "v = 0 is at (0, 0) only, which no chain ends in (S-17)"},
            small=Small(
                _SMALL_P,
                ambiguous=lambda point: point == (0, 0),
                admits=lambda v: (v[1] != 0 or v[0] == 0) and v[0] != _SMALL_P - 1,
            ),
        ),
        Gadget(
            "montgomery step",
            _step,
            [(*_montgomery(_P), *_montgomery(_Q)), (*_montgomery(_Q), *_montgomery(_S))],
            divisions={"slope": _CHAIN},
            small=Small(
                7,
                _CURVE,
                ambiguous=lambda pair: pair[:2] == pair[2:],
                admits=lambda v: v[0] != v[2] or v[1] == v[3],
            ),
        ),
        Gadget(
            "division",
            lambda cs, n, d: [babyjub.divide(cs, n, d, "quotient")],
            [(6, 3), (0, 5)],
            divisions={"quotient": "the caller shows that divisor and dividend do not both vanish"},
            small=Small(
                11,
                ambiguous=lambda values: values == (0, 0),
                admits=lambda v: v[1] != 0 or v[0] == 0,
            ),
        ),
    )
}
"""The gadgets by name; those not listed are hashes and ladders, examined inside the action."""


def gadget(name: str) -> Gadget:
    """The gadget of that name.

    Raises:
        UnknownKey: there is none.
    """
    if name not in CATALOGUE:
        raise UnknownKey(f"no gadget is called {name}", fix=f"use one of: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
