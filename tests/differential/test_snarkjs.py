"""Our files in snarkjs's hands, and its files in ours.

Where snarkjs offers a choice it is asked for the strictest comparison: the key that it makes of our
powers of τ and our circuit must be ours, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from zk.backends import get
from zk.errors import InvalidProof
from zk.field.arrays import U64Array, from_array, to_array
from zk.field.params import FR
from zk.formats import snarkjs as documents
from zk.formats.container import FP_BYTES, read, u32_bytes, write
from zk.formats.itemised import verify_documents
from zk.formats.r1cs import write_r1cs
from zk.formats.sym import write_sym
from zk.formats.wtns import write_wtns
from zk.formats.zkey import read_zkey, write_zkey
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, ProvingKey
from zk.groth16.prove import prove, public_inputs
from zk.groth16.qap import lagrange_basis
from zk.groth16.setup import ToxicWaste, UnsafeDevSetup, setup
from zk.groth16.verify import verify
from zk.interfaces import Backend
from zk.r1cs.matrices import R1CS

pytestmark = pytest.mark.oracle_snarkjs

POWER = 5  # the circuit needs 4; of the last power snarkjs leaves one term of the H basis out
TOXIC = ToxicWaste(tau=271828, alpha=314159, beta=161803, gamma=1, delta=1)


@dataclass(frozen=True)
class Files:
    """One circuit on disk, with the objects it was written from."""

    folder: Path
    shape: R1CS
    assignment: U64Array
    key: ProvingKey
    public: tuple[int, ...]

    def __getattr__(self, name: str) -> Path:
        return self.folder / name.replace("_", ".", 1)

    def write(self, name: str, document: object) -> Path:
        path = self.folder / name
        path.write_bytes(documents.dump(document))
        return path


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> Files:
    folder = tmp_path_factory.mktemp("snarkjs")
    shape, assignment = random_circuit(3, rows=9, publics=3)
    key = UnsafeDevSetup().run(shape, get("reference"))
    write_r1cs(shape, folder / "circuit.r1cs")
    write_sym(shape, folder / "circuit.sym")
    write_wtns(assignment, folder / "witness.wtns")
    write_zkey(key, folder / "circuit.zkey")
    made = Files(folder, shape, assignment, key, public_inputs(key, assignment))
    made.write("vk.json", documents.verifying_key_document(key.verifying_key, unsafe=key.note))
    proof = prove(key, assignment, Blinding(123, 456), get("reference"))
    made.write("proof.json", documents.proof_document(proof))
    made.write("public.json", documents.public_document(made.public))
    return made


@pytest.fixture(scope="session")
def ptau(files: Files, snarkjs, tmp_path_factory) -> Path:
    """Powers of a known τ, with snarkjs's own Lagrange bases appended."""
    folder = tmp_path_factory.mktemp("ptau")
    write_ptau(folder / "powers.ptau", POWER, TOXIC, get("reference"))
    snarkjs("powersoftau", "prepare", "phase2", folder / "powers.ptau", folder / "final.ptau")
    return folder / "final.ptau"


def write_ptau(
    path: Path, power: int, toxic: ToxicWaste, backend: Backend, *, prepared: bool = False
) -> None:
    """`.ptau` without contributions, enough for `groth16 setup`.

    `prepared` appends the Lagrange bases of all domains, which snarkjs computes from the powers;
    knowing τ is faster.
    """
    n = 1 << power
    powers = [pow(toxic.tau, i, FR.modulus) for i in range(2 * n - 1)]

    def g1(scalars: Iterable[int], factor: int = 1) -> bytes:
        return backend.fixed_base_g1(
            to_array(int(factor * s % FR.modulus) for s in scalars)
        ).tobytes()

    def g2(scalars: Iterable[int]) -> bytes:
        return backend.fixed_base_g2(to_array(map(int, scalars))).tobytes()

    sections = [
        (1, FP_BYTES + u32_bytes(power) + u32_bytes(power)),
        (2, g1(powers)),
        (3, g2(powers[:n])),
        (4, g1(powers[:n], toxic.alpha)),
        (5, g1(powers[:n], toxic.beta)),
        (6, g2([toxic.beta])),
        (7, u32_bytes(0)),
    ]
    if prepared:

        def basis(order: int) -> list[int]:
            return from_array(lagrange_basis(toxic.tau, order, backend))

        bases = [b for p in range(power + 1) for b in basis(1 << p)]
        sections += [
            (12, g1([*bases, *basis(2 * n)])),
            (13, g2(bases)),
            (14, g1(bases, toxic.alpha)),
            (15, g1(bases, toxic.beta)),
        ]
    with path.open("wb") as file:
        write(file, "ptau", 1, sections)


def test_snarkjs_reads_our_circuit(files: Files, snarkjs) -> None:
    told = snarkjs("r1cs", "info", files.circuit_r1cs).stdout
    assert f"# of Wires: {files.shape.wires}" in told
    assert f"# of Constraints: {files.shape.rows}" in told
    assert f"# of Public Inputs: {files.shape.publics}" in told
    printed = snarkjs("r1cs", "print", files.circuit_r1cs, files.circuit_sym).stdout
    assert printed.count("= 0") == files.shape.rows
    assert "main.w1" in printed


def test_snarkjs_checks_our_witness(files: Files, snarkjs, tmp_path: Path) -> None:
    told = snarkjs("wtns", "check", files.circuit_r1cs, files.witness_wtns).stdout
    assert "WITNESS IS CORRECT" in told
    wrong = files.assignment.copy()
    wrong[-1, 0] ^= 1
    write_wtns(wrong, tmp_path / "wrong.wtns")
    told = snarkjs("wtns", "check", files.circuit_r1cs, tmp_path / "wrong.wtns", ok=False).stdout
    assert "WITNESS IS NOT CORRECT" in told


def test_snarkjs_reads_our_verifying_key_from_our_proving_key(files: Files, snarkjs) -> None:
    exported = files.folder / "exported.json"
    snarkjs("zkey", "export", "verificationkey", files.circuit_zkey, exported)
    ours = documents.verifying_key_document(files.key.verifying_key)
    assert json.loads(exported.read_text()) == ours  # vk_alphabeta_12 included


def test_snarkjs_verifies_our_proof(files: Files, snarkjs, tmp_path: Path) -> None:
    told = snarkjs("groth16", "verify", files.vk_json, files.public_json, files.proof_json).stdout
    assert "OK!" in told
    wrong = tmp_path / "public.json"
    wrong.write_bytes(documents.dump(documents.public_document([1, *files.public[1:]])))
    told = snarkjs("groth16", "verify", files.vk_json, wrong, files.proof_json, ok=False).stdout
    assert "Invalid proof" in told


def test_we_verify_what_snarkjs_proves_with_our_key(files: Files, snarkjs) -> None:
    proof, public = files.folder / "their.proof.json", files.folder / "their.public.json"
    snarkjs("groth16", "prove", files.circuit_zkey, files.witness_wtns, proof, public)
    assert documents.read_public(public.read_bytes()) == files.public
    verify(files.key.verifying_key, files.public, documents.read_proof(proof.read_bytes()))
    checks = verify_documents(proof.read_bytes(), public.read_bytes(), files.vk_json.read_bytes())
    assert all(check.ok for check in checks)


def test_snarkjs_makes_the_same_key_byte_for_byte(
    files: Files, ptau: Path, snarkjs, tmp_path
) -> None:
    """`groth16 setup` with our powers of τ and our circuit: δ = 1, csHash included."""
    theirs, ours = tmp_path / "theirs.zkey", tmp_path / "ours.zkey"
    snarkjs("groth16", "setup", files.circuit_r1cs, ptau, theirs)
    write_zkey(setup(files.shape, TOXIC, get("reference")), ours, plain=True)
    assert ours.read_bytes() == theirs.read_bytes()


def test_snarkjs_verifies_and_extends_our_initial_key(
    files: Files, ptau: Path, snarkjs, tmp_path
) -> None:
    initial, final = tmp_path / "initial.zkey", tmp_path / "final.zkey"
    write_zkey(setup(files.shape, TOXIC, get("reference")), initial)
    assert "ZKey Ok!" in snarkjs("zkey", "verify", files.circuit_r1cs, ptau, initial).stdout
    snarkjs("zkey", "contribute", initial, final, "--name=test", "-e=entropy of a test")
    assert "ZKey Ok!" in snarkjs("zkey", "verify", files.circuit_r1cs, ptau, final).stdout

    contributed = read_zkey(final)
    assert len(contributed.contributions) > 400
    proof = prove(contributed, files.assignment, Blinding(7, 8), get("reference"))
    verify(contributed.verifying_key, files.public, proof)
    with pytest.raises(InvalidProof):
        verify(files.key.verifying_key, files.public, proof)


def test_contributions_survive_a_round_trip(files: Files, ptau: Path, snarkjs, tmp_path) -> None:
    initial, final, again = (tmp_path / f"{name}.zkey" for name in ("initial", "final", "again"))
    snarkjs("groth16", "setup", files.circuit_r1cs, ptau, initial)
    snarkjs("zkey", "contribute", initial, final, "--name=test", "-e=other entropy")
    write_zkey(read_zkey(final), again, plain=True)
    first, second = read(final, "zkey", (1,)), read(again, "zkey", (1,))
    for number in range(1, 11):
        assert first.section(number).data == second.section(number).data


@pytest.mark.slow
def test_snarkjs_makes_the_same_key_above_the_size_of_its_chunks(snarkjs, tmp_path) -> None:
    """Above 2^14 its csHash covers one more point; a minute, most of it in snarkjs."""
    shape, _ = random_circuit(3, rows=(1 << 14) + 100, publics=3)
    assert shape.domain == 1 << 15
    write_r1cs(shape, tmp_path / "circuit.r1cs")
    write_ptau(tmp_path / "powers.ptau", 16, TOXIC, get(), prepared=True)
    theirs, ours = tmp_path / "theirs.zkey", tmp_path / "ours.zkey"
    snarkjs("groth16", "setup", tmp_path / "circuit.r1cs", tmp_path / "powers.ptau", theirs)
    write_zkey(setup(shape, TOXIC, get()), ours, plain=True)
    assert ours.read_bytes() == theirs.read_bytes()
