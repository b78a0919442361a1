"""Bits are bits, and what was prepared is taken once."""

from __future__ import annotations

import pytest

from private_exec.mpc import prepare, prss, vectors
from private_exec.mpc.errors import Inconsistent, MaterialRefused
from private_exec.mpc.labels import Draw
from private_exec.mpc.material import Request
from private_exec.mpc.simulate import run


def test_pv18_a_square_of_0_is_drawn_again_under_another_label(
    committee, monkeypatch, preparing, clear
):
    members = committee(4)
    labels = []

    def drawn(keys, label, count, original=prss.shares):
        labels.append(label)
        values = original(keys, label, count)
        if label.what is Draw.BIT and label.retry == 0:
            values[3] = 0
        return values

    monkeypatch.setattr(prepare.prss, "shares", drawn)
    outcome = preparing(members)
    bits = clear(members, outcome, lambda m: m.bits)
    assert len(bits) == 17
    assert set(bits) <= {0, 1}
    assert {label.retry for label in labels if label.what is Draw.BIT} == {0, 1}
    assert {label.retry for label in labels if label.what is Draw.LEFT} == {0, 1}


def test_pv18_a_value_without_a_root_makes_no_bit():
    with pytest.raises(Inconsistent) as caught:
        prepare._bits(vectors.vec([5]), vectors.vec([5]))
    assert caught.value.rule == "PV-18"


def test_pv19_a_session_draws_each_label_once(committee, asked):
    members = committee(4)

    def twice(context):
        yield from prepare.prepare(context, 0, asked)
        return (yield from prepare.prepare(context, 0, asked))

    assert run(members, twice).refused() == {(MaterialRefused, "PV-19")}


def test_pv19_no_more_is_taken_than_was_prepared_and_nothing_twice(committee, preparing):
    members = committee(4)
    material = preparing(members).results[1]
    first, second = material.take_triples(12), material.take_triples(8)
    assert not (first.a[:8] == second.a).all(axis=1).any()
    with pytest.raises(MaterialRefused) as caught:
        material.take_triples(1)
    assert caught.value.rule == "PV-19"
    material.take_bits(17)
    with pytest.raises(MaterialRefused) as caught:
        material.take_bits(1)
    assert caught.value.rule == "PV-19"


@pytest.mark.parametrize("request_", [Request(0, 0), Request(prepare.MAX_BATCH, 1)])
def test_pv19_a_batch_is_neither_empty_nor_endless(committee, request_):
    with pytest.raises(MaterialRefused) as caught:
        next(prepare.prepare(committee(4).context(1), 0, request_))
    assert caught.value.rule == "PV-19"


def test_pv19_a_request_is_not_negative():
    with pytest.raises(MaterialRefused) as caught:
        Request(-1, 2)
    assert caught.value.rule == "PV-19"


def test_a_large_request_is_cut_into_batches():
    parts = prepare.batches(Request(prepare.MAX_BATCH + 5, 7))
    assert parts == [Request(prepare.MAX_BATCH, 0), Request(5, 7)]
