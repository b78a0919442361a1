"""A statement as a program that can be rerun in part: who reads a value, which rows a wire touches.

The steps are those of the statement's tape, in order, and one more for each public input that the
rows compare with something computed: `SOLVE` sets it to what the row asks for. With these steps a
changed wire leads to *another statement* about which the prover may lie; without them the public
inputs stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import gmpy2

from circuits.statement import Statement, check_names
from circuits.tapes import flatten, record_tape
from zk.field.arrays import from_array
from zk.field.params import FR
from zk.r1cs.advice import LESS, QUOTIENT, SQUARE_ROOT, Digits
from zk.r1cs.matrices import R1CS
from zk.r1cs.recorder import Combination, Recorder
from zk.r1cs.tape import COEFFICIENT_BITS, Op, Tape, unpack_digits

R: Final = gmpy2.mpz(FR.modulus)
"""The field's order."""

SOLVE: Final = 100
"""Code of a step that sets a public input to what its row asks for."""

_Z = gmpy2.mpz
_ZERO: Final = gmpy2.mpz(0)

Terms = tuple[tuple[int, Any], ...]
"""(slot, coefficient) pairs."""


class NotingRecorder(Recorder):
    """The recorder, with the wires that the prover brings."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.brought: list[int] = []

    def witness(self, name: str, value: int) -> Combination:
        wire = super().witness(name, value)
        self.brought += wire.terms
        return wire


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the program.

    Attributes:
        code: of the tape's operation, or `SOLVE`.
        outputs: slots that it writes.
        inputs: slots that it reads.
        terms: of a DOT; else empty.
        function: values of the inputs → values of the outputs; unused by DOT and SOLVE.
        row: of a SOLVE; else −1.
    """

    code: int
    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    terms: Terms = ()
    function: Callable[..., Sequence[Any]] = tuple
    row: int = -1


class Program:
    """The program of a statement.

    Args:
        statement: what is examined; it must have a tape.

    Raises:
        CircuitError: it has none.
    """

    def __init__(self, statement: Statement[Any, Any]) -> None:
        recorder = NotingRecorder(statement.id)
        statement.constrain(recorder, *statement.placeholder())
        check_names(statement, recorder.public_names)
        self.statement = statement
        self.shape: R1CS = recorder.finish()
        self.sites = recorder.advice
        self.brought = frozenset(recorder.brought)
        self.advised = frozenset(
            site.first + i for site in recorder.advice for i in range(site.count)
        )
        self.tape: Tape = record_tape(statement, cache=False)
        self._read_rows()
        self._read_tape()

    # -- rows -------------------------------------------------------------------------------------

    def _read_rows(self) -> None:
        """`rows[i]` = the combinations of row i; `occurrences[w]` = (row, α, β, γ) of wire w."""
        shape = self.shape
        columns: list[list[Terms]] = []
        occurrences: list[dict[int, list[Any]]] = [{} for _ in range(shape.wires)]
        for side, (_, matrix) in enumerate(shape.matrices()):
            values = [_Z(v) for v in from_array(matrix.values)]
            wires, bounds = matrix.columns.tolist(), matrix.indptr.tolist()
            listed = []
            for row in range(shape.rows):
                begin, end = bounds[row], bounds[row + 1]
                terms = tuple(zip(wires[begin:end], values[begin:end], strict=True))
                listed.append(terms)
                for wire, value in terms:
                    occurrences[wire].setdefault(row, [_ZERO, _ZERO, _ZERO])[side] = value
            columns.append(listed)
        self._tables: dict[int, tuple[dict[int, Any], dict[int, Any], dict[int, Any]]] = {}
        self.rows: list[tuple[Terms, Terms, Terms]] = list(zip(*columns, strict=True))
        self.occurrences = [
            [(row, alpha, beta, gamma) for row, (alpha, beta, gamma) in rows.items()]
            for rows in occurrences
        ]
        self.alone: list[list[int]] = [[] for _ in range(shape.wires)]
        """For each wire the rows that hold no other."""
        for row in range(shape.rows):
            wires = self.wires_of(row)
            if len(wires) == 1:
                self.alone[min(wires)].append(row)
        one, less_one = _Z(1), R - 1
        self.bits = frozenset(
            wire
            for wire, rows in enumerate(self.alone)
            for row in rows
            if self.rows[row] == (((wire, one),), ((0, less_one), (wire, one)), ())
        )
        """Wires with a row b·(b − 1) = 0."""

    def coefficients(self, row: int, wire: int) -> tuple[Any, Any, Any]:
        """Of a wire in the three combinations of a row."""
        a, b, c = (terms.get(wire, _ZERO) for terms in self.tables(row))
        return a, b, c

    def tables(self, row: int) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
        """The combinations of a row as dictionaries, made when they are first asked for."""
        if row not in self._tables:
            a, b, c = map(dict, self.rows[row])
            self._tables[row] = a, b, c
        return self._tables[row]

    def wires_of(self, row: int) -> set[int]:
        """Wires in a row, without the constant one."""
        return {wire for terms in self.rows[row] for wire, _ in terms} - {0}

    # -- steps ------------------------------------------------------------------------------------

    def _read_tape(self) -> None:
        tape = self.tape
        unscale = gmpy2.invert(1 << COEFFICIENT_BITS, R)
        coefficients = [c * unscale % R for c in from_array(tape.coefficients)]
        terms = tape.terms.tolist()
        plain = [
            self._step(code, out, a, b, terms, coefficients)
            for code, out, a, b in tape.operations.tolist()
        ]
        self.steps: list[Step] = []
        self.position = [-1] * tape.slots
        """Of the step that writes each slot; −1 for inputs."""
        waiting = self._solvable(plain)
        for number, step in enumerate(plain):
            self._append(step)
            for public, row in waiting.get(number, ()):
                inputs = tuple(sorted(self.wires_of(row) - {public}))
                self._append(Step(SOLVE, (public,), inputs, row=row))
        self.floating = frozenset(s.outputs[0] for s in self.steps if s.code == SOLVE)
        self.readers: list[list[tuple[int, Any]]] = [[] for _ in range(tape.slots)]
        for at, step in enumerate(self.steps):
            for slot, coefficient in step.terms or [(slot, None) for slot in set(step.inputs)]:
                self.readers[slot].append((at, coefficient))
        self._read_cells()

    def _read_cells(self) -> None:
        """Cells: the slots, then combinations of rows that are no slot. A side of a row is a cell.

        A combination is a slot if it is one wire, or if an intermediate result of the tape is the
        same sum; then its value is at hand. Results that are wires do not count: a forger may set
        them, and then they differ from what they were computed from.
        """
        known: dict[Terms, int] = {((w, _Z(1)),): w for w in range(self.shape.wires)}
        for step in self.steps:
            if step.terms and step.outputs[0] >= self.shape.wires:
                known.setdefault(step.terms, step.outputs[0])
        self.cells = self.tape.slots
        self.sums_of: list[list[tuple[int, Any]]] = [[] for _ in range(self.tape.slots)]
        """For each slot (cell, coefficient) of the combinations it stands in."""
        rows_of: list[list[int]] = [[] for _ in range(self.tape.slots)]
        self.sides: list[tuple[int, int, int]] = []
        for row, combinations in enumerate(self.rows):
            cells = []
            for terms in combinations:
                if terms not in known:
                    known[terms] = self.cells
                    self.cells += 1
                    rows_of.append([])
                    for slot, coefficient in terms:
                        self.sums_of[slot].append((known[terms], coefficient))
                cells.append(known[terms])
                if not rows_of[cells[-1]] or rows_of[cells[-1]][-1] != row:
                    rows_of[cells[-1]].append(row)
            self.sides.append((cells[0], cells[1], cells[2]))
        self.rows_of = rows_of
        """For each cell the rows that it is a side of."""
        position = self.position
        self.settled = []
        for row, sides in enumerate(self.sides):
            slots = [*self.wires_of(row), *(cell for cell in sides if cell < len(position))]
            self.settled.append(max((position[slot] for slot in slots), default=-1))
        """For each row the step after which it can be checked."""

    def _append(self, step: Step) -> None:
        for slot in step.outputs:
            self.position[slot] = len(self.steps)
        self.steps.append(step)

    def _step(
        self, code: int, out: int, a: int, b: int, terms: list[list[int]], coefficients: list[Any]
    ) -> Step:
        match code:
            case Op.DOT:
                pairs = tuple((s, coefficients[c]) for s, c in terms[a:b])
                return Step(code, (out,), tuple(s for s, _ in pairs), terms=pairs)
            case Op.MUL:
                return Step(code, (out,), (a, b), function=lambda x, y: (x * y % R,))
            case Op.ADD:
                return Step(code, (out,), (a, b), function=lambda x, y: ((x + y) % R,))
            case Op.SUB:
                return Step(code, (out,), (a, b), function=lambda x, y: ((x - y) % R,))
            case Op.QUOTIENT:
                return Step(code, (out,), (a, b), function=lambda x, y: (QUOTIENT(x, y),))
            case Op.LESS:
                return Step(code, (out,), (a, b), function=lambda x, y: (LESS(x, y),))
            case Op.ROOT:
                return Step(code, (out,), (a,), function=lambda x: (SQUARE_ROOT(int(x)),))
            case Op.DIGITS:
                width, first, count = unpack_digits(b)
                return Step(
                    code, tuple(range(out, out + count)), (a,), function=Digits(width, first, count)
                )
            case _:
                call = self.tape.calls[a]
                outputs = tuple(range(out, out + call.count))
                return Step(
                    code,
                    outputs,
                    call.arguments,
                    function=lambda *values: call.run([int(v) for v in values]),
                )

    def _solvable(self, plain: list[Step]) -> dict[int, list[tuple[int, int]]]:
        """Number of a step → the (public input, row) pairs that can be solved after it.

        A public input is solved for from the first row that it enters alone on one side and
        linearly, if no step reads it before the row's other wires are there.
        """
        position = [-1] * self.tape.slots
        first_read = [len(plain)] * self.tape.slots
        for number, step in enumerate(plain):
            for slot in step.outputs:
                position[slot] = number
            for slot in step.inputs:
                first_read[slot] = min(first_read[slot], number)
        found: dict[int, list[tuple[int, int]]] = {}
        solved: set[int] = set()
        for public in range(1, self.shape.publics + 1):
            for row, *_ in self.occurrences[public]:
                if not self._linear(row, public):
                    continue
                others = self.wires_of(row) - {public}
                if any(0 < w <= self.shape.publics and w not in solved for w in others):
                    continue
                after = max((position[w] for w in others), default=-1)
                if 0 <= after < first_read[public]:
                    found.setdefault(after, []).append((public, row))
                    position[public] = after
                    solved.add(public)
                    break
        return found

    def _linear(self, row: int, wire: int) -> bool:
        """Whether the row gives the wire, its coefficient being a constant."""
        a, b, c = self.coefficients(row, wire)
        constant_a, constant_b = (
            all(w == 0 for w, _ in self.rows[row][i]) and bool(self.rows[row][i]) for i in (0, 1)
        )
        return bool(
            (c and not a and not b) or (a and not b and constant_b) or (b and not a and constant_a)
        )

    # -- values -----------------------------------------------------------------------------------

    def run(self, public: object, witness: object, *, solve: bool = False) -> list[Any]:
        """Values of all slots for one witness; nothing is checked.

        Args:
            public: public inputs.
            witness: what the prover knows.
            solve: replace the public inputs by what the rows ask for.
        """
        leaves: list[int] = []
        flatten((public, witness), self.statement.placeholder(), leaves)
        values = [_Z(0)] * self.tape.slots
        values[0] = _Z(1)
        inputs = from_array(self.tape.gather(leaves))
        for slot, value in zip(self.tape.inputs.tolist(), inputs, strict=True):
            values[slot] = _Z(value)
        for step in self.steps:
            if step.code == SOLVE:
                if solve:
                    a, b, c = (
                        sum((v * values[w] for w, v in terms), _ZERO)
                        for terms in self.rows[step.row]
                    )
                    values[step.outputs[0]] = self.solution(step, values, a, b, c)
            elif step.terms or step.code == Op.DOT:
                values[step.outputs[0]] = sum(c * values[s] for s, c in step.terms) % R
            else:
                made = step.function(*(values[s] for s in step.inputs))
                for slot, value in zip(step.outputs, made, strict=True):
                    values[slot] = _Z(value)
        return values

    def sums(self, values: Sequence[Any]) -> list[Any]:
        """Values of all cells, from the rows' own terms."""
        cells = [*values, *(_ZERO for _ in range(self.cells - len(values)))]
        for row, combinations in enumerate(self.rows):
            for cell, terms in zip(self.sides[row], combinations, strict=True):
                cells[cell] = sum((v * values[w] for w, v in terms), _ZERO) % R
        return cells

    def solution(self, step: Step, values: Sequence[Any], a: Any, b: Any, c: Any) -> Any:
        """What a SOLVE step sets its public input to, given the row's sides as they are."""
        (wire,) = step.outputs
        alpha, beta, gamma = self.coefficients(step.row, wire)
        slope = (alpha * b + beta * a - gamma) % R
        return (values[wire] - (a * b - c) * gmpy2.invert(slope, R)) % R
