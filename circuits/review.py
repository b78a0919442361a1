"""What a reviewer asks of a recorded statement: lints, advice sites, costs, differences.

The lints are a floor: they find wires that nothing holds, not clauses that hold too little. That is
the task of one negative test per clause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import gmpy2
import numpy as np

from circuits.statement import Statement, record_with_advice
from zk.errors import UnusedWire
from zk.field.arrays import U64Array, from_array
from zk.field.params import FR
from zk.r1cs.matrices import R1CS, Matrix
from zk.r1cs.recorder import AdviceSite

_R: Final = gmpy2.mpz(FR.modulus)


# Lints.


def unused_wires(shape: R1CS) -> list[str]:
    """Wires, public inputs included, that no constraint reads."""
    used = np.zeros(shape.wires, dtype=np.bool_)
    used[0] = True
    for _, matrix in shape.matrices():
        used[matrix.columns] = True
    return [shape.wire_names[i] for i in np.flatnonzero(~used)]


def check_used(shape: R1CS) -> None:
    """That every wire is read.

    Raises:
        UnusedWire: names the wires that are not.
    """
    unused = unused_wires(shape)
    if unused:
        raise UnusedWire(
            f"{len(unused)} wires of {shape.name} are read by no constraint",
            where=", ".join(unused[:10]),
        )


def single_row_wires(shape: R1CS) -> list[str]:
    """Private wires that occur in one row only: mostly inverses and roots; each deserves a look."""
    pairs = [
        np.stack((m.columns, m.row_indices()), axis=1) for _, m in shape.matrices() if m.nonzeros
    ]
    if not pairs:
        return []
    wires = np.unique(np.concatenate(pairs), axis=0)[:, 0].astype(np.int64)
    counts = np.bincount(wires, minlength=shape.wires)
    return [shape.wire_names[i] for i in np.flatnonzero(counts == 1).tolist() if i > shape.publics]


def free_wires(shape: R1CS, assignment: U64Array) -> list[str]:
    """Private wires whose value alone can be changed, to anything, without breaking a row.

    Exact for one assignment: changing wire w by δ turns a row a·b = c into
    α·β·δ² + (a·β + b·α − γ)·δ = 0 with α, β, γ its coefficients of w, and a row admits all δ, one
    δ ≠ 0, or none. A wire is free where some δ ≠ 0 satisfies all its rows.

    Raises:
        Unsatisfied: the assignment is not a solution.
        ShapeMismatch: the assignment does not fit.
    """
    shape.check(assignment)
    vector = from_array(assignment)
    left, right = shape.a.times(vector), shape.b.times(vector)
    occurrences = _occurrences(shape)
    return [
        shape.wire_names[wire]
        for wire in range(shape.publics + 1, shape.wires)
        if _is_free(occurrences[wire], left, right)
    ]


def _occurrences(shape: R1CS) -> list[dict[int, list[Any]]]:
    """For each wire: row → its coefficients in A, B, C."""
    found: list[dict[int, list[Any]]] = [{} for _ in range(shape.wires)]
    for position, (_, matrix) in enumerate(shape.matrices()):
        entries = zip(
            matrix.row_indices().tolist(),
            matrix.columns.tolist(),
            from_array(matrix.values),
            strict=True,
        )
        for row, wire, value in entries:
            found[wire].setdefault(row, [0, 0, 0])[position] = gmpy2.mpz(value)
    return found


def _is_free(rows: dict[int, list[Any]], left: list[int], right: list[int]) -> bool:
    admitted: Any = None  # the one change that all rows so far admit; None for any change
    for row, (alpha, beta, gamma) in rows.items():
        quadratic = alpha * beta % _R
        linear = (left[row] * beta + right[row] * alpha - gamma) % _R
        if not quadratic and not linear:
            continue
        if not quadratic or not linear:
            return False
        change = -linear * gmpy2.invert(quadratic, _R) % _R
        if admitted is not None and admitted != change:
            return False
        admitted = change
    return True


# What was recorded.


def advice_sites(statement: Statement[Any, Any]) -> list[AdviceSite]:
    """Every use of `advise`, in order: the places where a value is computed but not constrained."""
    return record_with_advice(statement).advice


def advice_summary(sites: Iterable[AdviceSite]) -> dict[str, tuple[int, int]]:
    """Site name with its indices collapsed → (uses, wires), in order of first use."""
    summary: dict[str, tuple[int, int]] = {}
    for site in sites:
        name = collapse(site.name)
        uses, wires = summary.get(name, (0, 0))
        summary[name] = (uses + 1, wires + site.count)
    return summary


@dataclass(frozen=True, slots=True)
class Cost:
    """Rows and non-zeros of one part of a statement."""

    name: str
    rows: int
    a: int
    b: int
    c: int


def cost_by_clause(shape: R1CS) -> list[Cost]:
    """Cost of each clause, in order of first row; rows outside any are under the empty name."""
    return _costs(shape, lambda index: shape.row_clauses[index])


def cost_by_scope(shape: R1CS, depth: int = 1) -> list[Cost]:
    """Cost of each path of scopes, cut to `depth` names, with `level 3` read as `level *`."""
    return _costs(shape, lambda i: "/".join(collapse(scope_of(shape, i)).split("/")[:depth]))


def cost_by_gadget(shape: R1CS) -> list[Cost]:
    """Cost by the innermost scope a row is made in, indices collapsed."""
    return _costs(shape, lambda i: collapse(scope_of(shape, i)).rsplit("/", 1)[-1])


def total_cost(shape: R1CS) -> Cost:
    """Cost of the whole."""
    return Cost(shape.name, shape.rows, shape.a.nonzeros, shape.b.nonzeros, shape.c.nonzeros)


def g2_wires(shape: R1CS) -> int:
    """Wires that occur in B: each needs a point of G2 in the proving key."""
    return len(np.unique(shape.b.columns))


def scope_of(shape: R1CS, row: int) -> str:
    """The path of scopes of a row, without its reason."""
    path, separator, _ = shape.row_scopes[row].partition(": ")
    return path if separator else ""


def collapse(name: str) -> str:
    """`level 3/children/child_0` → `level */children/child_*`."""
    return re.sub(r"(?<=[ _])\d+(?=$|/)", "*", name)


def _costs(shape: R1CS, key: Callable[[int], str]) -> list[Cost]:
    counts = {letter: np.diff(m.indptr).astype(np.int64) for letter, m in shape.matrices()}
    totals: dict[str, list[int]] = {}
    for row in range(shape.rows):
        total = totals.setdefault(key(row), [0, 0, 0, 0])
        total[0] += 1
        for position, letter in enumerate("ABC", 1):
            total[position] += int(counts[letter][row])
    return [Cost(name, *total) for name, total in totals.items()]


# What changed.


def differences(old: R1CS, new: R1CS) -> list[str]:
    """What a reader of two versions wants to know, one sentence each; empty for equal digests."""
    if old.digest == new.digest:
        return []
    found = [
        f"{what}: {before} → {after}"
        for what, before, after in (
            ("wires", old.wires, new.wires),
            ("public inputs", old.publics, new.publics),
            ("rows", old.rows, new.rows),
            ("domain", old.domain, new.domain),
            *(
                (f"non-zeros of {letter}", x.nonzeros, y.nonzeros)
                for (letter, x), (_, y) in zip(old.matrices(), new.matrices(), strict=True)
            ),
        )
        if before != after
    ]
    old_publics, new_publics = (s.wire_names[1 : s.publics + 1] for s in (old, new))
    if old_publics != new_publics:
        found.append(f"public inputs: {', '.join(old_publics)} → {', '.join(new_publics)}")
    clauses_before, clauses_after = ({c.name: c for c in cost_by_clause(s)} for s in (old, new))
    for name in dict.fromkeys((*clauses_before, *clauses_after)):
        before, after = clauses_before.get(name), clauses_after.get(name)
        label = name or "(none)"
        if before is None:
            found.append(f"clause {label} is new")
        elif after is None:
            found.append(f"clause {label} is gone")
        elif before.rows != after.rows:
            found.append(f"clause {label}: {before.rows} → {after.rows} rows")
    row = _first_difference(old, new)
    if row is not None:
        found.append(f"first different row: {row}, {new.row_clauses[row]} {new.row_scopes[row]}")
    return found


def _first_difference(old: R1CS, new: R1CS) -> int | None:
    pairs: list[tuple[Matrix, Matrix]] = [
        (x, y) for (_, x), (_, y) in zip(old.matrices(), new.matrices(), strict=True)
    ]
    for row in range(min(old.rows, new.rows)):
        if any(x.row(row) != y.row(row) for x, y in pairs):
            return row
    return old.rows if old.rows < new.rows else None
