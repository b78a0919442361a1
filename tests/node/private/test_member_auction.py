"""Four members' loops, with links between them, bring an auction to its outcome by themselves."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest

from node.private import committees
from node.private.member.run import Member, Place
from node.private.messages import SettleTx
from node.private.sale_payload import members_of
from node.testing.localnets import free_endpoints
from node.testing.private import assert_ok, signer
from node.testing.sales import SaleChain, provable
from node.testing.selling import Asked
from node.testing.withholding import Withholding
from private_exec.committee.declaration import Seat
from private_exec.mpc.message import Kind

PATIENCE_S = 120.0
STALL_S = 2.0


class Slow(Asked):
    """A node whose blocks are made when members have said something, or have nothing to do."""

    def __init__(self, chain: SaleChain) -> None:
        super().__init__(chain)
        self.waits: list[bytes] = []
        self.refused: list[str] = []

    def send(self, tx: bytes) -> None:
        if tx not in self.waits:
            self.waits.append(tx)

    def block(self) -> None:
        sent, self.waits = self.waits, []
        self.refused += [code for code in self.chain.codes(*sent) if code != "ok"]


@pytest.mark.parametrize(
    ("stopped", "partial"),
    [
        pytest.param(0, False, id="all four"),
        pytest.param(4, False, id="three of four", marks=pytest.mark.slow),
        pytest.param(0, True, id="one speaks to some", marks=pytest.mark.slow),
    ],
)
def test_members_hold_an_auction_over_their_links(
    tmp_path: Path, stopped: int, partial: bool
) -> None:
    """One that is gone before the call is missed, said to be silent, and absent afterwards.

    One that withholds its products from a member stops nothing: others pass them on (PV-24).
    """
    chain = SaleChain(bidders=2)
    seats = tuple(Seat(signer(m).account, e) for m, e in enumerate(free_endpoints(4), 1))
    chain.declaration = dataclasses.replace(chain.declaration, seats=seats)
    assert_ok(chain.run(chain.declare()))
    node, told = Slow(chain), []
    members = []
    for number, seat in enumerate(seats, 1):
        home = tmp_path / str(number)
        home.mkdir()
        step = chain.parameters.step_heights
        place = Place(chain.declaration, signer(number), step, home, seat.endpoint)
        members.append(Member(node, place, told.append, look_s=0.05, provable=provable))
    if partial:
        members[3]._outbox = Withholding(Kind.PRODUCT, {3})

    def busy() -> bool:
        return any(not task.done() for one in members for task in one._sessions.values())

    def seen() -> bool:
        return all(one._seen and one._seen[0] == chain.height for one in members)

    async def until(over) -> None:
        begun = made = time.monotonic()
        while not over():
            now = time.monotonic()
            assert now < begun + PATIENCE_S, told[-20:]
            if seen() and (node.waits or not busy() or now > made + STALL_S):
                await asyncio.sleep(0.1)
                node.block()
                made = time.monotonic()
            await asyncio.sleep(0.05)

    async def play() -> bytes:
        loops = [asyncio.create_task(one.run()) for one in members]
        try:
            identity = chain.declaration.id
            await until(lambda: committees.committee_of(chain.state, identity).made == 1)
            assert_ok(chain.run(chain.purse.shield(4, 10**9)))
            sale = chain.sell(2_000)
            for number, amount in enumerate((9_000, 7_000)):
                chain.bid(sale, amount, number)
            accept = chain.sale(sale).terms.accept
            await until(lambda: chain.height >= accept - 1)
            if stopped:
                loops[stopped - 1].cancel()
                members.pop(stopped - 1)
            await until(lambda: chain.sale(sale).outcome is not None)
            return sale
        finally:
            for one in loops:
                one.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    sale = asyncio.run(play())
    outcome = chain.sale(sale).outcome
    assert outcome is not None and (outcome.winner, outcome.price) == (0, 7_000)
    assert_ok(chain.run(SettleTx(sale)))
    attempt = chain.sale(sale).attempt
    if stopped:
        assert attempt.number > 1 and members_of(attempt.absent) == (stopped,)
    else:
        assert attempt.number == 1, "one attempt was enough"
