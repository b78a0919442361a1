"""How owners leave when the committee is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import group
from private_exec.committee import cells, escape, owner, rekey, remask
from private_exec.committee.errors import CellRefused, FrozenRefused
from private_exec.committee.escape import Exit, Freeze
from private_exec.errors import LinkRefused
from private_exec.linking import prove_link, verify_linked
from private_exec.pedersen import Opening, opens
from private_exec.sharing import interpolate
from zk.backends import get
from zk.field.arrays import from_array
from zk.groth16.example import hidden_circuit
from zk.groth16.hidden import prove_hidden
from zk.groth16.keys import Blinding
from zk.groth16.setup import UnsafeDevSetup

TARGET = bytes(range(32))
SECRET = 12345


@pytest.fixture(scope="module")
def frozen(epoch, helpers):
    """A cell, its owner's key, what he knows, and the freeze of its epoch at height 50."""
    e = epoch(4)
    secret = helpers.opening("escape")
    message, made, _ = e.accept([e.shared(1, secret)])
    known = Opening(secret.value, (secret.blinding + message.cells[0].shift) % group.R)
    freeze = escape.freeze(None, e.record.declaration.id, e.record.epoch, 50)
    return made[0], helpers.signer("owner", 1), known, freeze


def test_an_owner_needs_no_member(frozen, helpers) -> None:
    cell, key, known, freeze = frozen
    assert opens(cell.com, known)  # what the proof against Com is made of
    message = escape.leave(freeze, cell, TARGET, key)
    assert Exit.from_bytes(message.to_bytes()) == message
    context = escape.check(message, freeze, cell, helpers.public(key), 51)
    assert context == escape.digest(freeze, cell, TARGET)


def test_pv51_only_behind_the_freeze_by_the_one_owner_for_this(frozen, helpers) -> None:
    cell, key, _, freeze = frozen
    good, mine = escape.leave(freeze, cell, TARGET, key), helpers.public(key)
    thief = helpers.signer("thief")
    other, elsewhere = replace(freeze, height=40), replace(freeze, epoch=9)
    for message, known, of, who, height in (
        (good, None, cell, mine, 51),
        (good, freeze, cell, mine, 50),
        (good, elsewhere, cell, mine, 51),
        (escape.leave(elsewhere, cell, TARGET, key), elsewhere, cell, mine, 51),
        (good, freeze, cell, None, 51),  # a sum, a pool
        (good, freeze, cell, helpers.public(thief), 51),
        (escape.leave(freeze, cell, TARGET, thief), freeze, cell, mine, 51),
        (replace(good, target=bytes(32)), freeze, cell, mine, 51),
        (replace(good, cell=bytes(32)), freeze, cell, mine, 51),
        (escape.leave(other, cell, TARGET, key), freeze, cell, mine, 51),
        (good, freeze, replace(cell, id=cells.cell_id(bytes(32), 0)), mine, 51),
    ):
        with pytest.raises(FrozenRefused) as caught:
            escape.check(message, known, of, who, height)
        assert caught.value.rule == "PV-51"


def test_pv49_a_freeze_is_for_good(frozen) -> None:
    *_, freeze = frozen
    assert Freeze.from_bytes(freeze.to_bytes()) == freeze
    with pytest.raises(FrozenRefused) as caught:
        escape.freeze(freeze, freeze.committee, freeze.epoch, 60)
    assert caught.value.rule == "PV-49"


def test_pv49_sessions_and_exits_share_no_height(frozen, helpers) -> None:
    cell, key, _, freeze = frozen
    message = escape.leave(freeze, cell, TARGET, key)
    for height in (1, 49, 50, 51, 52, 1000):
        landed = left = True
        try:
            escape.require_live(freeze, height, "result")
        except FrozenRefused as error:
            assert error.rule == "PV-49"
            landed = False
        try:
            escape.check(message, freeze, cell, helpers.public(key), height)
        except FrozenRefused:
            left = False
        assert landed != left
    escape.require_live(None, 1000, "result")


# -- what a computation leaves its owner ----------------------------------------------------------


@pytest.fixture(scope="module")
def result(epoch):
    """Two cells, and members' shares of them sealed to their owner."""
    e = epoch(7)
    _, made, _ = e.accept([e.shared(1), e.shared(2)])
    public = group.base_g1([SECRET])[0]
    sealed = {
        m: owner.seal(e.record, m, made, cells.shares(s.prss, made), public, bytes([m]))
        for m, s in e.secrets.items()
    }
    return e, made, public, sealed


def quorum(sealed, first: int = 1, count: int = 5):
    return {m: sealed[m] for m in list(sealed)[first - 1 : first - 1 + count]}


def test_an_owner_finds_what_a_computation_made(result) -> None:
    e, made, public, sealed = result
    for some in (quorum(sealed), quorum(sealed, 3)):
        owner.check(e.record, made, public, some)
        assert owner.recover(e.record, made, some, SECRET) == e.reveal(made)


def test_pv50_with_t_wrong_of_2t_plus_1(result) -> None:
    """T members seal something else; the commitments tell."""
    e, made, public, sealed = result
    lie = [Opening(1, 2), Opening(3, 4)]
    some = quorum(sealed)
    for m in (1, 4):
        some[m] = owner.seal(e.record, m, made, lie, public, b"lie")
    owner.check(e.record, made, public, some)
    assert owner.recover(e.record, made, some, SECRET) == e.reveal(made)
    empty = replace(some[1], parts=())
    assert owner.recover(e.record, made, some | {1: empty}, SECRET) == e.reveal(made)
    for m in (2, 3):
        some[m] = owner.seal(e.record, m, made, lie, public, b"lie")
    with pytest.raises(CellRefused) as caught:
        owner.recover(e.record, made, some, SECRET)
    assert caught.value.rule == "PV-50"


def test_pv50_a_result_carries_enough(result) -> None:
    e, made, public, sealed = result
    some = quorum(sealed)
    short = replace(some[1], parts=(some[1].parts[0][:-1],))
    for wrong, culprits in (
        (quorum(sealed, count=4), ()),
        ({0: some[1]} | quorum(sealed, count=4), ()),
        (some | {1: short}, (1,)),
        (some | {1: replace(some[1], parts=())}, (1,)),
    ):
        with pytest.raises(CellRefused) as caught:
            owner.check(e.record, made, public, wrong)
        assert (caught.value.rule, caught.value.culprits) == ("PV-50", culprits)
        assert caught.value.where == ("member 1" if culprits else "")


def test_pv33_sealed_for_this_owner_and_these_cells(result) -> None:
    e, made, public, sealed = result
    some = quorum(sealed)
    swapped = some | {2: some[3], 3: some[2]}
    for wrong, of, whom, culprits in (
        (swapped, made, public, (2, 3)),
        (some, made[::-1], public, (1, 2, 3, 4, 5)),
        (some, made, group.base_g1([SECRET + 1])[0], (1, 2, 3, 4, 5)),
    ):
        with pytest.raises(CellRefused) as caught:
            owner.check(e.record, of, whom, wrong)
        assert (caught.value.rule, caught.value.culprits) == ("PV-33", culprits)


def test_nobody_else_opens_them(result) -> None:
    e, made, _, sealed = result
    with pytest.raises(CellRefused):
        owner.recover(e.record, made, quorum(sealed), SECRET + 1)


@pytest.mark.parametrize("moved", [False, True])
def test_a_proof_against_com_is_all_that_leaves_with_an_owner(epoch, helpers, moved) -> None:
    """No member, no secret of the committee: a proof of what two cells hold, tied to their Com and
    to this exit; also when keys changed in between."""
    e, later = epoch(4, number=3), epoch(4, number=4)
    shape, assignment = hidden_circuit(9)
    proving_key = UnsafeDevSetup().run(shape, get())
    y, first, second, nu = from_array(assignment[1:5])
    given = [helpers.opening("exit", k, value=x) for k, x in enumerate((first, second))]
    message, made, _ = e.accept([e.shared(1, *given)])
    if moved:
        made = rekeyed(e, later, made)
    known = [
        Opening(one.value, (one.blinding + cell.shift) % group.R)
        for one, cell in zip(given, message.cells, strict=True)
    ]
    frozen = escape.freeze(None, e.record.declaration.id, made[0].epoch, 50)
    context = escape.digest(frozen, made[0], TARGET)
    hidden = prove_hidden(proving_key, assignment, 3, Blinding(8, 9), get())
    key = proving_key.verifying_key
    linked = prove_link(key, (y,), hidden, known, nu, context, b"fresh")
    assert linked.commitments == tuple(cell.com for cell in made)
    verify_linked(key, 3, linked, get())
    other = replace(linked, context=escape.digest(frozen, made[0], bytes(32)))
    with pytest.raises(LinkRefused):
        verify_linked(key, 3, other, get())


def rekeyed(old, new, made):
    """The cells under the next epoch's keys."""
    sent = {
        m: rekey.differences(old.secrets[m].prss, s.prss, [cell.id for cell in made])
        for m, s in new.secrets.items()
    }
    parts = [
        [
            interpolate(list(sent), [getattr(row[k], name) for row in sent.values()], 0)
            for k in range(2)
        ]
        for name in ("value", "blinding")
    ]
    changes = [
        remask.Change(cell.id, *row)
        for cell, row in zip(made, zip(*parts, strict=True), strict=True)
    ]
    return remask.moved(made, changes, new.record.epoch)
