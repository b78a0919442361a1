"""What members say to each other over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections import Counter

import pytest

from node.private.member import transport
from node.private.member.drive import drive
from node.private.member.errors import MemberRefused
from node.private.member.link import HELLO_BYTES, Listener
from node.private.member.link import call as calling
from node.private.member.transport import Links, Mail, Outbox
from node.private.member.watch import Lines
from node.testing.localnets import p2p_port
from node.testing.private import PrivateChain, signer
from node.testing.withholding import Withholding
from private_exec.committee import acceptance, inputs, together
from private_exec.committee.cells import cell_id
from private_exec.committee.declaration import Declaration
from private_exec.committee.together import Awaiting
from private_exec.mpc import vectors
from private_exec.mpc.agree import Agreed, agree
from private_exec.mpc.context import Context
from private_exec.mpc.message import Kind, Message, sign
from private_exec.mpc.party import Party
from private_exec.mpc.rounds import Form, Round, Rounds
from private_exec.pedersen import Opening


def refused(rule: str, call) -> None:
    with pytest.raises(MemberRefused) as caught:
        call()
    assert caught.value.rule == rule


# --- mail ---------------------------------------------------------------------------------------


def message(chain: PrivateChain, sid: int, sender: int = 1, body: bytes = b"body"):
    session = together.session(chain.declaration, "test", bytes([sid % 256, sid // 256]))
    made = sign(session, sender, signer(sender), 0, Kind.SIGN, body)
    return made, made.to_bytes()


def test_pv153_mail_is_bounded_for_each_sender(chain, monkeypatch):
    mail = Mail()
    for sid in range(transport.MOST_SESSIONS + 1):
        mail.put(1, *message(chain, sid))
    other = message(chain, 0, sender=2)
    mail.put(2, *other)
    assert len(mail.open(message(chain, 1)[0].sid)) == 1
    assert asyncio.run(mail.open(message(chain, 0)[0].sid).get()) == (2, other[1])
    assert len(mail.open(message(chain, 0)[0].sid)) == 1  # the first member's is gone
    monkeypatch.setattr(transport, "MOST_BYTES", 1000)
    mail = Mail()
    for sid in range(3):
        mail.put(1, *message(chain, sid, body=bytes(400)))
    assert [len(mail.open(message(chain, sid)[0].sid)) for sid in range(3)] == [0, 0, 1]


def test_pv153_what_was_said_before_changes_nothing(chain):
    mail, (made, data) = Mail(), message(chain, 0)
    flow = mail.open(made.sid)
    mail.put(1, made, data)
    mail.put(1, made, data)
    assert len(flow) == 1


def test_pv231_what_a_running_session_has_not_taken_is_bounded_and_its_sender_is_named(
    chain, monkeypatch
):
    session = together.session(chain.declaration, "test", b"flood")

    def said(sender: int, number: int) -> tuple[Message, bytes]:
        made = sign(session, sender, signer(sender), number, Kind.SIGN, bytes(400))
        return made, made.to_bytes()

    monkeypatch.setattr(transport, "MOST_BYTES", 2 * len(said(1, 0)[1]))
    somebody = Somebody(chain.declaration, 4)
    flow = somebody.mail.open(session.sid)

    async def hear(*numbers: int) -> None:
        reader, listener = asyncio.StreamReader(), Listener()
        hello, sealer = calling(chain.declaration, 1, 4, signer(1), listener.greeting)
        caller, opener = listener.meet(chain.declaration, 4, hello)
        for number in numbers:
            reader.feed_data(sealer.seal(said(1, number)[1]))
        reader.feed_eof()
        with contextlib.suppress(EOFError):
            await somebody.links._hear(caller, opener, reader)

    async def run() -> None:
        with pytest.raises(MemberRefused, match="member 1 says") as caught:
            await hear(0, 1, 2)
        assert caught.value.rule == "PV-231"
        assert len(flow) == 2
        somebody.mail.put(2, *said(2, 0))  # of another there is room
        assert await flow.get() == (1, said(1, 0)[1])
        await hear(0, 1, 2)  # a new link, on which all of it is said again
        assert [await flow.get() for _ in range(3)] == [
            (1, said(1, 1)[1]), (2, said(2, 0)[1]), (1, said(1, 2)[1])
        ]  # fmt: skip

    asyncio.run(run())


# --- links --------------------------------------------------------------------------------------


def moved(declaration: Declaration) -> Declaration:
    """The same members, where nobody listens yet."""
    port = p2p_port(len(declaration.seats), 1)
    seats = (
        dataclasses.replace(seat, endpoint=f"127.0.0.{2 + number}:{port}")
        for number, seat in enumerate(declaration.seats)
    )
    return dataclasses.replace(declaration, seats=tuple(seats))


class Somebody:
    """A member's end: links, mail, outbox, and what it complained of."""

    def __init__(
        self,
        declaration: Declaration,
        member: int,
        renew_s: float = 60.0,
        links: type[Links] = Links,
        outbox: Outbox | None = None,
    ) -> None:
        self.reports: list[str] = []
        self.seen: list[str] = []
        self.mail, self.outbox = Mail(), outbox or Outbox()
        self.links = links(
            declaration, member, signer(member), self.mail, self.outbox, self.reports.append,
            renew_s, Lines(self.seen.append),
        )  # fmt: skip
        self.listen = declaration.seats[member - 1].endpoint
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.links.run(self.listen))

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def awaiting(chain: PrivateChain, member: int, given, off: int = 0) -> list[Awaiting]:
    (pairs,) = inputs.open_all([given.input], chain.secrets[member])
    return [
        Awaiting(
            cell_id(given.input.id, k),
            given.input.commitments[k],
            Opening(pair.value + off, pair.blinding),
        )
        for k, pair in enumerate(pairs)
    ]


def accepting(chain: PrivateChain, somebody: Somebody, member: int, given, off: int = 0):
    found = awaiting(chain, member, given, off)
    session = together.acceptance_session(chain.record, [one.id for one in found])
    context = Context(session, member, chain.secrets[member].prss, signer(member))
    party = Party(context, together.accepting(context, chain.record, found))
    return context, drive(party, somebody.mail, somebody.outbox, somebody.reports.append)


def test_members_accept_over_sockets_with_one_lying_and_one_coming_late(chain):
    identity = chain.open_round()
    given = chain.donate(identity, 0, 100, 0)
    moved_to = moved(chain.declaration)

    async def run():
        people = {m: Somebody(moved_to, m) for m in chain.declaration.members}
        for m in (1, 2, 4):
            people[m].start()
        contexts, jobs = {}, {}
        for m in (1, 2, 4):
            contexts[m], job = accepting(chain, people[m], m, given, off=m == 4)
            jobs[m] = asyncio.create_task(job)
        await asyncio.sleep(1.0)
        assert not any(job.done() for job in jobs.values())  # two honest members make no quorum
        people[3].start()
        contexts[3], job = accepting(chain, people[3], 3, given)
        jobs[3] = asyncio.create_task(job)
        try:
            async with asyncio.timeout(30):
                made = [await jobs[m] for m in (1, 2, 3)]
        finally:
            jobs[4].cancel()
            await asyncio.gather(jobs[4], return_exceptions=True)
            for one in people.values():
                await one.stop()
        return made, contexts

    made, contexts = asyncio.run(run())
    assert {row.cells for row in made} == {made[0].cells}
    record = chain.record
    commitments = {cell_id(given.input.id, k): given.input.commitments[k] for k in range(2)}
    assert len(acceptance.accept(made[0], record, commitments)) == 2
    named = {fault.member for m in (1, 2, 3) for fault in contexts[m].faults}
    assert named <= {4}


class Partial(Links):
    """Speaks to all but member 3."""

    async def _call(self, other: int) -> None:
        if other != 3:
            await super()._call(other)


def test_pv24_whom_one_member_tells_nothing_the_others_tell(chain):
    """Where all wait for all: else member 3 would wait for 4, and the others for 3."""
    declaration = moved(chain.declaration)
    session = together.session(declaration, "test", b"partial")

    def protocol(member: int) -> Rounds[list[int]]:
        heard: list[int] = []
        for kind in (Kind.PRODUCT, Kind.ECHO):
            inbox = yield Round(kind, bytes([member] * 32), Form.BYTES, whole=True)
            heard += sorted(inbox.messages)
        return heard

    async def run() -> tuple[list[list[int]], list[Context]]:
        people = {
            m: Somebody(declaration, m, links=Partial if m == 4 else Links)
            for m in declaration.members
        }
        contexts = [
            Context(session, m, chain.secrets[m].prss, signer(m)) for m in declaration.members
        ]
        for one in people.values():
            one.start()
        jobs = [
            drive(Party(c, protocol(c.member)), p.mail, p.outbox, p.reports.append)
            for c, p in zip(contexts, people.values(), strict=True)
        ]
        try:
            async with asyncio.timeout(20):
                return await asyncio.gather(*jobs), contexts
        finally:
            for one in people.values():
                await one.stop()

    heard, contexts = asyncio.run(run())
    assert heard == [[1, 2, 3, 4] * 2] * 4
    assert not any(context.faults for context in contexts)


def fixing(chain: PrivateChain, member: int) -> Party[Agreed]:
    """A session that fixes what everybody says (PV-14), between links."""
    session = together.session(chain.declaration, "test", b"fix")
    context = Context(session, member, chain.secrets[member].prss, signer(member))
    return Party(context, agree(context, vectors.vec([member])))


@pytest.mark.parametrize("instead", ["nothing", "another length", "another kind"])
@pytest.mark.parametrize("kind", [Kind.PRODUCT, Kind.ECHO, Kind.FIX])
def test_pv24_who_withholds_a_message_from_one_member_keeps_nobody_waiting(chain, kind, instead):
    """It would wait there and say nothing more, and the others would miss it, not the liar."""
    declaration = moved(chain.declaration)

    def spoiled(message: Message) -> list[bytes]:
        session, number = fixing(chain, 4).context.session, message.header.round
        made = {
            "another length": sign(session, 4, signer(4), number, kind, message.body + bytes(32)),
            "another kind": sign(session, 4, signer(4), number, Kind.OPEN, message.body),
        }
        return [made[instead].to_bytes()] if instead in made else []

    async def run() -> tuple[list[Agreed], list[Somebody]]:
        people = [Somebody(declaration, m) for m in (1, 2, 3)]
        people.append(Somebody(declaration, 4, outbox=Withholding(kind, {3}, spoiled)))
        jobs = []
        for m, one in enumerate(people, 1):
            one.start()
            job = drive(fixing(chain, m), one.mail, one.outbox, one.reports.append)
            jobs.append(asyncio.create_task(job))
        try:
            async with asyncio.timeout(20):
                return await asyncio.gather(*jobs), people
        finally:
            for one in people:
                await one.stop()

    made, people = asyncio.run(run())
    assert {one.root for one in made} == {made[0].root}
    assert all(vectors.ints(made[0].words[m]) == [m] for m in (1, 2, 3, 4))
    assert [one.reports for one in (people[0], people[1], people[3])] == [[]] * 3
    assert all("member 4" in report for report in people[2].reports)
    said = [json.loads(text) for one in people[:3] for text in one.seen]
    words = [(one["round"], one["to"]) for one in said if one["what"] == "said"]
    assert max(Counter(words).values()) <= 3 * 3, "each of three says to each what three said"
    assert len(words) <= 3 * 3 * 3 * 3


def test_pv24_what_somebody_else_brought_blames_its_sender_of_nothing(chain):
    """A liar makes up what member 1 said, and brings it before the member does."""
    party = fixing(chain, 2)
    session = party.context.session
    forged = sign(session, 1, signer(4), 0, Kind.PRODUCT, vectors.to_bytes(vectors.vec([9])))
    mail, outbox, reports = Mail(), Outbox(), []
    mail.put(4, forged, forged.to_bytes())
    right = sign(session, 1, signer(1), 0, Kind.PRODUCT, vectors.to_bytes(vectors.vec([1])))
    mail.put(3, right, right.to_bytes())

    async def run() -> None:
        task = asyncio.create_task(drive(party, mail, outbox, reports.append))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert party.unheard == {3, 4}
    assert party.context.faults == []
    (report,) = reports
    assert "PV-10" in report and "brought by member 4" in report
    own = party.outgoing.to_bytes()
    assert outbox.due(set(), 3) == [own, right.to_bytes()]
    assert outbox.due(set(), 1) == [own], "who said it needs no telling"


def test_pv153_what_is_live_is_said_again_on_a_new_link(chain):
    declaration = moved(chain.declaration)
    first, second = message(chain, 1), message(chain, 2)

    async def run() -> list[bytes]:
        one, two = Somebody(declaration, 1, renew_s=0.2), Somebody(declaration, 2)
        one.start()
        two.start()
        one.outbox.say(first[0].sid, first[1])
        async with asyncio.timeout(20):
            await two.mail.open(first[0].sid).get()
        await two.stop()
        one.outbox.keep([second[0].sid])
        one.outbox.say(second[0].sid, second[1])
        one.outbox.say(second[0].sid, second[1])
        again = Somebody(declaration, 2)
        again.start()
        async with asyncio.timeout(20):
            heard = [(await again.mail.open(second[0].sid).get())[1]]
        await asyncio.sleep(0.5)  # links are made anew meanwhile
        await again.stop()
        await one.stop()
        assert len(again.mail.open(first[0].sid)) == 0
        told = {"session": "0x" + first[0].sid.hex(), "round": 0, "kind": "sign"}
        told["bytes"] = len(first[1])
        assert json.loads(one.seen[0]) == {"what": "said", "to": 2, **told}
        assert json.loads(two.seen[0]) == {"what": "heard", "from": 1, **told}
        return heard

    assert asyncio.run(run()) == [second[1]]


def test_pv153_what_is_said_while_a_link_writes_is_said_on_it_too(chain, monkeypatch):
    declaration = moved(chain.declaration)
    first, second = message(chain, 1), message(chain, 2)
    one, two = Somebody(declaration, 1), Somebody(declaration, 2)
    drain = asyncio.StreamWriter.drain

    async def meanwhile(writer: asyncio.StreamWriter) -> None:
        await drain(writer)
        if one.outbox.due(set()):  # said, and written
            one.outbox.say(second[0].sid, second[1])

    async def run() -> bytes:
        two.start()
        await asyncio.sleep(0.1)
        one.start()
        await asyncio.sleep(0.1)
        monkeypatch.setattr(asyncio.StreamWriter, "drain", meanwhile)
        one.outbox.say(first[0].sid, first[1])
        async with asyncio.timeout(5):
            _, heard = await two.mail.open(second[0].sid).get()
        await one.stop()
        await two.stop()
        return heard

    assert asyncio.run(run()) == second[1]


def test_pv152_strangers_are_few_and_keep_no_member_out(chain, monkeypatch):
    """Who holds links open and says nothing is cut off for a newcomer, the oldest first."""
    monkeypatch.setattr(transport, "MOST_STRANGERS", 2)
    declaration = moved(chain.declaration)

    async def run() -> None:
        one, two = Somebody(declaration, 1), Somebody(declaration, 2)
        one.start()
        host, port = transport.address(declaration.seats[0].endpoint)
        silent = []
        async with asyncio.timeout(20):
            while len(silent) < 3:
                try:
                    silent.append(await asyncio.open_connection(host, port))
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    await silent[-1][0].readexactly(32)
            with contextlib.suppress(ConnectionError):
                assert await silent[0][0].read() == b""
            made, data = message(chain, 1, sender=2)
            two.outbox.say(made.sid, data)
            two.start()
            _, heard = await one.mail.open(made.sid).get()
        for _, writer in silent:
            writer.transport.abort()
        await one.stop()
        await two.stop()
        assert heard == data

    asyncio.run(run())


def test_pv152_pv153_who_is_no_member_or_says_what_no_member_says_is_cut_off(chain):
    declaration = moved(chain.declaration)

    async def call(said) -> None:
        """Say hello, then something; returns once the listener is gone."""
        host, port = transport.address(declaration.seats[0].endpoint)
        reader, writer = await asyncio.open_connection(host, port)
        try:
            async with asyncio.timeout(20):
                writer.write(said(await reader.readexactly(32)))
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    def hello(key: bytes, caller: int = 2, listener: int = 1, by: int | None = None) -> bytes:
        return calling(declaration, caller, listener, signer(by or caller), key)[0]

    def saying(key: bytes, *frames: bytes) -> bytes:
        said, sealer = calling(declaration, 2, 1, signer(2), key)
        return said + b"".join(map(sealer.seal, frames))

    def again(key: bytes) -> bytes:
        """The first frame once more."""
        said = saying(key, own[1])
        return said + said[HELLO_BYTES:]

    own, others = message(chain, 1, sender=2), message(chain, 2, sender=3)
    cases = [
        ("PV-152", lambda key: hello(key, by=3)),
        ("PV-152", lambda key: hello(key, listener=2)),
        ("PV-152", lambda key: hello(key[::-1])),
        ("PV-152", lambda key: hello(key, caller=1)),
        ("PV-152", lambda key: hello(key, caller=9)),
        ("PV-153", lambda key: hello(key) + b"\xff\xff\xff\x7f"),
        ("PV-153", lambda key: saying(key, own[1], others[1])),
        ("PV-28", lambda key: hello(key) + len(own[1]).to_bytes(4, "little") + own[1]),
        ("PV-28", again),
        ("", lambda key: saying(key, b"\x00" * 10)),
    ]

    async def run() -> list[str]:
        one = Somebody(declaration, 1)
        one.start()
        await asyncio.sleep(0.1)
        for number, (_, said) in enumerate(cases, 1):
            await call(said)
            while len(one.reports) < number:
                await asyncio.sleep(0.01)
        await one.stop()
        assert len(one.mail.open(own[0].sid)) == 1
        assert len(one.mail.open(others[0].sid)) == 0
        return one.reports

    reports = asyncio.run(run())
    for (rule, _), report in zip(cases, reports, strict=True):
        assert rule in report


def test_pv152_whoever_answers_with_no_key_silences_nobody_for_ever(chain):
    declaration = moved(chain.declaration)
    made, data = message(chain, 1)
    host, port = transport.address(declaration.seats[1].endpoint)

    async def run() -> list[str]:
        answered = asyncio.Event()

        async def somebody(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(bytes(32))
            await writer.drain()
            writer.close()
            answered.set()

        server = await asyncio.start_server(somebody, host, port)
        one, two = Somebody(declaration, 1), Somebody(declaration, 2)
        one.start()
        one.outbox.say(made.sid, data)
        async with asyncio.timeout(20):
            await answered.wait()
            server.close()
            await server.wait_closed()
            two.start()
            assert await two.mail.open(made.sid).get() == (1, data)
        await one.stop()
        await two.stop()
        return one.reports

    assert any("PV-152" in report for report in asyncio.run(run()))


@pytest.mark.parametrize(
    "text",
    ["nowhere", ":80", "host:", "host:0", "host:65536", "host:-1", "host:٣", "host:" + "9" * 5000]
    + [f"{host}:80" for host in ("a..b", ".", "x" * 64)],
)
def test_pv152_an_endpoint_is_an_address(text):
    refused("PV-152", lambda: transport.address(text))


def test_pv152_a_member_whose_endpoint_is_no_address_ends_nobodys_process(chain):
    """Who declares a committee writes what he likes; that host is an error of no socket."""
    moved_to = moved(chain.declaration)
    seats = [dataclasses.replace(seat) for seat in moved_to.seats]
    seats[1] = dataclasses.replace(seats[1], endpoint="a..b:80")
    declaration = dataclasses.replace(moved_to, seats=tuple(seats))

    async def run() -> list[str]:
        one, three = Somebody(declaration, 1), Somebody(declaration, 3)
        one.start()
        three.start()
        made, data = message(chain, 1)
        one.outbox.say(made.sid, data)
        async with asyncio.timeout(20):
            assert await three.mail.open(made.sid).get() == (1, data)
        await one.stop()
        await three.stop()
        return one.reports

    (report,) = asyncio.run(run())
    assert "PV-152" in report
