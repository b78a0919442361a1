"""Key generation: n = 4, 7, 16 with f faulty in each role, and everything that is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import group, proofs
from private_exec.errors import KeygenRefused, MalformedSeal, OwnShareWrong
from private_exec.keygen import complaint as complaints
from private_exec.keygen import dealing as dealings
from private_exec.keygen import notice as notices
from private_exec.keygen.complaint import Complaint, Verdict
from private_exec.keygen.context import Context, Schedule
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.notice import Notice
from private_exec.keygen.protocol import (
    Commit,
    FailureReason,
    Fault,
    FaultKind,
    Keygen,
    KeygenFailed,
    KeygenSucceeded,
    make_commit,
)
from private_exec.keys import EpochKey, HeldShares
from private_exec.parameters import Parameters
from private_exec.sharing import PackedPolynomial, interpolate
from zk.errors import DecodeError

SIZES = [(4, 1), (7, 1), (16, 1), (16, 3)]


def faulty(n: int) -> tuple[int, ...]:
    """The last f members."""
    return tuple(range(n - (n - 1) // 3, n))


def refused(rule: str, call, *arguments) -> KeygenRefused:
    with pytest.raises(KeygenRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule
    return caught.value


def secret_of(held: list[HeldShares], parameters: Parameters) -> int:
    values = {i: v for h in held for i, v in h.values.items()}
    points = sorted(values)[: parameters.degree + 1]
    return interpolate(points, [values[i] for i in points], -1)


def check_key(run, outcome, members) -> None:
    """What the members hold is the key's secret, by interpolation."""
    held = [run.members[m].held(run.keygen, outcome) for m in members]
    secret = secret_of(held, run.context.parameters)
    assert group.base_g1([secret])[0] == outcome.key.pk1
    assert group.base_g2([secret])[0] == outcome.key.pk2


@pytest.mark.parametrize(("n", "packing"), SIZES)
def test_all_honest(generation, n, packing) -> None:
    run = generation(n, packing)
    outcome = run.run()
    assert isinstance(outcome, KeygenSucceeded)
    assert outcome.qualified == tuple(range(n))
    assert outcome.faults == ()
    check_key(run, outcome, range(n))
    assert EpochKey.from_bytes(outcome.key.to_bytes()) == outcome.key


@pytest.mark.parametrize(("n", "packing"), SIZES)
def test_f_bad_dealers_are_found_and_left_out(generation, n, packing) -> None:
    run = generation(n, packing)
    bad = faulty(n)
    run.notices()
    run.commits(absent=bad)
    wrong = {dealer: run.wrong_dealing(dealer, {1}) for dealer in bad}
    for dealer in bad:
        run.plant(dealer, wrong[dealer])
    run.deal(absent=bad)
    for dealer in bad:
        run.keygen.deal(wrong[dealer], 3)  # nothing public is wrong with it
    assert run.complain() == [Verdict.GUILTY_DEALER] * len(bad)
    outcome = run.keygen.finish(5)
    assert isinstance(outcome, KeygenSucceeded)
    assert outcome.qualified == tuple(range(n - len(bad)))
    assert outcome.faults == tuple(Fault(d, FaultKind.BAD_SHARE) for d in bad)
    check_key(run, outcome, range(n))


@pytest.mark.parametrize(("n", "packing"), SIZES)
def test_f_false_accusers_are_named_and_change_nothing(generation, n, packing) -> None:
    run = generation(n, packing)
    bad = faulty(n)
    run.notices()
    run.commits()
    run.deal()
    for accuser in bad:
        lie = run.members[accuser]._accuse(run.keygen, 0, accuser + 1)
        assert run.keygen.complain(lie, 4) is Verdict.FALSE_ACCUSER
    outcome = run.keygen.finish(5)
    assert isinstance(outcome, KeygenSucceeded)
    assert outcome.qualified == tuple(range(n))
    assert outcome.faults == tuple(Fault(a, FaultKind.FALSE_COMPLAINT) for a in bad)


@pytest.mark.parametrize(("n", "packing"), SIZES)
@pytest.mark.parametrize("role", ["no notice", "no commit", "no opening"])
def test_f_absent_members_are_done_without(generation, n, packing, role) -> None:
    run = generation(n, packing)
    bad = faulty(n)
    run.notices(absent=bad if role == "no notice" else ())
    run.commits(absent=() if role == "no opening" else bad)
    run.deal(absent=bad)
    assert run.complain(absent=bad) == []
    outcome = run.keygen.finish(5)
    assert isinstance(outcome, KeygenSucceeded)
    assert outcome.qualified == tuple(range(n - len(bad)))
    blamed = tuple(Fault(m, FaultKind.NOT_OPENED) for m in bad) if role == "no opening" else ()
    assert outcome.faults == blamed
    check_key(run, outcome, range(n - len(bad)))


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (16, 3)])
def test_px22_fewer_dealers_than_the_quorum_give_no_key(generation, n, packing) -> None:
    run = generation(n, packing)
    bad = range(run.context.parameters.quorum - 1, n)
    run.notices()
    run.commits(absent=bad)
    run.deal(absent=bad)
    outcome = run.keygen.finish(5)
    assert outcome == KeygenFailed(
        FailureReason.TOO_FEW_DEALERS, len(range(n)) - len(bad), n - (n - 1) // 3, ()
    )


def test_px22_fewer_notices_than_the_quorum_give_no_key(generation) -> None:
    run = generation(4)
    run.notices(absent=(2, 3))
    run.commits(absent=(2, 3))
    run.deal(absent=(2, 3))
    assert run.keygen.finish(5) == KeygenFailed(FailureReason.TOO_FEW_NOTICES, 2, 3, ())


def test_px22_parts_of_different_keys_are_refused(generation, world) -> None:
    """Wrong order of vk, another's vk, pk₁ and pk₂ of two secrets, a slot that is not the key."""
    key = generation(7).run().key
    other = generation(7, attempt=1).run().key
    swapped = (key.vks[1], key.vks[0], *key.vks[2:])
    foreign = (*key.vks[:6], other.vks[6])
    for change in (
        {"vks": swapped},
        {"vks": foreign},
        {"vks": key.vks[:6]},
        {"pk1": other.pk1},
        {"pk2": other.pk2},
        {"pk1": other.pk1, "pk2": other.pk2},
        {"vks": (*key.vks[:6], None)},
        {"pk2": None},
        {"parameters": Parameters(7, 4, 1)},
        {"roster": world(4).key.roster},
    ):
        with pytest.raises(MalformedSeal) as caught:
            replace(key, **change)
        assert caught.value.rule == "PX-22", change
        has_none = any(v is None or (isinstance(v, tuple) and None in v) for v in change.values())
        assert ("infinity" in caught.value.message) == has_none, change


def test_px22_a_context_whose_parts_disagree_is_refused(generation) -> None:
    context = generation(4).context
    with pytest.raises(MalformedSeal) as caught:
        replace(context, parameters=Parameters.of_equals(7))
    assert caught.value.rule == "PX-22"


# PX-2: encryption keys.


def test_px2_a_notice_is_signed_by_its_member(generation) -> None:
    run = generation(4)
    notice = run.members[0].notice()
    by_another, _ = notices.make(run.context, 0, run.signers[1], bytes(32))
    for bad in (
        by_another,
        replace(notice, member=1),
        replace(notice, signature=bytes(64)),
        replace(notice, member=4),
    ):
        refused("PX-2", run.keygen.notice, bad, 1)
    assert run.keygen.keys == {}


def test_px2_a_notice_of_another_attempt_or_epoch_is_refused(generation) -> None:
    run, again = generation(4), generation(4, attempt=1)
    refused("PX-2", again.keygen.notice, run.members[0].notice(), 1)
    later = Keygen(replace(run.context, epoch=4), Schedule(1, 2, 3, 4))
    refused("PX-2", later.notice, run.members[0].notice(), 1)


def test_px2_another_members_key_cannot_be_presented(generation) -> None:
    """EK' = EK + G, signed by its own key, without knowledge of the logarithm."""
    run = generation(4)
    stolen = run.members[0].notice()
    moved = group.sum_g1([1, 1], [stolen.key, (1, 2)])
    for key in (stolen.key, moved):
        body = notices._body(1, key, stolen.proof)
        signature = run.signers[1].sign(notices._digest(run.context, body))
        error = refused("PX-2", run.keygen.notice, Notice(1, key, stolen.proof, signature), 1)
        assert "proof of knowledge" in error.message


def test_a_restarted_participant_sends_the_same_and_holds_the_same(generation) -> None:
    """From its entropy and the chain alone; with another context nothing is the same."""
    run, again = generation(4), generation(4)
    other = generation(4, attempt=1)
    outcome = run.run()
    late = again.members[2]
    assert late.notice() == run.members[2].notice()
    late.commit(run.keygen)
    assert late.dealing() == run.members[2].dealing()
    assert late.held(run.keygen, outcome) == run.members[2].held(run.keygen, outcome)
    other.run()
    assert other.members[2].dealing().first != late.dealing().first


def test_px2_keys_are_fresh_for_each_attempt_and_erased(generation) -> None:
    run, again = generation(4), generation(4, attempt=1)
    assert run.members[0].notice().key != again.members[0].notice().key
    outcome = run.run()
    run.members[0].forget()
    refused("PX-2", run.members[0].held, run.keygen, outcome)


# PX-21: complaints.


def test_px21_complaints_that_are_none_are_refused(generation) -> None:
    run = generation(4)
    run.notices()
    run.commits()
    run.deal()
    lie = run.members[1]._accuse(run.keygen, 0, 2)
    about_another = run.members[1]._accuse(run.keygen, 0, 3)
    for bad in (
        replace(lie, signature=bytes(64)),
        replace(lie, accuser=2),
        replace(lie, dealer=2),
        replace(lie, number=1),
        replace(lie, accuser=9),
        about_another,
    ):
        refused("PX-21", run.keygen.complain, bad, 4)
    assert run.keygen.faults == []


def test_px21_a_false_k_blames_the_accuser(generation) -> None:
    """K is not ek·E: the share would not open, so without the proof the dealer would fall."""
    run = generation(4)
    run.notices()
    run.commits()
    run.deal()
    honest = run.members[1]._accuse(run.keygen, 0, 2)
    dealing = run.keygen.dealings[0]
    binding = complaints._binding(run.keygen.session, 1, dealing, 2)
    forged = replace(honest, shared=(1, 2))
    signature = run.signers[1].sign(complaints._digest(binding, forged))
    assert run.keygen.complain(replace(forged, signature=signature), 4) is Verdict.FALSE_ACCUSER
    assert run.keygen.guilty == set()


@pytest.mark.parametrize("half", ["of K", "of EK"])
def test_px21_half_a_proof_blames_the_accuser(generation, half) -> None:
    """K = x'E with one of the two equations made to hold: by x' for K, by ek for EK."""
    run = generation(4)
    run.notices()
    run.commits()
    run.deal()
    dealing, accuser = run.keygen.dealings[0], run.members[1]
    binding = complaints._binding(run.keygen.session, 1, dealing, 2)
    false, nonce = 4321, 1234
    shared, second = group.multiples_g1([false, nonce], [dealing.ephemeral] * 2)
    first = group.base_g1([nonce])[0]
    points = (dealing.ephemeral, run.keygen.keys[1], shared, first, second)
    challenge = proofs._equality_challenge(complaints._PROOF, binding, points)
    secret = false if half == "of K" else accuser._open_secret().secret
    proof = proofs.Equality(first, second, (nonce + challenge * secret) % group.R)
    forged = Complaint(1, 0, 2, shared, proof, b"")
    signature = run.signers[1].sign(complaints._digest(binding, forged))
    assert run.keygen.complain(replace(forged, signature=signature), 4) is Verdict.FALSE_ACCUSER
    assert run.keygen.guilty == set()


# PX-10: a validator whose own share is wrong.


def test_px10_a_wrong_own_share_is_not_used_and_a_late_complaint_blames(generation) -> None:
    run = generation(4)
    run.notices()
    run.commits(absent=(3,))
    bad = run.wrong_dealing(3, {1})
    run.plant(3, bad)
    run.deal(absent=(3,))
    run.keygen.deal(bad, 3)
    outcome = run.keygen.finish(5)  # member 0 slept through the deadline
    assert outcome.qualified == (0, 1, 2, 3)
    with pytest.raises(OwnShareWrong) as caught:
        run.members[0].held(run.keygen, outcome)
    assert caught.value.rule == "PX-10"
    (late,) = run.members[0].complaints(run.keygen)
    refused("PX-23", run.keygen.complain, late, 5)
    refused("PX-23", run.keygen.complain_late, late, 4)
    assert run.keygen.complain_late(late, 5) is Verdict.GUILTY_DEALER
    assert run.keygen.faults == [Fault(3, FaultKind.BAD_SHARE)]
    assert run.keygen.finish(6).key == outcome.key
    check_key(run, outcome, (1, 2, 3))


def test_px10_shares_that_do_not_fit_or_are_not_all_there_are_refused(world) -> None:
    w = world(4)
    for values in (
        {1: w.held[0].values[1] + 1},
        {},
        {0: w.polynomial.secret},
        {2: w.held[1].values[2]},
        {5: 1},
        {1: w.held[0].values[1], 2: w.held[1].values[2]},
    ):
        with pytest.raises(OwnShareWrong) as caught:
            HeldShares(0, values).check(w.key)
        assert caught.value.rule == "PX-10"
    w.held[0].check(w.key)


# PX-23: rounds.


def test_px23_messages_count_in_their_round_only(generation) -> None:
    run = generation(4)
    refused("PX-23", run.keygen.notice, run.members[0].notice(), 2)
    run.notices()
    commit = run.members[0].commit(run.keygen)
    for height in (1, 3):
        refused("PX-23", run.keygen.commit, commit, height)
    run.keygen.commit(commit, 2)
    for height in (2, 4):
        refused("PX-23", run.keygen.deal, run.members[0].dealing(), height)
    run.keygen.deal(run.members[0].dealing(), 3)
    lie = run.members[1]._accuse(run.keygen, 0, 2)
    for height in (3, 5):
        refused("PX-23", run.keygen.complain, lie, height)
    assert run.keygen.complain(lie, 4) is Verdict.FALSE_ACCUSER
    refused("PX-23", run.keygen.complain, lie, 4)
    refused("PX-23", run.keygen.finish, 4)


def test_px23_once_each_and_as_committed(generation) -> None:
    run = generation(4)
    run.notices()
    refused("PX-23", run.keygen.notice, run.members[0].notice(), 1)
    refused("PX-23", run.members[0].dealing)
    run.commits()
    other = run.wrong_dealing(0, ())
    session = run.keygen.session
    refused("PX-23", run.keygen.commit, run.members[0].commit(run.keygen), 2)
    assert run.keygen.faults == []
    refused("PX-23", run.keygen.commit, make_commit(session, other, run.signers[0]), 2)
    assert run.keygen.faults == [Fault(0, FaultKind.TWO_COMMITS)]
    refused("PX-23", run.keygen.deal, other, 3)
    run.keygen.deal(run.members[0].dealing(), 3)
    refused("PX-23", run.keygen.deal, run.members[0].dealing(), 3)


def test_px23_a_commit_is_its_dealers(generation) -> None:
    run = generation(4)
    run.notices()
    commit = run.members[0].commit(run.keygen)
    for bad in (
        replace(commit, dealer=1),
        replace(commit, dealer=9),
        replace(commit, digest=bytes(32)),
    ):
        refused("PX-23", run.keygen.commit, bad, 2)
    assert run.keygen.commits == {}


@pytest.mark.parametrize("heights", [(1, 1, 2, 3), (4, 3, 2, 1)])
def test_px23_deadlines_follow_one_another(heights) -> None:
    with pytest.raises(MalformedSeal) as caught:
        Schedule(*heights)
    assert caught.value.rule == "PX-23"
    assert Schedule.starting(10, 5) == Schedule(14, 19, 24, 29)


# Messages as bytes; secrets.


def test_messages_have_one_encoding(generation) -> None:
    run = generation(4)
    run.notices()
    run.commits()
    run.deal()
    member = run.members[1]
    messages = (
        (Notice, member.notice()),
        (Commit, make_commit(run.keygen.session, member.dealing(), run.signers[1])),
        (Dealing, member.dealing()),
        (Complaint, member._accuse(run.keygen, 0, 2)),
        (EpochKey, run.keygen.finish(5).key),
    )
    for kind, message in messages:
        data = message.to_bytes()
        assert kind.from_bytes(data) == message
        for bad in (data + b"\0", data[:-1], b""):
            with pytest.raises(DecodeError):
                kind.from_bytes(bad)


def test_a_context_is_bound_to_everything(generation) -> None:
    context = generation(4).context
    others = [
        replace(context, epoch=9),
        replace(context, attempt=9),
        replace(context, domain=replace(context.domain, instance=9)),
        replace(context, domain=replace(context.domain, da_domain=9)),
        replace(context, domain=replace(context.domain, chain_id=bytes(32))),
        replace(context, parameters=Parameters(4, 4, 1)),
        Context(context.domain, 3, 0, Parameters.of_equals(7), generation(7).context.roster),
    ]
    assert len({context.digest, *(other.digest for other in others)}) == len(others) + 1


def test_nothing_secret_is_printed(generation) -> None:
    run = generation(4)
    outcome = run.run()
    member = run.members[0]
    held = member.held(run.keygen, outcome)
    secrets = [str(held.values[1]), str(member._secret.secret), member._entropy.hex()]
    for thing in (member, held, member._secret, run.keygen, outcome):
        assert not any(secret in repr(thing) for secret in secrets)


def test_px22_secrets_that_cancel_give_no_key(generation) -> None:
    """All dealers together choose a secret of 0: pk₁ would be the point at infinity."""
    run = generation(4)
    run.notices()
    parts = (5, 6, 7, -18 % group.R)
    made = {}
    for dealer, secret in enumerate(parts):
        polynomial = PackedPolynomial(1, (secret, 8, 9))
        numbers = dealings.recipients(run.context, run.keygen.keys)
        values = {i: polynomial.share(i) for i in numbers}
        made[dealer] = dealings.assemble(
            run.context, run.keygen.keys, dealer, polynomial, 3, values, bytes(32)
        )
        run.plant(dealer, made[dealer])
    for dealing in made.values():
        run.keygen.deal(dealing, 3)
    assert run.keygen.finish(5) == KeygenFailed(FailureReason.CANCELLED_OUT, 0, 3, ())
