"""Decompositions into bits, found in the rows and probed at their ends.

For n bits the probes are 0, 1, 2ⁿ − 1 (to be accepted) and 2ⁿ, r − 1, (r − 1)/2 (to be refused if
they are not below 2ⁿ), and for each accepted value x the bits of x + r, which must be refused: x
would have two decompositions, and whoever chooses may prove that x is small and use x + r. The rows
of the decomposition and of its bits are evaluated on each probe, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from circuits.lab.determined import Row, decomposition, is_boolean
from zk.field.params import FR

_R: Final = FR.modulus


@dataclass(frozen=True, slots=True)
class Range:
    """One decomposition.

    Attributes:
        row: the row that recomposes.
        width: number of bits.
        bits: wires of the bits, lowest first; the lowest may be no wire.
        implicit: the lowest bit is the row's combination and no wire.
    """

    row: int
    width: int
    bits: tuple[int, ...]
    implicit: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """A value that was put into a decomposition.

    Attributes:
        range: which.
        what: `2^n - 1`, `r - 1`, `0 + r`, …
        accepted: by the rows.
        right: whether that is what should be.
    """

    range: Range
    what: str
    accepted: bool
    right: bool


def find(rows: Sequence[Row]) -> list[Range]:
    """The decompositions of two bits or more, in order of their rows (`determined.rows_of`)."""
    boolean = {
        wire
        for row in rows
        if not row[2] and row[0] and row[1]
        for wire in (set(row[0]) | set(row[1])) - {0}
        if is_boolean(row, wire)
    }
    found = []
    for index, row in enumerate(rows):
        bits = _wires(row) & boolean
        if not bits or any(is_boolean(row, wire) for wire in bits):
            continue
        known = decomposition(row, bits)
        if known is None or known[0] < 2:
            continue
        implicit = not row[2]
        side = row[0] if implicit else _weights(row)
        ordered = sorted(bits, key=lambda w: _distance(side[w], implicit=implicit))
        found.append(Range(index, known[0], tuple(ordered), implicit))
    return found


def _wires(row: Row) -> set[int]:
    return {wire for side in row for wire in side} - {0}


def _weights(row: Row) -> dict[int, int]:
    """Coefficients of the side that holds the sum."""
    a, b, c = row
    merged = dict(c)
    for side in (a, b):
        if set(side) != {0}:
            merged |= side
    return merged


def _distance(weight: int, *, implicit: bool) -> int:
    """Orders ±2^i·scale by i."""
    return _R - weight if implicit else min(weight, _R - weight)


def probe(rows: Sequence[Row], each: Range) -> list[Probe]:
    """Put the probes into a decomposition."""
    end = 1 << each.width
    values = {
        "0": 0,
        "1": 1,
        "2^n - 1": end - 1,
        "2^n": end,
        "r - 1": _R - 1,
        "(r - 1)/2": (_R - 1) // 2,
    }
    found = []
    for what, value in values.items():
        if value >= _R:
            continue
        accepted = _accepts(rows[each.row], each, value, value)
        found.append(Probe(each, what, accepted, accepted == (value < end)))
        if value + _R < end:
            alias = _accepts(rows[each.row], each, value, value + _R)
            found.append(Probe(each, f"{what} + r", alias, not alias))
    return found


def _accepts(row: Row, each: Range, value: int, decomposed: int) -> bool:
    """Whether the row takes the low bits of `decomposed` for a decomposition of `value`."""

    def side(index: int, assigned: Mapping[int, int]) -> int:
        terms = row[index].items()
        return sum(c * (assigned.get(w, 0) if w else 1) for w, c in terms) % _R

    def residual(assigned: Mapping[int, int]) -> int:
        return (side(0, assigned) * side(1, assigned) - side(2, assigned)) % _R

    others = sorted(_wires(row) - set(each.bits))
    if not others:
        return decomposed == value
    given = others[0]  # stands for the value; the wires beside it are zero
    if each.implicit:  # the side is value − Σ_{i≥1} 2^i·bᵢ
        at_0, slope = side(0, {}), side(0, {given: 1}) - side(0, {})
        wanted, first = value, 1
    else:  # α·Σ 2^i·bᵢ + (what gives the value) = 0
        at_0, slope = residual({}), residual({given: 1}) - residual({})
        wanted, first = -value * (residual({each.bits[0]: 1}) - at_0), 0
    assigned = {wire: decomposed >> (i + first) & 1 for i, wire in enumerate(each.bits)}
    assigned[given] = (wanted - at_0) * pow(slope, -1, _R) % _R
    return residual(assigned) == 0
