"""Schema `complete`: a whole transaction that only wants to be ordered before it is read.

The payload is the transaction's bytes, envelope included (`node.core.block.Transaction`).  IN-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from node.core.block import Transaction
from node.core.effects import nullifier_key
from node.core.ids import AccountId, ChainId, EnvironmentId, Kind
from node.core.intent import Intent
from node.core.interfaces import ProofClaim
from node.intents.errors import IntentRefused
from node.intents.schema import Description, Evidence
from node.intents.view import View
from shielded.env import nullifier_bytes
from shielded.transaction import ShieldedTx
from transparent.accounts import sequence
from transparent.transaction import TransparentTx


@dataclass(frozen=True, slots=True, repr=False)
class CompleteTerms:
    """A decoded transaction.

    Attributes:
        wire: full bytes.
        tx: as its environment reads it.
    """

    wire: bytes
    tx: TransparentTx | ShieldedTx

    def __repr__(self) -> str:
        return "<CompleteTerms: hidden>"

    @property
    def sequence(self) -> int:
        """An account's transactions go in this order; shielded ones need none."""
        return self.tx.sequence if isinstance(self.tx, TransparentTx) else 0

    @property
    def uses(self) -> tuple[bytes, ...]:
        if isinstance(self.tx, ShieldedTx):
            return tuple(
                nullifier_key(EnvironmentId.SHIELDED, nullifier_bytes(nf))
                for nf in self.tx.nullifiers
            )
        return (b"t/n/" + self.tx.sender + self.tx.sequence.to_bytes(8, "little"),)


class CompleteSchema:
    """Implements `node.intents.schema.Schema` for CompleteTerms."""

    name = "complete"

    def decode(self, intent: Intent, chain_id: ChainId) -> CompleteTerms:
        """IN-11: chain, fee and expiry are those of the envelope.

        Raises:
            DecodeError: not a transaction.
            IntentRefused: IN-11.
        """
        wire = Transaction.from_bytes(intent.payload)
        tx: TransparentTx | ShieldedTx
        if wire.environment is EnvironmentId.TRANSPARENT:
            tx = TransparentTx.from_bytes(wire.payload)
        elif wire.environment is EnvironmentId.SHIELDED:
            tx = ShieldedTx.from_bytes(wire.payload)
        else:
            label = wire.environment.label
            raise IntentRefused("IN-11", f"the {label} environment takes none", where="payload")
        if tx.chain_id != chain_id:
            raise IntentRefused("IN-11", "made for another chain", where="chain_id")
        if tx.fee != intent.fee or tx.expiry != intent.expiry:
            raise IntentRefused(
                "IN-11", "fee or expiry differ between envelope and transaction", where="payload"
            )
        return CompleteTerms(intent.payload, tx)

    def claims(self, terms: CompleteTerms, view: View) -> tuple[ProofClaim, ...]:
        return view.shielded.claims(terms.tx) if isinstance(terms.tx, ShieldedTx) else ()

    def covers(
        self,
        intent: Intent,  # noqa: ARG002
        terms: CompleteTerms,  # noqa: ARG002
        view: View,  # noqa: ARG002
    ) -> Mapping[tuple[AccountId, Kind], int]:
        """Nothing: it spends by a transaction, and nobody's terms depend on it."""
        return {}

    def validate(self, intent: Intent, terms: CompleteTerms, view: View) -> None:  # noqa: ARG002
        """What the executor says of it, alone.

        Raises:
            ChiaroError: names the rule.
        """
        (answer,) = view.executor.check([terms.wire], view.state, view.context.height)
        if answer.error is not None:
            raise answer.error

    def describe(self, intent: Intent, terms: CompleteTerms) -> Description:
        gives: dict[Kind, int] = {}
        if isinstance(terms.tx, TransparentTx):
            for transfer in terms.tx.transfers:
                gives[transfer.kind] = gives.get(transfer.kind, 0) + transfer.amount
            lines = [f"a transparent transaction of {len(terms.tx.transfers)} transfers"]
        else:
            lines = [f"a shielded transaction of {len(terms.tx.actions)} actions, amounts hidden"]
        return Description(gives=gives, wants={}, fee=intent.fee, lines=tuple(lines))

    def check_satisfied(
        self,
        intent: Intent,
        terms: CompleteTerms,
        evidence: Evidence,
        view: View,
    ) -> None:
        """IN-15: it is what took effect, and took it now.

        Raises:
            IntentRefused: IN-15.
        """
        tx, receipt = terms.tx, evidence.receipt
        if receipt is None or not receipt.ok or receipt.tx_id != tx.id or receipt.fee != intent.fee:
            raise IntentRefused("IN-15", "the transaction did not take effect", where="receipt")
        if isinstance(tx, TransparentTx):
            due = sequence(evidence.prior, tx.sender), sequence(evidence.posterior, tx.sender)
            held = due == (tx.sequence, tx.sequence + 1)
        else:
            height = view.context.height.to_bytes(8, "little")
            held = all(
                evidence.prior.get(key) is None and evidence.posterior.get(key) == height
                for key in terms.uses
            )
        if not held:
            raise IntentRefused("IN-15", "the state does not show its effect", where="state")
