"""What an account holds, and what became of a transaction, by the state alone.  Rule LC-18.

Receipts are not under the state root, so a transaction's fate is read off what it must have
changed: a sequence number that only it can have used, nullifiers that only it can have spent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from node.core.block import Block, Transaction
from node.core.effects import nullifier_key
from node.core.errors import NotFound
from node.core.genesis import Genesis
from node.core.ids import NATIVE, AccountId, EnvironmentId, Kind
from node.lane import payload
from node.lane.payload import Tag
from node.light.errors import LightRefused
from node.light.root import VerifiedLedger
from node.private import payload as private_payload
from node.private.gifts import Carrying
from shielded.env import nullifier_bytes
from shielded.transaction import ShieldedTx
from transparent.accounts import balance_key, sequence_key
from transparent.transaction import TransparentTx
from zk.errors import ChiaroError

_Tx = TypeVar("_Tx")
_CARRIERS: Final = frozenset({Tag.END, Tag.DIRECT, Tag.DISPERSE})
"""Transactions of the lane that carry others."""


@dataclass(frozen=True, slots=True)
class ProvedAccount:
    """An account after a verified block.

    Attributes:
        sequence: what its next transaction must carry.
        balances: base units by kind, of every kind that there is; zeros left out.
    """

    sequence: int
    balances: Mapping[Kind, int]


def kinds_of(genesis: Genesis) -> tuple[Kind, ...]:
    """All kinds that the chain has, native first: genesis is the only issuance."""
    return (NATIVE, *sorted(set(genesis.supply()) - {NATIVE}))


def account(ledger: VerifiedLedger, genesis: Genesis, of: AccountId) -> ProvedAccount:
    """What the state says of an account, of every kind, zeros proved as well.

    Raises:
        LightRefused: LC-18.
    """
    found = {kind: _number(ledger.entry(balance_key(of, kind))) for kind in kinds_of(genesis)}
    held = {kind: amount for kind, amount in found.items() if amount}
    return ProvedAccount(_number(ledger.entry(sequence_key(of))), held)


def took_effect(ledger: VerifiedLedger, block: Block, index: int) -> bool | None:
    """Whether a transaction of a verified block took effect; None: the state does not tell.

    It does not where the node keeps the states around the block no longer, where others of the
    block compete for the same place or carry transactions that nobody sees (an end of a batch), and
    for transactions that are neither of an account nor shielded.

    Args:
        ledger: at or above the block.
        block: verified, with all its transactions.
        index: place in it.

    Raises:
        LightRefused: LC-18.
    """
    envelope = Transaction.from_bytes(block.txs[index])
    others = [tx for place, tx in enumerate(block.txs) if place != index]
    if any(payload.tag_of_wire(tx) in _CARRIERS for tx in others):
        return None
    if envelope.environment is EnvironmentId.TRANSPARENT:
        return _sequence_used(ledger, block, TransparentTx.from_bytes(envelope.payload), others)
    if envelope.environment is EnvironmentId.SHIELDED:
        return _nullifiers_spent(ledger, block, ShieldedTx.from_bytes(envelope.payload), others)
    return None


def _sequence_used(
    ledger: VerifiedLedger, block: Block, tx: TransparentTx, others: Iterable[bytes]
) -> bool | None:
    """It took effect if its sequence number was due before the block and is used behind it."""
    height = block.header.height
    rivals = _of(others, EnvironmentId.TRANSPARENT, TransparentTx.from_bytes)
    if any((item.sender, item.sequence) == (tx.sender, tx.sequence) for item in rivals):
        return None
    key = sequence_key(tx.sender)
    if _number(ledger.entry(key)) <= tx.sequence:
        return False
    try:
        before, after = (_number(ledger.entry(key, at)) for at in (height - 1, height))
    except NotFound:
        return None
    return before <= tx.sequence < after


def _nullifiers_spent(
    ledger: VerifiedLedger, block: Block, tx: ShieldedTx, others: Sequence[bytes]
) -> bool | None:
    """It took effect if every nullifier of it was spent in its block, and by no other there."""
    mine = _nullifiers(tx)
    private = _of(others, EnvironmentId.PRIVATE, private_payload.decode)
    rivals = (
        *_of(others, EnvironmentId.SHIELDED, ShieldedTx.from_bytes),
        *(item.carried for item in private if isinstance(item, Carrying)),
    )
    if any(mine & _nullifiers(item) for item in rivals):
        return None
    spent = (ledger.entry(nullifier_key(EnvironmentId.SHIELDED, item)) for item in mine)
    return all(found is not None and _number(found) == block.header.height for found in spent)


def _nullifiers(tx: ShieldedTx) -> set[bytes]:
    return set(map(nullifier_bytes, tx.nullifiers))


def _of(
    txs: Iterable[bytes], environment: EnvironmentId, decode: Callable[[bytes], _Tx]
) -> Iterator[_Tx]:
    """Those of an environment; what does not decode had no effect, and is passed over."""
    for data in txs:
        with contextlib.suppress(ChiaroError):
            envelope = Transaction.from_bytes(data)
            if envelope.environment is environment:
                yield decode(envelope.payload)


def _number(value: bytes | None) -> int:
    """A number of the state; absent is zero."""
    if value is None:
        return 0
    if len(value) != 8:
        raise LightRefused("LC-18", f"a number of {len(value)} bytes", where="state")
    return int.from_bytes(value, "little")
