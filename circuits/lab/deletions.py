"""Deletions: without a row, something passes that all other rows accept.

For a row the lab looks for an assignment that breaks it and nothing else: a forged witness that the
circuit without the row would accept. It sets one wire of the row to another value, lets everything
that follows change with it, public inputs included, and mends rows that break on the way by wires
that a prover chooses (`Trial.forge`). A row for which it finds none is *open*: it may be redundant,
and somebody has to say why it stands.

Rows that are copies of each other, such as the levels of a path, form a class; by default one
member of each class, drawn by the seed, is examined.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import gmpy2
import numpy as np

from circuits.lab import mutants
from circuits.lab.program import Program, R
from circuits.lab.subject import Draws, Subject, row_classes
from circuits.lab.trial import Trial
from zk.interfaces import Progress
from zk.r1cs.matrices import R1CS, Matrix

TRIES: Final = 80
"""Values of one wire in one case."""

FEW: Final = 6
"""Values in a first round, over two cases, so that a wire that does is not tried last."""

PATIENCE: Final = 12
"""Values after which a wire is given up if the same row stands in the way each time."""

WIRES: Final = 6
"""Wires of a row that are tried, besides its result."""

NEAR: Final = 12
"""Wires that reach a row in a few steps: a membership's eight children and more."""


@dataclass(frozen=True, slots=True)
class Forged:
    """An assignment that breaks one row only.

    Attributes:
        row: which.
        case: the statement, or suspect, it was made from.
        wire: the wire that was set; empty for a suspect.
        repairs: how many other wires the forger chose to mend other rows.
        values: of all wires, in [0, r).
    """

    row: int
    case: str
    wire: str
    repairs: int
    values: Sequence[Any]

    @property
    def summary(self) -> str:
        """Everything but the values."""
        return f"{self.case}\t{self.wire}\t{self.repairs}"


@dataclass(slots=True)
class DeletionReport:
    """What became of the rows.

    Attributes:
        rows: rows of the circuit.
        classes: classes of copies.
        examined: rows for which a forged witness was looked for.
        forged: rows for which one was found.
        suspects: forged rows by the suspect that showed them.
        repaired: forgeries that needed more than one choice.
        open: rows for which none was found.
        transcript: BLAKE2b-256 of all rows and what showed them, in order.
    """

    rows: int
    classes: int
    examined: int = 0
    forged: int = 0
    suspects: dict[str, int] = field(default_factory=dict)
    repaired: int = 0
    open: list[int] = field(default_factory=list)
    transcript: str = ""


def run(
    subject: Subject,
    program: Program,
    draws: Draws,
    progress: Progress | None = None,
    *,
    every_row: bool = False,
) -> DeletionReport:
    """Look for a forged witness for each class of rows, or for each row."""
    finder = Finder(subject, program, draws)
    classes = row_classes(program.shape)
    chosen = sorted(
        row
        for key, rows in classes.items()
        for row in (rows if every_row else [rows[draws.number("member", *key) % len(rows)]])
    )
    shown = {forged.row: forged for forged in finder.suspects()}
    if not every_row:  # a suspect speaks for its class
        classes_of = {row: rows for rows in classes.values() for row in rows}
        for forged in list(shown.values()):
            chosen = sorted({*chosen, forged.row} - (set(classes_of[forged.row]) - {forged.row}))
    report = DeletionReport(program.shape.rows, len(classes), examined=len(chosen))
    state = hashlib.blake2b(digest_size=32)
    found: Forged | None
    for done, row in enumerate(chosen):
        if progress is not None and not done % 8:
            progress("deletions", done / len(chosen))
        found = shown[row] if row in shown else finder.forge(row)
        state.update(f"{row}\t{found.summary if found else ''}\n".encode())
        if found is None:
            report.open.append(row)
            continue
        report.forged += 1
        report.repaired += bool(found.repairs)
        if not found.wire:
            report.suspects[found.case] = row
    report.transcript = state.hexdigest()
    return report


def without(shape: R1CS, row: int) -> R1CS:
    """The circuit less one row."""

    def cut(matrix: Matrix) -> Matrix:
        begin, end = int(matrix.indptr[row]), int(matrix.indptr[row + 1])
        keep = np.r_[0:begin, end : matrix.nonzeros]
        indptr = np.delete(matrix.indptr, row + 1)
        indptr[row + 1 :] -= np.uint64(end - begin)
        return Matrix(indptr, matrix.columns[keep], matrix.values[keep])

    def less(names: tuple[str, ...]) -> tuple[str, ...]:
        return names[:row] + names[row + 1 :]

    return replace(
        shape,
        rows=shape.rows - 1,
        a=cut(shape.a),
        b=cut(shape.b),
        c=cut(shape.c),
        row_clauses=less(shape.row_clauses),
        row_scopes=less(shape.row_scopes),
    )


class Finder:
    """Looks for assignments that break one row only."""

    def __init__(self, subject: Subject, program: Program, draws: Draws) -> None:
        self.subject = subject
        self.program = program
        self.draws = draws
        self._trials: dict[int, Trial] = {}

    def suspects(self) -> Iterator[Forged]:
        """Suspects that exactly one row refuses."""
        for suspect in self.subject.suspects:
            values = self.program.run(suspect.public, suspect.witness, solve=True)
            broken = Trial(self.program, values).broken
            if len(broken) == 1:
                yield Forged(min(broken), suspect.name, "", 0, self._wires(values))

    def forge(self, row: int) -> Forged | None:
        """A forged witness for the circuit without this row, if one is found."""
        for tries, cases in ((FEW, 2), (TRIES, len(self.subject.cases))):
            for wire, held in self._wires_for(row):
                for number in range(min(cases, len(self.subject.cases))):
                    found = self._try(row, wire, held, number, tries)
                    if found is not None:
                        return found
        return None

    def _wires_for(self, row: int) -> list[tuple[int, int]]:
        """(wire to set, wire to hold at its value or −1): the row's result, then what is chosen.

        A row whose result is held no longer follows when one of its factors changes.
        """
        program = self.program
        wires = sorted(program.wires_of(row), key=lambda w: (program.position[w], w), reverse=True)
        free = program.advised | program.brought | program.floating
        chosen = [w for w in wires if w in free]
        near = [w for w, _ in self._trial(0).choices(row)]
        listed = [(w, -1) for w in (*wires[:1], *chosen[:WIRES], *near[:NEAR])]
        listed += [(w, wires[0]) for w in (*chosen[:WIRES], *near[:NEAR]) if w != wires[0]]
        return list(dict.fromkeys(listed))

    def _try(self, row: int, wire: int, held: int, number: int, tries: int) -> Forged | None:
        trial, case = self._trial(number), self.subject.cases[number]
        blocked: list[int] = []
        for value in itertools.islice(self._values(row, wire, trial), tries):
            with trial.attempt():
                if held >= 0:
                    trial.hold(held)
                trial.set(wire, value)
                if trial.forge(row):
                    name = self.program.shape.wire_names[wire]
                    repairs = len(trial.repairs)
                    return Forged(row, case.name, name, repairs, self._wires(trial.values))
                others = trial.broken - {row}
                blocked.append(min(others) if others else -1)
            if len(blocked) >= PATIENCE and len(set(blocked[-PATIENCE:])) == 1:
                return None
        return None

    def _values(self, row: int, wire: int, trial: Trial) -> Iterator[Any]:
        now = trial.values[wire]
        listed = [
            *mutants.other_roots(self.program, trial, wire, but=row),
            (now + 1) % R,
            *map(gmpy2.mpz, (0, 1, 2)),
            -now % R,
        ]
        yield from (value for value in dict.fromkeys(listed) if value != now)
        name = self.program.shape.wire_names[wire]
        for i in itertools.count():
            yield gmpy2.mpz(self.draws.element("forge", row, name, i))

    def _trial(self, number: int) -> Trial:
        if number not in self._trials:
            self._trials[number] = mutants.honest(self.program, self.subject.cases[number])
        return self._trials[number]

    def _wires(self, values: Sequence[Any]) -> list[Any]:
        return [value % R for value in values[: self.program.shape.wires]]
