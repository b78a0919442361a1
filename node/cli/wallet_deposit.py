"""A wallet's deposits with committees: there, and back.

Plain functions, as in `wallet_private`. What is needed to take a deposit back is found again from
the wallet's words and the chain alone (SH-71): its owners of each committee are asked for one after
another, up to the first that has none, and what a commitment holds is an amount that the wallet's
own history has, or that the deposit's transaction shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import private_trust, wallet_carry
from node.cli.wallet_db import Operation
from node.cli.wallet_private import Provers
from node.cli.wallets import Secrets, Wallet
from node.core.errors import NotFound, PolicyRefused
from node.core.ids import ChainId

if TYPE_CHECKING:
    from node.core.ids import Kind
    from node.private.deposits import Deposit
    from node.rpc.client import NodeClient
    from node.rpc.private_schema import DepositView
    from private_exec.committee.epoch import EpochRecord
    from private_exec.pedersen import Opening
    from shielded.private_owner import PrivateOwner

DEPOSIT: Final = "deposit"
_PAGES: Final = 64


class NoSuchDeposit(PolicyRefused):
    """This wallet has no deposit of that id, or none that it can open."""

    code = "WOP-040"
    exit_code = 1
    why = "a deposit goes back to the owner key that it was made with, which its wallet derives"
    fix = (
        "`chiaro private deposit list` shows those of a wallet; `chiaro sync --rescan` its history"
    )


@dataclass(frozen=True, slots=True, repr=False)
class Own:
    """A deposit of this wallet.

    Attributes:
        view: as the node has it.
        owner: its key.
        committee: to which it was given; another may hold it now.
    """

    view: DepositView
    owner: PrivateOwner
    committee: bytes

    def __repr__(self) -> str:
        return f"<Own {self.view.id[:18]}>"


def committees(client: NodeClient) -> Iterator[bytes]:
    """Ids of all committees of the chain."""
    from node.rpc.text import bytes_of

    last = b""
    for _ in range(_PAGES):
        page = client.private_committees(last)
        for item in page.committees:
            last = bytes_of(item.id, 32)
            yield last
        if not page.more:
            return


def owners(
    client: NodeClient, secrets: Secrets, committee: bytes
) -> Iterator[tuple[PrivateOwner, list[DepositView]]]:
    """This wallet's owners of a committee, each with its deposits; the last has none yet.

    Raises:
        PlanRefused: SH-71, there are as many as would be found again.
    """
    from shielded.private_owner import next_owner

    used: list[bytes] = []
    while True:
        owner: PrivateOwner = next_owner(secrets.spending, committee, used)
        found = client.private_owned(owner.public).deposits
        yield owner, found
        if not found:
            return
        used.append(owner.public)


def free_owner(client: NodeClient, secrets: Secrets, committee: bytes) -> PrivateOwner:
    """The first that has no deposit. Raises PlanRefused: SH-71."""
    return next(owner for owner, found in owners(client, secrets, committee) if not found)


def own(client: NodeClient, secrets: Secrets) -> Iterator[Own]:
    """All deposits of this wallet, those that left among them."""
    from shielded.private_owner import MOST_INPUTS

    for committee in committees(client):
        for index, (owner, found) in enumerate(owners(client, secrets, committee), 1):
            for view in found:
                yield Own(view, owner, committee)
            if index == MOST_INPUTS:
                break


def find(client: NodeClient, secrets: Secrets, identity: bytes) -> Own:
    """One of them. Raises NoSuchDeposit."""
    wanted = "0x" + identity.hex()
    for item in own(client, secrets):
        if item.view.id == wanted:
            return item
    raise NoSuchDeposit("none of this wallet's deposits has this id", where=wanted)


# --- giving --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Giving:
    """What a person agreed to.

    Attributes:
        committee: id, as it was given.
        epoch: whose keys.
        kind, amount: what.
        fee: base units of the native kind.
    """

    committee: bytes
    epoch: int
    kind: Kind
    amount: int
    fee: int

    def __repr__(self) -> str:
        return "<Giving: hidden>"


def give(
    wallet: Wallet, client: NodeClient, asked: Giving, secrets: Secrets, prove: Provers
) -> Operation:
    """Draft on disk, prove, bytes on disk, submit. Returns the submitted operation.

    Raises:
        PrivateRefused: PV-143, the node gives other keys than the committee's id stands for.
        PlanRefused: SH-71, this wallet has too many deposits there.
        InvalidTransaction, PolicyRefused: the node refuses it; the operation is `rejected`.
        Unreachable: it stays `proved`; `tx submit` sends it later.
    """
    from node.private.build import Stored, deposit
    from node.rpc.text import bytes_of

    status = client.status()
    made: Stored = deposit(
        ChainId(bytes_of(status.chain_id, 32)),
        private_trust.trusted_keys(client, asked.committee, asked.epoch),
        asked.kind,
        asked.amount,
        free_owner(client, secrets, asked.committee),
    )
    return wallet_carry.put_in(
        wallet, client, status, DEPOSIT, asked.committee, made, asked.fee, "deposit", secrets, prove
    )


# --- taking back ---------------------------------------------------------------------------------


def entry_of(client: NodeClient, item: Own) -> Deposit:
    """The deposit in the state, with a proof. Raises NotFound."""
    from node.private.deposits import Deposit, deposit_key
    from node.rpc.text import bytes_of

    found = client.state(deposit_key(bytes_of(item.view.id, 32))).value
    if found is None:
        raise NotFound("the state has no such deposit", where=item.view.id)
    return Deposit.from_bytes(bytes_of(found))


def opening(wallet: Wallet, client: NodeClient, item: Own) -> Opening:
    """What opens the commitment of a deposit. Raises NoSuchDeposit: nothing that is known does."""
    from node.private.build import opening_of
    from private_exec.pedersen import Opening
    from shielded.history import Direction

    found = entry_of(client, item)
    record: EpochRecord = private_trust.record_at(client, item.committee, found.epoch)
    amounts = {e.quantity for e in wallet.state.history if e.direction is Direction.PLEDGED}
    hidden = (opening_of(item.owner, amount, record) for amount in sorted(amounts))
    shown = (Opening(amount, 0) for amount in _shown(client, found.height))
    for candidate in itertools.chain(hidden, shown):  # a shown one needs its block
        if candidate.commitment == found.amount:
            return candidate
    raise NoSuchDeposit("no amount that this wallet knows opens it", where=item.view.id)


def _shown(client: NodeClient, height: int) -> Iterator[int]:
    """Amounts that were placed in a block for everybody to see."""
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId
    from node.private import payload
    from node.private.paid import PlaceTx
    from node.rpc.text import bytes_of

    for wire in client.block(height).txs:
        envelope = Transaction.from_bytes(bytes_of(wire))
        if envelope.environment is EnvironmentId.PRIVATE:
            tx = payload.decode(envelope.payload)
            if isinstance(tx, PlaceTx):
                yield tx.amount


def claim(
    wallet: Wallet, client: NodeClient, item: Own, secrets: Secrets, prove: Provers
) -> Operation:
    """Take a deposit back into a note of this wallet; otherwise as `give`."""
    from node.rpc.text import bytes_of

    kind, name = entry_of(client, item).kind, bytes_of(item.view.id, 32)
    opened, memo = opening(wallet, client, item), f"deposit {item.view.id}"
    return wallet_carry.take_back(
        wallet, client, item.committee, kind, name, opened, item.owner, memo, secrets, prove
    )
