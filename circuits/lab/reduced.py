"""Every assignment of a small gadget over a small prime field.

The rows of a gadget whose coefficients are small integers, or named constants such as the curve's,
mean something over any field. Over one of a few elements all assignments can be looked through:
for each input the outputs that the rows admit are counted, and there should be one. That decides
what algebra leaves open, for that field; it is evidence for Fr and no proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from zk.errors import CircuitError
from zk.field.params import FR
from zk.r1cs.matrices import R1CS

_R: Final = FR.modulus

MAX_COEFFICIENT: Final = 1 << 12
"""Larger integers are taken for constants of Fr, which need an image."""

Side = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Search:
    """What was found.

    Attributes:
        modulus: of the field.
        inputs: how many inputs were tried.
        admitted: those for which the rows can be satisfied.
        ambiguous: inputs with two outputs, and those.
    """

    modulus: int
    inputs: int = 0
    admitted: list[tuple[int, ...]] = field(default_factory=list)
    ambiguous: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = field(
        default_factory=list
    )


def search(
    shape: R1CS,
    modulus: int,
    given: Sequence[int],
    inputs: Iterable[Sequence[int]],
    outputs: Sequence[int],
    images: Mapping[int, int] | None = None,
) -> Search:
    """Count outputs for each input.

    Args:
        shape: the circuit.
        modulus: a small prime.
        given: input wires.
        inputs: values of these.
        outputs: wires that should follow.
        images: constant of Fr → element of the small field.

    Raises:
        CircuitError: a coefficient is neither small nor has an image.
    """
    solver = _Small(shape, modulus, images or {})
    found = Search(modulus)
    for values in inputs:
        found.inputs += 1
        first: tuple[int, ...] | None = None
        for solution in solver.solutions(dict(zip(given, values, strict=True))):
            result = tuple(solution[w] for w in outputs)
            if first is None:
                first = result
                found.admitted.append(tuple(values))
            elif result != first:
                found.ambiguous.append((tuple(values), first, result))
                break
    return found


class _Small:
    def __init__(self, shape: R1CS, modulus: int, images: Mapping[int, int]) -> None:
        self.modulus = modulus
        self.wires = shape.wires
        self.rows: list[tuple[Side, ...]] = [
            tuple(
                tuple((w, self._image(v, images)) for w, v in matrix.row(i))
                for _, matrix in shape.matrices()
            )
            for i in range(shape.rows)
        ]
        self.wires_of = [frozenset(w for side in row for w, _ in side) - {0} for row in self.rows]

    def _image(self, value: int, images: Mapping[int, int]) -> int:
        for sign, magnitude in ((1, value), (-1, _R - value)):
            if magnitude in images:
                return sign * images[magnitude] % self.modulus
            if magnitude <= MAX_COEFFICIENT:
                return sign * magnitude % self.modulus
        raise CircuitError(
            "a coefficient has no image in the small field",
            why="a number of 254 bits means nothing modulo a small prime",
            fix="name the constant and its image",
        )

    def solutions(self, known: dict[int, int]) -> Iterator[dict[int, int]]:
        """Assignments of all wires that satisfy the rows."""
        known = {0: 1, **known}
        rows = list(range(len(self.rows)))
        while True:
            open_rows = []
            narrow: tuple[int, int] | None = None  # (unknown wires, row)
            learned = False
            for row in rows:
                unknown = [w for w in self.wires_of[row] if w not in known]
                if not unknown:
                    if not self._holds(row, known):
                        return
                    continue
                if len(unknown) == 1:
                    options = self._options(row, unknown[0], known)
                    if not options:
                        return
                    if len(options) == 1:
                        known[unknown[0]] = options[0]
                        learned = True
                        continue
                open_rows.append(row)
                if narrow is None or len(unknown) < narrow[0]:
                    narrow = (len(unknown), row)
            rows = open_rows
            if not learned:
                break
        if narrow is None:
            free = [w for w in range(self.wires) if w not in known]
            yield from self._all(free, known)
            return
        wire = min(w for w in self.wires_of[narrow[1]] if w not in known)
        for value in range(self.modulus):
            yield from self.solutions({**known, wire: value})

    def _all(self, free: list[int], known: dict[int, int]) -> Iterator[dict[int, int]]:
        """Wires that no row reads take any value."""
        if not free:
            yield known
            return
        for value in range(self.modulus):
            yield from self._all(free[1:], {**known, free[0]: value})

    def _options(self, row: int, wire: int, known: Mapping[int, int]) -> list[int]:
        return [v for v in range(self.modulus) if self._holds(row, {**known, wire: v})]

    def _holds(self, row: int, known: Mapping[int, int]) -> bool:
        a, b, c = (sum(v * known[w] for w, v in side) for side in self.rows[row])
        return (a * b - c) % self.modulus == 0


def curve_points(modulus: int, a: int, d: int) -> list[tuple[int, int]]:
    """The affine points of a·x² + y² = 1 + d·x²·y² over a small field."""
    return [
        (x, y)
        for x in range(modulus)
        for y in range(modulus)
        if (a * x * x + y * y - 1 - d * x * x * y * y) % modulus == 0
    ]
