"""Phase 2 of a ceremony: one secret after another is multiplied into a key's δ.

A contributor draws x, replaces δ by δ·x, divides the queries C and H by x, proves that x was known,
and forgets x. The key is safe if one of them did. Everything else of a key stays as it was.
Verification (rules CER-001 … CER-011) needs the initial key, which anyone can make from the circuit
and a first phase (`zk.groth16.ceremony.initial`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from zk.curve.bn254 import G1_GENERATOR, G2_GENERATOR, G1Affine, G2Affine
from zk.errors import ParamsError
from zk.field.arrays import U64Array, to_array
from zk.field.params import FR
from zk.groth16.ceremony.beacon import Beacon, stream_of, stream_to_check
from zk.groth16.ceremony.contribution import (
    MAX_NAME_BYTES,
    Contribution,
    Transcript,
    contributions_from_bytes,
    contributions_to_bytes,
)
from zk.groth16.ceremony.errors import CeremonyError
from zk.groth16.ceremony.ratio import random_weights, same_ratio, times_g1, times_g2
from zk.groth16.ceremony.stream import hash_to_g2
from zk.groth16.keys import ProvingKey
from zk.groth16.points import g1_points, g1_rows, g2_points, g2_rows
from zk.interfaces import Backend, Progress

CHANGED = ("delta_g1", "delta_g2", "c", "h", "contributions", "note")
"""Parts of a key that contributions change; a note is nobody's promise."""


def contribute(
    key: ProvingKey,
    backend: Backend,
    *,
    seed: bytes | None = None,
    beacon: Beacon | None = None,
    name: str = "",
    progress: Progress | None = None,
) -> tuple[ProvingKey, Contribution]:
    """Multiply one more secret into a key.

    The caller should run this in a process of its own and end it: Python does not promise that the
    secret is erased from memory.

    Args:
        key: the key so far.
        backend: what computes.
        seed: 32 secret bytes that everything is drawn from.
        beacon: instead of a seed, public randomness.
        name: who contributes, as they say.
        progress: called with `c` and `h`.

    Raises:
        ParamsError: not exactly one of seed and beacon, or a name that is too long.
        CeremonyError: CER-011, the key's contributions do not decode.
    """
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ParamsError(f"a contributor's name has at most {MAX_NAME_BYTES} bytes")
    report: Progress = progress or (lambda _phase, _share: None)
    before = contributions_from_bytes(key.contributions)
    stream = stream_of(seed, beacon)
    x = stream.scalar()
    s = stream.g1()
    sx = times_g1(x, s)
    digest = Transcript(key.circuit_hash, before).digest(s, sx)
    (delta_g1,), (delta_g2,) = g1_points(key.delta_g1), g2_points(key.delta_g2)
    after = times_g1(x, delta_g1)
    made = Contribution(
        delta_after=after,
        s=s,
        sx=sx,
        spx=times_g2(x, hash_to_g2(digest)),
        transcript=digest,
        name=name,
        beacon=beacon.value if beacon else b"",
        iterations_exp=beacon.iterations_exp if beacon else 0,
    )
    inverse = to_array([pow(x, -1, FR.modulus)])

    def divided(phase: str, rows: U64Array) -> U64Array:
        report(phase, 0.0)
        scaled = backend.scale_g1(np.ascontiguousarray(rows), inverse)
        report(phase, 1.0)
        return scaled

    changed = replace(
        key,
        delta_g1=g1_rows([after])[0],
        delta_g2=g2_rows([times_g2(x, delta_g2)])[0],
        c=divided("c", key.c),
        h=divided("h", key.h),
        contributions=contributions_to_bytes([*before, made]),
    )
    return changed, made


def verify_chain(key: ProvingKey, backend: Backend) -> tuple[Contribution, ...]:
    """That a key's δ is the product of its contributions' secrets, each known to its maker.

    Raises:
        CeremonyError: CER-001 … CER-007 or CER-011.
    """
    contributions = contributions_from_bytes(key.contributions)
    if not contributions:
        raise CeremonyError("CER-001", "the key has no contribution")
    delta: G1Affine = G1_GENERATOR
    transcript = Transcript(key.circuit_hash)
    for index, made in enumerate(contributions):
        where = f"contribution {index + 1}" + (f", {made.name!r}" if made.name else "")
        _verify_one(transcript, made, delta, backend, where)
        transcript.add(made)
        delta = made.delta_after
    (in_key,), (twin,) = g1_points(key.delta_g1), g2_points(key.delta_g2)
    if in_key != delta:
        raise CeremonyError("CER-006", "δ is not that of the last contribution", where="delta1")
    if not same_ratio(backend, (G1_GENERATOR, delta), (G2_GENERATOR, twin)):
        raise CeremonyError("CER-007", "δ differs between the two groups", where="delta2")
    return contributions


def _verify_one(
    transcript: Transcript,
    made: Contribution,
    delta: G1Affine,
    backend: Backend,
    where: str,
) -> None:
    if made.beacon:
        stream = stream_to_check(made.beacon, made.iterations_exp, where)
        x = stream.scalar()
        s = stream.g1()
        expected = (s, times_g1(x, s), times_g1(x, delta))
        if (made.s, made.sx, made.delta_after) != expected:
            raise CeremonyError("CER-005", "not the numbers of this beacon", where=where)
    if made.transcript != transcript.digest(made.s, made.sx):
        raise CeremonyError("CER-002", "another transcript than the chain's", where=where)
    pair = (hash_to_g2(made.transcript), made.spx)
    if not same_ratio(backend, (made.s, made.sx), pair):
        raise CeremonyError("CER-003", "no proof that the exponent was known", where=where)
    if not same_ratio(backend, (delta, made.delta_after), pair):
        raise CeremonyError("CER-004", "δ does not follow from the one before", where=where)


def verify_key(
    key: ProvingKey, initial: ProvingKey, backend: Backend, progress: Progress | None = None
) -> tuple[Contribution, ...]:
    """That a key is the initial one of its circuit after its contributions, and nothing else.

    Points of both keys must have been checked where they were read (`read_zkey(…, check=…)`).

    Args:
        key: the key to verify.
        initial: the key before any contribution, made by whoever verifies.
        backend: what computes.
        progress: called with `chain`, `parts`, `c`, `h`.

    Raises:
        CeremonyError: CER-001 … CER-011.
    """
    report: Progress = progress or (lambda _phase, _share: None)
    report("chain", 0.0)
    contributions = verify_chain(key, backend)
    report("chain", 1.0)
    if key.circuit_hash != initial.circuit_hash:
        raise CeremonyError("CER-010", "another circuit's hash", where="section 10")
    for name, mine, theirs in _fixed_parts(key, initial):
        if not np.array_equal(mine, theirs):
            raise CeremonyError("CER-008", f"{name} is not that of the initial key", where=name)
    report("parts", 1.0)
    (delta,) = g2_points(key.delta_g2)
    for name in ("c", "h"):
        report(name, 0.0)
        mine, theirs = getattr(key, name), getattr(initial, name)
        if not _same_shape_over(backend, mine, theirs, delta):
            raise CeremonyError("CER-009", f"query {name.upper()} is not divided by δ", where=name)
        report(name, 1.0)
    return contributions


def _fixed_parts(key: ProvingKey, initial: ProvingKey) -> Iterator[tuple[str, Any, Any]]:
    for name in ("wires", "publics", "domain", "alpha_g1", "beta_g1", "beta_g2", "gamma_g2"):
        yield name, getattr(key, name), getattr(initial, name)
    for name in ("ic", "a", "b1", "b2"):
        yield name, getattr(key, name), getattr(initial, name)
    for name in ("a_rows", "b_rows"):
        for part in ("indptr", "columns", "values"):
            yield (
                f"{name}.{part}",
                getattr(getattr(key, name), part),
                getattr(getattr(initial, name), part),
            )


def _same_shape_over(backend: Backend, mine: U64Array, theirs: U64Array, delta: G2Affine) -> bool:
    """Whether theirs = δ·mine, row by row, by one random combination (soundness 2⁻¹²⁸)."""
    if len(mine) == 0:
        return True
    weights = random_weights(len(mine))
    left, right = (
        g1_points(backend.msm_g1(np.ascontiguousarray(rows), weights))[0] for rows in (mine, theirs)
    )
    if left is None or right is None:
        return left == right
    return same_ratio(backend, (left, right), (G2_GENERATOR, delta))
