"""Files that are as large for their readers as files of their size can be."""

from __future__ import annotations

import struct

from fuzzing.proofs import contained, made
from zk.formats.container import u32_bytes
from zk.formats.r1cs import r1cs_sections

SIZE = 60_000


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
    "snarkjs_key": lambda: [_many(b'{"a":[]},', b"[", b"[]]")],
    "evm_text": lambda: [_many(b'"0x' + b"0" * 64 + b'",'), _many(b"[")],
    "reasons": lambda: [_many(b'["a",{}],', b"[", b"[]]")],
    "block": lambda: [_block()],
    "receipt": lambda: [_receipt()],
}
