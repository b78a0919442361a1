""".r1cs, .wtns, .zkey and .ptau."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from fuzzing import proofs

from malformed.case import (
    Case,
    Sections,
    little,
    made,
    outside_g2,
    packed,
    patched,
    taken_apart,
    u32,
)
from zk.backends import get
from zk.field.params import FP, FR
from zk.formats.ptau import read_ptau
from zk.formats.r1cs import r1cs_sections, read_r1cs
from zk.formats.wtns import read_wtns
from zk.formats.zkey import NOTE_SECTION, read_zkey
from zk.groth16.ceremony.contribution import contributions_from_bytes
from zk.groth16.ceremony.encoding import g2_to_file
from zk.groth16.ceremony.phase1_contribution import powers_contributions_from_bytes
from zk.groth16.example import circuit

INSPECT = ("proof", "inspect", "FILE")
EXPECTING = {
    "r1cs": ("circuit", "profile", "FILE"),
    "wtns": ("proof", "prove", "--zkey", "ZKEY", "--wtns", "FILE", "-o", "OUT"),
    "zkey": ("setup", "export-vk", "FILE", "-o", "OUT"),
    "ptau": None,
}
"""Commands that expect a file of a kind; `proof inspect` finds out which it is."""
UNKNOWN = ("another kind of file", "an empty file")
Change = Callable[[Sections], Sections]


def _r1cs() -> bytes:
    """(3 + 5·w1)·1 = 9·w2."""
    shape = circuit([{0: 3, 1: 5}], [{0: 1}], [{2: 9}], wires=3, publics=1)
    return packed("r1cs", 1, r1cs_sections(shape))


def _wtns() -> bytes:
    return proofs._wtns(made().assignment)


@cache
def _zkey() -> bytes:
    return proofs._zkey_seeds()[0]


@cache
def _ptau() -> bytes:
    return proofs._ptau_seeds()[1]


READERS = {
    "r1cs": (read_r1cs, _r1cs, 1),
    "wtns": (read_wtns, _wtns, 2),
    "zkey": (lambda data: read_zkey(data, check=get("reference")), _zkey, 1),
    "ptau": (lambda data: read_ptau(data, check=get("reference")), _ptau, 1),
}


def changed(number: int, change: Callable[[bytes], bytes]) -> Change:
    """One section made another."""
    return lambda sections: [(n, change(d) if n == number else d) for n, d in sections]


def patch(number: int, at: int, new: bytes) -> Change:
    return changed(number, lambda data: patched(data, at, new))


def longer(number: int, by: int) -> Change:
    return changed(number, lambda data: (data + bytes(by)) if by > 0 else data[:by])


def without(number: int) -> Change:
    return lambda sections: [(n, d) for n, d in sections if n != number]


def _bytes(kind: str, change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: change(READERS[kind][1]())


def _sections(kind: str, change: Change) -> Callable[[], bytes]:
    _, seed, version = READERS[kind]
    return lambda: packed(kind, version, change(taken_apart(seed())))


def _many(data: bytes) -> bytes:
    return data[:8] + u32(257) + 257 * (u32(99) + bytes(8))


def _any_container(kind: str) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    fields = {"r1cs": 1, "wtns": 1, "zkey": 2, "ptau": 1}
    yield "another kind of file", "FMT-010", _bytes(kind, lambda d: b"zip\0" + d[4:])
    yield "another version", "FMT-011", _bytes(kind, lambda d: patched(d, 4, u32(9)))
    yield "an empty file", "FMT-012", bytes
    yield "a section that goes beyond the file", "FMT-012", _bytes(kind, lambda d: d[:-1])
    yield "a section missing", "FMT-013", _sections(kind, lambda s: s[1:])
    yield "a section twice", "FMT-014", _sections(kind, lambda s: [*s, s[0]])
    yield (
        "a header of another length",
        "FMT-015",
        _sections(kind, longer(fields[kind], 1)),
    )
    yield (
        "another field or curve",
        "FMT-016",
        _sections(kind, patch(fields[kind], 4, little(7))),
    )
    yield "bytes after the last section", "FMT-018", _bytes(kind, lambda d: d + b"\0")
    yield "more than 256 sections", "FMT-021", _bytes(kind, _many)


Q, R = little(FP.modulus), little(FR.modulus)
AT_ALPHA, AT_BETA2 = 84, 84 + 128

ROWS: dict[str, list[tuple[str, str, Change]]] = {
    "r1cs": [
        ("rows that its constraints do not hold", "FMT-015", patch(1, 60, u32(2))),
        ("a combination that goes beyond its section", "FMT-015", patch(2, 0, u32(2**32 - 1))),
        ("another number of labels than of wires", "FMT-015", longer(3, 8)),
        ("more inputs than wires", "FMT-017", patch(1, 44, u32(3))),
        ("a coefficient that is not below r", "FMT-025", patch(2, 8, R)),
        ("a wire that does not exist", "FMT-026", patch(2, 4, u32(3))),
        ("custom gates", "FMT-028", lambda s: [*s, (4, u32(1) + bytes(8))]),
        ("a coefficient of zero", "FMT-029", patch(2, 8, bytes(32))),
        ("a wire twice in one combination", "FMT-029", patch(2, 40, u32(0))),
    ],
    "wtns": [
        ("fewer values than wires", "FMT-015", longer(2, -32)),
        ("no wire", "FMT-017", patch(1, 36, u32(0))),
        ("a value that is not below r", "FMT-025", patch(2, 32, R)),
        ("a first wire that is not one", "FMT-027", patch(2, 0, little(2))),
    ],
    "zkey": [
        ("a query of another number of points", "FMT-015", longer(5, 64)),
        ("coefficients of another number than they say", "FMT-015", patch(4, 0, u32(1))),
        ("a circuit's hash that is cut short", "FMT-015", changed(10, lambda d: d[:66])),
        ("a note of more than 4,096 bytes", "FMT-015", lambda s: [*s, (NOTE_SECTION, bytes(4097))]),
        ("more public inputs than wires", "FMT-017", patch(2, 76, u32(99))),
        ("a domain that is no power of two", "FMT-017", patch(2, 80, u32(3))),
        ("a point of the header off its curve", "FMT-019", patch(2, AT_ALPHA, little(5))),
        ("a point of a query off its curve", "FMT-019", patch(9, 0, little(5))),
        ("another proof system than groth16", "FMT-020", patch(1, 0, u32(2))),
        ("a coordinate of the header that is not below q", "FMT-022", patch(2, AT_ALPHA, Q)),
        ("a coordinate of a query that is not below q", "FMT-022", patch(9, 0, Q)),
        ("a point of the header outside G2", "FMT-023", lambda s: _outside(s, 2, AT_BETA2)),
        ("a point of a query outside G2", "FMT-023", lambda s: _outside(s, 7, 0)),
        ("a point of the header at infinity", "FMT-024", patch(2, AT_ALPHA, bytes(64))),
        ("a coefficient that is not below r", "FMT-025", patch(4, 16, R)),
        ("a coefficient of a row or wire that does not exist", "FMT-026", patch(4, 12, u32(99))),
    ],
    "ptau": [
        ("another number of points than its power says", "FMT-015", longer(2, 64)),
        ("Lagrange bases that are not all there", "FMT-013", without(14)),
        ("a power of 0, or above the ceremony's", "FMT-017", patch(1, 36, u32(2))),
        ("a point off its curve", "FMT-019", patch(2, 0, little(5))),
        ("a coordinate that is not below q", "FMT-022", patch(2, 0, Q)),
        ("a point outside G2", "FMT-023", lambda s: _outside(s, 3, 0)),
    ],
}
CHECKED = ("of a query", "off its curve", "not below q", "outside G2")
"""Points that `proof inspect` does not check; those of a key's header it does."""


def _outside(sections: Sections, number: int, at: int) -> Sections:
    return patch(number, at, g2_to_file(outside_g2()))(sections)


def _seen(kind: str, what: str) -> bool:
    if "of the header" in what:
        return True
    return not any(word in what for word in CHECKED) or kind not in ("zkey", "ptau")


def _contributions() -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    def seed() -> bytes:
        return made().contributed.contributions

    def change(function: Callable[[bytes], bytes]) -> Callable[[], bytes]:
        return lambda: function(seed())

    end = 4 + 3 * 64 + 128 + 64
    yield "more contributions than it has room for", "CER-011", change(lambda d: u32(2) + d[4:])
    yield "a contribution cut short", "CER-011", change(lambda d: d[:-1])
    yield "bytes after the last contribution", "CER-011", change(lambda d: d + b"\0")
    yield "a point off its curve", "CER-011", change(lambda d: patched(d, 4, little(5)))
    yield "a coordinate that is not below q", "CER-011", change(_plus_q)
    yield "a point at infinity", "CER-011", change(lambda d: patched(d, 4, bytes(64)))
    yield (
        "a point outside G2",
        "CER-011",
        change(lambda d: patched(d, 4 + 3 * 64, g2_to_file(outside_g2()))),
    )
    yield (
        "a kind that its parameters contradict",
        "CER-011",
        change(lambda d: patched(d, end, u32(1))),
    )
    yield "a parameter that is not known", "CER-011", change(lambda d: patched(d, end + 8, b"\7"))
    yield "an empty name that is written out", "CER-011", lambda: _parameters(seed(), b"\1\0")
    yield "a name that is not UTF-8", "CER-011", lambda: _parameters(seed(), b"\1\1\xff")
    yield (
        "iterations without a beacon, or a beacon without",
        "CER-011",
        lambda: _parameters(seed(), b"\2\x0a"),
    )


def _plus_q(data: bytes) -> bytes:
    x = int.from_bytes(data[4:36], "little")
    return patched(data, 4, little(x + FP.modulus))


def _parameters(data: bytes, new: bytes) -> bytes:
    end = 4 + 3 * 64 + 128 + 64 + 4
    return data[:end] + u32(len(new)) + new


def _in_zkey(contributions: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: packed(
        "zkey", 1, changed(10, lambda d: d[:64] + contributions())(taken_apart(_zkey()))
    )


def _read_contributions(data: bytes) -> object:
    return contributions_from_bytes(read_zkey(data).contributions)


def _powers() -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    state = 4 + 3 * 64 + 2 * 128 + 6 * 64 + 3 * 128

    def change(at: int, new: bytes) -> Callable[[], bytes]:
        return _sections("ptau", patch(7, at, new))

    yield "more contributions than it has room for", "CER-011", change(0, u32(9))
    yield "a point off its curve", "CER-011", change(4, little(5))
    yield "a state of the hash that no hash has", "CER-011", change(state, b"\xff" * 216)


def _read_powers(data: bytes) -> object:
    return powers_contributions_from_bytes(read_ptau(data).contributions)


CASES = [
    *(
        Case(
            f"`.{kind}`",
            what,
            code,
            data,
            READERS[kind][0],
            EXPECTING[kind] if what in UNKNOWN else INSPECT,
        )
        for kind in READERS
        for what, code, data in _any_container(kind)
    ),
    *(
        Case(
            f"`.{kind}`",
            what,
            code,
            _sections(kind, change),
            READERS[kind][0],
            INSPECT if _seen(kind, what) else None,
        )
        for kind, rows in ROWS.items()
        for what, code, change in rows
    ),
    *(
        Case("section 10 of `.zkey`", what, code, _in_zkey(data), _read_contributions, INSPECT)
        for what, code, data in _contributions()
    ),
    *(
        Case("section 7 of `.ptau`", what, code, data, _read_powers, INSPECT)
        for what, code, data in _powers()
    ),
]
