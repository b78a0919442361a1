"""Key ceremonies: up to t faulty in each role, t + 1, and everything that is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag

from private_exec import group
from private_exec.committee import accusation as accusations
from private_exec.committee import dealing as dealings
from private_exec.committee import notice as notices
from private_exec.committee import participant, sealing
from private_exec.committee.accusation import Verdict
from private_exec.committee.ceremony import (
    CeremonyFailed,
    CeremonySucceeded,
    Fault,
    FaultKind,
)
from private_exec.committee.errors import CeremonyRefused, ComplaintRefused, KeysUnusable
from private_exec.committee.subsets import dealers, dealt_by
from private_exec.mpc.prss import members_of, subsets
from private_exec.mpc.shamir import Size


def keys_of(run, record):
    """k_A by member and set."""
    return {m: dict(run.members[m].secrets(run.ceremony, record).prss.keys) for m in record.keys}


def agree(run, record) -> dict[int, bytes]:
    """That everybody with a set's key has the same one; the keys."""
    known: dict[int, bytes] = {}
    for own in keys_of(run, record).values():
        for subset, key in own.items():
            assert known.setdefault(subset, key) == key
    assert set(known) == set(subsets(run.declaration.size))
    assert len(set(known.values())) == len(known)
    return known


@pytest.mark.parametrize("n", [4, 7])
def test_honest(ceremony, n) -> None:
    run = ceremony(n)
    outcome = run.run()
    assert isinstance(outcome, CeremonySucceeded)
    assert outcome.faults == outcome.record.faulty == ()
    assert outcome.record.qualified == tuple(run.declaration.members)
    agree(run, outcome.record)


@pytest.mark.parametrize("n", [4, 7, 10, 13])
def test_pv32_each_set_has_t_plus_1_dealers_of_its_own(n) -> None:
    size = Size.of(n)
    for subset, among in dealers(size).items():
        assert len(among) == size.t + 1
        assert set(among) <= set(members_of(size, subset))
    loads = [len(dealt_by(size, m)) for m in size.members]
    assert sum(loads) == len(subsets(size)) * (size.t + 1)
    assert max(loads) <= 3 * min(loads)


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("role", ["silent", "no dealing", "wrong part", "false complaint"])
def test_pv36_t_faulty_in_each_role(ceremony, n, role) -> None:
    run = ceremony(n)
    t = run.declaration.size.t
    bad = list(run.declaration.members)[:t]
    run.notices(absent=bad if role == "silent" else ())
    if role == "wrong part":
        for dealer in bad:
            run.ceremony.deal(run.wrong_dealing(dealer, n), 2)
    run.deal(absent=bad if role in {"no dealing", "wrong part"} else ())
    if role == "false complaint":
        for accuser in bad:
            accused = run.members[accuser].accuse(run.ceremony, n)
            assert run.ceremony.complain(accused, 3) is Verdict.FALSE_ACCUSER
    verdicts = run.complain()
    assert verdicts == ([Verdict.GUILTY_SENDER] * t if role == "wrong part" else [])
    outcome = run.finish()
    assert isinstance(outcome, CeremonySucceeded)
    kind = {
        "silent": FaultKind.SILENT,
        "no dealing": FaultKind.NO_DEALING,
        "wrong part": FaultKind.BAD_PART,
        "false complaint": FaultKind.FALSE_COMPLAINT,
    }[role]
    assert outcome.faults == tuple(Fault(m, kind) for m in bad)
    assert outcome.record.faulty == tuple(bad)
    agree(run, outcome.record)


@pytest.mark.parametrize("n", [4, 7])
def test_pv36_more_than_t_faulty_give_no_keys(ceremony, n) -> None:
    """Of different kinds; each is named."""
    run = ceremony(n)
    t = run.declaration.size.t
    bad = list(run.declaration.members)[: t + 1]
    run.notices(absent=bad[:1])
    run.deal(absent=bad[1:])
    run.complain()
    outcome = run.finish()
    assert isinstance(outcome, CeremonyFailed)
    assert {fault.member for fault in outcome.faults} == set(bad)


def test_pv36_a_guilty_dealer_s_parts_are_in_no_key(ceremony) -> None:
    """Else a dealer who gave two members different parts would leave them with different keys."""
    run = ceremony(4)
    run.notices()
    run.ceremony.deal(run.wrong_dealing(1, 3), 2)
    run.deal(absent=[1])
    run.complain()
    record = run.finish().record
    assert 1 not in record.qualified
    agree(run, record)
    with pytest.raises(KeysUnusable) as caught:  # with them, member 3 would have none
        run.members[3].secrets(run.ceremony, replace(record, qualified=(1, 2, 3, 4), faulty=()))
    assert caught.value.rule == "PV-37"


def test_pv36_keys_are_of_this_attempt_and_epoch(ceremony) -> None:
    """The same members with the same entropy get other keys."""
    runs = [ceremony(4, epoch=e, attempt=a) for e, a in ((3, 0), (3, 1), (4, 0))]
    for run in runs:
        for member in run.members.values():
            member._entropy = b"always the same"
    found = [set(agree(run, run.run().record).values()) for run in runs]
    assert not (found[0] & found[1] or found[0] & found[2] or found[1] & found[2])


def test_pv36_the_same_parts_make_another_key_in_another_epoch(ceremony) -> None:
    records = [ceremony(4, epoch=e).run().record for e in (3, 4)]
    parts = [(1, {7: bytes(32)}), (2, {7: bytes(32)})]
    made = {participant._key(record, 7, parts) for record in records}
    made |= {participant._key(records[0], 7, parts[:1]), participant._key(records[0], 7, parts[1:])}
    assert len(made) == 4


def test_t_members_miss_exactly_the_key_of_all_others(ceremony) -> None:
    run = ceremony(7)
    record = run.run().record
    own = keys_of(run, record)
    missing = set(subsets(run.declaration.size)) - set(own[2]) - set(own[5])
    assert [members_of(run.declaration.size, a) for a in missing] == [(1, 3, 4, 6, 7)]


def test_pv31_notices(ceremony, helpers) -> None:
    run, other = ceremony(4), ceremony(4, epoch=4)
    good = run.members[1].notice()
    second = run.members[2].notice()
    for wrong in (
        replace(good, signature=second.signature),
        replace(good, key=second.key),
        replace(good, member=2),
        replace(good, member=0),
        replace(good, member=5),
        other.members[1].notice(),  # of another epoch
    ):
        with pytest.raises(CeremonyRefused) as caught:
            run.ceremony.notice(wrong, 1)
        assert caught.value.rule == "PV-31"
    stolen = replace(good, key=second.key, proof=second.proof)  # signed anew, proof of another
    signature = run.signers[1].sign(notices._digest(run.context, stolen.to_bytes()[:-64]))
    with pytest.raises(CeremonyRefused, match="proof of knowledge") as caught:
        run.ceremony.notice(replace(stolen, signature=signature), 1)
    assert caught.value.rule == "PV-31"
    assert run.ceremony.keys == {}


def test_pv32_dealings_that_are_not_their_dealer_s(ceremony) -> None:
    """Refused, and nobody is blamed: anyone can send such a thing."""
    run = ceremony(4)
    run.notices(absent=[4])
    good = run.members[1].dealing(run.ceremony)
    other = run.members[2].dealing(run.ceremony)
    for wrong in (
        replace(good, signature=other.signature),
        replace(good, dealer=2),
        replace(good, dealer=0),
        replace(good, hashes=other.hashes),
        replace(good, sealed=other.sealed),
        dealings.sign(replace(good, dealer=4), run.ceremony.session, run.signers[4]),  # silent
    ):
        with pytest.raises(CeremonyRefused) as caught:
            run.ceremony.deal(wrong, 2)
        assert caught.value.rule == "PV-32"
    assert run.ceremony.faults == []
    run.ceremony.deal(good, 2)


def signed(run, dealing):
    return dealings.sign(dealing, run.ceremony.session, run.signers[dealing.dealer])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: replace(d, hashes=d.hashes[:-1]),
        lambda d: replace(d, hashes=(*d.hashes, bytes(32))),
        lambda d: replace(d, sealed=replace(d.sealed, parts=d.sealed.parts[:-1])),
        lambda d: replace(d, sealed=replace(d.sealed, parts=(*d.sealed.parts, b""))),
        lambda d: replace(
            d, sealed=replace(d.sealed, parts=(d.sealed.parts[0] + b"\0", *d.sealed.parts[1:]))
        ),
    ],
)
def test_pv32_a_signed_dealing_of_wrong_form_blames_its_dealer(ceremony, spoil) -> None:
    run = ceremony(4)
    run.notices()
    with pytest.raises(CeremonyRefused) as caught:
        run.ceremony.deal(signed(run, spoil(run.members[1].dealing(run.ceremony))), 2)
    assert caught.value.rule == "PV-32"
    assert run.ceremony.faults == [Fault(1, FaultKind.INVALID_DEALING)]
    with pytest.raises(CeremonyRefused) as caught:  # no second try
        run.ceremony.deal(run.members[1].dealing(run.ceremony), 2)
    assert caught.value.rule == "PV-35"


@pytest.mark.parametrize("change", ["ephemeral", "part", "hash", "response"])
def test_pv33_the_proof_covers_the_whole_dealing(ceremony, change) -> None:
    run = ceremony(4)
    run.notices()
    good = run.members[1].dealing(run.ceremony)
    sealed = good.sealed
    wrong = {
        "ephemeral": replace(good, sealed=replace(sealed, ephemeral=group.base_g1([5])[0])),
        "part": replace(
            good, sealed=replace(sealed, parts=(bytes(len(sealed.parts[0])), *sealed.parts[1:]))
        ),
        "hash": replace(good, hashes=(bytes(32), *good.hashes[1:])),
        "response": replace(good, sealed=replace(sealed, knows=replace(sealed.knows, response=1))),
    }[change]
    with pytest.raises(CeremonyRefused) as caught:
        run.ceremony.deal(signed(run, wrong), 2)
    assert caught.value.rule == "PV-33"
    assert run.ceremony.faults == [Fault(1, FaultKind.INVALID_DEALING)]


def test_pv33_attack_a_copied_ephemeral_key_makes_no_decryption_oracle(ceremony) -> None:
    """Member 1 seals garbage under E′ = E + s·G, E being member 2's. If 3 could complain, K′ = e·E′
    would give e·E = K′ − s·EK₃, and with that all that 2 sealed to 3. The first half shows that it
    would; the second that nobody gets that far."""
    run = ceremony(4)
    run.notices()
    victim = run.members[2].dealing(run.ceremony)
    run.ceremony.deal(victim, 2)
    s = 4711
    shifted = group.total_g1([victim.sealed.ephemeral, group.base_g1([s])[0]])
    mine = run.members[1].dealing(run.ceremony)
    garbage = tuple(bytes(len(part)) for part in mine.sealed.parts)
    attack = signed(
        run, replace(mine, sealed=replace(mine.sealed, ephemeral=shifted, parts=garbage))
    )

    secret = run.members[3]._secret
    disclosed = group.multiple_g1(secret.secret, shifted)  # what a complaint would publish
    stolen = group.sum_g1([1, -s], [disclosed, run.ceremony.keys[3]])
    parts = dealings.open_parts(victim, run.context, run.ceremony.keys, 3, stolen)
    assert parts is not None  # 32 bytes each, in clear

    with pytest.raises(CeremonyRefused) as caught:
        run.ceremony.deal(attack, 2)
    assert caught.value.rule == "PV-33"
    accused = accusations.accuse(
        run.ceremony.session,
        3,
        attack.digest(run.ceremony.session),
        shifted,
        secret,
        run.signers[3],
        b"",
    )
    with pytest.raises(ComplaintRefused) as refused:
        run.ceremony.complain(accused, 3)
    assert refused.value.rule == "PV-34"


def test_pv33_a_proof_is_of_one_purpose_and_message(ceremony) -> None:
    """The same E and proof under another header."""
    run = ceremony(4)
    run.notices()
    good = run.members[1].dealing(run.ceremony)
    header = dealings._header(run.ceremony.session, 1, good.hashes)
    assert sealing.unproved([(header, good.sealed)]) == []
    assert sealing.unproved([(bytes(32), good.sealed)]) == [0]
    many = [(header, good.sealed)] * 5
    assert sealing.unproved(many) == []
    many[3] = (bytes(32), good.sealed)
    many[0] = (bytes(32), good.sealed)
    assert sorted(sealing.unproved(many)) == [0, 3]


def test_pv33_what_is_sealed_has_header_and_key_as_associated_data(ceremony) -> None:
    run = ceremony(4)
    run.notices()
    dealing = run.members[1].dealing(run.ceremony)
    header = dealings._header(run.ceremony.session, 1, dealing.hashes)
    sealed = dealing.sealed
    shared = group.multiple_g1(run.members[2]._secret.secret, sealed.ephemeral)
    cipher = sealing._cipher(shared, sealed.ephemeral, header, 2)
    assert sealing.open_part(sealed, header, 0, 2, shared) is not None
    for data in (b"", header, header + bytes(32)):
        with pytest.raises(InvalidTag):
            cipher.decrypt(bytes(12), sealed.parts[0], data)


def test_pv34_complaints(ceremony) -> None:
    run = ceremony(4)
    run.notices(absent=[4])
    run.ceremony.deal(run.wrong_dealing(1, 2), 2)
    run.deal(absent=[1])
    right = run.members[2].complaints(run.ceremony)[0]
    other = run.members[3].accuse(run.ceremony, 1)
    for wrong in (
        replace(right, signature=other.signature),
        replace(right, accuser=3),
        replace(right, accuser=4),
        replace(right, accuser=0),
        replace(right, about=bytes(32)),
        replace(right, shared=other.shared),
        replace(right, proof=other.proof),
        run.members[2].accuse(run.ceremony, 2),  # about itself
    ):
        with pytest.raises(ComplaintRefused) as caught:
            run.ceremony.complain(wrong, 3)
        assert caught.value.rule == "PV-34"
    assert run.ceremony.faults == []
    assert run.ceremony.complain(right, 3) is Verdict.GUILTY_SENDER
    assert run.ceremony.complain(other, 3) is Verdict.FALSE_ACCUSER


def test_pv34_a_false_proof_of_k_is_a_false_complaint(ceremony) -> None:
    """Signed by the accuser, with a K that opens nothing: the dealer stays."""
    run = ceremony(4)
    run.notices()
    run.deal()
    good = run.members[2].accuse(run.ceremony, 1)
    lie = replace(good, shared=group.base_g1([9])[0])
    binding = accusations._binding(run.ceremony.session, 2, good.about)
    lie = replace(lie, signature=run.signers[2].sign(accusations._digest(binding, lie)))
    assert run.ceremony.complain(lie, 3) is Verdict.FALSE_ACCUSER
    assert run.ceremony.guilty == set()
    assert run.ceremony.faults == [Fault(2, FaultKind.FALSE_COMPLAINT)]


def test_pv34_a_complaint_of_another_attempt(ceremony) -> None:
    run, other = ceremony(4), ceremony(4, attempt=1)
    for each in (run, other):
        each.notices()
        each.deal()
    with pytest.raises(ComplaintRefused) as caught:
        run.ceremony.complain(other.members[2].accuse(other.ceremony, 1), 3)
    assert caught.value.rule == "PV-34"


def test_pv35_once_and_in_time(ceremony) -> None:
    run = ceremony(4)
    late = run.ceremony.copy()
    with pytest.raises(CeremonyRefused) as caught:
        late.notice(run.members[1].notice(), 2)
    assert caught.value.rule == "PV-35"
    run.notices()
    dealing = run.members[1].dealing(run.ceremony)
    for height in (1, 3):
        with pytest.raises(CeremonyRefused) as caught:
            run.ceremony.deal(dealing, height)
        assert caught.value.rule == "PV-35"
    with pytest.raises(CeremonyRefused) as caught:
        run.ceremony.notice(run.members[1].notice(), 1)
    assert caught.value.rule == "PV-35"
    run.deal()
    with pytest.raises(CeremonyRefused) as caught:
        run.ceremony.deal(dealing, 2)
    assert caught.value.rule == "PV-35"
    accused = run.members[2].accuse(run.ceremony, 1)
    for height in (2, 4):
        with pytest.raises(CeremonyRefused) as caught:
            run.ceremony.complain(accused, height)
        assert caught.value.rule == "PV-35"
    with pytest.raises(CeremonyRefused) as caught:
        run.ceremony.finish(3)
    assert caught.value.rule == "PV-35"
    run.ceremony.complain(accused, 3)
    with pytest.raises(CeremonyRefused) as caught:
        run.ceremony.complain(accused, 3)
    assert caught.value.rule == "PV-35"


def test_pv37_nothing_works_with_erased_keys(ceremony) -> None:
    run = ceremony(4)
    outcome = run.run()
    secrets = run.members[1].secrets(run.ceremony, outcome.record)
    assert secrets.prss.member == 1
    secrets.erase()
    for ask in (lambda: secrets.prss, lambda: secrets.decryption):
        with pytest.raises(KeysUnusable) as caught:
            ask()
        assert caught.value.rule == "PV-37"
    run.members[1].forget()
    with pytest.raises(KeysUnusable) as caught:
        run.members[1].dealing(run.ceremony)
    assert caught.value.rule == "PV-37"


def test_nothing_secret_is_printed(ceremony) -> None:
    run = ceremony(4)
    record = run.run().record
    member = run.members[1]
    secrets = member.secrets(run.ceremony, record)
    hidden = [str(secrets.decryption.secret), *map(repr, secrets.prss.keys.values())]
    shown = repr(member) + repr(secrets) + repr(secrets.prss) + repr(secrets.decryption)
    assert not any(text in shown for text in hidden)


def test_a_participant_goes_on_after_a_restart(ceremony) -> None:
    """The same entropy gives the same messages, and the same keys from the chain's messages."""
    run, again = ceremony(4), ceremony(4)
    record = run.run().record
    assert again.members[2].notice() == run.members[2].notice()
    assert again.members[2].dealing(run.ceremony) == run.ceremony.dealings[2]
    before = run.members[2].secrets(run.ceremony, record)
    assert again.members[2].secrets(run.ceremony, record).prss == before.prss


def test_a_copy_hears_nothing_of_the_other(ceremony) -> None:
    run = ceremony(4)
    copy = run.ceremony.copy()
    run.notices()
    run.deal()
    run.ceremony.complain(run.members[2].accuse(run.ceremony, 1), 3)
    assert (copy.keys, copy.dealings, copy.faults) == ({}, {}, [])
    later = run.ceremony.copy()
    with pytest.raises(CeremonyRefused):
        later.complain(run.members[2].accuse(run.ceremony, 1), 3)
    assert later.finish(4) == run.ceremony.finish(4)
