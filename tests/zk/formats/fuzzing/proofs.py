"""Readers of circuits, keys, proofs and ceremonies, with small examples of what they read."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from circuits.lab import audit, reasons
from fuzzing.target import Target
from zk.backends import get
from zk.field.arrays import U64Array, to_array
from zk.formats import arkworks, evm, gnark, snarkjs
from zk.formats.container import u32_bytes, write
from zk.formats.ptau import ptau_sections, read_ptau
from zk.formats.r1cs import CircuitFile, r1cs_sections, read_r1cs
from zk.formats.sym import read_sym
from zk.formats.wtns import read_wtns
from zk.formats.zkey import NOTE_SECTION, read_zkey, zkey_sections
from zk.groth16.ceremony import phase1, phase2
from zk.groth16.ceremony.contribution import contributions_from_bytes, contributions_to_bytes
from zk.groth16.ceremony.phase1_contribution import (
    powers_contributions_from_bytes,
    powers_contributions_to_bytes,
)
from zk.groth16.ceremony.powers import LagrangeBases, PowersOfTau
from zk.groth16.example import random_circuit
from zk.groth16.keys import Blinding, Proof, ProvingKey, VerifyingKey
from zk.groth16.points import g1_points
from zk.groth16.prove import prove, public_inputs
from zk.groth16.setup import UnsafeDevSetup
from zk.r1cs import tape_file
from zk.r1cs.matrices import R1CS
from zk.r1cs.tape import Call, Derivation, Tape

Sections = list[tuple[int, bytes]]


def contained(kind: str, version: int, sections: Sections, align: Sequence[int] = ()) -> bytes:
    """A container as bytes."""
    file = io.BytesIO()
    write(file, kind, version, sections, align=align)
    return file.getvalue()


@dataclass(frozen=True)
class Made:
    """A true statement and everything that belongs to it."""

    shape: R1CS
    assignment: U64Array
    key: ProvingKey
    contributed: ProvingKey
    powers: PowersOfTau
    proof: Proof
    public: tuple[int, ...]

    @functools.cached_property
    def halves(self) -> tuple[Any, Any]:
        """β and δ in G1, which gnark's keys hold, too."""
        return g1_points(self.key.beta_g1)[0], g1_points(self.key.delta_g1)[0]


@functools.cache
def made() -> Made:
    """The smallest circuit that has every section."""
    backend = get("reference")
    shape, assignment = random_circuit(7, rows=2, publics=1)
    key = UnsafeDevSetup().run(shape, backend)
    contributed, _ = phase2.contribute(key, backend, seed=bytes(31) + b"\1", name="né")
    powers, _ = phase1.contribute_powers(
        phase1.new_powers(1, backend), backend, seed=bytes(31) + b"\2", name="a"
    )
    proof = prove(key, assignment, Blinding(11, 13), backend)
    public = public_inputs(key, assignment)
    return Made(shape, assignment, key, contributed, powers, proof, public)


# -- containers -----------------------------------------------------------------------------------


def _r1cs_seeds() -> list[bytes]:
    shape = made().shape
    named = CircuitFile(shape, 1, 2, np.arange(shape.wires, dtype=np.uint64) * 7, 1000, (2, 1, 3))
    return [contained("r1cs", 1, r1cs_sections(circuit)) for circuit in (shape, named)]


def _wtns(assignment: U64Array) -> bytes:
    values = np.ascontiguousarray(assignment, dtype="<u8").tobytes()
    header = r1cs_sections(made().shape)[0][1][:36] + u32_bytes(len(assignment))
    return contained("wtns", 2, [(1, header), (2, values)])


def _zkey_seeds() -> list[bytes]:
    plain = contained("zkey", 1, zkey_sections(made().contributed))
    note = (NOTE_SECTION, b"UNSAFE")
    aligned = contained("zkey", 1, [note, *zkey_sections(made().key)], range(3, 10))
    return [plain, aligned]


def _zkey(key: ProvingKey) -> bytes:
    note: Sections = [(NOTE_SECTION, key.note.encode())] if key.note else []
    return contained("zkey", 1, [*note, *zkey_sections(key)])


def _ptau_seeds() -> list[bytes]:
    powers = made().powers
    bases = LagrangeBases(  # any points: whether they are the bases, a reader does not ask
        np.concatenate([powers.tau_g1, powers.tau_g1, powers.alpha_g1[:1]]),
        np.concatenate([powers.tau_g2, powers.tau_g2[:1]]),
        powers.tau_g1,
        powers.tau_g1,
    )
    return [_ptau(powers), _ptau(replace(powers, lagrange=bases))]


def _ptau(powers: PowersOfTau) -> bytes:
    return contained("ptau", 1, ptau_sections(powers))


# -- documents ------------------------------------------------------------------------------------


def _proof_json(proof: Proof) -> bytes:
    return snarkjs.dump(snarkjs.proof_document(proof))


def _key_json(key: VerifyingKey) -> bytes:
    return snarkjs.dump(snarkjs.verifying_key_document(key))


def _public_json(public: Sequence[int]) -> bytes:
    return snarkjs.dump(snarkjs.public_document(public))


def _symbols(symbols: Sequence[Any]) -> bytes:
    return "".join(f"{s.label},{s.wire},{s.component},{s.name}\n" for s in symbols).encode()


_REASONS = b"""{"statement": "s", "digest": "0x00", "wires": {"a": "b"}, "rows": {},
 "divisions": {"c": "d"}, "only": {"a": ["case: e"]}}"""


_CERTIFICATE = (
    b'{"schema": "chiaro.certificate/1", "statement": "s", "digest": "0x00",'
    b' "deletions": {"examined": 5, "open": ["a", null, 1.5]}, "passed": true}'
)


def _reasons(found: reasons.Reasons) -> bytes:
    return json.dumps({"statement": "s", "digest": "0x00", **asdict(found)}).encode()


# -- proofs and keys of other libraries -----------------------------------------------------------


def _forms(write: Callable[..., bytes], *values: Any) -> Callable[[], list[bytes]]:
    return lambda: [
        write(*(value() if callable(value) else value for value in values), raw=raw)
        for raw in (False, True)
    ]


def _proof() -> Proof:
    return made().proof


@functools.cache
def _vk() -> VerifyingKey:
    return made().key.verifying_key


def _ark_proof(data: bytes) -> tuple[Proof, bool]:
    return arkworks.proof_from_bytes(data), len(data) == 256


def _ark_key(data: bytes) -> tuple[VerifyingKey, bool]:
    key = arkworks.verifying_key_from_bytes(data)
    return key, len(data) != len(arkworks.verifying_key_to_bytes(key))


def _gnark_key(data: bytes) -> tuple[VerifyingKey, bytes]:
    """With β and δ of G1 as they stand in the file: a verifying key does not keep them."""
    key = gnark.verifying_key_from_bytes(data)
    raw = not data[0] & 0xC0
    one, two = (64, 128) if raw else (32, 64)
    beta, delta = data[one : 2 * one], data[2 * (one + two) : 2 * (one + two) + one]
    return key, bytes([raw]) + beta + delta


def _gnark_key_bytes(value: tuple[VerifyingKey, bytes]) -> bytes:
    key, rest = value
    raw, size = bool(rest[0]), (len(rest) - 1) // 2
    reader = gnark._Reader(rest[1:], "halves")
    beta, delta = reader.g1("beta"), reader.g1("delta")
    assert len(rest) == 1 + 2 * size
    return gnark.verifying_key_to_bytes(key, beta, delta, raw=raw)


def _gnark_proof(data: bytes) -> tuple[Proof, bool]:
    return gnark.proof_from_bytes(data), not data[0] & 0xC0


def _pair(write: Callable[..., bytes]) -> Callable[[Any], bytes]:
    return lambda value: write(*value)


def _form(write: Callable[..., bytes]) -> Callable[[Any], bytes]:
    return lambda value: write(value[0], raw=value[1])


def _statement(write: Callable[..., bytes]) -> Callable[[], list[bytes]]:
    return lambda: [write(_proof(), made().public), write(_proof(), ())]


def _evm_text(proof: Proof, public: Sequence[int]) -> bytes:
    return evm.text(proof, public).encode()


# -- tapes ----------------------------------------------------------------------------------------


def _double(value: int) -> tuple[int, ...]:
    return (2 * value,)


_FUNCTIONS = {"double": _double}


def _tape() -> list[bytes]:
    """w1 = x, w2 = 2x derived, w3 = w1·w2, w4 = 3·w1 + w2, w5 by a call, digits."""
    tape = Tape(
        name="example/1",
        wires=8,
        publics=1,
        slots=8,
        leaves=1,
        derivations=(Derivation(_double, ((True, 0),), 1), Derivation(_double, ((False, 5),), 1)),
        sources=np.array([0, 1], dtype=np.uint32),
        inputs=np.array([1, 2], dtype=np.uint32),
        operations=np.array(
            [[0, 3, 1, 2], [3, 4, 0, 2], [8, 5, 0, 0], [7, 6, 1, 2 | 1 << 24]], dtype=np.uint32
        ),
        terms=np.array([[1, 0], [2, 1]], dtype=np.uint32),
        coefficients=to_array([3, 1]),
        calls=(Call(_double, (3,), 1, "advice"),),
    )
    return [tape_file.to_bytes(tape, _FUNCTIONS)]


def _repaired_tape(data: bytes) -> bytes:
    """With the digest and the header's length that belong to its content: no change finds them."""
    start = len(tape_file.MAGIC) + 32
    if len(data) < start + 8:
        return data
    content = data[start:]
    text = content[8:].decode("latin-1")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        end = None
    if end is not None:
        header = text[:end].encode("latin-1")
        header += b" " * (-len(header) % 8)
        content = len(header).to_bytes(8, "little") + header + content[8 + end :].lstrip(b" ")
    return data[: len(tape_file.MAGIC)] + tape_file.digest(content) + content


TARGETS = (
    Target(
        "r1cs",
        read_r1cs,
        lambda circuit: contained("r1cs", 1, r1cs_sections(circuit)),
        _r1cs_seeds,
        memory=16,
        container=True,
    ),
    Target("wtns", read_wtns, _wtns, lambda: [_wtns(made().assignment)], memory=2, container=True),
    Target(
        "zkey",
        lambda data: read_zkey(data, check=get("reference")),
        _zkey,
        _zkey_seeds,
        memory=8,
        container=True,
    ),
    Target(
        "ptau",
        lambda data: read_ptau(data, check=get("reference")),
        _ptau,
        _ptau_seeds,
        memory=8,
        container=True,
    ),
    Target(
        "zkey_contributions",
        contributions_from_bytes,
        contributions_to_bytes,
        lambda: [made().contributed.contributions],
        memory=8,
        exact=True,
    ),
    Target(
        "ptau_contributions",
        powers_contributions_from_bytes,
        powers_contributions_to_bytes,
        lambda: [made().powers.contributions],
        memory=8,
        exact=True,
    ),
    Target(
        "sym",
        read_sym,
        _symbols,
        lambda: [b"1,1,0,main.a\n2,-1,0,main.b[1]\r\n", "3,2,1,main.é".encode()],
        memory=24,
        text=True,
    ),
    Target(
        "snarkjs_proof",
        snarkjs.read_proof,
        _proof_json,
        lambda: [_proof_json(_proof())],
        memory=48,
        text=True,
    ),
    Target(
        "snarkjs_public",
        snarkjs.read_public,
        _public_json,
        lambda: [_public_json(made().public), b"[]", b'["0", "1", "2"]'],
        memory=48,
        text=True,
    ),
    Target(
        "snarkjs_key",
        snarkjs.read_verifying_key,
        _key_json,
        lambda: [_key_json(_vk())],
        memory=48,
        text=True,
    ),
    Target("evm_words", evm.from_words, _pair(evm.words), _statement(evm.words), 8, exact=True),
    Target(
        "evm_call", evm.from_call_data, _pair(evm.call_data), _statement(evm.call_data), 8, True
    ),
    Target(
        "evm_text",
        lambda data: evm.from_text(data.decode("latin-1")),
        _pair(_evm_text),
        _statement(_evm_text),
        memory=16,
        text=True,
    ),
    Target(
        "gnark_proof",
        _gnark_proof,
        _form(gnark.proof_to_bytes),
        _forms(gnark.proof_to_bytes, _proof),
        memory=8,
    ),
    Target(
        "gnark_key",
        _gnark_key,
        _gnark_key_bytes,
        lambda: [
            gnark.verifying_key_to_bytes(_vk(), *made().halves, raw=raw) for raw in (False, True)
        ],
        memory=8,
    ),
    Target(
        "arkworks_proof",
        _ark_proof,
        _form(arkworks.proof_to_bytes),
        _forms(arkworks.proof_to_bytes, _proof),
        memory=8,
        exact=True,
    ),
    Target(
        "arkworks_key",
        _ark_key,
        _form(arkworks.verifying_key_to_bytes),
        _forms(arkworks.verifying_key_to_bytes, _vk),
        memory=8,
        exact=True,
    ),
    Target(
        "verifying_key",
        VerifyingKey.from_bytes,
        VerifyingKey.to_bytes,
        lambda: [_vk().to_bytes()],
        memory=8,
        exact=True,
    ),
    Target(
        "tape",
        lambda data: tape_file.from_bytes(data, _FUNCTIONS),
        lambda tape: tape_file.to_bytes(tape, _FUNCTIONS),
        _tape,
        memory=40,
        repaired=_repaired_tape,
        text=True,
    ),
    Target(
        "certificate",
        lambda data: audit.parse(data, "file"),
        lambda document: audit.text(document).encode(),
        lambda: [_CERTIFICATE],
        memory=48,
        text=True,
    ),
    Target(
        "reasons",
        lambda data: reasons.parse(data, "0x00", "file"),
        _reasons,
        lambda: [_REASONS],
        48,
        text=True,
    ),
)
