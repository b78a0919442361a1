"""Codes, rows and what any K of them say; malicious uploaders."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.da.blob import Evidence, disperse, encode, recover
from node.da.codec import MAX_BLOB_BYTES, Coding, LeopardCodec
from node.da.errors import BadEncoding, DataRefused, TooFewRows
from node.da.rows import Commitment, Row, check_row, node_hash, row_hash
from zk.errors import DecodeError

SMALL = Coding(4, 16)


def refused(rule: str, call, *arguments):
    with pytest.raises(DataRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule
    return caught.value


# THE CODE, against the published construction over another library


CANTOR_BASIS = (
    0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
    0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E,
)  # fmt: skip


class GaloisReference:
    """Lagrange interpolation over GF(2^16): what Leopard's transforms compute, without them."""

    def __init__(self):
        import galois

        self.GF = galois.GF(
            2**16,
            irreducible_poly="x^16 + x^5 + x^3 + x^2 + 1",
            primitive_element="x",
            verify=False,
            compile="python-calculate",  # nothing to compile for a few thousand products
        )
        self.element = np.zeros(1 << 16, dtype=np.int64)
        for i, basis in enumerate(CANTOR_BASIS):
            self.element[1 << i : 2 << i] = self.element[: 1 << i] ^ basis
        self.label = np.argsort(self.element)

    def symbols(self, row: bytes):
        """64 bytes are 32 symbols: low bytes first, then high ones."""
        parts = np.frombuffer(row, dtype=np.uint8).reshape(-1, 2, 32).astype(np.int64)
        return self.GF(self.element[(parts[:, 0] | parts[:, 1] << 8).reshape(-1)])

    def row(self, symbols) -> bytes:
        labels = self.label[np.asarray(symbols).astype(np.int64)].reshape(-1, 32)
        return np.stack([labels & 255, labels >> 8], axis=1).astype(np.uint8).tobytes()

    def evaluate(self, rows: dict[int, bytes], at: list[int]) -> list[bytes]:
        """Values at points `at` of the polynomial of least degree through `rows`."""
        points = list(rows)
        source, target = self.GF(self.element[points]), self.GF(self.element[at])
        matrix = self.GF.Zeros((len(at), len(points)))
        for j in range(len(points)):
            others = np.delete(np.arange(len(points)), j)
            top = np.multiply.reduce(target[:, None] - source[others][None, :], axis=1)
            matrix[:, j] = top / np.multiply.reduce(source[j] - source[others])
        values = matrix @ self.GF(
            np.stack([np.asarray(self.symbols(row)) for row in rows.values()])
        )
        return [self.row(value) for value in values]


@pytest.fixture(scope="module")
def reference():
    return GaloisReference()


@pytest.mark.parametrize("k", [4, 16, pytest.param(64, marks=pytest.mark.slow)])
def test_the_code_is_the_published_one(reference, k) -> None:
    rng = random.Random(k)
    rows = [rng.randbytes(64 if k > 4 else 192) for _ in range(k)]
    parity = LeopardCodec().encode(rows, 3 * k)
    assert reference.evaluate(dict(enumerate(rows)), list(range(k, 4 * k))) == list(parity)
    kept = sorted(rng.sample(range(4 * k), k))
    everything = [*rows, *parity]
    some = {i: everything[i] for i in kept}
    assert reference.evaluate(some, list(range(k))) == rows
    assert list(LeopardCodec().recover(k, 3 * k, some)) == rows


# CODING AND ROUND TRIPS


@pytest.mark.parametrize(
    ("k", "n"), [(3, 12), (2, 8), (8192, 32768), (4, 8), (4, 17), (0, 0), (-4, -16)]
)
def test_da2_sizes_of_other_codes_are_refused(k, n) -> None:
    refused("DA-2", Coding, k, n)


def test_da2_unknown_code_names_those_that_there_are() -> None:
    assert "leopard-gf16" in refused("DA-2", Coding, 4, 16, "cauchy").fix


@pytest.mark.parametrize("size", [0, MAX_BLOB_BYTES + 1])
def test_da2_empty_and_too_large_blobs_are_refused(size) -> None:
    refused("DA-2", SMALL.row_bytes, size)
    refused("DA-2", Commitment, SMALL, size, bytes(32))


def test_da2_a_root_is_32_bytes() -> None:
    refused("DA-2", Commitment, SMALL, 1, bytes(31))


@pytest.mark.parametrize(
    ("size", "length"), [(1, 64), (256, 64), (257, 128), (4096, 1024), (4097, 1088)]
)
def test_rows_are_the_least_multiple_of_64_that_holds_the_blob(size, length) -> None:
    assert SMALL.row_bytes(size) == length
    assert len(encode(bytes(size), SMALL).data[15]) == length


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.sampled_from([SMALL, Coding(16, 64)]), st.randoms())
def test_any_k_rows_give_the_blob_back(blob, coding, rng) -> None:
    dispersal = encode(blob, coding)
    kept = rng.sample(range(coding.n), coding.k)
    assert recover(dispersal.commitment, [dispersal.row(i) for i in kept]) == blob


def test_default_coding_gives_a_mebibyte_back_from_parity_alone() -> None:
    blob = random.Random(1).randbytes(1 << 20)
    dispersal = encode(blob, Coding())
    assert len(dispersal.data[0]) == 16 * 1024
    assert recover(dispersal.commitment, map(dispersal.row, range(192, 256))) == blob


def test_da3_one_row_less_than_k_says_nothing() -> None:
    dispersal = encode(b"x" * 500, SMALL)
    rows = [dispersal.row(i) for i in (1, 5, 15)]
    with pytest.raises(TooFewRows, match="3 of 4 rows") as caught:
        recover(dispersal.commitment, [*rows, *rows])  # a row twice is one row
    assert caught.value.id == "DA-3"
    assert recover(dispersal.commitment, [*rows, dispersal.row(0)]) == b"x" * 500


def test_da3_damaged_rows_are_passed_over_and_named() -> None:
    dispersal = encode(b"x" * 500, SMALL)
    bad = [replace(dispersal.row(i), data=bytes(128)) for i in range(4)]
    good = [dispersal.row(i) for i in range(4, 8)]
    assert recover(dispersal.commitment, [*bad, *good]) == b"x" * 500
    with pytest.raises(TooFewRows, match="wrong ones: 0, 1, 2, 3"):
        recover(dispersal.commitment, [*bad, *good[1:]])


# ROW PROOFS


def changes(row: Row):
    flipped = bytes([row.data[0] ^ 1]) + row.data[1:]
    yield replace(row, data=flipped)
    yield replace(row, data=row.data[:-1])
    yield replace(row, data=row.data + b"\0")
    yield replace(row, data=b"")
    yield replace(row, index=row.index ^ 1)
    yield replace(row, index=row.index + 16)
    yield replace(row, index=-1)
    yield replace(row, siblings=row.siblings[:-1])
    yield replace(row, siblings=(*row.siblings, bytes(32)))
    yield replace(row, siblings=row.siblings[::-1])


def test_da4_changed_rows_indices_and_paths_are_refused() -> None:
    dispersal = encode(random.Random(2).randbytes(900), SMALL)
    for index in (0, 7, 15):
        check_row(dispersal.commitment, dispersal.row(index))
        for changed in changes(dispersal.row(index)):
            refused("DA-4", check_row, dispersal.commitment, changed)


def test_da4_an_inner_node_is_no_row() -> None:
    """Two hashes as a row of 64 bytes, one level up: leaves and nodes are hashed apart."""
    dispersal = encode(bytes(200), SMALL)
    row = dispersal.row(0)
    inner = Row(0, row_hash(row.data) + row.siblings[0], row.siblings[1:])
    assert len(inner.data) == 64
    padded = replace(inner, siblings=(*inner.siblings, bytes(32)))
    for forged in (inner, padded):
        refused("DA-4", check_row, dispersal.commitment, forged)


def test_da4_leaves_and_nodes_are_hashed_apart() -> None:
    left, right = b"l" * 32, b"r" * 32
    assert row_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("length", [64, 192, 0])
def test_da4_rows_of_another_length_are_no_rows_even_under_a_matching_root(length) -> None:
    """An uploader that commits to rows of its own length gets no signature for them."""
    dispersal = disperse(SMALL, 500, tuple(bytes(length) for _ in range(16)))
    assert dispersal.commitment.row_bytes == 128
    refusal = refused("DA-4", check_row, dispersal.commitment, dispersal.row(3))
    assert f"{length} bytes, not 128" in refusal.message


def test_da4_a_deeper_tree_is_no_tree_even_under_a_matching_root() -> None:
    dispersal = disperse(SMALL, 200, tuple(bytes([i]) * 64 for i in range(32)))
    refusal = refused("DA-4", check_row, dispersal.commitment, dispersal.row(3))
    assert "a path of 5 hashes, not 4" in refusal.message


def test_da4_size_and_coding_are_under_the_root() -> None:
    dispersal = encode(bytes(200), SMALL)
    other = replace(dispersal.commitment, size=201)  # rows of the same length
    refused("DA-4", check_row, other, dispersal.row(0))


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=600), st.integers(0, 15))
def test_rows_have_one_encoding(blob, index) -> None:
    row = encode(blob, SMALL).row(index)
    data = row.to_bytes()
    assert Row.from_bytes(data) == row
    for wrong in (data[:-1], data + b"\0"):
        with pytest.raises(DecodeError):
            Row.from_bytes(wrong)


# MALICIOUS UPLOADERS


def one_row_changed(blob: bytes, index: int):
    honest = encode(blob, SMALL)
    rows = list(honest.data)
    rows[index] = bytes([rows[index][0] ^ 1]) + rows[index][1:]
    return disperse(SMALL, len(blob), tuple(rows))


def padding_not_zero(blob: bytes):
    """A proper codeword, but of a blob with something behind its end."""
    longer = encode(blob + b"\1", SMALL)
    assert len(longer.data[0]) == SMALL.row_bytes(len(blob))
    return disperse(SMALL, len(blob), longer.data)


def random_rows(blob: bytes):
    rng = random.Random(5)
    length = SMALL.row_bytes(len(blob))
    return disperse(SMALL, len(blob), tuple(rng.randbytes(length) for _ in range(16)))


@pytest.mark.parametrize(
    "attack",
    [
        lambda blob: one_row_changed(blob, 0),
        lambda blob: one_row_changed(blob, 15),
        padding_not_zero,
        random_rows,
    ],
    ids=["data-row", "parity-row", "padding", "random"],
)
def test_da5_a_wrong_encoding_is_refused_by_every_reader(attack) -> None:
    """Any 4 of 10 rows, the changed ones among them: each set says ⊥, and each is evidence."""
    dispersal = attack(b"y" * 200)
    rows = [dispersal.row(i) for i in (0, 1, 2, 3, 5, 7, 11, 13, 14, 15)]
    for n, some in enumerate(itertools.combinations(rows, 4)):
        with pytest.raises(BadEncoding) as caught:
            recover(dispersal.commitment, some)
        assert caught.value.id == "DA-5"
        if n % 20 == 0:
            evidence = Evidence.from_bytes(caught.value.evidence.to_bytes())
            assert evidence == caught.value.evidence
            evidence.check()


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    dispersal = one_row_changed(b"y" * 200, 15)
    with pytest.raises(BadEncoding) as caught:
        recover(dispersal.commitment, [dispersal.row(i) for i in (3, 1, 9, 15)])
    return caught.value.evidence


def test_da6_an_honest_uploader_cannot_be_accused() -> None:
    dispersal = encode(b"y" * 200, SMALL)
    rows = tuple(dispersal.row(i) for i in (1, 3, 9, 15))
    assert "proper" in refused("DA-6", Evidence(dispersal.commitment, rows).check).message


def test_da6_evidence_is_k_rows_in_order(evidence) -> None:
    evidence.check()
    rows = evidence.rows
    for wrong in (rows[:-1], rows[::-1], (rows[0], *rows[:-1]), ()):
        refused("DA-6", replace(evidence, rows=wrong).check)


def test_da4_evidence_of_foreign_rows_is_refused(evidence) -> None:
    forged = replace(evidence.rows[0], data=bytes(64))
    refused("DA-4", replace(evidence, rows=(forged, *evidence.rows[1:])).check)
    refused("DA-4", replace(evidence, commitment=encode(b"z" * 200, SMALL).commitment).check)


def test_da6_evidence_has_one_encoding(evidence) -> None:
    data = evidence.to_bytes()
    for wrong in (data[:-1], data + b"\0", b"\2" + data[1:]):
        with pytest.raises(DecodeError):
            Evidence.from_bytes(wrong)
