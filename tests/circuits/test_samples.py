"""The sample statements: what they claim, what they refuse, and their files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from circuits.samples import catalog, sha256
from circuits.samples.poseidon_chain import (
    ROWS_PER_HASH,
    ChainPublic,
    ChainWitness,
    PoseidonChain,
    example,
)
from circuits.statement import check, evaluate, record
from circuits.tapes import assign, record_tape
from zk import backends
from zk.errors import InvalidProof, ShapeMismatch, UnknownKey, Unsatisfied
from zk.field.params import FR
from zk.formats import snarkjs
from zk.formats.wtns import read_wtns
from zk.formats.zkey import read_zkey
from zk.groth16.keys import Blinding
from zk.groth16.prove import prove
from zk.groth16.setup import UNSAFE_STAMP
from zk.groth16.verify import verify
from zk.hash.poseidon import poseidon
from zk.r1cs.checker import Checker

TOP = FR.modulus - 1


class Noting(Checker):
    """The checker, with the names of the wires whose values a prover chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str] = []

    def _replaced(self, name, value):
        self.chosen.append(self._names.unique(self.path(name)))
        return value


def chosen(statement, public, witness) -> list[str]:
    noting = Noting()
    statement.constrain(noting, public, witness)
    return noting.chosen


# --- chains ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_chain_ends_where_poseidon_says(length):
    public, witness = example(length, seed=7)
    value = witness.start
    for number in witness.inputs:
        value = poseidon(0, (value, number))
    assert public.out == value
    check(PoseidonChain(length), public, witness)


@pytest.mark.parametrize(
    ("start", "numbers"), [(0, (0, 0)), (TOP, (TOP, TOP)), (1, (0, TOP)), (0, (TOP, 0))]
)
def test_a_chain_of_extreme_values_holds(start, numbers):
    value = start
    for number in numbers:
        value = poseidon(0, (value, number))
    check(PoseidonChain(2), ChainPublic(value), ChainWitness(start, numbers))


def test_another_end_or_another_beginning_is_refused():
    public, witness = example(2, seed=1)
    statement = PoseidonChain(2)
    first, second = witness.inputs
    for wrong_public, wrong_witness in (
        (ChainPublic((public.out + 1) % FR.modulus), witness),
        (public, replace(witness, start=witness.start ^ 1)),
        (public, replace(witness, inputs=(second, first))),
        (public, replace(witness, inputs=(first, (second + 1) % FR.modulus))),
    ):
        with pytest.raises(Unsatisfied):
            check(statement, wrong_public, wrong_witness)
    with pytest.raises(ShapeMismatch):
        check(statement, public, replace(witness, start=FR.modulus))


def test_no_wire_of_a_hash_can_have_another_value():
    """All that a prover chooses is determined: whatever is replaced, some row breaks."""
    statement = PoseidonChain(1)
    public, witness = example(1, seed=3)
    names = chosen(statement, public, witness)
    assert len(names) > 70
    for name in names:
        with pytest.raises(Unsatisfied):
            check(statement, public, witness, tamper={name: lambda value: value + 1})


@pytest.mark.parametrize("length", [1, 3, 34])
def test_the_rows_of_a_chain(length):
    shape = record(PoseidonChain(length))
    assert shape.rows == ROWS_PER_HASH * length + 1
    assert shape.publics == 1
    if length == 34:
        assert shape.domain == 1 << 13


# --- SHA-256 --------------------------------------------------------------------------------------


def test_the_constants_are_those_of_the_standard():
    assert sha256.INITIAL[:2] == (0x6A09E667, 0xBB67AE85)
    assert sha256.ROUND_CONSTANTS[:2] == (0x428A2F98, 0x71374491)
    assert sha256.ROUND_CONSTANTS[-1] == 0xC67178F2


@pytest.mark.parametrize(
    "message", [bytes(32), b"\xff" * 32, bytes(range(32)), b"\x80" + bytes(31)]
)
def test_the_circuit_computes_sha256(message):
    digest = sha256.bits_of(hashlib.sha256(message).digest())
    check(
        sha256.Sha256Preimage(),
        sha256.Sha256Public(digest),
        sha256.Sha256Witness(sha256.bits_of(message)),
    )


@pytest.mark.parametrize("index", [0, 7, 31, 128, 255])
def test_another_digest_or_preimage_is_refused(index):
    public, witness = sha256.example(1)

    def flipped(bits):
        return (*bits[:index], 1 - bits[index], *bits[index + 1 :])

    statement = sha256.Sha256Preimage()
    with pytest.raises(Unsatisfied):
        check(statement, replace(public, digest=flipped(public.digest)), witness)
    with pytest.raises(Unsatisfied):
        check(statement, public, replace(witness, preimage=flipped(witness.preimage)))


def test_a_number_that_is_no_bit_is_refused():
    public, witness = sha256.example(1)
    statement = sha256.Sha256Preimage()
    with pytest.raises(Unsatisfied):
        check(statement, public, replace(witness, preimage=(2, *witness.preimage[1:])))
    with pytest.raises(Unsatisfied):
        check(statement, replace(public, digest=(TOP, *public.digest[1:])), witness)


def test_bits_of_sums_and_choices_cannot_be_others():
    statement = sha256.Sha256Preimage()
    public, witness = sha256.example(2)
    names = chosen(statement, public, witness)
    for name in names[:: len(names) // 16]:
        with pytest.raises(Unsatisfied):
            check(statement, public, witness, tamper={name: lambda value: 1 - value})


# --- tapes and files ------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["reference", "portable"])
@pytest.mark.parametrize("name", ["chain", "sha256"])
def test_tapes_give_what_the_evaluator_gives(name, backend):
    sample = catalog.sample("sha256") if name == "sha256" else catalog.chain(3)
    statement = sample.statement()
    public, witness = sample.example(5)
    record_tape(statement, cache=False)  # there is one
    made = assign(statement, public, witness, backends.get(backend))
    assert (made == evaluate(statement, public, witness)).all()


def test_files_are_made_once_and_prove(tmp_path):
    which, backend = catalog.chain(2), backends.get()
    phases: list[str] = []
    made = catalog.artefacts(
        which, tmp_path, backend=backend, progress=lambda phase, _: phases.append(phase)
    )
    assert {"record", "write", "witness"} <= set(phases)
    phases.clear()
    catalog.artefacts(which, tmp_path, progress=lambda phase, _: phases.append(phase))
    assert phases == []
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert catalog.artefacts(which, tmp_path, backend=backend) == made
    other = catalog.artefacts(which, tmp_path, backend=backend, seed=9)
    assert other.zkey == made.zkey
    assert other.wtns != made.wtns
    assert {path: path.stat().st_mtime_ns for path in stamps if path.suffix != ".lock"} == {
        path: stamp for path, stamp in stamps.items() if path.suffix != ".lock"
    }
    key = read_zkey(made.zkey)
    assert UNSAFE_STAMP in key.note
    verifying_key = snarkjs.read_verifying_key(made.verifying_key.read_bytes())
    for each, seed in ((made, catalog.SEED), (other, 9)):
        proof = prove(key, read_wtns(each.wtns), Blinding(3, 4), backend)
        public = snarkjs.read_public(each.public.read_bytes())
        assert public == (which.example(seed)[0].out,)
        verify(verifying_key, public, proof, backend)
        with pytest.raises(InvalidProof):
            verify(verifying_key, (public[0] ^ 1,), proof, backend)


@pytest.mark.parametrize("note", [b"", b"{}", b"[1]", b'{"sources": "x", "circuit": "00"}', None])
def test_a_note_of_other_sources_is_not_believed(tmp_path, note):
    which, backend = catalog.chain(1), backends.get()
    made = catalog.artefacts(which, tmp_path, backend=backend)
    (kept,) = tmp_path.glob("*1.json")
    right = json.loads(kept.read_bytes())
    if note is None:  # right sources, but no digest: it must not become part of a path
        note = json.dumps({**right, "circuit": "../0"}).encode()
    kept.write_bytes(note)
    phases: list[str] = []
    again = catalog.artefacts(
        which, tmp_path, backend=backend, progress=lambda phase, _: phases.append(phase)
    )
    assert again == made
    assert "record" in phases
    assert json.loads(kept.read_bytes()) == right


def test_an_unknown_sample_is_refused(tmp_path):
    with pytest.raises(UnknownKey, match="no sample is called"):
        catalog.artefacts("sha3", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_sample_has_its_name():
    for name, each in catalog.SAMPLES.items():
        assert each.name == name
        assert catalog.sample(name) is each
