import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import review
from circuits.gadgets import bits, compare
from circuits.gadgets.boolean import enforce_boolean
from circuits.statement import evaluate
from zk.errors import CircuitError, ShapeMismatch, Unsatisfied
from zk.field.params import FR

R = FR.modulus


def refused(g, *values, **options):
    with pytest.raises(Unsatisfied) as caught:
        g.check(*values, **options)
    return caught.value


@pytest.mark.parametrize("n", [1, 2, 64, 253])
def test_bits_at_the_edges(gadget, n):
    g = gadget(lambda cs, x: bits.to_bits(cs, x, n), 1)
    assert g.rows == n
    for value in (0, 1, (1 << n) - 1):
        if value < 1 << n:
            assert g(value) == [value >> i & 1 for i in range(n)]
    for value in (1 << n, R - 1):
        assert "recomposes" in refused(g, value).where


def test_tampered_bits_are_refused(gadget):
    g = gadget(lambda cs, x: bits.to_bits(cs, x, 8), 1)
    refused(g, 0b1010, tamper={"bit#3": 0})  # another bit: no longer recomposes
    refused(g, 0b1010, tamper={"bit": 2})  # no bit
    # 4 = 2·2 recomposes, with bit 1 equal to 2: only booleanity refuses it
    assert "bit is a bit" in refused(g, 4, tamper={"bit": 2, "bit#2": 0}).where


def test_no_bit_is_free(gadget):
    g = gadget(lambda cs, x: bits.to_bits(cs, x, 16), 1)
    assert review.free_wires(g.shape, evaluate(g, (), (0xBEEF,))) == []


@pytest.mark.parametrize("n", [2, 66])
def test_signed_bits(gadget, n):
    g = gadget(lambda cs, x: bits.to_signed_bits(cs, x, n), 1)
    assert g.rows == n
    half = 1 << (n - 1)
    for value in (0, 1, -1, half - 1, -half):
        got = g(value % R)
        assert sum((2 * b - 1) << i for i, b in enumerate(got)) == 2 * value + 1
    for value in (half, -half - 1):
        refused(g, value % R)


def test_width_is_limited(gadget):
    for n in (0, 254):
        with pytest.raises(CircuitError, match="253"):
            _ = gadget(lambda cs, x, n=n: bits.to_bits(cs, x, n), 1).shape


def test_witness_bits_and_back(gadget):
    value = (1 << 250) + 12345

    def build(cs):
        return [bits.from_bits(cs, bits.witness_bits(cs, "k", value, 251))]

    g = gadget(build, 0)
    assert g.rows == 251
    assert g() == [value]
    with pytest.raises(ShapeMismatch):
        _ = gadget(lambda cs: bits.witness_bits(cs, "k", 1 << 8, 8), 0).shape


def test_range_names_its_scope(gadget):
    def build(cs, x):
        bits.enforce_range(cs, x, 64, "quantity")
        return []

    g = gadget(build, 1)
    g.check((1 << 64) - 1)
    error = refused(g, 1 << 64)
    assert error.scope.startswith("quantity: ")


def test_is_zero(gadget):
    g = gadget(lambda cs, x: [compare.is_zero(cs, x), compare.is_nonzero(cs, x, "second")], 1)
    assert g.rows == 4
    assert g(0) == [1, 0]
    assert g(5) == [0, 1]
    assert g(R - 1) == [0, 1]
    name = "is zero/" + compare.INVERSE
    refused(g, 5, tamper={name: 0})  # "5 is zero"
    refused(g, 5, tamper={name: lambda v: v + 1})
    # where x = 0 the inverse is free, and changes nothing
    g.check(0, tamper={name: 77})
    free = review.free_wires(g.shape, evaluate(g, (), (0,)))
    assert free == [name, "second/" + compare.INVERSE]
    assert review.free_wires(g.shape, evaluate(g, (), (5,))) == []


def test_is_equal_and_nonzero(gadget):
    def build(cs, a, b):
        compare.enforce_nonzero(cs, a, "a is not zero")
        return [compare.is_equal(cs, a, b)]

    g = gadget(build, 2)
    assert g.rows == 3
    assert g(4, 4) == [1]
    assert g(4, 5) == [0]
    assert "a is not zero" in refused(g, 0, 0).where


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1))
def test_less_than(a, b):
    from zk.r1cs.checker import Checker

    cs = Checker()
    got = compare.less_than(cs, cs.witness("a", a), cs.witness("b", b), 16)
    assert int(got.plain().value) == (a < b)


def test_less_than_edges(gadget):
    g = gadget(lambda cs, a, b: [compare.less_than(cs, a, b, 8)], 2)
    assert g.rows == 9
    for a, b in ((0, 0), (0, 255), (255, 0), (255, 255), (254, 255)):
        assert g(a, b) == [int(a < b)]


def test_advised_bits_of_a_wrapped_value(gadget):
    """r itself is 0: the decomposition of 0 as r would need 254 bits."""
    g = gadget(lambda cs, x: bits.to_bits(cs, x, 253), 1)
    names = ["bit", *(f"bit#{i}" for i in range(2, 253))]
    wrapped = {name: R >> i & 1 for i, name in enumerate(names, 1)}
    refused(g, 0, tamper=wrapped)


def test_booleanity_of_a_sum(gadget):
    g = gadget(lambda cs, a, b: [enforce_boolean(cs, a - b)], 2)
    assert g(3, 2) == [1]
    refused(g, 3, 1)
