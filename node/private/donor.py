"""What a donor checks before anything is sealed, so that a node can give nothing of its own.

    a round's id, from whoever announces the round
      ── hash of its transaction ──▶ terms ──▶ id of the committee, and the epoch
      ── hash of its declaration ──▶ the members' signing keys
      ── their signatures        ──▶ encryption keys, to which shares are sealed

Nothing but the id is taken from anywhere. Who asks a node for rounds and takes what it shows has no
id of their own, and trusts that node.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.core.block import Transaction
from node.core.ids import ChainId, EnvironmentId
from node.private import payload
from node.private.errors import PrivateRefused
from node.private.paid import RoundTx
from node.private.terms import Terms
from private_exec.committee import notice as notices
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.notice import Notice


def terms_of(chain_id: ChainId, identity: bytes, wire: bytes) -> Terms:
    """PV-142: the terms under which a round was opened, by its id alone.

    Args:
        chain_id: of the chain.
        identity: of the round.
        wire: full bytes of its transaction, as a node gives them.

    Raises:
        PrivateRefused: PV-142, they are of another round, or of another chain.
        DecodeError: they are none.
    """
    envelope = Transaction.from_bytes(wire)
    if envelope.environment is EnvironmentId.PRIVATE:
        tx = payload.decode(envelope.payload)
        if isinstance(tx, RoundTx) and (tx.id, tx.head.chain_id) == (identity, chain_id):
            return tx.terms
    raise PrivateRefused(
        "PV-142",
        "these are not the terms of this round",
        where="round",
        why="whoever chooses the terms chooses who can read donations, and where they go",
        fix="ask another node",
    )


def check_record(terms: Terms, record: EpochRecord, said: Iterable[Notice]) -> None:
    """PV-143: the keys of a round's epoch, as `check_keys`."""
    check_keys((terms.committee, terms.epoch), record, said)


def check_keys(of: tuple[bytes, int], record: EpochRecord, said: Iterable[Notice]) -> None:
    """PV-143: each encryption key was signed by the member of the committee that has it.

    Args:
        of: the committee, and the epoch.
        record: of the epoch, as a node gives it.
        said: notices of the record's attempt, as a node gives them; others are passed over.

    Raises:
        PrivateRefused: PV-143, another committee or epoch, or a key that its member did not sign.
    """
    context = record.context
    if (context.declaration.id, context.epoch) != of:
        raise _foreign("these are the keys of another committee or epoch")
    signed = {(notice.member, notice.key): notice for notice in said}
    for member, key in record.keys.items():
        found = signed.get((member, key))
        if found is None:
            raise _foreign(f"member {member} did not sign for this key")
        notices.check(found, context)


def _foreign(message: str) -> PrivateRefused:
    return PrivateRefused(
        "PV-143",
        message,
        where="keys",
        why="shares sealed to a key that no member has are read by whoever made it",
        fix="ask another node",
    )
