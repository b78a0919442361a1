"""Three parties swap in a ring through the sealed lane of four validators, one of them faulty.

The validators are real: each executes every block over a store of its own, keeps its secrets, makes
its shares; `World` says where. Proofs are real, the solver is a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from node.cli import demo_steps
from node.cli.demo_facts import Checked, Step, units
from node.cli.demo_intents_facts import (
    BUNDLE,
    VALIDATORS,
    AuditFacts,
    IntentsFacts,
    KilledFacts,
    Moment,
    PartyFacts,
    SettledFacts,
)
from node.cli.demo_intents_people import GIVEN, UNIT, Party, ring, wire
from node.cli.demo_intents_world import SimulatedWorld, World
from node.cli.demo_run import DemoFailed, versions
from node.cli.demo_steps import Say
from node.cli.output import Report

if TYPE_CHECKING:
    from circuits.keys import KeyStore
    from node.core.block import Receipt
    from node.core.genesis import Allocation
    from node.core.intent import Intent
    from node.lane.layout import Live
    from shielded.build import Prove


@dataclass(slots=True)
class Way:
    """A party's way so far."""

    party: Party
    shielded: int = 0
    funded: int = 0
    ordered: int = 0
    fee: int = 0
    size: int = 0
    intent: Intent | None = None
    spent: tuple[str, ...] = ()
    before: tuple[tuple[str, int], ...] = ()


class IntentsRun:
    """One demonstration.

    Args:
        folder: an empty folder, for the bundle and its audit.
        tell: called with each step when it is done.
        bar: progress of long work, for people.
    """

    def __init__(self, folder: Path, tell: Callable[[Step], None], bar: Report) -> None:
        self.folder = folder
        self.tell = tell
        self.bar = bar
        self.steps: list[Step] = []
        self.height = 0
        self.killed: KilledFacts | None = None
        self._moments: list[Moment] = []

    def __call__(self) -> IntentsFacts:
        """Run it.

        Raises:
            DemoFailed: something is not as it must be.
            ChiaroError: what a step met.
        """
        began, started_ms = time.perf_counter(), time.time_ns() // 1_000_000
        self.ways = [Way(party) for party in ring()]
        with self._step("chain", "A chain begins") as say:
            self._found()
            say(f"{VALIDATORS} validators, one of them faulty; nobody has a key yet")
        with self._step("key", "The proving key is loaded") as say:
            prove, built = self._prover()
            say("built from its seed, and cached" if built else "from the cache")
        self._shield(prove)
        with self._step("generate", "The validators make a key") as say:
            self._until(self._has_key)
            say(f"on chain, in four rounds; any {self._needed} of them open, fewer do not",
                self.height)  # fmt: skip
        self._fund(prove)
        self._order(prove)
        self._after_order()
        self._close()
        self._after_close()
        live = self._open()
        settled = self._settle(live)
        with self._step("find", "The wallets find their notes") as say:
            self._check_wallets()
            say("by scanning every output; each has what it wanted")
        checks = self._check(live)
        audit = self._audit()
        checks.append(
            Checked("audit", audit.clean, "", "the exported chain holds, whoever checks it")
        )
        return IntentsFacts(
            chain_id=self.genesis.chain_id.hex(),
            started_ms=started_ms,
            seconds=time.perf_counter() - began,
            validators=VALIDATORS,
            needed=self._needed,
            epoch=live.epoch,
            domain=self.world.domain.name,
            number=live.number,
            steps=tuple(self.steps),
            parties=tuple(map(_party, self.ways)),
            moments=tuple(self._moments),
            fault=self.world.fault(),
            settled=settled,
            audit=audit,
            checks=tuple(checks),
            versions=versions(),
            killed=self.killed,
        )

    # --- scenes ------------------------------------------------------------------------------

    def _step(self, id_: str, title: str) -> AbstractContextManager[Say]:
        return demo_steps.step(self.steps, self.tell, id_, title)

    def _found(self) -> None:
        """Genesis, validators, and a solver with some of the native kind."""
        from circuits.keys import KeyStore
        from node.core.genesis import Allocation
        from node.core.ids import NATIVE
        from node.testing.cluster import market
        from private_exec.parameters import Parameters

        self._keys = KeyStore()
        self.solver = market.trader(0)
        people = (item for way in self.ways for item in way.party.allocations)
        solver = Allocation(self.solver.account, NATIVE, UNIT)
        self.world = self._make_world((*people, solver), self._keys)
        self.genesis = self.world.genesis
        self.services = market.services_of(self.genesis, self.world.verifier)
        self.sealer = market.Sealer(self.genesis, self.world.domain.number, gas_cap=1)
        self._needed = Parameters.of_equals(VALIDATORS).quorum

    def _make_world(self, allocations: Sequence[Allocation], keys: KeyStore) -> World:
        return SimulatedWorld(allocations, keys)

    def _prover(self) -> tuple[Prove, bool]:
        from shielded.action import STATEMENT
        from shielded.build import statement_prover

        built: list[str] = []

        def loading(phase: str, share: float) -> None:
            built.append(phase)
            self.bar(phase, share)

        profile = self.genesis.profile
        self._keys.proving_key(STATEMENT, profile, loading)
        return statement_prover(keys=self._keys, profile=profile), bool(built)

    def _shield(self, prove: Prove) -> None:
        chain_id, fee = self.genesis.chain_id, 2 * self.genesis.parameters.fee_floor
        with self._step("shield", "Three parties shield") as say:
            expiry = self.height + self.world.life
            txs = [wire(w.party.shield(chain_id, expiry, fee, prove)) for w in self.ways]
            self.world.submit(*txs)
            for way, tx in zip(self.ways, txs, strict=True):
                way.shielded = self._included(tx)
            for way in self.ways:
                way.before = way.party.balances
            say("gold, silver and copper, in the light once more", self.height)

    def _fund(self, prove: Prove) -> None:
        """The fee is the same for all three, so it says nothing about who is who."""
        from private_exec.envelope import SIZE_CLASSES

        chain_id, fee = self.genesis.chain_id, 2 * self.genesis.parameters.fee_floor
        with self._step("fund", "One-time accounts get the fee") as say:
            due = self.sealer.fee(SIZE_CLASSES.index(2560))
            expiry = self.height + self.world.life
            txs = [wire(w.party.fund(chain_id, expiry, fee, due, prove)) for w in self.ways]
            self.world.submit(*txs)
            for way, tx in zip(self.ways, txs, strict=True):
                way.funded, way.fee = self._included(tx), due
            say(f"{units(due, 'native')} each, out of the parties’ notes", self.height)

    def _order(self, prove: Prove) -> None:
        from node.lane import ordering
        from shielded.transaction import Scope

        chain_id = self.genesis.chain_id
        with self._step("order", "Three intents are ordered") as say:
            slot = ordering.slot(
                self.genesis, self.world.domain.number, self.world.history.state, self.height + 1
            )
            scope = Scope(self.world.domain.number, slot.epoch)
            for way in self.ways:
                expiry = self.height + self.world.life
                way.intent = way.party.intend(chain_id, expiry, scope, prove)
                way.spent = _nullifiers(way.intent, chain_id)
            self._until(lambda: self.world.fresh(self.height))
            txs = [self._sealed(way) for way in self.ways]
            self.world.submit(*txs)
            for way, tx in zip(self.ways, txs, strict=True):
                way.size, way.ordered = len(tx), self._included(tx)
            heights = {way.ordered for way in self.ways}
            self._moment("ordered", "ordered", min(heights))
            say(f"sealed, {self.ways[0].size:,} bytes each, all of one length", max(heights))

    def _sealed(self, way: Way) -> bytes:
        """The intent of a party, sealed and paid for by the account that nobody knows."""
        import secrets

        if way.intent is None:
            raise DemoFailed(f"{way.party.name} wants nothing")
        return self.sealer.seal(
            self.world.history.state,
            self.height + 1,
            way.intent.to_bytes(),
            way.party.one_time,
            secrets.token_bytes(32),
        )

    def _after_order(self) -> None:
        """What else happens then: nothing."""

    def _close(self) -> None:
        """The batch closes; its block is final."""
        from node.lane import layout
        from node.lane.layout import Stage

        with self._step("close", "The batch is closed") as say:
            self._until(lambda: self._stage() in {Stage.CLOSED, Stage.SOLVING})
            (live,) = layout.live(self.world.history.state)
            self._moment("closed", "closed and final", live.closed)
            say("its order is final, and nobody has read it", live.closed)

    def _after_close(self) -> None:
        """What else happens then: nothing."""

    def _open(self) -> Live:
        """The validators' shares open it."""
        from node.lane import layout
        from node.lane.layout import OK, Stage

        with self._step("open", "The validators open it") as say:
            self._until(lambda: self._stage() is Stage.SOLVING)
            (live,) = layout.live(self.world.history.state)
            fates = layout.fates(self.world.history.state, live.ref)
            if fates != (OK,) * len(self.ways):
                raise DemoFailed(f"the intents were opened as {', '.join(fates)}")
            self._moment("opened", "opened", self.height)
            fault = self.world.fault()
            say(f"shares of {fault.name} were found to be wrong, and left out", self.height)
        return live

    def _settle(self, live: Live) -> SettledFacts:
        from node.core.block import Transaction
        from node.intents.check import check_settlement
        from node.intents.solvers.problem import pose
        from node.intents.worker import Limits, run_solver
        from node.lane import layout, settled, view
        from node.testing.cluster import market
        from shielded.transaction import ShieldedTx

        state = self.world.history.state
        with self._step("solve", "A solver finds the ring") as say:
            began = time.perf_counter()
            where = view.view(state, live.scope, live.height, self.services)
            batch = view.opened(state, live, self.genesis.chain_id)
            problem, _ = pose(batch, where, self.services.registry)
            found = run_solver("cycles", problem, limits=Limits(seconds=60))
            seconds = time.perf_counter() - began
            outcome = check_settlement(batch, found, where, self.services.registry)
            tx = market.submit(self.services, live, found, self.solver, len(self.ways))
            self.world.submit(tx)
            submitted = self._included(tx)
            self._moment("solved", "solved", submitted)
            say(f"one component of {len(found.intents)} intents, score {outcome.score}", submitted)
        with self._step("settle", "The batch is settled") as say:
            self._until(lambda: not layout.live(self.world.history.state))
            self._moment("settled", "settled", self.height)
            block = self.world.history.final[self.height][0]
            receipts = self.world.history.receipts(self.height)
            carried = [
                wired
                for data, receipt in zip(block.txs, receipts, strict=True)
                for wired in settled.transactions(data, receipt)
            ]
            if len(carried) != 1:
                raise DemoFailed(f"the settlement carried out {len(carried)} transactions")
            done = ShieldedTx.from_bytes(Transaction.from_bytes(carried[0]).payload)
            say("one shielded transaction of all three; none of them signs it alone", self.height)
        return SettledFacts(
            solver=self.solver.account.hex(),
            tx_id=done.id.hex(),
            actions=len(done.actions),
            size=len(carried[0]),
            score=str(outcome.score),
            solve_seconds=seconds,
            nullifiers=tuple(f"{value:064x}" for value in done.nullifiers),
            commitments=tuple(f"{value:064x}" for value in done.commitments),
        )

    def _check_wallets(self) -> None:
        for way in self.ways:
            held, party = dict(way.party.balances), way.party
            if held != {party.gives: dict(way.before)[party.gives] - GIVEN, party.wants: GIVEN}:
                raise DemoFailed(f"{party.name} does not have what it wanted")

    # --- what is true at the end -------------------------------------------------------------

    def _check(self, live: Live) -> list[Checked]:
        from node.cli.demo_intents_checks import checks

        with self._step("check", "An observer checks the chain") as say:
            found = checks(self.world, self.ways, live, self._moments)
            say(f"{sum(item.ok for item in found)} of {len(found)} checks hold", self.height)
        return found

    def _audit(self) -> AuditFacts:
        """What anyone can do with the file alone."""
        from circuits.key_registry import Registry
        from node.audit.export import export
        from node.audit.perform import Options, perform
        from node.audit.sources import FolderSource, bundle_in

        registry, path = Registry.load(), self.folder / BUNDLE
        with self._step("audit", "The chain is audited") as say:
            began = time.perf_counter()
            source = FolderSource(self.world.history.store, self.genesis, "demo", None)
            exported = export(source, path, registry)
            options = Options(registry, folder=self.folder / "audit", fresh=True)
            report = perform(lambda: bundle_in(path), options)
            seconds = time.perf_counter() - began
            say(
                f"{exported.height} blocks executed again, every proof verified: "
                + ("everything holds" if report.valid else "NOT VALID")
            )
        return AuditFacts(exported.height, exported.size, report.valid, seconds)

    # --- the chain ---------------------------------------------------------------------------

    def _advance(self) -> None:
        """One more height; the wallets look through it."""
        from shielded.env import root_key

        if self.height >= self.world.most:
            raise DemoFailed(f"the story is not over at height {self.height}")
        self.height += 1
        self.world.run_to(self.height)
        history = self.world.history
        block, receipts = history.final[self.height][0], history.receipts(self.height)
        root = history.state_at(self.height).get(root_key(self.height))
        if root is None:
            raise DemoFailed("the chain has no note tree")
        for way in self.ways:
            way.party.scan(block, receipts, int.from_bytes(root, "little"))

    def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            self._advance()

    def _included(self, tx: bytes) -> int:
        """The height whose block has it. Raises DemoFailed where it was refused."""
        while True:
            for height in range(1, self.height + 1):
                block = self.world.history.final[height][0]
                if tx in block.txs:
                    receipt: Receipt = self.world.history.receipts(height)[block.txs.index(tx)]
                    if not receipt.ok:
                        raise DemoFailed(f"refused by {receipt.code}: {receipt.message}")
                    return height
            self._advance()

    def _has_key(self) -> bool:
        from node.lane import layout

        return layout.key_of(self.world.history.state, self.world.domain.number, 0) is not None

    def _stage(self) -> object:
        from node.lane import layout

        found = layout.live(self.world.history.state)
        return found[0].stage if found else None

    def _moment(self, id_: str, title: str, height: int) -> None:
        header = self.world.history.final[height][0].header
        self._moments.append(Moment(id_, title, height, header.time_ms - self.genesis.time_ms))


def _nullifiers(intent: Intent, chain_id: bytes) -> tuple[str, ...]:
    from node.core.ids import ChainId
    from node.intents.swap import SwapSchema

    terms = SwapSchema().parse(intent, ChainId(chain_id))
    return tuple(f"{value:064x}" for value in terms.frame.nullifiers)


def _party(way: Way) -> PartyFacts:
    party = way.party
    return PartyFacts(
        name=party.name,
        gives=party.gives,
        give=GIVEN,
        wants=party.wants,
        want=GIVEN,
        public=party.public.account.hex(),
        one_time=party.one_time.account.hex(),
        fee=way.fee,
        shielded=way.shielded,
        funded=way.funded,
        ordered=way.ordered,
        size=way.size,
        spent=way.spent,
        before=way.before,
        after=party.balances,
    )
