"""Files that are as large for their readers as files of their size can be."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from fuzzing.proofs import contained, made
from zk.formats import snarkjs
from zk.formats.container import u32_bytes
from zk.formats.ptau import ptau_sections
from zk.formats.r1cs import r1cs_sections
from zk.formats.zkey import zkey_sections

SIZE = 30_000


def _r1cs(wires: int, rows: int) -> bytes:
    header = r1cs_sections(made().shape)[0][1][:36]
    header += struct.pack("<IIIIQI", wires, 0, 0, 0, wires, rows)
    sections = [(1, header), (2, bytes(12 * rows)), (3, bytes(8 * wires))]
    return contained("r1cs", 1, sections)


def _wtns() -> bytes:
    wires = SIZE // 32
    header = r1cs_sections(made().shape)[0][1][:36] + u32_bytes(wires)
    return contained("wtns", 2, [(1, header), (2, (b"\1" + bytes(31)) * wires)])


def _receipt() -> bytes:
    head = bytes(72) + bytes(4) + b"\1" + bytes(4) + bytes(4) + bytes(8)
    return head + u32_bytes(SIZE // 8) + bytes(SIZE - SIZE % 8)


def _block() -> bytes:
    return u32_bytes(144) + bytes(144) + u32_bytes(SIZE // 4) + bytes(SIZE)


def _zkey(wires: int, coefficients: int) -> bytes:
    """A key of as many wires, its points repeated, and as many coefficients."""
    sections = dict(zkey_sections(made().key))
    sections[2] = sections[2][:72] + u32_bytes(wires) + sections[2][76:]
    for number, size in ((5, 64), (6, 64), (7, 128)):
        sections[number] = made().key.h[:1].tobytes() * wires if size == 64 else bytes(128) * wires
    sections[8] = sections[5][: 64 * (wires - made().key.publics - 1)]
    sections[4] = u32_bytes(coefficients) + sections[4][4:48] * coefficients
    return contained("zkey", 1, list(sections.items()))


def _ptau(power: int) -> bytes:
    """As many powers, all of them the first one."""
    n, powers = 1 << power, made().powers
    counts = {"tau_g1": 2 * n - 1, "tau_g2": n, "alpha_g1": n, "beta_g1": n}
    parts = {name: np.repeat(getattr(powers, name)[:1], k, axis=0) for name, k in counts.items()}
    return contained(
        "ptau", 1, ptau_sections(replace(powers, power=power, ceremony_power=power, **parts))
    )


def _contributions() -> bytes:
    one = made().contributed.contributions[4:]
    count = SIZE // len(one)
    return u32_bytes(count) + one * count


def _inputs_of_a_key() -> bytes:
    document = snarkjs.verifying_key_document(made().key.verifying_key)
    document["IC"] *= SIZE // 400
    document["nPublic"] = len(document["IC"]) - 1
    return snarkjs.dump(document)


def _many(repeated: bytes, opening: bytes = b"", closing: bytes = b"") -> bytes:
    return opening + repeated * ((SIZE - len(opening)) // len(repeated)) + closing


BULK = {
    "r1cs": lambda: [_r1cs(SIZE // 8, 1), _r1cs(2, SIZE // 12), _r1cs(SIZE // 20, SIZE // 20)],
    "wtns": lambda: [_wtns()],
    "sym": lambda: [_many(b"1,1,0,a\n"), _many(b"1,1,0,\xc3\xa9\n"), _many(b"\n")],
    "snarkjs_proof": lambda: [_many(b"[],", b"[", b"[]]"), _many(b"{},", b"[", b"[]]")],
    "snarkjs_public": lambda: [
        _many(b'"1",', b"[", b'"1"]'),
        _many(b'"123456",', b"[", b'"1"]'),
        _many(b"999999,", b"[", b"1]"),
        _many('"é",'.encode(), b"[", b'"1"]'),
        _many(b"[[]],", b"[", b"[]]"),
        _many(b'{"a":{}},', b"[", b"[]]"),
    ],
    "snarkjs_key": lambda: [_many(b'{"a":[]},', b"[", b"[]]"), _inputs_of_a_key()],
    "zkey": lambda: [_zkey(150, 12), _zkey(6, SIZE // 44)],
    "ptau": lambda: [_ptau(6)],
    "zkey_contributions": lambda: [_contributions()],
    "evm_text": lambda: [_many(b'"0x' + b"0" * 64 + b'",'), _many(b"[")],
    "reasons": lambda: [_many(b'["a",{}],', b"[", b"[]]")],
    "block": lambda: [_block()],
    "receipt": lambda: [_receipt()],
}
