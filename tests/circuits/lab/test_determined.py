"""Algebra: which wires follow, and by what, on rows made for each rule and on the action."""

from __future__ import annotations

import pytest

from circuits.gadgets import bits, compare
from circuits.gadgets.babyjub import divide
from circuits.lab import determined, ranges
from circuits.lab.determined import Determined
from circuits.lab.gadgets import Build, GadgetStatement, is_input
from circuits.lab.program import NotingRecorder
from circuits.statement import record
from zk.groth16.example import circuit
from zk.r1cs import advice
from zk.r1cs.builder import Builder, Wire


def solved(build: Build, inputs: int) -> Determined:
    shape = record(GadgetStatement("rule", build, inputs), cache=False)
    return determined.solve(shape, [i for i, n in enumerate(shape.wire_names) if is_input(n)])


def names(found: Determined, wires: object) -> list[str]:
    return found.names(sorted(wires))  # type: ignore[call-overload]


def test_products_follow() -> None:
    found = solved(lambda cs, x, y: [cs.mul(x, y, "product")], 2)
    assert found.open == []
    assert found.divisions == found.quotients == {}
    assert found.checks() == []


@pytest.mark.parametrize(
    ("numerator", "denominator", "exact"),
    [
        (lambda x, y: x, lambda x, y: y, False),
        (lambda x, y: x, lambda x, y: x + y, False),
        (lambda x, y: 2 * x + 1, lambda x, y: x, True),
        (lambda x, y: 1 + x, lambda x, y: 1 - x, True),
        (lambda x, y: 2 + 2 * x, lambda x, y: 1 + x, False),  # both vanish at −1
    ],
    ids=["x/y", "x/(x+y)", "(2x+1)/x", "(1+x)/(1-x)", "(2+2x)/(1+x)"],
)
def test_divisions_that_are_never_0_over_0(numerator, denominator, exact) -> None:
    found = solved(lambda cs, x, y: [divide(cs, numerator(x, y), denominator(x, y), "q")], 2)
    assert found.open == []
    assert names(found, found.quotients if exact else found.divisions) == ["q"]
    assert not (found.divisions if exact else found.quotients)


def test_a_constant_over_a_wire_is_never_0_over_0() -> None:
    found = solved(lambda cs, x: compare.enforce_nonzero(cs, x, "not zero") or [], 1)
    assert names(found, found.quotients) == ["inverse or 0"]


def test_a_square_root_is_open() -> None:
    def build(cs: Builder, x: Wire) -> list[Wire]:
        root = cs.advise(advice.SQUARE_ROOT, x, name="root")
        cs.enforce(root, root, x, "square")
        return []

    found = solved(build, 1)
    assert names(found, found.open) == ["root"]


def test_zero_tests_in_both_writings() -> None:
    found = solved(lambda cs, x: [compare.is_nonzero(cs, x)], 1)
    assert names(found, found.flags) == ["is nonzero/x times inverse"]

    def circom(cs: Builder, x: Wire) -> list[Wire]:
        """Circomlib's IsZero: in·inv = 1 − out, in·out = 0."""
        inverse = cs.advise(advice.INVERSE, x, name="inv")
        out = cs.advise(lambda v: int(v == 0), x, name="flag")
        cs.enforce(x, inverse, 1 - out, "inverse")
        cs.enforce(x, out, 0, "zero")
        return [out]

    found = solved(circom, 1)
    assert names(found, found.flags) == ["flag"]
    assert found.open == []


@pytest.mark.parametrize("n", [1, 2, 3, 64, 253])
def test_decompositions(n: int) -> None:
    found = solved(lambda cs, x: bits.to_bits(cs, x, n), 1)
    assert found.open == []
    assert found.widths == ([] if n == 1 else [n])
    rows = determined.rows_of(found.shape)
    found_ranges = ranges.find(rows)  # one more: the lowest bit's own wire is x less the others
    assert [r.width for r in found_ranges if r.implicit] == ([] if n == 1 else [n])
    for each in found_ranges:
        assert [p.accepted for p in ranges.probe(rows, each)][:3] == [True] * 3
        assert all(p.right for p in ranges.probe(rows, each))


def test_a_decomposition_with_a_wrong_weight_is_none() -> None:
    def build(cs: Builder, x: Wire) -> list[Wire]:
        found = cs.advise_many(advice.Digits(1, 0, 3), 3, x, name="bit")
        for bit in found:
            cs.enforce(bit, bit - 1, 0, "is a bit")
        cs.equal(found[0] + 2 * found[1] + 3 * found[2], x, "recomposes")
        return []

    found = solved(build, 1)
    assert names(found, found.open) == ["bit", "bit#2", "bit#3"]
    assert ranges.find(determined.rows_of(found.shape)) == []


def test_the_action_follows_from_what_its_prover_brings(small) -> None:
    recorder = NotingRecorder("action")
    small.statement.constrain(recorder, *small.statement.placeholder())
    found = determined.solve(recorder.finish(), recorder.brought)
    assert names(found, found.open) == [
        f"kind_{i}/root of {what}" for i in (0, 1) for what in ("2 + y", "a fifth of 2 - y")
    ]
    assert sorted(found.widths) == [64, 64, 64, 64, 66, 66]
    assert len(found.flags) == 4
    assert {n.rsplit("/")[-1] for n in names(found, found.quotients)} == {
        "u", "inverse of x", "y", "sum of slopes",
    }  # fmt: skip


# Rows of foreign compilers: valid, and odd.
BOOLEAN = [({b: 1}, {0: -1, b: 1}, {}) for b in (1, 2)]
ODD = {
    "nothing times a wire": [({1: 1}, {}, {})],
    "nothing times a wire is five": [({1: 1}, {}, {0: 5})],
    "nothing at all": [({}, {}, {})],
    "a bit on both sides": [*BOOLEAN, ({0: 1}, {1: 1}, {1: 1, 2: 1})],
    "bits that cancel": [*BOOLEAN, ({0: 1}, {1: 1, 2: 2, 3: 1}, {3: 1})],
    "a bit and a wire": [*BOOLEAN, ({1: 1, 3: 1}, {0: 1}, {1: 1, 2: 2})],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_rows_are_no_error(name) -> None:
    a, b, c = zip(*ODD[name], strict=True)
    found = determined.solve(circuit(a, b, c, wires=4, publics=0), [])
    assert 1 in found.open or name == "a bit and a wire"
