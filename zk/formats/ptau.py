"""Powers of τ as snarkjs files: `.ptau` version 1.

    section 1    field of coordinates; power u32; power of the whole ceremony u32
    section 2    τⁱ in G1, 2N − 1 points        section 3    τⁱ in G2, N points
    section 4    α·τⁱ in G1, N points           section 5    β·τⁱ in G1, N points
    section 6    β in G2                        section 7    contributions
    section 12   Lagrange bases in G1 of 1, 2, …, 2N elements
    section 13   the same in G2, to N           sections 14, 15   times α, times β in G1, to N

Points are affine, little-endian, Montgomery; infinity is all zero. In the last basis of section 12
the powers end one short, so it is that of the powers with a zero put in for τ^(2N−1).
Known from the code of snarkjs only (`powersoftau_utils.js`, `powersoftau_preparephase2.js`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from zk.field.arrays import U64Array
from zk.formats.container import FIELD_BYTES, FP_BYTES, Container, read, u32, u32_bytes, write
from zk.formats.points import check_rows, rows_of
from zk.groth16.ceremony.powers import MAX_POWER, LagrangeBases, PowersOfTau
from zk.groth16.points import G1_WIDTH, G2_WIDTH
from zk.interfaces import Backend

VERSION: Final = 1
_HEADER, _CONTRIBUTIONS = 1, 7
_POWERS: Final = {2: "tauG1", 3: "tauG2", 4: "alphaTauG1", 5: "betaTauG1", 6: "betaG2"}
_LAGRANGE: Final = {12: "L tauG1", 13: "L tauG2", 14: "L alphaTauG1", 15: "L betaTauG1"}
_TWIST: Final = (3, 6, 13)


def ptau_sections(powers: PowersOfTau) -> list[tuple[int, bytes]]:
    """The sections of a first phase, in the order in which snarkjs writes them."""
    header = FP_BYTES + u32_bytes(powers.power) + u32_bytes(powers.ceremony_power)
    sections = [(_HEADER, header)]
    sections += [
        (number, _bytes(rows)) for number, rows in zip(_POWERS, powers.parts(), strict=True)
    ]
    sections.append((_CONTRIBUTIONS, powers.contributions))
    if powers.lagrange is not None:
        bases = powers.lagrange
        parts = (bases.g1, bases.g2, bases.alpha_g1, bases.beta_g1)
        sections += zip(_LAGRANGE, map(_bytes, parts), strict=True)
    return sections


def write_ptau(powers: PowersOfTau, path: Path) -> None:
    """Write a first phase, as snarkjs would."""
    with path.open("wb") as file:
        write(file, "ptau", VERSION, ptau_sections(powers))


def read_ptau(source: Path | bytes, *, check: Backend | None = None) -> PowersOfTau:
    """Read a first phase; its points are views of the mapped file.

    Args:
        source: a path, or the bytes.
        check: what checks that every point is canonical, on its curve, and in G2's subgroup; leave
            it out only for a file whose digest is known.

    Raises:
        FormatError: with code, section and offset of what is wrong (`zk.formats.errors`).
        OSError: the file cannot be read.
    """
    file = read(source, "ptau", (VERSION,))
    header = file.sized(_HEADER, FIELD_BYTES + 8)
    if header.data[:FIELD_BYTES] != FP_BYTES:
        raise file.error("FMT-016", "these powers are not ones of BN254", 1, header.offset)
    power, whole = u32(header.data, FIELD_BYTES), u32(header.data, FIELD_BYTES + 4)
    if not 0 < power <= whole <= MAX_POWER:
        at = header.offset + FIELD_BYTES
        raise file.error("FMT-017", f"2^{power} of 2^{whole} powers", 1, at)
    n = 1 << power
    counts = {2: 2 * n - 1, 3: n, 4: n, 5: n, 6: 1}
    lagrange = {12: 4 * n - 1, 13: 2 * n - 1, 14: 2 * n - 1, 15: 2 * n - 1}
    prepared = any(number in file.sections for number in lagrange)
    if prepared:
        counts |= lagrange
    points = {number: _rows(file, number, count) for number, count in counts.items()}
    if check is not None:
        for number, rows in points.items():
            name = (_POWERS | _LAGRANGE)[number]
            check_rows(file, number, rows, name, twist=number in _TWIST, backend=check)
    bases = LagrangeBases(*(points[number] for number in lagrange)) if prepared else None
    contributions = bytes(file.section(_CONTRIBUTIONS).data)
    return PowersOfTau(
        power=power,
        ceremony_power=whole,
        tau_g1=points[2],
        tau_g2=points[3],
        alpha_g1=points[4],
        beta_g1=points[5],
        beta_g2=points[6],
        contributions=contributions,
        lagrange=bases,
    )


def _rows(file: Container, number: int, count: int) -> U64Array:
    return rows_of(file, number, count, G2_WIDTH if number in _TWIST else G1_WIDTH)


def _bytes(rows: U64Array) -> bytes:
    return np.ascontiguousarray(rows, dtype="<u8").tobytes()
