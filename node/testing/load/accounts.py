"""Accounts that pay, funded by the faucet."""

from __future__ import annotations

import secrets
from typing import Final

from node.app import development
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, ChainId, EnvironmentId, Height, Kind, tagged_hash
from node.rpc.client import NodeClient
from transparent.signature import SigningKey
from transparent.transaction import MAX_TRANSFERS, Transfer, sign

KINDS: Final = (NATIVE, development.asset("gold"), development.asset("silver"))
FEE: Final = 1000
STARTED: Final = 10**8
"""Base units of each kind that every account has at first."""
_WAIT_S: Final = 120.0
LIFE: Final = 60
"""Heights that a payment is given."""


class Account:
    """A new one.

    Attributes:
        key: of the account.
        sequence: of its next transaction.
    """

    def __init__(self) -> None:
        self.key = SigningKey(secrets.token_bytes(32))
        self.sequence = 0


def fund(client: NodeClient, chain_id: ChainId, count: int) -> list[Account]:
    """New accounts with `STARTED` of every kind; waits until they have it.

    Args:
        client: of a node; nobody else may use the faucet meanwhile.
        chain_id: of the chain.
        count: how many.
    """
    accounts = [Account() for _ in range(count)]
    faucet = SigningKey(DEV_FAUCET_SEED)
    sequence = client.account(faucet.account).sequence
    each = MAX_TRANSFERS // len(KINDS)
    last = b""
    for first in range(0, count, each):
        some = accounts[first : first + each]
        transfers = [Transfer(a.key.account, kind, STARTED) for a in some for kind in KINDS]
        transfers.sort(key=_order)
        expiry = Height(client.status().height + LIFE)
        tx = sign(faucet, chain_id, sequence, expiry, FEE, tuple(transfers))
        sequence, last = sequence + 1, tx.id
        client.submit(_wire(tx.to_bytes()))
    if last:
        client.wait_for_tx(last, _WAIT_S)
    return accounts


def payment(account: Account, chain_id: ChainId, tip: int, transfers: int) -> bytes:
    """The account's next transaction.

    Args:
        account: pays.
        chain_id: of the chain.
        tip: height of a recent block.
        transfers: of one base unit each; 9 make a KiB.
    """
    to = tuple(Transfer(recipient, NATIVE, 1) for recipient in _RECIPIENTS[:transfers])
    expiry = Height(tip + LIFE)
    tx = sign(account.key, chain_id, account.sequence, expiry, FEE, tuple(sorted(to, key=_order)))
    account.sequence += 1
    return _wire(tx.to_bytes())


def _order(item: Transfer) -> tuple[bytes, Kind]:
    return item.recipient, item.kind


def _wire(payload: bytes) -> bytes:
    return Transaction(EnvironmentId.TRANSPARENT, payload).to_bytes()


_RECIPIENTS: Final = tuple(
    SigningKey(tagged_hash("load/recipient", number.to_bytes(8, "little"))).account
    for number in range(MAX_TRANSFERS)
)
"""Who is paid; nobody pays them but these loads."""
