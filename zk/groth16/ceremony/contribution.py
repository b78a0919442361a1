"""Contributions to a key (phase 2) as section 10 of `.zkey` holds them.

    δ after it, G1 · s, G1 · s·x, G1 · sp·x, G2 · transcript[64] · kind u32 · length u32, parameters

x is the contributor's exponent, s a random point, sp the point hashed from the transcript; the
pairs (s, s·x) and (sp, sp·x) prove that x was known. The transcript is BLAKE2b-512 of the circuit's
hash, all contributions before, s and s·x: a contribution can be made for one place only. Points are
affine, little-endian, Montgomery in files, and big-endian, standard in hashes.

Parameters have ascending numbers, and none is empty: 1 name (length u8, UTF-8), 2 iterations'
exponent u8, 3 beacon (length u8, bytes); the last two where kind is 1, a beacon.
Source: snarkjs `zkey_utils.js`, `zkey_contribute.js` (read for the format; the code here is ours).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from zk.curve.bn254 import G1Affine, G2Affine
from zk.curve.encoding import G1_EVM_BYTES, G2_EVM_BYTES, g1_to_evm, g2_to_evm
from zk.groth16.ceremony.encoding import g1_from_file, g1_to_file, g2_from_file, g2_to_file
from zk.groth16.ceremony.errors import MalformedContribution
from zk.groth16.ceremony.stream import MAX_BEACON_BYTES, MAX_ITERATIONS_EXP, MIN_ITERATIONS_EXP

PLAIN: Final = 0
BEACON: Final = 1
HASH_BYTES: Final = 64
MAX_NAME_BYTES: Final = 255
MAX_CONTRIBUTIONS: Final = 1 << 16

_NAME, _ITERATIONS, _BEACON_BYTES = 1, 2, 3
_U32: Final = 4
_FIXED: Final = 3 * G1_EVM_BYTES + G2_EVM_BYTES + HASH_BYTES + 2 * _U32
MAX_PARAMETERS: Final = 2 + MAX_NAME_BYTES + 2 + 2 + MAX_BEACON_BYTES


@dataclass(frozen=True, slots=True)
class Contribution:
    """One contribution to a key; all of it is public.

    Attributes:
        delta_after: δ in G1 when it was made.
        s: a random point.
        sx: the same times the exponent.
        spx: the transcript's point of G2 times the exponent.
        transcript: hash of what precedes it.
        name: who made it, as they say.
        beacon: public randomness that all its numbers follow from; empty unless it is a beacon.
        iterations_exp: the randomness was hashed 2^this times.
    """

    delta_after: G1Affine
    s: G1Affine
    sx: G1Affine
    spx: G2Affine
    transcript: bytes
    name: str = ""
    beacon: bytes = b""
    iterations_exp: int = 0

    @property
    def kind(self) -> int:
        return BEACON if self.beacon else PLAIN

    def hashed(self) -> bytes:
        """What enters the transcripts of later contributions."""
        points = (g1_to_evm(p) for p in (self.delta_after, self.s, self.sx))
        return b"".join((*points, g2_to_evm(self.spx), self.transcript))

    @property
    def digest(self) -> bytes:
        """BLAKE2b-512 by which contributors attest what they made."""
        return hashlib.blake2b(self.hashed()).digest()

    def to_bytes(self) -> bytes:
        """The file's form."""
        parameters = pack_parameters(self.name, self.beacon, self.iterations_exp)
        return b"".join(
            (
                *map(g1_to_file, (self.delta_after, self.s, self.sx)),
                g2_to_file(self.spx),
                self.transcript,
                self.kind.to_bytes(_U32, "little"),
                len(parameters).to_bytes(_U32, "little"),
                parameters,
            )
        )


class Transcript:
    """The hash of a circuit and of all contributions so far, each of them once."""

    def __init__(self, circuit_hash: bytes, before: Iterable[Contribution] = ()) -> None:
        self._hasher = hashlib.blake2b(circuit_hash)
        for contribution in before:
            self.add(contribution)

    def add(self, contribution: Contribution) -> None:
        """One more contribution."""
        self._hasher.update(contribution.hashed())

    def digest(self, s: G1Affine, sx: G1Affine) -> bytes:
        """BLAKE2b-512 of everything so far, and of the random pair of the next contribution."""
        hasher = self._hasher.copy()
        hasher.update(g1_to_evm(s) + g1_to_evm(sx))
        return hasher.digest()


def contributions_to_bytes(contributions: Sequence[Contribution]) -> bytes:
    """Section 10 after the circuit's hash."""
    number = len(contributions).to_bytes(_U32, "little")
    return number + b"".join(c.to_bytes() for c in contributions)


def contributions_from_bytes(data: bytes) -> tuple[Contribution, ...]:
    """The contributions of section 10, every point checked.

    Raises:
        MalformedContribution: CER-011, names the contribution and what is wrong.
    """
    count = int.from_bytes(data[:_U32], "little")
    if len(data) < _U32 or count > min(MAX_CONTRIBUTIONS, len(data) // _FIXED):
        raise MalformedContribution(f"{count} contributions in {len(data)} bytes")
    found, at = [], _U32
    for number in range(1, count + 1):
        end = at + _FIXED
        length = int.from_bytes(data[end - _U32 : end], "little")
        if end > len(data) or length > min(MAX_PARAMETERS, len(data) - end):
            raise MalformedContribution("the file ends inside it", where=_where(number))
        found.append(_contribution(data[at:end], data[end : end + length], number))
        at = end + length
    if at != len(data):
        raise MalformedContribution("bytes follow the last contribution")
    return tuple(found)


def _where(number: int) -> str:
    return f"contribution {number}"


def _contribution(fixed: bytes, parameters: bytes, number: int) -> Contribution:
    where, g1_end = _where(number), 3 * G1_EVM_BYTES
    g2_end = g1_end + G2_EVM_BYTES
    delta, s, sx = (
        g1_from_file(fixed[i * G1_EVM_BYTES :][:G1_EVM_BYTES], what, where)
        for i, what in enumerate(("delta", "s", "s·x"))
    )
    spx = g2_from_file(fixed[g1_end:g2_end], "sp·x", where)
    kind = int.from_bytes(fixed[g2_end + HASH_BYTES :][:_U32], "little")
    name, iterations_exp, beacon = unpack_parameters(parameters, where)
    if kind != (BEACON if beacon else PLAIN):
        raise MalformedContribution(f"kind {kind} with other parameters", where=where)
    before = fixed[g2_end : g2_end + HASH_BYTES]
    return Contribution(delta, s, sx, spx, before, name, beacon, iterations_exp)


def pack_parameters(name: str, beacon: bytes, iterations_exp: int) -> bytes:
    """Name and beacon as they follow a contribution."""
    packed = b""
    if name:
        text = name.encode()
        packed += bytes([_NAME, len(text)]) + text
    if beacon:
        packed += bytes([_ITERATIONS, iterations_exp, _BEACON_BYTES, len(beacon)]) + beacon
    return packed


def unpack_parameters(data: bytes, where: str) -> tuple[str, int, bytes]:
    """Name, iterations' exponent and beacon; those that are not there are empty.

    Raises:
        MalformedContribution: CER-011.
    """
    found: dict[int, bytes] = {}
    at, last = 0, 0
    while at < len(data):
        kind = data[at]
        size = 1 if kind == _ITERATIONS else int.from_bytes(data[at + 1 : at + 2], "little")
        start = at + (1 if kind == _ITERATIONS else 2)
        known = kind in (_NAME, _ITERATIONS, _BEACON_BYTES) and kind > last
        if not known or not size or start + size > len(data):  # what is empty is left out
            raise MalformedContribution("its parameters do not decode", where=where)
        found[kind], last, at = data[start : start + size], kind, start + size
    beacon, iterations = found.get(_BEACON_BYTES, b""), found.get(_ITERATIONS, b"")
    exponent = iterations[0] if iterations else 0
    if bool(beacon) != bool(iterations) or (
        iterations and not MIN_ITERATIONS_EXP <= exponent <= MAX_ITERATIONS_EXP
    ):
        raise MalformedContribution("a beacon and iterations that no one has", where=where)
    try:
        name = found.get(_NAME, b"").decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedContribution("its name is not UTF-8", where=where) from None
    return name, exponent, beacon
