import random

import pytest

from circuits import review
from circuits.gadgets import merkle
from circuits.gadgets.boolean import enforce_boolean
from circuits.gadgets.poseidon import poseidon
from circuits.statement import evaluate
from zk.errors import CircuitError, ShapeMismatch, Unsatisfied
from zk.field.params import FR
from zk.hash import domains
from zk.hash.poseidon import poseidon as native

R = FR.modulus
PARTIAL = (56, 57, 56, 60, 60, 63, 64, 63)


def draw(count, seed=1):
    rng = random.Random(seed)
    return [rng.randrange(R) for _ in range(count)]


@pytest.mark.parametrize("n", range(1, 9))
def test_poseidon_is_the_native_hash_at_the_expected_cost(gadget, n):
    g = gadget(lambda cs, *inputs: [poseidon(cs, domains.OWNER, inputs)], n)
    assert g.rows == 3 * (8 * (n + 1) + PARTIAL[n - 1]) - 3
    for values in ([0] * n, [R - 1] * n, draw(n)):
        assert g(*values) == [native(domains.OWNER, values)]


def test_published_vector(gadget):
    g = gadget(lambda cs, *inputs: [poseidon(cs, 0, inputs)], 2)
    assert g(1, 2) == [0x115CC0F5E7D690413DF64C6B9662E9CF2A3617F2743245519E19607A4417189A]


def test_a_variable_tag_costs_one_s_box_more(gadget):
    def build(cs, b, *inputs):
        bit = enforce_boolean(cs, b)
        tag = domains.KIND + (domains.EPHEMERAL_KIND - domains.KIND) * bit
        return [poseidon(cs, tag, inputs)]

    g = gadget(build, 4)
    assert g.rows == 1 + 261 + 3
    values = draw(3)
    assert g(0, *values) == [native(domains.KIND, values)]
    assert g(1, *values) == [native(domains.EPHEMERAL_KIND, values)]


def test_constant_inputs_fold(gadget):
    def build(cs, x):
        return [
            poseidon(cs, 5, (cs.constant(1), x), "one constant"),
            poseidon(cs, 5, (cs.constant(1), cs.constant(2)), "constant"),
        ]

    g = gadget(build, 1)
    assert g.rows == 240 - 3
    assert g(9) == [native(5, [1, 9]), native(5, [1, 2])]


def test_fourth_powers_stay_out_of_b(gadget):
    shape = gadget(lambda cs, *inputs: [poseidon(cs, 5, inputs)], 2).shape
    in_b = {shape.wire_names[i].partition("#")[0] for i in shape.b.columns.tolist()}
    assert in_b == {"one", "in 0", "in 1", "poseidon/x^2", "poseidon/x^5"}


def test_no_wire_of_a_hash_is_free(gadget):
    g = gadget(lambda cs, *inputs: [poseidon(cs, 5, inputs)], 2)
    assert review.unused_wires(g.shape) == []
    # inputs are free in no clause of their own here, but each alone breaks its S-box
    assert review.free_wires(g.shape, evaluate(g, (), (3, 4))) == []


@pytest.mark.parametrize("n", [0, 17])
def test_number_of_inputs(gadget, n):
    with pytest.raises(CircuitError, match="16 inputs"):
        _ = gadget(lambda cs, *inputs: [poseidon(cs, 5, inputs)], n).shape


def member(cs, value, *children):
    merkle.enforce_member(cs, value, children)
    return []


@pytest.mark.parametrize("position", range(8))
def test_each_position_is_a_member(gadget, position):
    children = draw(8)
    g = gadget(member, 9)
    assert g.rows == 7
    g(children[position], *children)


def test_a_stranger_is_no_member(gadget):
    g = gadget(member, 9)
    with pytest.raises(Unsatisfied, match="G"):
        g.check(5, *draw(8))


def test_live_switches_membership_off(gadget):
    def build(cs, live, value, *children):
        merkle.enforce_member(cs, value, children, live=live)
        return []

    children = draw(8)
    g = gadget(build, 10)
    assert g.rows == 8
    g(0, 5, *children)
    g(1, children[3], *children)
    for live in (1, 70, R - 1):
        with pytest.raises(Unsatisfied):
            g.check(live, 5, *children)


def test_climb(gadget):
    levels = [draw(8, seed) for seed in range(3)]
    leaf = levels[0][6]
    for index in (1, 2):
        levels[index][index] = native(domains.TREE_NODE, levels[index - 1])
    g = gadget(lambda cs, x: [merkle.climb(cs, x, levels)], 1)
    assert g.rows == 3 * 409
    assert g(leaf) == [native(domains.TREE_NODE, levels[2])]
    with pytest.raises(Unsatisfied) as caught:
        g.check(leaf + 1)
    assert caught.value.scope == "level 0: is among the children"
    with pytest.raises(Unsatisfied) as caught:
        g.check(leaf, tamper={"level 1/children/child 1": 0})
    assert caught.value.scope == "level 1: is among the children"


def test_shape_of_a_level(gadget):
    with pytest.raises(ShapeMismatch, match="8 children"):
        _ = gadget(lambda cs, x: [merkle.climb(cs, x, [[0] * 7])], 1).shape
    with pytest.raises(ShapeMismatch, match="8 children"):
        _ = gadget(lambda cs, *xs: [merkle.node(cs, xs)], 9).shape
