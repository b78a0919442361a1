"""Open intents: those that came by gossip in the clear, settled by a transaction of their solver.

Nothing here is sealed, or ordered before it is read: it is for who needs no secrecy and wants to
pay only if it settles. The path of a message says who carried it, and the settlement pays them
(`node.gossip.fees.split`): hops their cuts, the solver the rest.  Rules LN-39 … LN-42.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Effects
from node.core.errors import Outdated
from node.core.ids import ID_BYTES, AccountId, ChainId, Height, tagged_hash
from node.core.intent import Intent
from node.core.interfaces import StateReader, TxContext
from node.gossip.errors import InvalidMessage
from node.gossip.fees import NoFee, SettlementFee, split
from node.gossip.message import MAX_MESSAGE, Message
from node.intents.batch import Batch
from node.intents.check import Outcome, check_settlement
from node.intents.settlement import MAX_SETTLEMENT_BYTES, Settlement
from node.intents.view import View
from node.lane import components
from node.lane.errors import LaneRefused
from node.lane.services import ScopedExecutor, Services
from private_exec.roster import SIGNATURE_BYTES, Signer
from transparent.signature import check_signature

TAG: Final = 7
"""Of these transactions among those of the lane (`node.lane.payload`)."""
MAX_MESSAGES: Final = 64


@dataclass(frozen=True)
class DirectTx:
    """Open intents and a settlement of them.

    Attributes:
        chain_id: of the chain.
        solver: transparent account that pays, signs, and gets what hops leave of the fees.
        fee: base units of the native kind, to the chain.
        expiry: last height.
        messages: as they were received, each ending at the solver.
        settlement: of the batch that these intents are, in this order.
        signature: of the solver over all of it.
    """

    chain_id: ChainId
    solver: AccountId
    fee: int
    expiry: Height
    messages: tuple[Message, ...]
    settlement: Settlement
    signature: bytes = bytes(SIGNATURE_BYTES)

    def to_bytes(self) -> bytes:
        """Tag, chain id, solver, fee, expiry u64, messages, settlement, signature."""
        return self._unsigned() + self.signature

    def _unsigned(self) -> bytes:
        writer = Writer().u8(TAG).raw(self.chain_id, ID_BYTES).raw(self.solver, ID_BYTES)
        writer.u64(self.fee).u64(self.expiry).u8(len(self.messages))
        for message in self.messages:
            writer.blob(message.to_bytes())
        return writer.blob(self.settlement.to_bytes()).done()

    @cached_property
    def digest(self) -> bytes:
        """What the solver signs, and the transaction's identity."""
        return tagged_hash("lane/direct", self._unsigned())

    @cached_property
    def intents(self) -> tuple[Intent, ...]:
        """What the messages carry. Raises DecodeError: IN-2, IN-3."""
        return tuple(Intent.from_bytes(message.envelope.body) for message in self.messages)

    @cached_property
    def batch(self) -> Batch:
        """The intents as a batch without a scope. Raises IntentRefused: IN-12, one twice."""
        return Batch(self.chain_id, None, self.intents)

    @staticmethod
    def from_bytes(data: bytes) -> DirectTx:
        """LN-39: strict, one encoding; `data` is what stands behind the tag.

        Raises:
            DecodeError: not an encoding; InvalidMessage: GO-1 …; SettlementRefused: IN-22.
            LaneRefused: LN-39, no message.
        """
        reader = Reader(data, "direct settlement")
        chain_id, solver = ChainId(reader.take(ID_BYTES)), AccountId(reader.take(ID_BYTES))
        fee, expiry = reader.u64(), Height(reader.u64())
        messages = tuple(
            Message.from_bytes(reader.blob(MAX_MESSAGE, "message"))
            for _ in range(reader.count(1, MAX_MESSAGES, "messages"))
        )
        settlement = Settlement.from_bytes(reader.blob(MAX_SETTLEMENT_BYTES, "settlement"))
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        if not messages:
            raise LaneRefused("LN-39", "settles no message", where="messages")
        return DirectTx(chain_id, solver, fee, expiry, messages, settlement, signature)


def sign(tx: DirectTx, solver: Signer) -> DirectTx:
    """The same, signed."""
    return replace(tx, signature=solver.sign(tx.digest))


def check_stateless(tx: DirectTx, context: TxContext, fee_floor: int, max_expiry: int) -> None:
    """LN-39 … LN-41, cheap ones first.

    Raises:
        LaneRefused: LN-39, LN-40; Outdated: LN-39, its time.
        InvalidMessage: LN-41, GO-3, GO-5 … GO-8: a path that was not walked so.
    """
    if tx.chain_id != context.chain_id:
        raise LaneRefused("LN-39", "made for another chain", where="chain_id")
    if not context.height <= tx.expiry <= context.height + max_expiry:
        raise Outdated("LN-39", f"for blocks up to {tx.expiry}", where="expiry")
    if tx.fee < fee_floor * len(tx.messages):
        raise LaneRefused(
            "LN-39", f"a fee of {tx.fee} for {len(tx.messages)} intents", where="fee",
            fix=f"pay at least {fee_floor * len(tx.messages)} base units",
        )  # fmt: skip
    check_signature(tx.solver, tx.digest, tx.signature, rule="LN-39")
    for place, (message, intent) in enumerate(zip(tx.messages, tx.intents, strict=True)):
        where = f"message {place}"
        check_wrapping(message, intent, where)
        try:
            message.verify(tx.chain_id, tx.solver)
        except InvalidMessage as error:
            raise LaneRefused("LN-41", f"{error.rule}: {error.message}", where=where) from error


def check_wrapping(message: Message, intent: Intent, where: str = "message") -> None:
    """LN-40: the envelope says of the intent what is true, the fee included.

    Raises:
        LaneRefused: LN-40.
    """
    envelope = message.envelope
    said = envelope.sealed, envelope.app, envelope.schema, envelope.expiry
    if said != (False, intent.app, intent.schema, intent.expiry):
        raise LaneRefused("LN-40", "the envelope is not that of its intent", where=where)
    offered = {SettlementFee: intent.fee, NoFee: 0}.get(type(envelope.fee))
    if offered is None or envelope.fee.worth != intent.fee:
        raise LaneRefused("LN-40", "the envelope offers another fee than its intent", where=where)


def settle(tx: DirectTx, state: StateReader, context: TxContext, services: Services) -> Effects:
    """LN-42: what of the settlement holds takes effect, and whoever carried its intents is paid.

    Judged before the fee is paid; a component that needs what the fee took is refused as a part.

    Raises:
        SettlementRefused: of another batch, or of the whole (IN-12 …).
        LaneRefused: LN-42, nothing of it holds.
    """
    executor = ScopedExecutor(services.inner, None)
    view = View(context, state, executor, services.verifier, services.shielded)
    outcome = check_settlement(tx.batch, tx.settlement, view, services.registry)
    if not outcome.accepted:
        why = "; ".join(sorted({error.id for _, error in outcome.refused})) or "it is empty"
        raise LaneRefused("LN-42", f"no component can take effect: {why}", where="settlement")
    return Effects(
        fee=tx.fee,
        payer=tx.solver,
        parts=components.parts(outcome, None, _rewards(tx, outcome)),
        events=components.left_out(outcome),
    )


def _rewards(tx: DirectTx, outcome: Outcome) -> Mapping[bytes, list[components.Payment]]:
    """GO-10: per intent, its hops' cuts and what is left for the solver."""
    carried = {intent.id: m for intent, m in zip(tx.intents, tx.messages, strict=True)}
    rewards = dict[bytes, list[components.Payment]]()
    for item in outcome.accepted:
        for intent_id, paid in item.paid.items():
            message = carried[intent_id]
            if not isinstance(message.envelope.fee, SettlementFee):
                continue
            payout = split(message.envelope.fee, message.cuts, paid)
            hops = [AccountId(hop.node) for hop in message.hops]
            rewards[intent_id] = [*zip(hops, payout.hops, strict=True), (tx.solver, payout.solver)]
    return rewards
