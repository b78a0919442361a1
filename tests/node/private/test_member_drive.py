"""Members that bring a session to its end: far behind, or flooded."""

from __future__ import annotations

import asyncio

from node.private.member import drive as drive_module
from node.private.member.drive import drive
from node.private.member.transport import Mail, Outbox
from node.testing.private import PrivateChain, signer
from private_exec.committee import together
from private_exec.mpc import vectors
from private_exec.mpc.context import Context
from private_exec.mpc.message import Kind, Message, sign
from private_exec.mpc.opening import open_shares
from private_exec.mpc.party import WINDOW, Party
from private_exec.mpc.rounds import Rounds


def openings(chain: PrivateChain, member: int, rounds: int) -> Party[int]:
    """A session of so many rounds in which everybody opens its share of 7."""
    session = together.session(chain.declaration, "test", b"long")
    context = Context(session, member, chain.secrets[member].prss, signer(member))

    def protocol() -> Rounds[int]:
        total = 0
        for _ in range(rounds):
            total += vectors.ints((yield from open_shares(context, vectors.vec([7]))))[0]
        return total

    return Party(context, protocol())


def test_pv153_a_member_that_is_far_behind_hears_everything_and_finishes(chain):
    """Three of four ran a long session without the fourth, which blames none of them."""
    rounds = WINDOW + 20
    fast = {m: openings(chain, m, rounds) for m in (1, 2, 3)}
    said: list[tuple[int, bytes]] = []
    while not all(party.done for party in fast.values()):
        spoken = {m: party.outgoing.to_bytes() for m, party in fast.items() if party.outgoing}
        said += spoken.items()
        for m, party in fast.items():
            for other, data in spoken.items():
                if other != m:
                    party.receive(data)
            party.step()

    mail, slow = Mail(), openings(chain, 4, rounds)
    reports: list[str] = []
    for m, data in sorted(said, key=lambda pair: pair[0]):
        mail.put(m, Message.from_bytes(data), data)

    async def run() -> int:
        async with asyncio.timeout(20):
            return await drive(slow, mail, Outbox(), reports.append)

    assert asyncio.run(run()) == 7 * rounds
    assert slow.context.faults == []
    assert reports == []


def test_pv153_what_waits_for_its_round_is_bounded(chain, monkeypatch):
    session = together.session(chain.declaration, "test", b"long")

    def far(sender: int, ahead: int) -> bytes:
        made = sign(session, sender, signer(sender), WINDOW + ahead, Kind.OPEN, bytes(32))
        return made.to_bytes()

    monkeypatch.setattr(drive_module, "MOST_BYTES", 2 * len(far(1, 1)))
    later = drive_module._Later()
    assert later.put(1, far(1, 1))
    assert later.put(1, far(3, 2))  # it passes on what another said
    assert not later.put(1, far(1, 3))
    assert later.put(2, far(2, 3))
    assert later.take(WINDOW + 1) == [(1, far(1, 1))]
    assert later.take(WINDOW + 1) == []
    assert later.put(1, far(1, 3))
