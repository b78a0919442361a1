"""Groth16 with keys and witnesses of any tool: read, prove, check, write. The front door of `zk`.

    key = load_key("circuit.zkey")            # snarkjs, or ours
    witness = load_witness("witness.wtns")    # uint64[wires, 4], standard form
    proved = prove(key, witness)              # verified before it is returned
    proved.write("out")                       # proof.json, public.json, verification_key.json

`docs/python.md` tells more. Everything heavy goes through a `zk.interfaces.Backend`; phases are
reported to a callback `(name, share)`: `read_key`, `read_witness`, `ntt`, `msm_a`, `msm_b1`,
`msm_b2`, `msm_c`, `msm_h`, `verify`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np

from zk import backends, files
from zk.errors import CircuitError, InvalidProof
from zk.field.arrays import LIMBS, U64Array
from zk.field.params import FR
from zk.formats import snarkjs
from zk.formats.wtns import read_wtns
from zk.formats.zkey import read_zkey
from zk.groth16.keys import Blinding, Proof, ProvingKey, VerifyingKey
from zk.groth16.prove import prove as prove_unchecked
from zk.groth16.prove import public_inputs
from zk.groth16.verify import verify
from zk.interfaces import Backend, Progress
from zk.phases import phase

DOCUMENTS: Final = ("proof.json", "public.json", "verification_key.json")

FilePath = str | PathLike[str]


class KeyWitnessMismatch(CircuitError):
    """Key and witness of different circuits."""

    code = "CIR-005"
    exit_code = 8
    why = "a witness assigns a value to each wire of one circuit, and the key is of another"
    fix = "make the witness with the circuit that the key was made for"


class FalseWitness(InvalidProof):
    """A witness that does not satisfy the circuit: what was made of it is no proof."""

    code = "PRF-002"
    why = "only true statements have proofs; nothing was written"
    fix = "check the witness against its circuit, for instance with `snarkjs wtns check`"


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof that was verified, with what it is verified against.

    Attributes:
        proof: A, B, C.
        public: the public inputs, in order, without the constant one.
        key: the verifying key.
        unsafe: the warning that the proving key carries, else empty.
    """

    proof: Proof
    public: tuple[int, ...]
    key: VerifyingKey
    unsafe: str = ""

    def documents(self) -> dict[str, bytes]:
        """Content of each of `DOCUMENTS`, as snarkjs writes them."""
        key = snarkjs.verifying_key_document(self.key, unsafe=self.unsafe)
        documents = (
            snarkjs.proof_document(self.proof),
            snarkjs.public_document(self.public),
            key,
        )
        return dict(zip(DOCUMENTS, map(snarkjs.dump, documents), strict=True))

    def write(self, folder: FilePath) -> list[Path]:
        """Write the documents into a folder, which is made if need be: all of them, or none.

        Raises:
            OSError: the disk or the folder refuses.
        """
        target = Path(folder)
        content = self.documents()
        target.mkdir(parents=True, exist_ok=True)
        files.write_all({target / name: data for name, data in content.items()})
        return [target / name for name in content]


def load_key(
    path: FilePath, *, backend: Backend | None = None, trusted: bool = False
) -> ProvingKey:
    """The proving key of a `.zkey`: the file is mapped, its points are arrays as they lie there.

    Args:
        path: the file; it must not change while the key is in use.
        backend: what checks the points; by default the best that starts here.
        trusted: leave the checks of points out. For files whose digest was compared with one that
            is known, and for no others: see `zk.formats.zkey.read_zkey`.

    Raises:
        FormatError: what is wrong with the file, where, and a code for it.
        OSError: it cannot be read.
    """
    return read_zkey(Path(path), check=None if trusted else backend or backends.get())


def load_witness(path: FilePath) -> U64Array:
    """The assignment of a `.wtns`: `uint64[wires, 4]`, standard form, wire 0 equal to one.

    Raises:
        FormatError: what is wrong with the file, where, and a code for it.
        OSError: it cannot be read.
    """
    return read_wtns(Path(path))


def prove(
    key: ProvingKey,
    witness: U64Array,
    *,
    backend: Backend | None = None,
    blinding: Blinding | None = None,
    progress: Progress | None = None,
) -> Proved:
    """A proof, verified.

    Args:
        key: proving key of a circuit.
        witness: `uint64[wires, 4]`, standard form: the constant one, the public inputs, the rest.
        backend: what computes; by default the best that starts here.
        blinding: r and s; by default from the operating system. Never twice for two witnesses.
        progress: called with `ntt`, `msm_a`, `msm_b1`, `msm_b2`, `msm_c`, `msm_h`, `verify`.

    Raises:
        KeyWitnessMismatch: the witness has another number of wires than the key.
        ShapeMismatch: the array is no assignment: another type, a value not below r.
        FalseWitness: the witness does not satisfy the circuit (or the key is no key of it).
        UnsafeKey: rule S-11; so for a key that nobody contributed to.
    """
    backend = backend or backends.get()
    if witness.shape[:1] != (key.wires,) and witness.shape[1:] == (LIMBS,):
        raise KeyWitnessMismatch(
            f"the key is of a circuit of {key.wires} wires, the witness has {len(witness)}"
        )
    verifying_key = key.verifying_key
    assignment = np.ascontiguousarray(witness)
    proof = prove_unchecked(key, assignment, blinding or fresh_blinding(), backend, progress)
    public = public_inputs(key, assignment)
    with phase(progress, "verify"):
        try:
            verify(verifying_key, public, proof, backend)
        except InvalidProof as error:
            raise FalseWitness(
                "the witness does not satisfy the circuit of this key", where=error.where
            ) from error
    return Proved(proof, public, verifying_key, key.warning)


def prove_files(
    zkey: FilePath,
    wtns: FilePath,
    *,
    backend: Backend | None = None,
    trusted: bool = False,
    progress: Progress | None = None,
) -> Proved:
    """`load_key`, `load_witness`, `prove`; raises what they raise.

    Args:
        zkey: proving key.
        wtns: witness.
        backend: what computes; by default the best that starts here.
        trusted: leave the checks of the key's points out; see `load_key`.
        progress: called with `read_witness`, `read_key` and the phases of `prove`.
    """
    backend = backend or backends.get()
    with phase(progress, "read_witness"):
        witness = load_witness(wtns)
    with phase(progress, "read_key"):
        key = load_key(zkey, backend=backend, trusted=trusted)
    return prove(key, witness, backend=backend, progress=progress)


def fresh_blinding() -> Blinding:
    """R and s from the operating system's randomness."""
    r, s = (secrets.randbelow(FR.modulus - 1) + 1 for _ in range(2))
    return Blinding(r, s)
