"""Correction: what is accepted is right, liars are named, beyond the bound nothing is guessed."""

from __future__ import annotations

import random
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.mpc import decode as decoding
from private_exec.mpc import spec, vectors
from private_exec.mpc.decode import decode, locate, quorum
from private_exec.mpc.errors import MalformedVector, TooFewVectors, TooManyLiars, UnfitKeys
from private_exec.mpc.shamir import Size
from private_exec.mpc.testing import shared
from private_exec.mpc.vectors import R, vec

N = [4, 7, 10, 13]


def tampered(shares, changes: dict[int, dict[int, int]]):
    """`{member: {place: what is added}}`."""
    out = dict(shares)
    for member, places in changes.items():
        values = vectors.ints(out[member])
        for place, amount in places.items():
            values[place] += amount
        out[member] = vec(values)
    return out


@pytest.mark.parametrize("n", N)
def test_honest_shares(n):
    size, values = Size.of(n), [0, 1, R - 1, 12345]
    for degree in (size.t, 2 * size.t):
        shares = shared(values, size, degree)
        found = decode(size, shares, degree)
        assert vectors.ints(found.values) == values
        assert found.liars == ()


@pytest.mark.parametrize("n", N)
def test_absent_and_lying_up_to_t(n):
    """Every split of t faults into absent and lying; liars lie in places of their own, too."""
    size, values = Size.of(n), [5, 6, 7, 8, 9]
    shares = shared(values, size, size.t)
    rng = random.Random(n)
    for absent in range(size.t + 1):
        for _ in range(8):
            faulty = rng.sample(list(size.members), size.t)
            gone, liars = faulty[:absent], sorted(faulty[absent:])
            changes = {
                i: {rng.randrange(5): rng.randrange(1, R) for _ in range(rng.randrange(1, 4))}
                for i in liars
            }
            sent = {i: v for i, v in tampered(shares, changes).items() if i not in gone}
            found = decode(size, sent, size.t)
            assert vectors.ints(found.values) == values
            assert found.liars == tuple(liars)


@pytest.mark.parametrize("n", N)
def test_pv4_more_liars_are_not_corrected(n):
    """P2-9: t + 1 faults without a common plan: nothing comes out, and nobody is named."""
    size = Size.of(n)
    shares = shared([5, 6], size, size.t)
    rng = random.Random(n)
    for absent in range(size.t + 1):
        gone = list(size.members)[n - absent :]
        liars = list(size.members)[: size.t - absent + 1]
        sent = tampered(shares, {i: {0: rng.randrange(1, R)} for i in liars})
        sent = {i: v for i, v in sent.items() if i not in gone}
        with pytest.raises(TooManyLiars) as refused:
            decode(size, sent, size.t)
        assert refused.value.rule == "PV-4"
        assert not any(str(i) in refused.value.where for i in size.members)


@pytest.mark.parametrize("n", N)
def test_pv4_liars_in_turn_are_counted_together(n):
    """Each value by itself could be corrected, but t + 1 members lied: their bound is gone."""
    size = Size.of(n)
    shares = shared([1] * (size.t + 1), size, size.t)
    sent = tampered(shares, {i: {i - 1: 9} for i in range(1, size.t + 2)})
    with pytest.raises(TooManyLiars) as refused:
        decode(size, sent, size.t)
    assert refused.value.rule == "PV-4"


@pytest.mark.parametrize("n", [7, 10, 13])
def test_pv4_liars_choose_no_value_while_honest_members_are_away(n):
    """t liars and two slow members: the word is one error away from what the liars would like.

    The radius of the code alone, ⌊(present − degree − 1)/2⌋, would give them their value.
    """
    size = Size.of(n)
    t = size.t
    shares = shared([1000], size, t)
    present = list(size.members)[: n - 2]
    liars, honest = present[:t], present[t:]
    # through t honest shares and the value 666, of degree t
    points, wanted = [0, *honest[:t]], [666, *(vectors.ints(shares[i])[0] for i in honest[:t])]
    forged = {i: vec([spec.interpolate(points, wanted, i)]) for i in liars}
    sent = {i: forged.get(i, shares[i]) for i in present}
    radius = (len(present) - t - 1) // 2
    assert vectors.ints(decode(size, sent, t, agree=len(present) - radius).values) == [666]
    with pytest.raises(TooManyLiars) as refused:
        decode(size, sent, t)
    assert refused.value.rule == "PV-4"


@pytest.mark.parametrize("n", N)
def test_pv4_of_degree_2t_t_liars_are_noticed(n):
    size = Size.of(n)
    shares = shared([4, 5], size, 2 * size.t)
    assert quorum(size, 2 * size.t) == n
    for count in range(1, size.t + 1):
        for liars in list(combinations(size.members, count))[:30]:
            sent = tampered(shares, {i: {1: i} for i in liars})
            with pytest.raises(TooManyLiars) as refused:
                decode(size, sent, 2 * size.t)
            assert refused.value.rule == "PV-4"


@pytest.mark.parametrize("n", N)
def test_of_degree_2t_half_as_many_are_corrected_on_request(n):
    """⌊t/2⌋ with everybody there (P2-4), and t liars then get what they want: the caller's risk."""
    size = Size.of(n)
    t, degree = size.t, 2 * size.t
    shares = shared([4, 5], size, degree)
    liars = tuple(size.members)[: t // 2]
    sent = tampered(shares, {i: {1: 1} for i in liars})
    found = decode(size, sent, degree, agree=n - t // 2)
    assert (vectors.ints(found.values), found.liars) == ([4, 5], liars)
    if t >= 2:
        # another polynomial that is equal at 2t honest points; it differs in t + 1, liars hold t
        honest = list(size.members)[:degree]
        forged = shared([4, 5], size, degree)
        off = {i: 1 for i in size.members if i not in honest}
        for i in off:
            move = spec.interpolate([*honest, n], [0] * degree + [1], i)
            forged = tampered(forged, {i: {1: move}})
        forged[n] = shares[n]  # the one honest member among them
        wrong = decode(size, forged, degree, agree=n - 1)
        assert wrong.liars == (n,)
        assert vectors.ints(wrong.values) != [4, 5]


@pytest.mark.parametrize("n", N)
def test_pv5_too_few_shares_are_not_decoded(n):
    """2t shares that all agree may be t honest ones and t that liars made fit."""
    size = Size.of(n)
    shares = shared([1], size, size.t)
    for count in range(2 * size.t + 1):
        some = {i: shares[i] for i in list(size.members)[:count]}
        with pytest.raises(TooFewVectors) as refused:
            decode(size, some, size.t)
        assert refused.value.rule == "PV-5"
    enough = {i: shares[i] for i in list(size.members)[: 2 * size.t + 1]}
    assert vectors.ints(decode(size, enough, size.t).values) == [1]


def test_pv5_asking_for_fewer_than_fix_a_polynomial_asks_for_those():
    size = Size.of(4)
    shares = shared([1], size, 1)
    for agree in (-1, 0, 1, 2):
        with pytest.raises(TooFewVectors):
            decode(size, {1: shares[1]}, 1, agree=agree)
    assert vectors.ints(decode(size, {1: shares[1], 3: shares[3]}, 1, agree=2).values) == [1]


def test_a_wrong_degree_is_lying():
    """One member's polynomial cannot be of another degree; a dealer's can, and nothing decodes."""
    size = Size.of(7)
    with pytest.raises(TooManyLiars):
        decode(size, shared([1], size, 3), 2)


def test_pv2_a_vector_of_another_length_is_refused():
    size = Size.of(4)
    for wrong in (vec([]), vec([1]), vec([1, 2, 3])):
        with pytest.raises(MalformedVector) as refused:
            decode(size, {**shared([1, 2], size, 1), 4: wrong}, 1)
        assert refused.value.rule == "PV-2"


def test_pv1_strangers_are_refused():
    size = Size.of(4)
    for stranger in (0, 5, -1):
        with pytest.raises(UnfitKeys) as refused:
            decode(size, {**shared([1], size, 1), stranger: vec([1])}, 1)
        assert refused.value.rule == "PV-1"


def test_an_empty_vector_is_one():
    size = Size.of(4)
    found = decode(size, shared([], size, 1), 1)
    assert (vectors.ints(found.values), found.liars) == ([], ())


def test_opened_values_are_not_printed():
    found = decode(Size.of(4), shared([31337], Size.of(4), 1), 1)
    assert "31337" not in repr(found)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_decoding_is_what_the_definition_says(data):
    """Against all polynomials through degree + 1 of the shares."""
    size = Size.of(data.draw(st.sampled_from([4, 7])))
    degree = data.draw(st.sampled_from([size.t, 2 * size.t]))
    shares = shared([data.draw(st.integers(0, 3))], size, degree, data.draw(st.integers(0, 3)))
    present = data.draw(
        st.lists(st.sampled_from(list(size.members)), min_size=degree + 1, unique=True)
    )
    amounts = st.integers(1, 2)
    liars = data.draw(st.dictionaries(st.sampled_from(present), amounts, max_size=size.t + 1))
    sent = tampered(shares, {i: {0: amount} for i, amount in liars.items()})
    sent = {i: sent[i] for i in present}
    radius = (len(present) - degree - 1) // 2
    agree = data.draw(st.integers(len(present) - radius, len(present)))
    points = sorted(present)
    word = [vectors.ints(sent[i])[0] for i in points]
    wanted = spec.decode(points, word, degree, agree)
    assert len(wanted) <= 1
    if wanted:
        ((value, off),) = wanted
        found = decode(size, sent, degree, agree=agree)
        assert vectors.ints(found.values) == [value]
        assert found.liars == tuple(points[k] for k in off)
    else:
        with pytest.raises(TooManyLiars):
            decode(size, sent, degree, agree=agree)


# -- one word, in fields where all can be counted ------------------------------------------------


@pytest.mark.parametrize(("p", "points", "degree"), [(5, 4, 1), (7, 4, 1), (7, 4, 2), (5, 4, 0)])
def test_every_word_of_a_small_field(p, points, degree):
    where, most = list(range(1, points + 1)), (points - degree - 1) // 2
    for word in product(range(p), repeat=points):
        wanted = spec.decode(where, word, degree, points - most, p)
        found = locate(where, word, degree, most, p)
        assert found == (wanted[0][1] if wanted else None)


@pytest.mark.parametrize(("n", "degree"), [(7, 2), (7, 4), (10, 3), (10, 6), (13, 4)])
def test_random_words_of_a_small_field(n, degree):
    rng, p = random.Random(n), 17
    where, most = list(range(1, n + 1)), (n - degree - 1) // 2
    decoded = 0
    trials = {7: 60, 10: 20, 13: 8}[n]
    for _ in range(trials):
        word = [rng.randrange(p)] * n if rng.random() < 0.2 else [0] * n
        for place in rng.sample(range(n), rng.randrange(most + 3)):
            word[place] = rng.randrange(p)
        wanted = spec.decode(where, word, degree, n - most, p)
        found = locate(where, word, degree, most, p)
        assert found == (wanted[0][1] if wanted else None)
        decoded += found is not None
    assert 0 < decoded < trials


@pytest.mark.parametrize("dimension", [3, 5, 9])
def test_an_independent_decoder_agrees(dimension):
    """`galois`: the classical code of length 12 over GF(13), words are values at powers of α."""
    galois = pytest.importorskip("galois")
    p, n = 13, 12
    field = galois.GF(p, compile="python-calculate")
    code = galois.ReedSolomon(n, dimension, field=field, systematic=False)
    alpha = int(code.alpha)
    points = [pow(alpha, n - 1 - k, p) for k in range(n)]  # its first symbol is the highest power's
    most = (n - dimension) // 2
    assert code.t == most
    rng = np.random.default_rng(dimension)
    corrected = 0
    for _ in range(40):
        word = np.array(code.encode(field(rng.integers(0, p, dimension))))
        places = rng.choice(n, rng.integers(0, most + 3), replace=False)
        word[places] = (word[places] + rng.integers(1, p, len(places))) % p
        right, errors = code.decode(field(word), output="codeword", errors=True)
        found = locate(points, [int(x) for x in word], dimension - 1, most, p)
        if int(errors) < 0:
            assert found is None
        else:
            assert found == tuple(int(k) for k in np.nonzero(np.array(right) != word)[0])
            corrected += bool(found)
    assert corrected


def test_the_bound_of_locate_is_kept():
    """Two wrong of seven can be located; a caller who allows one gets none."""
    word = [5, 5, 5, 5, 6, 7, 5]
    assert locate(range(1, 8), word, 2, 2) == (4, 5)
    assert locate(range(1, 8), word, 2, 1) is None


def test_one_value_is_decoded_however_many_are_wrong(monkeypatch):
    """Liars are located once; the rest of the vector is checked without them."""
    calls = []
    real = decoding.locate
    monkeypatch.setattr(decoding, "locate", lambda *a: calls.append(1) or real(*a))
    size, count = Size.of(7), 500
    shares = shared([7] * count, size, 2)
    sent = tampered(shares, {i: dict.fromkeys(range(count), 1) for i in (2, 5)})
    assert decode(size, sent, 2).liars == (2, 5)
    assert len(calls) == 1
