"""What messages show: nothing that depends on values; who starts again says the same again."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from private_exec.mpc import prepare, vectors
from private_exec.mpc.arithmetic import Mpc, compute, cost
from private_exec.mpc.context import MemoryJournal
from private_exec.mpc.decode import decode
from private_exec.mpc.labels import SessionId
from private_exec.mpc.machine import Live
from private_exec.mpc.material import Request
from private_exec.mpc.message import Kind
from private_exec.mpc.simulate import material_of, run, shares_of
from zk.field.arrays import BYTES

RUNS, BUCKETS = 1000, 16


def auction(members, values):
    inputs = shares_of(members, values)

    def session(context):
        def program(mpc):
            best, place = yield from mpc.argmax(inputs[context.member].reshape(-1, 1, 4), 8)
            return (yield from mpc.open(np.concatenate([best, place])))

        return compute(context, program)

    return session


@pytest.mark.parametrize("order", [None, 1, 2])
def test_a_member_that_starts_again_sends_the_same_messages(committee, order):
    """Whatever arrived in which order: no mask is ever used for two things."""
    members = committee(4)
    journals = {m: MemoryJournal() for m in members.session.members}
    session = auction(members, [9, 200, 31])
    first = run(members, session, journals=journals)
    again = run(members, session, journals=journals, order=order)
    assert not first.errors
    assert not again.errors
    assert {m.to_bytes() for m in first.messages} == {m.to_bytes() for m in again.messages}


def test_another_session_has_other_masks_for_the_same_inputs(committee):
    members = committee(4)
    other = replace(members, session=replace(members.session, sid=SessionId(b"\x01" * 32)))
    sent = [
        {m.body for m in run(c, auction(c, [9, 200, 31])).messages if m.header.kind is Kind.OPEN}
        for c in (members, other)
    ]
    assert not sent[0] & sent[1]


def test_pv22_losing_values_change_nothing_that_an_observer_counts(committee):
    members = committee(4)
    runs = [run(members, auction(members, bids)) for bids in ([1, 200, 3], [199, 200, 198])]
    assert runs[0].sent == runs[1].sent
    results = [{tuple(vectors.ints(v)) for v in outcome.results.values()} for outcome in runs]
    assert results == [{(200, 1)}, {(200, 1)}]


def opened_values(members, outcome):
    """Everything that was opened, in one list: what a coalition sees beside its shares."""
    rounds: dict[int, dict[int, np.ndarray]] = {}
    for message in outcome.messages:
        if message.header.kind is Kind.OPEN:
            body = message.body
            words = rounds.setdefault(message.header.round, {})
            words[message.sender] = vectors.from_bytes(body, len(body) // BYTES)
    size = members.session.size
    opened = [decode(size, words, size.t).values for _, words in sorted(rounds.items())]
    return vectors.ints(np.concatenate(opened))


def chi_square(first, second):
    """Of two samples in the same buckets."""
    both = np.array([np.bincount(s, minlength=BUCKETS) for s in (first, second)], dtype=float)
    expected = both.sum(axis=0) / 2
    return float((((both - expected) ** 2) / np.where(expected, expected, 1)).sum())


def test_opened_values_are_distributed_alike_whatever_is_compared(committee):
    """1,000 comparisons with each of two inputs: low bits of every opened value, in 16 buckets.

    The statistic has 15 degrees of freedom: above 44 once in 10,000 times. Nothing is drawn afresh,
    so it is the same number in every run of this test.
    """
    members = committee(4)
    bits = 8
    samples = []
    for number, (a, b) in enumerate(((3, 250), (251, 250))):

        def program(mpc, x, y):
            return (yield from mpc.less(x, y, bits))

        spent = cost(members.session.size, lambda m: program(m, *[vectors.zeros(RUNS)] * 2))
        material = material_of(members, Request(spent.triples, spent.bits), seed=number)
        session = replace(members.session, sid=SessionId(bytes([number]) * 32))
        fresh = replace(members, session=session)
        shares = [shares_of(fresh, [v] * RUNS, seed=number) for v in (a, b)]

        def protocol(context, material=material, shares=shares):
            mpc = Mpc(Live(context, material[context.member]))
            return (yield from program(mpc, *(s[context.member] for s in shares)))

        samples.append(opened_values(fresh, run(fresh, protocol)))
    first, second = samples
    assert len(first) == len(second)
    for start in range(0, len(first), RUNS):  # each opened quantity by itself
        low = [[v % BUCKETS for v in sample[start : start + RUNS]] for sample in samples]
        assert chi_square(*low) < 44
    # the masked difference is longer than the value by the mask, and its length tells nothing
    lengths = [[min(v.bit_length() - 84, 15) for v in sample[:RUNS]] for sample in samples]
    assert chi_square(*lengths) < 44


def test_the_distribution_test_sees_a_mask_that_is_missing():
    drawn = random.Random(1)
    masked = [(3 + drawn.randrange(BUCKETS)) % BUCKETS for _ in range(RUNS)]
    assert chi_square(masked, [3] * RUNS) > 44


def test_all_members_send_alike_in_preparation(committee):
    members = committee(4)
    outcome = run(members, lambda context: prepare.prepare(context, 0, Request(4, 4)))
    assert len({(s.round, s.kind, s.length) for s in outcome.sent}) == prepare.ROUNDS
