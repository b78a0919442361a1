"""The loop of a member: look, send what is due, hold sessions that are due.  Rules PV-154, PV-160.

Nothing is remembered between two looks but what can be computed again: what the chain says is due
is begun, and what it says no more is dropped. A session that failed is begun again, and says what
it said before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.private.member.drive import drive
from node.private.member.due import Duties, Job, MessageTx
from node.private.member.errors import MemberRefused
from node.private.member.handing import HandingDuties
from node.private.member.keeping import KeepingDuties
from node.private.member.keys import Keys
from node.private.member.secrets import FileJournal, Vault
from node.private.member.selling import SaleDuties
from node.private.member.transport import Links, Mail, Outbox
from node.private.member.view import Chain, Past, View
from node.private.member.watch import Watch
from node.private.payload import PrivateTx, wire
from node.private.sale_program import SaleProgram
from private_exec.committee.declaration import Declaration
from private_exec.mpc.context import Context, Journal
from private_exec.mpc.faults import Fault, spoken
from private_exec.mpc.party import Party
from private_exec.provable.transition import Provable
from transparent.signature import SigningKey
from zk.errors import ChiaroError

LOOK_S: Final = 0.5
MOST_SESSIONS: Final = 16
"""At one time; the others wait for their turn."""
AGAIN: Final = 2
"""Heights after which what is still due is sent once more."""


def seat_of(declaration: Declaration, signer: SigningKey) -> int:
    """PV-154: which member this key is. Raises MemberRefused: PV-154, none."""
    for member, seat in enumerate(declaration.seats, 1):
        if seat.key == signer.account:
            return member
    raise MemberRefused(
        "PV-154", "this key is no member of the committee", where="committee",
        fix="`chiaro private member init` prints the key that a declaration must name",
    )  # fmt: skip


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """PV-154: one process at a time. Raises MemberRefused: PV-154."""
    from filelock import FileLock, Timeout

    lock = FileLock(home / "member.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise MemberRefused("PV-154", "this member is running", where=str(home)) from None
    try:
        yield
    finally:
        lock.release()


def folder_of(home: Path, committee: bytes) -> Path:
    """Where a member keeps what is of one committee."""
    return home / committee.hex()[:16]


@dataclass(frozen=True, slots=True)
class Place:
    """Who, where.

    Attributes:
        declaration: of the committee.
        signer: the member's key.
        step_heights: of the chain.
        home: the member's folder.
        listen: HOST:PORT where it hears others; its declared endpoint, unless something is between.
        takes: committees whose cells it takes (PV-167).
    """

    declaration: Declaration
    signer: SigningKey
    step_heights: int
    home: Path
    listen: str
    takes: tuple[bytes, ...] = ()


class Member:
    """One member of one committee.

    Args:
        chain: its node.
        place: who and where it is.
        report: told in words of what it does and what went wrong; no secrets.
        look_s: seconds between two looks at the chain.
        provable: programs of sales that it can prove; by default none: it holds no key of any.
        watch: told of messages and of others' faults.
        lies: what it does wrong on purpose, so that others can be seen to find out.
    """

    def __init__(
        self,
        chain: Chain,
        place: Place,
        report: Callable[[str], None],
        look_s: float = LOOK_S,
        provable: Callable[[SaleProgram], Provable | None] = lambda _: None,
        watch: Watch | None = None,
        lies: Sequence[Fault] = (),
    ) -> None:
        self._chain = chain
        self._place = place
        self._report = report
        self._look_s = look_s
        self._watch = watch or Watch()
        self._lies = lies
        declaration, signer = place.declaration, place.signer
        self.member: Final = seat_of(declaration, signer)
        folder = folder_of(place.home, declaration.id)
        vault = Vault(folder / "secrets", declaration.id)
        self._journal: Journal = FileJournal(folder / "journal")
        self._keys = Keys(self.member, signer, vault, place.step_heights)
        self._duties = Duties(self._keys, signer, place.step_heights)
        self._selling = SaleDuties(self._keys, signer, place.step_heights, provable)
        self._keeping = KeepingDuties(self._keys, place.step_heights)
        self._handing = HandingDuties(self._keys, signer, place.step_heights, place.takes)
        self._past = Past()
        self._seen: tuple[int, list[PrivateTx], list[Job]] | None = None
        self._mail, self._outbox = Mail(), Outbox()
        self._sessions: dict[bytes, asyncio.Task[MessageTx]] = {}
        self._parties: dict[bytes, Party[MessageTx]] = {}
        self._sent: dict[bytes, int] = {}
        self._said: set[str] = set()

    async def run(self) -> None:
        """Until cancelled.

        Raises:
            MemberRefused: PV-152, the address to listen at is not to be had; PV-151, what was
                decided cannot be recorded.
        """
        links = Links(
            self._place.declaration, self.member, self._place.signer, self._mail, self._outbox,
            self._tell, watch=self._watch,
        )  # fmt: skip
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(links.run(self._place.listen))
                group.create_task(self._follow())
        except ExceptionGroup as failed:
            refused = failed.subgroup(MemberRefused)
            if refused is None:
                raise
            raise refused.exceptions[0] from None
        finally:
            self._hold([])

    async def _follow(self) -> None:
        while True:
            try:
                height, due, jobs = await asyncio.to_thread(self._look)
            except ChiaroError as error:
                self._tell(f"{error.id}: {error}")
            else:
                self._hold(jobs)
                for tx in [*due, *self._results()]:
                    await self._send(tx, height)
            await asyncio.sleep(self._look_s)

    def _look(self) -> tuple[int, list[PrivateTx], list[Job]]:
        """What is due behind the last block; found once for each block."""
        height = self._chain.height()
        if self._seen is not None and self._seen[0] == height:
            return self._seen
        view = View(self._chain, self._place.declaration.id, height, self._past)
        ceremony = self._keys.due(view)
        messages, jobs = self._duties.look(view)
        unheard = {sid: party.unheard for sid, party in list(self._parties.items())}
        words, sales = self._selling.look(view, unheard)
        jobs += self._keeping.look(view)
        transfers, going = self._handing.look(view)
        self._keys.forget(view)
        self._seen = height, [*ceremony, *messages, *words, *transfers], [*going, *jobs, *sales]
        return self._seen

    # --- sessions ----------------------------------------------------------------------------

    def _hold(self, jobs: list[Job]) -> None:
        """PV-160: begin sessions that are due, drop the others."""
        due: dict[bytes, Job] = {job.session.sid: job for job in jobs[:MOST_SESSIONS]}
        for sid in self._sessions.keys() - due.keys():
            task = self._sessions.pop(sid)
            if not task.cancel() and not task.cancelled():
                task.exception()
        self._outbox.keep(list(due))
        for sid, job in due.items():
            if (held := self._sessions.get(sid)) is not None:
                if not held.done() or (error := held.exception()) is None:
                    continue
                if not isinstance(error, ChiaroError):
                    raise error
                self._tell(f"{job.about}: {error.id}: {error}")
            if (begun := self._begin(job)) is not None:
                self._sessions[sid] = begun

    def _begin(self, job: Job) -> asyncio.Task[MessageTx] | None:
        """A session, unless this member decided otherwise (PV-159, PV-166)."""
        if job.decision is not None:
            key, value = job.decision
            if self._journal.record(key, value) != value:
                self._tell(f"PV-151: {job.about}: begun otherwise before (PV-159, PV-166)")
                return None
        return asyncio.create_task(self._part(job))

    async def _part(self, job: Job) -> MessageTx:
        context = Context(
            job.session,
            self.member,
            job.keys,
            self._place.signer,
            journal=self._journal,
            absent=job.absent,
        )
        protocol = spoken(self.member, job.protocol(context), self._lies)
        party = self._parties[job.session.sid] = Party(context, protocol)
        try:
            made = await drive(party, self._mail, self._outbox, self._tell)
        finally:
            del self._parties[job.session.sid]
        for fault in context.faults:
            self._tell(f"{job.about}: {fault.rule}: member {fault.member}: {fault.what}")
            self._watch.fault(job.about, fault)
        self._tell(f"done: {job.about}")
        return made

    def _results(self) -> list[MessageTx]:
        """Of sessions that ended well and are still due."""
        return [
            task.result()
            for task in self._sessions.values()
            if task.done() and not task.cancelled() and task.exception() is None
        ]

    async def _send(self, tx: PrivateTx, height: int) -> None:
        """Once, and again while it stays due."""
        data = wire(tx)
        if height < self._sent.get(data, -AGAIN) + AGAIN:
            return
        self._sent = {key: at for key, at in self._sent.items() if at + 100 > height}
        self._sent[data] = height
        try:
            await asyncio.to_thread(self._chain.send, data)
        except ChiaroError as error:
            self._tell(f"{error.id}: {error}")
        else:
            self._tell(f"sent: {type(tx).__name__} at {height}")

    def _tell(self, text: str) -> None:
        """The same thing once."""
        if text not in self._said:
            if len(self._said) > 1000:
                self._said.clear()
            self._said.add(text)
            self._report(text)
