"""What a member does, and when: over a chain whose blocks are made by hand."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from pathlib import Path

import pytest

from node.core.errors import Unreachable
from node.private import committees, deposits, held, sale_state
from node.private import state as entries
from node.private.member.due import MOST_INPUTS, Duties
from node.private.member.errors import MemberRefused, MemberSecretLost
from node.private.member.keys import Keys
from node.private.member.run import Member, Place, alone, folder_of, seat_of
from node.private.member.secrets import FileJournal, Vault
from node.private.member.view import Held, Past, View
from node.private.messages import ComplaintTx, OpenTx, Step
from node.private.state import Status
from node.testing.private import Given, PrivateChain, assert_ok, signer
from private_exec.committee import dealing as dealings
from private_exec.committee.cells import cell_id
from private_exec.committee.ceremony import FaultKind
from private_exec.mpc import simulate
from private_exec.mpc.faults import Wrong
from private_exec.mpc.message import Kind
from private_exec.mpc.simulate import Committee
from shielded.private_owner import PrivateOwner


class ByHand:
    """The chain that members ask: blocks of what they sent are made when the test says so."""

    def __init__(self, chain: PrivateChain) -> None:
        self.chain = chain
        self.waits: list[bytes] = []
        self.down = False

    def height(self) -> int:
        if self.down:
            raise Unreachable("no answer")
        return self.chain.height

    def get(self, key: bytes, height: int) -> bytes | None:
        return self.chain.ledger.store.reader(height).get(key)

    def rounds(self) -> list[bytes]:
        return [
            identity
            for identity, found in entries.rounds(self.chain.state)
            if found.status(self.chain.height + 1) == "running"
        ]

    def deposits(self) -> list[bytes]:
        return [key for key, _ in deposits.waiting(self.chain.state, self.chain.declaration.id)]

    def sales(self) -> list[bytes]:
        over = {"opened", "settled", "failed"}
        following = self.chain.height + 1
        every = sale_state.sales(self.chain.state)
        return [key for key, found in every if found.label(following) not in over]

    def held(self, first: int) -> Held:
        return Held(list(held.cells(self.chain.state, self.chain.declaration.id, first)))

    def coming(self) -> list[bytes]:
        return []

    def send(self, tx: bytes) -> None:
        if tx not in self.waits:
            self.waits.append(tx)

    def block(self) -> list[str]:
        sent, self.waits = self.waits, []
        return self.chain.codes(*sent)


class People:
    """Members of a chain's committee, with their disks."""

    def __init__(self, chain: PrivateChain, folder: Path) -> None:
        self.chain, self.asked, self.folder = chain, ByHand(chain), folder
        self.step = chain.parameters.step_heights
        self.restart()

    def restart(self) -> None:
        """Nobody remembers anything that is not on disk."""
        identity = self.chain.declaration.id
        self.vaults = {m: Vault(self.folder / str(m), identity) for m in range(1, 5)}
        self.keys = {m: Keys(m, signer(m), v, self.step) for m, v in self.vaults.items()}
        self.duties = {m: Duties(k, signer(m), self.step) for m, k in self.keys.items()}

    def view(self) -> View:
        return View(self.asked, self.chain.declaration.id, self.chain.height, Past())

    def say(self, *members: int) -> list[str]:
        """A block of what these have to say in the ceremony."""
        return self.chain.codes(*(tx for m in members for tx in self.keys[m].due(self.view())))

    def steps(self, *members: int) -> list[Step]:
        return [tx.step for m in members for tx in self.keys[m].due(self.view())]

    def ceremony(self) -> None:
        made = committees.committee_of(self.chain.state, self.chain.declaration.id).made
        while committees.committee_of(self.chain.state, self.chain.declaration.id).made == made:
            assert set(self.say(1, 2, 3, 4)) <= {"ok"}
        self.chain.secrets = {m: self.secrets(m, made) for m in self.keys}

    def secrets(self, member: int, epoch: int = 0):
        return self.keys[member].of_epoch(self.view(), epoch)

    def look(self, member: int):
        return self.duties[member].look(self.view())

    def together(self, *, faults=()):
        """The one session that is due, held by all; what each member would send."""
        jobs = {m: self.look(m)[1] for m in self.duties}
        assert {len(found) for found in jobs.values()} == {1}
        assert len({found[0].session.sid for found in jobs.values()}) == 1
        committee = Committee(
            jobs[1][0].session,
            {m: found[0].keys for m, found in jobs.items()},
            {m: signer(m) for m in jobs},
        )
        return simulate.run(
            committee, lambda context: jobs[context.member][0].protocol(context), faults=faults
        ).results


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> People:
    """A committee whose keys these members made."""
    chain = PrivateChain()
    assert_ok(chain.run(chain.declare()))
    found = People(chain, tmp_path_factory.mktemp("members"))
    found.ceremony()
    assert_ok(chain.run(chain.purse.shield(32, 10**9)))
    return found


@pytest.fixture
def people(begun: People) -> People:
    """The same, with no round under way."""
    last = [found.terms.open for _, found in entries.rounds(begun.chain.state)]
    begun.chain.to(max(last, default=0))
    return begun


@pytest.fixture
def fresh(tmp_path: Path) -> People:
    """A committee without keys."""
    chain = PrivateChain()
    assert_ok(chain.run(chain.declare()))
    return People(chain, tmp_path)


def refused(rule: str, call) -> None:
    with pytest.raises(MemberRefused) as caught:
        call()
    assert caught.value.rule == rule


def status(chain: PrivateChain, given: Given) -> Status:
    return entries.donation_of(chain.state, given.input.id).status


# --- ceremonies ---------------------------------------------------------------------------------


def test_pv155_what_is_due_in_a_ceremony_is_said_once_in_time_and_after_a_restart(fresh):
    assert fresh.steps(1, 2, 3, 4) == [Step.NOTICE] * 4
    assert fresh.say(1, 2) == ["ok", "ok"]
    assert fresh.steps(1, 2) == []
    assert fresh.steps(3, 4) == [Step.NOTICE] * 2
    assert fresh.say(3, 4) == ["ok", "ok"]
    fresh.restart()
    assert fresh.steps(1, 2, 3, 4) == [Step.DEALING] * 4
    assert fresh.say(1, 2, 3) == ["ok"] * 3
    assert fresh.steps(1, 2, 3) == []
    said = [tx.to_bytes() for tx in fresh.keys[4].due(fresh.view())]
    fresh.restart()
    assert [tx.to_bytes() for tx in fresh.keys[4].due(fresh.view())] == said
    assert fresh.say(4) == ["ok"]
    assert fresh.steps(1, 2, 3, 4) == []  # nobody dealt wrongly
    fresh.chain.to(fresh.chain.height + 2)
    found = committees.committee_of(fresh.chain.state, fresh.chain.declaration.id)
    assert found.made == 1
    assert committees.epoch_of(fresh.chain.state, fresh.chain.declaration.id, 0).faults == ()
    assert fresh.steps(1, 2, 3, 4) == []  # the next keys are not due yet
    fresh.chain.to(found.opens() - 1)
    assert fresh.steps(1) == [Step.NOTICE]


def test_pv155_a_member_without_the_entropy_of_its_notice_says_nothing_more(fresh):
    assert fresh.say(1, 2, 3, 4) == ["ok"] * 4
    fresh.chain.run()
    fresh.vaults[1].erase(0, 0)
    assert fresh.steps(1) == []
    fresh.vaults[1].entropy(0, 0)  # another
    assert fresh.steps(1) == []
    assert fresh.say(2, 3, 4) == ["ok"] * 3
    fresh.chain.to(fresh.chain.height + 4)
    assert fresh.secrets(1) is None
    assert fresh.secrets(2) is not None


def test_pv155_a_dealer_that_sealed_a_wrong_part_is_accused(fresh):
    assert fresh.say(1, 2, 3, 4) == ["ok"] * 4
    fresh.chain.run()
    ceremony, seed = fresh.chain.replay(0, 0), b"\x04" * 32
    context, keys = ceremony.context, ceremony.keys
    parts = dealings.own_parts(context, keys, 2, seed)
    size = context.declaration.size
    plain = {
        receiver: b"".join(parts[mask] for mask in dealings.sets_of(size, 2, receiver))
        for receiver in dealings.receivers(keys, 2)
    }
    plain[3] = bytes(len(plain[3]))
    wrong = dealings.assemble(context, keys, 2, parts, plain, signer(2), seed)
    assert fresh.chain.codes(fresh.chain.message(Step.DEALING, wrong.to_bytes())) == ["ok"]
    assert fresh.say(1, 3, 4) == ["ok"] * 3
    assert fresh.steps(1, 3, 4) == [Step.COMPLAINT]
    assert fresh.say(3) == ["ok"]
    assert fresh.steps(1, 3, 4) == []
    fresh.chain.run()
    found = committees.epoch_of(fresh.chain.state, fresh.chain.declaration.id, 0)
    assert [(fault.member, fault.kind) for fault in found.faults] == [(2, FaultKind.BAD_PART)]
    assert all(fresh.secrets(m) is not None for m in (1, 3, 4))


def test_pv156_secrets_of_failed_attempts_and_of_old_epochs_are_erased(fresh):
    assert fresh.say(1, 2) == ["ok", "ok"]  # two of four are no committee
    fresh.chain.to(fresh.chain.height + 6)
    assert fresh.vaults[1].kept() == ((0, 0),)
    fresh.keys[1].forget(fresh.view())
    assert fresh.vaults[1].kept() == ()
    for epoch in range(4):
        if epoch:
            found = committees.committee_of(fresh.chain.state, fresh.chain.declaration.id)
            fresh.chain.to(found.opens())
        fresh.ceremony()
        assert fresh.secrets(1, epoch) is not None
        fresh.keys[1].forget(fresh.view())
    assert fresh.vaults[1].kept() == ((2, 0), (3, 0))
    assert len(fresh.vaults[2].kept()) == 5
    secrets = fresh.secrets(2, 3)
    fresh.vaults[2].erase(3, 0)
    with pytest.raises(MemberSecretLost, match="erased"):
        fresh.keys[2].nonce(secrets, b"about")


def test_pv156_the_entropy_of_a_failed_attempt_goes_and_the_epochs_keys_stay(fresh):
    """A member that was away when the second attempt began has both on its disk."""
    assert fresh.say(1, 2) == ["ok", "ok"]
    found = committees.committee_of(fresh.chain.state, fresh.chain.declaration.id)
    fresh.chain.to(found.opened + 3 * fresh.step)
    found = committees.committee_of(fresh.chain.state, fresh.chain.declaration.id)
    fresh.chain.to(found.opens() - 1)
    fresh.ceremony()
    assert fresh.vaults[1].kept() == ((0, 0), (0, 1))
    held = fresh.secrets(1)
    fresh.keys[1].forget(fresh.view())
    assert fresh.vaults[1].kept() == ((0, 1),)
    assert fresh.secrets(1) is held
    assert held.prss.member == 1  # not erased under a session that runs


# --- inputs -------------------------------------------------------------------------------------


def test_pv157_an_input_without_a_share_is_complained_of_and_not_accepted(people):
    chain = people.chain
    identity = chain.open_round()
    given = chain.cheat(identity, 0, victim=3)
    assert [people.look(m)[0] for m in (1, 2, 4)] == [[], [], []]
    (said,) = people.look(3)[0]
    assert isinstance(said, ComplaintTx)
    chain.run()
    assert people.look(3)[1] == []
    assert len(people.look(1)[1]) == 1
    assert chain.codes(said) == ["ok"]
    assert status(chain, given) is Status.REFUSED
    assert [people.look(m) for m in (1, 3)] == [([], []), ([], [])]


def test_pv230_a_node_that_lies_about_an_input_draws_no_complaint(people, monkeypatch):
    """What it gives has another's E, and garbage under it: a complaint would show e·E."""
    chain = people.chain
    identity = chain.open_round()
    given = chain.donate(identity, 0, 50, 0)
    sealed = given.input.sealed
    parts = (*sealed.parts[:2], bytes(len(sealed.parts[2])), *sealed.parts[3:])
    garbage = dataclasses.replace(sealed, parts=parts)
    forged = dataclasses.replace(given.input, sealed=garbage)
    entry = chain.state.get(entries.donation_key(given.input.id))
    under_its_id = {entries.input_key(given.input.id): forged.to_bytes()}
    under_its_own = {
        entries.listed_key(identity, 0): forged.id,
        entries.donation_key(forged.id): entry,
        entries.input_key(forged.id): forged.to_bytes(),
    }
    cut = {entries.input_key(given.input.id): given.input.to_bytes()[:-1]}
    another = chain.give(identity, 1, 50, 1).input.to_bytes()
    exchanged = {entries.input_key(given.input.id): another}
    honest = people.asked.get
    for lies in (under_its_id, under_its_own, cut, exchanged):
        told = lambda key, height, lies=lies: lies.get(key) or honest(key, height)  # noqa: E731
        monkeypatch.setattr(people.asked, "get", told)
        refused("PV-230", lambda: people.look(3))
    monkeypatch.setattr(people.asked, "get", honest)
    assert people.look(3)[0] == []


def test_pv157_a_complaint_that_was_heard_is_not_made_again(people):
    """Of a right input, as by a member whose disk or memory is broken."""
    chain = people.chain
    given = chain.donate(chain.open_round(), 0, 50, 0)
    people.duties[2]._opened[given.input.id] = given.input, None
    (said,) = people.look(2)[0]
    assert chain.codes(said) == ["ok"]
    assert status(chain, given) is Status.PENDING
    assert people.look(2)[0] == []


def test_pv158_a_batch_is_a_stretch_of_heights_and_the_same_for_all(people):
    chain = people.chain
    identity = chain.open_round()
    first = chain.donate(identity, 0, 50, 0)
    assert people.look(1)[1] == []  # others may complain yet
    second = chain.donate(identity, 1, 60, 1)
    (job,) = people.look(1)[1]
    chain.run()
    assert [len(people.look(m)[1]) for m in people.duties] == [2] * 4
    sids = {tuple(job.session.sid for job in people.look(m)[1]) for m in people.duties}
    assert len(sids) == 1 and job.session.sid in sids.pop()
    assert chain.codes(chain.accept(identity, [first])) == ["ok"]
    results = people.together(faults=[Wrong(2, Kind.OPEN)])
    assert {results[m].to_bytes() for m in (1, 3, 4)} == {results[1].to_bytes()}
    assert chain.codes(results[1]) == ["ok"]
    assert status(chain, second) is Status.ACCEPTED
    assert people.look(1) == ([], [])


def test_pv158_long_stretches_are_cut_and_the_last_ends_with_the_round(people):
    duties = Duties(people.keys[1], signer(1), 10)
    items = [
        (bytes([number % 256, number // 256]) * 16, dataclasses.make_dataclass("I", ["height"])(h))
        for number, h in enumerate([20] * (MOST_INPUTS + 1) + [27])
    ]

    def due(height: int, close: int | None) -> list[int]:
        return [len(b.items) for b in duties._batches(b"t", items, height, close)]

    assert due(28, None) == []
    assert due(29, None) == [MOST_INPUTS, 1]
    assert due(34, None) == [MOST_INPUTS, 1, 1]
    assert due(32, 27) == [MOST_INPUTS, 1, 1]
    assert due(31, 27) == [MOST_INPUTS, 1]


def test_pv158_deposits_become_cells_alike(people):
    chain = people.chain
    owner = PrivateOwner(b"\x09" * 32, chain.declaration.id)
    tx, held = chain.placed(500, owner)
    assert_ok(chain.run(tx))
    chain.run()
    results = people.together()
    assert chain.codes(results[2]) == ["ok"]
    assert chain.cell(cell_id(held.input.id, 0)).epoch == 0
    assert people.look(1) == ([], [])


def opened(chain: PrivateChain, people: People, *weights: int, late: int = 0) -> bytes:
    """A round behind its last acceptance; one donation more was never accepted."""
    identity = chain.open_round(least=2)
    given = [chain.donate(identity, 0, weight, k) for k, weight in enumerate(weights)]
    if late:
        chain.donate(identity, 0, late, 7)
    terms = entries.round_of(chain.state, identity).terms
    chain.to(terms.close)
    if given:
        assert chain.codes(chain.accept(identity, given)) == ["ok"]
    chain.to(terms.accept - 1)
    assert len(people.look(1)[1]) == bool(late)
    chain.to(terms.accept)
    return identity


def test_pv159_sums_are_opened_behind_the_last_acceptance_and_nothing_else(people):
    chain = people.chain
    identity = opened(chain, people, 30, 40, late=50)
    results = people.together(faults=[Wrong(4, Kind.OPEN)])
    assert [o.value for o in results[1].opened.outputs] == [70, 2500]
    assert chain.codes(results[1]) == ["ok"]
    assert people.look(1) == ([], [])
    alone_in_it = opened(chain, people, 30)
    (said,) = people.look(1)[0]
    assert isinstance(said, OpenTx) and said.opened.outputs == ()
    assert chain.codes(said) == ["ok"]
    assert entries.round_of(chain.state, alone_in_it).sums
    assert entries.round_of(chain.state, identity).sums


def test_pv159_other_sums_of_a_round_are_never_opened(people, tmp_path):
    opened(people.chain, people, 30, 40)
    (job,) = people.look(1)[1]
    told: list[str] = []

    def member() -> Member:
        place = Place(people.chain.declaration, signer(1), people.step, tmp_path, "127.0.0.1:1")
        return Member(people.asked, place, told.append)

    async def begins(job) -> bool:
        task = member()._begin(job)
        if task is not None:
            task.cancel()
        return task is not None

    assert job.decision is not None
    other = dataclasses.replace(job, decision=(job.decision[0], b"\x01" * 32))
    assert asyncio.run(begins(job))
    assert asyncio.run(begins(job))
    assert not asyncio.run(begins(other))
    assert "PV-159" in told[-1]
    folder = folder_of(tmp_path, people.chain.declaration.id) / "journal"
    assert FileJournal(folder).record(*other.decision) == job.decision[1]
    people.chain.to(people.chain.height + 2)


def test_a_member_that_lies_on_purpose_says_other_sums(people, tmp_path):
    opened(people.chain, people, 30, 40)
    (job,) = people.look(1)[1]

    async def said(disk: str, *lies: Wrong) -> bytes:
        home = tmp_path / disk
        place = Place(people.chain.declaration, signer(1), people.step, home, "127.0.0.1:1")
        member = Member(people.asked, place, lambda _: None, lies=lies)
        task = asyncio.create_task(member._part(job))
        await asyncio.sleep(0)
        body = member._parties[job.session.sid].outgoing.body
        task.cancel()
        return body

    honest = asyncio.run(said("a"))
    lying = asyncio.run(said("b", Wrong(1, Kind.OPEN)))  # one disk has one story (PV-12)
    assert honest != lying
    assert honest[32:] == lying[32:]
    people.chain.to(people.chain.height + 2)


# --- the loop -----------------------------------------------------------------------------------


def test_pv154_a_member_is_who_its_key_says_on_this_chain_and_alone(people, tmp_path):
    assert seat_of(people.chain.declaration, signer(3)) == 3
    refused("PV-154", lambda: seat_of(people.chain.declaration, signer(9)))
    refused(
        "PV-154", lambda: View(people.asked, bytes(32), people.chain.height, Past()).committee()
    )
    with alone(tmp_path):
        refused("PV-154", lambda: alone(tmp_path).__enter__())
    with alone(tmp_path):
        pass


def test_pv160_what_is_due_runs_and_what_is_not_is_dropped(people, tmp_path):
    """One member by itself: its session waits for others, and goes when the chain says so."""
    chain, told = people.chain, []
    identity = chain.open_round()
    given = chain.donate(identity, 0, 50, 0)
    chain.run()
    (job,) = people.look(1)[1]
    place = Place(chain.declaration, signer(1), people.step, tmp_path, "127.0.0.1:1")

    async def run() -> None:
        member = Member(people.asked, place, told.append)
        member._keys, member._duties = people.keys[1], people.duties[1]
        member._hold([job])
        held = member._sessions[job.session.sid]
        await asyncio.sleep(0)
        member._hold([job])
        assert member._sessions[job.session.sid] is held and not held.done()
        assert len(member._outbox.due(set())) == 1
        assert chain.codes(chain.accept(identity, [given])) == ["ok"]
        _, due, jobs = member._look()
        assert (due, jobs) == ([], [])
        member._hold(jobs)
        await asyncio.sleep(0)
        assert held.cancelled() and member._outbox.due(set()) == []

        failing = dataclasses.replace(job, protocol=lambda _: iter_failing())
        member._hold([failing])
        await asyncio.sleep(0.01)
        again = member._sessions[job.session.sid]
        assert again.done()
        member._hold([failing])
        assert member._sessions[job.session.sid] is not again
        await asyncio.sleep(0.01)
        member._hold([])

    def iter_failing():
        raise MemberRefused("PV-160", "on purpose")
        yield

    asyncio.run(run())
    assert any("on purpose" in text for text in told)


def test_pv160_what_came_of_a_session_is_sent_again_while_it_is_due(people, tmp_path):
    place = Place(people.chain.declaration, signer(1), people.step, tmp_path, "127.0.0.1:1")
    sent: list[bytes] = []
    asked = ByHand(people.chain)
    asked.send = sent.append
    member = Member(asked, place, lambda _: None)
    tx = people.chain.settle(b"\x01" * 32)

    async def run() -> None:
        for height in (5, 5, 6, 7, 8, 9):
            await member._send(tx, height)

    asyncio.run(run())
    assert len(sent) == 3


def test_pv152_an_address_that_is_taken_is_said_so(people, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        place = Place(people.chain.declaration, signer(1), people.step, tmp_path, listen)
        member = Member(people.asked, place, lambda _: None)
        refused("PV-152", lambda: asyncio.run(member.run()))


def test_pv160_a_block_is_looked_at_once(people, tmp_path):
    place = Place(people.chain.declaration, signer(1), people.step, tmp_path, "127.0.0.1:1")
    asked, read = ByHand(people.chain), []
    get = asked.get
    asked.get = lambda key, height: read.append(height) or get(key, height)
    member = Member(asked, place, lambda _: None)
    member._look()
    first = len(read)
    member._look()
    assert len(read) == first > 0
    asked.down = True
    with pytest.raises(Unreachable):
        member._look()
    asked.down = False
    people.chain.run()
    member._look()
    assert set(read[first:]) == {people.chain.height}
