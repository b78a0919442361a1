"""Timings of data availability; `make bench`. Figures: node/da/SPEC.md."""

from __future__ import annotations

import random

import pytest

from node.da.blob import encode, recover
from node.da.codec import Coding
from node.da.namespaced import Entry, NamespaceTree, check_namespace
from node.da.rows import RowTree, check_row, row_hash

pytestmark = pytest.mark.bench

MIB = 1 << 20
CODINGS = pytest.mark.parametrize("coding", [Coding(), Coding(256, 1024)], ids=["K=64", "K=256"])


@pytest.fixture(scope="module")
def blob() -> bytes:
    return random.Random(1).randbytes(MIB)


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    rng = random.Random(2)
    names = [rng.randbytes(29) for _ in range(32)]
    return [Entry(rng.choice(names), rng.randbytes(256)) for _ in range(8192)]


@CODINGS
def test_code_alone(benchmark, blob, coding) -> None:
    length = coding.row_bytes(MIB)
    rows = [blob[i : i + length] for i in range(0, MIB, length)]
    assert len(benchmark(coding.codec.encode, rows, coding.n - coding.k)) == coding.n - coding.k


@CODINGS
def test_decode_alone_from_parity(benchmark, blob, coding) -> None:
    dispersal = encode(blob, coding)
    rows = {i: dispersal.data[i] for i in range(coding.n - coding.k, coding.n)}
    assert b"".join(benchmark(coding.codec.recover, coding.k, coding.n - coding.k, rows)) == blob


@CODINGS
def test_tree_over_rows(benchmark, blob, coding) -> None:
    rows = encode(blob, coding).data
    benchmark(lambda: RowTree([row_hash(row) for row in rows]).top)


@CODINGS
def test_encode_with_commitment(benchmark, blob, coding) -> None:
    benchmark(encode, blob, coding)


@CODINGS
def test_recover_with_proofs_and_comparison(benchmark, blob, coding) -> None:
    dispersal = encode(blob, coding)
    rows = [dispersal.row(i) for i in range(coding.n - coding.k, coding.n)]
    assert benchmark(recover, dispersal.commitment, rows) == blob


def test_one_row_checked(benchmark, blob) -> None:
    dispersal = encode(blob, Coding())
    benchmark(check_row, dispersal.commitment, dispersal.row(17))


def test_namespaced_tree_of_8192(benchmark, entries) -> None:
    benchmark(lambda: NamespaceTree(entries).root)


def test_namespace_of_256_proved_and_checked(benchmark, entries) -> None:
    tree = NamespaceTree(entries)
    name = entries[0].namespace

    def prove_and_check() -> None:
        data, proof = tree.prove(name)
        check_namespace(tree.root, name, data, proof)

    benchmark(prove_and_check)
