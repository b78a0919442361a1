"""The same inputs for every program: made from a seed, kept as files, named by their SHA-256.

Random scalars are 254 bits of SHAKE-256 with r subtracted where they reach it: every value below r
occurs, those below 2²⁵⁴ − r twice as often as the rest. Points are aᵢ·G for scalars aᵢ of a second
stream: so the right answer to an MSM is known without another MSM, (Σ kᵢ·aᵢ)·G.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import gmpy2
import numpy as np

from zk import files, params
from zk.bench.errors import BenchError
from zk.bench.works import RANDOM, Work
from zk.curve.bn254 import G1, G1_GENERATOR, G2, G2_GENERATOR
from zk.curve.encoding import g1_to_evm, g2_to_evm
from zk.field.arrays import LIMBS, U64Array, from_array, to_array
from zk.field.params import FP, FR
from zk.hash.poseidon import poseidon
from zk.interfaces import Backend, Progress

DEFAULT_SEED: Final = "chiaro-bench/1"
_CHUNK: Final = 1 << 14
_POINTS: Final = 1 << 17
_MODULUS: Final = to_array([FR.modulus])[0]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a program is given, and how its answer is judged.

    Attributes:
        values: by name, as the protocol sends them: paths, numbers, texts.
        sha256: over names and contents (of files: their bytes), hex.
        expected: the right answer, where it is known some other way; else empty.
        expected_by: which way.
        accept: whether an answer is right, for works whose answers are not unique.
        details: facts for the result file: constraints, bytes of the key.
    """

    values: Mapping[str, str | int]
    sha256: str
    expected: str = ""
    expected_by: str = ""
    accept: Callable[[str], bool] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def folder() -> Path:
    """Where generated inputs are kept; may be deleted at any time."""
    found = params.cache_dir() / "bench"
    found.mkdir(parents=True, exist_ok=True)
    return found


def make(
    work: Work,
    size: int,
    backend: Backend,
    *,
    case: str = RANDOM,
    seed: str = DEFAULT_SEED,
    progress: Progress | None = None,
) -> Inputs:
    """Inputs of a work over fields and groups.

    Args:
        work: one of those that need no circuit.
        size: how much.
        backend: what multiplies the generator; the result does not depend on it.
        case: kind of input, one of the work's.
        seed: any text.
        progress: called with `inputs`.

    Raises:
        BenchError: inputs of this work come from a circuit, the case is unknown, or the size
            is not one of the work's.
    """
    if case not in work.cases or work.name not in _MAKERS:
        raise BenchError(
            f"{work.name} has no inputs {case!r}", fix=f"known: {', '.join(work.cases)}"
        )
    if work.powers and size & (size - 1):
        raise BenchError(f"{work.name} takes powers of two, not {size}")
    report: Progress = progress or (lambda _phase, _share: None)
    report("inputs", 0.0)
    made = _MAKERS[work.name](size, backend, case, seed, report)
    report("inputs", 1.0)
    return made


def digest(values: Mapping[str, str | int]) -> str:
    """SHA-256 over names and contents; a value that is a path of a file counts by its bytes."""
    total = hashlib.sha256()
    for name in sorted(values):
        value = values[name]
        path = Path(value) if isinstance(value, str) and value.startswith("/") else None
        if path is not None:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            content = str(value)
        total.update(f"{name}={content}\n".encode())
    return total.hexdigest()


def scalars(seed: str, label: str, count: int) -> U64Array:
    """`[count, 4]` standard form below r, from a seed; a longer stream starts with a shorter."""
    out = np.empty((count, LIMBS), dtype=np.uint64)
    for start in range(0, count, _CHUNK):
        n = min(_CHUNK, count - start)
        stream = hashlib.shake_256(f"{seed}/{label}/{start // _CHUNK}".encode()).digest(32 * n)
        rows = np.frombuffer(stream, dtype="<u8").reshape(n, LIMBS).astype(np.uint64)
        rows[:, 3] &= np.uint64((1 << 62) - 1)
        out[start : start + n] = _below_modulus(rows)
    return out


def _below_modulus(rows: U64Array) -> U64Array:
    """Values below 2r, with r subtracted once where needed; limbs with borrows, vectorised."""
    reduced = np.empty_like(rows)
    borrow = np.zeros(len(rows), dtype=np.uint64)
    for limb in range(LIMBS):
        value, part = rows[:, limb], _MODULUS[limb]
        first = value - part
        reduced[:, limb] = first - borrow
        borrow = ((value < part) | (first < borrow)).astype(np.uint64)
    small = borrow.astype(bool)  # the subtraction went below zero
    reduced[small] = rows[small]
    return reduced


# --- points and scalars ---------------------------------------------------------------------------


def _msm(group: str) -> Callable[[int, Backend, str, str, Progress], Inputs]:
    width, multiply = (8, "fixed_base_g1") if group == "g1" else (16, "fixed_base_g2")

    def make_msm(size: int, backend: Backend, case: str, seed: str, report: Progress) -> Inputs:
        logs, factors = _case(case, seed, size)
        place = folder() / f"msm_{group}-{size}-{case}-{_name(seed)}"

        def points() -> Iterable[bytes]:
            for start in range(0, size, _POINTS):
                rows = getattr(backend, multiply)(logs[start : start + _POINTS])
                yield rows.astype("<u8").tobytes()
                report("inputs", start / size)

        values: dict[str, str | int] = {
            "points": _kept(place.with_suffix(".points"), points, 8 * width * size),
            "scalars": _kept(place.with_suffix(".scalars"), lambda: [_bytes(factors)]),
        }
        total = int(_inner_product(logs, factors))
        if group == "g1":
            answer = g1_to_evm((total * G1.from_affine(G1_GENERATOR)).to_affine())
        else:
            answer = g2_to_evm((total * G2.from_affine(G2_GENERATOR)).to_affine())
        return Inputs(values, digest(values), answer.hex(), "discrete logarithms")

    return make_msm


def _case(case: str, seed: str, size: int) -> tuple[U64Array, U64Array]:
    """Logarithms of the points, and scalars. Equal points and zeros must not be slow paths."""
    logs, factors = scalars(seed, "points", size), scalars(seed, "scalars", size)
    if case == "bits":  # a witness as it mostly is: nine in ten are 0 or 1
        draw = random.Random(f"{seed}/bits")
        small = np.array([draw.random() < 0.9 for _ in range(size)])
        factors[small] = 0
        factors[small, 0] = [draw.randrange(2) for _ in range(int(small.sum()))]
    elif case == "zeros":
        factors[:] = 0
    elif case == "equal-scalars":
        factors[:] = factors[0]
    elif case == "equal-points":
        logs[:] = logs[0]
    elif case == "opposite-points":  # P and −P in turns, with equal scalars: buckets that cancel
        pairs = size // 2
        opposite = [FR.modulus - log for log in from_array(logs[: 2 * pairs : 2])]
        logs[1 : 2 * pairs : 2] = to_array(opposite) if pairs else logs[:0]
        factors[1 : 2 * pairs : 2] = factors[: 2 * pairs : 2]
    elif case == "infinities":
        logs[::2] = 0
    return logs, factors


def _inner_product(a: U64Array, b: U64Array) -> gmpy2.mpz:
    total = gmpy2.mpz(0)
    for start in range(0, len(a), _CHUNK):
        left, right = (from_array(rows[start : start + _CHUNK]) for rows in (a, b))
        total += sum(gmpy2.mpz(x) * y for x, y in zip(left, right, strict=True))
    return total % FR.modulus


# --- the others -----------------------------------------------------------------------------------


def _ntt(size: int, _backend: Backend, _case: str, seed: str, _report: Progress) -> Inputs:
    rows = scalars(seed, "values", size)  # random residues: their Montgomery form is as random
    place = folder() / f"ntt-{size}-{_name(seed)}.values"
    values: dict[str, str | int] = {"values": _kept(place, lambda: [_bytes(rows)])}
    return Inputs(values, digest(values))


def _products(modulus: int) -> Callable[[int, Backend, str, str, Progress], Inputs]:
    def make_products(
        size: int, _backend: Backend, case: str, seed: str, _report: Progress
    ) -> Inputs:
        x, y = (v % modulus for v in from_array(scalars(seed, f"factors/{modulus}", 2)))
        values: dict[str, str | int] = {"x": f"{x:064x}", "y": f"{y:064x}"}
        if case == "lanes":
            values["lanes"] = 1
        answer = f"{x * pow(y, size, modulus) % modulus:064x}"
        return Inputs(values, digest(values), answer, "modular exponentiation")

    return make_products


def _poseidon(size: int, _backend: Backend, case: str, seed: str, _report: Progress) -> Inputs:
    if case == "batch":
        pairs = scalars(seed, "pairs", 2 * size)
        hashes = to_array([poseidon(0, from_array(pairs[2 * i : 2 * i + 2])) for i in range(size)])
        place = folder() / f"poseidon-{size}-{_name(seed)}.pairs"
        values: dict[str, str | int] = {"pairs": _kept(place, lambda: [_bytes(pairs)])}
        answer = hashlib.sha256(_bytes(hashes)).hexdigest()
        return Inputs(values, digest(values), answer, "arbitrary-precision integers")
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    value = start
    for index in range(size):
        value = poseidon(0, (value, index))
    values = {"seed": start}
    return Inputs(values, digest(values), f"{value:064x}", "arbitrary-precision integers")


def _pairing(_size: int, _backend: Backend, _case: str, seed: str, _report: Progress) -> Inputs:
    a, b = from_array(scalars(seed, "pairing", 2))
    values: dict[str, str | int] = {
        "g1": g1_to_evm((a * G1.from_affine(G1_GENERATOR)).to_affine()).hex(),
        "g2": g2_to_evm((b * G2.from_affine(G2_GENERATOR)).to_affine()).hex(),
    }
    return Inputs(values, digest(values))


def _start(_size: int, _backend: Backend, case: str, _seed: str, _report: Progress) -> Inputs:
    values: dict[str, str | int] = {"cache": case}
    return Inputs(values, digest(values), "ready", "the backend itself")


_MAKERS: Final[dict[str, Callable[[int, Backend, str, str, Progress], Inputs]]] = {
    "fp_mul": _products(FP.modulus),
    "fr_mul": _products(FR.modulus),
    "msm_g1": _msm("g1"),
    "msm_g2": _msm("g2"),
    "ntt": _ntt,
    "poseidon": _poseidon,
    "pairing": _pairing,
    "start": _start,
}


# --- files ----------------------------------------------------------------------------------------


def _kept(path: Path, content: Callable[[], Iterable[bytes]], length: int | None = None) -> str:
    """The file, made if it is not there whole: beside it lies the SHA-256 it was written with."""
    note = path.with_name(path.name + ".sha256")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if note.read_text(encoding="ascii") == found:
            return str(path)
    except OSError:
        pass  # not there, or only half of it: made below
    total, written = hashlib.sha256(), 0
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        for part in content():
            total.update(part)
            written += file.write(part)
    if length is not None and written != length:
        raise BenchError(f"{path.name} came out as {written} bytes, not {length}")
    files.write(note, total.hexdigest().encode())
    return str(path)


def _bytes(rows: U64Array) -> bytes:
    return rows.astype("<u8").tobytes()


def _name(seed: str) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()[:12]
