"""Secret values: what they refuse, the bounds they carry, what is written down."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.programs.errors import ProgramRefused
from private_exec.programs.functions import (
    exchange,
    maximum,
    minimum,
    one_hot,
    select,
    total,
)
from private_exec.programs.ir import Circuit, Multiply
from private_exec.programs.trace import MASK_BITS, MAX_COMPARED, Secret, Trace
from zk.field.params import FR


def refused(rule: str):
    """A context that expects this rule to refuse."""
    return pytest.raises(ProgramRefused, check=lambda error: error.rule == rule)


@pytest.fixture
def values() -> tuple[Secret, Secret]:
    trace = Trace()
    return trace.given(255), trace.given(15)


@pytest.mark.parametrize(
    "use",
    [
        bool,
        int,
        list,
        range,
        operator.not_,
        lambda a: 1 if a < 3 else 2,
        lambda a: a > 3 and a < 9,
        lambda a: 0 < a < 9,
        lambda a: min(a, 3),
        lambda a: a == 3 or a == 4,
        lambda a: a in {3: 4},
        lambda a: [10, 20][a],
        lambda a: "xyz"[a],
        bytes,
    ],
)
def test_pv82_nothing_public_depends_on_a_secret(use, values) -> None:
    with pytest.raises((ProgramRefused, TypeError)) as caught:
        use(values[0])
    if isinstance(caught.value, ProgramRefused):
        assert caught.value.rule == "PV-82"
    else:
        assert "unhashable" in str(caught.value)


@pytest.mark.parametrize("other", [1.0, "1", True, None, (1,)])
@pytest.mark.parametrize(
    "op", [operator.add, operator.sub, operator.mul, operator.lt, operator.ge, operator.eq]
)
def test_pv82_secrets_combine_with_whole_numbers_only(op, other, values) -> None:
    with refused("PV-82"):
        op(values[0], other)


def test_pv92_values_of_two_runs_do_not_mix(values) -> None:
    stranger = Trace().given(3)
    for op in (operator.add, operator.mul, operator.lt, operator.eq):
        with refused("PV-92"):
            op(values[0], stranger)
    with refused("PV-92"):
        total([values[0], stranger])


def test_pv85_bounds_pass_through_arithmetic(values) -> None:
    a, b = values
    for value, bounds in [
        (a + b, (0, 270)),
        (a - b, (-15, 255)),
        (3 - a, (-252, 3)),
        (-2 * a, (-510, 0)),
        (a * b, (0, 3825)),
        ((a - b) * (a - b), (0, 255 * 255)),
        ((a - b) * b, (-225, 3825)),
        (a < b, (0, 1)),
        (select(a < b, a, 7), (0, 255)),
        (minimum(a, b - 3), (-3, 12)),
        (maximum(a, b + 300), (300, 315)),
        (one_hot(b, 16).pick([a + i for i in range(16)]), (0, 270)),
    ]:
        assert (value.low, value.high) == bounds


def test_pv85_no_value_leaves_the_field() -> None:
    value = Trace().given(2**63)
    with refused("PV-85"):
        for _ in range(4):
            value = value * value
    small = Trace().given(1)
    assert (small * ((FR.modulus - 1) // 2)).high == (FR.modulus - 1) // 2
    with refused("PV-85"):
        small * ((FR.modulus + 1) // 2)


def test_pv85_comparisons_leave_room_for_their_mask() -> None:
    trace = Trace()
    widest = trace.given((1 << MAX_COMPARED) - 1)
    assert (widest < trace.given(3)).high == 1
    for op in (operator.lt, operator.ge, operator.eq):
        with refused("PV-85"):
            op(widest + 1, trace.given(3))
    with refused("PV-85"):
        (widest + 1).bits()
    assert FR.modulus.bit_length() > MAX_COMPARED + MASK_BITS + 1 > 160 + 80


def test_pv85_bits_positions_and_choices_are_what_they_are_used_as(values) -> None:
    a, b = values
    with refused("PV-85"):
        (a - b).bits()
    with refused("PV-85"):
        select(a, 1, 2)
    with refused("PV-85"):
        exchange(b - 1, a, b)
    with refused("PV-85"):
        one_hot(b, 15)
    with refused("PV-85"):
        one_hot(b - 1, 16)
    with refused("PV-85"):
        one_hot(b, 16).pick([a] * 15)


def test_pv85_only_what_is_not_negative_and_short_enough_is_divided(values) -> None:
    a, b = values
    for divisor in (0, -1):
        with refused("PV-85"):
            a // divisor
    with refused("PV-85"):
        (a - b) // 3
    for divisor in (b, 2.0, True):
        with refused("PV-82"):
            a // divisor
    long = a.trace.given((1 << 80) - 1)
    assert ((long // 3).high, (long % 3).high) == (((1 << 80) - 1) // 3, 2)
    with refused("PV-85"):
        (long + 1) // 3
    assert ((long * long) // 2**100).high == ((1 << 80) - 1) ** 2 >> 100
    with refused("PV-85"):
        (2 * long * long) // 2**100


def evaluate(secret: Secret, inputs: list[int]) -> int:
    """The value of what was traced, by the operations' own definition."""
    trace = secret.trace
    wires = list(inputs)
    for _, op in Circuit(len(inputs), tuple(trace.ops), ()).firsts():
        values = [operand.at(wires) for operand in op.operands]
        match op.kind:
            case "multiply":
                wires.append(values[0] * values[1])
            case "less":
                wires.append(int(values[0] < values[1]))
            case "equal":
                wires.append(int(values[0] == 0))
            case "divide":
                wires.append(values[0] // op.divisor)
            case _:
                wires.extend(values[0] >> i & 1 for i in range(op.bits))
    return secret.affine().at(wires)


number = st.integers(0, 255)
small = st.integers(0, 15)


@given(number, small, st.integers(-300, 300))
@settings(deadline=None)
def test_every_operation_means_what_python_means(x: int, y: int, k: int) -> None:
    trace = Trace()
    a, b = trace.given(255), trace.given(15)
    for op in (
        operator.add, operator.sub, operator.mul, operator.lt, operator.le, operator.gt,
        operator.ge, operator.eq, operator.ne,
    ):  # fmt: skip
        for left, right, p, q in [
            (a, b, x, y),
            (a, k, x, k),
            (k, b, k, y),
            (a - k, b * k, x - k, y * k),
        ]:
            result = op(left, right)
            assert evaluate(result, [x, y]) == op(p, q), op
            assert result.low <= op(p, q) <= result.high
    assert evaluate(minimum(a, b + k), [x, y]) == min(x, y + k)
    assert evaluate(maximum(a, b + k), [x, y]) == max(x, y + k)
    assert evaluate(select(a < b, a + k, b), [x, y]) == (x + k if x < y else y)
    assert [evaluate(v, [x, y]) for v in exchange(a < b, a, b)] == sorted([x, y])
    assert [evaluate(v, [x, y]) for v in a.bits()] == [x >> i & 1 for i in range(8)]
    divisor = abs(k) + 1
    assert evaluate((a + b) // divisor, [x, y]) == (x + y) // divisor
    assert evaluate((a + b) % divisor, [x, y]) == (x + y) % divisor
    assert evaluate(total([a, b, a, b - k]), [x, y]) == 2 * x + 2 * y - k


@given(st.integers(1, 20), st.data())
@settings(deadline=None)
def test_a_position_is_one_bit_of_as_many(count: int, data) -> None:
    position = data.draw(st.integers(0, count - 1))
    secret = Trace().given(count - 1)
    hot = one_hot(secret, count + 2)
    row = [evaluate(bit, [position]) for bit in hot.bits]
    assert row == [int(i == position) for i in range(count + 2)]
    table = [secret * 0 + 7 * i for i in range(count + 2)]
    assert evaluate(hot.pick(table), [position]) == 7 * position
    spread = [evaluate(v, [position]) for v in hot.spread(secret + 1)]
    assert spread == [(position + 1) * bit for bit in row]


def test_sums_and_multiples_are_free_and_nothing_is_done_twice(values) -> None:
    a, b = values
    total([a, 5 * b, a - 3, 2 - b])
    assert a.trace.ops == []
    assert (a * b).affine() == (b * a).affine()
    assert (a < b).affine() == (a < b).affine()
    assert len(a.trace.ops) == 2
    assert isinstance(a.trace.ops[0], Multiply)


def test_what_bounds_decide_is_not_compared(values) -> None:
    a, b = values
    for bit, value in [
        (b // 16, 0), (b < 16, 1), (b < 0, 0), (a >= 0, 1), (b > 15, 0),
        (b == 16, 0), (a == a, 1), (b != -1, 1)
    ]:  # fmt: skip
        assert bit.affine().terms == ()
        assert bit.affine().constant == value
    assert a.trace.ops == []


def test_a_secret_does_not_print_more_than_its_length(values) -> None:
    assert repr(values[0] + values[1]) == "Secret(9 bits)"
