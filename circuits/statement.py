"""A statement: declared shape, constraints written once, and what is done with it.

A `Statement` names its public inputs and has one `constrain`, which runs under each interpreter of
`zk.r1cs`: `record` gives the constraint system, `evaluate` the assignment to prove with, `check`
the first clause that a witness breaks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import numpy as np

from zk import files, params
from zk.errors import CircuitError, ShapeMismatch
from zk.field.arrays import U64Array
from zk.r1cs.builder import Builder, check_value
from zk.r1cs.checker import Checker, Tamper
from zk.r1cs.evaluator import Evaluator
from zk.r1cs.matrices import R1CS, Matrix
from zk.r1cs.recorder import Recorder
from zk.r1cs.tape import Function
from zk.r1cs.tape_recorder import Traced

Public = TypeVar("Public")
Witness = TypeVar("Witness")

_ROOT: Final = Path(__file__).resolve().parent.parent
_SOURCES: Final = ("circuits", "zk/r1cs", "zk/hash", "zk/field", "zk/curve")


class Statement(ABC, Generic[Public, Witness]):
    """What a proof proves.

    Attributes:
        id: name and version, such as `action/1`; a changed statement takes a new version.
        public_names: full names of the public inputs, in order.
        hidden: how many public inputs, the last ones, verifiers see as one point instead of values
            (`zk.groth16.hidden`); the last of them is ν, of which nothing is asked.
        functions: what `constrain` passes to `derive`, or to `advise` and is not of
            `zk.r1cs.advice`, by name: a tape can be stored only if all of it is listed.
    """

    id: str
    public_names: tuple[str, ...]
    hidden: int = 0
    functions: Mapping[str, Function] = MappingProxyType({})

    @abstractmethod
    def placeholder(self) -> tuple[Public, Witness]:
        """Zeros of the right shape, for the recorder."""

    @abstractmethod
    def constrain(self, cs: Builder, public: Public, witness: Witness) -> None:
        """Declare the public inputs in order, then everything else."""


def record(statement: Statement[Public, Witness], *, cache: bool = True) -> R1CS:
    """The statement's constraint system, the same on every run and machine.

    Args:
        statement: what to record.
        cache: keep it under `zk.params.cache_dir()`. The entry's name covers the sources that shape
            a circuit, its content is verified by digest, and a damaged entry is made again.

    Raises:
        CircuitError: the public inputs are not the declared ones.
    """
    if not cache:
        return record_with_advice(statement).finish()
    entry = cache_entry(statement, ".npz")
    cached = _load(entry)
    if cached is not None and cached.name == statement.id:
        return cached
    shape = record_with_advice(statement).finish()
    _store(entry, shape)
    return shape


def record_with_advice(statement: Statement[Public, Witness]) -> Recorder:
    """The recorder after a pass: for reviews, which also want the advice sites."""
    recorder = Recorder(statement.id)
    statement.constrain(recorder, *statement.placeholder())
    check_names(statement, recorder.public_names)
    return recorder


def evaluate(statement: Statement[Public, Witness], public: Public, witness: Witness) -> U64Array:
    """The assignment: `uint64[wires, 4]` standard form, public inputs after the constant one.

    Constraints are not checked: a false witness gives an assignment that no proof can be made of.

    Raises:
        ShapeMismatch: a value outside [0, r), or a witness of another shape.
    """
    evaluator = Evaluator()
    statement.constrain(evaluator, public, witness)
    check_names(statement, evaluator.public_names)
    return evaluator.assignment()


def check(
    statement: Statement[Public, Witness],
    public: Public,
    witness: Witness,
    *,
    without: Collection[str] = (),
    tamper: Tamper | None = None,
) -> None:
    """Check every constraint in order.

    Args:
        statement: what is claimed.
        public: public inputs.
        witness: what the prover knows.
        without: clauses whose constraints are skipped.
        tamper: wires, by full name, whose value is replaced.

    Raises:
        Unsatisfied: names clause and scope of the first broken constraint.
        ShapeMismatch: a value outside [0, r), or a witness of another shape.
        CircuitError: `tamper` or `without` names nothing in the circuit.
    """
    checker = Checker(without=without, tamper=tamper)
    statement.constrain(checker, public, witness)
    check_names(statement, checker.public_names)
    checker.finish()


def public_values(public: object) -> list[int]:
    """Public inputs in order: the fields of the dataclass, nested tuples flattened.

    Raises:
        ShapeMismatch: a field is no integer in [0, r) and no tuple of them.
    """
    if not dataclasses.is_dataclass(public) or isinstance(public, type):
        raise ShapeMismatch("public inputs are a dataclass")
    values: list[int] = []

    def flatten(value: object, name: str) -> None:
        if isinstance(value, tuple):
            for index, part in enumerate(value):
                flatten(part, f"{name}_{index}")
        elif isinstance(value, int):
            values.append(check_value(value, name))
        elif isinstance(value, Traced):
            traced: Any = value
            values.append(traced)
        else:
            raise ShapeMismatch("a public input is no integer", where=name)

    for field in dataclasses.fields(public):
        flatten(getattr(public, field.name), field.name)
    return values


def check_names(statement: Statement[Public, Witness], names: tuple[str, ...]) -> None:
    """That the public inputs used are the declared ones.

    Raises:
        CircuitError: they are not.
    """
    if names != statement.public_names:
        raise CircuitError(
            f"{statement.id} declares other public inputs than its constraints use",
            where=", ".join(names),
            why="verifiers pass public inputs by position",
            fix="make `public_names` and the calls of `cs.public` agree",
        )


# The cache of recorded statements.


def cache_entry(statement: Statement[Public, Witness], suffix: str) -> Path:
    """Where something made from a statement is kept; the name covers the sources that shape it."""
    name = "".join(c if c.isalnum() else "-" for c in statement.id)
    return params.cache_dir() / "circuits" / f"{name}-{_sources_hash()}{suffix}"


def _sources_hash() -> str:
    """Hash of everything that can shape a circuit: code and Poseidon's constants."""
    state = hashlib.blake2b(digest_size=16)
    code = [p for folder in _SOURCES for p in (_ROOT / folder).rglob("*.py")]
    named = [(p.relative_to(_ROOT).as_posix(), p) for p in code]
    named += [(f"params/{p.name}", p) for p in params.path("poseidon").glob("*.json")]
    for name, file in sorted(named):
        data = file.read_bytes()
        state.update(f"{name}:{len(data)}:".encode() + data)
    return state.hexdigest()


def _store(entry: Path, shape: R1CS) -> None:
    """Write in one step, so that a reader never meets half a file. A full disk is no error."""
    names = json.dumps(
        [shape.name, shape.wire_names, shape.row_clauses, shape.row_scopes], ensure_ascii=False
    ).encode()
    arrays: dict[str, Any] = {
        "shape": np.array([shape.wires, shape.publics, shape.rows], dtype=np.uint64),
        "names": np.frombuffer(names, dtype=np.uint8),
        "digest": np.frombuffer(_seal(shape.digest, names), dtype=np.uint8),
    }
    for letter, matrix in shape.matrices():
        arrays |= {
            f"{letter}_indptr": matrix.indptr,
            f"{letter}_columns": matrix.columns,
            f"{letter}_values": matrix.values,
        }
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(entry) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)


def _load(entry: Path) -> R1CS | None:
    """A cached constraint system, or None when it is absent, damaged or not what it says."""
    try:
        with entry.open("rb") as file, np.load(file, allow_pickle=False) as data:
            names = data["names"].tobytes()
            name, wire_names, row_clauses, row_scopes = json.loads(names)
            wires, publics, rows = (int(v) for v in data["shape"])
            a, b, c = (
                Matrix(
                    data[f"{letter}_indptr"], data[f"{letter}_columns"], data[f"{letter}_values"]
                )
                for letter in "ABC"
            )
            sealed = data["digest"].tobytes()
        shape = R1CS(
            name=name,
            wires=wires,
            publics=publics,
            rows=rows,
            a=a,
            b=b,
            c=c,
            wire_names=tuple(wire_names),
            row_clauses=tuple(row_clauses),
            row_scopes=tuple(row_scopes),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, ShapeMismatch):
        return None
    return shape if _seal(shape.digest, names) == sealed else None


def _seal(digest: bytes, names: bytes) -> bytes:
    return digest + hashlib.blake2b(names, digest_size=32).digest()
