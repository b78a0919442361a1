"""Blame: who spoiled a batch is named, and nothing else is revealed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.ids import tagged_hash
from private_exec.mpc import blame as blaming
from private_exec.mpc import prf, prss
from private_exec.mpc.agree import Agreed
from private_exec.mpc.batch import Batch, Said
from private_exec.mpc.certificate import Verdict, certify
from private_exec.mpc.errors import BatchBlamed, CertificateRefused, Undecided
from private_exec.mpc.faults import Rewritten, Withheld, Wrong
from private_exec.mpc.labels import Draw, GateLabel
from private_exec.mpc.message import Kind
from private_exec.mpc.simulate import run
from private_exec.mpc.vectors import WIDE_BYTES

SIZES = [4, 7, 10]
NAME, ROOT = bytes([1]) * 32, bytes([2]) * 32


@pytest.mark.parametrize(("n", "skip"), [(4, 0), (4, 1), (7, 0), (7, 1), (10, 0)])
def test_pv17_up_to_t_liars_are_named_and_nobody_else(committee, n, skip, preparing):
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
def test_pv17_who_reveals_a_false_stream_is_noted_and_misleads_nobody(committee, n, preparing):
    faults = [Wrong(2, Kind.PRODUCT), Rewritten(2, Kind.REVEAL, lambda body: bytes(len(body)))]
    outcome = preparing(committee(n), faults=faults)
    assert {error.liars for m, error in outcome.errors.items() if m != 2} == {(2,)}
    if n > 4:
        faults = [Wrong(2, Kind.PRODUCT), Rewritten(3, Kind.REVEAL, lambda b: bytes(len(b)))]
        outcome = preparing(committee(n), faults=faults)
        honest = set(range(1, n + 1)) - {2, 3}
        assert {outcome.errors[m].liars for m in honest} == {(2,)}
        assert all(outcome.accused(m) == {2, 3} for m in honest)
        some = preparing(committee(n), faults=faults, order=5, closes=False)
        assert {some.errors[m].liars for m in honest} == {(2,)}, "whoever came first"


def test_pv17_who_reveals_nothing_is_named_all_the_same(committee, preparing):
    """Where nobody closes rounds, as in members' processes."""
    faults = [Wrong(4, Kind.PRODUCT), Withheld(4, Kind.REVEAL, (1, 2, 3))]
    outcome = preparing(committee(4), faults=faults, relay=True, closes=False)
    assert {m: outcome.errors[m].liars for m in (1, 2, 3)} == dict.fromkeys((1, 2, 3), (4,))


def test_pv17_fewer_than_t_plus_1_identical_reveals_decide_nothing(committee, asked):
    members = committee(4)
    batch = Batch(members.session.sid, 0, asked)
    bodies = {
        m: b"".join(
            tagged_hash("test", bytes([m]), bytes([k % 251])) for k in range(3 * len(batch.draws))
        )
        for m in (1, 2, 3, 4)
    }
    with pytest.raises(Undecided) as caught:
        blaming.attested(members.session.size, tuple(batch.draws), bodies)
    assert caught.value.rule == "PV-17"


def test_a_reveal_gives_the_streams_of_its_batch_and_of_no_other(committee, preparing):
    members = committee(4)
    outcome = preparing(members, faults=[Wrong(2, Kind.PRODUCT)])
    revealed = [m.body for m in outcome.messages if m.header.kind is Kind.REVEAL]
    keys = members.keys[1]
    other = GateLabel(members.session.sid, 1, Draw.LEFT)
    own = GateLabel(members.session.sid, 0, Draw.LEFT)
    for key in keys.keys.values():
        assert prf.stream_key(key, own) in revealed[0]
        assert not any(prf.stream_key(key, other) in body or key in body for body in revealed)


@pytest.mark.parametrize("n", SIZES)
def test_pv17_the_key_of_a_stream_gives_what_the_key_of_the_set_gives(committee, n, asked):
    members = committee(n)
    batch = Batch(members.session.sid, 0, asked)
    keys = members.keys[1]
    subset = prss.subsets_of(members.session.size, 1)[0]
    for label in batch.draws:
        count = 3 * prss.outputs(members.session.size, label)
        own = prf.stream_key(keys.keys[subset], label)
        given = bytearray(WIDE_BYTES * count)
        prf.source(keys.keys[subset], label).fill(memoryview(given))
        assert prf.stream(own, count) == given


def test_pv16_nothing_is_revealed_without_a_certificate_that_blames(committee, asked):
    """The attack of P2-2: one member uses a triple, and others are made to reveal it."""
    members = committee(4)
    batch = Batch(members.session.sid, 0, asked)
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
