"""Preparation: right material, cheating noticed and named, one verdict for each batch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import tagged_hash
from private_exec.mpc import batch as batches
from private_exec.mpc import blame as blaming
from private_exec.mpc import check, prepare, prf, prss, vectors
from private_exec.mpc.agree import ENTRY_BYTES, Agreed, agree
from private_exec.mpc.batch import Batch, Drawn, Said
from private_exec.mpc.certificate import Certificate, Verdict, certify
from private_exec.mpc.context import MemoryJournal
from private_exec.mpc.errors import (
    BatchBlamed,
    CertificateRefused,
    Inconsistent,
    MaterialRefused,
    Undecided,
)
from private_exec.mpc.faults import Fault, Rewritten, Silent, TwoStories, Wrong
from private_exec.mpc.labels import Draw, GateLabel
from private_exec.mpc.material import Request
from private_exec.mpc.message import Kind
from private_exec.mpc.shamir import reconstruct
from private_exec.mpc.simulate import run
from private_exec.mpc.vectors import WIDE_BYTES
from private_exec.roster import SIGNATURE_BYTES
from private_exec.sharing import interpolate
from zk.errors import DecodeError
from zk.field.params import FR
from zk.field.prime import sqrt

SIZES = [4, 7, 10]
REQUEST = Request(20, 17)


def preparing(members, request=REQUEST, **options):
    return run(members, lambda context: prepare.prepare(context, 0, request), **options)


def clear(members, outcome, pick):
    shares = {member: pick(material) for member, material in outcome.results.items()}
    return vectors.ints(reconstruct(members.session.size, shares, members.session.size.t))


def refused(outcome, among=None):
    chosen = outcome.errors if among is None else {m: outcome.errors[m] for m in among}
    return {(type(error), error.rule) for error in chosen.values()}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("order", [None, 3])
def test_triples_are_products_and_bits_are_bits(committee, n, order):
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
def test_pv15_a_wrong_product_is_noticed(committee, n, place):
    outcome = preparing(committee(n), faults=[Wrong(2, Kind.PRODUCT, place=place)])
    assert refused(outcome) == {(BatchBlamed, "PV-17")}


@pytest.mark.parametrize("n", [4, 7])
def test_pv15_with_t_away_a_wrong_product_is_a_codeword_and_the_coin_finds_it(
    committee, n, monkeypatch
):
    """2t + 1 shares of degree 2t always agree: without the check the batch would be accepted."""
    members = committee(n)
    t = members.session.size.t
    faults = [Silent(m) for m in range(n - t + 1, n + 1)] + [Wrong(1, Kind.PRODUCT)]
    honest = range(2, n - t + 1)
    outcome = preparing(members, faults=faults)
    assert refused(outcome, honest) == {(BatchBlamed, "PV-17")}
    assert {outcome.errors[m].liars for m in honest} == {(1,)}
    monkeypatch.setattr(check, "holds", lambda _: True)
    accepted = preparing(members, faults=faults)
    a, b, c = (
        clear(members, accepted, lambda m, name=name: getattr(m.triples, name)) for name in "abc"
    )
    assert a[0] * b[0] % vectors.R != c[0]


@pytest.mark.parametrize(("n", "skip"), [(4, 0), (4, 1), (7, 0), (7, 1), (10, 0)])
def test_pv17_up_to_t_liars_are_named_and_nobody_else(committee, n, skip):
    members = committee(n)
    for count in {1, members.session.size.t} if n < 10 else {3}:
        liars = tuple(range(2, 2 + count))
        faults = [Wrong(m, Kind.PRODUCT, place=m, by=m, skip=skip) for m in liars]
        outcome = preparing(members, faults=faults)
        assert len(outcome.errors) == n
        for error in outcome.errors.values():
            assert isinstance(error, BatchBlamed)
            assert error.rule == "PV-17"
            assert error.liars == liars
            assert error.certificate.verdict is Verdict.BLAMED


@pytest.mark.parametrize("n", [4, 7])
def test_pv17_who_reveals_a_false_stream_is_named_too_and_misleads_nobody(committee, n):
    faults = [Wrong(2, Kind.PRODUCT), Rewritten(2, Kind.REVEAL, lambda body: bytes(len(body)))]
    outcome = preparing(committee(n), faults=faults)
    assert {error.liars for m, error in outcome.errors.items() if m != 2} == {(2,)}
    if n > 4:
        faults = [Wrong(2, Kind.PRODUCT), Rewritten(3, Kind.REVEAL, lambda b: bytes(len(b)))]
        outcome = preparing(committee(n), faults=faults)
        honest = set(range(1, n + 1)) - {2, 3}
        assert {outcome.errors[m].liars for m in honest} == {(2, 3)}


def test_pv17_fewer_than_t_plus_1_identical_reveals_decide_nothing(committee):
    members = committee(4)
    batch = Batch(members.session.sid, 0, REQUEST)
    bodies = {
        m: b"".join(
            tagged_hash("test", bytes([m]), bytes([k % 251])) for k in range(3 * len(batch.draws))
        )
        for m in (1, 2, 3, 4)
    }
    with pytest.raises(Undecided) as caught:
        blaming.attested(members.session.size, tuple(batch.draws), bodies)
    assert caught.value.rule == "PV-17"


def test_a_reveal_gives_the_streams_of_its_batch_and_of_no_other(committee):
    members = committee(4)
    outcome = preparing(members, faults=[Wrong(2, Kind.PRODUCT)])
    revealed = [m.body for m in outcome.messages if m.header.kind is Kind.REVEAL]
    keys = members.keys[1]
    other = GateLabel(members.session.sid, 1, Draw.LEFT)
    own = GateLabel(members.session.sid, 0, Draw.LEFT)
    for key in keys.keys.values():
        assert prf.stream_key(key, own) in revealed[0]
        assert not any(prf.stream_key(key, other) in body or key in body for body in revealed)


# -- agreement ------------------------------------------------------------------------------------


def agreeing(members, faults=()):
    return run(
        members, lambda context: agree(context, vectors.vec([context.member])), faults=faults
    )


@pytest.mark.parametrize("n", SIZES)
def test_pv14_all_hold_the_same_words(committee, n):
    outcome = agreeing(committee(n))
    assert len({agreed.root for agreed in outcome.results.values()}) == 1
    for agreed in outcome.results.values():
        assert {m: vectors.ints(w) for m, w in agreed.words.items()} == {
            m: [m] for m in range(1, n + 1)
        }


@pytest.mark.parametrize("n", SIZES)
def test_pv14_who_tells_two_stories_is_left_out_with_evidence(committee, n):
    members = committee(n)
    outcome = agreeing(members, [TwoStories(n, Kind.PRODUCT, (1, 2))])
    honest = range(1, n)
    assert len({outcome.results[m].root for m in honest}) == 1
    for m in honest:
        assert set(outcome.results[m].words) == set(honest)
        assert outcome.accused(m) == {n}
        first, second = outcome.contexts[m].evidence[0]
        assert (first.sender, second.sender) == (n, n)
        first.check(members.session)
        second.check(members.session)


@pytest.mark.parametrize("n", SIZES)
def test_pv14_t_silent_members_are_left_out(committee, n):
    members = committee(n)
    t = members.session.size.t
    outcome = agreeing(members, [Silent(m) for m in range(1, t + 1)])
    assert set(outcome.results[n].words) == set(range(t + 1, n + 1))


@pytest.mark.parametrize("n", SIZES)
def test_pv14_without_2t_plus_1_that_saw_the_same_nothing_is_fixed(committee, n):
    members = committee(n)
    t = members.session.size.t
    outcome = agreeing(members, [Silent(m, since=2) for m in range(1, t + 2)])
    assert refused(outcome, range(t + 2, n + 1)) == {(Undecided, "PV-14")}


class Only(Fault):
    """A member's vector reaches these receivers and nobody else."""

    def __init__(self, member, receivers):
        self.member, self.receivers = member, receivers

    def carry(self, message, receiver, resign):
        own = message.sender == self.member and message.header.kind is Kind.PRODUCT
        return None if own and receiver not in self.receivers else message


@pytest.mark.parametrize("n", SIZES)
def test_pv14_a_vector_that_few_received_is_left_out_by_all(committee, n):
    members = committee(n)
    outcome = agreeing(members, [Only(n, (1,))])
    assert not outcome.errors
    assert len({agreed.root for agreed in outcome.results.values()}) == 1
    assert set(outcome.results[1].words) == set(range(1, n))


def test_pv14_a_vector_that_is_fixed_but_not_here_is_not_computed_without(committee):
    """Member 7 speaks to all but 1, who stands aside."""
    members = committee(7)

    outcome = agreeing(members, [Only(7, range(2, 7))])
    assert refused(outcome) == {(Undecided, "PV-14")}
    assert set(outcome.errors) == {1}
    assert len({outcome.results[m].root for m in range(2, 8)}) == 1


@pytest.mark.parametrize("n", [4, 7])
def test_pv14_an_honest_member_fixes_one_thing_even_after_a_restart(committee, n):
    """So 2t + 1 that fixed it are never joined by 2t + 1 others, once a coin is known.

    Member 1 does not hear of member n at first, and does when it starts again.
    """
    members = committee(n)
    journals = {m: MemoryJournal() for m in members.session.members}
    first = run(
        members,
        lambda c: agree(c, vectors.vec([c.member])),
        faults=[Only(n, range(2, n))],
        journals=journals,
    )
    again = run(members, lambda c: agree(c, vectors.vec([c.member])), journals=journals)
    said = [{(m.sender, m.header.kind): m.body for m in o.messages} for o in (first, again)]
    assert {key: body for key, body in said[0].items() if key in said[1]} == said[1]
    assert bytes(96) in said[1][1, Kind.ECHO]


class Unheard(Fault):
    """Echoes of these members do not reach one receiver."""

    def __init__(self, members, receiver):
        self.members, self.receiver = members, receiver

    def carry(self, message, receiver, resign):
        echo = message.sender in self.members and message.header.kind is Kind.ECHO
        return None if echo and receiver == self.receiver else message


def saying(members, journals, *faults):
    return run(
        members,
        lambda context: agree(context, vectors.vec([context.member])),
        faults=faults,
        journals=journals,
    )


@pytest.mark.parametrize("n", SIZES)
def test_pv14_a_forged_echo_makes_no_second_story(committee, n):
    """A liar echoes what member 1 never signed: who is honest is neither left out nor accused."""

    def forged(body):
        return b"\xaa" * ENTRY_BYTES + body[ENTRY_BYTES:]

    outcome = saying(committee(n), {}, Rewritten(n, Kind.ECHO, forged))
    for m in range(1, n):
        assert set(outcome.results[m].words) == set(range(1, n + 1))
        assert outcome.accused(m) == set()
        assert outcome.contexts[m].evidence == []


def test_pv14_a_fixed_vector_is_not_replaced_by_another_after_a_restart(committee):
    """Member 4 sends member 1, which starts again, another vector than it had fixed."""
    members, journals = committee(4), {1: MemoryJournal()}
    assert not saying(members, journals).errors
    again = saying(members, journals, TwoStories(4, Kind.PRODUCT, (1,)))
    assert refused(again) == {(Undecided, "PV-14")}
    assert set(again.errors) == {1}


def test_pv14_what_was_fixed_is_said_again_though_fewer_echoes_came(committee):
    members, journals = committee(4), {1: MemoryJournal()}
    first = saying(members, journals)
    again = saying(members, journals, Unheard((3, 4), 1))
    assert not again.errors
    assert again.results[1].root == first.results[1].root


# -- certificates ---------------------------------------------------------------------------------

NAME, ROOT = bytes([1]) * 32, bytes([2]) * 32


def voting(members, verdicts, **options):
    return run(
        members,
        lambda context: certify(context, NAME, ROOT, verdicts(context.member)),
        **options,
    )


def a_certificate(members, verdict=Verdict.ACCEPTED):
    return next(iter(voting(members, lambda _: verdict).results.values()))


def test_a_certificate_comes_back_from_its_bytes(committee):
    certificate = a_certificate(committee(4))
    assert Certificate.from_bytes(certificate.to_bytes()) == certificate
    for data in (certificate.to_bytes() + b"\0", certificate.to_bytes()[:-1], b""):
        with pytest.raises(DecodeError):
            Certificate.from_bytes(data)


@pytest.mark.parametrize("n", SIZES)
def test_pv16_no_two_certificates_of_one_batch(committee, n):
    """T members that sign both verdicts make one of them at most."""
    members = committee(n)
    t = members.session.size.t
    for accepting in range(t + 1, n + 1):  # honest members, as they see it: 2t + 1 in all
        verdicts = {
            m: Verdict.ACCEPTED if m <= accepting else Verdict.BLAMED for m in range(1, n + 1)
        }
        outcomes = voting(members, verdicts.__getitem__)
        kinds = {c.verdict for c in outcomes.results.values()}
        assert len(kinds) <= 1
    honest = 2 * t + 1
    assert max(t + k for k in range(honest + 1) if t + honest - k >= 2 * t + 1) < 2 * t + 1 + t


def test_pv16_a_member_says_one_verdict_even_after_a_restart(committee):
    members = committee(4)
    journals = {m: MemoryJournal() for m in members.session.members}
    voting(members, lambda _: Verdict.ACCEPTED, journals=journals)
    outcome = voting(members, lambda _: Verdict.BLAMED, journals=journals)
    assert refused(outcome) == {(CertificateRefused, "PV-16")}
    assert not [m for m in outcome.messages if m.header.kind is Kind.VOTE]


@pytest.mark.parametrize("n", SIZES)
def test_pv16_a_vote_without_its_signature_is_in_no_certificate(committee, n):
    """Else one liar would make every certificate one that nobody believes."""
    members = committee(n)
    unsigned = Rewritten(n, Kind.VOTE, lambda body: body[:-SIGNATURE_BYTES] + bytes(64))
    outcome = voting(members, lambda _: Verdict.BLAMED, faults=[unsigned])
    for m in range(1, n):
        outcome.results[m].check(members.session)
        assert set(outcome.results[m].signatures) == set(range(1, n))


def test_pv15_the_second_coin_lies_on_no_row():
    """There the random row weighs nothing, and rows of factors would lie open."""
    for value in range(3 * check.ROWS):
        assert check.coin(value) not in range(2 * check.ROWS + 1)
    assert check.coin(FR.modulus - 1) == FR.modulus - 1


def test_pv16_a_root_covers_the_check_too():
    """Blame compares its words: a verdict is about them as well."""
    words = [Agreed({1: vectors.vec([k])}, bytes([k]) * 32) for k in range(3)]
    roots = {
        Said(words[0]).root,
        Said(words[1]).root,
        Said(words[0], checks=words[1]).root,
        Said(words[0], checks=words[2]).root,
    }
    assert len(roots) == 4


@pytest.mark.parametrize("n", SIZES)
def test_pv16_2t_signatures_are_no_certificate(committee, n):
    members = committee(n)
    certificate = a_certificate(members)
    certificate.check(members.session)
    few = dict(list(certificate.signatures.items())[: 2 * members.session.size.t])
    swapped = dict(certificate.signatures)
    swapped[1], swapped[2] = swapped[2], swapped[1]
    stranger = {**certificate.signatures, 0: certificate.signatures[1]}
    wrong_ones = [
        replace(certificate, signatures=few),
        replace(certificate, signatures=swapped),
        replace(certificate, signatures=stranger),
        replace(certificate, verdict=Verdict.BLAMED),
        replace(certificate, root=NAME),
        replace(certificate, batch=ROOT),
    ]
    for one in wrong_ones:
        with pytest.raises(CertificateRefused) as caught:
            one.check(members.session)
        assert caught.value.rule == "PV-16"
    outcome = voting(members, lambda m: Verdict(1 + m % 2))
    assert refused(outcome) == {(Undecided, "PV-16")}


def test_pv16_certificates_with_members_out_of_order_are_refused(committee):
    data = bytearray(a_certificate(committee(4)).to_bytes())
    data[66] = 9
    with pytest.raises(CertificateRefused) as caught:
        Certificate.from_bytes(bytes(data))
    assert caught.value.rule == "PV-16"
    data[64] = 3
    with pytest.raises(CertificateRefused) as caught:
        Certificate.from_bytes(bytes(data))
    assert caught.value.rule == "PV-16"


def test_pv16_nothing_is_revealed_without_a_certificate_that_blames(committee):
    """The attack of P2-2: one member uses a triple, and others are made to reveal it."""
    members = committee(4)
    batch = Batch(members.session.sid, 0, REQUEST)
    said = Said(Agreed({}, ROOT))

    def about(name, root, verdict):
        outcome = run(members, lambda c: certify(c, name, root, verdict))
        return next(iter(outcome.results.values()))

    good = about(batch.name, said.root, Verdict.BLAMED)
    few = replace(good, signatures=dict(list(good.signatures.items())[:2]))
    others = [
        about(batch.name, said.root, Verdict.ACCEPTED),
        about(batch.name, ROOT, Verdict.BLAMED),
        about(NAME, said.root, Verdict.BLAMED),
        few,
    ]
    for certificate in others:
        steps = blaming.blame(members.context(1), batch, said, certificate)
        with pytest.raises(CertificateRefused) as caught:
            next(steps)
        assert caught.value.rule == "PV-16"
    reveal = next(blaming.blame(members.context(1), batch, said, good))
    assert reveal.kind is Kind.REVEAL


# -- bits, material -------------------------------------------------------------------------------


def test_pv18_a_square_of_0_is_drawn_again_under_another_label(committee, monkeypatch):
    members = committee(4)
    asked = []

    def drawn(keys, label, count, original=prss.shares):
        asked.append(label)
        values = original(keys, label, count)
        if label.what is Draw.BIT and label.retry == 0:
            values[3] = 0
        return values

    monkeypatch.setattr(prepare.prss, "shares", drawn)
    outcome = preparing(members)
    bits = clear(members, outcome, lambda m: m.bits)
    assert len(bits) == 17
    assert set(bits) <= {0, 1}
    assert {label.retry for label in asked if label.what is Draw.BIT} == {0, 1}
    assert {label.retry for label in asked if label.what is Draw.LEFT} == {0, 1}


def test_pv18_a_value_without_a_root_makes_no_bit():
    with pytest.raises(Inconsistent) as caught:
        prepare._bits(vectors.vec([5]), vectors.vec([5]))
    assert caught.value.rule == "PV-18"


def test_pv19_a_session_draws_each_label_once(committee):
    members = committee(4)

    def twice(context):
        yield from prepare.prepare(context, 0, REQUEST)
        return (yield from prepare.prepare(context, 0, REQUEST))

    assert refused(run(members, twice)) == {(MaterialRefused, "PV-19")}


def test_pv19_no_more_is_taken_than_was_prepared_and_nothing_twice(committee):
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


def test_drawn_and_batch_show_nothing(committee):
    members = committee(4)
    keys = members.keys[1]
    batch = Batch(members.session.sid, 0, REQUEST)
    drawn = Drawn.of(
        batch,
        lambda label, count: (
            prss.shares(keys, label, count)
            if isinstance(label, GateLabel)
            else prss.zeros(keys, label, count)
        ),
    )
    assert repr(drawn) == "Drawn()"


def test_pv15_fewer_than_2t_plus_1_products_fix_none(committee):
    size = committee(4).session.size
    with pytest.raises(Undecided) as caught:
        batches.consistent(size, {m: vectors.vec([1]) for m in (1, 2)})
    assert caught.value.rule == "PV-15"


@pytest.mark.parametrize("n", SIZES)
def test_pv17_the_key_of_a_stream_gives_what_the_key_of_the_set_gives(committee, n):
    members = committee(n)
    batch = Batch(members.session.sid, 0, REQUEST)
    keys = members.keys[1]
    subset = prss.subsets_of(members.session.size, 1)[0]
    for label in batch.draws:
        count = 3 * prss.outputs(members.session.size, label)
        own = prf.stream_key(keys.keys[subset], label)
        given = bytearray(WIDE_BYTES * count)
        prf.source(keys.keys[subset], label).fill(memoryview(given))
        assert prf.stream(own, count) == given


def squares_say(members, outcome):
    """What member 1 of 4 reads off published squares: x of each bit whose word is a square f²."""
    words = {
        m.sender: vectors.ints(vectors.from_bytes(m.body, len(m.body) // 32))[REQUEST.triples :]
        for m in outcome.messages
        if m.header.kind is Kind.PRODUCT and m.header.round == 0
    }
    batch = Batch(members.session.sid, 0, REQUEST)
    own = vectors.ints(prss.shares(members.keys[1], batch.value(Draw.BIT), REQUEST.bits))
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


def test_pv15_squares_without_a_sharing_of_zero_would_show_the_bits(committee, monkeypatch):
    """P2-6: x² of degree 2t is the square of x's own polynomial, which one share tells from −x."""
    members = committee(4)
    assert squares_say(members, preparing(members)) == []
    monkeypatch.setattr(prepare.prss, "zeros", lambda _k, _l, count: vectors.zeros(count))
    outcome = preparing(members)
    hidden = {
        m: prss.shares(
            members.keys[m],
            Batch(members.session.sid, 0, REQUEST).value(Draw.BIT),
            REQUEST.bits,
        )
        for m in members.session.members
    }
    values = vectors.ints(reconstruct(members.session.size, hidden, 1))
    assert squares_say(members, outcome) == values
