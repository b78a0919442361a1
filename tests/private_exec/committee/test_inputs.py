"""Inputs: shared rightly, wrongly, copied, mauled, complained of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import group
from private_exec.committee import accusation as accusations
from private_exec.committee import inputs, pairs, sealing
from private_exec.committee.accusation import Verdict
from private_exec.committee.errors import ComplaintRefused, InputRefused, MalformedCommittee
from private_exec.committee.inputs import Input
from private_exec.committee.sealing import Sealed
from private_exec.pedersen import H, Opening
from private_exec.proofs import prove_knowledge
from private_exec.sharing import interpolate
from private_exec.transcript import secret_scalar
from zk.errors import DecodeError


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("values", [1, 2])
def test_members_find_shares_of_what_was_committed_to(epoch, helpers, n, values) -> None:
    e = epoch(n)
    secret = [helpers.opening("input", k) for k in range(values)]
    given = e.shared(1, *secret)
    inputs.check(given, e.record)
    assert list(given.commitments) == [opening.commitment for opening in secret]
    opened = {m: inputs.open_all([given], s)[0] for m, s in e.secrets.items()}
    members = list(opened)[: e.size.t + 1]
    for k, opening in enumerate(secret):
        for name in ("value", "blinding"):
            shares = [getattr(opened[m][k], name) for m in members]
            assert interpolate(members, shares, 0) == getattr(opening, name)


def test_silent_members_are_sealed_nothing(epoch) -> None:
    e = epoch(4, silent=(2,))
    given = e.shared()
    inputs.check(given, e.record)
    assert len(given.sealed.parts) == 3
    assert all(inputs.open_all([given], s) != [None] for s in e.secrets.values())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda i: replace(i, owner=bytes(32)),  # of small order: nobody could ever sign for it
        lambda i: replace(i, values=(i.values[0][:-1],)),
        lambda i: replace(i, sealed=replace(i.sealed, parts=i.sealed.parts[:-1])),
        lambda i: replace(i, sealed=replace(i.sealed, parts=(b"", *i.sealed.parts[1:]))),
    ],
)
def test_pv40_form(epoch, spoil) -> None:
    e = epoch(4)
    with pytest.raises(InputRefused) as caught:
        inputs.check_all([e.shared(1), spoil(e.shared())], e.record)
    assert (caught.value.rule, caught.value.culprits) == ("PV-40", (1,))


def test_pv40_values_are_one_to_three_and_shared_alike(epoch, helpers) -> None:
    """Of no values any width could be written: a second encoding of the same."""
    e = epoch(4)
    good = e.shared()
    row = good.values[0]
    for values in ((), (row,) * 4, (row, row[:1]), ((),), (row, ())):
        with pytest.raises(MalformedCommittee) as caught:
            replace(good, values=values)
        assert caught.value.rule == "PV-40"
    for width in range(6):
        with pytest.raises(DecodeError):
            Input.from_bytes(good.to_bytes()[:104] + bytes([0, width]) + good.sealed.to_bytes())
    with pytest.raises(MalformedCommittee) as caught:
        inputs.make(e.record, helpers.round, good.owner, [], b"seed")
    assert caught.value.rule == "PV-40"


def test_pv41_for_this_committee_and_epoch_only(epoch) -> None:
    e = epoch(4)
    for other in (epoch(4, name="b"), epoch(4, number=4)):
        with pytest.raises(InputRefused) as caught:
            inputs.check(other.shared(), e.record)
        assert caught.value.rule == "PV-41"


def test_pv41_a_commitment_occurs_once(epoch, helpers) -> None:
    e = epoch(4)
    same = helpers.opening("same")
    first, second = e.shared(1, same), e.shared(2, same)
    assert first.duplicate_keys == second.duplicate_keys
    with pytest.raises(InputRefused) as caught:
        inputs.check_all([first, e.shared(3), second], e.record)
    assert (caught.value.rule, caught.value.culprits) == ("PV-41", (2,))
    with pytest.raises(InputRefused) as caught:
        inputs.check(e.shared(1, same, same), e.record)
    assert caught.value.rule == "PV-41"


@pytest.mark.parametrize("change", ["owner", "reference", "V1", "commitment", "part", "E", "proof"])
def test_pv33_a_copied_input_with_anything_changed_is_refused(epoch, helpers, change) -> None:
    """Another owner, another round, a commitment moved by a known amount: nobody but its maker."""
    e = epoch(4)
    good = e.shared()
    row = good.values[0]
    moved = group.total_g1([row[0], group.base_g1([5])[0]])
    sealed = good.sealed
    wrong = {
        "owner": replace(good, owner=helpers.public(helpers.signer("thief"))),
        "reference": replace(good, reference=bytes(32)),
        "V1": replace(good, values=((row[0], moved),)),
        "commitment": replace(good, values=((moved, row[1]),)),
        "part": replace(good, sealed=replace(sealed, parts=(bytes(80), *sealed.parts[1:]))),
        "E": replace(good, sealed=replace(sealed, ephemeral=moved)),
        "proof": replace(good, sealed=replace(sealed, knows=e.shared(9).sealed.knows)),
    }[change]
    with pytest.raises(InputRefused) as caught:
        inputs.check_all([e.shared(1), wrong, e.shared(2)], e.record)
    assert (caught.value.rule, caught.value.culprits) == ("PV-33", (1,))


def test_pv42_attack_a_mauled_commitment_without_shares_of_it_is_dropped(epoch, helpers) -> None:
    """Com + 5·H is no duplicate, and the thief seals under a key of its own, so the form is right;
    but it has no shares that fit: every honest member complains, and K opens the thief's only."""
    e = epoch(4)
    good = e.shared()
    step = group.base_g1([5], H)[0]
    row = (group.total_g1([good.values[0][0], step]), good.values[0][1])
    plain = {m: pairs.write([helpers.opening("guess", m)]) for m in e.record.keys}
    thief = helpers.public(helpers.signer("thief"))
    mauled = inputs.assemble(e.record, good.reference, thief, (row,), plain, b"thief")
    inputs.check_all([good, mauled], e.record)
    for m, secrets in e.secrets.items():
        assert inputs.open_all([good, mauled], secrets)[1] is None
        accused = inputs.accuse(mauled, secrets, e.signers[m], b"")
        assert inputs.judge(accused, mauled, e.record) is Verdict.GUILTY_SENDER
        assert inputs._open(good, e.record, m, accused.shared) is None


def garbled(given, record, seed, plain):
    """The same, but for what member 2 gets, with a proof that holds: its maker knows log E."""
    label = inputs.label_of(record, given)
    secret = secret_scalar("private/input/ephemeral", seed, label, *inputs._ordered(plain))
    parts = (given.sealed.parts[0], bytes(80), *given.sealed.parts[2:])
    binding = sealing.binding_of(label, given.sealed.ephemeral, parts)
    knows = prove_knowledge(secret, sealing._PROOF, binding, b"")
    return Sealed(given.sealed.ephemeral, parts, knows)


@pytest.mark.parametrize("how", ["value", "blinding", "not canonical", "not sealed"])
@pytest.mark.parametrize("n", [4, 7])
def test_pv42_a_wrong_share_convicts_its_sender(epoch, helpers, n, how) -> None:
    """Only the victim complains; the others' shares are right."""
    e = epoch(n)
    secret = helpers.opening("wrong", n)
    polynomial = pairs.PairPolynomial.of(secret, e.size.t, "test", b"seed")
    plain = {m: pairs.write([polynomial.share(m)]) for m in e.record.keys}
    right = polynomial.share(2)
    plain[2] = {
        "value": pairs.write([Opening(right.value ^ 1, right.blinding)]),
        "blinding": pairs.write([Opening(right.value, right.blinding ^ 1)]),
        "not canonical": (right.value + group.R).to_bytes(32, "little") + plain[2][32:],
        "not sealed": plain[2],
    }[how]
    owner = helpers.public(helpers.signer("owner"))
    given = inputs.assemble(
        e.record, helpers.round, owner, (polynomial.commitments(),), plain, b"x"
    )
    if how == "not sealed":
        given = replace(given, sealed=garbled(given, e.record, b"x", plain))
    inputs.check(given, e.record)
    found = {m: inputs.open_all([given], s)[0] for m, s in e.secrets.items()}
    assert [m for m in found if found[m] is None] == [2]
    accused = inputs.accuse(given, e.secrets[2], e.signers[2], b"")
    assert inputs.judge(accused, given, e.record) is Verdict.GUILTY_SENDER
    lie = inputs.accuse(given, e.secrets[1], e.signers[1], b"")
    assert inputs.judge(lie, given, e.record) is Verdict.FALSE_ACCUSER


def test_pv42_a_false_complaint_drops_nothing(epoch) -> None:
    e = epoch(7)
    given = e.shared()
    for m in (1, 2):  # t of them together
        accused = inputs.accuse(given, e.secrets[m], e.signers[m], b"")
        assert inputs.judge(accused, given, e.record) is Verdict.FALSE_ACCUSER


def test_pv34_a_complaint_is_about_one_input_of_one_epoch(epoch) -> None:
    e, later = epoch(4), epoch(4, number=4)
    given, other = e.shared(), e.shared(1)
    accused = inputs.accuse(given, e.secrets[1], e.signers[1], b"")
    for wrong, item, record in (
        (accused, other, e.record),
        (replace(accused, accuser=2), given, e.record),
        (replace(accused, signature=bytes(64)), given, e.record),
        (inputs.accuse(given, later.secrets[1], later.signers[1], b""), given, e.record),
    ):
        with pytest.raises(ComplaintRefused) as caught:
            inputs.judge(wrong, item, record)
        assert caught.value.rule == "PV-34"


def test_a_false_k_opens_nothing_and_convicts_nobody(epoch) -> None:
    e = epoch(4)
    given = e.shared()
    good = inputs.accuse(given, e.secrets[1], e.signers[1], b"")
    lie = replace(good, shared=group.base_g1([3])[0])
    binding = accusations._binding(e.record.session, 1, given.id)
    lie = replace(lie, signature=e.signers[1].sign(accusations._digest(binding, lie)))
    assert inputs.judge(lie, given, e.record) is Verdict.FALSE_ACCUSER


def test_wrong_pairs_are_found_among_many(epoch) -> None:
    e = epoch(4)
    given = [e.shared(k) for k in range(9)]
    opened = [row[0] for row in inputs.open_all(given, e.secrets[3])]
    claims = [(item.values[0], 3, pair) for item, pair in zip(given, opened, strict=True)]
    assert pairs.wrong(claims, b"") == []
    for k in (2, 7):
        row, member, pair = claims[k]
        claims[k] = (row, member, Opening(pair.value ^ 1, pair.blinding))
    assert sorted(pairs.wrong(claims, b"")) == [2, 7]
    # errors that would cancel in a plain sum
    row, member, pair = claims[0]
    claims[0] = (row, member, Opening((pair.value + 1) % group.R, pair.blinding))
    row, member, pair = claims[1]
    claims[1] = (row, member, Opening((pair.value - 1) % group.R, pair.blinding))
    assert sorted(pairs.wrong(claims, b"")) == [0, 1, 2, 7]


def test_t_members_shares_fit_every_value(epoch, helpers) -> None:
    """What t members hold of an input is consistent with any other x: it says nothing."""
    e = epoch(7)
    secret = helpers.opening("hidden")
    given = e.shared(1, secret)
    own = {m: inputs.open_all([given], e.secrets[m])[0][0].value for m in (1, 2)}
    for guess in (0, 1, secret.value):
        assert interpolate([0, 1, 2], [guess, own[1], own[2]], 1) == own[1]
    other = e.shared(1, Opening(secret.value ^ 1, secret.blinding))
    assert len(other.to_bytes()) == len(given.to_bytes())


def test_entropy_used_twice_repeats_no_key_for_another_value(epoch, helpers) -> None:
    e = epoch(4)
    first, second = (e.shared(5, helpers.opening("twice", k)) for k in range(2))
    assert first.sealed.ephemeral != second.sealed.ephemeral
    assert first.values[0][1] != second.values[0][1]
