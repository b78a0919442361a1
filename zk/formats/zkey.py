"""Groth16 proving keys as snarkjs files: `.zkey` version 1.

    section 1   proof system u32: 1 = groth16
    section 2   field of coordinates; field of scalars; wires, publics, domain u32;
                α₁ β₁ β₂ γ₂ δ₁ δ₂
    section 3   IC                                     publics + 1 points of G1
    section 4   number u32; { matrix u32, row u32, wire u32, value[32] } …    0 = A, 1 = B; R²·v
    section 5   A          section 6   B₁         wires points of G1
    section 7   B₂                                wires points of G2
    section 8   C                                 wires − publics − 1 points of G1
    section 9   H                                 domain points of G1
    section 10  csHash[64]; number of contributions u32; contributions

Points are affine, little-endian, Montgomery; infinity is all zero. Known from the code of snarkjs
only (`zkey_utils.js` writes α₁ β₁ β₂ γ₂ δ₁ δ₂ although its comment says otherwise).

Our files put two more sections in, which every reader skips: padding, so that points start at
multiples of 64 bytes and a mapped file is used as it lies on disk, and a note (UNSAFE on
development keys).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from zk.curve.bn254 import check_g1, check_g2
from zk.errors import DecodeError
from zk.field.arrays import BYTES, LIMBS, U64Array, from_array
from zk.field.params import FP
from zk.formats.container import (
    FIELD_BYTES,
    FP_BYTES,
    FR_BYTES,
    Container,
    read,
    u32,
    u32_bytes,
    write,
)
from zk.groth16.keys import MAX_DOMAIN, MAX_PUBLICS, ProvingKey
from zk.groth16.points import G1_WIDTH, G2_WIDTH, g1_points, g2_points
from zk.r1cs.matrices import Matrix, below_modulus

VERSION: Final = 1
GROTH16: Final = 1
NOTE_SECTION: Final = 0x65746F6E  # "note" in the file; an unknown section to every reader
MAX_NOTE: Final = 1 << 12

_G1_BYTES: Final = 2 * BYTES
_G2_BYTES: Final = 4 * BYTES
_HASH_BYTES: Final = 64
_SIZES_AT: Final = 2 * FIELD_BYTES
_POINTS_AT: Final = _SIZES_AT + 12
_HEADER_BYTES: Final = _POINTS_AT + 3 * _G1_BYTES + 3 * _G2_BYTES

COEFFICIENT: Final = np.dtype(
    [("matrix", "<u4"), ("row", "<u4"), ("wire", "<u4"), ("value", "<u8", (LIMBS,))]
)


def zkey_sections(key: ProvingKey) -> list[tuple[int, bytes]]:
    """The ten sections of a key, in the order in which snarkjs writes them."""
    header = b"".join(
        (
            FP_BYTES,
            FR_BYTES,
            *map(u32_bytes, (key.wires, key.publics, key.domain)),
            *map(
                _bytes,
                (
                    key.alpha_g1,
                    key.beta_g1,
                    key.beta_g2,
                    key.gamma_g2,
                    key.delta_g1,
                    key.delta_g2,
                ),
            ),
        )
    )
    return [
        (1, u32_bytes(GROTH16)),
        (2, header),
        (4, _coefficients(key)),
        (3, _bytes(key.ic)),
        (9, _bytes(key.h)),
        (8, _bytes(key.c)),
        (5, _bytes(key.a)),
        (6, _bytes(key.b1)),
        (7, _bytes(key.b2)),
        (10, key.circuit_hash + key.contributions),
    ]


def write_zkey(key: ProvingKey, path: Path, *, plain: bool = False) -> None:
    """Write a key.

    Args:
        key: the key.
        path: where to.
        plain: leave padding and note out: byte for byte what snarkjs would write.
    """
    sections = zkey_sections(key)
    with path.open("wb") as file:
        if plain:
            write(file, "zkey", VERSION, sections)
            return
        if key.note:
            sections.insert(0, (NOTE_SECTION, key.note.encode()))
        write(file, "zkey", VERSION, sections, align=range(3, 10))


def read_zkey(source: Path | bytes) -> ProvingKey:
    """Read a key; points of a file with our padding are views of the mapped file.

    The structure, the header's points and the coefficients are checked; the points of the queries
    are not (80,000 for the action): a key is trusted for its digest, which is the caller's to
    compare. A prover with wrong points makes proofs that do not verify.

    Raises:
        FormatError: by section and offset.
    """
    file = read(source, "zkey", (VERSION,))
    if u32(file.sized(1, 4).data, 0) != GROTH16:
        raise file.error("FMT-020", "this key is not one of groth16", 1, file.section(1).offset)
    header = file.sized(2, _HEADER_BYTES)
    if header.data[:_SIZES_AT] != FP_BYTES + FR_BYTES:
        raise file.error("FMT-016", "this key is not one of BN254", 2, header.offset)
    wires, publics, domain = (u32(header.data, _SIZES_AT + 4 * i) for i in range(3))
    if not publics < wires or publics > MAX_PUBLICS:
        raise file.error("FMT-017", "more public inputs than wires", 2, header.offset + _SIZES_AT)
    if domain & (domain - 1) or not 0 < domain <= MAX_DOMAIN:
        raise file.error("FMT-017", "the domain is no power of two", 2, header.offset + _SIZES_AT)
    head = _header_points(file)

    def rows(number: int, count: int, width: int) -> U64Array:
        data = file.sized(number, count * width * 8).data
        if count == 0:
            return np.zeros((0, width), dtype=np.uint64)
        array = np.frombuffer(data, dtype="<u8").reshape(count, width)
        return array if array.flags.aligned else array.copy()

    h = rows(9, domain, G1_WIDTH)  # before anything of the domain's size is allocated
    a_rows, b_rows = _read_coefficients(file, wires, domain)
    last = file.section(10)
    if len(last.data) < _HASH_BYTES + 4:
        raise file.error("FMT-015", "section 10 is too short", 10, last.offset)
    return ProvingKey(
        wires=wires,
        publics=publics,
        domain=domain,
        alpha_g1=head[0],
        beta_g1=head[1],
        beta_g2=head[2],
        gamma_g2=head[3],
        delta_g1=head[4],
        delta_g2=head[5],
        ic=rows(3, publics + 1, G1_WIDTH),
        a_rows=a_rows,
        b_rows=b_rows,
        a=rows(5, wires, G1_WIDTH),
        b1=rows(6, wires, G1_WIDTH),
        b2=rows(7, wires, G2_WIDTH),
        c=rows(8, wires - publics - 1, G1_WIDTH),
        h=h,
        circuit_hash=bytes(last.data[:_HASH_BYTES]),
        contributions=bytes(last.data[_HASH_BYTES:]),
        note=_note(file),
    )


def _header_points(file: Container) -> list[U64Array]:
    header = file.section(2)
    at, points = _POINTS_AT, []
    for name, size in zip(
        ("alpha1", "beta1", "beta2", "gamma2", "delta1", "delta2"),
        (_G1_BYTES, _G1_BYTES, _G2_BYTES, _G2_BYTES, _G1_BYTES, _G2_BYTES),
        strict=True,
    ):
        row = np.frombuffer(header.data[at : at + size], dtype="<u8").copy()
        if max(from_array(row)) >= FP.modulus:
            raise file.error(
                "FMT-019", f"{name} has a coordinate not below q", 2, header.offset + at
            )
        try:
            if size == _G1_BYTES:
                check_g1(g1_points(row)[0], what=name)
            else:
                check_g2(g2_points(row)[0], what=name)
        except DecodeError as error:
            raise file.error("FMT-019", error.message, 2, header.offset + at) from error
        points.append(row)
        at += size
    return points


def _coefficients(key: ProvingKey) -> bytes:
    """Section 4: rows ascend, A before B within a row, the extra rows of A at the end."""
    parts = []
    for number, matrix in enumerate((key.a_rows, key.b_rows)):
        entries = np.zeros(matrix.nonzeros, dtype=COEFFICIENT)
        entries["matrix"] = number
        entries["row"] = matrix.row_indices()
        entries["wire"] = matrix.columns
        entries["value"] = matrix.values
        parts.append(entries)
    entries = np.concatenate(parts)
    ordered = entries[np.argsort(entries["row"], kind="stable")]
    return u32_bytes(len(ordered)) + ordered.tobytes()


def _read_coefficients(file: Container, wires: int, domain: int) -> tuple[Matrix, Matrix]:
    section = file.section(4)
    if len(section.data) < 4:
        raise file.error("FMT-015", "section 4 is too short", 4, section.offset)
    count = u32(section.data, 0)
    file.sized(4, 4 + count * COEFFICIENT.itemsize)
    entries = np.frombuffer(bytes(section.data[4:]), dtype=COEFFICIENT)
    values = np.ascontiguousarray(entries["value"], dtype=np.uint64)
    for name, limit in (("matrix", 2), ("row", domain), ("wire", wires)):
        if count and int(entries[name].max()) >= limit:
            raise file.error("FMT-017", f"a {name} beyond the last", 4, section.offset)
    if not below_modulus(values).all():
        raise file.error("FMT-017", "a coefficient is not below r", 4, section.offset)

    def matrix(number: int) -> Matrix:
        chosen = np.flatnonzero(entries["matrix"] == number)
        at = entries["row"][chosen].astype(np.int64)
        if (at[1:] < at[:-1]).any():
            order = np.argsort(at, kind="stable")
            chosen, at = chosen[order], at[order]
        counts = np.bincount(at, minlength=domain)
        return Matrix(
            indptr=np.concatenate(([0], np.cumsum(counts))).astype(np.uint64),
            columns=entries["wire"][chosen].astype(np.uint64),
            values=values[chosen],
        )

    return matrix(0), matrix(1)


def _note(file: Container) -> str:
    if NOTE_SECTION not in file.sections:
        return ""
    section = file.section(NOTE_SECTION)
    if len(section.data) > MAX_NOTE:
        raise file.error("FMT-015", "the note is too long", NOTE_SECTION, section.offset)
    return bytes(section.data).decode("utf-8", errors="replace")


def _bytes(array: npt.NDArray[np.uint64]) -> bytes:
    return np.ascontiguousarray(array, dtype="<u8").tobytes()
