"""Programs on shares against the same in plain integers; and what they cost, show and refuse."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.mpc import arithmetic, compare, divide, order, prss, vectors
from private_exec.mpc.arithmetic import Mpc, stack
from private_exec.mpc.errors import MaterialRefused, RangeRefused
from private_exec.mpc.faults import Silent, Wrong
from private_exec.mpc.labels import Draw, GateLabel
from private_exec.mpc.machine import Dry, Live
from private_exec.mpc.material import Request
from private_exec.mpc.message import Kind
from private_exec.mpc.rounds import Round
from private_exec.mpc.shamir import Size, reconstruct
from private_exec.mpc.simulate import material_of, run, shares_of

SIZES = [4, 7, 10]
R = vectors.R
some = settings(max_examples=12, deadline=None)


def edges(bits):
    top = (1 << bits) - 1
    return sorted({0, 1, top, top - 1 if top > 1 else 0, top >> 1, (top >> 1) + 1 & top})


@given(st.lists(st.tuples(*[st.integers(0, R - 1)] * 2), min_size=1, max_size=4))
@some
def test_products(compute, pairs):
    a, b = zip(*pairs, strict=True)
    assert compute(Mpc.mul, a, b) == [x * y % R for x, y in pairs]


@pytest.mark.parametrize("n", SIZES)
def test_products_in_committees_with_faults(compute, n):
    size = Size.of(n)
    faults = [Wrong(m, Kind.OPEN, place=m, by=m) for m in range(1, size.t)] + [Silent(n)]
    a, b = list(range(20)), [R - k for k in range(1, 21)]

    def checked(**options):
        return compute(Mpc.mul, a, b, n=n, **options)

    expected = [x * y % R for x, y in zip(a, b, strict=True)]
    assert checked() == checked(order=5) == expected
    if size.t > 1:
        with pytest.raises(Exception, match="2t \\+ 1"):
            checked(faults=[*faults, *(Silent(m) for m in range(2, size.t + 2))])


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 32, 64, 160])
def test_less_at_its_edges(compute, bits):
    pairs = list(itertools.product(edges(bits), repeat=2))
    a, b = zip(*pairs, strict=True)
    result = compute(lambda m, x, y: m.less(x, y, bits), a, b)
    assert result == [int(x < y) for x, y in pairs]


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 32, 63, 64, 128])
def test_equal_at_its_edges(compute, bits):
    pairs = list(itertools.product(edges(bits), repeat=2))
    a, b = zip(*pairs, strict=True)
    result = compute(lambda m, x, y: m.equal(x, y, bits), a, b)
    assert result == [int(x == y) for x, y in pairs]


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8, 32, 64])
def test_bits_of_a_value(compute, bits):
    values = edges(bits)
    result = compute(lambda m, x: m.bits_of(x, bits), values)
    rows = np.array(result).reshape(bits, len(values))
    assert [[value >> k & 1 for value in values] for k in range(bits)] == rows.tolist()


@given(st.integers(1, 40), st.data())
@some
def test_comparisons_of_random_values(compute, bits, data):
    value = st.integers(0, (1 << bits) - 1)
    pairs = data.draw(st.lists(st.tuples(value, value), min_size=1, max_size=6))
    a, b = zip(*pairs, strict=True)

    def program(mpc, x, y):
        smaller = yield from mpc.less(x, y, bits)
        same = yield from mpc.equal(x, y, bits)
        return np.concatenate([smaller, same])

    assert compute(program, a, b) == [int(x < y) for x, y in pairs] + [
        int(x == y) for x, y in pairs
    ]


@pytest.mark.parametrize("low", [0, 1, 2, 7, 20])
def test_remainders_by_powers_of_two(compute, low):
    values = [0, 1, (1 << 20) - 1, 12345, 1 << 19]
    result = compute(lambda m, x: compare.modulo_power(m.machine, x, low, 20), values)
    assert result == [value % (1 << low) for value in values]


@given(st.integers(1, 3000), st.lists(st.integers(0, 1023), min_size=1, max_size=5))
@some
def test_division_rounds_down(compute, divisor, values):
    result = compute(lambda m, x: m.div_public(x, divisor, 10), values)
    assert result == [value // divisor for value in values]


@pytest.mark.parametrize("divisor", [1, 2, 3, 7, 10**6, 2**32 - 1, 2**32 - 2])
def test_division_of_the_longest_values(compute, divisor):
    values = [2**32 - 1, 2**32 - 2, 0, divisor, divisor - 1]
    assert compute(lambda m, x: m.div_public(x, divisor, 32), values) == [
        value // divisor for value in values
    ]


@pytest.mark.parametrize("places", [0, 1, 16, 31, 32, 40])
def test_shifts(compute, places):
    values = [2**32 - 1, 65536, 65535, 0]
    result = compute(lambda m, x: m.shift_right(x, places, 32), values)
    assert result == [value >> places for value in values]


@pytest.mark.parametrize("bit", [0, 1])
def test_selection_of_fields(compute, bit):
    def program(mpc, bits, yes, no):
        fields = yield from mpc.select(bits, stack([yes, no]), stack([no, no]))
        return fields

    assert compute(program, [bit], [7], [9]) == [7 if bit else 9, 9]


@given(st.lists(st.integers(0, 255), min_size=1, max_size=9))
@some
def test_the_greatest_and_its_first_place(compute, values):
    def program(mpc, x):
        best, place = yield from mpc.argmax(x.reshape(-1, 1, 4), 8)
        return np.concatenate([best, place])

    assert compute(program, values) == [max(values), values.index(max(values))]


def test_instances_side_by_side_do_not_meet(compute):
    """Three contests of four, in the rounds of one."""
    values = [5, 9, 1, 7, 9, 3, 2, 2, 3, 7, 9, 1]
    rows = np.array(values).reshape(4, 3)

    def program(mpc, x):
        best, place = yield from mpc.argmax(x.reshape(4, 3, 4), 8)
        return np.concatenate([best, place])

    assert compute(program, values) == rows.max(axis=0).tolist() + rows.argmax(axis=0).tolist()


@given(st.lists(st.integers(0, 15), min_size=1, max_size=9))
@some
def test_sorting_takes_the_other_fields_along(compute, keys):
    payload = [100 + 16 * k + key for k, key in enumerate(keys)]

    def program(mpc, x, y):
        records = np.stack([x, y], axis=1).reshape(len(x), 2, 1, 4)
        return (yield from mpc.sort(records, 4))

    result = compute(program, keys, payload)
    found = [tuple(result[k : k + 2]) for k in range(0, len(result), 2)]
    assert [key for key, _ in found] == sorted(keys)
    assert sorted(found) == sorted(zip(keys, payload, strict=True))


@pytest.mark.parametrize("count", range(1, 9))
def test_the_network_sorts_all_sequences_of_0_and_1(count):
    """The 0-1 principle: then it sorts everything (Knuth, 5.3.4)."""
    for bits in itertools.product((0, 1), repeat=count):
        row = list(bits)
        for layer in order.network(count):
            assert len({i for pair in layer for i in pair}) == 2 * len(layer)
            for i, j in layer:
                row[i], row[j] = sorted((row[i], row[j]))
        assert row == sorted(bits)


def test_random_bits_are_bits(compute):
    result = compute(lambda m: _returned(m.random_bits(40)))
    assert set(result) == {0, 1}


def _returned(value):
    yield from ()
    return value


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [*SIZES, 13])
def test_pv20_values_leave_room_for_80_bits_of_mask(n):
    machine = Dry(Size.of(n))
    widest = compare.widest(machine)
    x = vectors.zeros(1)
    assert widest >= 160
    list(compare.modulo_power(machine, x, 5, widest))
    for bits in (0, -1, widest + 1, 254):
        with pytest.raises(RangeRefused) as caught:
            list(compare.modulo_power(machine, x, min(bits, 5), bits))
        assert caught.value.rule == "PV-20"
    for ask in (Mpc.less, Mpc.equal):
        with pytest.raises(RangeRefused) as caught:
            list(ask(Mpc(machine), x, x, widest))
        assert caught.value.rule == "PV-20"
    with pytest.raises(RangeRefused) as caught:
        list(Mpc(machine).bits_of(x, widest + 1))
    assert caught.value.rule == "PV-20"


def test_pv20_a_remainder_has_no_more_bits_than_its_value():
    with pytest.raises(RangeRefused) as caught:
        list(compare.modulo_power(Dry(Size(1)), vectors.zeros(1), 9, 8))
    assert caught.value.rule == "PV-20"


class Asked(Dry):
    """A machine that notes how long masks were asked for."""

    def masks(self, count, bits):
        self.lengths = [*getattr(self, "lengths", []), bits]
        return super().masks(count, bits)


@pytest.mark.parametrize("n", [*SIZES, 13])
def test_pv20_a_mask_has_80_bits_more_than_what_it_hides(n):
    machine, x = Asked(Size.of(n)), vectors.zeros(1)
    list(compare.modulo_power(machine, x, 5, 32))
    list(Mpc(machine).less(x, x, 32))
    list(Mpc(machine).equal(x, x, 32))
    list(Mpc(machine).bits_of(x, 32))
    assert machine.lengths == [27 + 80, 1 + 80, 80, 80]
    assert compare.widest(machine) + 80 + math.comb(n, n // 3).bit_length() == 254 - 2


def test_pv19_a_mask_is_drawn_once_in_a_session(committee):
    """Two values under one mask would show their difference."""
    members = committee(4)
    context = members.context(1)
    material = material_of(members, Request(0, 0))[1]
    Live(context, material).masks(1, 80)
    with pytest.raises(MaterialRefused) as caught:
        Live(context, material).masks(1, 80)
    assert caught.value.rule == "PV-19"


def test_pv20_masks_are_as_long_as_they_should_be(committee):
    """The sum of what C(n, t) keys give, each of so many bits: never wrapped, hardly ever short."""
    members = committee(7)
    label = GateLabel(members.session.sid, 0, Draw.MASK)
    sent = {m: prss.bounded(members.keys[m], label, 300, 81) for m in members.session.members}
    values = vectors.ints(reconstruct(members.session.size, sent, 2))
    assert max(values) < 21 << 81
    assert min(values) > 1 << 81
    assert len({value % 1024 for value in values}) > 200


@pytest.mark.parametrize("divisor", [0, -1])
def test_pv21_a_divisor_is_at_least_1(divisor):
    with pytest.raises(RangeRefused) as caught:
        list(divide.divide(Dry(Size(1)), vectors.zeros(1), divisor, 8))
    assert caught.value.rule == "PV-21"


def test_pv21_a_shift_is_not_negative():
    with pytest.raises(RangeRefused) as caught:
        list(divide.shift_right(Dry(Size(1)), vectors.zeros(1), -1, 8))
    assert caught.value.rule == "PV-21"


# -- cost, and what can be seen -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "rounds"),
    [
        (lambda m, x: m.mul(x, x), 1),
        (lambda m, x: m.less(x, x, 32), 5),
        (lambda m, x: m.less(x, x, 64), 6),
        (lambda m, x: m.less(x, x, 1), 1),
        (lambda m, x: m.equal(x, x, 31), 5),
        (lambda m, x: m.bits_of(x, 32), 6),
        (lambda m, x: m.argmax(x.reshape(-1, 1, 4), 32), 24),
    ],
)
def test_rounds_do_not_grow_with_the_width(program, rounds):
    for width in (16, 16 * 9):
        spent = arithmetic.cost(
            Size(1),
            lambda m, w=width: program(m, vectors.zeros(16) if rounds == 24 else vectors.zeros(w)),
        )
        assert spent.rounds == rounds


@pytest.mark.parametrize("n", [4, 7])
def test_pv22_a_program_costs_what_it_costs_on_nothing(outcome_of, n):
    """So the kinds, lengths and rounds of what is sent say nothing about values."""

    def program(mpc, x):
        ordered = yield from mpc.sort(x.reshape(-1, 1, 1, 4), 16)
        return (yield from mpc.div_public(ordered.reshape(-1, 4), 7, 16))

    runs = [outcome_of(program, values, n=n) for values in ([0] * 6, [65535, 1, 2, 3, 4, 65534])]
    assert runs[0].sent == runs[1].sent
    for outcome in runs:
        for context in outcome.contexts.values():
            spent = context.tally
            assert spent.rounds == outcome.cost.rounds + 1
            assert (spent.triples, spent.bits) == (outcome.cost.triples, outcome.cost.bits)


def test_pv22_a_program_that_waits_for_somebody_on_nothing_has_no_cost():
    def program(mpc):
        yield Round(Kind.OPEN, b"")

    with pytest.raises(MaterialRefused) as caught:
        arithmetic.cost(Size(1), program)
    assert caught.value.rule == "PV-22"


def test_a_session_prepares_and_computes(committee):
    members = committee(4)
    inputs = shares_of(members, [3, 200, 200, 17])

    def session(context):
        def program(mpc):
            best, place = yield from mpc.argmax(inputs[context.member].reshape(-1, 1, 4), 8)
            return (yield from mpc.open(np.concatenate([best, place])))

        return arithmetic.compute(context, program)

    outcome = run(members, session)
    assert {tuple(vectors.ints(v)) for v in outcome.results.values()} == {(200, 1)}
    outcome = run(members, session, faults=[Wrong(3, Kind.OPEN, place=-1)], order=1)
    assert {tuple(vectors.ints(outcome.results[m])) for m in (1, 2, 4)} == {(200, 1)}
