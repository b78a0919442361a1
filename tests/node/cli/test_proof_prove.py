"""`chiaro proof prove`: three documents that verify, or a refusal and nothing written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from circuits.keys import file_digest
from zk.backends import get
from zk.formats import snarkjs
from zk.formats.wtns import write_wtns
from zk.formats.zkey import write_zkey
from zk.groth16.example import random_circuit
from zk.groth16.setup import ToxicWaste, UnsafeDevSetup, setup
from zk.groth16.verify import verify

NAMES = ["proof.json", "public.json", "verification_key.json"]
PHASES = {"start", "read_key", "read_witness", "ntt", "msm_a", "msm_b1", "msm_b2", "msm_c", "msm_h"}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A key and a witness, and those of other circuits."""
    folder = tmp_path_factory.mktemp("prove")
    for name, seed in (("c", 3), ("other", 4)):
        shape, assignment = random_circuit(seed, rows=9 + seed, publics=3)
        write_zkey(UnsafeDevSetup().run(shape, get()), folder / f"{name}.zkey")
        write_wtns(assignment, folder / f"{name}.wtns")
    shape, assignment = random_circuit(3, rows=12, publics=3)
    wrong = assignment.copy()
    wrong[-1, 0] ^= 1
    write_wtns(wrong, folder / "wrong.wtns")
    toxic = ToxicWaste(tau=271828, alpha=314159, beta=161803, gamma=1, delta=1)
    write_zkey(setup(shape, toxic, get()), folder / "nobody.zkey")
    data = bytearray((folder / "c.zkey").read_bytes())
    data[-2000] ^= 1
    (folder / "damaged.zkey").write_bytes(bytes(data))
    (folder / "empty").write_bytes(b"")
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "files")
    return tmp_path / "files"


def prove(offline, folder: Path, zkey: str, wtns: str, *words: str):
    out = folder / "out"
    files = ("--zkey", str(folder / zkey), "--wtns", str(folder / wtns), "-o", str(out))
    return offline("proof", "prove", *files, *words, "--json"), out


@pytest.mark.parametrize("words", [(), ("--threads", "1"), ("--backend", "portable")])
def test_documents_that_verify(offline, folder, words) -> None:
    told, out = prove(offline, folder, "c.zkey", "c.wtns", *words)
    assert told.code == 0
    assert told.data["verified"]
    assert set(told.data["milliseconds"]) > PHASES
    assert any("UNSAFE" in warning for warning in told.document["warnings"])
    assert sorted(path.name for path in out.iterdir()) == NAMES
    proof, public, key = ((out / name).read_bytes() for name in NAMES)
    verifying_key = snarkjs.read_verifying_key(key)
    verify(verifying_key, snarkjs.read_public(public), snarkjs.read_proof(proof))
    assert told.data["key"] == "0x" + verifying_key.id
    assert told.data["public"] == [str(x) for x in snarkjs.read_public(public)]
    assert offline("verify", str(out / "proof.json"), "--json").data["valid"]


def test_two_proofs_of_one_witness_differ(offline, folder) -> None:
    texts = set()
    for _ in range(2):
        _, out = prove(offline, folder, "c.zkey", "c.wtns")
        texts.add((out / "proof.json").read_bytes())
    assert len(texts) == 2


def test_a_key_that_is_known_by_its_digest(offline, folder) -> None:
    digest = file_digest(folder / "c.zkey")
    told, _ = prove(offline, folder, "c.zkey", "c.wtns", "--key-digest", "0x" + digest)
    assert told.data["verified"]


REFUSED = {
    "a witness that is wrong": ("c.zkey", "wrong.wtns", (), 1, "PRF-002"),
    "a witness of another circuit": ("c.zkey", "other.wtns", (), 8, "CIR-005"),
    "a key that nobody contributed to": ("nobody.zkey", "c.wtns", (), 8, "PAR-004"),
    "a point that is none": ("damaged.zkey", "c.wtns", (), 3, "FMT-019"),
    "an empty key": ("empty", "c.wtns", (), 3, "FMT-012"),
    "a key for a witness": ("c.zkey", "c.zkey", (), 3, "FMT-010"),
    "a witness for a key": ("c.wtns", "c.wtns", (), 3, "FMT-010"),
    "no such key": ("nowhere", "c.wtns", (), 3, "FIL-001"),
    "a folder": (".", "c.wtns", (), 3, "FIL-001"),
    "another digest": ("c.zkey", "c.wtns", ("--key-digest", "00" * 32), 8, "PAR-003"),
    "no digest": ("c.zkey", "c.wtns", ("--key-digest", "xyz"), 2, "USE-001"),
    "no backend": ("c.zkey", "c.wtns", ("--backend", "abacus"), 2, "BCK-002"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_nothing_written(offline, folder, name) -> None:
    zkey, wtns, words, code, error = REFUSED[name]
    told, out = prove(offline, folder, zkey, wtns, *words)
    assert (told.code, told.error["code"]) == (code, error)
    assert not out.exists()


def test_values_of_a_witness_are_not_told(offline, folder) -> None:
    """Not even of one that is wrong."""
    told, _ = prove(offline, folder, "c.zkey", "wrong.wtns")
    data = (folder / "wrong.wtns").read_bytes()[-32:]
    secret = int.from_bytes(data, "little")
    assert str(secret) not in told.out + told.err
    assert data.hex() not in told.out + told.err
