"""Assignments by tape: a statement's `constrain` runs once, and a kernel runs what it recorded.

A statement has a tape if `constrain` does nothing with the integers of its witness but pass them
to `public`, `witness` and `derive` (`zk.r1cs.tape_recorder`). For any other, and for values that a
tape refuses, the Evaluator answers: it is slower, and names what it refuses.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from pathlib import Path
from typing import Any, TypeVar

from circuits.statement import Statement, cache_entry, check_names, evaluate
from zk import backends, files, params
from zk.errors import CircuitError, ParamsError, ShapeMismatch
from zk.field.arrays import U64Array
from zk.interfaces import Backend
from zk.r1cs import tape_file
from zk.r1cs.tape import Tape
from zk.r1cs.tape_recorder import TapeRecorder, Traced

Public = TypeVar("Public")
Witness = TypeVar("Witness")


def assign(
    statement: Statement[Public, Witness],
    public: Public,
    witness: Witness,
    backend: Backend | None = None,
) -> U64Array:
    """The assignment, as `circuits.statement.evaluate` makes it, and usually many times faster.

    Constraints are not checked: a false witness gives an assignment that no proof can be made of.

    Args:
        statement: what is claimed. Two statements of one class and one `id` must be the same.
        public: public inputs.
        witness: what the prover knows.
        backend: what runs the tape; by default the best that starts here.

    Returns:
        `uint64[wires, 4]`, standard form, public inputs after the constant one.

    Raises:
        ShapeMismatch: a value outside [0, r), or a witness of another shape.
    """
    tape = _held(_Key(type(statement), statement.id, params.cache_dir(), statement))
    if tape is None:
        return evaluate(statement, public, witness)
    try:
        leaves: list[int] = []
        flatten((public, witness), statement.placeholder(), leaves)
        inputs = tape.gather(leaves)
    except ShapeMismatch:
        return evaluate(statement, public, witness)
    return (backend or backends.get()).run_tape(tape, inputs)


def record_tape(statement: Statement[Public, Witness], *, cache: bool = True) -> Tape:
    """The statement's tape, the same on every run and machine.

    Args:
        statement: what to record.
        cache: keep it beside the recorded constraint system; an entry's name covers the sources, a
            damaged entry is made again.

    Raises:
        CircuitError: the statement has none; see the module's docstring.
    """
    entry = _entry(statement) if cache else None
    if entry is not None:
        with contextlib.suppress(OSError, ShapeMismatch):
            tape = tape_file.from_bytes(entry.read_bytes(), statement.functions)
            if tape.name == statement.id:
                return tape
    tape = _record(statement)
    if entry is not None:
        with contextlib.suppress(OSError, CircuitError):  # a full disk; a function without a name
            data = tape_file.to_bytes(tape, statement.functions)
            entry.parent.mkdir(parents=True, exist_ok=True)
            files.write(entry, data)
    return tape


def _entry(statement: Statement[Public, Witness]) -> Path | None:
    """Where the tape is kept; nowhere if there are no Poseidon parameters to tell it by."""
    try:
        return cache_entry(statement, ".tape")
    except ParamsError:
        return None


def _record(statement: Statement[Public, Witness]) -> Tape:
    leaves: list[Traced] = []
    public, witness = _trace(statement.placeholder(), leaves)
    recorder = TapeRecorder(statement.id, len(leaves))
    try:
        statement.constrain(recorder, public, witness)
    except TypeError as error:
        raise CircuitError(
            "the statement computes on its witness in plain code",
            where=statement.id,
            why="a tape recorded for one witness would be wrong for another",
            fix="compute what the circuit needs inside Builder.derive",
        ) from error
    check_names(statement, recorder.public_names)
    return recorder.finish()


@dataclasses.dataclass(frozen=True, slots=True)
class _Key:
    """Which tape is meant; the cache's folder counts, so that tests can change it."""

    kind: type
    identifier: str
    folder: Path
    statement: Statement[Any, Any] = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=16)
def _held(key: _Key) -> Tape | None:
    try:
        return record_tape(key.statement)
    except CircuitError:
        return None


# The integers of a witness, in order: fields of dataclasses, entries of tuples, lists and bytes.


def _trace(value: Any, leaves: list[Traced]) -> Any:
    """The same structure with a `Traced` for each integer; bytes become tuples."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        copy = object.__new__(type(value))
        for field in dataclasses.fields(value):
            part = _trace(getattr(value, field.name), leaves)
            object.__setattr__(copy, field.name, part)
        return copy
    if isinstance(value, list):
        return [_trace(part, leaves) for part in value]
    if isinstance(value, (tuple, bytes)):
        return tuple(_trace(part, leaves) for part in value)
    if isinstance(value, int) and not isinstance(value, bool):
        leaves.append(Traced(len(leaves)))
        return leaves[-1]
    return value


def flatten(value: Any, like: Any, leaves: list[int]) -> None:
    """Append the integers of `value`, which must have the structure of `like`, to `leaves`.

    Raises:
        ShapeMismatch: it has not.
    """
    kind = type(like)
    if kind is int:
        if type(value) is not int:
            raise ShapeMismatch("a value of the statement is not an integer")
        leaves.append(value)
        return
    if isinstance(like, (tuple, list)):  # named tuples are tuples
        if not isinstance(value, (tuple, list)) or len(value) != len(like):
            raise ShapeMismatch("the witness has another shape")
        for part, other in zip(value, like, strict=True):
            flatten(part, other, leaves)
    elif type(value) is not kind:
        raise ShapeMismatch("the witness has another shape")
    elif dataclasses.is_dataclass(kind):
        for name in _fields(kind):
            flatten(getattr(value, name), getattr(like, name), leaves)
    elif isinstance(like, bytes):
        if len(value) != len(like):
            raise ShapeMismatch("the witness has another shape")
        leaves.extend(value)
    elif value != like:
        raise ShapeMismatch("the witness differs in what is no integer")


@functools.cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))
