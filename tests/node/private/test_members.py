"""What members say of inputs: complaints and acceptances, of honest members and others."""

from __future__ import annotations

import dataclasses

import pytest

from node.private import complaints
from node.private import state as entries
from node.private.messages import ComplaintTx
from node.private.state import Status
from node.testing.private import Given, PrivateChain, signer
from private_exec.committee import inputs
from private_exec.committee.acceptance import Accepted, shifted
from private_exec.committee.cells import cell_id
from zk.errors import ChiaroError


def status(chain: PrivateChain, given: Given) -> Status:
    return entries.donation_of(chain.state, given.input.id).status


def complaint(chain: PrivateChain, given: Given, member: int) -> ComplaintTx:
    accused = inputs.accuse(given.input, chain.secrets[member], signer(member), b"\x03" * 32)
    return ComplaintTx(given.input.id, accused.to_bytes())


def test_pv114_an_input_that_gave_a_member_no_share_is_refused_and_goes_back(chain):
    identity = chain.open_round()
    given = chain.cheat(identity, 0, victim=3)
    assert not chain.is_claimable(given)
    (receipt,) = chain.run(complaint(chain, given, 3))
    assert receipt.ok and dict(receipt.events[0].data)["verdict"] == "guilty_sender"
    assert status(chain, given) is Status.REFUSED
    assert chain.is_claimable(given)
    assert chain.codes(complaint(chain, given, 3)) == ["PV-114"]
    for key, _ in entries.waiting_entries(given.input.id):
        assert chain.state.get(key) is None
    assert chain.state.get(entries.input_key(given.input.id)) is None


def test_pv114_a_false_complaint_changes_nothing_and_names_its_member_once(chain):
    identity = chain.open_round()
    given = chain.donate(identity, 0, 50, 0)
    (receipt,) = chain.run(complaint(chain, given, 2))
    told = dict(receipt.events[0].data)
    assert receipt.ok and (told["verdict"], told["member"]) == ("false_accuser", "2")
    assert status(chain, given) is Status.PENDING
    assert chain.codes(complaint(chain, given, 2)) == ["PV-114"]
    assert chain.codes(chain.accept(identity, [given])) == ["ok"]
    assert chain.codes(complaint(chain, given, 1)) == ["PV-114"]


def test_pv114_complaints_are_their_members_about_this_input_and_in_time(chain):
    identity = chain.open_round()
    first, second = chain.donate(identity, 0, 50, 0), chain.donate(identity, 0, 60, 1)
    about = complaint(chain, first, 1)
    assert chain.codes(ComplaintTx(second.input.id, about.message)) == ["PV-34"]
    assert chain.codes(ComplaintTx(b"\x01" * 32, about.message)) == ["PV-109"]
    unsigned = dataclasses.replace(complaints.read(about.message), signature=bytes(64))
    assert chain.codes(ComplaintTx(first.input.id, unsigned.to_bytes())) == ["PV-34"]
    chain.to(entries.round_of(chain.state, identity).terms.accept)
    assert chain.codes(about) == ["PV-114"]


def test_pv115_accepted_inputs_become_cells_and_count(chain):
    identity = chain.open_round()
    given = [chain.donate(identity, donor % 2, 50 + donor, donor) for donor in range(3)]
    rows = chain.accepted(given)
    assert chain.codes(chain.certified(identity, rows)) == ["ok"]
    of = entries.round_of(chain.state, identity)
    assert [tally.count for tally in of.tallies] == [2, 1]
    for item in given:
        assert status(chain, item) is Status.ACCEPTED
        assert chain.state.get(entries.input_key(item.input.id)) is None
        for index, commitment in enumerate(item.input.commitments):
            cell = chain.cell(cell_id(item.input.id, index))
            (row,) = (row for row in rows if row.id == cell.id)
            assert cell.com == shifted([commitment], [row.shift])[0]
            assert cell.c == row.c
    # not again
    assert chain.codes(chain.certified(identity, rows)) == ["PV-44"]


def test_pv115_a_donation_becomes_both_of_its_cells_or_none(chain):
    identity = chain.open_round()
    given = [chain.donate(identity, 0, 50, 0), chain.donate(identity, 0, 60, 1)]
    rows = chain.accepted(given)
    assert chain.codes(chain.certified(identity, rows[:3])) == ["PV-115"]
    assert chain.codes(chain.certified(identity, rows[:2])) == ["ok"]
    assert [status(chain, item) for item in given] == [Status.ACCEPTED, Status.PENDING]
    assert entries.round_of(chain.state, identity).tallies[0].count == 1


def test_pv115_an_input_that_is_refused_takes_nothing_from_the_others(chain):
    """A member and a donor together could else stop a round, one donation at a time."""
    identity = chain.open_round()
    good, bad = chain.donate(identity, 0, 50, 0), chain.cheat(identity, 1, victim=3)
    lost = [Accepted(cell_id(bad.input.id, index), 1, 1) for index in range(2)]
    rows = [*chain.rows([good.input]), *lost]
    codes = chain.codes(complaint(chain, bad, 3), chain.certified(identity, rows))
    assert codes == ["ok", "ok"]
    assert [status(chain, item) for item in (good, bad)] == [Status.ACCEPTED, Status.REFUSED]
    assert entries.round_of(chain.state, identity).tallies[0].count == 1
    assert chain.state.get(entries.cell_key(cell_id(bad.input.id, 0))) is None


def test_pv115_acceptance_is_of_2t_plus_1_members_of_this_round_and_in_time(chain):
    identity, other = chain.open_round(), chain.open_round()
    given = chain.donate(identity, 0, 50, 0)
    rows = chain.accepted([given])
    assert chain.codes(chain.certified(identity, rows, signers=(1, 2))) == ["PV-43"]
    changed = [dataclasses.replace(row, shift=row.shift ^ 1) for row in rows]
    mixed = dataclasses.replace(chain.certified(identity, rows))
    assert chain.codes(chain.certified(other, rows)) == ["PV-44"]
    forged = chain.certified(identity, changed, signers=(1, 2, 3)).message
    signatures = mixed.message[-3 * 65 :]
    assert chain.codes(dataclasses.replace(mixed, message=forged[: -3 * 65] + signatures)) == [
        "PV-43"
    ]
    assert chain.codes(dataclasses.replace(mixed, round=b"\x01" * 32)) == ["PV-107"]
    chain.to(entries.round_of(chain.state, identity).terms.accept)
    assert chain.codes(mixed) == ["PV-115"]
    assert chain.is_claimable(given)
    with pytest.raises(ChiaroError) as caught:
        entries.cell_of(chain.state, rows[0].id)
    assert caught.value.rule == "PV-115"
