"""Cells: accepted, opened, refused; P2-12 with liars."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import group
from private_exec.committee import acceptance, cells, certificate, opening, points
from private_exec.committee.acceptance import Acceptance, Accepted
from private_exec.committee.cells import Cell
from private_exec.committee.certificate import Certificate
from private_exec.committee.errors import (
    CellRefused,
    CertificateRefused,
    MalformedCommittee,
    OpeningRefused,
)
from private_exec.committee.opening import OpenStatement
from private_exec.pedersen import Opening
from private_exec.sharing import interpolate


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("lying", [False, True])
def test_inputs_become_cells_that_hold_them(epoch, helpers, n, lying) -> None:
    """With t members lying in the opening: outputs are right all the same."""
    e = epoch(n)
    secret = [helpers.opening("accept", k) for k in range(4)]
    given = [e.shared(1, *secret[:2]), e.shared(2, secret[2]), e.shared(3, secret[3])]
    liars = list(e.secrets)[: e.size.t] if lying else ()
    message, made, known = e.accept(given, liars=liars)
    assert acceptance.accept(message, e.record, known) == made
    revealed = e.reveal(made)
    assert [r.value for r in revealed] == [s.value for s in secret]
    assert [r.commitment for r in revealed] == [cell.com for cell in made]
    shifts = [cell.shift for cell in message.cells]
    assert [r.blinding for r in revealed] == [
        (s.blinding + d) % group.R for s, d in zip(secret, shifts, strict=True)
    ]


def test_a_public_amount_becomes_a_cell(epoch) -> None:
    """Shares (v, 0) for everybody, Com = v·G: no input is needed."""
    e = epoch(4)
    identity = cells.cell_id(bytes(32), 0)
    rows = {
        m: acceptance.masked(s.prss, [identity], [Opening(77, 0)]) for m, s in e.secrets.items()
    }
    c, shift = (
        interpolate(list(rows), [row[part][0] for row in rows.values()], 0) for part in range(2)
    )
    known = {identity: acceptance.public_commitment(77)}
    made = acceptance.cells_of(e.record, [Accepted(identity, c, shift)], known)
    e.check_points(made)
    assert e.reveal(made)[0].value == 77


def test_pv38_ids_come_from_what_occurs_once(epoch) -> None:
    e = epoch(4)
    one, two = e.shared(1), e.shared(2)
    ids = {cells.cell_id(origin.id, k) for origin in (one, two) for k in range(3)}
    assert len(ids) == 6
    for origin, index in ((b"short", 0), (bytes(32), -1), (bytes(32), 1 << 16)):
        with pytest.raises(MalformedCommittee) as caught:
            cells.cell_id(origin, index)
        assert caught.value.rule == "PV-38"


def test_pv38_a_cell_has_one_form(epoch) -> None:
    e = epoch(4)
    _, made, _ = e.accept([e.shared(1)])
    good = made[0]
    assert Cell.read(cells.Reader(good.to_bytes())) == good
    for change in ({"c": group.R}, {"blind": group.R}, {"blind": -1}, {"id": b"short"}):
        with pytest.raises(MalformedCommittee) as caught:
            replace(good, **change)
        assert caught.value.rule == "PV-38"


def test_masks_of_different_ids_parts_and_epochs_differ(epoch) -> None:
    e, later = epoch(4), epoch(4, number=4)
    ids = [cells.cell_id(bytes(32), k) for k in range(2)]
    found = [
        number
        for keys in (e.secrets[1].prss, later.secrets[1].prss)
        for mask in cells.masks(keys, ids)
        for number in (mask.value, mask.blinding)
    ]
    assert len(set(found)) == 8


@pytest.mark.parametrize("n", [4, 7])
def test_pv39_up_to_t_wrong_points_are_named(epoch, n) -> None:
    e = epoch(n)
    _, made, _ = e.accept([e.shared(k) for k in range(3)])
    coms = [cell.com for cell in made]
    shown = {m: e.points(m, made) for m in e.secrets}
    bad = list(range(n - e.size.t + 1, n + 1))
    for m in bad:  # each lies about another cell only
        shown[m][m % 3] = group.base_g1([m])[0]
    assert points.agree(e.size, coms, shown, 1) == tuple(bad)
    with pytest.raises(CellRefused) as caught:  # one more
        points.agree(e.size, coms, shown | {2: shown[bad[0]]}, 1)
    assert caught.value.rule == "PV-39"


@pytest.mark.parametrize("n", [4, 7])
def test_pv39_absent_and_lying_count_together(epoch, n) -> None:
    e = epoch(n)
    _, made, _ = e.accept([e.shared(1)])
    coms = [cell.com for cell in made]
    quorum = e.record.declaration.quorum
    shown = {m: e.points(m, made) for m in list(e.secrets)[:quorum]}
    assert points.agree(e.size, coms, shown, 1) == ()
    others = {m: e.points(m, made) for m in e.secrets if m != 1}
    assert len(others) >= quorum
    for wrong in (
        others,  # its own is missing
        {m: shown[m] for m in list(shown)[:-1]},  # 2t
        shown | {quorum: [group.base_g1([1])[0]]},
    ):
        with pytest.raises(CellRefused) as caught:
            points.agree(e.size, coms, wrong, 1)
        assert caught.value.rule == "PV-39"


@pytest.mark.parametrize("n", [4, 7])
def test_pv39_a_member_whose_own_share_is_off_signs_nothing(epoch, n) -> None:
    """2t + 1 others agree: their cell may be right, but this member has no share of it."""
    e = epoch(n)
    _, made, _ = e.accept([e.shared(1)])
    shown = {m: e.points(m, made) for m in e.secrets}
    shown[1] = [group.base_g1([1])[0]]
    assert points.agree(e.size, [cell.com for cell in made], shown, 2) == (1,)
    with pytest.raises(CellRefused) as caught:
        points.agree(e.size, [cell.com for cell in made], shown, 1)
    assert caught.value.rule == "PV-39"


def test_pv39_points_of_another_number_count_as_none(epoch) -> None:
    e = epoch(4)
    _, made, _ = e.accept([e.shared(1), e.shared(2)])
    coms = [cell.com for cell in made]
    shown = {m: e.points(m, made) for m in e.secrets}
    assert points.agree(e.size, coms, shown | {3: shown[3][:1]}, 1) == (3,)


def test_pv39_c_that_does_not_match_com_is_signed_by_nobody(epoch) -> None:
    """Com/c mismatch: the shares make another value than the commitment."""
    e = epoch(4)
    _, made, _ = e.accept([e.shared(1)])
    wrong = [replace(made[0], c=(made[0].c + 1) % group.R)]
    shown = {m: e.points(m, wrong) for m in e.secrets}
    for m in e.secrets:
        with pytest.raises(CellRefused) as caught:
            points.agree(e.size, [wrong[0].com], shown, m)
        assert caught.value.rule == "PV-39"


def test_pv39_errors_that_cancel_over_cells_do_not_pass(epoch) -> None:
    """+D about one cell, −D about another: coefficients hash the points."""
    e = epoch(4)
    _, made, _ = e.accept([e.shared(1), e.shared(2)])
    shown = {m: e.points(m, made) for m in e.secrets}
    d = group.base_g1([5])[0]
    first, second = shown[4]
    shown[4] = [group.total_g1([first, d]), group.total_g1([second, group.negative(d)])]
    assert points.agree(e.size, [cell.com for cell in made], shown, 1) == (4,)


def test_pv43_certificates(epoch, helpers) -> None:
    e = epoch(7)
    declaration = e.record.declaration
    statement = helpers.entropy("statement")
    signatures = {
        m: certificate.sign(declaration, statement, e.signers[m]) for m in declaration.members
    }
    five = dict(list(signatures.items())[:5])
    certificate.check(Certificate.of(five), declaration, statement)
    certificate.check(Certificate.of(signatures), declaration, statement)
    rows = tuple(five.items())
    outsider = certificate.sign(declaration, statement, helpers.signer("outsider"))
    for wrong in (
        Certificate(rows[:4]),
        Certificate((*rows[:4], rows[3])),
        Certificate(rows[::-1]),
        Certificate((*rows[:4], (6, rows[4][1]))),
        Certificate((*rows[:4], (8, outsider))),
        Certificate(((0, outsider), *rows[1:])),
        Certificate((*rows[:4], (5, b""))),
    ):
        with pytest.raises(CertificateRefused) as caught:
            certificate.check(wrong, declaration, statement)
        assert caught.value.rule == "PV-43"
    for other in ((declaration, bytes(32)), (epoch(7, name="b").record.declaration, statement)):
        with pytest.raises(CertificateRefused) as caught:
            certificate.check(Certificate.of(five), *other)
        assert caught.value.rule == "PV-43"


def test_pv44_an_acceptance_is_of_awaited_inputs_of_this_epoch(epoch) -> None:
    e = epoch(4)
    message, _, known = e.accept([e.shared(1), e.shared(2)])
    for wrong, record, awaited in (
        (message, epoch(4, number=4).record, known),
        (message, epoch(4, name="b").record, known),
        (message, e.record, {}),
    ):
        with pytest.raises(CertificateRefused) as caught:
            acceptance.accept(wrong, record, awaited)
        assert caught.value.rule == "PV-44"
    assert Acceptance.from_bytes(message.to_bytes()) == message


def test_pv44_what_no_longer_waits_takes_nothing_from_the_others(epoch) -> None:
    e = epoch(4)
    message, made, known = e.accept([e.shared(1), e.shared(2)])
    gone = next(iter(known))
    left = {identity: com for identity, com in known.items() if identity != gone}
    assert acceptance.accept(message, e.record, left) == [c for c in made if c.id != gone]


@pytest.mark.parametrize("name", ["id", "c", "shift"])
def test_pv43_what_was_signed_cannot_be_changed(epoch, name) -> None:
    e = epoch(4)
    message, _, known = e.accept([e.shared(1), e.shared(2)])
    one, two = message.cells
    changed = replace(one, **{name: two.id if name == "id" else getattr(one, name) ^ 1})
    if name == "id":
        wrong = replace(message, cells=(changed, replace(two, id=one.id)))
    else:
        wrong = replace(message, cells=(changed, two))
    with pytest.raises(CertificateRefused) as caught:
        acceptance.accept(wrong, e.record, known)
    assert caught.value.rule == "PV-43"


def test_pv44_form(epoch) -> None:
    e = epoch(4)
    message, _, _ = e.accept([e.shared(1)])
    (one,) = message.cells
    for wrong in ((), (one, one), (replace(one, c=group.R),), (replace(one, shift=-1),)):
        with pytest.raises(MalformedCommittee) as caught:
            replace(message, cells=wrong)
        assert caught.value.rule == "PV-44"


# -- opened outputs -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tally(epoch, helpers):
    """Two sums of cells, and what members open them to."""
    e = epoch(4)
    secret = [helpers.opening("tally", k, value=k * k) for k in range(6)]
    _, made, _ = e.accept([e.shared(k, s) for k, s in enumerate(secret)])
    coms, outputs = [], []
    for part in (slice(0, 3), slice(3, 6)):
        chosen = made[part]
        rows = {
            m: cells.combined([1] * 3, cells.shares(s.prss, chosen)) for m, s in e.secrets.items()
        }
        value, blinding = (
            interpolate(list(rows), [getattr(row, name) for row in rows.values()], 0)
            for name in ("value", "blinding")
        )
        coms.append(group.total_g1([cell.com for cell in chosen]))
        outputs.append(Opening(value, blinding))
    return coms, tuple(outputs)


def test_a_sum_opens_and_nothing_else(tally, helpers) -> None:
    coms, outputs = tally
    assert [output.value for output in outputs] == [0 + 1 + 4, 9 + 16 + 25]
    statement = OpenStatement(helpers.round, outputs)
    opening.check(statement, helpers.round, coms)
    assert OpenStatement.from_bytes(statement.to_bytes()) == statement


def test_pv45_wrong_outputs_are_named(tally, helpers) -> None:
    coms, (one, two) = tally
    for outputs, culprits in (
        ((one, Opening(two.value + 1, two.blinding)), (1,)),
        ((Opening(one.value, one.blinding ^ 1), two), (0,)),
        ((two, one), (0, 1)),
        ((one,), ()),
        ((one, two, two), ()),
    ):
        with pytest.raises(OpeningRefused) as caught:
            opening.check(OpenStatement(helpers.round, outputs), helpers.round, coms)
        assert (caught.value.rule, caught.value.culprits) == ("PV-45", culprits)
        with pytest.raises(OpeningRefused) as caught:
            opening.check(OpenStatement(helpers.round, outputs), helpers.round, coms, named=False)
        assert (caught.value.rule, caught.value.culprits) == ("PV-45", ())
    with pytest.raises(OpeningRefused) as caught:
        opening.check(OpenStatement(bytes(32), (one, two)), helpers.round, coms)
    assert caught.value.rule == "PV-45"


def test_pv45_errors_that_cancel_do_not_pass(tally, helpers) -> None:
    coms, (one, two) = tally
    outputs = (Opening(one.value + 1, one.blinding), Opening(two.value - 1, two.blinding))
    with pytest.raises(OpeningRefused) as caught:
        opening.check(OpenStatement(helpers.round, outputs), helpers.round, coms)
    assert caught.value.culprits == (0, 1)


def test_an_empty_sum_opens_to_nothing(helpers) -> None:
    """A project without donors."""
    statement = OpenStatement(helpers.round, (Opening(0, 0),))
    opening.check(statement, helpers.round, [None])
    with pytest.raises(OpeningRefused):
        opening.check(OpenStatement(helpers.round, (Opening(1, 0),)), helpers.round, [None])


def test_pv45_all_members_together_open_nothing_else(tally, helpers) -> None:
    """They choose the outputs; the commitments do not follow."""
    coms, (one, two) = tally
    with pytest.raises(OpeningRefused) as caught:
        opening.check(
            OpenStatement(helpers.round, (Opening(one.value + 7, one.blinding), two)),
            helpers.round,
            coms,
        )
    assert caught.value.rule == "PV-45"
