"""Members' loops, with links between them, keep deposits by themselves: stopped now and then."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from node.core.ids import tagged_hash
from node.private import committees, deposits, held, succession
from node.private.member.run import Member, Place
from node.private.member.secrets import Vault
from node.private.state import Status
from node.private.succession_payload import NameTx
from node.testing.keeping import EPOCH, MEMBERS, Asked
from node.testing.localnets import free_endpoints
from node.testing.private import PrivateChain, assert_ok, signer
from private_exec.committee.cells import cell_id
from private_exec.committee.declaration import Declaration, Seat
from shielded.private_owner import PrivateOwner

PATIENCE_S = 60.0
STALL_S = 1.0


class Waiting(Asked):
    """A node whose blocks are made when members have said something, or have nothing to do."""

    def __init__(self, chain: PrivateChain, committee: bytes, waits: dict[bytes, None]) -> None:
        super().__init__(chain, committee)
        self.waits = waits

    def send(self, tx: bytes) -> None:
        self.waits[tx] = None


class Processes:
    """Loops of the members of some committees over one chain, which may be stopped and begun."""

    def __init__(self, folder: Path) -> None:
        self.chain, self.folder = PrivateChain(), folder
        self.waits: dict[bytes, None] = {}
        self.told: list[str] = []
        self.members: dict[tuple[bytes, int], Member] = {}
        self.loops: dict[tuple[bytes, int], asyncio.Task[None]] = {}

    def declare(self, purpose: bytes, epoch_blocks: int) -> Declaration:
        ends = free_endpoints(4)
        seats = tuple(Seat(signer(m).account, end) for m, end in zip(MEMBERS, ends, strict=True))
        found = dataclasses.replace(
            self.chain.declaration, purpose=purpose, epoch_blocks=epoch_blocks, seats=seats
        )
        self.chain.declaration = found
        assert_ok(self.chain.run(self.chain.declare()))
        return found

    def home(self, of: Declaration, member: int) -> Path:
        return self.folder / of.id.hex()[:8] / str(member)

    def begin(self, of: Declaration, *members: int, takes: tuple[bytes, ...] = ()) -> None:
        for member in members or MEMBERS:
            home, seat = self.home(of, member), of.seats[member - 1]
            home.mkdir(parents=True, exist_ok=True)
            step = self.chain.parameters.step_heights
            place = Place(of, signer(member), step, home, seat.endpoint, takes)
            node = Waiting(self.chain, of.id, self.waits)
            made = self.members[of.id, member] = Member(node, place, self.told.append, look_s=0.02)
            self.loops[of.id, member] = asyncio.create_task(made.run())

    async def stop(self, of: Declaration, member: int) -> None:
        del self.members[of.id, member]
        loop = self.loops.pop((of.id, member))
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)

    def is_busy(self) -> bool:
        tasks = (task for one in self.members.values() for task in one._sessions.values())
        return any(not task.done() for task in tasks)

    def has_seen(self) -> bool:
        height = self.chain.height
        return all(one._seen and one._seen[0] == height for one in self.members.values())

    async def until(self, over: Callable[[], bool]) -> None:
        begun = made = time.monotonic()
        while not over():
            now = time.monotonic()
            assert now < begun + PATIENCE_S, self.told[-20:]
            if self.has_seen() and (self.waits or not self.is_busy() or now > made + STALL_S):
                await asyncio.sleep(0.04)
                sent = list(self.waits)
                self.waits.clear()
                self.chain.run(*sent)
                made = time.monotonic()
            await asyncio.sleep(0.01)

    def made(self, of: Declaration) -> int:
        return committees.committee_of(self.chain.state, of.id).made

    def place(self, of: Declaration, amount: int) -> bytes:
        """A deposit; its id."""
        self.chain.declaration = of
        owner = PrivateOwner(tagged_hash("owner", amount.to_bytes(8, "big")), of.id)
        tx, found = self.chain.placed(amount, owner)
        assert_ok(self.chain.run(tx))
        return found.input.id

    def epoch(self, deposit: bytes) -> int:
        return self.chain.cell(cell_id(deposit, 0)).epoch

    def status(self, deposit: bytes) -> Status:
        return deposits.deposit_of(self.chain.state, deposit).status

    async def end(self) -> None:
        for loop in self.loops.values():
            loop.cancel()
        await asyncio.gather(*self.loops.values(), return_exceptions=True)


def test_pv164_members_move_deposits_to_new_keys_over_their_links(tmp_path) -> None:
    """One is stopped before the second keys are made, and comes back when they are."""
    at = Processes(tmp_path)

    async def play() -> None:
        of = at.declare(b"\x07" * 32, EPOCH)
        at.begin(of)
        try:
            await at.until(lambda: at.made(of) == 1)
            deposit = at.place(of, 70_000)
            await at.until(lambda: at.status(deposit) is Status.ACCEPTED)
            await at.stop(of, 2)
            await at.until(lambda: at.made(of) == 2)
            at.begin(of, 2)
            await at.until(lambda: at.epoch(deposit) == 1)
            kept = Vault(at.home(of, 2) / of.id.hex()[:16] / "secrets", of.id).kept()
            assert kept == ((0, 0),)  # it was away when the second keys were made
        finally:
            await at.end()

    asyncio.run(play())


@pytest.mark.slow
def test_pv166_one_committee_follows_another_over_links_and_chain(tmp_path) -> None:
    """Of each, one member stops between two steps; both come back and say the same."""
    at = Processes(tmp_path)

    async def play() -> None:
        old = at.declare(b"\x07" * 32, 400)
        at.begin(old)
        try:
            await at.until(lambda: at.made(old) == 1)
            given = [at.place(old, amount) for amount in (70_000, 80_000)]
            await at.until(lambda: all(at.status(one) is Status.ACCEPTED for one in given))
            new = at.declare(b"\x08" * 32, 400)
            at.begin(new, takes=(old.id,))
            await at.until(lambda: at.made(new) == 1)
            for member in (1, 2, 3):
                bare = NameTx(old.id, new.id, 1, member)
                tx = dataclasses.replace(bare, signature=signer(member).sign(bare.digest))
                assert_ok(at.chain.run(tx))

            def going():
                return succession.succession_of(at.chain.state, old.id).going

            await at.until(lambda: going() is not None and len(going().dealt) == 3)
            await at.stop(old, 1)
            at.begin(old, 1)
            await at.stop(new, 3)
            await at.until(lambda: going() is None or going().handed)
            at.begin(new, 3, takes=(old.id,))
            await at.until(lambda: not list(held.cells(at.chain.state, old.id, 0)))
            found = [deposits.deposit_of(at.chain.state, one).committee for one in given]
            assert found == [new.id] * 2
        finally:
            await at.end()

    asyncio.run(play())
