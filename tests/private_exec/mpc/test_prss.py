"""Pseudo-random sharing: consistent, private, and the same as its plain twin."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.mpc import prf, prss, shamir, spec, vectors
from private_exec.mpc.decode import decode
from private_exec.mpc.errors import MalformedVector, MpcRefused, UnfitKeys
from private_exec.mpc.labels import (
    CellId,
    Draw,
    GateLabel,
    MaskLabel,
    Part,
    SessionId,
    Zero,
    ZeroLabel,
)
from private_exec.mpc.prss import PrssKeys
from private_exec.mpc.shamir import Size
from private_exec.mpc.testing import keys_of_all
from private_exec.mpc.vectors import R, vec

SID = SessionId(b"\x02" * 32)
RANDOM = GateLabel(SID, 3, Draw.LEFT)
MASK = MaskLabel(CellId(b"\x01" * 32), Part.VALUE)
ZERO = ZeroLabel(SID, 3, Zero.TRIPLE)
N = [4, 7, 10, 13]


def outputs(key: bytes, label, count: int) -> bytes:
    """The first integers of a key and label."""
    data = bytearray(40 * count)
    prf.source(key, label).fill(memoryview(data))
    return bytes(data)


def said_by_all(held, label, count: int):
    """What every key gave, as blame makes it public."""
    size = held[0].size
    number = count * prss.outputs(size, label)
    keys = {a: key for holder in held for a, key in holder.keys.items()}
    return {a: vectors.reduced(outputs(key, label, number)) for a, key in keys.items()}


def as_sets(keys: PrssKeys) -> dict[frozenset[int], bytes]:
    return {frozenset(prss.members_of(keys.size, a)): k for a, k in keys.keys.items()}


@pytest.mark.parametrize("n", N)
def test_sets_are_all_of_their_size(n):
    size = Size.of(n)
    sets = prss.subsets(size)
    assert len(sets) == comb(n, size.t) == len(set(sets))
    assert {len(prss.members_of(size, a)) for a in sets} == {n - size.t}
    assert len(prss.subsets_of(size, n)) == comb(n - 1, size.t)


@pytest.mark.parametrize("n", N)
@pytest.mark.parametrize("label", [RANDOM, MASK], ids=["gate", "mask"])
def test_shares_of_values_lie_on_polynomials_of_degree_t(n, label):
    size = Size.of(n)
    held = keys_of_all(size, b"seed")
    sent = {k.member: prss.shares(k, label, 5) for k in held}
    assert decode(size, sent, size.t).liars == ()
    outputs = {a: k for keys in held for a, k in as_sets(keys).items()}
    function = spec.mask if label is MASK else spec.prf
    drawn = zip(*(function(k, label.digest, 5) for k in outputs.values()), strict=True)
    wanted = [sum(x) % R for x in drawn]
    assert vectors.ints(shamir.reconstruct(size, sent, size.t)) == wanted


@pytest.mark.parametrize("n", N)
def test_zeros_are_zero_and_of_degree_2t(n):
    size = Size.of(n)
    sent = {k.member: prss.zeros(k, ZERO, 4) for k in keys_of_all(size, b"seed")}
    assert vectors.ints(shamir.reconstruct(size, sent, 2 * size.t)) == [0] * 4
    coefficients = [
        spec.interpolate(range(1, n + 1), [vectors.ints(sent[i])[0] for i in size.members], at)
        for at in range(n + 1, n + 2)
    ]
    assert coefficients != [0]
    basis = list(size.members)[: 2 * size.t]  # not of degree 2t − 1
    assert not vectors.same(shamir.extend(basis, (n,), sent)[0], sent[n])


@settings(deadline=None, max_examples=10)
@given(n=st.sampled_from([4, 7]), seed=st.binary(min_size=1, max_size=64), count=st.integers(0, 5))
def test_the_same_as_the_plain_twin(n, seed, count):
    for keys in keys_of_all(Size.of(n), seed):
        plain, i = as_sets(keys), keys.member
        for label, function in ((RANDOM, spec.prf), (MASK, spec.mask)):
            wanted = spec.shares(n, i, plain, label.digest, count, function)
            assert vectors.ints(prss.shares(keys, label, count)) == wanted
        wanted = spec.zeros(n, i, plain, ZERO.digest, count)
        assert vectors.ints(prss.zeros(keys, ZERO, count)) == wanted


def test_many_values_are_the_few_and_more():
    """Blocks in which they are drawn do not show."""
    keys = keys_of_all(Size.of(10), b"seed")[2]
    for draw, label in ((prss.shares, RANDOM), (prss.shares, MASK), (prss.zeros, ZERO)):
        many = draw(keys, label, 600)
        for count in (0, 1, 255, 256, 257, 513):
            assert vectors.same(draw(keys, label, count), many[:count])


def test_pv7_the_stream_is_aes_in_counter_mode():
    stream, data = prf.source(b"k" * 32, RANDOM), bytearray(40 * 8)
    stream.fill(memoryview(data)[: 40 * 3])
    stream.fill(memoryview(data)[40 * 3 :])
    numbers = [int.from_bytes(data[40 * i : 40 * i + 40], "little") for i in range(8)]
    assert [x % R for x in numbers] == spec.prf(b"k" * 32, RANDOM.digest, 8)
    assert "k" * 8 not in repr(stream)


def test_a_stream_of_any_length_is_that_of_its_key():
    """Beyond the zeros that are kept."""
    count = (1 << 16) // 40 + 10
    whole = outputs(b"k" * 32, RANDOM, count)
    assert whole[: 40 * 5] == outputs(b"k" * 32, RANDOM, 5)
    last = int.from_bytes(whole[-40:], "little") % R
    assert last == spec.prf(b"k" * 32, RANDOM.digest, count)[-1]


def test_pv7_masks_are_hashes():
    source, data = prf.source(b"k" * 32, MASK), bytearray(40 * 3)
    source.fill(memoryview(data)[:40])
    source.fill(memoryview(data)[40:])
    numbers = [int.from_bytes(data[40 * i : 40 * i + 40], "little") for i in range(3)]
    assert [x % R for x in numbers] == spec.mask(b"k" * 32, MASK.digest, 3)
    assert "k" * 8 not in repr(source)


@pytest.mark.parametrize("n", N)
def test_masks_of_many_cells_are_those_of_each(n):
    labels = [MaskLabel(CellId(bytes([k]) * 32), part) for k in range(3) for part in Part]
    keys = keys_of_all(Size.of(n), b"seed")[n - 1]
    found = prss.masks(keys, labels)
    for label, row in zip(labels, found, strict=True):
        assert vectors.same(prss.shares(keys, label, 1)[0], row)
    assert prss.masks(keys, []).shape == (0, 4)


def test_pv3_a_label_of_another_kind_is_refused():
    """By the type checker first (test_labels); here in code that it does not see."""
    keys = keys_of_all(Size.of(4), b"seed")[0]
    for draw in (
        lambda: prss.shares(keys, ZERO, 1),
        lambda: prss.shares(keys, b"label", 1),
        lambda: prss.zeros(keys, RANDOM, 1),
        lambda: prss.zeros(keys, MASK, 1),
        lambda: prss.masks(keys, [MASK, RANDOM]),
    ):
        with pytest.raises(MpcRefused) as refused:
            draw()
        assert refused.value.rule == "PV-3"


def test_pv7_outputs_are_long_enough_to_be_uniform():
    """The statistical distance of 2³²⁰ values modulo r from uniform, exactly."""
    whole, rest = divmod(1 << 320, R)
    # `rest` residues occur whole + 1 times, the others whole times
    distance = rest * (R - rest) / R / (1 << 320)
    assert whole > 0
    assert distance < 2**-66


def test_pv7_other_labels_and_keys_give_other_streams():
    firsts = {
        outputs(key, label, 1)
        for key in (b"k" * 32, b"l" * 32)
        for label in (RANDOM, MASK, ZERO, GateLabel(SID, 3, Draw.LEFT, 1))
    }
    assert len(firsts) == 8


# -- privacy, by counting in a small field -------------------------------------------------------


@pytest.mark.parametrize(("n", "p"), [(4, 5), (7, 11)])
def test_pv6_shares_of_a_coalition_say_nothing_of_the_value(n, p):
    """Whatever t members see, each value is as likely: the key that they lack decides."""
    t, members = (n - 1) // 3, range(1, n + 1)
    for coalition in combinations(members, t):
        missing = set(members) - set(coalition)
        others = [set(a) for a in combinations(members, n - t) if set(a) != missing]
        known = [len(a) % p for a in others]  # any outputs of the keys that they have
        seen = {
            (
                tuple(
                    sum(k * spec.factor(n, a, i, p) for a, k in zip(others, known, strict=True)) % p
                    + output * spec.factor(n, missing, i, p) % p
                    for i in coalition
                ),
                (sum(known) + output) % p,
            )
            for output in range(p)
        }
        assert len({view for view, _ in seen}) == 1
        assert {value for _, value in seen} == set(range(p))


@pytest.mark.parametrize(("n", "p"), [(4, 5), (7, 11)])
def test_pv6_zeros_hide_everything_but_the_value(n, p):
    """P2-6: over the outputs of the key that a coalition lacks, the honest members' shares run
    through all polynomials of degree 2t that are 0 at 0 and at the coalition, equally often."""
    t, members = (n - 1) // 3, range(1, n + 1)
    coalition = tuple(range(2, t + 2))
    missing = set(members) - set(coalition)
    honest = sorted(missing)

    def word(outputs):
        return tuple(
            sum(x * i**j for j, x in enumerate(outputs, 1)) * spec.factor(n, missing, i, p) % p
            for i in members
        )

    words = Counter(word(outputs) for outputs in product(range(p), repeat=t))
    assert all(w[i - 1] == 0 for w in words for i in coalition)
    assert len(words) == p**t  # as many as there are such polynomials: 2t + 1 − (t + 1) are free
    assert set(words.values()) == {1}
    for w in words:
        points = honest[: 2 * t + 1]
        assert spec.interpolate(points, [w[i - 1] for i in points], 0, p) == 0
    shares = {i: Counter(w[i - 1] for w in words) for i in honest}
    assert all(set(c.values()) == {p ** (t - 1)} and len(c) == p for c in shares.values())


# -- what a member holds -------------------------------------------------------------------------


def test_pv6_a_member_has_the_keys_of_its_own_sets():
    size = Size.of(7)
    keys = keys_of_all(size, b"seed")
    good = dict(keys[0].keys)
    foreign = next(a for a in prss.subsets(size) if not prss.holds(a, 1))
    first = next(iter(good))
    for wrong in (
        {},
        {a: k for a, k in good.items() if a != first},
        {**good, foreign: bytes(32)},
        {**good, first: bytes(31)},
        {**good, first: b""},
        dict(keys[1].keys),
    ):
        with pytest.raises(UnfitKeys) as refused:
            PrssKeys(size, 1, wrong)
        assert refused.value.rule == "PV-6"
    for stranger in (0, 8):
        with pytest.raises(UnfitKeys) as refused:
            PrssKeys(size, stranger, good)
        assert refused.value.rule == "PV-1"


def test_keys_are_not_printed():
    keys = keys_of_all(Size.of(4), b"seed")[0]
    for secret in keys.keys.values():
        for text in (repr(keys), str(keys), f"{keys}"):
            assert secret.hex() not in text
            assert repr(secret) not in text


# -- what blame reveals --------------------------------------------------------------------------


@pytest.mark.parametrize("n", N)
@pytest.mark.parametrize("label", [RANDOM, MASK, ZERO], ids=["gate", "mask", "zero"])
def test_pv8_what_keys_gave_makes_shares_public(n, label):
    size, count = Size.of(n), 3
    held = keys_of_all(size, b"seed")
    said = said_by_all(held, label, count)
    for keys in held:
        right = (prss.zeros if label is ZERO else prss.shares)(keys, label, count)
        assert vectors.same(prss.share_of(size, keys.member, label, said), right)


def test_pv8_a_share_takes_all_sets_and_one_length():
    size = Size.of(4)
    held = keys_of_all(size, b"seed")
    said = said_by_all(held, RANDOM, 2)
    own = prss.subsets_of(size, 1)
    with pytest.raises(UnfitKeys) as refused:
        prss.share_of(size, 1, RANDOM, {a: v for a, v in said.items() if a != own[0]})
    assert refused.value.rule == "PV-8"
    with pytest.raises(MalformedVector) as malformed:
        prss.share_of(size, 1, RANDOM, {**said, own[0]: vec([1])})
    assert malformed.value.rule == "PV-8"
    wider = Size.of(7)
    odd = dict.fromkeys(prss.subsets(wider), vec([1, 2, 3]))
    with pytest.raises(MalformedVector) as malformed:
        prss.share_of(wider, 1, ZERO, odd)  # t = 2 outputs a zero
    assert malformed.value.rule == "PV-8"
