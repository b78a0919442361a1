"""What members do together, in one process, up to t of them faulty in every round; and t + 1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import exponent, group
from private_exec.committee import acceptance, cells, inputs, remask, reshare, together
from private_exec.committee.errors import CellRefused, CertificateRefused
from private_exec.committee.reshare import Side, Transfer
from private_exec.committee.together import Awaiting
from private_exec.mpc import simulate, vectors
from private_exec.mpc.faults import Rewritten, Shifted, Silent, Slow, Unsigned, Wrong
from private_exec.mpc.message import Kind
from private_exec.mpc.simulate import Committee
from private_exec.pedersen import Opening
from zk.curve.encoding import g1_to_bytes

FAULTS = {
    "none": lambda m: (),
    "silent": lambda m: (Silent(m),),
    "silent at the points": lambda m: (Silent(m, 1),),
    "silent at the signature": lambda m: (Silent(m, 2),),
    "late": lambda m: (Slow(m, Kind.OPEN), Slow(m, Kind.SHOW), Slow(m, Kind.SIGN)),
    "opens wrongly": lambda m: (Wrong(m, Kind.OPEN),),
    "blinds wrongly": lambda m: (Wrong(m, Kind.OPEN, place=-1),),
    "shows another point": lambda m: (Rewritten(m, Kind.SHOW, another),),
    "shows no point": lambda m: (Rewritten(m, Kind.SHOW, lambda b: b"\xff" * len(b)),),
    "shows too few": lambda m: (Rewritten(m, Kind.SHOW, lambda b: b[32:]),),
    "signs nothing": lambda m: (Rewritten(m, Kind.SIGN, lambda b: bytes(len(b))),),
    "opens rightly and signs no message": lambda m: (Unsigned(m, Kind.OPEN),),
    "opens wrongly and signs no message": lambda m: (Wrong(m, Kind.OPEN), Unsigned(m, Kind.OPEN)),
    "shows points and signs no message": lambda m: (Unsigned(m, Kind.SHOW),),
    "signs all but its message": lambda m: (Unsigned(m, Kind.SIGN),),
}
NAMED = {
    "opens wrongly",
    "blinds wrongly",
    "shows another point",
    "shows no point",
    "shows too few",
    "signs nothing",
    "opens wrongly and signs no message",
    "shows points and signs no message",
    "signs all but its message",
}


def another(body: bytes) -> bytes:
    return g1_to_bytes(group.base_g1([7])[0]) + body[32:]


def committee(e, session) -> Committee:
    keys = {m: secrets.prss for m, secrets in e.secrets.items()}
    return Committee(session, keys, e.signers)


def awaiting(e, given):
    """Each member's view of what is to become cells."""
    found = {}
    for m, secrets in e.secrets.items():
        rows = inputs.open_all(given, secrets)
        found[m] = [
            Awaiting(cells.cell_id(item.id, k), item.commitments[k], row[k])
            for item, row in zip(given, rows, strict=True)
            for k in range(len(row))
        ]
    return found


def accept(e, given, faults=()):
    views = awaiting(e, given)
    session = together.acceptance_session(e.record, [one.id for one in views[1]])
    return simulate.run(
        committee(e, session),
        lambda context: together.accepting(context, e.record, views[context.member]),
        faults=faults,
    )


def of_t(e, fault):
    """The last t members with this fault."""
    bad = range(e.size.n - e.size.t + 1, e.size.n + 1)
    return [one for m in bad for one in FAULTS[fault](m)], set(bad)


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("fault", FAULTS)
def test_inputs_become_cells_with_t_faulty(epoch, helpers, n, fault) -> None:
    e = epoch(n)
    secret = [helpers.opening("together", k) for k in range(3)]
    given = [e.shared(1, *secret[:2]), e.shared(2, secret[2])]
    faults, bad = of_t(e, fault)
    outcome = accept(e, given, faults)
    honest = set(e.secrets) - bad
    assert honest <= set(outcome.results)
    known = {one.id: one.com for one in awaiting(e, given)[1]}
    made = {m: acceptance.accept(outcome.results[m], e.record, known) for m in honest}
    assert all(row == made[1] for row in made.values())
    assert [pair.value for pair in e.reveal(made[1])] == [one.value for one in secret]
    for m in honest:
        assert outcome.accused(m) == (bad if fault in NAMED else set())


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("fault", sorted(NAMED | {"silent"}))
def test_t_plus_1_faulty_and_nothing_is_accepted(epoch, n, fault) -> None:
    """Uncoordinated: it stops, and says why."""
    e = epoch(n)
    bad = range(e.size.n - e.size.t, e.size.n + 1)
    outcome = accept(e, [e.shared(1)], [one for m in bad for one in FAULTS[fault](m)])
    for m in set(e.secrets) - set(bad):
        assert m not in outcome.results
        assert outcome.errors[m].rule in {"PV-13", "PV-39", "PV-43"}


@pytest.mark.parametrize("n", [4, 7])
def test_pv39_t_plus_1_liars_that_agree_open_something_and_sign_nothing(epoch, n) -> None:
    """(P2-9) Their shares and t honest ones lie on another polynomial, so all decode x + r + d; the
    honest members' points make no Com, and a certificate has no 2t + 1 signatures."""
    e = epoch(n)
    t = e.size.t
    polynomial = [1]
    for root in range(1, t + 1):  # 0 at the points of t honest members
        shifted = [0, *polynomial]
        polynomial = [
            (a - root * b) % vectors.R for a, b in zip(shifted, [*polynomial, 0], strict=True)
        ]
    liars = range(n - t, n + 1)
    outcome = accept(e, [e.shared(1)], [Shifted(liars, Kind.OPEN, polynomial)])
    for m in set(e.secrets) - set(liars):
        assert isinstance(outcome.errors[m], CellRefused)
        assert outcome.errors[m].rule == "PV-39"
    assert len([sent for sent in outcome.sent if sent.kind is Kind.SIGN]) < 2 * t + 1


def test_what_observers_see_does_not_depend_on_the_values(epoch, helpers) -> None:
    e = epoch(4)
    seen = [
        accept(e, [e.shared(1, helpers.opening("seen", value=value))]).sent
        for value in (0, 1 << 200)
    ]
    assert seen[0] == seen[1]


def test_a_public_amount_becomes_a_cell_too(epoch) -> None:
    e = epoch(4)
    one = Awaiting(cells.cell_id(bytes(32), 1), acceptance.public_commitment(41), Opening(41, 0))
    session = together.acceptance_session(e.record, [one.id])
    outcome = simulate.run(
        committee(e, session), lambda context: together.accepting(context, e.record, [one])
    )
    made = acceptance.accept(outcome.results[2], e.record, {one.id: one.com})
    assert e.reveal(made)[0].value == 41


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_epoch_with_t_faulty(epoch, fault) -> None:
    old, new = epoch(4, number=3), epoch(4, number=4)
    _, made, _ = old.accept([old.shared(k) for k in range(2)])
    session = together.rekey_session(old.record, new.record, [cell.id for cell in made])
    faults, bad = of_t(new, fault)

    def program(context):
        before = old.secrets[context.member].prss
        return together.rekeying(context, old.record, new.record, before, made)

    outcome = simulate.run(committee(new, session), program, faults=faults)
    honest = set(new.secrets) - bad
    assert honest <= set(outcome.results)
    known = {cell.id: cell for cell in made}
    for m in honest:
        after = remask.apply(outcome.results[m], old.record, new.record, known)
        assert new.reveal(after) == old.reveal(made)
        assert outcome.accused(m) == (bad if fault in NAMED else set())


class HandOver:
    """Cells of four members on their way to seven others."""

    def __init__(self, epoch, helpers) -> None:
        self.old, self.new = epoch(4), epoch(7, name="new")
        _, self.cells, _ = self.old.accept([self.old.shared(k) for k in range(2)])
        ids = tuple(cell.id for cell in self.cells)
        self.transfer = Transfer(self.old.record, self.new.record, ids)
        self.dealings = [
            reshare.deal(self.transfer, m, self.old.signers[m], helpers.entropy("m", m))
            for m in (1, 2)
        ]

    def side(self, side: Side):
        return (self.old, self.new)[side]

    def masks(self, side: Side, member: int):
        secrets = self.side(side).secrets[member]
        return [
            reshare.open_masks(dealing, self.transfer, side, secrets) for dealing in self.dealings
        ]

    def hand(self, faults=()):
        session = together.transfer_session(self.transfer, Side.OLD)
        return simulate.run(
            committee(self.old, session),
            lambda context: together.handing(
                context, self.transfer, self.masks(Side.OLD, context.member)
            ),
            faults=faults,
        )

    def take(self, handed, faults=()):
        session = together.transfer_session(self.transfer, Side.NEW)
        return simulate.run(
            committee(self.new, session),
            lambda context: together.taking(
                context,
                self.transfer,
                self.masks(Side.NEW, context.member),
                handed,
                self.cells,
            ),
            faults=faults,
        )


@pytest.fixture(scope="module")
def hand_over(epoch, helpers):
    return HandOver(epoch, helpers)


@pytest.mark.parametrize("fault", ["none", "silent", "opens wrongly", "signs nothing"])
def test_a_new_committee_takes_over_with_t_faulty_on_both_sides(hand_over, fault) -> None:
    faults, bad = of_t(hand_over.old, fault)
    handed = hand_over.hand(faults)
    assert set(handed.results) >= set(hand_over.old.secrets) - bad
    faults, bad = of_t(hand_over.new, fault)
    taken = hand_over.take(handed.results[1], faults)
    known = {cell.id: cell for cell in hand_over.cells}
    for m in set(hand_over.new.secrets) - bad:
        after = remask.apply(taken.results[m], hand_over.old.record, hand_over.new.record, known)
        assert hand_over.new.reveal(after) == hand_over.old.reveal(hand_over.cells)


def test_pv48_only_what_the_old_committee_signed_is_taken(hand_over) -> None:
    handed = hand_over.hand().results[1]
    short = replace(handed, masked=handed.masked[:1])
    outcome = hand_over.take(short)
    assert {error.rule for error in outcome.errors.values()} == {"PV-48"}
    assert len(outcome.errors) == 7
    lie = Opening(handed.masked[0].value ^ 1, handed.masked[0].blinding)
    outcome = hand_over.take(replace(handed, masked=(lie, handed.masked[1])))
    assert {type(error) for error in outcome.errors.values()} == {CertificateRefused}
    assert {error.rule for error in outcome.errors.values()} == {"PV-43"}


def test_pv39_all_old_members_together_hand_over_nothing_wrong(hand_over) -> None:
    """They sign for r + m + 1; the new members' points make no Com."""
    handed = hand_over.hand().results[1]
    lie = Opening((handed.masked[0].value + 1) % group.R, handed.masked[0].blinding)
    masked = (lie, handed.masked[1])
    statement = together._handed(hand_over.transfer, masked)
    declaration = hand_over.old.record.declaration
    signatures = {
        m: together.certificates.sign(declaration, statement, signer)
        for m, signer in hand_over.old.signers.items()
    }
    certificate = together.Certificate.of(signatures)
    outcome = hand_over.take(together.Handed(masked, certificate))
    assert {error.rule for error in outcome.errors.values()} == {"PV-39"}
    assert outcome.results == {}


def test_points_of_a_member_are_read_strictly() -> None:
    body = g1_to_bytes(group.base_g1([3])[0])
    assert exponent.read(body * 2, 2) == [group.base_g1([3])[0]] * 2
    rows, broken = exponent.rows_of({1: body, 2: body * 2, 3: b"\xff" * 32, 4: b""}, 1)
    assert (list(rows), broken) == ([1], {2, 3, 4})
