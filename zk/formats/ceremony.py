"""Files of a ceremony, whichever phase they are of: told apart by their first bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from zk.errors import FormatError
from zk.formats.ptau import read_ptau, write_ptau
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.ceremony import phase1, phase2
from zk.groth16.ceremony.beacon import Beacon
from zk.groth16.ceremony.contribution import Contribution, contributions_from_bytes
from zk.groth16.ceremony.phase1_contribution import (
    PowersContribution,
    powers_contributions_from_bytes,
)
from zk.groth16.keys import ProvingKey
from zk.interfaces import Backend, Progress

Phase = Literal["powers", "key"]
TRANSCRIPT_DOMAIN: Final = b"chiaro/v1/ceremony-transcript"
_MAGIC: Final[dict[bytes, Phase]] = {b"ptau": "powers", b"zkey": "key"}


@dataclass(frozen=True, slots=True)
class Contributed:
    """A contribution that was made.

    Attributes:
        phase: of which file.
        number: its place in the chain, from 1.
        digest: what its maker attests: the response of phase 1, the contribution's hash of phase 2.
    """

    phase: Phase
    number: int
    digest: bytes


def phase_of(path: Path) -> Phase:
    """Whether a file holds powers of τ or a key.

    Raises:
        FormatError: FMT-010, neither.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if magic not in _MAGIC:
        raise FormatError("neither a .ptau nor a .zkey file", where=str(path), code="FMT-010")
    return _MAGIC[magic]


def contribute_file(
    source: Path,
    target: Path,
    backend: Backend,
    *,
    seed: bytes | None = None,
    beacon: Beacon | None = None,
    name: str = "",
    progress: Progress | None = None,
) -> Contributed:
    """Contribute to a file of either phase; every point of it is checked first.

    Args:
        source: the ceremony's last file.
        target: where the next one goes.
        backend: what computes.
        seed: 32 secret bytes.
        beacon: instead of a seed, public randomness.
        name: who contributes, as they say.
        progress: called with the phases of the work.

    Raises:
        FormatError: the file is malformed.
        CeremonyError: its contributions do not decode.
        ParamsError: arguments that do not go together.
        OSError: it cannot be read or written.
    """
    report: Progress = progress or (lambda _phase, _share: None)
    report("read", 0.0)
    if phase_of(source) == "powers":
        powers = read_ptau(source, check=backend)
        report("read", 1.0)
        changed, made = phase1.contribute_powers(
            powers, backend, seed=seed, beacon=beacon, name=name, progress=progress
        )
        write_ptau(changed, target)
        number = len(powers_contributions_from_bytes(changed.contributions))
        return Contributed("powers", number, made.response)
    key = read_zkey(source, check=backend)
    report("read", 1.0)
    contributed, one = phase2.contribute(
        key, backend, seed=seed, beacon=beacon, name=name, progress=progress
    )
    write_zkey(contributed, target, plain=not contributed.note)
    number = len(contributions_from_bytes(contributed.contributions))
    return Contributed("key", number, one.digest)


def transcript_digest(key: ProvingKey) -> bytes:
    """BLAKE2b-256 over a domain string, the circuit's hash and all contributions: S-12's part."""
    hasher = hashlib.blake2b(TRANSCRIPT_DOMAIN, digest_size=32)
    hasher.update(key.circuit_hash + key.contributions)
    return hasher.digest()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a ceremony's record, of either phase."""

    number: int
    name: str
    digest: bytes
    beacon: bytes
    iterations_exp: int


def record(contributions: tuple[Contribution | PowersContribution, ...]) -> list[Line]:
    """Who contributed, and the hashes that they attest."""
    return [
        Line(
            number,
            made.name,
            made.digest if isinstance(made, Contribution) else made.response,
            made.beacon,
            made.iterations_exp,
        )
        for number, made in enumerate(contributions, start=1)
    ]
