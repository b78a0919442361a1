"""Beacons: public randomness as the last contribution of a ceremony."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zk.errors import ParamsError
from zk.groth16.ceremony.errors import CeremonyError
from zk.groth16.ceremony.stream import (
    MAX_BEACON_BYTES,
    MAX_ITERATIONS_EXP,
    MIN_ITERATIONS_EXP,
    SEED_BYTES,
    Stream,
    beacon_seed,
)

MAX_CHECKED_EXP: Final = 32
"""2³² hashes take an hour; files may say 2⁶³, and would keep a verifier busy for ever."""


@dataclass(frozen=True, slots=True)
class Beacon:
    """Public randomness that nobody could know when the last person contributed.

    Raises:
        ParamsError: empty, too long, or hashed too few or too many times.
    """

    value: bytes
    iterations_exp: int

    def __post_init__(self) -> None:
        if not 0 < len(self.value) <= MAX_BEACON_BYTES:
            raise ParamsError(f"a beacon has 1 to {MAX_BEACON_BYTES} bytes")
        if not MIN_ITERATIONS_EXP <= self.iterations_exp <= MAX_ITERATIONS_EXP:
            raise ParamsError(
                f"a beacon is hashed 2^{MIN_ITERATIONS_EXP} to 2^{MAX_ITERATIONS_EXP} times"
            )

    def seed(self) -> bytes:
        """32 bytes; takes 2^iterations_exp hashes."""
        return beacon_seed(self.value, self.iterations_exp)


def stream_of(seed: bytes | None, beacon: Beacon | None) -> Stream:
    """What a contribution draws from: a secret seed, or a beacon.

    Raises:
        ParamsError: not exactly one of them, or a seed of another length than 32 bytes.
    """
    if (seed is None) == (beacon is None) or (seed is not None and len(seed) != SEED_BYTES):
        raise ParamsError(f"a contribution needs either a beacon or a seed of {SEED_BYTES} bytes")
    return Stream(beacon.seed() if beacon else seed or b"")


def stream_to_check(value: bytes, iterations_exp: int, where: str) -> Stream:
    """What a contribution that calls itself a beacon must have drawn from.

    Raises:
        CeremonyError: CER-012, more hashes than a verifier should spend on a file of strangers.
    """
    if iterations_exp > MAX_CHECKED_EXP:
        raise CeremonyError(
            "CER-012",
            f"2^{iterations_exp} hashes to check, at most 2^{MAX_CHECKED_EXP}",
            where=where,
        )
    return Stream(Beacon(value, iterations_exp).seed())
