"""Preparation: right material, and cheating noticed, whoever is away."""

from __future__ import annotations

import pytest

from private_exec.mpc import batch as batches
from private_exec.mpc import check, prepare, prss, vectors
from private_exec.mpc.batch import Batch, Drawn
from private_exec.mpc.certificate import Verdict
from private_exec.mpc.errors import BatchBlamed, Undecided
from private_exec.mpc.faults import Silent, Wrong
from private_exec.mpc.labels import Draw, GateLabel
from private_exec.mpc.material import Request
from private_exec.mpc.message import Kind
from private_exec.mpc.shamir import reconstruct
from private_exec.mpc.simulate import run
from private_exec.sharing import interpolate
from zk.field.params import FR
from zk.field.prime import sqrt

SIZES = [4, 7, 10]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("order", [None, 3])
def test_triples_are_products_and_bits_are_bits(committee, n, order, preparing, clear):
    members = committee(n)
    outcome = preparing(members, order=order)
    assert not outcome.errors
    a, b, c = (
        clear(members, outcome, lambda m, name=name: getattr(m.triples, name)) for name in "abc"
    )
    assert [x * y % vectors.R for x, y in zip(a, b, strict=True)] == c
    assert len(set(a)) == 20
    bits = clear(members, outcome, lambda m: m.bits)
    assert set(bits) == {0, 1}
    assert not any(outcome.accused(m) for m in members.session.members)
    for material in outcome.results.values():
        (certificate,) = material.certificates
        certificate.check(members.session)
        assert certificate.verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("request_", [Request(5, 0), Request(0, 5), Request(1, 0), Request(40, 0)])
def test_preparation_costs_what_it_says(committee, request_):
    members = committee(4)
    outcome = run(members, lambda context: prepare.prepare_all(context, request_))
    said = prepare.cost(members.session.size, request_)
    for context in outcome.contexts.values():
        assert (context.tally.rounds, context.tally.bytes) == (said.rounds, said.bytes)


@pytest.mark.parametrize(("n", "place"), [(4, 0), (4, 19), (4, 20), (4, 36), (7, 36)])
def test_pv15_a_wrong_product_is_noticed(committee, n, place, preparing):
    outcome = preparing(committee(n), faults=[Wrong(2, Kind.PRODUCT, place=place)])
    assert outcome.refused() == {(BatchBlamed, "PV-17")}


@pytest.mark.parametrize("n", [4, 7])
def test_pv15_with_t_away_a_wrong_product_is_a_codeword_and_the_coin_finds_it(
    committee, n, monkeypatch, preparing, clear
):
    """2t + 1 shares of degree 2t always agree: without the check the batch would be accepted."""
    members = committee(n)
    t = members.session.size.t
    faults = [Silent(m) for m in range(n - t + 1, n + 1)] + [Wrong(1, Kind.PRODUCT)]
    honest = range(2, n - t + 1)
    outcome = preparing(members, faults=faults)
    assert outcome.refused(honest) == {(BatchBlamed, "PV-17")}
    assert {outcome.errors[m].liars for m in honest} == {(1,)}
    monkeypatch.setattr(check, "holds", lambda _: True)
    accepted = preparing(members, faults=faults)
    a, b, c = (
        clear(members, accepted, lambda m, name=name: getattr(m.triples, name)) for name in "abc"
    )
    assert a[0] * b[0] % vectors.R != c[0]


def test_pv15_the_second_coin_lies_on_no_row():
    """There the random row weighs nothing, and rows of factors would lie open."""
    for value in range(3 * check.ROWS):
        assert check.coin(value) not in range(2 * check.ROWS + 1)
    assert check.coin(FR.modulus - 1) == FR.modulus - 1


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40])
def test_the_check_finds_any_single_wrong_product(committee, count):
    """In the clear: shares of degree 0 are the values themselves."""
    a, b = ([7 * k + 3 for k in range(count)], [k * k + 11 for k in range(count)])
    right = [x * y for x, y in zip(a, b, strict=True)]
    wide = check.width(count)
    random = vectors.vec(range(1000, 1000 + 2 * wide))
    for wrong_at in (None, 0, count - 1):
        claimed = [c + (k == wrong_at) for k, c in enumerate(right)]
        folded = check.fold(*map(vectors.vec, (a, b, claimed)), 12345, random)
        opened = folded.at(check.coin(5), folded.products)
        assert check.holds(opened) == (wrong_at is None)


def test_what_is_drawn_and_folded_does_not_print(committee, asked):
    members = committee(4)
    keys = members.keys[1]
    batch = Batch(members.session.sid, 0, asked)
    drawn = Drawn.of(
        batch,
        lambda label, count: (
            prss.shares(keys, label, count)
            if isinstance(label, GateLabel)
            else prss.zeros(keys, label, count)
        ),
    )
    assert repr(drawn) == "Drawn()"
    assert repr(drawn.folded(drawn.products, 7)) == "Folded()"


def test_pv15_fewer_than_2t_plus_1_products_fix_none(committee):
    size = committee(4).session.size
    with pytest.raises(Undecided) as caught:
        batches.consistent(size, {m: vectors.vec([1]) for m in (1, 2)})
    assert caught.value.rule == "PV-15"


def squares_say(members, outcome, asked):
    """What member 1 of 4 reads off published squares: x of each bit whose word is a square f²."""
    words = {
        m.sender: vectors.ints(vectors.from_bytes(m.body, len(m.body) // 32))[asked.triples :]
        for m in outcome.messages
        if m.header.kind is Kind.PRODUCT and m.header.round == 0
    }
    batch = Batch(members.session.sid, 0, asked)
    own = vectors.ints(prss.shares(members.keys[1], batch.value(Draw.BIT), asked.bits))
    read = []
    for place, share in enumerate(own):
        points = {m: words[m][place] for m in (1, 2, 3)}
        at = {x: interpolate(list(points), list(points.values()), x) for x in (0, 4)}
        found = sqrt(at[0], FR) or 0
        for root in (found, vectors.R - found):
            line = interpolate([0, 1], [root, share], 4)
            if line * line % vectors.R == at[4]:
                read.append(root)
    return read


def test_pv15_squares_without_a_sharing_of_zero_would_show_the_bits(
    committee, monkeypatch, preparing, asked
):
    """P2-6: x² of degree 2t is the square of x's own polynomial, which one share tells from −x."""
    members = committee(4)
    assert squares_say(members, preparing(members), asked) == []
    monkeypatch.setattr(prepare.prss, "zeros", lambda _k, _l, count: vectors.zeros(count))
    outcome = preparing(members)
    hidden = {
        m: prss.shares(
            members.keys[m],
            Batch(members.session.sid, 0, asked).value(Draw.BIT),
            asked.bits,
        )
        for m in members.session.members
    }
    values = vectors.ints(reconstruct(members.session.size, hidden, 1))
    assert squares_say(members, outcome, asked) == values
