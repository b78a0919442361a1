"""A chain with four kinds, three shielded wallets and some accounts, to settle batches on."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from node.core.block import Transaction
from node.core.effects import Crossing
from node.core.genesis import Allocation, Genesis
from node.core.ids import NATIVE, EnvironmentId, Height, Kind
from node.core.intent import Intent
from node.core.interfaces import TxContext
from node.execution.executor import Executor
from node.intents.batch import Batch
from node.intents.complete import CompleteSchema
from node.intents.limit import LimitOrder, LimitSchema, sign_order
from node.intents.schema import Registry
from node.intents.solvers.problem import pose
from node.intents.swap import SwapSchema, swap_terms
from node.intents.view import View
from shielded import plan as plans
from shielded.build import build, build_part
from shielded.env import TREE_KEY, ShieldedEnvironment
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan
from shielded.scan import ScannedBlock
from shielded.transaction import Mode
from shielded.tree import NoteTree
from shielded.wallet import WalletState
from transparent.accounts import Ledger
from transparent.env import TransparentEnvironment
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from transparent.transaction import Transfer, sign
from zk.hash import domains

ROOT = Path(__file__).resolve().parents[2]
APP = b"market".ljust(29, b"\0")
GOLD, SILVER, COPPER = (Kind(0, domains.asset_label(n)) for n in ("gold", "silver", "copper"))
METALS = (GOLD, SILVER, COPPER)


def shielded_tools():
    """The tools of the shielded transaction's tests: a state in memory, a prover that is a stub."""
    path = ROOT / "shielded" / "transaction" / "conftest.py"
    spec = importlib.util.spec_from_file_location("shielded_transaction_tools", path)
    module = sys.modules.get(spec.name)
    if module is None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module


class Market:
    """Everything that a test of intents starts from.

    Wallet i holds one note of 100 of METALS[i] and one of 20 of the native kind; account i holds
    1000 of every kind. Nothing that a test does changes `state`, except `block`.
    """

    app = APP
    metals = METALS
    native = NATIVE

    def __init__(self, verifier, prove) -> None:
        tools = shielded_tools()
        self.prove, self.verifier = prove, verifier
        self.accounts = [SigningKey.from_seed(b"intents", i) for i in range(9)]
        kinds = (NATIVE, *METALS)
        allocations = [
            Allocation(key.account, kind, 1000) for key in self.accounts for kind in kinds
        ]
        ordered = sorted(allocations, key=lambda a: (a.account, a.kind))
        self.genesis = Genesis("dev", "intents", 0, allocations=tuple(ordered))
        p = self.genesis.parameters
        self.shielded = ShieldedEnvironment(p.max_expiry, p.anchor_window, 16)
        environments = {
            EnvironmentId.TRANSPARENT: TransparentEnvironment(p.max_expiry),
            EnvironmentId.SHIELDED: self.shielded,
        }
        self.executor = Executor(self.genesis, environments, verifier)
        self.state = tools.State()
        self.height = 0
        self._apply(self.executor.genesis())
        self.keys = [SpendingKey.from_seed(bytes(63) + bytes([i])) for i in range(3)]
        self.wallets = [WalletState(key.full_viewing_key) for key in self.keys]
        self.registry = Registry((SwapSchema(), LimitSchema(), CompleteSchema()))

    @property
    def chain_id(self):
        return self.genesis.chain_id

    def _apply(self, writes) -> None:
        for key, value in writes.items():
            if value is None:
                self.state.entries.pop(key, None)
            else:
                self.state.entries[key] = value

    def block(self, *txs):
        """Shielded transactions in a block; wallets scan what took effect."""
        self.height += 1
        wires = [Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes() for tx in txs]
        result = self.executor.execute(wires, self.state, Height(self.height), 0)
        self._apply(result.writes)
        done = [tx.scanned for tx, receipt in zip(txs, result.receipts, strict=True) if receipt.ok]
        root = NoteTree.from_bytes(self.state.get(TREE_KEY)).root
        for wallet in self.wallets:
            wallet.scan(ScannedBlock(self.height, tuple(done), root))
        return result

    def fund(self) -> None:
        """Shield what the wallets start with."""
        self.block(*(self.shield(i) for i in range(3)))

    def pay(self, who: int, amount: int, kind: Kind) -> Payment:
        return Payment(self.keys[who].full_viewing_key.address(0), amount, kind)

    def plan(self, who: int, tag: int, **changes) -> Plan:
        return Plan(
            seed=bytes([who, tag]) * 16,
            chain_id=self.chain_id,
            anchor_children=changes.pop("anchor_children", self.wallets[who].tree.tree().top),
            expiry=changes.pop("expiry", Height(20)),
            **changes,
        )

    def shield(self, who: int):
        account = self.accounts[who]
        values = [
            Crossing(EnvironmentId.TRANSPARENT, account.account, kind, -amount)
            for kind, amount in ((METALS[who], 100), (NATIVE, 20))
        ]
        plan = self.plan(
            who,
            0,
            payments=(self.pay(who, 100, METALS[who]), self.pay(who, 20, NATIVE)),
            public_values=tuple(sorted(values, key=lambda v: v.kind.to_bytes())),
        )

        def authorize(value, digest):
            signed = crossing_digest(value.account, value.kind, -value.amount, digest)
            return account.sign(signed)

        return build(plan, self.keys[who], self.prove, authorize=authorize)

    def spends(self, who: int, *kinds: Kind):
        notes = [n for n in self.wallets[who].notes if n.note.kind in kinds and not n.spent]
        paths = self.wallets[who].spend_context(notes).paths
        return tuple(plans.spend(note, path) for note, path in zip(notes, paths, strict=True))

    def swap_plan(self, who: int, wants: Kind, amount: int = 40, give: int = 60, **changes):
        """Gives `give` of the own metal for `amount` of another; `fee` is offered beside it."""
        own, fee = METALS[who], changes.pop("fee", 0)
        kinds = (own, NATIVE) if fee else (own,)
        payments = [self.pay(who, amount, wants), self.pay(who, 100 - give, own)]
        if fee:
            payments.append(self.pay(who, 20 - fee, NATIVE))
        return self.plan(
            who,
            changes.pop("tag", 1),
            spends=self.spends(who, *kinds),
            payments=tuple(payments),
            mode=changes.pop("mode", Mode.PARTY),
            **changes,
        )

    def swap(self, who: int, wants: Kind, amount: int = 60, give: int = 60, **changes) -> Intent:
        fee, nonce = changes.get("fee", 0), changes.pop("nonce", 1)
        plan = self.swap_plan(who, wants, amount, give, **changes)
        part = build_part(plan, self.keys[who], self.prove)
        payload = swap_terms(part, plan.imbalance()).to_bytes()
        return Intent(APP, "swap", payload, plan.expiry, fee, bytes([nonce]) * 32)

    def ring(self, fee: int = 0) -> list[Intent]:
        """Gold → silver → copper → gold."""
        return [self.swap(i, METALS[(i + 1) % 3], fee=fee) for i in range(3)]

    def order(
        self, who: int, sell: Kind, amount: int, buy: Kind, price=(1, 1), **changes
    ) -> Intent:
        partial = changes.pop("partial", True)
        order = LimitOrder(self.accounts[who].account, sell, amount, buy, *price, partial)
        return sign_order(
            changes.pop("key", self.accounts[who]),
            changes.pop("chain_id", self.chain_id),
            APP,
            order,
            expiry=Height(changes.pop("expiry", 20)),
            fee=changes.pop("fee", 0),
            nonce=bytes([changes.pop("nonce", 1)]) * 32,
        )

    def transfer(self, who: int, to: int, amount: int, *, sequence=0, fee=3, **changes) -> Intent:
        """A whole transparent transaction, as an intent."""
        transfer = Transfer(self.accounts[to].account, GOLD, amount)
        tx = sign(self.accounts[who], self.chain_id, sequence, Height(20), fee, (transfer,))
        wire = Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()
        intent = Intent(APP, "complete", wire, Height(20), fee, bytes(32))
        return replace(intent, **changes)

    def view(self, **changes) -> View:
        context = TxContext(self.chain_id, Height(changes.pop("height", self.height + 1)))
        return View(
            context,
            changes.pop("state", self.state),
            self.executor,
            self.verifier,
            self.shielded,
            **changes,
        )

    def batch(self, *intents: Intent, scope=None) -> Batch:
        return Batch(self.chain_id, scope, tuple(intents))

    def problem(self, batch: Batch):
        return pose(batch, self.view(), self.registry)[0]

    def balance(self, state, who: int, kind: Kind) -> int:
        return Ledger(state).balance(self.accounts[who].account, kind)


@pytest.fixture(scope="session")
def market() -> Market:
    """Believes every proof; its state is not changed by tests."""
    tools = shielded_tools()
    market = Market(tools.AcceptsAll(), tools.Kit.prove)
    market.fund()
    return market


@pytest.fixture(scope="session")
def ring(market):
    return market.ring(fee=2)


@pytest.fixture(scope="session")
def make_market():
    return Market
