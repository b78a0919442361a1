"""The donors of the demonstration: wallets on disk, and what they send."""

from __future__ import annotations

import secrets as randomness
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from node.cli import keystore, wallet_private, wallet_spend, wallet_sync, wallets
from node.cli.demo_run import DemoFailed
from node.cli.session import Places, write_private
from node.cli.wallet_db import Operation
from node.cli.wallet_private import Members, Provers
from node.cli.wallet_spend import Request
from node.cli.wallets import Secrets, Wallet

if TYPE_CHECKING:
    from node.private.terms import Terms
    from node.rpc.client import NodeClient
    from shielded.build import Prove

PROFILE: Final = "dev"
UNIT: Final = 10**6
GROUP: Final = "the square"
PROJECTS: Final = ("the garden", "the bell")
WANTS: Final = (
    ("Ada", 0, 4 * UNIT),
    ("Ben", 0, UNIT // 4),
    ("Cleo", 0, UNIT),
    ("Dan", 0, 9 * UNIT // 100),
    ("Eve", 1, 9 * UNIT // 4),
)
"""Who gives how much to which project. Amounts are squares, as given amounts are."""
SHIELDED: Final = 12 * UNIT
METAL: Final = 2 * UNIT
"""Of what somebody will sell; another number than any amount that is to be hidden."""
SPARE: Final = UNIT
"""Stays in the account, for fees."""
WAIT_S: Final = 120.0


@dataclass(repr=False)
class Donor:
    """A person with a wallet.

    Attributes:
        name: for people.
        project, amount: what it will give to, and how much.
        wallet, keys: of it; the keys print nothing.
        given: its donation, once it was sent.
    """

    name: str
    project: int
    amount: int
    wallet: Wallet
    keys: Secrets
    given: Operation | None = field(default=None)

    def __repr__(self) -> str:
        return f"<Donor {self.name}: hidden>"

    @property
    def leaf(self) -> int:
        """Its entry for the list of those who may give."""
        from circuits.membership import leaf
        from shielded.private_owner import member_secret

        return leaf(member_secret(self.keys.spending, wallet_private.group_id(GROUP)))

    @property
    def spendable(self) -> int:
        """Base units of notes."""
        from node.core.ids import NATIVE

        return self.wallet.state.balance(NATIVE).spendable

    def shield(
        self, client: NodeClient, prove: Prove, amount: int = SHIELDED, asset: str = "native"
    ) -> None:
        """From the faucet into the light, from there into notes."""
        client.faucet(self.wallet.account, amount + (SPARE if asset == "native" else 0), asset)
        wallet_sync.sync(self.wallet, client)
        asked = Request(wallet_spend.SHIELD, amount, asset)
        proposal = wallet_spend.propose(self.wallet, client, asked)
        made = wallet_spend.confirm(self.wallet, client, proposal, self.keys, prove)
        self.settled(client, made)

    def give(
        self,
        client: NodeClient,
        identity: bytes,
        terms: Terms,
        members: Members,
        prove: Provers,
    ) -> Operation:
        """Its donation, in a block."""
        wallet_sync.sync(self.wallet, client)
        weight = wallet_private.root_of(self.amount)
        fee = wallet_private.fee_of(self.wallet, client.status(), terms.kind, weight * weight)
        asked = wallet_private.Donation(identity, terms, members, self.project, weight, fee)
        made = wallet_private.donate(self.wallet, client, asked, self.keys, prove)
        self.given = self.settled(client, made)
        return self.given

    def take_back(
        self, client: NodeClient, identity: bytes, terms: Terms, prove: Provers
    ) -> Operation:
        """Its donation, into a note again."""
        wallet_sync.sync(self.wallet, client)
        back = wallet_private.returning(self.wallet, client, identity, terms, self.keys)
        made = wallet_private.claim(self.wallet, client, identity, terms, back[0], self.keys, prove)
        return self.settled(client, made)

    def settled(self, client: NodeClient, operation: Operation) -> Operation:
        """An operation, when a block has it. Raises DemoFailed: none will."""
        done = wallet_spend.wait(self.wallet, client, operation, WAIT_S)
        if done.height is None:
            raise DemoFailed(f"{self.name}: {done.action} ended as {done.state}: {done.error}")
        return done


def donors(places: Places, stack: ExitStack) -> tuple[Donor, ...]:
    """Wallets of their own, each sealed under a password that lies beside it."""
    found = []
    for name, project, amount in WANTS:
        word, password = name.lower(), randomness.token_urlsafe(18)
        write_private(places.wallets.parent / f"{word}.password", password.encode() + b"\n")
        wallets.create(places, word, PROFILE, keystore.new_entropy(), password)
        wallet = stack.enter_context(wallets.opened(places, word, profile=PROFILE))
        found.append(Donor(name, project, amount, wallet, wallets.unlock(wallet, password)))
    return tuple(found)


def listed(people: tuple[Donor, ...]) -> Members:
    """The list of those who may give."""
    from circuits.crossing import MEMBER_DEPTH
    from circuits.membership import MemberTree

    return Members(GROUP, MemberTree([person.leaf for person in people], MEMBER_DEPTH))
