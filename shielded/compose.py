"""Joining parties.  Rules SH-33 (S-5, S-18), SH-60 (S-6).

A part is one party's signed actions and the sum of their blindings, not the single ones. Whoever
adds what brings all sums to zero knows Σ rcv and signs for the balance. A part alone is an
unbalanced transaction, an intent: its holder can open the net amounts by trial (SH-60), so it
travels sealed or point to point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from node.core.codec import Reader, Writer
from node.core.effects import Crossing
from node.core.ids import ID_BYTES, ChainId
from shielded import checks, digests, schnorr
from shielded.errors import MalformedTransaction, PlanRefused, Unbalanced
from shielded.hidden import HiddenOpening
from shielded.transaction import Party, ShieldedTx
from zk.curve import babyjub
from zk.curve.babyjub import ORDER, RCV_BASE
from zk.errors import DecodeError

Authorize = Callable[[Crossing, bytes], bytes]
"""Signs for an account that is debited: (public value, transaction id) → authorization."""


@dataclass(frozen=True, slots=True, repr=False)
class PartyPart:
    """What a party hands over.

    Attributes:
        chain_id: where it is meant for.
        party: signed actions.
        rcv_sum: Σ rcv of them mod l. Opens the party's net amounts by trial (SH-60): not for
            everyone.
    """

    chain_id: ChainId
    party: Party
    rcv_sum: int

    def __repr__(self) -> str:
        return "<PartyPart: secret>"

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.chain_id, ID_BYTES).uint(self.rcv_sum, 32)
        return writer.done() + self.party.to_bytes()

    @staticmethod
    def from_bytes(data: bytes) -> PartyPart:
        """Strict.

        Raises:
            MalformedTransaction: names the rule.
        """
        reader = Reader(data, "part of a transaction")
        try:
            chain_id, rcv_sum = ChainId(reader.take(ID_BYTES)), reader.uint(32)
            if rcv_sum >= ORDER:
                raise MalformedTransaction("SH-1", "the sum of blindings is not below l")
            part = PartyPart(chain_id, Party.read(reader), rcv_sum)
            reader.done()
        except MalformedTransaction:
            raise
        except DecodeError as error:
            raise MalformedTransaction("SH-1", error.message, where=error.where) from error
        return part


def compose(
    parts: Sequence[PartyPart],
    public_values: Sequence[Crossing] = (),
    fee: int = 0,
    *,
    seed: bytes,
    dark: Sequence[HiddenOpening] = (),
) -> ShieldedTx:
    """Join parts into one transaction and sign for its balance; authorizations come after.

    Args:
        parts: in the order of the transaction.
        public_values: sorted as SH-21 demands.
        fee: base units of the native kind.
        seed: of the composer's plan, for the signature's nonce.
        dark: openings of its hidden values, in the order of SH-67.

    Raises:
        PlanRefused: SH-33, no part, or parts for different chains.
        Unbalanced: SH-19, the sums are not zero, so no signature can be made.
        MalformedTransaction: more than a transaction may hold.
    """
    if not parts:
        raise PlanRefused("SH-33", "no part to compose", where="parts")
    chain_id = parts[0].chain_id
    if any(part.chain_id != chain_id for part in parts):
        raise PlanRefused("SH-33", "parts for different chains", where="parts")
    tx = ShieldedTx(
        chain_id,
        tuple(part.party for part in parts),
        tuple(public_values),
        fee,
        hidden_values=tuple(opening.value for opening in dark),
    )
    checks.check_nullifiers(tx)
    secret = sum(part.rcv_sum for part in parts)
    secret += sum(opening.rcv if opening.enters else -opening.rcv for opening in dark)
    secret %= ORDER
    if checks.balance_key(tx) != babyjub.multiply(secret, RCV_BASE):
        raise Unbalanced("SH-19", "the parts do not sum to zero in every kind", where="parts")
    signature = schnorr.sign(secret, digests.delta_digest(tx), seed=seed, base=RCV_BASE)
    return replace(tx, delta_signature=signature)


def authorized(tx: ShieldedTx, authorize: Authorize) -> ShieldedTx:
    """Fill in the authorization of every debit that lacks one; the id does not change."""
    identity = tx.id
    values = tuple(
        replace(value, authorization=authorize(value, identity))
        if value.amount < 0 and not value.authorization
        else value
        for value in tx.public_values
    )
    return replace(tx, public_values=values)
