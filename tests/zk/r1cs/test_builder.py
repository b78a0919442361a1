import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.errors import CircuitError, ShapeMismatch, Unsatisfied
from zk.field.arrays import from_array
from zk.field.params import FR
from zk.r1cs.checker import Checker
from zk.r1cs.evaluator import Evaluator
from zk.r1cs.recorder import Recorder

R = FR.modulus
BUILDERS = [lambda: Recorder("t"), Evaluator, Checker]

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["+", "-", "*", "neg", "+int", "int-", "mul", "square", "dot", "advise", "const"]
        ),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(-R, R),
    ),
    max_size=25,
)


def program(cs, operations, values):
    """A random circuit; every value also gets a row that ties it to a new advised wire."""
    public = cs.public("p", values[0])
    stack = [public, *(cs.witness("w", v) for v in values[1:])]
    for operation, i, j, k in operations:
        a, b = stack[i % len(stack)], stack[j % len(stack)]
        match operation:
            case "+":
                new = a + b
            case "-":
                new = a - b
            case "*":
                new = k * a
            case "neg":
                new = -a
            case "+int":
                new = k + a
            case "int-":
                new = k - a
            case "mul":
                new = cs.mul(a, b)
            case "square":
                new = cs.square(a)
            case "dot":
                new = cs.dot([k, 3], [a, b], k)
            case "advise":
                new = cs.advise(lambda x, y: x + y, a, b, name="sum")
                cs.equal(new, a + b, "sum")
            case _:
                new = cs.constant(k)
        stack.append(new)
    for value in stack:
        cs.enforce(value, 2, cs.advise(lambda x: 2 * x, value, name="twice"), "twice")


@settings(deadline=None, max_examples=150)
@given(OPERATIONS, st.tuples(*[st.integers(0, R - 1)] * 3))
def test_interpreters_agree(operations, values):
    recorder, evaluator, checker = Recorder("t"), Evaluator(), Checker()
    for cs in (recorder, evaluator, checker):
        program(cs, operations, values)
    shape, assignment = recorder.finish(), evaluator.assignment()
    shape.check(assignment)
    assert (assignment == checker.assignment()).all()
    assert recorder.public_names == evaluator.public_names == ("p",)
    assert len(set(shape.wire_names)) == shape.wires


def test_folding_is_by_syntax_not_by_value():
    for make in BUILDERS:
        cs = make()
        x = cs.witness("x", 0)
        assert not (x - x).fixed
        assert not (x * 0).fixed
        assert cs.mul(cs.constant(3), cs.constant(4)).fixed
        assert not cs.mul(cs.constant(3), x).fixed
        assert cs.dot([1, 2], [cs.constant(3), cs.constant(4)]).fixed


def test_costs():
    cs = Recorder("t")
    x, y = cs.witness("x", 0), cs.witness("y", 0)
    cs.mul(x, y)
    cs.square(x)
    cs.mul(cs.constant(2), y)
    cs.mul(x, cs.constant(2))
    cs.enforce(x, y, x, "r")
    cs.equal(x, 5, "r")
    cs.equal(cs.constant(5), 5, "fixed: no row")
    s = cs.finish()
    assert (s.rows, s.wires) == (4, 5)


@pytest.mark.parametrize("make", BUILDERS)
def test_false_constants_are_refused_by_all(make):
    cs = make()
    with cs.clause("C"), pytest.raises(Unsatisfied) as caught:
        cs.equal(cs.constant(5), 6, "five")
    assert caught.value.clause == "C"


@pytest.mark.parametrize("make", BUILDERS)
def test_public_inputs_come_first(make):
    cs = make()
    cs.public("a", 1)
    cs.witness("w", 1)
    with pytest.raises(CircuitError, match="before"):
        cs.public("b", 1)


@pytest.mark.parametrize("make", [Evaluator, Checker])
@pytest.mark.parametrize("value", [-1, R, R + 5, 1 << 256, True, 1.0, "1", None])
@pytest.mark.parametrize("verb", ["public", "witness"])
def test_values_out_of_range(make, value, verb):
    with pytest.raises(ShapeMismatch) as caught:
        getattr(make(), verb)("secret", value)
    assert caught.value.where == "secret"
    assert str(value) not in caught.value.message or value in (True, None, "1", -1)


@pytest.mark.parametrize("make", BUILDERS)
def test_wires_have_no_truth_value(make):
    with pytest.raises(CircuitError, match="truth"):
        bool(make().witness("x", 1))


def test_wires_of_another_kind_of_builder():
    with pytest.raises(CircuitError, match="builder"):
        _ = Recorder("t").witness("x", 0) + Evaluator().witness("y", 0)
    with pytest.raises(CircuitError, match="builder"):
        _ = Evaluator().witness("x", 0) + Recorder("t").witness("y", 0)


def test_wrong_number_of_advised_values():
    cs = Evaluator()
    with pytest.raises(CircuitError, match="advice"):
        cs.advise_many(lambda: (1,), 2, name="two")


def test_names_scopes_and_clauses():
    cs = Recorder("t")
    with cs.scope("outer"), cs.clause("A"):
        x = cs.witness("x", 0)
        with cs.scope("inner"), cs.clause("B"):
            cs.square(x)
            cs.square(x)
            cs.advise_many(lambda v: (v, v), 2, x, name="pair")
        cs.equal(x, 1, "is one")
    s = cs.finish()
    assert s.wire_names[1:4] == ("outer/x", "outer/inner/product", "outer/inner/product#2")
    assert s.wire_names[4:] == ("outer/inner/pair", "outer/inner/pair#2")
    assert s.row_clauses == ("B", "B", "A")
    assert s.row_scopes == ("outer/inner: product", "outer/inner: product", "outer: is one")
    (site,) = cs.advice
    assert (site.name, site.first, site.count, site.clause) == ("outer/inner/pair", 4, 2, "B")


def guarded(cs):
    x = cs.witness("x", 3)
    with cs.scope("s"), cs.clause("C"):
        y = cs.advise(lambda v: v * v, x, name="square")
        cs.enforce(x, x, y, "square")
    return y


def test_checker_stops_at_the_tampered_wire():
    guarded(Checker())
    for change in (8, lambda v: v + 1):
        with pytest.raises(Unsatisfied) as caught:
            guarded(Checker(tamper={"s/square": change}))
        assert (caught.value.clause, caught.value.scope) == ("C", "s: square")


def test_checker_without_a_clause_lets_it_pass():
    cs = Checker(without={"C"}, tamper={"s/square": 8})
    assert int(guarded(cs).value) == 8
    cs.finish()


@pytest.mark.parametrize("options", [{"tamper": {"s/typo": 1}}, {"without": {"D"}}])
def test_checker_refuses_names_it_never_met(options):
    cs = Checker(**options)
    guarded(cs)
    with pytest.raises(CircuitError, match="name"):
        cs.finish()


def test_tampered_witness():
    cs = Checker(tamper={"x": lambda v: v + 1})
    assert int(guarded(cs).value) == 16


def test_values_are_not_shown():
    assert "31337" not in repr(Evaluator().witness("x", 31337))


def test_assignment_is_in_wire_order():
    cs = Evaluator()
    p = cs.public("p", 5)
    w = cs.witness("w", 7)
    cs.mul(p + 1, w - 2 * p)
    assert from_array(cs.assignment()) == [1, 5, 7, 6 * (7 - 10) % R]


SCRIPT = """
from circuits.gadgets.poseidon import poseidon
from zk.r1cs.recorder import Recorder
cs = Recorder("t")
xs = [cs.witness(f"x{i}", 0) for i in range(3)]
cs.equal(poseidon(cs, 5, xs), xs[0] + 1, "out")
s = cs.finish()
print(s.digest.hex(), s.wire_names, s.row_scopes)
"""


def test_recording_does_not_depend_on_the_hash_seed():
    root = Path(__file__).resolve().parents[3]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
