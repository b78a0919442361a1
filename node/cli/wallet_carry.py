"""What a wallet's shielded actions carry into the private pool, and out of it into its notes.

For donations, bids, orders and deposits alike: an operation lies on the disk before anything is
proved, and its transaction before that is sent (`wallet_spend`).
"""

from __future__ import annotations

import secrets as randomness
from typing import TYPE_CHECKING, Final

from node.cli import wallet_spend, wallet_sync
from node.cli.wallet_db import Operation, OperationState
from node.core.ids import ChainId, Height

if TYPE_CHECKING:
    from node.cli.wallet_private import Provers
    from node.cli.wallets import Secrets, Wallet
    from node.core.ids import Kind
    from node.private.bidding import Bidding
    from node.private.build import Pledge, Refund, Stored
    from node.private.gifts import Carrying
    from node.private.ordering import Ordering
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status
    from private_exec.pedersen import Opening
    from shielded import private_plan
    from shielded.address import Address
    from shielded.hidden import HiddenOpening
    from shielded.history import OwnedNote
    from shielded.plan import Plan
    from shielded.private_owner import PrivateOwner

CLAIM: Final = "claim"
_EXTRA_BYTES: Final = 2048
"""Of a donation of a committee of thirteen, beside the actions that carry it: at most."""


def least_fee(status: Status, actions: int, links: int = 1) -> int:
    """Of actions, and the linked proofs that they are carried by."""
    from node.execution import mempool

    size = wallet_spend.FRAME_BYTES + actions * wallet_spend.ACTION_BYTES + _EXTRA_BYTES
    return mempool.least_fee(size, actions + links, int(status.parameters.fee_floor))


def put_in(
    wallet: Wallet,
    client: NodeClient,
    status: Status,
    action: str,
    context: bytes,
    made: Pledge | Stored | Bidding | Ordering,
    fee: int,
    memo: str,
    secrets: Secrets,
    prove: Provers,
) -> Operation:
    """Spend notes for a hidden value. Returns the submitted operation.

    Args:
        wallet: whose notes.
        client: a node.
        status: what it said.
        action: of the operation.
        context: id of the round, sale, batch or committee that gets it.
        made: the value, without what carries it.
        fee: base units of the native kind.
        memo: of the operation.
        secrets: of the wallet.
        prove: makes the proofs.
    """
    from shielded import private_plan

    around = _surroundings(status, fee)
    plan, notes = private_plan.pledge(wallet.state, _own_address(wallet), made.value, around)
    operation = _draft(wallet, status, action, context, made.value, plan, notes, memo)
    return _send(wallet, client, operation, plan, secrets, prove, made)


def take_back(
    wallet: Wallet,
    client: NodeClient,
    context: bytes,
    kind: Kind,
    identity: bytes,
    opening: Opening,
    owner: PrivateOwner,
    memo: str,
    secrets: Secrets,
    prove: Provers,
) -> Operation:
    """Make a note of a hidden value, without the fee. Returns the submitted operation.

    Args:
        wallet: whose note.
        client: a node.
        context: id of the round, sale, batch or committee that had it.
        kind: of the value.
        identity: by which it is claimed.
        opening: of its commitment.
        owner: whose it is.
        memo: of the operation.
        secrets: of the wallet.
        prove: makes the proofs.
    """
    from node.private.build import refund
    from node.rpc.text import bytes_of
    from shielded import private_plan

    status = client.status()
    made = refund(ChainId(bytes_of(status.chain_id, 32)), kind, identity, opening, owner)
    around = _surroundings(status, least_fee(status, 1))
    plan, notes = private_plan.claim(wallet.state, _own_address(wallet), made.value, around)
    operation = _draft(wallet, status, CLAIM, context, made.value, plan, notes, memo)
    return _send(wallet, client, operation, plan, secrets, prove, made)


def _own_address(wallet: Wallet) -> Address:
    """Where change goes, and what comes back."""
    return wallet.full_key.address(0, internal=True)


def _surroundings(status: Status, fee: int) -> private_plan.Terms:
    """What a plan takes from the chain, and fresh bytes."""
    from node.rpc.text import bytes_of
    from shielded import private_plan

    return private_plan.Terms(
        ChainId(bytes_of(status.chain_id, 32)),
        Height(status.height + status.parameters.max_expiry),
        randomness.token_bytes(32),
        fee,
    )


def _draft(
    wallet: Wallet,
    status: Status,
    action: str,
    identity: bytes,
    value: HiddenOpening,
    plan: Plan,
    notes: tuple[OwnedNote, ...],
    memo: str,
) -> Operation:
    """An operation on the disk, before anything is proved."""
    from node.rpc.text import bytes_of

    return wallet.db.add(
        action=action,
        chain_id=bytes_of(status.chain_id, 32),
        asset=wallet_spend.asset_names(status)(value.kind),
        kind=value.kind,
        amount=value.amount,
        fee=plan.fee,
        target="0x" + identity.hex(),
        memo=memo,
        expiry=plan.expiry,
        notes=[note.position for note in notes],
    )


def _send(
    wallet: Wallet,
    client: NodeClient,
    operation: Operation,
    plan: Plan,
    secrets: Secrets,
    prove: Provers,
    made: Pledge | Stored | Refund | Bidding | Ordering,
) -> Operation:
    """Build what carries the value, then the proof for it; store the bytes; submit."""
    from node.private.payload import wire
    from shielded.build import build

    carried = build(plan, secrets.spending, prove.action)
    tx: Carrying = made.complete(carried, prove.linked)
    with wallet.db.transaction():
        operation = wallet.db.advance(
            operation.id, OperationState.PROVED, tx_id=bytes(tx.id), wire=wire(tx)
        )
        wallet_sync.reserve(wallet, operation)
    return wallet_spend.submit(wallet, client, operation)
