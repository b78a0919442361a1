import dataclasses

import numpy as np
import pytest

from zk.errors import ShapeMismatch, Unsatisfied
from zk.field.arrays import to_array
from zk.field.params import FR
from zk.r1cs.matrices import R1CS, Matrix, below_modulus
from zk.r1cs.recorder import Recorder

R = FR.modulus


def matrix(*rows):
    entries = [item for row in rows for item in sorted(row.items())]
    return Matrix(
        np.cumsum([0, *map(len, rows)], dtype=np.uint64),
        np.array([w for w, _ in entries], dtype=np.uint64),
        to_array([v for _, v in entries]),
    )


def shape(**changes):
    """Row 0: x·x = y (clause C1); row 1: (y + 3)·1 = z, z public."""
    parts = {
        "name": "toy/1",
        "wires": 4,
        "publics": 1,
        "rows": 2,
        "a": matrix({2: 1}, {0: 3, 3: 1}),
        "b": matrix({2: 1}, {0: 1}),
        "c": matrix({3: 1}, {1: 1}),
        "wire_names": ("one", "z", "x", "y"),
        "row_clauses": ("C1", "C2"),
        "row_scopes": ("square: x^2", "sum"),
    }
    return R1CS(**(parts | changes))


def test_check_accepts_and_names_the_broken_clause():
    s = shape()
    s.check(to_array([1, 28, 5, 25]))
    with pytest.raises(Unsatisfied) as caught:
        s.check(to_array([1, 28, 6, 25]))
    assert (caught.value.clause, caught.value.scope) == ("C1", "square: x^2")
    with pytest.raises(Unsatisfied) as caught:
        s.check(to_array([1, 29, 5, 25]))
    assert (caught.value.clause, caught.value.scope) == ("C2", "sum")


@pytest.mark.parametrize(
    "assignment",
    [
        to_array([1, 28, 5]),
        to_array([1, 28, 5, 25, 0]),
        to_array([2, 28, 5, 25]),
        to_array([1, 28 + R, 5, 25]),
        to_array([1, 28, 5, 25]).astype(np.int64),
    ],
)
def test_assignments_of_another_shape(assignment):
    with pytest.raises(ShapeMismatch):
        shape().check(assignment)


@pytest.mark.parametrize(
    "changes",
    [
        {"publics": 4},
        {"wires": 3, "wire_names": ("one", "z", "x")},
        {"wire_names": ("one",)},
        {"row_clauses": ("C1",)},
        {"row_scopes": ()},
        {"a": matrix({2: 1})},
        {"a": matrix({2: 0}, {0: 3})},
        {"a": matrix({2: R}, {0: 3})},
        {"a": matrix({9: 1}, {0: 3})},
        {"a": Matrix(np.array([0, 2, 2], dtype=np.uint64), np.array([2, 1], dtype=np.uint64),
                     to_array([1, 1]))},
        {"a": Matrix(np.array([0, 1, 2], dtype=np.uint64), np.array([2, 1], dtype=np.uint64),
                     to_array([1]))},
        {"a": Matrix(np.array([0, 3, 2], dtype=np.uint64), np.array([2, 1], dtype=np.uint64),
                     to_array([1, 1]))},
        {"a": Matrix(np.array([0, 1, 2], dtype=np.int64), np.array([2, 1], dtype=np.uint64),
                     to_array([1, 1]))},
    ],
)  # fmt: skip
def test_parts_that_do_not_fit(changes):
    with pytest.raises(ShapeMismatch):
        shape(**changes)


def test_digest_covers_shape_and_matrices_but_no_names():
    s = shape()
    assert s.digest == shape(name="other", wire_names=("one", "a", "b", "c")).digest
    assert len(s.digest) == 32
    others = [
        shape(publics=2),
        shape(wires=5, wire_names=(*s.wire_names, "w")),
        shape(a=s.c, c=s.a),
        shape(b=matrix({2: 2}, {0: 1})),
        shape(b=matrix({3: 1}, {0: 1})),
    ]
    assert len({s.digest, *(o.digest for o in others)}) == 1 + len(others)


@pytest.mark.parametrize(("rows", "domain"), [(1, 4), (2, 4), (3, 8), (6, 8), (7, 16)])
def test_domain_holds_rows_publics_and_one(rows, domain):
    cs = Recorder("d")
    x = cs.public("x", 0)
    for _ in range(rows):
        cs.equal(x, 0, "x")
    s = cs.finish()
    assert s.domain == domain
    assert s.domain >= s.rows + s.publics + 1


def test_rows_and_products():
    m = shape().a
    assert m.nonzeros == 3
    assert m.row(1) == [(0, 3), (3, 1)]
    assert m.times([1, 0, 5, R - 1]) == [5, 2]
    assert m.row_indices().tolist() == [0, 1, 1]


def test_below_modulus():
    values = [0, 1, R - 1, R, R + 1, (1 << 256) - 1, R - (1 << 64), R + (1 << 192)]
    assert below_modulus(to_array(values)).tolist() == [v < R for v in values]


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        shape().wires = 5
