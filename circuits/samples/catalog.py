"""The sample statements by name, and their keys and witnesses as files for provers to measure.

poseidon-34, -136 and -546 have domains 2¹³, 2¹⁵ and 2¹⁷ and full-width wires; sha256 has domain 2¹⁵
and nothing but bits.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from circuits.keys import write_atomically
from circuits.statement import Statement, evaluate, public_values, record
from zk import backends, files, jsontext, params
from zk.errors import UnknownKey
from zk.formats import snarkjs
from zk.formats.wtns import write_wtns
from zk.formats.zkey import read_zkey
from zk.groth16.setup import UNSAFE_STAMP, UnsafeDevSetup
from zk.interfaces import Backend, Progress
from zk.phases import phase

SEED: Final = 1
_ROOT: Final = Path(__file__).resolve().parents[2]
_SHAPING: Final = ("circuits", "circuits/samples", "circuits/gadgets", "zk/r1cs", "zk/hash")


@dataclass(frozen=True, slots=True)
class Sample:
    """A statement to measure provers with.

    Attributes:
        name: in commands and file names.
        title: for people.
        input_size: how much is proved: hashes of a chain, or bytes hashed.
        statement: makes the statement.
        example: public inputs and witness of a true statement, from a seed.
    """

    name: str
    title: str
    input_size: int
    statement: Callable[[], Statement[Any, Any]]
    example: Callable[[int], tuple[Any, Any]]


def _chain_statement(length: int) -> Statement[Any, Any]:
    from circuits.samples.poseidon_chain import PoseidonChain

    return PoseidonChain(length)


def _chain_example(length: int, seed: int) -> tuple[Any, Any]:
    from circuits.samples.poseidon_chain import example

    return example(length, seed)


def _sha256_statement() -> Statement[Any, Any]:
    from circuits.samples.sha256 import Sha256Preimage

    return Sha256Preimage()


def _sha256_example(seed: int) -> tuple[Any, Any]:
    from circuits.samples.sha256 import example

    return example(seed)


def chain(length: int) -> Sample:
    """A chain of so many Poseidon hashes."""
    return Sample(
        f"poseidon-{length}",
        f"chain of {length} Poseidon hashes",
        length,
        partial(_chain_statement, length),
        partial(_chain_example, length),
    )


SAMPLES: Final[dict[str, Sample]] = {
    each.name: each
    for each in (
        chain(34),
        chain(136),
        chain(546),
        Sample("sha256", "SHA-256 of 32 bytes", 32, _sha256_statement, _sha256_example),
    )
}


@dataclass(frozen=True, slots=True)
class Artefacts:
    """Files of one sample, in the forms of snarkjs."""

    zkey: Path
    wtns: Path
    verifying_key: Path
    public: Path


def sample(name: str) -> Sample:
    """The sample of that name.

    Raises:
        UnknownKey: there is none.
    """
    if name not in SAMPLES:
        raise UnknownKey(f"no sample is called {name}", fix=f"use one of: {', '.join(SAMPLES)}")
    return SAMPLES[name]


def artefacts(
    which: str | Sample,
    folder: Path | None = None,
    *,
    backend: Backend | None = None,
    progress: Progress | None = None,
    seed: int = SEED,
) -> Artefacts:
    """Key, witness, verifying key and public inputs of a sample; made where they are not there yet.

    The key is a development key: its secrets are published, like everything about a sample.

    Args:
        which: a sample, or the name of one.
        folder: where to; by default `samples` in the project's cache.
        backend: what computes; by default the best that starts here.
        progress: called with `record`, the phases of the setup, `write`, `witness`.
        seed: of the witness.

    Raises:
        UnknownKey: no sample of this name.
    """
    chosen = sample(which) if isinstance(which, str) else which
    where = params.cache_dir() / "samples" if folder is None else folder
    where.mkdir(parents=True, exist_ok=True)
    statement = chosen.statement()
    base = _base(chosen, statement, where, progress)
    made = Artefacts(
        zkey=where / f"{base}.zkey",
        wtns=where / f"{base}-{seed}.wtns",
        verifying_key=where / f"{base}.vk.json",
        public=where / f"{base}-{seed}.public.json",
    )
    with FileLock(where / f"{base}.lock"):
        if not made.verifying_key.exists() or not made.zkey.exists():
            key = UnsafeDevSetup().run(record(statement), backend or backends.get(), progress)
            with phase(progress, "write"):
                write_atomically(key, made.zkey)
                verifying_key = read_zkey(made.zkey).verifying_key
                document = snarkjs.verifying_key_document(verifying_key, unsafe=UNSAFE_STAMP)
                files.write(made.verifying_key, snarkjs.dump(document))
        if not made.wtns.exists() or not made.public.exists():
            with phase(progress, "witness"):
                public, witness = chosen.example(seed)
                inputs = snarkjs.public_document(public_values(public))
                files.write(made.public, snarkjs.dump(inputs))
                with files.replacing(made.wtns, mode=files.PRIVATE) as temporary:
                    write_wtns(evaluate(statement, public, witness), temporary)
    return made


def _base(
    chosen: Sample, statement: Statement[Any, Any], where: Path, progress: Progress | None
) -> str:
    """What a sample's files are called: by name and circuit, so that another circuit has others.

    A circuit of a million rows takes a minute to record. So its digest is noted beside the files,
    with that of the sources that shape it; if the note were wrong, proofs would not verify.
    """
    note = where / f"{chosen.name}.json"
    sources = _sources()
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        known = jsontext.loads(note.read_bytes())
        if known["sources"] == sources and re.fullmatch("[0-9a-f]{16}", known["circuit"]):
            return f"{chosen.name}-{known['circuit']}"
    with phase(progress, "record"):
        circuit = record(statement).digest.hex()[:16]
    files.write(note, json.dumps({"sources": sources, "circuit": circuit}).encode())
    return f"{chosen.name}-{circuit}"


@functools.cache
def _sources() -> str:
    """Digest of the code that decides what rows a sample has."""
    total = hashlib.sha256()
    for folder in _SHAPING:
        for path in sorted((_ROOT / folder).glob("*.py")):
            total.update(f"{folder}/{path.name}\n".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
