"""Tapes against the Evaluator, wire by wire; the kernel against the plain interpreter."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk import backends
from zk.errors import BackendError, CircuitError, ShapeMismatch, Unsatisfied
from zk.field.arrays import from_array, to_array
from zk.field.params import FR
from zk.kernels import tape as kernel
from zk.r1cs import tape as tapes
from zk.r1cs import tape_file
from zk.r1cs.advice import INVERSE, LESS, QUOTIENT, SAME, SQUARE_ROOT, Digits, Formula
from zk.r1cs.evaluator import Evaluator
from zk.r1cs.tape import Call, Op, Tape, pack_digits, unpack_digits
from zk.r1cs.tape_recorder import TapeRecorder, Traced
from zk.r1cs.tape_reference import interpret

R = FR.modulus
EDGES = (0, 1, 2, R - 1, R - 2, (R - 1) // 2, (R + 1) // 2, 5, 1 << 253, (1 << 64) - 1, 1 << 64)
ELEMENTS = st.sampled_from(EDGES) | st.integers(0, R - 1)
BACKENDS = ("reference", "portable")

CUBIC = Formula(lambda a, b: a * b * a - 7 * b + (3 - a) * -b + 5)
VERBS = ["+", "-", "*", "neg", "+int", "int-", "mul", "square", "dot", "const", "mul-const"]
VERBS += ["same", "formula", "quotient", "inverse", "root", "less", "bits", "bytes", "words"]
VERBS += ["derived", "call", "witness"]
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(VERBS),
        st.integers(0, 40),
        st.integers(0, 40),
        st.sampled_from([0, 1, -1, 2]) | st.integers(-R, R),
    ),
    max_size=30,
)


def halves(value, other):
    """Any function of integers; it has no operation."""
    return value >> 1, (value + other) // 3


def program(cs, operations, values):
    """A random circuit; every value also becomes a wire of its own."""
    public = cs.public("p", values[0])
    stack = [public, *(cs.witness("w", v) for v in values[1:])]
    for verb, i, j, k in operations:
        a, b = stack[i % len(stack)], stack[j % len(stack)]
        match verb:
            case "+":
                new = [a + b]
            case "-":
                new = [a - b]
            case "*":
                new = [k * a]
            case "neg":
                new = [-a]
            case "+int":
                new = [k + a]
            case "int-":
                new = [k - a]
            case "mul":
                new = [cs.mul(a, b)]
            case "square":
                new = [cs.square(a)]
            case "dot":
                new = [cs.dot([k, 3, -1, *range(len(stack))], [a, b, a, *stack], k)]
            case "const":
                new = [cs.constant(k)]
            case "mul-const":
                new = [cs.mul(cs.constant(k), a)]
            case "same":
                new = [cs.advise(SAME, a + b)]
            case "formula":
                new = [cs.advise(CUBIC, a, b)]
            case "quotient":
                new = [cs.advise(QUOTIENT, a, b)]
            case "inverse":
                new = [cs.advise(INVERSE, a - b)]
            case "root":
                new = [cs.advise(SQUARE_ROOT, a)]
            case "less":
                new = [cs.advise(LESS, a, b)]
            case "bits":
                new = cs.advise_many(Digits(1, k % 200, 1 + k % 50), 1 + k % 50, a)[-3:]
            case "bytes":
                new = cs.advise_many(Digits(8, 8 * (k % 20), 12), 12, a)[-3:]
            case "words":
                new = cs.advise_many(Digits(32, 0, 8), 8, a)[-3:]
            case "derived":
                x, y = cs.derive(halves, 2, values[i % 3], 5)
                new = [cs.witness("d", x), cs.witness("d", cs.derive(halves, 2, y, x)[1])]
            case "call":
                new = list(cs.advise_many(halves, 2, a, b, name="halves"))
            case _:
                new = [cs.witness("k", k % R)]
        stack += new
    for value in stack:
        cs.advise(SAME, value)
        cs.enforce(value, 2, value + value, "twice")


def record(build, leaves):
    recorder = TapeRecorder("t", leaves)
    build(recorder, [Traced(i) for i in range(leaves)])
    return recorder.finish()


def evaluate(build, values):
    evaluator = Evaluator()
    build(evaluator, values)
    return evaluator.assignment()


@settings(deadline=None, max_examples=120)
@given(OPERATIONS, st.tuples(ELEMENTS, ELEMENTS, ELEMENTS))
def test_every_wire_is_the_evaluators(operations, values):
    def build(cs, given):
        program(cs, operations, given)

    tape = record(build, 3)
    inputs = tape.gather(values)
    expected = from_array(evaluate(build, list(values)))
    for name in BACKENDS:
        assert from_array(backends.get(name).run_tape(tape, inputs)) == expected, name
    stored = tape_file.from_bytes(tape_file.to_bytes(tape, NAMES), NAMES)
    assert from_array(interpret(stored, stored.gather(values))) == expected


NAMES = {"halves": halves}

ADVICE = {
    "quotient": (2, 1, QUOTIENT),
    "inverse": (1, 1, INVERSE),
    "root": (1, 1, SQUARE_ROOT),
    "less": (2, 1, LESS),
    "formula": (2, 1, CUBIC),
    "bits": (1, 254, Digits(1, 0, 254)),
    "top bits": (1, 56, Digits(1, 200, 56)),
    "bytes": (1, 32, Digits(8, 0, 32)),
    "words": (1, 8, Digits(32, 0, 8)),
    "odd digits": (1, 19, Digits(13, 7, 19)),
    "no digits": (1, 0, Digits(1, 255, 0)),
}


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("advice", ADVICE)
def test_advice_at_the_edges(advice, name):
    arity, count, function = ADVICE[advice]

    def build(cs, values):
        wires = [cs.witness("w", v) for v in values]
        if count == 1:
            cs.advise(function, *wires)
        else:
            cs.advise_many(function, count, *wires)

    tape = record(build, arity)
    assert Op.CALL not in tape.operations[:, 0]
    extra = [pow(v, 2, R) for v in (3, 7, R - 5)] + [pow(5, 1 << i, R) for i in range(1, 29)]
    choices = [[v] for v in (*EDGES, *extra)]
    if arity == 2:
        choices = [[v, w] for v in EDGES for w in EDGES]
    for values in choices:
        got = backends.get(name).run_tape(tape, tape.gather(values))
        assert (got == evaluate(build, values)).all(), values


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("value", [0, 1, R - 1])
def test_long_sums_of_the_largest_values(name, value):
    """Nine limbs hold them: no carry may be lost, however many terms there are."""
    n = 5000

    def build(cs, values):
        wires = [cs.witness("w", v) for v in values]
        once = cs.square(cs.dot([R - 2] * n, wires * n, R - 1))
        cs.square(cs.dot([R - 2, R - 3] * 700, [wires[0], once] * 700))

    tape = record(build, 1)
    got = backends.get(name).run_tape(tape, tape.gather([value]))
    assert (got == evaluate(build, [value])).all()


def test_many_different_terms():
    n = 3000

    def build(cs, values):
        wires = [cs.witness("w", v) for v in values]
        cs.square(cs.dot([R - 2 - i for i in range(n)], wires))

    tape = record(build, n)
    values = [R - 1 - (i % 3) for i in range(n)]
    assert int((tape.operations[:, 3] - tape.operations[:, 2]).max()) == n
    for name in BACKENDS:
        got = backends.get(name).run_tape(tape, tape.gather(values))
        assert (got == evaluate(build, values)).all(), name


def test_a_function_amid_operations_gets_reduced_integers():
    seen = []

    def spy(value):
        seen.append(value)
        return (value - 3,)

    def build(cs, values):
        x = cs.witness("x", values[0])
        (y,) = cs.advise_many(spy, 1, x * 2 - 7, name="spy")
        cs.mul(y, cs.advise(lambda v: v + R, y))

    tape = record(build, 1)
    expected = evaluate(build, [2])
    for name in BACKENDS:
        assert (backends.get(name).run_tape(tape, tape.gather([2])) == expected).all()
    assert seen == [R - 3] * 3
    assert all(type(v) is int for v in seen)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_a_function_raises_passes_through(name):
    def build(function):
        return record(lambda cs, v: cs.advise_many(function, 2, cs.witness("x", v[0]), name="f"), 1)

    def fails(value):
        raise ZeroDivisionError

    backend = backends.get(name)
    with pytest.raises(ZeroDivisionError):
        backend.run_tape(build(fails), to_array([1]))
    with pytest.raises(CircuitError, match="3 values, not 2"):
        backend.run_tape(build(lambda v: (v, v, v)), to_array([1]))


@pytest.mark.parametrize("name", BACKENDS)
def test_inputs_are_checked(name):
    tape = record(lambda cs, v: cs.square(cs.witness("x", v[0])), 1)
    backend = backends.get(name)
    for bad in (np.zeros((2, 4), np.uint64), np.zeros((1, 4), np.int64), np.zeros((4, 1)), None):
        with pytest.raises(BackendError):
            backend.run_tape(tape, bad)


def test_the_kernel_has_the_codes_of_the_tape():
    assert [Op[name] for name in ("MUL", "ADD", "SUB", "DOT", "QUOTIENT", "ROOT", "LESS")] == [
        kernel.MUL,
        kernel.ADD,
        kernel.SUB,
        kernel.DOT,
        kernel.QUOTIENT,
        kernel.ROOT,
        kernel.LESS,
    ]
    assert Op.DIGITS == kernel.DIGITS
    assert kernel.COEFFICIENT_BITS == tapes.COEFFICIENT_BITS
    assert unpack_digits(pack_digits(13, 200, 5)) == (13, 200, 5)


# Recording.


def test_what_no_wire_needs_is_dropped():
    def build(cs, values):
        x, y = (cs.witness("w", v) for v in values)
        cs.enforce(x + 2 * y, y * 3 - x + 5, x + y + 1, "a constraint")
        _ = x * 3 + y
        cs.mul(x, y)

    tape = record(build, 2)
    assert tape.operations.tolist() == [[Op.MUL, 3, 1, 2]]


def test_a_sum_that_is_used_again_is_computed_once():
    def build(cs, values):
        xs = [cs.witness("w", v) for v in values]
        total = cs.dot([2, 3, 4, 5, 6, 7], xs)
        for x in xs:
            cs.mul(total - x, x)

    tape = record(build, 6)
    assert sum(int(b - a) for code, _, a, b in tape.operations.tolist() if code == Op.DOT) == 6


def test_integers_of_the_witness_cannot_be_looked_at():
    t = Traced(0)
    for look in (lambda: bool(t), lambda: t == 1, lambda: t in (1, 2), lambda: 1 if t else 0):
        with pytest.raises(CircuitError, match="looks"):
            look()
    for compute in (lambda: t + 1, lambda: t >> 1, lambda: t < 5, lambda: int(t), lambda: {t}):
        with pytest.raises(TypeError):
            compute()


def test_an_integer_that_is_never_read_gives_no_tape():
    with pytest.raises(CircuitError, match="not read"):
        record(lambda cs, v: cs.witness("x", v[0]), 2)
    record(lambda cs, v: cs.witness("x", cs.derive(sum_of, 1, *v)[0]), 2)


def sum_of(*values):
    return (sum(values) % R,)


def test_formulas_do_not_look_at_values():
    with pytest.raises(CircuitError, match="formula"):
        record(lambda cs, v: cs.advise(Formula(lambda x: x if x else 1), cs.witness("x", v[0])), 1)


def test_the_recorder_refuses_what_the_others_refuse():
    cs = TapeRecorder("t", 0)
    with cs.clause("C"), pytest.raises(Unsatisfied):
        cs.equal(cs.constant(5), 6, "five")
    cs.witness("w", 1)
    with pytest.raises(CircuitError, match="before"):
        cs.public("p", 1)
    with pytest.raises(ShapeMismatch):
        cs.witness("w", R)
    for other in (TapeRecorder("t", 0), Evaluator()):
        with pytest.raises(CircuitError, match="builder"):
            cs.mul(cs.witness("x", 0), other.witness("y", 0))
    x = cs.witness("x", 0)
    assert not (x - x).fixed
    assert not (x * 0).fixed
    assert cs.mul(cs.constant(3), cs.constant(4)).fixed


@pytest.mark.parametrize(
    ("width", "first", "count"),
    [(0, 0, 1), (33, 0, 1), (8, 250, 1), (1, -1, 1), (1, 0, 257), (1, 0, -1), (1, 256, 0)],
)
def test_digits_within_a_value(width, first, count):
    with pytest.raises(CircuitError):
        Digits(width, first, count)


@pytest.mark.parametrize(
    "bad", [(R, 0), (-1, 0), (1 << 256, 0), (0, "1"), (0, None), (0, 1.0), (0,)]
)
def test_values_that_are_no_inputs(bad):
    tape = record(lambda cs, v: [cs.witness("x", x) for x in v], 2)
    with pytest.raises(ShapeMismatch):
        tape.gather(bad)


# Refusals.


def sample() -> Tape:
    def build(cs, values):
        p, x, y = cs.public("p", values[0]), *(cs.witness("w", v) for v in values[1:])
        z = cs.mul(x + 5 * y - 3, p - y)
        cs.advise(QUOTIENT, z, x)
        cs.advise_many(Digits(8, 0, 4), 4, z)
        cs.advise_many(halves, 2, z, x, name="halves")
        cs.witness("d", cs.derive(halves, 2, values[1], 7)[0])

    return record(build, 3)


def with_operation(which, **columns):
    """The sample with one entry of its first operation of a kind replaced."""
    tape = sample()
    operations = tape.operations.copy()
    row = operations[np.flatnonzero(operations[:, 0] == which)[0]]
    for column, value in columns.items():
        row[COLUMNS.index(column)] = value
    return dataclasses.replace(tape, operations=operations)


def changed(array, index, value):
    tape = sample()
    copy = getattr(tape, array).copy()
    copy[index] = value
    return dataclasses.replace(tape, **{array: copy})


COLUMNS = ("code", "out", "a", "b")
SLOTS = sample().slots
BAD = {
    "code": lambda: with_operation(Op.MUL, code=9),
    "result": lambda: with_operation(Op.MUL, out=SLOTS),
    "written twice": lambda: with_operation(Op.MUL, out=1),
    "the one is written": lambda: with_operation(Op.MUL, out=0),
    "first operand": lambda: with_operation(Op.MUL, a=SLOTS),
    "second operand": lambda: with_operation(Op.MUL, b=(1 << 32) - 1),
    "reads itself": lambda: with_operation(Op.QUOTIENT, a=5),
    "reads what comes later": lambda: with_operation(Op.MUL, a=7),
    "terms backwards": lambda: with_operation(Op.DOT, a=3, b=1),
    "terms beyond": lambda: with_operation(Op.DOT, b=999),
    "digit width": lambda: with_operation(Op.DIGITS, b=pack_digits(33, 0, 4)),
    "no digit width": lambda: with_operation(Op.DIGITS, b=pack_digits(0, 0, 4)),
    "digits beyond the value": lambda: with_operation(Op.DIGITS, b=pack_digits(8, 255, 4)),
    "digits beyond the slots": lambda: with_operation(Op.DIGITS, b=pack_digits(1, 0, 200)),
    "fewer digits": lambda: with_operation(Op.DIGITS, b=pack_digits(8, 0, 3)),
    "digits of nothing": lambda: with_operation(Op.DIGITS, a=SLOTS),
    "call": lambda: with_operation(Op.CALL, a=1),
    "call result": lambda: with_operation(Op.CALL, out=SLOTS - 1),
    "term slot": lambda: changed("terms", (0, 0), SLOTS),
    "term of later": lambda: changed("terms", (0, 0), 5),
    "term coefficient": lambda: changed("terms", (0, 1), 99),
    "coefficient": lambda: changed("coefficients", 0, to_array([R])[0]),
    "input slot": lambda: changed("inputs", 0, SLOTS),
    "input twice": lambda: changed("inputs", 0, 2),
    "source": lambda: changed("sources", 0, 99),
    "terms twice": lambda: dataclasses.replace(
        sample(),
        slots=SLOTS + 1,
        operations=np.vstack(
            [sample().operations, [[Op.DOT, SLOTS, 0, len(sample().terms)]]]
        ).astype(np.uint32),
    ),
    "a slot too many": lambda: dataclasses.replace(sample(), slots=SLOTS + 1),
    "slots for sixteen gigabytes": lambda: dataclasses.replace(sample(), slots=(1 << 31) - 1),
    "results for sixteen gigabytes": lambda: dataclasses.replace(
        sample(), calls=tuple(dataclasses.replace(c, count=1 << 31) for c in sample().calls)
    ),
    "fewer slots": lambda: dataclasses.replace(sample(), slots=SLOTS - 1),
    "more wires": lambda: dataclasses.replace(sample(), wires=SLOTS + 1),
    "a wire without a value": lambda: dataclasses.replace(
        sample(), slots=SLOTS + 1, wires=SLOTS + 1
    ),
    "publics": lambda: dataclasses.replace(sample(), publics=SLOTS),
    "no wires": lambda: dataclasses.replace(sample(), wires=0),
    "fewer leaves": lambda: dataclasses.replace(sample(), leaves=0),
    "types": lambda: dataclasses.replace(sample(), inputs=sample().inputs.astype(np.int64)),
    "shape": lambda: dataclasses.replace(sample(), terms=sample().terms.reshape(-1)),
    "call argument": lambda: dataclasses.replace(
        sample(), calls=(Call(halves, (SLOTS, 1), 2, "halves"),)
    ),
    "negative argument": lambda: dataclasses.replace(
        sample(), calls=(Call(halves, (-1, 1), 2, "halves"),)
    ),
    "argument of later": lambda: dataclasses.replace(
        sample(), calls=(Call(halves, (10, 1), 2, "halves"),)
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_indices_out_of_range_are_refused(bad):
    with pytest.raises(ShapeMismatch, match="not a witness tape"):
        BAD[bad]()


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_change_is_refused_or_harmless(data):
    """What passes the checks runs, and both backends agree about it."""
    tape = sample()
    name = data.draw(st.sampled_from(["inputs", "operations", "terms", "sources"]))
    array = getattr(tape, name).copy()
    flat = array.reshape(-1)
    position = data.draw(st.integers(0, len(flat) - 1))
    flat[position] = data.draw(st.integers(0, SLOTS + 2) | st.integers(0, (1 << 32) - 1))
    try:
        other = dataclasses.replace(tape, **{name: array})
    except ShapeMismatch:
        return
    inputs = other.gather([3, 4, 6])
    first, second = (backends.get(name).run_tape(other, inputs) for name in BACKENDS)
    assert (first == second).all()


# Files.


def test_files_give_the_same_tape():
    tape = sample()
    data = tape_file.to_bytes(tape, NAMES)
    again = tape_file.from_bytes(data, NAMES)
    assert tape_file.to_bytes(again, NAMES) == data
    for field in dataclasses.fields(Tape):
        a, b = getattr(tape, field.name), getattr(again, field.name)
        assert (a == b).all() if isinstance(a, np.ndarray) else a == b


def test_every_damaged_byte_is_refused():
    data = tape_file.to_bytes(sample(), NAMES)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << (position % 8)
        with pytest.raises(ShapeMismatch, match="not a witness tape"):
            tape_file.from_bytes(bytes(damaged), NAMES)
    for length in range(0, len(data), 7):
        with pytest.raises(ShapeMismatch, match="not a witness tape"):
            tape_file.from_bytes(data[:length], NAMES)
    with pytest.raises(ShapeMismatch, match="not a witness tape"):
        tape_file.from_bytes(data + bytes(8), NAMES)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["calls"][0].__setitem__(1, [1 << 70]),
        lambda header: header["calls"][0].__setitem__(2, 1 << 70),
        lambda header: header["lengths"].__setitem__("terms", 1 << 62),
        lambda header: header.__setitem__("slots", 1 << 70),
        lambda header: header.__setitem__("name", {}),
        lambda header: header["derivations"][0][1].__setitem__(0, [1, "5"]),
    ],
)
def test_numbers_and_texts_that_fit_nothing(change):
    """With a right digest: beyond 64 bits, they were an OverflowError of NumPy's."""
    content = tape_file.to_bytes(sample(), NAMES)[len(tape_file.MAGIC) + 32 :]
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    made = len(text).to_bytes(8, "little") + text + content[8 + size :]
    with pytest.raises(ShapeMismatch, match="parts do not fit"):
        tape_file.from_bytes(tape_file.MAGIC + tape_file.digest(made) + made, NAMES)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_file_made_to_harm_is_refused_or_harmless(data):
    """With a right digest over wrong content, too."""
    stored = bytearray(tape_file.to_bytes(sample(), NAMES))
    start = len(tape_file.MAGIC) + 32
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(start, len(stored) - 1))
        stored[position] = data.draw(st.integers(0, 255))
    content = bytes(stored[start:])
    made = tape_file.MAGIC + tape_file.digest(content) + content
    try:
        tape = tape_file.from_bytes(made, NAMES)
        inputs = tape.gather([3, 4, 6][: tape.leaves])
        first, second = (backends.get(name).run_tape(tape, inputs) for name in BACKENDS)
    except (ShapeMismatch, CircuitError, TypeError):
        return
    assert (first == second).all()


def test_a_header_that_nests_without_end_is_refused():
    """With a right digest: Python's own parser might end the process over it."""
    text = b'{"lengths":' + b"[" * 199_989
    content = len(text).to_bytes(8, "little") + text
    made = tape_file.MAGIC + tape_file.digest(content) + content
    with pytest.raises(ShapeMismatch, match="not a witness tape"):
        tape_file.from_bytes(made, NAMES)


def test_functions_need_names():
    with pytest.raises(CircuitError, match="without a name"):
        tape_file.to_bytes(sample(), {})
    with pytest.raises(ShapeMismatch, match="not a witness tape"):
        tape_file.from_bytes(tape_file.to_bytes(sample(), NAMES), {})


SCRIPT = """
import hashlib
from circuits.action import Action
from circuits.tapes import record_tape
from zk.r1cs.tape_file import to_bytes
action = Action(depth=2)
print(hashlib.sha256(to_bytes(record_tape(action, cache=False), action.functions)).hexdigest())
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
        for seed in ("0", "4242")
    }
    assert len(outputs) == 1
