"""Wire mutants: a value that nobody but the prover chose is changed, and some row must notice.

Varied are the public inputs, the wires that the prover brings and the advised ones. What depends on
a changed wire is computed again as the honest program would, public inputs apart, which stand.
Mended mutants go further: rows that break are mended by other wires that the prover chooses, and a
mutant survives where all rows hold in the end, however many wires that took.

Besides, for *every* private wire: whether any value at all can replace it while nothing else
changes, which the rows decide exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import gmpy2

from circuits.lab.program import Program, R
from circuits.lab.roots import other_change
from circuits.lab.subject import Case, Draws, Subject
from circuits.lab.trial import Trial
from zk.errors import Unsatisfied
from zk.interfaces import Progress

MENDED_CASES: Final = 2
"""Cases whose mutants are mended, too."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no row noticed.

    Attributes:
        wire: its full name.
        case: the statement it was changed in.
        change: what became of it; `alone` for a wire that may change while all others stand,
            `mended` for one that was changed together with others.
    """

    wire: str
    case: str
    change: str


@dataclass(slots=True)
class MutantReport:
    """What became of the mutants.

    Attributes:
        mutants: how many were made.
        killed: how many a row noticed.
        mended: how many mutants were tried with other wires following at the forger's choice.
        alone: how many (case, wire) pairs were decided exactly.
        by_clause: mutants killed, by clause of the first row that noticed.
        noticed: names of the public inputs whose every change some row noticed.
        transcript: BLAKE2b-256 of all mutants and what became of them, in order.
        survivors: the others, in order.
    """

    mutants: int = 0
    killed: int = 0
    mended: int = 0
    alone: int = 0
    by_clause: dict[str, int] = field(default_factory=dict)
    noticed: list[str] = field(default_factory=list)
    transcript: str = ""
    survivors: list[Survivor] = field(default_factory=list)


def run(
    subject: Subject, program: Program, draws: Draws, progress: Progress | None = None
) -> MutantReport:
    """Make all mutants of all cases.

    Raises:
        Unsatisfied: a case is no true statement.
    """
    report = MutantReport()
    shape = program.shape
    public = set(range(1, shape.publics + 1))
    varied = sorted(
        public
        | program.advised
        | {w for w in program.brought if not subject.inputs(shape.wire_names[w])}
    )
    missed: set[int] = set()
    state = hashlib.blake2b(digest_size=32)
    for number, case in enumerate(subject.cases):
        trial = honest(program, case)
        for done, wire in enumerate(varied):
            if progress is not None and not done % 64:
                progress("mutants", (number + done / len(varied)) / len(subject.cases))
            for change, value in values(program, trial, wire, draws, case):
                report.mutants += 1
                with trial.attempt():
                    trial.set(wire, value)
                    row = trial.first_broken()
                state.update(f"{case.name}\t{wire}\t{value}\t{row}\n".encode())
                if row is not None:
                    report.killed += 1
                    clause = shape.row_clauses[row]
                    report.by_clause[clause] = report.by_clause.get(clause, 0) + 1
                    continue
                missed |= {wire} & public
                report.survivors.append(Survivor(shape.wire_names[wire], case.name, change))
        if number < MENDED_CASES:
            _mend(
                report, state, program, trial, [w for w in varied if w not in public], draws, case
            )
        for wire in range(shape.publics + 1, shape.wires):
            if subject.inputs(shape.wire_names[wire]):
                continue
            report.alone += 1
            if is_free(program, trial, wire):
                state.update(f"{case.name}\t{wire}\talone\n".encode())
                report.survivors.append(Survivor(shape.wire_names[wire], case.name, "alone"))
    report.transcript = state.hexdigest()
    report.noticed = [shape.wire_names[w] for w in sorted(public - missed)]
    return report


def _mend(
    report: MutantReport,
    state: Any,
    program: Program,
    trial: Trial,
    wires: list[int],
    draws: Draws,
    case: Case,
) -> None:
    """Two mutants of each wire that may be mended."""
    shape = program.shape
    given = program.brought - set(wires)
    for wire in wires:
        name = shape.wire_names[wire]
        now = trial.values[wire]
        chosen = [(now + 1) % R, gmpy2.mpz(draws.element("mended", case.name, name))]
        if now in (0, 1):
            chosen[0] = 1 - now  # of a bit the other
        for value in dict.fromkeys(chosen):
            report.mended += 1
            with trial.attempt():
                for held in given:
                    trial.hold(held)
                trial.set(wire, value)
                if not trial.survives():
                    continue
                others = [shape.wire_names[w] for w in trial.repairs]
            state.update(f"{case.name}\t{wire}\t{value}\t{others}\n".encode())
            if others:  # else it is among the mutants above
                report.survivors.append(Survivor(name, case.name, "mended"))


def honest(program: Program, case: Case) -> Trial:
    """The assignment of a true statement.

    Raises:
        Unsatisfied: it is none.
    """
    trial = Trial(program, program.run(case.public, case.witness))
    if trial.broken:
        row = min(trial.broken)
        raise Unsatisfied(program.shape.row_clauses[row], program.shape.row_scopes[row])
    return trial


def values(
    program: Program, trial: Trial, wire: int, draws: Draws, case: Case
) -> Iterator[tuple[str, Any]]:
    """Other values of a wire, with what they are: ends of the field, neighbours, other roots."""
    now = trial.values[wire]
    seen = {now}
    candidates = [
        ("0", gmpy2.mpz(0)),
        ("1", gmpy2.mpz(1)),
        ("r - 1", R - 1),
        ("+ 1", (now + 1) % R),
        ("negated", -now % R),
        ("random", gmpy2.mpz(draws.element("mutant", case.name, program.shape.wire_names[wire]))),
        *(("other root", value) for value in other_roots(program, trial, wire)),
    ]
    for change, value in candidates:
        if value not in seen:
            seen.add(value)
            yield change, value


def other_roots(program: Program, trial: Trial, wire: int, *, but: int = -1) -> list[Any]:
    """The other value of a wire that a row quadratic in it admits, for each such row but one."""
    found = []
    for row, alpha, beta, gamma in program.occurrences[wire]:
        if row == but or not (alpha and beta):
            continue
        a, b, _ = program.sides[row]
        change = other_change(alpha, beta, gamma, trial.values[a], trial.values[b])
        if change is not None:
            found.append((trial.values[wire] + change) % R)
    return list(dict.fromkeys(found))


def is_free(program: Program, trial: Trial, wire: int) -> bool:
    """Whether some other value of this wire satisfies all rows while the others stand.

    Each row admits every change, one change ≠ 0, or none; see `other_change`.
    """
    admitted: Any = None
    for row, alpha, beta, gamma in program.occurrences[wire]:
        a, b, _ = program.sides[row]
        quadratic = alpha * beta % R
        linear = (trial.values[a] * beta + trial.values[b] * alpha - gamma) % R
        if not quadratic and not linear:
            continue
        if not quadratic or not linear:
            return False
        change = -linear * gmpy2.invert(quadratic, R) % R
        if admitted is not None and admitted != change:
            return False
        admitted = change
    return True
