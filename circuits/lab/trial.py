"""One assignment that a forger changes: a wire is set, and what depends on it follows.

Only what a change reaches is computed again, and only rows that hold a changed wire are checked,
each as soon as its wires have settled. Sums are kept up to date by differences. After a trial the
assignment is what it was.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import gmpy2

from circuits.lab.program import SOLVE, Program, R
from circuits.lab.roots import roots
from zk.r1cs.tape import Op

_INDEX_BITS: Final = 32
_MASK: Final = (1 << _INDEX_BITS) - 1

_BITS: Final = (0, 1)
MAX_REPAIRS: Final = 40
_CONE: Final = 24
_CHOICES: Final = 24


class Trial:
    """An assignment under change.

    Args:
        program: of the statement.
        values: of all slots, from `Program.run`.

    Attributes:
        broken: rows that do not hold, among those checked; at the start, all.
        repairs: wires that were changed to mend rows, in this trial.
    """

    def __init__(self, program: Program, values: Sequence[Any]) -> None:
        self.program = program
        self.values = program.sums(values)
        """Of all cells."""
        self.broken = {row for row in range(len(program.rows)) if self.residual(row)}
        self.start = frozenset(self.broken)
        self.repairs: list[int] = []
        self._step_keys = [(2 * at) << _INDEX_BITS | at for at in range(len(program.steps))]
        self._row_keys = [
            (2 * at + 1) << _INDEX_BITS | row for row, at in enumerate(program.settled)
        ]
        self._reset()

    def _reset(self) -> None:
        self._heap: list[int] = []
        self._queued: set[int] = set()
        self._sums: dict[int, Any] = {}
        self._pinned: set[int] = set()
        self._undo: dict[int, Any] = {}

    def residual(self, row: int) -> Any:
        """A·B − C of a row, in [0, r): zero where it holds."""
        a, b, c = self.program.sides[row]
        return (self.values[a] * self.values[b] - self.values[c]) % R

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Everything set inside is undone at the end."""
        try:
            yield
        finally:
            for cell, value in self._undo.items():
                self.values[cell] = value
            self.broken = set(self.start)
            self.repairs = []
            self._reset()

    def hold(self, slot: int) -> None:
        """Keep a wire at the value it has, whatever it is computed from."""
        self._pinned.add(slot)

    def set(self, slot: int, value: Any) -> None:
        """Set a wire, which then keeps this value."""
        self._pinned.add(slot)
        self._write(slot, gmpy2.mpz(value) % R)

    def _write(self, slot: int, value: Any) -> None:
        old = self.values[slot]
        change = value - old
        if not change:
            return
        self._undo.setdefault(slot, old)
        self.values[slot] = value
        queued, heap = self._queued, self._heap
        for at, coefficient in self.program.readers[slot]:
            if coefficient is not None:
                self._sums[at] = self._sums.get(at, 0) + coefficient * change
            key = self._step_keys[at]
            if key not in queued:
                queued.add(key)
                heapq.heappush(heap, key)
        for cell, coefficient in self.program.sums_of[slot]:
            now = self.values[cell]
            self._undo.setdefault(cell, now)
            self.values[cell] = now + coefficient * change
            self._queue_rows(cell)
        self._queue_rows(slot)

    def _queue_rows(self, cell: int) -> None:
        queued, heap = self._queued, self._heap
        for row in self.program.rows_of[cell]:
            key = self._row_keys[row]
            if key not in queued:
                queued.add(key)
                heapq.heappush(heap, key)

    def first_broken(self) -> int | None:
        """Follow the change, public inputs staying as they are, to the first row that it breaks."""
        return next(self._follow(solve=False), None)

    def survives(self) -> bool:
        """Follow the change, public inputs staying as they are, mending each row that breaks.

        Returns:
            Whether in the end all rows hold: another witness of the same public inputs.
        """
        return all(self._mend(row) for row in self._follow(solve=False)) and not self.broken

    def forge(self, target: int) -> bool:
        """Follow the change, public inputs included, mending each row but the target.

        Returns:
            Whether in the end exactly the target is broken.
        """
        for row in self._follow(solve=True):
            if row != target and not self._mend(row):
                return False
        return self.broken == {target}

    def _follow(self, *, solve: bool) -> Iterator[int]:
        """Yields each row found broken, once its wires have settled."""
        heap, queued, steps = self._heap, self._queued, self.program.steps
        while heap:
            key = heapq.heappop(heap)
            queued.discard(key)
            index = key & _MASK
            if not key >> _INDEX_BITS & 1:
                step = steps[index]
                if step.code == Op.DOT:
                    (slot,) = step.outputs
                    change = self._sums.pop(index, 0)
                    if slot not in self._pinned:
                        self._write(slot, (self.values[slot] + change) % R)
                elif step.code != SOLVE:
                    made = step.function(*(self.values[s] for s in step.inputs))
                    for slot, value in zip(step.outputs, made, strict=True):
                        if slot not in self._pinned:
                            self._write(slot, gmpy2.mpz(value))
                elif solve and step.outputs[0] not in self._pinned:
                    sides = (self.values[cell] for cell in self.program.sides[step.row])
                    self._write(step.outputs[0], self.program.solution(step, self.values, *sides))
            elif self.residual(index):
                self.broken.add(index)
                yield index
            else:
                self.broken.discard(index)

    # -- mending ----------------------------------------------------------------------------------

    def _mend(self, row: int) -> bool:
        """Make a row hold by changing one more wire that the forger chooses."""
        if len(self.repairs) >= MAX_REPAIRS:
            return False
        _, _, empty = self.program.rows[row]
        for side in (1, 0) if not empty else (2,):
            for wire, cone in self.choices(row, side):
                for value in self._solve(row, side, wire, cone):
                    self.repairs.append(wire)
                    self.set(wire, value)
                    return True
            if self._flip(row, side):
                return True
        return False

    def _flip(self, row: int, side: int) -> bool:
        """The same by a bit of the row itself, which has one other value: rows hold many bits."""
        program, values = self.program, self.values
        a, b, c = (values[cell] for cell in program.sides[row])
        tables = program.tables(row)
        for wire in sorted(set().union(*(tables if side == 2 else (tables[side],)))):
            now = values[wire]
            if wire not in program.bits or wire in self._pinned or now not in _BITS:
                continue
            alpha, beta, gamma = ((1 - 2 * now) * table.get(wire, 0) for table in tables)
            left, right = a + alpha, b + beta
            if not (left * right - c - gamma if side == 2 else (left, right)[side]) % R:
                self.repairs.append(wire)
                self.set(wire, 1 - now)
                return True
        return False

    def choices(self, row: int, side: int = 2) -> list[tuple[int, list[int]]]:
        """Wires a forger chooses that reach the row in a few steps: (wire, steps between).

        Nearest first; wires that the prover brings before advised ones; without the row's own bits.

        Args:
            row: which.
            side: 0 or 1 for what reaches that side only, 2 for the whole row.
        """
        program = self.program
        terms = program.rows[row] if side == 2 else (program.rows[row][side],)
        slots = {w for part in terms for w, _ in part} - {0}
        found: list[int] = []
        cone: list[int] = []
        seen: set[int] = set()
        latest: list[tuple[int, int]] = []  # what was computed last is looked at first

        def reach(new: Iterable[int]) -> None:
            for slot in sorted(set(new) - seen, reverse=True):
                seen.add(slot)
                if slot in program.brought or slot in program.advised:
                    if slot not in self._pinned and not (slot in slots and slot in program.bits):
                        found.append(slot)
                elif program.position[slot] >= 0:
                    heapq.heappush(latest, (-program.position[slot], slot))

        reach(slots)
        while latest and len(found) < _CHOICES and len(cone) < _CONE:
            at = -heapq.heappop(latest)[0]
            if program.steps[at].code != SOLVE:
                cone.append(at)
                reach(program.steps[at].inputs)
        found.sort(key=lambda wire: wire not in program.brought)
        cone.sort()
        return [(wire, cone) for wire in found]

    def _solve(self, row: int, side: int, wire: int, cone: list[int]) -> list[Any]:
        """Other values of the wire with which the row holds, or its one side vanishes."""
        now = self.values[wire]
        points = [self._probe(row, side, wire, cone, now + i) for i in range(3)]
        return [
            value
            for shift in roots(*points)
            if shift
            and not self._probe(row, side, wire, cone, value := (now + shift) % R)
            and self._keeps(wire, value)
        ]

    def _keeps(self, wire: int, value: Any) -> bool:
        """Whether the rows that hold this wire alone, such as booleans, admit the value."""
        for row in self.program.alone[wire]:
            a, b, c = (
                sum(v * (value if w else 1) for w, v in terms) for terms in self.program.rows[row]
            )
            if (a * b - c) % R:
                return False
        return True

    def _probe(self, row: int, side: int, wire: int, cone: list[int], value: Any) -> Any:
        """The row's residual, or one of its sides, with another value of the wire."""
        changed = {wire: value % R}
        program, values = self.program, self.values
        for at in cone:
            step = program.steps[at]
            if not any(s in changed for s in step.inputs):
                continue
            if step.code == Op.DOT:
                total = sum(c * changed.get(s, values[s]) for s, c in step.terms) % R
                changed[step.outputs[0]] = total
                continue
            made = step.function(*(changed.get(s, values[s]) for s in step.inputs))
            changed.update(zip(step.outputs, map(gmpy2.mpz, made), strict=True))
        sides = [
            values[cell] + sum(terms[w] * (v - values[w]) for w, v in changed.items() if w in terms)
            for cell, terms in zip(program.sides[row], program.tables(row), strict=True)
        ]
        return (sides[0] * sides[1] - sides[2]) % R if side == 2 else sides[side] % R
