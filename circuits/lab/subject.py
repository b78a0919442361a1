"""What the lab examines: a statement with true and false examples of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from circuits import review
from circuits.statement import Statement
from zk.field.params import FR
from zk.r1cs.matrices import R1CS


@dataclass(frozen=True, slots=True)
class Case:
    """Public inputs and a witness, by a name that certificates use."""

    name: str
    public: Any
    witness: Any


@dataclass(frozen=True, slots=True)
class Subject:
    """A statement under examination.

    Attributes:
        statement: what is examined; it has a tape.
        cases: true statements, random ones and such at the ends of ranges.
        suspects: lies; the public inputs are replaced by what the rows ask for. A suspect that one
            row alone refuses shows what that row is for.
        inputs: name of a wire that the prover brings → whether it is given from outside. Such wires
            are not varied: a gadget may not say which inputs it meets.
        stated: public inputs that follow from nothing, because the statement is about them.
    """

    statement: Statement[Any, Any]
    cases: Sequence[Case]
    suspects: Sequence[Case] = ()
    inputs: Callable[[str], bool] = field(default=lambda _name: False)
    stated: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Draws:
    """Field elements that follow from a seed and names, so that a certificate can be made again."""

    seed: str

    def number(self, *names: object) -> int:
        """A number of 512 bits."""
        text = "/".join(map(str, names)).encode()
        key = hashlib.blake2b(self.seed.encode(), person=b"chiaro-lab").digest()
        return int.from_bytes(hashlib.blake2b(text, key=key).digest(), "little")

    def element(self, *names: object) -> int:
        """An element of Fr."""
        return self.number(*names) % FR.modulus


_MARK: Final = "#"


def site(name: str) -> str:
    """A wire's name without numbers of copies: `level */children/child *`."""
    return review.collapse(name.split(_MARK, maxsplit=1)[0])


def row_class(shape: R1CS, row: int) -> str:
    """The name of a row without numbers of scopes: `level */node: x^4`."""
    path, separator, why = shape.row_scopes[row].rpartition(": ")
    return f"{review.collapse(path)}{separator}{why}"


def row_classes(shape: R1CS) -> dict[tuple[str, int], list[int]]:
    """Rows that are copies of each other: same name, and same place among the rows of their scope.

    Returns:
        (name without numbers, place) → rows.
    """
    seen: dict[str, int] = {}
    classes: dict[tuple[str, int], list[int]] = {}
    for row, scope in enumerate(shape.row_scopes):
        place = seen[scope] = seen.get(scope, -1) + 1
        classes.setdefault((row_class(shape, row), place), []).append(row)
    return classes
