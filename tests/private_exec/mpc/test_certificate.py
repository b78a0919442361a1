"""One verdict for each batch, by 2t + 1 members."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec.mpc import vectors
from private_exec.mpc.agree import Agreed
from private_exec.mpc.batch import Said
from private_exec.mpc.certificate import Certificate, Verdict, certify
from private_exec.mpc.context import MemoryJournal
from private_exec.mpc.errors import CertificateRefused, Undecided
from private_exec.mpc.faults import Fault, Rewritten
from private_exec.mpc.message import Kind
from private_exec.mpc.simulate import run
from private_exec.roster import SIGNATURE_BYTES
from zk.errors import DecodeError

SIZES = [4, 7, 10]
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


class BothVerdicts(Fault):
    """Members that sign whichever verdict the receiver has: `votes[verdict][member]` is a body."""

    def __init__(self, liars, votes, verdicts):
        self.liars, self.votes, self.verdicts = liars, votes, verdicts

    def carry(self, message, receiver, resign):
        if message.sender not in self.liars or message.header.kind is not Kind.VOTE:
            return message
        return resign(message, self.votes[self.verdicts[receiver]][message.sender])


@pytest.mark.parametrize("n", SIZES)
def test_pv16_no_two_certificates_of_one_batch(committee, n):
    """However the 2t + 1 honest members are divided, t that sign both verdicts make one of them."""
    members = committee(n)
    t = members.session.size.t
    liars, honest = range(1, t + 1), range(t + 1, n + 1)
    votes = {
        verdict: {m.sender: m.body for m in voting(members, lambda _, v=verdict: v).messages}
        for verdict in Verdict
    }
    for accepting in range(len(honest) + 1):
        verdicts = {
            m: Verdict.ACCEPTED if m <= t + accepting else Verdict.BLAMED for m in range(1, n + 1)
        }
        outcome = voting(
            members, verdicts.__getitem__, faults=[BothVerdicts(liars, votes, verdicts)]
        )
        said = {outcome.results[m].verdict for m in honest if m in outcome.results}
        assert said == {Verdict.ACCEPTED if accepting > t else Verdict.BLAMED}


def test_pv16_a_member_says_one_verdict_even_after_a_restart(committee):
    members = committee(4)
    journals = {m: MemoryJournal() for m in members.session.members}
    voting(members, lambda _: Verdict.ACCEPTED, journals=journals)
    outcome = voting(members, lambda _: Verdict.BLAMED, journals=journals)
    assert outcome.refused() == {(CertificateRefused, "PV-16")}
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
    assert outcome.refused() == {(Undecided, "PV-16")}


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
