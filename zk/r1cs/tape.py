"""A statement's assignment as a straight-line program: what is computed, in which order, from what.

A tape works on *slots*, numbered elements of Fr: first the wires in their order, slot 0 being the
constant one, then intermediate results. Each slot is written once, before it is read.

    inputs      row i of the inputs is the value of slot inputs[i]
    operations  rows (code, out, a, b) in order:

        MUL        out = a·b                 ROOT     out = the smaller root of a, or 0
        ADD        out = a + b               LESS     out = 1 where a < b as integers, else 0
        SUB        out = a − b               DIGITS   out, out + 1, … = digits of a; b packs
        QUOTIENT   out = a/b, or 0                    first bit, width and count
        DOT        out = Σ c·slot over       CALL     the a-th of `calls`: a Python function,
                   terms[a : b]                       its results from slot `out` on

    terms       rows (slot, number of the coefficient)

Whatever goes into a witness from plain code (`Builder.derive`) is described apart: the values of
`leaves` and `derivations` are numbered one after the other, and `sources` picks the inputs.

Slots, wires and results are what the Evaluator computes; nothing checks the constraints.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from zk.errors import CircuitError, ShapeMismatch
from zk.field.arrays import LIMBS, U64Array
from zk.field.params import FR
from zk.r1cs.advice import MAX_BITS, MAX_DIGIT_BITS
from zk.r1cs.matrices import below_modulus

U32Array = npt.NDArray[np.uint32]
Function = Callable[..., Sequence[int]]

COEFFICIENT_BITS: Final = 320
"""Coefficients stand as c·2³²⁰ mod r: a sum of products takes nine limbs, so its Montgomery
reduction has five steps and divides by 2³²⁰."""

MAX_SLOTS: Final = 1 << 31
MAX_RESULTS: Final = 1 << 9
"""Of one call; more would let a short file ask for much memory."""
_COUNT_BITS: Final = 16
_FIRST_BITS: Final = 8
_NEVER: Final = 1 << 62
_BYTES: Final = 8 * LIMBS


class Op(enum.IntEnum):
    """Codes of operations; part of the stored form."""

    MUL = 0
    ADD = 1
    SUB = 2
    DOT = 3
    QUOTIENT = 4
    ROOT = 5
    LESS = 6
    DIGITS = 7
    CALL = 8


_BINARY: Final = (Op.MUL, Op.ADD, Op.SUB, Op.QUOTIENT, Op.LESS)
_UNARY: Final = (Op.ROOT, Op.DIGITS)


def pack_digits(width: int, first: int, count: int) -> int:
    """Operand b of DIGITS: count in bits 0 … 15, first bit in 16 … 23, width from 24 on."""
    return count | first << _COUNT_BITS | width << (_COUNT_BITS + _FIRST_BITS)


def unpack_digits(packed: int) -> tuple[int, int, int]:
    """(width, first, count)."""
    first = packed >> _COUNT_BITS & ((1 << _FIRST_BITS) - 1)
    return packed >> (_COUNT_BITS + _FIRST_BITS), first, packed & ((1 << _COUNT_BITS) - 1)


@dataclass(frozen=True, slots=True)
class Call:
    """A Python function amid the operations.

    Attributes:
        function: from integers in [0, r) to `count` integers, taken mod r.
        arguments: slots.
        count: number of results.
        name: of the advice, for messages.
    """

    function: Function
    arguments: tuple[int, ...]
    count: int
    name: str

    def run(self, values: Sequence[int]) -> list[int]:
        """Results in [0, r).

        Raises:
            CircuitError: another number of results.
        """
        results = self.function(*values)
        if len(results) != self.count:
            raise CircuitError(
                f"advice gave {len(results)} values, not {self.count}", where=self.name
            )
        return [int(value) % FR.modulus for value in results]


@dataclass(frozen=True, slots=True)
class Derivation:
    """Integers computed in plain code from others.

    Attributes:
        function: from integers to `count` integers.
        arguments: (True, number of a value) or (False, constant).
        count: number of results.
    """

    function: Function
    arguments: tuple[tuple[bool, int], ...]
    count: int

    def run(self, values: Sequence[int]) -> Sequence[int]:
        """The results, appended to `values` by the caller.

        Raises:
            CircuitError: another number of results.
        """
        results = self.function(*(values[v] if known else v for known, v in self.arguments))
        if len(results) != self.count:
            raise CircuitError(f"{len(results)} values were derived, not {self.count}")
        return results


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """A program for one statement. See the module's docstring.

    Attributes:
        name: id of the statement.
        wires: number of wires, the constant one included.
        publics: number of public inputs.
        slots: number of slots, at least `wires`.
        leaves: number of integers that public inputs and witness consist of.
        derivations: what is computed from them before the tape runs.
        sources: `uint32[inputs]`: number of the value that is each input.
        inputs: `uint32[inputs]`: slot of each input.
        operations: `uint32[n, 4]`.
        terms: `uint32[m, 2]`.
        coefficients: `uint64[k, 4]`, c·2³²⁰ mod r.
        calls: functions that are run amid the operations, in order.

    Raises:
        ShapeMismatch: an index out of its range, a slot read before it is written or written
            twice or never, sums that share terms. Programs therefore need no checks when they run.
    """

    name: str
    wires: int
    publics: int
    slots: int
    leaves: int
    derivations: tuple[Derivation, ...]
    sources: U32Array
    inputs: U32Array
    operations: U32Array
    terms: U32Array
    coefficients: U64Array
    calls: tuple[Call, ...]

    def __post_init__(self) -> None:
        _Checks(self).run()

    def gather(self, leaves: Sequence[int]) -> U64Array:
        """The inputs for one witness: `uint64[inputs, 4]`, standard form.

        Args:
            leaves: integers of the public inputs and the witness, in order.

        Raises:
            ShapeMismatch: another number of leaves, or an input outside [0, r); functions of the
                statement may refuse values, too.
        """
        if len(leaves) != self.leaves:
            raise ShapeMismatch(f"{self.leaves} integers are needed, not {len(leaves)}")
        values = list(leaves)
        for derivation in self.derivations:
            values.extend(derivation.run(values))
        try:
            data = b"".join([values[i].to_bytes(_BYTES, "little") for i in self.sources.tolist()])
        except (OverflowError, AttributeError):
            raise _outside() from None
        rows = np.frombuffer(data, dtype="<u8").reshape(-1, LIMBS).astype(np.uint64, copy=False)
        if not below_modulus(rows).all():
            raise _outside()
        return rows


def _outside() -> ShapeMismatch:
    return ShapeMismatch("a value of the statement is not an integer in [0, r)")


class _Checks:
    """That every index of a tape lies in its range, and slots are written once and then read."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def run(self) -> None:
        tape = self._tape
        self._types()
        if not 0 <= tape.publics < tape.wires <= tape.slots < MAX_SLOTS:
            raise self._refused("its numbers of slots, wires and public inputs do not fit")
        self._values()
        if len(tape.operations) and int(tape.operations[:, 0].max()) > max(Op):
            raise self._refused("it has an unknown operation")
        written = self._written()
        self._read(written)

    def _refused(self, what: str) -> ShapeMismatch:
        return ShapeMismatch(
            f"not a witness tape: {what}",
            where=self._tape.name,
            fix="remove it; it is recorded again",
        )

    def _types(self) -> None:
        tape = self._tape
        expected = (
            (tape.sources, np.uint32, (len(tape.sources),)),
            (tape.inputs, np.uint32, (len(tape.sources),)),
            (tape.operations, np.uint32, (len(tape.operations), 4)),
            (tape.terms, np.uint32, (len(tape.terms), 2)),
            (tape.coefficients, np.uint64, (len(tape.coefficients), LIMBS)),
        )
        for array, kind, shape in expected:
            fits = array.dtype == np.dtype(kind) and array.shape == shape
            if not (fits and array.flags.c_contiguous):
                raise self._refused("an array has another type, shape or layout")
        if not below_modulus(tape.coefficients).all():
            raise self._refused("a coefficient is not below r")

    def _values(self) -> None:
        tape = self._tape
        known = tape.leaves
        for derivation in tape.derivations:
            if any(is_value and not 0 <= v < known for is_value, v in derivation.arguments):
                raise self._refused("a derivation reads a value that is not there yet")
            known += derivation.count
        if tape.leaves < 0 or (len(tape.sources) and int(tape.sources.max()) >= known):
            raise self._refused("an input has no source")

    def _rows(self, *codes: Op) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Numbers of the operations with these codes, and the operations."""
        operations = self._tape.operations
        numbers = np.flatnonzero(np.isin(operations[:, 0], [int(c) for c in codes]))
        return numbers, operations[numbers].astype(np.int64)

    def _call(self, row: npt.NDArray[np.int64]) -> Call:
        if not int(row[2]) < len(self._tape.calls):
            raise self._refused("it calls a function that is not there")
        call = self._tape.calls[int(row[2])]
        if not 0 <= call.count <= MAX_RESULTS:
            raise self._refused(f"a call has more than {MAX_RESULTS} results")
        return call

    def _written(self) -> npt.NDArray[np.int64]:
        """For each slot the number of the operation that writes it; −1 for inputs and the one."""
        tape = self._tape
        starts = tape.operations[:, 1].astype(np.int64)
        counts = np.ones(len(tape.operations), dtype=np.int64)
        numbers, digits = self._rows(Op.DIGITS)
        packed = digits[:, 3]
        counts[numbers] = packed & ((1 << _COUNT_BITS) - 1)
        first = packed >> _COUNT_BITS & ((1 << _FIRST_BITS) - 1)
        width = packed >> (_COUNT_BITS + _FIRST_BITS)
        if (
            (width < 1) | (width > MAX_DIGIT_BITS) | (first + width * counts[numbers] > MAX_BITS)
        ).any():
            raise self._refused("digits reach beyond a value's bits")
        for number, row in zip(*self._rows(Op.CALL), strict=True):
            counts[number] = self._call(row).count
        if (counts < 0).any() or (starts + counts > tape.slots).any():
            raise self._refused("a result has no slot")
        if 1 + len(tape.inputs) + int(counts.sum()) != tape.slots:
            raise self._refused("a slot is written twice, or never")
        if len(tape.inputs) and int(tape.inputs.max()) >= tape.slots:
            raise self._refused("an input has no slot")
        by = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(by)) - np.repeat(np.cumsum(counts) - counts, counts)
        targets = np.concatenate(([0], tape.inputs.astype(np.int64), starts[by] + within))
        if int(np.bincount(targets).max()) > 1:
            raise self._refused("a slot is written twice")
        written = np.full(tape.slots, _NEVER, dtype=np.int64)
        written[targets] = np.concatenate((np.full(1 + len(tape.inputs), -1, np.int64), by))
        if (written[: tape.wires] == _NEVER).any():
            raise self._refused("a wire has no value")
        return written

    def _read(self, written: npt.NDArray[np.int64]) -> None:
        tape = self._tape
        readers, slots = [], []
        for codes, columns in ((_BINARY, (2, 3)), (_UNARY, (2,))):
            numbers, rows = self._rows(*codes)
            for column in columns:
                readers.append(numbers)
                slots.append(rows[:, column])
        numbers, rows = self._rows(Op.DOT)
        first, last = rows[:, 2], rows[:, 3]
        if (first > last).any() or (last > len(tape.terms)).any():
            raise self._refused("a sum has no terms")
        if len(tape.terms) and int(tape.terms[:, 1].max()) >= len(tape.coefficients):
            raise self._refused("a term has no coefficient")
        counts = last - first
        if int(counts.sum()) > len(tape.terms):
            raise self._refused("sums share terms")  # many sums of all terms: memory of a square
        by = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(by)) - np.repeat(np.cumsum(counts) - counts, counts)
        readers.append(numbers[by])
        slots.append(tape.terms[:, 0].astype(np.int64)[first[by] + within])
        for number, row in zip(*self._rows(Op.CALL), strict=True):
            arguments = self._call(row).arguments
            readers.append(np.full(len(arguments), number, dtype=np.int64))
            slots.append(np.array(arguments, dtype=np.int64))
        reader, slot = np.concatenate(readers), np.concatenate(slots)
        if len(slot) and not 0 <= int(slot.min()) <= int(slot.max()) < tape.slots:
            raise self._refused("an operand has no slot")
        if (written[slot] >= reader).any():
            raise self._refused("a slot is read before it is written")
