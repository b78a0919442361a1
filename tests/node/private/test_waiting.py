"""A sealed batch that nobody opens: what private committees say goes on, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.block import Transaction
from node.core.ids import EnvironmentId, Height
from node.core.private import SAID, PrivateParameters, is_said
from node.lane import lead
from node.lane.errors import LaneRefused
from node.private import committees
from node.private.messages import CeremonyTx, FreezeTx, SettleTx, Step
from node.private.paid import DeclareTx, Head, sign_declare
from node.private.payload import wire
from node.private.tags import UNPAID, Tag
from node.testing.lane import LaneChain, lane_genesis
from node.testing.ledger import FAUCET, FEE, transfer
from node.testing.private import signer
from private_exec.committee.declaration import Declaration, Seat
from private_exec.committee.participant import Participant


@pytest.fixture(scope="module")
def waiting() -> tuple[LaneChain, bytes]:
    """A committee is declared; a batch is final and not opened. Also: a notice of member 1."""
    genesis = dataclasses.replace(lane_genesis(1), private=PrivateParameters(step_heights=2))
    chain = LaneChain(1, genesis=genesis)
    chain.make_key(0)
    seats = tuple(Seat(signer(m).account, f"127.0.0.1:{9000 + m}") for m in range(1, 5))
    declaration = Declaration(genesis.chain_id, b"\x01" * 32, 500, seats)
    head = Head(genesis.chain_id, FEE, Height(chain.height + 10), FAUCET.account)
    declare = sign_declare(DeclareTx(head, declaration.to_bytes()), FAUCET)
    assert [receipt.code for receipt in chain.step(wire(declare))] == ["ok"]
    chain.step(chain.seal(b"one"))
    while not lead.waits(chain.state, chain.next_height):
        chain.block()
    context = committees.committee_of(chain.state, declaration.id).context
    notice = Participant(context, 1, signer(1), b"\x02" * 32).notice()
    said = CeremonyTx(declaration.id, 0, 0, Step.NOTICE, notice.to_bytes())
    return chain, wire(said)


def test_ex39_what_committees_say_goes_on_while_a_batch_waits(waiting):
    chain, said = waiting
    chain = chain.copy()
    payment = transfer(chain, chain.payers[0].account, 5, sequence=0)
    settle = wire(SettleTx(b"\x05" * 32))
    lead.check_lead((said,), chain.state, chain.next_height, chain.genesis)
    for other in (payment, settle):
        with pytest.raises(LaneRefused) as caught:
            lead.check_lead((said, other), chain.state, chain.next_height, chain.genesis)
        assert caught.value.rule == "LN-11"
    codes = [receipt.code for receipt in chain.block(said, payment, settle)]
    assert codes == ["ok", "EX-39", "EX-39"]


def test_ex39_what_moves_value_waits_and_so_does_what_can():
    """Of what pays nothing a settlement moves value, and a freeze has no deadline."""
    assert {Tag(number) for number in SAID} == UNPAID - {Tag.SETTLE, Tag.FREEZE}
    assert not is_said(wire(FreezeTx(b"\x05" * 32, 0)))
    assert not is_said(Transaction(EnvironmentId.PRIVATE, b"").to_bytes())
    assert not is_said(Transaction(EnvironmentId.TRANSPARENT, bytes([Tag.OPEN])).to_bytes())
    assert not is_said(b"\x01")
