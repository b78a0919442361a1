"""A small pool with notes of two wallets, and transactions made of it without real proofs."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from node.core.block import Transaction
from node.core.effects import Crossing
from node.core.errors import InvalidTransaction
from node.core.genesis import Allocation, Genesis
from node.core.ids import NATIVE, AccountId, ChainId, EnvironmentId, Height, Kind
from node.core.interfaces import BlockResult, TxContext
from node.execution.executor import Executor
from shielded import plan as plans
from shielded.build import build
from shielded.encryption import memo_from_text
from shielded.env import TREE_KEY, ShieldedEnvironment
from shielded.keys import SpendingKey
from shielded.notes import Note
from shielded.plan import Payment, Plan, Spend
from shielded.scan import ScannedBlock
from shielded.transaction import ShieldedTx
from shielded.tree import NoteTree, WitnessTree
from shielded.wallet import WalletState
from transparent.env import TransparentEnvironment
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from zk.curve.bn254 import G1_GENERATOR, G2_GENERATOR
from zk.groth16.keys import Proof
from zk.hash import domains

GOLD = Kind(0, domains.asset_label("gold"))
CHAIN = ChainId(b"\x11" * 32)
ACCOUNT = AccountId(b"\x22" * 32)
HEIGHT = Height(5)
EXPIRY = Height(20)
MAX_EXPIRY, WINDOW, BATCH = 64, 128, 16


@dataclass
class State:
    """A state in memory."""

    entries: dict[bytes, bytes] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        return self.entries.get(key)

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted((k, v) for k, v in self.entries.items() if k.startswith(prefix)))

    def apply(self, effects) -> None:
        for key, value in effects.writes:
            if value is None:
                self.entries.pop(key, None)
            else:
                self.entries[key] = value


class Kit:
    """Everything a test starts from; no method has a memory."""

    chain_id = CHAIN
    account = ACCOUNT
    gold = GOLD
    height = HEIGHT
    expiry = EXPIRY
    context = TxContext(CHAIN, HEIGHT)
    Height = Height

    def __init__(self) -> None:
        self.alice = SpendingKey.from_seed(bytes(64))
        self.bob = SpendingKey.from_seed(bytes(63) + b"\1")
        self.env = ShieldedEnvironment(MAX_EXPIRY, WINDOW, BATCH)
        self.notes = [
            self.note(self.alice, 100, 1),
            self.note(self.alice, 50, 2),
            self.note(self.alice, 70, 3, GOLD),
            self.note(self.bob, 30, 4),
            self.note(self.bob, 80, 5, GOLD),
        ]
        self.tree = WitnessTree()
        self.tree.append([note.commitment for note in self.notes], marked=range(len(self.notes)))
        self.state = State()
        self.state.apply(self.env.genesis(CHAIN))
        leaves = [note.commitment for note in self.notes]
        self.state.apply(self.env.end_block(leaves, self.state, TxContext(CHAIN, Height(4))))

    @staticmethod
    def prove(public, witness, blinding) -> Proof:
        return Proof(G1_GENERATOR, G2_GENERATOR, G1_GENERATOR)

    @staticmethod
    def note(key: SpendingKey, quantity: int, number: int, kind: Kind = NATIVE) -> Note:
        address = key.full_viewing_key.address(0)
        return Note(
            kind, quantity, 0, address.diversifier, address.owner, number, bytes([number]) * 32
        )

    def spend(self, index: int) -> Spend:
        return plans.spend(self.notes[index], self.tree.path(index))

    def pay(self, key: SpendingKey, quantity: int, kind: Kind = NATIVE, memo: str = "") -> Payment:
        address = key.full_viewing_key.address(1)
        return Payment(address, quantity, kind, memo_from_text(memo))

    def change(self, key: SpendingKey, quantity: int, kind: Kind = NATIVE) -> Payment:
        address = key.full_viewing_key.address(0, internal=True)
        return Payment(address, quantity, kind, change=True)

    def plan(self, **changes) -> Plan:
        """Alice pays Bob 90 of her 100, fee 3."""
        common = {
            "seed": b"\x07" * 32,
            "chain_id": CHAIN,
            "anchor_children": self.tree.tree().top,
            "expiry": EXPIRY,
        }
        transfer = {
            "spends": (self.spend(0),),
            "payments": (self.pay(self.bob, 90, memo="rent"), self.change(self.alice, 7)),
            "fee": 3,
        }
        return Plan(**(common | (changes if changes else transfer)))

    @functools.cached_property
    def transfer(self) -> ShieldedTx:
        return build(self.plan(), self.alice, self.prove)

    @functools.cached_property
    def shield(self) -> ShieldedTx:
        """200 enter from an account, 198 arrive."""
        plan = self.plan(
            payments=(self.pay(self.alice, 198),), public_values=(self.crossing(-200),), fee=2
        )
        return build(plan, self.alice, self.prove, authorize=lambda value, digest: digest * 2)

    @functools.cached_property
    def two_actions(self) -> ShieldedTx:
        """Alice joins two notes, pays gold as well: two actions of one party."""
        plan = self.plan(
            spends=(self.spend(0), self.spend(1), self.spend(2)),
            payments=(
                self.pay(self.bob, 145),
                self.pay(self.bob, 60, GOLD),
                self.change(self.alice, 10, GOLD),
            ),
            fee=5,
        )
        return build(plan, self.alice, self.prove)

    def crossing(self, amount: int, kind: Kind = NATIVE, account: bytes = ACCOUNT, **more):
        return Crossing(EnvironmentId.TRANSPARENT, AccountId(account), kind, amount, **more)

    def check(self, tx: ShieldedTx, context: TxContext | None = None) -> None:
        """From bytes to effects, as a node does, but for the proofs."""
        context = context or self.context
        decoded = self.env.decode(tx.to_bytes())
        self.env.check_stateless(decoded, context)
        self.env.check_historical(decoded, self.state, context)
        self.env.execute(decoded, self.state, context)

    def refused(self, rule: str, tx: ShieldedTx, context: TxContext | None = None) -> None:
        with pytest.raises(InvalidTransaction) as caught:
            self.check(tx, context)
        assert caught.value.rule == rule, caught.value

    def refused_bytes(self, rule: str, data: bytes) -> None:
        with pytest.raises(InvalidTransaction) as caught:
            self.env.check_stateless(self.env.decode(data), self.context)
        assert caught.value.rule == rule, caught.value

    @staticmethod
    def with_party(tx: ShieldedTx, position: int = 0, **changes) -> ShieldedTx:
        parties = list(tx.parties)
        parties[position] = replace(parties[position], **changes)
        return replace(tx, parties=tuple(parties))

    def with_action(self, tx: ShieldedTx, index: int = 0, **changes) -> ShieldedTx:
        """Change an action of the first party."""
        actions = list(tx.parties[0].actions)
        actions[index] = replace(actions[index], **changes)
        return self.with_party(tx, actions=tuple(actions))

    def with_public(self, tx: ShieldedTx, index: int = 0, **changes) -> ShieldedTx:
        public = replace(tx.parties[0].actions[index].public, **changes)
        return self.with_action(tx, index, public=public)

    @staticmethod
    def patched(tx: ShieldedTx, old: bytes, new: bytes) -> bytes:
        """The encoding with one field replaced; `old` occurs once."""
        data = tx.to_bytes()
        assert data.count(old) == 1
        assert len(old) == len(new)
        return data.replace(old, new)


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()


class AcceptsAll:
    def verify(self, claims):
        return [None] * len(claims)


class Chain:
    """Blocks on a state in memory, and Alice's wallet."""

    def __init__(self, kit, verifier, prove) -> None:
        self.kit = kit
        self.prove = prove
        self.account = SigningKey.from_seed(b"account")
        self.genesis = Genesis(
            "dev", "test", 0, allocations=(Allocation(self.account.account, NATIVE, 1000),)
        )
        p = self.genesis.parameters
        environments = {
            EnvironmentId.TRANSPARENT: TransparentEnvironment(p.max_expiry),
            EnvironmentId.SHIELDED: ShieldedEnvironment(p.max_expiry, p.anchor_window, 16),
        }
        self.executor = Executor(self.genesis, environments, verifier)
        self.state = State()
        self._apply(self.executor.genesis())
        self.wallet = WalletState(kit.alice.full_viewing_key)
        self.height = 0

    def _apply(self, writes) -> None:
        for key, value in writes.items():
            if value is None:
                self.state.entries.pop(key, None)
            else:
                self.state.entries[key] = value

    def block(self, *txs) -> BlockResult:
        """Execute; the wallet scans what took effect."""
        self.height += 1
        wires = [Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes() for tx in txs]
        result = self.executor.execute(wires, self.state, Height(self.height), 0)
        self._apply(result.writes)
        done = [tx.scanned for tx, receipt in zip(txs, result.receipts, strict=True) if receipt.ok]
        root = NoteTree.from_bytes(self.state.get(TREE_KEY)).root
        self.wallet.scan(ScannedBlock(self.height, tuple(done), root))
        return result

    def plan(self, **changes) -> plans.Plan:
        return plans.Plan(
            seed=bytes([self.height]) * 32,
            chain_id=self.genesis.chain_id,
            anchor_children=changes.pop("anchor_children", self.wallet.tree.tree().top),
            expiry=Height(self.height + 10),
            **changes,
        )

    def authorize(self, value, digest: bytes) -> bytes:
        return self.account.sign(crossing_digest(value.account, value.kind, -value.amount, digest))

    def shield(self, amount: int, fee: int = 1):
        kit = self.kit
        value = kit.crossing(-amount, account=self.account.account)
        plan = self.plan(
            payments=(kit.pay(kit.alice, amount - fee),), public_values=(value,), fee=fee
        )
        return build(plan, kit.alice, self.prove, authorize=self.authorize)

    def spend(self, payments, **changes):
        """Alice's notes, all of them, into these payments."""
        notes = [note for note in self.wallet.notes if not note.spent]
        context = self.wallet.spend_context(notes)
        spends = tuple(
            plans.spend(note, path) for note, path in zip(notes, context.paths, strict=True)
        )
        plan = self.plan(spends=spends, payments=payments, **changes)
        return build(plan, self.kit.alice, self.prove)


@pytest.fixture
def chain(kit) -> Chain:
    """A chain that believes every proof."""
    return Chain(kit, AcceptsAll(), kit.prove)


@pytest.fixture
def make_chain(kit):
    """A chain with a verifier and a prover of one's own."""
    return lambda verifier, prove: Chain(kit, verifier, prove)
