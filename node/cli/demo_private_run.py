"""Quadratic funding with hidden donations, on a chain; then an auction and a dark pool.

A node, four members and five donors' wallets do what users' commands do: members are processes,
one of which lies and another of which is killed; proofs are real. What the roles saw is read back
from the chain, from members' traces and, at the end, from their folders.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli import demo_steps, wallet_private
from node.cli.demo_facts import Step, units
from node.cli.demo_intents_facts import BUNDLE, AuditFacts
from node.cli.demo_private_batch import BASE, BatchRun
from node.cli.demo_private_facts import (
    KILLED,
    LIAR,
    MEMBERS,
    PROOF,
    ClaimFacts,
    DonorFacts,
    OutageFacts,
    PrivateFacts,
    ProjectFacts,
    RoundFacts,
)
from node.cli.demo_private_people import METAL, PROFILE, PROJECTS, UNIT, donors, listed
from node.cli.demo_private_sale import SaleRun
from node.cli.demo_private_session import leaks, proof_document
from node.cli.demo_private_traces import liar, links, member
from node.cli.demo_private_world import READERS, STEP, PrivateWorld, shares_of
from node.cli.demo_run import DemoFailed, versions
from node.cli.demo_steps import Say
from node.cli.output import Report
from node.cli.session import Places

if TYPE_CHECKING:
    from node.cli.wallet_private import Provers
    from node.rpc.private_schema import RoundView
    from private_exec.committee.participant import EpochSecrets

POOL: Final = 12 * UNIT
LEAST: Final = 3
DONATE_FOR: Final = 12
_STANDS_S: Final = 1.5
"""So long nothing moves, to say that it stands."""


@dataclass
class PrivateRun:
    """One demonstration.

    Args:
        folder: an empty folder, for chain, wallets and members.
        tell: called with each step when it is done.
        bar: progress of long work, for people.
    """

    folder: Path
    tell: Callable[[Step], None]
    bar: Report
    steps: list[Step] = field(default_factory=list)

    def __call__(self) -> PrivateFacts:
        """Run it. Whatever was started is stopped however this ends.

        Raises:
            DemoFailed: something is not as it must be.
            ChiaroError: what a step met.
        """
        from node.cli.demo_private_checks import checks

        began, started_ms = time.perf_counter(), time.time_ns() // 1_000_000
        with ExitStack() as stack:
            with self._step("chain", "A chain begins") as say:
                self.world = PrivateWorld(self.folder)
                stack.callback(self.world.close)
                say("a node of its own, blocks on demand")
            self._declare()
            with self._step("wallets", "Five donors make wallets") as say:
                self.people = donors(Places.of(str(self.folder)), stack)
                prove = wallet_private.provers(PROFILE, wallet_private.DONATE, self.bar)
                say("all on one list, of which each may give once")
            with self._step("generate", "The members make keys") as say:
                self.world.make_keys()
                say("on chain, in three rounds; nobody has all of them", self.world.height)
            self._shield(prove)
            self._open_round()
            self._donate(prove)
            outage = self._outage()
            self._open()
            settled, rest = self._settle()
            claim = self._claim(prove)
            sale = SaleRun(self.world, self.people, prove, self._step)
            sale()
            batch = BatchRun(self.world, self.people, self._provider, self._fee, prove, self._step)
            batch()
            self.world.stop_members()
            secrets = {m: self.world.secrets_of(m) for m in range(1, MEMBERS + 1)}
            given = self._read(secrets)
            bids, orders = shares_of(secrets, sale.reads), shares_of(secrets, batch.reads)
            supply = self.world.client.supply()
            blocks = [block for _, block, *_ in self.world.client.raw(1, self.world.height)]
            audit = self._audit()
            traces = {member: self.world.trace(member) for member in range(1, MEMBERS + 1)}
            auction, pool = sale.facts(traces, bids), batch.facts(traces, orders)
            (self.folder / PROOF).write_bytes(proof_document(sale.result()[1]))
        facts = PrivateFacts(
            chain_id=self.world.genesis.chain_id.hex(),
            started_ms=started_ms,
            seconds=time.perf_counter() - began,
            steps=tuple(self.steps),
            members=tuple(
                member(number, self._keys[number - 1].account.hex(), trace)
                for number, trace in traces.items()
            ),
            links=links(traces),
            liar=liar(traces),
            outage=outage,
            donors=given,
            round=self._round(settled, rest),
            claim=claim,
            auction=auction,
            pool=pool,
            leaks=leaks(),
            audit=audit,
            checks=(),
            versions=versions(),
        )
        return replace(facts, checks=checks(facts, blocks, supply))

    # --- scenes ------------------------------------------------------------------------------

    def _step(self, id_: str, title: str) -> AbstractContextManager[Say]:
        return demo_steps.step(self.steps, self.tell, id_, title)

    def _declare(self) -> None:
        """Somebody declares a committee; its members start."""
        import secrets

        from transparent.signature import SigningKey

        with self._step("declare", "A committee is declared") as say:
            self._provider = SigningKey(secrets.token_bytes(32))
            self._fee = 20 * self.world.genesis.parameters.fee_floor
            self.world.client.faucet(self._provider.account, POOL + UNIT)
            self._keys = self.world.declare(self._provider, self._fee)
            for member in range(1, MEMBERS + 1):
                self.world.start(member)
            say(f"{MEMBERS} members, a process each; member {LIAR} will lie", self.world.height)

    def _shield(self, prove: Provers) -> None:
        with self._step("shield", "Five donors shield") as say:
            for person in self.people:
                person.shield(self.world.client, prove.action)
            for person in self.people[1:3]:  # who will sell
                person.shield(self.world.client, prove.action, METAL, BASE)
            say("into notes; these amounts are public once more", self.world.height)

    def _open_round(self) -> None:
        """The provider locks a pool for two projects."""
        import secrets

        from node.core.ids import NATIVE, Height
        from node.private.paid import Head, RoundTx, sign_taking
        from node.private.payload import wire
        from node.private.terms import Project, Terms
        from transparent.signature import SigningKey

        with self._step("round", "A pool waits for donations") as say:
            projects = tuple(
                Project(SigningKey(secrets.token_bytes(32)).account, 0) for _ in PROJECTS
            )
            self._members_list = listed(self.people)
            close = self.world.height + 1 + DONATE_FOR
            self.terms = Terms(
                self.world.committee, 0, NATIVE, POOL, self._members_list.tree.root, projects,
                LEAST, close, close + 2 * STEP, close + 4 * STEP,
            )  # fmt: skip
            chain_id, expiry = self.world.genesis.chain_id, Height(self.world.height + 20)
            head = Head(chain_id, self._fee, expiry, self._provider.account)
            tx = sign_taking(RoundTx(head, self.terms), self._provider)
            self._created, self.identity = self.world.send(wire(tx)), bytes(tx.id)
            say(f"{units(POOL, 'native')}, for {' and '.join(PROJECTS)}", self._created)

    def _donate(self, prove: Provers) -> None:
        """Nobody sees how much. A member is killed meanwhile."""
        with self._step("donate", "Five give in the dark") as say:
            self.world.kill(KILLED)
            self._killed = self.world.height
            for person in self.people:
                person.give(self.world.client, self.identity, self.terms, self._members_list, prove)
            say(f"the chain shows no amount; member {KILLED} is killed", self.world.height)

    def _outage(self) -> OutageFacts:
        """One is away and one lies: two of four can do nothing. Then it comes back."""
        with self._step("stand", "One is gone, and one lies") as say:
            self.world.to(self.terms.close + STEP // 2)
            self.world.until(self._spoken, "members that speak")
            time.sleep(_STANDS_S)
            stood = self.world.height
            waiting = self._statuses().count("pending")
            say(f"two honest members accept nothing: {waiting} donations wait", stood)
        with self._step("return", "The killed member comes back") as say:
            self.world.start(KILLED)
            everything = ["accepted"] * len(self.people)
            self.world.until(lambda: self._statuses() == everything, "acceptances")
            back = self.world.height
            say("with what is on its disk; all donations are cells now", back)
        return OutageFacts(KILLED, self._killed, stood, waiting, back)

    def _open(self) -> None:
        """Behind the last acceptance members open sums, and nothing else."""
        with self._step("open", "The members open two sums") as say:
            self.world.to(self.terms.accept)
            self.world.until(lambda: self._view().status == "opened", "sums")
            self._opened = self.world.height
            say(f"of {PROJECTS[0]}; one gift to {PROJECTS[1]} stays closed", self._opened)

    def _settle(self) -> tuple[int, int]:
        """Height, and what goes back to the provider."""
        from node.core.ids import NATIVE
        from node.private.messages import SettleTx
        from node.private.payload import wire

        with self._step("settle", "The round is settled") as say:
            before = self.world.client.account(self._provider.account).balance(NATIVE)
            height = self.world.send(wire(SettleTx(self.identity)))
            after = self.world.client.account(self._provider.account).balance(NATIVE)
            self._projects = self._view().projects
            say(f"what is paid follows from the sums; {units(after - before)} go back", height)
        return height, after - before

    def _claim(self, prove: Provers) -> ClaimFacts:
        """The gift that was never opened goes back, and nobody is asked."""
        person = self.people[-1]
        with self._step("claim", f"{person.name} takes hers back") as say:
            before = person.spendable
            done = person.take_back(self.world.client, self.identity, self.terms, prove)
            gained = person.spendable - before
            if done.height is None or gained != person.amount - done.fee:
                raise DemoFailed(f"{person.name} got {gained} back")
            say("into a note, and no amount is shown", done.height)
        return ClaimFacts(person.name, person.amount, done.fee, done.height)

    def _read(self, secrets: Mapping[int, EpochSecrets]) -> tuple[DonorFacts, ...]:
        """What is in members' folders: of one of them nothing, of two everything."""
        from node.rpc.text import bytes_of
        from private_exec.committee.cells import cell_id
        from private_exec.sharing import interpolate

        client, found = self.world.client, []
        with self._step("read", "Two members’ folders are read") as say:
            items = client.private_inputs(self.identity).inputs
            for person, item in zip(self.people, items, strict=True):
                view = client.private_cell(cell_id(bytes_of(item.id, 32), 1))
                own = {member: held[0] for member, held in shares_of(secrets, [view]).items()}
                operation = person.given
                if operation is None or operation.tx_id is None:
                    raise DemoFailed(f"{person.name} gave nothing")
                sent = client.transaction(operation.tx_id)
                found.append(
                    DonorFacts(
                        name=person.name,
                        project=PROJECTS[person.project],
                        amount=person.amount,
                        height=item.height,
                        size=len(bytes_of(sent.tx or "0x")),
                        masked=f"{int(view.c):064x}",
                        shares=tuple(f"{own[m]:064x}" for m in sorted(own)),
                        read=interpolate(list(READERS), [own[m] for m in READERS], 0),
                        status=item.status,
                    )
                )
            say("together they give every amount: t + 1 who agree read all")
        return tuple(found)

    def _audit(self) -> AuditFacts:
        """What anyone can do with the file alone."""
        from circuits.key_registry import Registry
        from node.audit.export import export
        from node.audit.perform import Options, perform
        from node.audit.sources import NodeSource, bundle_in

        registry, path = Registry.load(), self.folder / BUNDLE
        with self._step("audit", "The chain is audited") as say:
            began = time.perf_counter()
            exported = export(NodeSource(self.world.client, None), path, registry)
            options = Options(registry, folder=self.folder / "audit", fresh=True)
            report = perform(lambda: bundle_in(path), options)
            seconds = time.perf_counter() - began
            verdict = "everything holds" if report.valid else "NOT VALID"
            say(f"{exported.height} blocks executed again, every proof verified: {verdict}")
        return AuditFacts(exported.height, exported.size, report.valid, seconds)

    # --- what is read back -------------------------------------------------------------------

    def _view(self) -> RoundView:
        return self.world.client.private_round(self.identity)

    def _statuses(self) -> list[str]:
        return [item.status for item in self.world.client.private_inputs(self.identity).inputs]

    def _spoken(self) -> bool:
        """Whether everybody who is there has heard the others who are."""
        there = [m for m in range(1, MEMBERS + 1) if m != KILLED]
        since = {m: {line["from"] for line in self.world.trace(m).heard} for m in there}
        return all(set(there) - {m} <= heard for m, heard in since.items())

    def _round(self, settled: int, rest: int) -> RoundFacts:
        projects = tuple(
            ProjectFacts(
                name,
                project.donations,
                None if project.roots is None else int(project.roots),
                None if project.total is None else int(project.total),
                None if project.payout is None else int(project.payout),
            )
            for name, project in zip(PROJECTS, self._projects, strict=True)
        )
        return RoundFacts(
            id=self.identity.hex(),
            pool=POOL,
            least=LEAST,
            created=self._created,
            closed=self.terms.close,
            accepted=self.terms.accept,
            opened=self._opened,
            settled=settled,
            rest=rest,
            projects=projects,
        )
