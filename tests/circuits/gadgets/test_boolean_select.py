import itertools

import pytest

from circuits.gadgets import boolean as bl
from circuits.gadgets.select import select, swap
from zk.errors import CircuitError, ShapeMismatch, Unsatisfied
from zk.field.params import FR
from zk.r1cs.evaluator import Evaluator


@pytest.mark.parametrize("value", [2, FR.modulus - 1, FR.modulus // 2])
def test_only_zero_and_one_are_bits(gadget, value):
    g = gadget(lambda cs, x: [bl.enforce_boolean(cs, x)], 1)
    assert g.rows == 1
    assert g(0) == [0]
    assert g(1) == [1]
    with pytest.raises(Unsatisfied) as caught:
        g.check(value)
    assert caught.value.clause == "G"
    with pytest.raises(Unsatisfied):
        g.shape.check(_assignment(g, value))


def _assignment(g, *values):
    from circuits.statement import evaluate

    return evaluate(g, (), values)


def test_a_bit_cannot_be_made_without_enforcing():
    cs = Evaluator()
    with pytest.raises(CircuitError, match="enforced"):
        bl.Bit(cs.witness("x", 5), object())
    with pytest.raises(ShapeMismatch):
        bl.constant_bit(cs, 2)


@pytest.mark.parametrize(
    ("function", "native"),
    [(bl.and_, lambda a, b: a & b), (bl.or_, lambda a, b: a | b), (bl.xor, lambda a, b: a ^ b)],
)
def test_truth_tables(gadget, function, native):
    def build(cs, a, b):
        return [function(cs, bl.enforce_boolean(cs, a), bl.enforce_boolean(cs, b))]

    g = gadget(build, 2)
    assert g.rows == 3
    for a, b in itertools.product((0, 1), repeat=2):
        assert g(a, b) == [native(a, b)]


def test_not_and_witness_bits_and_advice(gadget):
    def build(cs, x):
        advised = bl.advised_bit(cs, lambda v: v & 1, x, name="parity")
        return [bl.not_(bl.boolean(cs, "b", 1)), advised]

    g = gadget(build, 1)
    assert g.rows == 2
    assert g(7) == [0, 1]
    with pytest.raises(Unsatisfied):
        g.check(7, tamper={"parity": 2})
    with pytest.raises(Unsatisfied):
        g.check(7, tamper={"b": 3})


def test_constant_bits_fold(gadget):
    def build(cs, x):
        one = bl.constant_bit(cs, 1)
        return [bl.and_(cs, one, bl.constant_bit(cs, 0)), select(cs, one, x, 9)]

    g = gadget(build, 1)
    assert g.rows == 0
    assert g(5) == [0, 5]


def test_select_and_swap(gadget):
    def build(cs, b, x, y):
        bit = bl.enforce_boolean(cs, b)
        return [select(cs, bit, x, y), *swap(cs, bit, x, y), select(cs, bit, 3, cs.constant(4))]

    g = gadget(build, 3)
    assert g.rows == 1 + 1 + 1 + 0
    assert g(1, 10, 20) == [10, 20, 10, 3]
    assert g(0, 10, 20) == [20, 10, 20, 4]
