"""Packed sharing: every slot holds the secret, T shares give it, p say nothing, p + 1 say all."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec import spec
from private_exec.errors import MalformedSeal
from private_exec.parameters import Parameters, default_packing
from private_exec.sharing import (
    PackedPolynomial,
    commitment_weights,
    interpolate,
    lagrange,
    slot,
    slot_weights,
    slots,
)
from zk.field.params import FR

R = FR.modulus
SHAPES = [(1, 1), (4, 1), (7, 1), (7, 2), (16, 1), (16, 3), (31, 6)]


def random_polynomial(n: int, packing: int, seed: int = 0) -> tuple[Parameters, PackedPolynomial]:
    parameters = Parameters.of_equals(n, packing)
    rng = random.Random(seed)
    coefficients = tuple(rng.randrange(1, R) for _ in range(parameters.privacy + 1))
    return parameters, PackedPolynomial(packing, coefficients)


def solve(rows: list[list[int]], values: list[int]) -> list[int] | None:
    """The unique solution modulo r, or None where there is none or several."""
    width = len(rows[0])
    table = [[*row, value] for row, value in zip(rows, values, strict=True)]
    for column in range(width):
        pivot = next((r for r in range(column, len(table)) if table[r][column]), None)
        if pivot is None:
            return None
        table[column], table[pivot] = table[pivot], table[column]
        inverse = pow(table[column][column], -1, R)
        table[column] = [v * inverse % R for v in table[column]]
        for r in range(len(table)):
            if r != column and table[r][column]:
                factor = table[r][column]
                table[r] = [
                    (a - factor * b) % R for a, b in zip(table[r], table[column], strict=True)
                ]
    return [row[-1] for row in table[:width]]


@pytest.mark.parametrize(("n", "packing"), SHAPES)
def test_every_slot_holds_the_secret(n, packing) -> None:
    parameters, s = random_polynomial(n, packing)
    assert all(s.share(x) == s.secret for x in slots(packing))
    points = list(range(1, parameters.degree + 2))
    if points[-1] <= n:
        values = [s.share(x) for x in points]
        assert all(interpolate(points, values, x) == s.secret for x in slots(packing))


@pytest.mark.parametrize(("n", "packing"), SHAPES)
def test_shares_are_those_of_the_plain_formula(n, packing) -> None:
    _, s = random_polynomial(n, packing)
    for x in (1, n, -1):
        assert s.share(x) == spec.polynomial(s.coefficients, packing, x)


@pytest.mark.parametrize(("n", "packing"), SHAPES)
def test_privacy_p_key_shares_fit_every_secret(n, packing) -> None:
    """What p holders know is consistent with any secret: it says nothing about it."""
    parameters, s = random_polynomial(n, packing)
    known = list(range(1, parameters.privacy + 1))
    for other in (0, s.secret + 1, 12345):
        points = [*known, *slots(packing)]
        values = [*(s.share(i) for i in known), *[other % R] * packing]
        assert len(points) == parameters.degree + 1  # so one such polynomial exists
        for i in known:
            assert interpolate(points, values, i) == s.share(i)


@pytest.mark.parametrize(("n", "packing"), SHAPES)
def test_attack_p_plus_1_key_shares_are_the_key(n, packing) -> None:
    """By linear algebra: 1 + p unknowns, as many equations; one fewer leaves it open."""
    parameters, s = random_polynomial(n, packing)
    numbers = random.Random(n).sample(range(1, n + 1), parameters.privacy + 1)
    rows = [commitment_weights(packing, i, parameters.privacy + 1) for i in numbers]
    values = [s.share(i) for i in numbers]
    assert solve(rows, values) == list(s.coefficients)
    if parameters.privacy:
        assert solve(rows[:-1], values[:-1]) is None


@pytest.mark.parametrize(
    ("n", "quorum", "packing"),
    [(4, 5, 1), (4, 3, 3), (4, 0, 1), (4, 3, 0), (0, 0, 1), (513, 300, 1)],
)
def test_px5_numbers_of_no_key_are_refused(n, quorum, packing) -> None:
    with pytest.raises(MalformedSeal) as caught:
        Parameters(n, quorum, packing)
    assert caught.value.rule == "PX-5"


def test_privacy_follows_from_quorum_and_packing() -> None:
    """The table of the design: n, T, ℓ, p."""
    table = [(4, 3, 1, 2), (16, 11, 1, 10), (16, 11, 3, 6), (31, 21, 6, 10), (100, 67, 9, 50)]
    for n, quorum, packing, privacy in table:
        parameters = Parameters.of_equals(n, packing)
        assert (parameters.quorum, parameters.privacy) == (quorum, privacy)
        assert parameters.degree == privacy + packing - 1


def test_the_default_packing_protects_against_half() -> None:
    assert [Parameters.of_equals(n).packing for n in (1, 4, 7, 16)] == [1, 1, 1, 1]
    for n in range(17, 200):
        parameters = Parameters.of_equals(n)
        assert 2 * parameters.privacy >= n
        assert 2 * (parameters.privacy - 2) < n or parameters.packing == 1
    assert default_packing(40, 27, 26) == 1


def test_points_of_interpolation_differ() -> None:
    with pytest.raises(ValueError, match="differ"):
        lagrange([1, 2, 1 + R], 5)


@given(st.integers(1, 6), st.integers(1, 64), st.data())
@settings(max_examples=25, deadline=None)
def test_slot_weights_interpolate_from_slots(packing, x, data) -> None:
    f = data.draw(st.lists(st.integers(0, R - 1), min_size=packing, max_size=packing))

    def value(at: int) -> int:
        return sum(c * pow(at, k, R) for k, c in enumerate(f)) % R

    weights = slot_weights(packing, x)
    assert sum(w * value(slot(s)) for s, w in enumerate(weights)) % R == value(x)


def test_a_polynomial_prints_no_secret() -> None:
    _, s = random_polynomial(4, 1)
    assert str(s.secret) not in repr(s)
