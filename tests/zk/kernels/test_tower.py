"""Fp2, Fp6 and Fp12 in memory against the operators of `zk.field.tower`."""

from __future__ import annotations

import random

import pytest

from zk.field.arrays import from_montgomery, to_montgomery
from zk.field.params import FP, SEED
from zk.field.tower import Fp2, Fp6, Fp12

WORDS = {"fp2": 2, "fp6": 6, "fp12": 12}


def element(words: list[int]):
    pairs = [Fp2(*words[i : i + 2]) for i in range(0, len(words), 2)]
    if len(pairs) == 1:
        return pairs[0]
    sixes = [Fp6(*pairs[i : i + 3]) for i in range(0, len(pairs), 3)]
    return sixes[0] if len(sixes) == 1 else Fp12(*sixes)


def samples(words: int) -> list[list[int]]:
    rng = random.Random(words)
    p = FP.modulus
    extremes = [[p - 1] * words, [1] + [0] * (words - 1), [0] * (words - 1) + [p - 1]]
    return extremes + [[rng.randrange(p) for _ in range(words)] for _ in range(6)]


def lift(words: list[int], lazy: bool) -> list[int]:
    """Montgomery form, in its upper representative [p, 2p) where `lazy`."""
    return [v + FP.modulus * lazy for v in to_montgomery(words, FP.modulus)]


def lower(words: list[int]) -> list[int]:
    assert all(v < 2 * FP.modulus for v in words)
    return from_montgomery(words, FP.modulus)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("field", WORDS)
def test_product(field, lazy, call):
    n = WORDS[field]
    for a in samples(n):
        for b in samples(n)[:4]:
            got = call(f"{field}_mul", n, lift(a, lazy), lift(b, lazy))
            assert element(lower(got)) == element(a) * element(b)
            aliased = call(f"{field}_mul", n, lift(a, lazy), lift(b, lazy), alias=True)
            assert element(lower(aliased)) == element(a) * element(b)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("field", WORDS)
def test_square_and_inverse(field, lazy, call):
    n = WORDS[field]
    for a in samples(n):
        if field != "fp6":
            square = call(f"{field}_sqr", n, lift(a, lazy), alias=True)
            assert element(lower(square)) == element(a) * element(a)
        inverse = call(f"{field}_inv", n, lift(a, lazy), alias=True)
        assert element(lower(inverse)) * element(a) == type(element(a)).one()


@pytest.mark.parametrize("field", ["fp2", "fp6"])
def test_sum_difference_negation(field, call):
    n = WORDS[field]
    for a in samples(n):
        for b in samples(n)[:3]:
            x, y = element(a), element(b)
            assert element(lower(call(f"{field}_add", n, lift(a, True), lift(b, True)))) == x + y
            assert element(lower(call(f"{field}_sub", n, lift(a, True), lift(b, False)))) == x - y
            assert element(lower(call(f"{field}_neg", n, lift(a, True)))) == -x


def test_multiples_of_the_generators(call):
    for a in samples(2):
        assert element(lower(call("fp2_mul_xi", 2, lift(a, True), alias=True))) == element(a) * Fp2(
            9, 1
        )
    v = Fp6(Fp2.zero(), Fp2.one(), Fp2.zero())
    for a in samples(6):
        assert element(lower(call("fp6_mul_v", 6, lift(a, True), alias=True))) == element(a) * v


def test_conjugate_frobenius_and_power_of_the_seed(call):
    for a in samples(12)[3:6]:
        x = element(a)
        assert element(lower(call("fp12_conj", 12, lift(a, True)))) == x.conjugate()
        assert element(lower(call("fp12_frobenius", 12, lift(a, True)))) == x.frobenius()
        assert element(lower(call("fp12_pow_seed", 12, lift(a, False)))) == x**SEED


def test_frobenius_is_the_pth_power(call):
    (a,) = samples(12)[3:4]
    assert element(lower(call("fp12_frobenius", 12, lift(a, False)))) == element(a) ** FP.modulus
