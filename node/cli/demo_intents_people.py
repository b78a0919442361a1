"""The three parties of the demonstration: wallets in memory, and what they send to the chain."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.block import Block, Receipt, Transaction
from node.core.effects import Crossing
from node.core.genesis import Allocation
from node.core.ids import NATIVE, AccountId, ChainId, EnvironmentId, Height, Kind
from node.core.intent import Intent
from node.intents.parties import Swap, build_swap, plan_swap
from node.rpc.actions import shielded_transactions
from shielded.build import Prove, build
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan, spend
from shielded.scan import ScannedBlock
from shielded.transaction import Scope, ShieldedTx, public_value_key
from shielded.wallet import WalletState
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from zk.hash import domains

APP: Final = b"demo/ring".ljust(29, b"\0")
UNIT: Final = 10**6
METAL: Final = 100 * UNIT
NATIVES: Final = 2 * UNIT
GIVEN: Final = 60 * UNIT
METALS: Final = ("gold", "silver", "copper")
NAMES: Final = ("Alice", "Bob", "Carol")


def kind_of(asset: str) -> Kind:
    """Of a named asset; `native` is the kind of fees."""
    return NATIVE if asset == "native" else Kind(0, domains.asset_label(asset))


@dataclass(eq=False, repr=False)
class Party:
    """A person with a shielded wallet, an account that people know, and one that nobody does.

    Attributes:
        name: for people.
        gives, wants: assets.
        key, public, one_time: secrets; made for one run.
        wallet: what its key has found.
    """

    name: str
    gives: str
    wants: str
    key: SpendingKey = field(default_factory=lambda: SpendingKey.from_seed(secrets.token_bytes(64)))
    public: SigningKey = field(default_factory=lambda: SigningKey(secrets.token_bytes(32)))
    one_time: SigningKey = field(default_factory=lambda: SigningKey(secrets.token_bytes(32)))

    def __post_init__(self) -> None:
        self.wallet = WalletState(self.key.full_viewing_key)

    def __repr__(self) -> str:
        return f"<Party {self.name}: hidden>"

    @property
    def allocations(self) -> tuple[Allocation, ...]:
        """What its public account has at genesis."""
        account = self.public.account
        return (
            Allocation(account, kind_of(self.gives), METAL),
            Allocation(account, NATIVE, 2 * NATIVES),
        )

    @property
    def balances(self) -> tuple[tuple[str, int], ...]:
        """What the wallet holds."""
        held = ((asset, self.wallet.balance(kind_of(asset)).total) for asset in METALS)
        return tuple((asset, amount) for asset, amount in held if amount)

    def scan(self, block: Block, receipts: Sequence[Receipt], root: int) -> None:
        """Look through a block; `root` is that of the note tree behind it."""
        found = shielded_transactions(block, tuple(receipts))
        scanned = tuple(tx.scanned for tx in found)
        self.wallet.scan(ScannedBlock(block.header.height, scanned, root))

    # --- what it sends -----------------------------------------------------------------------

    def shield(self, chain_id: ChainId, expiry: int, fee: int, prove: Prove) -> ShieldedTx:
        """All of its metal and some of the native kind go from the public account into notes."""
        metal = kind_of(self.gives)
        values = [
            Crossing(EnvironmentId.TRANSPARENT, self.public.account, metal, -METAL),
            Crossing(EnvironmentId.TRANSPARENT, self.public.account, NATIVE, -NATIVES - fee),
        ]
        plan = Plan(
            secrets.token_bytes(32),
            chain_id,
            self.wallet.tree.tree().top,
            Height(expiry),
            payments=(self._to_self(METAL, metal), self._to_self(NATIVES, NATIVE)),
            public_values=tuple(sorted(values, key=public_value_key)),
            fee=fee,
        )

        def authorize(value: Crossing, digest: bytes) -> bytes:
            signed = crossing_digest(value.account, value.kind, -value.amount, digest)
            return self.public.sign(signed)

        return build(plan, self.key, prove, authorize=authorize)

    def fund(
        self, chain_id: ChainId, expiry: int, fee: int, amount: int, prove: Prove
    ) -> ShieldedTx:
        """Out of its notes, as much as ordering costs goes to the account that nobody knows."""
        notes = self.wallet.select(NATIVE, amount + fee)
        context = self.wallet.spend_context(notes)
        held = sum(note.note.quantity for note in notes)
        back = self.key.full_viewing_key.address(0, internal=True)
        account = AccountId(self.one_time.account)
        plan = Plan(
            secrets.token_bytes(32),
            chain_id,
            context.paths[0].top,
            Height(expiry),
            spends=tuple(spend(n, path) for n, path in zip(notes, context.paths, strict=True)),
            payments=(Payment(back, held - amount - fee, NATIVE, change=True),),
            public_values=(Crossing(EnvironmentId.TRANSPARENT, account, NATIVE, amount),),
            fee=fee,
        )
        return build(plan, self.key, prove)

    def intend(self, chain_id: ChainId, expiry: int, scope: Scope, prove: Prove) -> Intent:
        """Its side of the ring, proved and signed; valid in batches of `scope` only."""
        swap = Swap(kind_of(self.gives), GIVEN, kind_of(self.wants), GIVEN)
        planned = plan_swap(
            self.wallet,
            self.key,
            swap,
            chain_id=chain_id,
            expiry=Height(expiry),
            scope=scope,
            seed=secrets.token_bytes(32),
        )
        return build_swap(planned, self.key, APP, prove)

    def _to_self(self, amount: int, kind: Kind) -> Payment:
        return Payment(self.key.full_viewing_key.address(0), amount, kind)


def ring() -> tuple[Party, ...]:
    """Gold → silver → copper → gold."""
    wanted = (*METALS[1:], METALS[0])
    return tuple(Party(*who) for who in zip(NAMES, METALS, wanted, strict=True))


def wire(tx: ShieldedTx) -> bytes:
    """A whole transaction."""
    return Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()
