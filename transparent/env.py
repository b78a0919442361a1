"""TransparentEnvironment: accounts in the clear."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from node.core.amounts import MAX_AMOUNT
from node.core.effects import Crossing, Effects, Event
from node.core.errors import InvalidTransaction, Outdated
from node.core.ids import NATIVE, ChainId, EnvironmentId, Height, TxId
from node.core.interfaces import ProofClaim, StateReader, TxContext
from transparent import spec
from transparent.accounts import Ledger, sequence
from transparent.signature import check_key, check_signature
from transparent.transaction import MAX_TRANSFERS, TransparentTx


class TransparentEnvironment:
    """Implements `node.core.interfaces.ExecutionEnvironment` for TransparentTx.

    Args:
        max_expiry: how many heights ahead a transaction may expire (TR-2).
    """

    id = EnvironmentId.TRANSPARENT

    def __init__(self, max_expiry: int) -> None:
        self._max_expiry = max_expiry

    # DECODE

    def preview(self, payload: bytes, chain_id: ChainId) -> int:
        """TR-1, and the fee."""
        found, fee = TransparentTx.preview(payload)
        _check_chain(found, chain_id)
        return fee

    def is_unpaid(self, payload: bytes) -> bool:  # noqa: ARG002
        """Everybody may send these, so all of them pay."""
        return False

    def whose(self, tx: TransparentTx, state: StateReader) -> bytes:  # noqa: ARG002
        """EX-44: nobody's, since all of these pay."""
        return b""

    def decode(self, payload: bytes) -> TransparentTx:
        return TransparentTx.from_bytes(payload)

    def tx_id(self, tx: TransparentTx) -> TxId:
        return tx.id

    def expiry(self, tx: TransparentTx) -> Height:
        return tx.expiry

    def fee(self, tx: TransparentTx) -> int:
        return tx.fee

    def conflicts(self, tx: TransparentTx) -> tuple[bytes, ...]:
        return (b"t/n/" + tx.sender + tx.sequence.to_bytes(8, "little"),)

    # CHECK

    def check_stateless(self, tx: TransparentTx, context: TxContext) -> None:
        """TR-1 … TR-5."""
        _check_chain(tx.chain_id, context.chain_id)
        if not context.height <= tx.expiry <= context.height + self._max_expiry:
            raise Outdated(
                "TR-2",
                f"expires at {tx.expiry}; block {context.height} takes "
                f"{context.height} to {context.height + self._max_expiry}",
                where="expiry",
            )
        if not 1 <= len(tx.transfers) <= MAX_TRANSFERS:
            raise InvalidTransaction("TR-5", f"{len(tx.transfers)} transfers", where="transfers")
        for index, transfer in enumerate(tx.transfers):
            if not 0 < transfer.amount <= MAX_AMOUNT:
                raise InvalidTransaction("TR-5", "an amount is zero", where=f"transfer {index}")
            check_key(transfer.recipient, what=f"recipient {index}")
        order = [(t.recipient, t.kind) for t in tx.transfers]
        if any(not a < b for a, b in itertools.pairwise(order)):
            raise InvalidTransaction("TR-5", "not sorted, or a pair twice", where="transfers")
        check_signature(tx.sender, spec.signed_digest(tx.id), tx.signature, rule="TR-4")

    def claims(self, tx: TransparentTx) -> tuple[ProofClaim, ...]:  # noqa: ARG002
        """No proofs: everything is in the clear."""
        return ()

    def check_historical(self, tx: TransparentTx, state: StateReader, context: TxContext) -> None:  # noqa: ARG002
        """A sequence number of the past can never become valid again (TR-6)."""
        due = sequence(state, tx.sender)
        if tx.sequence < due:
            raise InvalidTransaction(
                "TR-6", f"sequence number {tx.sequence}, the account's next is {due}"
            )

    # EFFECT

    def execute(self, tx: TransparentTx, state: StateReader, context: TxContext) -> Effects:  # noqa: ARG002
        """TR-6 … TR-9: pay the fee and the transfers, in this order, or nothing at all."""
        ledger = Ledger(state)
        ledger.advance(tx.sender, tx.sequence)
        ledger.debit(tx.sender, NATIVE, tx.fee)
        for transfer in tx.transfers:
            ledger.debit(tx.sender, transfer.kind, transfer.amount)
            ledger.credit(transfer.recipient, transfer.kind, transfer.amount)
        events = tuple(
            Event(
                "transfer",
                (
                    ("from", tx.sender.hex()),
                    ("to", transfer.recipient.hex()),
                    ("label", str(transfer.kind.label)),
                    ("amount", str(transfer.amount)),
                ),
            )
            for transfer in tx.transfers
        )
        return Effects(writes=ledger.writes(), fee=tx.fee, events=events)

    def cross(self, crossing: Crossing, digest: bytes, state: StateReader) -> Effects:
        """Credit or debit an account for another environment's transaction (TR-10).

        A debit needs the account's own signature over that transaction's id (S-20), which holds
        its nullifiers: it can be used once.
        """
        if crossing.target is not self.id:
            raise InvalidTransaction("TR-10", "this crossing is not for accounts", where="crossing")
        if crossing.amount == 0 or abs(crossing.amount) > MAX_AMOUNT:
            raise InvalidTransaction("TR-10", "amount out of range", where="crossing")
        ledger = Ledger(state)
        if crossing.amount > 0:
            check_key(crossing.account)
            if crossing.authorization:
                raise InvalidTransaction("TR-10", "a credit carries a signature", where="crossing")
            ledger.credit(crossing.account, crossing.kind, crossing.amount)
        else:
            amount = -crossing.amount
            signed = spec.crossing_digest(crossing.account, crossing.kind, amount, digest)
            check_signature(crossing.account, signed, crossing.authorization, rule="TR-10")
            ledger.debit(crossing.account, crossing.kind, amount)
        event = Event(
            "credit" if crossing.amount > 0 else "debit",
            (
                ("account", crossing.account.hex()),
                ("label", str(crossing.kind.label)),
                ("amount", str(abs(crossing.amount))),
            ),
        )
        return Effects(writes=ledger.writes(), events=(event,))

    def end_block(
        self,
        commitments: Sequence[int],
        state: StateReader,  # noqa: ARG002
        context: TxContext,  # noqa: ARG002
    ) -> Effects:
        """Accounts have no note tree; commitments here would be lost, so they are refused."""
        if commitments:
            raise InvalidTransaction("TR-9", "transparent transactions make no commitments")
        return Effects()


def _check_chain(found: ChainId, chain_id: ChainId) -> None:
    """TR-1."""
    if found != chain_id:
        raise InvalidTransaction("TR-1", "made for another chain", where="chain_id")
