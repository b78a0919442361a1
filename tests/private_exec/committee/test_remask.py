"""Cells under the keys of another epoch, and of another committee."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from private_exec import group
from private_exec.committee import cells, pairs, points, rekey, remask, reshare
from private_exec.committee.accusation import Verdict
from private_exec.committee.errors import (
    CellRefused,
    CeremonyRefused,
    CertificateRefused,
    ComplaintRefused,
    MalformedCommittee,
)
from private_exec.committee.remask import Change, Remasking
from private_exec.committee.reshare import MaskDealing, Side, Transfer
from private_exec.mpc import vectors
from private_exec.mpc.decode import decode
from private_exec.pedersen import Opening


def opened(size, rows):
    """What the members' rows of shares say."""
    shares = {m: vectors.vec(row) for m, row in rows.items()}
    return vectors.ints(decode(size, shares, size.t).values)


def parts_of(size, sent):
    """Values, then blindings, of pairs that members opened."""
    return [
        opened(size, {m: [getattr(pair, name) for pair in row] for m, row in sent.items()})
        for name in ("value", "blinding")
    ]


def rekeyed(old, new, made, liars=()):
    """Changes, as the members find them."""
    ids = [cell.id for cell in made]
    sent = {
        m: rekey.differences(old.secrets[m].prss, new.secrets[m].prss, ids) for m in new.secrets
    }
    for m in liars:
        sent[m] = [Opening(p.value ^ 1, p.blinding ^ 1) for p in sent[m]]
    parts = parts_of(new.size, sent)
    return [Change(*row) for row in zip(ids, *parts, strict=True)]


def certified(old, new, changes):
    signatures = {
        m: remask.sign(old.record, new.record, changes, new.signers[m]) for m in new.secrets
    }
    return remask.assemble(old.record, new.record, changes, signatures)


@pytest.mark.parametrize("n", [4, 7])
def test_a_new_epoch_leaves_values_and_commitments(epoch, n) -> None:
    """With t members lying, twice in a row: `blind` adds up."""
    epochs = [epoch(n, number=k) for k in (3, 4, 5)]
    _, made, _ = epochs[0].accept([epochs[0].shared(k) for k in range(2)])
    before = epochs[0].reveal(made)
    now = made
    for old, new in itertools.pairwise(epochs):
        changes = rekeyed(old, new, now, liars=list(new.secrets)[: new.size.t])
        message = certified(old, new, changes)
        assert Remasking.from_bytes(message.to_bytes()) == message
        now = remask.apply(message, old.record, new.record, {c.id: c for c in now})
        new.check_points(now)
    assert new.reveal(now) == before
    for cell, first in zip(now, made, strict=True):
        assert (cell.id, cell.com) == (first.id, first.com)
        assert cell.c != first.c
        assert cell.blind != 0
        assert cells.Cell.read(cells.Reader(cell.to_bytes())) == cell


def test_a_member_that_was_silent_takes_no_part(epoch) -> None:
    old, new = epoch(4, number=3), epoch(4, number=6, silent=(2,))
    _, made, _ = old.accept([old.shared(1)])
    changes = rekeyed(old, new, made)
    assert new.reveal(remask.moved(made, changes, 6)) == old.reveal(made)


def test_pv39_wrong_changes_are_signed_by_nobody(epoch) -> None:
    """Whatever t + 1 members of the old epoch agree on: the new shares make no Com."""
    old, new = epoch(4, number=3), epoch(4, number=4)
    _, made, _ = old.accept([old.shared(1)])
    (right,) = rekeyed(old, new, made)
    for wrong in (
        replace(right, value=(right.value + 1) % group.R),
        replace(right, blinding=(right.blinding + 1) % group.R),
    ):
        after = remask.moved(made, [wrong], 4)
        shown = {m: new.points(m, after) for m in new.secrets}
        with pytest.raises(CellRefused) as caught:
            points.agree(new.size, [after[0].com], shown, 1)
        assert caught.value.rule == "PV-39"


def test_pv46_between_named_epochs_and_of_their_cells_only(epoch) -> None:
    old, new, third = (epoch(4, number=k) for k in (3, 4, 5))
    _, made, _ = old.accept([old.shared(1)])
    known = {cell.id: cell for cell in made}
    changes = rekeyed(old, new, made)
    message = certified(old, new, changes)
    after = remask.apply(message, old.record, new.record, known)
    for wrong, first, second, have in (
        (message, old, third, known),
        (message, third, new, known),
        (certified(new, old, changes), new, old, {c.id: c for c in after}),  # back
        (certified(old, old, changes), old, old, known),
        (message, old, new, {}),
        (message, old, new, {c.id: c for c in after}),  # a second time
    ):
        with pytest.raises(CertificateRefused) as caught:
            remask.apply(wrong, first.record, second.record, have)
        assert caught.value.rule == "PV-46"
    changed = (replace(message.changes[0], value=message.changes[0].value ^ 1),)
    with pytest.raises(CertificateRefused) as caught:
        remask.apply(replace(message, changes=changed), old.record, new.record, known)
    assert caught.value.rule == "PV-43"


def test_pv46_a_cell_that_is_gone_takes_nothing_from_the_others(epoch) -> None:
    old, new = (epoch(4, number=k) for k in (3, 4))
    _, made, _ = old.accept([old.shared(1), old.shared(2)])
    message = certified(old, new, rekeyed(old, new, made))
    whole = remask.apply(message, old.record, new.record, {cell.id: cell for cell in made})
    left = {cell.id: cell for cell in made[1:]}
    assert remask.apply(message, old.record, new.record, left) == whole[1:]


def test_pv46_form(epoch) -> None:
    old, new = epoch(4, number=3), epoch(4, number=4)
    _, made, _ = old.accept([old.shared(1)])
    message = certified(old, new, rekeyed(old, new, made))
    (one,) = message.changes
    for wrong in ((), (one, one), (replace(one, value=group.R),), (replace(one, blinding=-1),)):
        with pytest.raises(MalformedCommittee) as caught:
            replace(message, changes=wrong)
        assert caught.value.rule == "PV-46"


# -- a new committee ------------------------------------------------------------------------------


class HandOver:
    """Cells of one committee on their way to another."""

    def __init__(self, helpers, old, new, count: int = 2, retry: int = 0) -> None:
        self.old, self.new, self.helpers = old, new, helpers
        _, self.cells, _ = old.accept([old.shared(k) for k in range(count)])
        ids = tuple(cell.id for cell in self.cells)
        self.transfer = Transfer(old.record, new.record, ids, retry)

    def deal(self, dealer: int) -> MaskDealing:
        seed = self.helpers.entropy("masks", dealer)
        return reshare.deal(self.transfer, dealer, self.old.signers[dealer], seed)

    def masks(self, dealings, side: Side, member: int):
        who = (self.old, self.new)[side]
        found = [reshare.open_masks(d, self.transfer, side, who.secrets[member]) for d in dealings]
        assert None not in found
        return found

    def changes(self, dealings, liars=()):
        """R′ − r and ρ′ − ρ, by what both committees open."""
        sides = []
        for side, who in ((Side.OLD, self.old), (Side.NEW, self.new)):
            sent = {}
            for m, secrets in who.secrets.items():
                own = cells.masks(secrets.prss, self.transfer.cells)
                sent[m] = reshare.masked(own, self.masks(dealings, side, m))
                if m in liars:
                    sent[m] = [Opening(p.value ^ 1, p.blinding ^ 1) for p in sent[m]]
            sides.append(parts_of(who.size, sent))
        before, after = sides
        return [
            Change(identity, (v2 - v1) % group.R, (b2 - b1) % group.R)
            for identity, v1, v2, b1, b2 in zip(
                self.transfer.cells, before[0], after[0], before[1], after[1], strict=True
            )
        ]


@pytest.fixture
def hand_over(helpers, epoch):
    def make(n: int = 4, m: int = 7, **changes) -> HandOver:
        return HandOver(helpers, epoch(n), epoch(m, name="new"), **changes)

    return make


@pytest.mark.parametrize(("n", "m"), [(4, 4), (4, 7), (7, 4)])
@pytest.mark.parametrize("lying", [False, True])
def test_a_new_committee_holds_the_same_values(hand_over, n, m, lying) -> None:
    run = hand_over(n, m)
    t = run.old.size.t
    dealings = [run.deal(dealer) for dealer in range(1, t + 2)]
    for dealing in dealings:
        reshare.check(dealing, run.transfer)
        assert MaskDealing.from_bytes(dealing.to_bytes()) == dealing
    changes = run.changes(dealings, liars=[1] if lying else ())
    message = certified(run.old, run.new, changes)
    after = remask.apply(message, run.old.record, run.new.record, {c.id: c for c in run.cells})
    run.new.check_points(after)
    assert run.new.reveal(after) == run.old.reveal(run.cells)
    assert [cell.com for cell in after] == [cell.com for cell in run.cells]


def test_pv48_what_is_opened_says_nothing_without_the_masks(hand_over) -> None:
    """R + m of another set of dealers is another number; the difference stays."""
    run = hand_over(4, 4)
    every = [run.deal(dealer) for dealer in (1, 2, 3)]
    assert run.changes(every[:2]) == run.changes(every[1:])


def test_pv48_t_plus_1_dealers_at_least(hand_over) -> None:
    run = hand_over(7, 4)
    assert reshare.qualified(run.transfer, [5, 1, 2, 3], {2}) == (1, 3, 5)
    for dealt, guilty in (([1, 2], set()), ([1, 2, 3], {1}), ([], set())):
        with pytest.raises(CeremonyRefused) as caught:
            reshare.qualified(run.transfer, dealt, guilty)
        assert caught.value.rule == "PV-48"


def resigned(run, dealing):
    signature = run.old.signers[dealing.dealer].sign(dealing.digest(run.transfer))
    return replace(dealing, signature=signature)


def test_pv47_form_and_signature(hand_over) -> None:
    run = hand_over(4, 7)
    good, other = run.deal(1), run.deal(2)
    later = hand_over(4, 7, retry=1)
    first, second = good.sealed
    spoiled = (
        replace(good, signature=other.signature),
        replace(good, dealer=2),
        replace(good, dealer=0),
        later.deal(1),
        resigned(run, replace(good, old=good.old[:1], new=good.new[:1])),
        resigned(run, replace(good, old=tuple(row[:1] for row in good.old))),
        resigned(run, replace(good, new=tuple(row[:1] for row in good.new))),
        resigned(run, replace(good, sealed=(replace(first, parts=first.parts[:-1]), second))),
        resigned(run, replace(good, sealed=(second, first))),
    )
    for wrong in spoiled:
        with pytest.raises(CeremonyRefused) as caught:
            reshare.check(wrong, run.transfer)
        assert caught.value.rule == "PV-47"


def test_pv47_both_sides_share_every_cell_alike(hand_over) -> None:
    good = hand_over(4, 7).deal(1)
    for change in (
        {"old": good.old[:1]},
        {"new": good.new[:1]},
        {"old": (), "new": ()},
        {"old": ((), ())},
        {"old": (good.old[0], good.old[1][:1])},
        {"new": (good.new[0], good.new[1][:1])},
    ):
        with pytest.raises(MalformedCommittee) as caught:
            replace(good, **change)
        assert caught.value.rule == "PV-47"


def test_pv33_masks_under_a_copied_key(hand_over) -> None:
    run = hand_over(4, 4)
    good, other = run.deal(1), run.deal(2)
    wrong = replace(good, sealed=(good.sealed[0], other.sealed[1]))
    with pytest.raises(CeremonyRefused) as caught:
        reshare.check(resigned(run, wrong), run.transfer)
    assert caught.value.rule == "PV-33"


@pytest.mark.parametrize("side", Side)
def test_pv47_wrong_masks_convict_their_dealer(hand_over, helpers, side) -> None:
    """To one member of either committee; a false complaint convicts its sender."""
    run = hand_over(4, 4)
    rows, plain = ([], []), ({}, {})
    secret = helpers.opening("mask")
    for s in Side:
        polynomial = pairs.PairPolynomial.of(secret, 1, "test", bytes([s]))
        row = polynomial.commitments()
        rows[s].extend([row if s is Side.OLD else row[1:]] * 2)
        for m in (1, 2, 3, 4):
            plain[s][m] = pairs.write([polynomial.share(m)] * 2)
    plain[side][3] = pairs.write([secret, secret])
    bad = reshare.assemble(run.transfer, 2, *rows, plain, run.old.signers[2], b"seed")
    reshare.check(bad, run.transfer)
    who = (run.old, run.new)[side]
    found = {
        m: reshare.open_masks(bad, run.transfer, side, s) is not None
        for m, s in who.secrets.items()
    }
    assert found == {1: True, 2: True, 3: False, 4: True}
    accused, false = (
        reshare.accuse(bad, run.transfer, side, who.secrets[m], who.signers[m], b"") for m in (3, 4)
    )
    assert reshare.judge(accused, bad, run.transfer, side) is Verdict.GUILTY_SENDER
    assert reshare.judge(false, bad, run.transfer, side) is Verdict.FALSE_ACCUSER
    with pytest.raises(ComplaintRefused) as caught:  # of the other side
        reshare.judge(accused, bad, run.transfer, Side(1 - side))
    assert caught.value.rule == "PV-34"


def test_pv47_two_sharings_have_one_commitment(hand_over, helpers) -> None:
    """A dealer who shares m with the old and m + 1 with the new is found out by the new."""
    run = hand_over(4, 4)
    rows, plain = ([], []), ({}, {})
    for s in Side:
        secret = helpers.opening("mask", value=5 + s)
        polynomial = pairs.PairPolynomial.of(secret, 1, "test", bytes([s]))
        row = polynomial.commitments()
        rows[s].extend([row if s is Side.OLD else row[1:]] * 2)
        for m in (1, 2, 3, 4):
            plain[s][m] = pairs.write([polynomial.share(m)] * 2)
    bad = reshare.assemble(run.transfer, 2, *rows, plain, run.old.signers[2], b"seed")
    reshare.check(bad, run.transfer)
    for m, secrets in run.new.secrets.items():
        assert reshare.open_masks(bad, run.transfer, Side.NEW, secrets) is None
        accused = reshare.accuse(bad, run.transfer, Side.NEW, secrets, run.new.signers[m], b"")
        assert reshare.judge(accused, bad, run.transfer, Side.NEW) is Verdict.GUILTY_SENDER
