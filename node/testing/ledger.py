"""Chains made without a node, an RPC or wallet files: whatever is put into a block is in it.

`Ledger` decides blocks without asking any rule (`process_proposal` is never called), as a dishonest
majority could; `Pool` makes shielded transactions with real proofs as fast as they can be proved.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from circuits.key_registry import DEV
from node.app import assembly
from node.consensus.application import LedgerApplication
from node.core.block import Block, Header, Receipt, Transaction, tx_root
from node.core.effects import Crossing
from node.core.genesis import DEV_FAUCET_SEED, Genesis
from node.core.ids import NATIVE, AccountId, EnvironmentId, Height, tagged_hash
from node.core.interfaces import ProofVerifier
from node.lane.blobs.blob import BlobSource
from node.store.memory import memory_store
from node.store.versioned import VersionedStore
from node.testing.clock import EPOCH_MS
from node.testing.nodes import development_genesis
from shielded.build import Prove, build, prepare, statement_prover
from shielded.compose import Authorize
from shielded.keys import SpendingKey
from shielded.notes import Note
from shielded.plan import Payment, Plan, Spend, spend
from shielded.transaction import ShieldedTx
from shielded.tree import WitnessTree
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from transparent.transaction import Transfer, sign
from zk.errors import ChiaroError

FEE: Final = 1000
BLOCK_MS: Final = 1000
EXPIRES_IN: Final = 32
FAUCET: Final = SigningKey(DEV_FAUCET_SEED)


class Believes:
    """A verifier of proofs that believes every claim."""

    def verify(self, claims: Sequence[object]) -> list[ChiaroError | None]:
        """Nothing to refuse."""
        return [None for _ in claims]


class Ledger:
    """A chain whose blocks are made by hand.

    Args:
        genesis: default: the development chain.
        verifier: of proofs; default: believes all, since only an auditor should look.
        store: default: in memory.
        blobs: where the bytes of dispersed intents come from; default: nowhere.
    """

    def __init__(
        self,
        genesis: Genesis | None = None,
        *,
        verifier: ProofVerifier | None = None,
        store: VersionedStore | None = None,
        blobs: BlobSource | None = None,
    ) -> None:
        self.genesis: Final = genesis or development_genesis()
        self.store: Final = store or memory_store(self.genesis.chain_id)
        self.executor: Final = assembly.executor(self.genesis, verifier or Believes(), blobs)
        self.application: Final = LedgerApplication(self.genesis, self.executor, self.store)
        if self.store.empty:
            self.application.init_chain()
        self.chain: Final = self.application.chain

    @property
    def height(self) -> int:
        return self.store.height

    def block(self, *txs: bytes) -> tuple[Receipt, ...]:
        """A decided block of these transactions, executed and committed."""
        height = Height(self.height + 1)
        previous = self.chain.head(Height(self.height)).hash if self.height else bytes(32)
        header = Header(
            self.genesis.chain_id,
            height,
            max(EPOCH_MS, self.genesis.time_ms) + BLOCK_MS * height,
            previous,
            self.store.root,
            tx_root(txs),
        )
        self.application.finalize_block(Block(header, txs))
        self.application.commit()
        return self.chain.receipts(height)


def envelope(tx: ShieldedTx) -> bytes:
    """Full bytes of a shielded transaction."""
    return Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()


def transfer(
    ledger: Ledger, recipient: AccountId, amount: int, *, sequence: int, key: SigningKey = FAUCET
) -> bytes:
    """Full bytes of a transparent payment of the native kind, by default from the faucet."""
    expiry = Height(ledger.height + EXPIRES_IN)
    payment = (Transfer(recipient, NATIVE, amount),)
    tx = sign(key, ledger.genesis.chain_id, sequence, expiry, FEE, payment)
    return Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()


@functools.cache
def real_prover() -> Prove:
    """The prover under the development keys, loaded once."""
    return statement_prover(profile=DEV)


@dataclass(slots=True)
class _Held:
    """A note, and whose it is."""

    owner: SpendingKey
    note: Note
    position: int


class Pool:
    """Wallets that know all their notes: enough to make transactions, nothing to scan.

    Args:
        ledger: where the transactions go; call `settle` after each block.
        people: how many wallets.
        prove: makes the proofs.
        fee: of each transaction.
    """

    def __init__(
        self, ledger: Ledger, people: int = 2, prove: Prove | None = None, *, fee: int = FEE
    ) -> None:
        self.ledger = ledger
        self.fee = fee
        self.keys = [
            SpendingKey.from_seed(tagged_hash("pool", bytes([i])) * 2) for i in range(people)
        ]
        self._prove = prove or real_prover()
        self._tree = WitnessTree()
        self._free: list[_Held] = []
        self._made: dict[bytes, list[Note | None]] = {}
        self._owners = {
            key.full_viewing_key.address(0, internal=internal).owner: key
            for key in self.keys
            for internal in (False, True)
        }
        self._plans = 0

    @property
    def notes(self) -> int:
        """How many can be spent in the next block."""
        return len(self._free)

    def shield(self, notes: int, each: int, *, key: SigningKey = FAUCET) -> bytes:
        """`notes` new notes of `each` base units, in turn for every wallet, paid by an account."""
        owners = [self.keys[i % len(self.keys)] for i in range(notes)]
        entering = Crossing(
            EnvironmentId.TRANSPARENT, key.account, NATIVE, -(notes * each) - self.fee
        )
        payments = tuple(Payment(o.full_viewing_key.address(0), each) for o in owners)

        def authorize(value: Crossing, identity: bytes) -> bytes:
            return key.sign(crossing_digest(value.account, value.kind, -value.amount, identity))

        plan = self._plan(payments=payments, public_values=(entering,))
        return self._build(plan, owners[0], authorize)

    def pay(self) -> bytes:
        """One private transfer: the oldest free note, a third of it to the next wallet."""
        held = self._free.pop(0)
        other = self.keys[(self.keys.index(held.owner) + 1) % len(self.keys)]
        amount = held.note.quantity // 3
        change = held.note.quantity - amount - self.fee
        payments = (
            Payment(other.full_viewing_key.address(0), amount),
            Payment(held.owner.full_viewing_key.address(0, internal=True), change, change=True),
        )
        plan = self._plan(spends=(self._spend(held),), payments=payments)
        return self._build(plan, held.owner)

    def leave(self, account: AccountId, amount: int) -> bytes:
        """Unshield: part of the oldest note that has it goes to a transparent account."""
        held = next(h for h in self._free if h.note.quantity >= amount + self.fee)
        self._free.remove(held)
        change = held.note.quantity - amount - self.fee
        payment = Payment(
            held.owner.full_viewing_key.address(0, internal=True), change, change=True
        )
        leaving = Crossing(EnvironmentId.TRANSPARENT, account, NATIVE, amount)
        plan = self._plan(
            spends=(self._spend(held),), payments=(payment,), public_values=(leaving,)
        )
        return self._build(plan, held.owner)

    def settle(self, *txs: bytes) -> None:
        """These transactions were in the last block, in this order, and took effect."""
        leaves: list[int] = []
        marks: list[int] = []
        for tx in txs:
            created = self._made.pop(tx, [])
            decoded = ShieldedTx.from_bytes(Transaction.from_bytes(tx).payload)
            start = self._tree.size + len(leaves)
            for offset, found in enumerate(created):
                if found is not None:
                    self._free.append(_Held(self._owners[found.owner], found, start + offset))
                    marks.append(start + offset)
            leaves.extend(decoded.commitments)
        self._tree.append(leaves, marks)
        self._tree.checkpoint(self.ledger.height)

    def _spend(self, held: _Held) -> Spend:
        return spend(held.note, self._tree.path(held.position))

    def _plan(self, **parts: object) -> Plan:
        self._plans += 1
        seed = tagged_hash("pool/plan", self._plans.to_bytes(8, "little"))
        expiry = Height(self.ledger.height + EXPIRES_IN)
        top = self._tree.tree().top
        return Plan(seed, self.ledger.genesis.chain_id, top, expiry, fee=self.fee, **parts)  # type: ignore[arg-type]

    def _build(self, plan: Plan, key: SpendingKey, authorize: Authorize | None = None) -> bytes:
        data = envelope(build(plan, key, self._prove, authorize=authorize))
        self._made[data] = [note for action in prepare(plan, key) for note in action.notes]
        return data
