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

from operator import itemgetter
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from zk.curve.bn254 import check_g1, check_g2
from zk.errors import IdentityPoint, NotInSubgroup, NotOnCurve
from zk.field.arrays import BYTES, U64Array, from_array
from zk.field.params import FP
from zk.formats import zkey_coefficients
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
from zk.formats.points import check_rows, rows_of
from zk.groth16.keys import MAX_DOMAIN, MAX_PUBLICS, ProvingKey
from zk.groth16.points import G1_WIDTH, G2_WIDTH, g1_points, g2_points
from zk.interfaces import Backend

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

_HEADER_NAMES: Final = ("alpha1", "beta1", "beta2", "gamma2", "delta1", "delta2")
_HEADER_SIZES: Final = (_G1_BYTES, _G1_BYTES, _G2_BYTES, _G2_BYTES, _G1_BYTES, _G2_BYTES)

_QUERIES: Final = {3: "IC", 5: "A", 6: "B1", 7: "B2", 8: "C", 9: "H"}
_B2: Final = 7


def zkey_sections(key: ProvingKey) -> list[tuple[int, bytes]]:
    """The ten sections of a key, in the order in which snarkjs writes them.

    Its setup puts them in another order than its contributions do.
    """
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
    sections = [
        (1, u32_bytes(GROTH16)),
        (2, header),
        (4, zkey_coefficients.pack(key)),
        (3, _bytes(key.ic)),
        (9, _bytes(key.h)),
        (8, _bytes(key.c)),
        (5, _bytes(key.a)),
        (6, _bytes(key.b1)),
        (7, _bytes(key.b2)),
        (10, key.circuit_hash + key.contributions),
    ]
    return sorted(sections, key=itemgetter(0)) if any(key.contributions) else sections


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


def read_zkey(source: Path | bytes, *, check: Backend | None = None) -> ProvingKey:
    """Read a key; its points are views of the mapped file, wherever its sections lie.

    Structure, header and coefficients are always checked. The points of the queries, hundreds of
    thousands in a large key, are checked by `check`. Leave that out only for a file whose digest is
    known: kernels compute nonsense with what is no point, and a prover that uses a key of someone
    who wishes it ill may tell about its witness.

    The file must not change while the key is in use: it is read when it is used.

    Args:
        source: a path, or the bytes.
        check: what checks that every point is canonical, on its curve, and in G2's subgroup.

    Raises:
        FormatError: with code, section and offset of what is wrong (`zk.formats.errors`).
        OSError: the file cannot be read.
    """
    file = read(source, "zkey", (VERSION,))
    if u32(file.sized(1, 4).data, 0) != GROTH16:
        raise file.error("FMT-020", "this key is not one of groth16", 1, file.section(1).offset)
    header = file.sized(2, _HEADER_BYTES)
    if header.data[:_SIZES_AT] != FP_BYTES + FR_BYTES:
        raise file.error("FMT-016", "this key is not one of BN254", 2, header.offset)
    wires, publics, domain = (u32(header.data, _SIZES_AT + 4 * i) for i in range(3))
    at = header.offset + _SIZES_AT
    if not publics < wires or publics > MAX_PUBLICS:
        raise file.error("FMT-017", "more public inputs than wires", 2, at)
    if domain & (domain - 1) or not 0 < domain <= MAX_DOMAIN:
        raise file.error("FMT-017", "the domain is no power of two", 2, at + 8)
    head = _header_points(file)
    counts = {3: publics + 1, 5: wires, 6: wires, 7: wires, 8: wires - publics - 1, 9: domain}
    points = {number: _rows(file, number, count) for number, count in counts.items()}
    last = file.section(10)
    if len(last.data) < _HASH_BYTES + 4:
        raise file.error("FMT-015", "section 10 is too short", 10, last.offset)
    # Only now is anything of the size of domain or wires allocated: the file is as large.
    a_rows, b_rows = zkey_coefficients.unpack(file, wires, domain)
    if check is not None:
        for number, rows in points.items():
            name = _QUERIES[number]
            check_rows(file, number, rows, name, twist=number == _B2, backend=check)
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
        ic=points[3],
        a_rows=a_rows,
        b_rows=b_rows,
        a=points[5],
        b1=points[6],
        b2=points[7],
        c=points[8],
        h=points[9],
        circuit_hash=bytes(last.data[:_HASH_BYTES]),
        contributions=bytes(last.data[_HASH_BYTES:]),
        note=_note(file),
    )


def _rows(file: Container, number: int, count: int) -> U64Array:
    return rows_of(file, number, count, G2_WIDTH if number == _B2 else G1_WIDTH)


def _header_points(file: Container) -> list[U64Array]:
    """α₁ β₁ β₂ γ₂ δ₁ δ₂: always checked, and none may be infinity."""
    header = file.section(2)
    at, points = _POINTS_AT, []
    for name, size in zip(_HEADER_NAMES, _HEADER_SIZES, strict=True):
        row = np.frombuffer(header.data[at : at + size], dtype="<u8").copy()
        code, problem = _header_problem(row)
        if code:
            raise file.error(code, f"{name} {problem}", 2, header.offset + at)
        points.append(row)
        at += size
    return points


def _header_problem(row: U64Array) -> tuple[str, str]:
    if max(from_array(row)) >= FP.modulus:
        return "FMT-022", "has a coordinate not below q"
    try:
        if len(row) == G1_WIDTH:
            check_g1(g1_points(row)[0], what="")
        else:
            check_g2(g2_points(row)[0], what="")
    except IdentityPoint:
        return "FMT-024", "is at infinity"
    except NotInSubgroup:
        return "FMT-023", "is outside the subgroup"
    except NotOnCurve:
        return "FMT-019", "is not on the curve"
    return "", ""


def _note(file: Container) -> str:
    if NOTE_SECTION not in file.sections:
        return ""
    section = file.section(NOTE_SECTION)
    if len(section.data) > MAX_NOTE:
        raise file.error("FMT-015", "the note is too long", NOTE_SECTION, section.offset)
    return bytes(section.data).decode("utf-8", errors="replace")


def _bytes(array: npt.NDArray[np.uint64]) -> bytes:
    return np.ascontiguousarray(array, dtype="<u8").tobytes()
