"""Intents on a chain with a sealed lane, made by accounts and wallets that everybody can derive.

account i    RICH of the native kind and WEALTH of each metal
wallet i     after `fund`: one note of NOTE of METALS[i]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from node.app import assembly
from node.core.block import Receipt, Transaction
from node.core.effects import Crossing
from node.core.genesis import Allocation, Parameters, StatementKey
from node.core.ids import NATIVE, AccountId, ChainId, EnvironmentId, Height, Kind
from node.core.intent import Intent
from node.core.interfaces import ProofVerifier
from node.execution.executor import Executor
from node.intents.batch import Batch
from node.intents.limit import LimitOrder, sign_order
from node.intents.settlement import Settlement
from node.intents.solvers import standard
from node.intents.solvers.problem import pose
from node.intents.swap import swap_terms
from node.intents.view import View
from node.intents.worker import seed_of
from node.lane import layout, payload
from node.lane import view as views
from node.lane.env import LaneEnvironment
from node.lane.layout import Live, Stage
from node.lane.payload import SubmitTx
from node.testing.lane import LaneChain, entropy, lane_genesis, payers
from node.testing.ledger import FEE, Believes, envelope
from shielded import plan as plans
from shielded.build import Prove, build, build_part
from shielded.env import TREE_KEY, ShieldedEnvironment
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan
from shielded.scan import ScannedBlock
from shielded.transaction import Mode, Scope, ShieldedTx
from shielded.tree import NoteTree
from shielded.wallet import WalletState
from transparent.accounts import Ledger
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from transparent.transaction import Transfer, sign
from zk.curve.bn254 import G1_GENERATOR, G2_GENERATOR
from zk.groth16.keys import Proof
from zk.hash import domains

APP: Final = b"market".ljust(29, b"\0")
GOLD, SILVER, COPPER = (Kind(0, domains.asset_label(n)) for n in ("gold", "silver", "copper"))
METALS: Final = (GOLD, SILVER, COPPER)
WEALTH: Final = 1000
NOTE: Final = 100
SCOPE: Final = Scope(0, 0)
_NO_PROOF: Final = Proof(G1_GENERATOR, G2_GENERATOR, G1_GENERATOR)


def unproved(*_: object) -> Proof:
    """UNSAFE: makes proofs that prove nothing, for verifiers that believe."""
    return _NO_PROOF


class Market:
    """A chain with orders and swaps; keys of both domains are made.

    Args:
        n: validators.
        verifier: of proofs; default: believes all.
        prove: makes them.
        parameters: of the chain.
        chain: of another market, to go on from there.
        statements: that the chain verifies, where somebody will look at its proofs.
    """

    def __init__(
        self,
        n: int = 1,
        *,
        verifier: ProofVerifier | None = None,
        prove: Prove = unproved,
        parameters: Parameters | None = None,
        chain: LaneChain | None = None,
        statements: tuple[StatementKey, ...] = (),
    ) -> None:
        self.accounts: Final = payers()
        allocations = [
            Allocation(key.account, kind, WEALTH) for key in self.accounts for kind in METALS
        ]
        genesis = lane_genesis(
            n, allocations=allocations, parameters=parameters, statements=statements
        )
        self.chain: Final = chain or LaneChain(n, genesis=genesis, verifier=verifier)
        self._verifier: Final = verifier or Believes()
        self._prove: Final = prove
        self._plans = 0
        self.keys: Final = [SpendingKey.from_seed(entropy("wallet", i) * 2) for i in range(3)]
        self.wallets = [WalletState(key.full_viewing_key) for key in self.keys]
        environments = assembly.environments(genesis)
        shielded = environments[EnvironmentId.SHIELDED]
        if not isinstance(shielded, ShieldedEnvironment):
            raise TypeError("the chain has no shielded environment")
        self.services: Final = LaneEnvironment(
            genesis,
            Executor(genesis, environments, self._verifier),
            self._verifier,
            shielded,
        ).services
        if chain is None:
            self.chain.make_key(0)
            self.chain.make_key(1)

    def copy(self) -> Market:
        """The same chain, to go on another way; wallets begin anew."""
        return Market(
            len(self.chain.validators),
            verifier=self._verifier,
            prove=self._prove,
            parameters=self.chain.genesis.parameters,
            chain=self.chain.copy(),
        )

    def block(self, *txs: bytes) -> tuple[Receipt, ...]:
        """An honest block; wallets do not look at it."""
        return self.chain.step(*txs)

    def balance(self, who: SigningKey | AccountId, kind: Kind = NATIVE) -> int:
        account = who.account if isinstance(who, SigningKey) else who
        return Ledger(self.chain.state).balance(account, kind)

    # INTENTS

    def order(
        self,
        who: int,
        sell: Kind,
        amount: int,
        buy: Kind,
        price: tuple[int, int] = (1, 1),
        *,
        partial: bool = True,
        fee: int = 0,
        nonce: int = 1,
        expiry: int | None = None,
    ) -> Intent:
        """A limit order of an account."""
        key = self.accounts[who]
        return sign_order(
            key,
            self.chain.genesis.chain_id,
            APP,
            LimitOrder(key.account, sell, amount, buy, *price, partial),
            expiry=Height(self.chain.height + 40 if expiry is None else expiry),
            fee=fee,
            nonce=nonce.to_bytes(32, "big"),
        )

    def payment(
        self, who: int, to: int, amount: int, kind: Kind = NATIVE, *, sequence: int = 0
    ) -> bytes:
        """An ordinary transaction of an account."""
        transfers = (Transfer(self.accounts[to].account, kind, amount),)
        chain_id, expiry = self.chain.genesis.chain_id, Height(self.chain.height + 40)
        tx = sign(self.accounts[who], chain_id, sequence, expiry, FEE, transfers)
        return Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()

    def complete(self, wire: bytes, *, fee: int = FEE, expiry: int | None = None) -> Intent:
        """An ordinary transaction as an intent."""
        height = self.chain.height + 40 if expiry is None else expiry
        return Intent(APP, "complete", wire, Height(height), fee, bytes(32))

    def swap(
        self,
        who: int,
        wants: Kind,
        amount: int = 60,
        give: int = 60,
        *,
        nonce: int = 1,
        scope: Scope | None = SCOPE,
    ) -> Intent:
        """A wallet gives of its own metal for another, to be settled in a batch."""
        own = METALS[who]
        payments = (self._pay(who, amount, wants), self._pay(who, NOTE - give, own))
        plan = self._plan(who, spends=(own,), payments=payments, mode=Mode.PARTY, scope=scope)
        part = build_part(plan, self.keys[who], self._prove)
        terms = swap_terms(part, plan.imbalance())
        return Intent(APP, "swap", terms.to_bytes(), plan.expiry, 0, nonce.to_bytes(32, "big"))

    def ring(self) -> list[Intent]:
        """Gold → silver → copper → gold."""
        return [self.swap(i, METALS[(i + 1) % 3]) for i in range(3)]

    # NOTES

    def fund(self) -> None:
        """Every wallet shields NOTE of its metal, in one block."""
        txs = [self._shield(i) for i in range(3)]
        receipts = self.block(*map(envelope, txs))
        if not all(receipt.ok for receipt in receipts):
            raise ValueError([receipt.code for receipt in receipts])
        self.scan(*txs)

    def scan(self, *txs: ShieldedTx) -> None:
        """These were in the last block, in this order, and took effect."""
        tree = NoteTree.from_bytes(self.chain.state.get(TREE_KEY) or b"")
        found = tuple(tx.scanned for tx in txs)
        for wallet in self.wallets:
            while wallet.height < self.chain.height - 1:
                empty = ScannedBlock(wallet.height + 1, (), wallet.tree.tree().root)
                wallet.scan(empty)
            wallet.scan(ScannedBlock(self.chain.height, found, tree.root))

    def spending(self, who: int, amount: int = 0) -> bytes:
        """An ordinary transaction with a wallet's only note: takes some of it out."""
        own, account = METALS[who], self.accounts[who].account
        values = (Crossing(EnvironmentId.TRANSPARENT, account, own, amount),) if amount else ()
        payments = (self._pay(who, NOTE - amount, own),)
        plan = self._plan(who, spends=(own,), payments=payments, public_values=values)
        return envelope(build(plan, self.keys[who], self._prove))

    def _shield(self, who: int) -> ShieldedTx:
        account = self.accounts[who]
        value = Crossing(EnvironmentId.TRANSPARENT, account.account, METALS[who], -NOTE)
        plan = self._plan(
            who, payments=(self._pay(who, NOTE, METALS[who]),), public_values=(value,)
        )

        def authorize(value: Crossing, digest: bytes) -> bytes:
            return account.sign(crossing_digest(value.account, value.kind, -value.amount, digest))

        return build(plan, self.keys[who], self._prove, authorize=authorize)

    def _pay(self, who: int, amount: int, kind: Kind) -> Payment:
        return Payment(self.keys[who].full_viewing_key.address(0), amount, kind)

    def _plan(self, who: int, *, spends: Sequence[Kind] = (), **parts: object) -> Plan:
        self._plans += 1
        wallet = self.wallets[who]
        notes = [n for n in wallet.notes if n.note.kind in spends and not n.spent]
        paths = wallet.spend_context(notes).paths
        return Plan(
            entropy("plan", self._plans),
            self.chain.genesis.chain_id,
            wallet.tree.tree().top,
            Height(self.chain.height + 40),
            spends=tuple(plans.spend(n, path) for n, path in zip(notes, paths, strict=True)),
            **parts,  # type: ignore[arg-type]
        )

    # BATCHES

    def seal(self, *intents: Intent, gas_cap: int = 4, domain: int = 0) -> tuple[Receipt, ...]:
        """One block that orders these intents, paid by accounts in turn."""
        return self.block(
            *(
                self.chain.seal(
                    item.to_bytes(),
                    domain=domain,
                    gas_cap=gas_cap,
                    payer=self.accounts[number % len(self.accounts)],
                )
                for number, item in enumerate(intents)
            )
        )

    def opened(self, *intents: Intent, gas_cap: int = 4) -> Live:
        """Order these, close, open; the batch is to be solved from the next block on."""
        self.seal(*intents, gas_cap=gas_cap)
        return self.open()

    def open(self) -> Live:
        """Go on until the first batch of domain 0 is opened."""
        while not (found := [x for x in self.chain.live() if x.stage is Stage.SOLVING]):
            self.block()
        return found[0]

    def view(self, live: Live) -> View:
        """Where it settles, as solvers see it."""
        return views.view(self.chain.state, live.scope, live.height, self.services)

    def batch(self, live: Live) -> Batch:
        """What of it can be settled."""
        return views.opened(self.chain.state, live, self.chain.genesis.chain_id)

    def solve(self, live: Live) -> Settlement:
        """What this package's solver finds."""
        batch = self.batch(live)
        problem, _ = pose(batch, self.view(live), self.services.registry)
        return problem.settlement(standard.solve(problem, seed_of(problem.batch_id)))

    def submission(
        self,
        live: Live,
        settlement: Settlement | bytes,
        *,
        solver: int = 3,
        fee: int = 50_000,
        expiry: int | None = None,
        chain_id: ChainId | None = None,
    ) -> bytes:
        """A solver's transaction."""
        key = self.accounts[solver]
        data = settlement if isinstance(settlement, bytes) else settlement.to_bytes()
        tx = SubmitTx(
            chain_id or self.chain.genesis.chain_id,
            live.domain,
            live.number,
            key.account,
            fee,
            Height(live.height if expiry is None else expiry),
            data,
        )
        return payload.wire(replace(tx, signature=key.sign(tx.digest)))

    def story(self) -> Receipt:
        """Three swaps in a ring, two orders, a payment that was sealed: all settled; the end's."""
        gold, silver, _ = METALS
        live = self.opened(
            *self.ring(),
            self.order(0, gold, 10, silver),
            self.order(1, silver, 10, gold),
            self.complete(self.payment(2, 3, 7)),
        )
        self.block(self.submission(live, self.solve(live)))
        return self.end(live)[0]

    def end(self, live: Live) -> tuple[Receipt, ...]:
        """Go on until the batch is over; receipts of the block that ended it."""
        receipts: tuple[Receipt, ...] = ()
        while layout.live_batch(self.chain.state, live.domain, live.number) is not None:
            receipts = self.block()
        return receipts
