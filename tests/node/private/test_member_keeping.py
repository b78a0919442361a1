"""Cells that outlive keys: members move them by themselves, and erase what they moved them from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from node.core.errors import NotFound
from node.core.ids import tagged_hash
from node.private import committees, freezing, held
from node.private.member import keeping
from node.private.member.view import Held
from node.private.messages import FreezeTx
from node.rpc.private import PrivateViews
from node.rpc.text import bytes_of
from node.testing.keeping import Keepers
from node.testing.private import assert_ok, signer
from private_exec.committee.cells import Cell, cell_id
from private_exec.mpc.faults import Silent, Wrong
from private_exec.mpc.labels import CellId
from private_exec.mpc.message import Kind
from shielded.private_owner import PrivateOwner
from zk.curve.bn254 import G1_GENERATOR


@pytest.fixture
def keepers(tmp_path: Path) -> Keepers:
    return Keepers(tmp_path, 70_000, 80_000)


@pytest.mark.parametrize("fault", [Wrong(2, Kind.OPEN), Silent(3)])
def test_pv164_cells_go_to_the_next_keys_as_soon_as_there_are_any(keepers, fault) -> None:
    assert keepers.is_idle()
    before = keepers.cell()
    keepers.ceremony()
    keepers.restart()  # what follows from disk and chain suffices
    assert keepers.chain.codes(keepers.together(faults=[fault])) == ["ok"]
    after = keepers.cell()
    assert (after.epoch, after.com) == (1, before.com) and after.c != before.c
    assert [keepers.chain.value_of(keepers.cell(k)) for k in range(2)] == [70_000, 80_000]
    assert keepers.is_idle()


def test_pv164_a_cell_that_lags_behind_goes_from_epoch_to_epoch(keepers) -> None:
    """The process was down while others made keys; what its old keys came from was kept."""
    for _ in range(3):
        keepers.ceremony()
    keepers.restart()
    for epoch in (1, 2, 3):
        assert keepers.chain.codes(keepers.together()) == ["ok"]
        assert {number for number, _ in keepers.listed()} == {epoch}
    assert keepers.chain.value_of(keepers.cell()) == 70_000
    assert keepers.is_idle()


def test_pv164_of_keys_that_are_frozen_nothing_moves(keepers) -> None:
    keepers.ceremony()
    assert not keepers.is_idle()
    until = committees.epoch_of(keepers.chain.state, keepers.committee, 0).until
    keepers.chain.to(until + freezing.GRACE_STEPS * keepers.chain.parameters.step_heights)
    assert keepers.chain.codes(FreezeTx(keepers.committee, 0)) == ["ok"]
    assert keepers.is_idle()


def test_pv164_a_member_without_keys_of_an_epoch_moves_nothing(keepers) -> None:
    keepers.ceremony()
    keepers.vaults[2].erase(0, 0)
    keepers.restart()
    looks = {m: len(duties.look(keepers.view())) for m, duties in keepers.duties.items()}
    assert looks == {1: 1, 2: 0, 3: 1, 4: 1}


def test_pv164_one_cell_more_changes_no_batch_but_its_own(monkeypatch) -> None:
    monkeypatch.setattr(keeping, "MOST_CELLS", 4)
    ids = sorted(tagged_hash("cell", bytes([number])) for number in range(40))
    cells = [Cell(CellId(identity), 0, 1, G1_GENERATOR) for identity in ids]
    whole = [tuple(batch) for batch in keeping.batches(cells)]
    assert [cell for batch in whole for cell in batch] == cells
    assert max(map(len, whole)) <= 4 < len(whole)
    fewer = [tuple(batch) for batch in keeping.batches(cells[:17] + cells[18:])]
    assert len(set(whole) - set(fewer)) == 1


def test_pv156_entropy_stays_while_a_cell_is_under_its_keys(keepers) -> None:
    for _ in range(3):
        keepers.ceremony()
    assert keepers.forget() == {((0, 0), (1, 0), (2, 0), (3, 0))}
    keepers.restart()
    for _ in range(3):
        assert_ok(keepers.chain.run(keepers.together()))
    assert keepers.forget() == {((2, 0), (3, 0))}


def test_pv156_entropy_stays_while_an_input_waits(keepers) -> None:
    owner = PrivateOwner(tagged_hash("owner"), keepers.committee)
    tx, waits = keepers.chain.placed(5, owner)
    assert_ok(keepers.chain.run(tx))
    keepers.ceremony()
    assert_ok(keepers.chain.run(keepers.together()))
    for _ in range(2):
        keepers.ceremony()
    assert all((0, 0) in kept for kept in keepers.forget())
    assert_ok(keepers.chain.run(keepers.chain.withdrawal(waits, signer(7).account)))
    assert not any((0, 0) in kept for kept in keepers.forget())


def test_pv156_entropy_of_frozen_keys_goes_at_once(keepers) -> None:
    until = committees.epoch_of(keepers.chain.state, keepers.committee, 0).until
    keepers.chain.to(until + freezing.GRACE_STEPS * keepers.chain.parameters.step_heights)
    assert keepers.forget() == {((0, 0),)}
    secrets = keepers.keys[1].of_epoch(keepers.view(), 0)
    assert keepers.chain.codes(FreezeTx(keepers.committee, 0)) == ["ok"]
    assert keepers.forget() == {()}
    with pytest.raises(Exception, match="erased") as caught:
        _ = secrets.prss
    assert caught.value.rule == "PV-37"


def test_pv156_what_is_not_listed_is_not_erased(keepers) -> None:
    """Where a node lists a part of the cells, those behind it may be of any later epoch."""
    view = keepers.view()
    listed = Held([(1, keepers.cell().id)], more=True)
    view._chain.held = lambda _: listed
    assert [view.awaits(epoch, 0) for epoch in range(3)] == [False, True, True]
    frozen = view.is_frozen
    view.is_frozen = lambda epoch: epoch == 1 or frozen(epoch)
    assert [view.awaits(epoch, 0) for epoch in range(3)] == [False, True, True]
    view._chain.held = lambda _: dataclasses.replace(listed, more=False)
    assert [view.awaits(epoch, 0) for epoch in range(3)] == [False, False, False]


def test_pv222_words_of_a_ceremony_stay_while_a_cell_is_under_its_keys(keepers) -> None:
    chain, identity = keepers.chain, keepers.committee
    keepers.ceremony()
    assert_ok(chain.run(keepers.together()))
    for _ in range(3):
        keepers.ceremony()
    kept = [bool(committees.words(chain.state, identity, epoch, 0)) for epoch in range(5)]
    assert kept == [False, True, True, True, True]
    for _ in range(3):
        assert_ok(chain.run(keepers.together()))
    keepers.ceremony()
    kept = [bool(committees.words(chain.state, identity, epoch, 0)) for epoch in range(6)]
    assert kept == [False, False, False, False, True, True]


def test_pv222_words_of_frozen_keys_go_with_the_freeze(keepers) -> None:
    until = committees.epoch_of(keepers.chain.state, keepers.committee, 0).until
    keepers.chain.to(until + freezing.GRACE_STEPS * keepers.chain.parameters.step_heights)
    assert committees.words(keepers.chain.state, keepers.committee, 0, 0)
    assert keepers.chain.codes(FreezeTx(keepers.committee, 0)) == ["ok"]
    assert not committees.words(keepers.chain.state, keepers.committee, 0, 0)


def test_pv220_cells_are_listed_by_who_holds_them_and_under_which_keys(keepers) -> None:
    ids = sorted(cell_id(found.input.id, 0) for found in keepers.held)
    assert keepers.listed() == [(0, identity) for identity in ids]
    keepers.ceremony()
    assert_ok(keepers.chain.run(keepers.together()))
    assert keepers.listed() == [(1, identity) for identity in ids]
    first, second = keepers.held
    assert_ok(keepers.chain.run(keepers.chain.withdrawal(first, signer(7).account)))
    assert keepers.listed() == [(1, cell_id(second.input.id, 0))]


def test_pv221_deposits_are_found_by_their_owners_for_ever(keepers) -> None:
    state, (first, second) = keepers.chain.state, keepers.held
    assert [list(held.owned(state, found.owner.public)) for found in keepers.held] == [
        [first.input.id], [second.input.id],
    ]  # fmt: skip
    tx, more = keepers.chain.placed(7, first.owner, salt=1)
    assert_ok(keepers.chain.run(tx, keepers.chain.withdrawal(first, signer(7).account)))
    assert set(held.owned(keepers.chain.state, first.owner.public)) == {
        first.input.id, more.input.id,
    }  # fmt: skip


def test_pv220_a_node_tells_what_a_committee_holds_and_an_owner_has(keepers, monkeypatch) -> None:
    views = PrivateViews(keepers.chain.genesis, keepers.chain.ledger.store, {})
    told = views.held(keepers.committee, 0)
    ids = sorted(cell_id(found.input.id, 0) for found in keepers.held)
    assert [(bytes_of(item.cell), item.epoch) for item in told.cells] == [(i, 0) for i in ids]
    assert not told.more and views.held(keepers.committee, 1).cells == []
    monkeypatch.setattr("node.rpc.private.MOST_DEPOSITS", 1)
    assert views.held(keepers.committee, 0).more
    with pytest.raises(NotFound, match="PV-141"):
        views.held(b"\x01" * 32, 0)
    (mine,) = views.owned(keepers.held[0].owner.public).deposits
    assert bytes_of(mine.id) == keepers.held[0].input.id
    assert views.owned(b"\x01" * 32).deposits == []
