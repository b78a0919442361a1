"""Every message: one encoding, and damage that is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.committee import inputs, remask, reshare
from private_exec.committee.acceptance import Acceptance
from private_exec.committee.accusation import Accusation
from private_exec.committee.dealing import Dealing
from private_exec.committee.declaration import Declaration
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.escape import Exit, Freeze, freeze, leave
from private_exec.committee.inputs import Input
from private_exec.committee.notice import Notice
from private_exec.committee.opening import OpenStatement
from private_exec.committee.remask import Change, Remasking
from private_exec.committee.reshare import MaskDealing, Transfer

KINDS = (
    Declaration,
    EpochRecord,
    Notice,
    Dealing,
    Accusation,
    Input,
    Acceptance,
    OpenStatement,
    Remasking,
    MaskDealing,
    Freeze,
    Exit,
)


@pytest.fixture(scope="module")
def samples(epoch, ceremony, helpers):
    run = ceremony(4)
    run.notices()
    run.deal()
    e = epoch(4)
    message, made, _ = e.accept([e.shared(1)])
    shared = e.shared(2, helpers.opening("a"), helpers.opening("b"))
    change = [Change(made[0].id, 5, 6)]
    signatures = {m: remask.sign(e.record, e.record, change, e.signers[m]) for m in e.secrets}
    transfer = Transfer(e.record, epoch(7, name="new").record, (made[0].id,))
    frozen = freeze(None, e.record.declaration.id, 3, 50)
    made_of = (
        e.record.declaration,
        e.record,
        run.members[1].notice(),
        run.ceremony.dealings[1],
        inputs.accuse(shared, e.secrets[1], e.signers[1], b""),
        shared,
        message,
        OpenStatement(bytes(32), (helpers.opening("a"),)),
        remask.assemble(e.record, e.record, change, signatures),
        reshare.deal(transfer, 1, e.signers[1], b"seed"),
        frozen,
        leave(frozen, made[0], bytes(32), helpers.signer("owner")),
    )
    return dict(zip(KINDS, (one.to_bytes() for one in made_of), strict=True))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_damaged_bytes(codec, samples, kind, data) -> None:
    codec.holds_damaged(kind, samples[kind], data)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(raw=st.binary(max_size=300))
@settings(max_examples=25, deadline=None)
def test_any_bytes(codec, kind, raw) -> None:
    codec.holds(kind, raw)
