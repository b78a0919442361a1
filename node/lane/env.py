"""LaneEnvironment: the sealed lane as an environment like the others, and what it asks of a block.

Here a transaction only finds its way; what it means is elsewhere:

    seal       ordering.py          reveal          opening.py
    key        generation.py        submit, end     settling.py
    disperse   dispersal.py         direct          direct.py
                                    beginning of a block   lead.py
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from node.core.effects import Crossing, Effects
from node.core.errors import InvalidTransaction
from node.core.genesis import Genesis
from node.core.ids import ChainId, EnvironmentId, Height, TxId, tagged_hash
from node.core.interfaces import ProofClaim, ProofVerifier, StateReader, TxContext
from node.da.errors import BadEncoding
from node.execution.executor import Executor
from node.intents.complete import CompleteSchema
from node.intents.limit import LimitSchema
from node.intents.schema import Registry
from node.intents.swap import SwapSchema
from node.lane import direct, domains, generation, lead, opening, ordering, settling
from node.lane import payload as payloads
from node.lane.blobs import dispersal
from node.lane.blobs.blob import BlobSource, NoBlobs
from node.lane.direct import DirectTx
from node.lane.errors import LaneRefused
from node.lane.payload import (
    LEAD,
    DisperseTx,
    EndTx,
    KeyMessage,
    KeyTx,
    LaneTx,
    RevealTx,
    SealTx,
    SubmitTx,
    Tag,
)
from node.lane.services import Services
from node.stake import rosters
from private_exec.batch import duplicate_key
from private_exec.roster import SIGNATURE_BYTES
from shielded.env import ShieldedEnvironment

_NEVER: Final = Height(2**63 - 1)
"""Expiry of what never waits anywhere."""
_UNPAID: Final = (bytes((Tag.KEY,)), bytes((Tag.DISPERSE,)))
"""Signed by validators; of a blob each entry's payer pays (LN-35)."""


class LaneEnvironment:
    """Implements `node.core.interfaces.ExecutionEnvironment` for LaneTx, and `LaneRules`.

    Args:
        genesis: of the chain; it has a lane.
        inner: an executor over the other environments, which says what a settlement would do.
        verifier: of proofs.
        shielded: the shielded environment among them.
        blobs: where the bytes of dispersed intents come from; by default nowhere (LN-37).

    Raises:
        ConsensusFault: the chain has no lane.
        DataRefused: DA-7, DA-21, its validators are no committee for a domain.
    """

    id = EnvironmentId.INTENTS

    def __init__(
        self,
        genesis: Genesis,
        inner: Executor,
        verifier: ProofVerifier,
        shielded: ShieldedEnvironment,
        blobs: BlobSource | None = None,
    ) -> None:
        registry = Registry((SwapSchema(), LimitSchema(), CompleteSchema()))
        self.services: Final = Services(
            genesis, inner, verifier, shielded, registry, blobs or NoBlobs()
        )
        self._genesis: Final = genesis
        self._chain_id: Final = genesis.chain_id
        for item in self.services.lane.domains:
            domains.domain_of(genesis, item.number)

    # DECODE

    def preview(self, payload: bytes, chain_id: ChainId) -> int:
        """The fee, read in place. LN-9: ends and reveals are made by who proposes, not sent."""
        tag = payloads.tag_of(payload)
        if tag in LEAD:
            raise LaneRefused(
                "LN-9",
                f"{tag.name.lower()} transactions are made by whoever proposes a block",
                where="tag",
            )
        return payloads.fee_in_place(payload, chain_id)

    def is_unpaid(self, payload: bytes) -> bool:
        """EX-35: validators pay with their signatures for messages about keys and for blobs."""
        return payload[:1] in _UNPAID

    def whose(self, tx: LaneTx, state: StateReader) -> bytes:  # noqa: ARG002
        """EX-44: the validators' are one."""
        return b""

    def decode(self, payload: bytes) -> LaneTx:
        """LN-1."""
        return payloads.decode(payload)

    def tx_id(self, tx: LaneTx) -> TxId:
        """Everything but signatures; a dealing, which has none, is all of it."""
        match tx:
            case SubmitTx() | DirectTx():
                return TxId(tagged_hash("lane/tx", self._chain_id, tx.digest))
            case DisperseTx():
                return dispersal.tx_id(tx)
            case SealTx():
                return payloads.seal_tx_id(self._chain_id, tx)
            case KeyTx():
                signed = tx.what is not KeyMessage.DEALING
            case _:
                signed = False
        data = tx.to_bytes()
        return TxId(
            tagged_hash("lane/tx", self._chain_id, data[: len(data) - SIGNATURE_BYTES * signed])
        )

    def expiry(self, tx: LaneTx) -> Height:
        """Last height; of what belongs to an epoch, the epoch's end at the latest."""
        match tx:
            case SealTx():
                terms = tx.envelope.terms
                return Height(min(terms.expiry, self._last_height(tx.envelope.epoch)))
            case KeyTx():
                return self._last_height(tx.epoch)
            case SubmitTx() | DirectTx():
                return tx.expiry
            case DisperseTx():
                return tx.certificate.statement.expiry
            case _:
                return _NEVER

    def _last_height(self, epoch: int) -> Height:
        return Height(min(self.services.lane.last_height(epoch), _NEVER))

    def fee(self, tx: LaneTx) -> int:
        match tx:
            case SealTx():
                return tx.envelope.terms.fee
            case SubmitTx() | DirectTx():
                return tx.fee
            case _:
                return 0

    def conflicts(self, tx: LaneTx) -> tuple[bytes, ...]:
        """A ciphertext; a validator's message of a round; a solver's settlement of a batch."""
        match tx:
            case SealTx():
                return (b"i/u/" + duplicate_key(tx.envelope.seal.u),)
            case KeyTx():
                about = 4 if tx.what is KeyMessage.COMPLAINT else 2
                place = KeyTx(tx.domain, tx.epoch, tx.attempt, tx.what, tx.message[:about])
                return (b"i/k/" + place.to_bytes(),)
            case SubmitTx():
                return (b"i/s/" + payloads.ref(tx.domain, tx.number) + tx.solver,)
            case DisperseTx():
                return (b"i/d/" + dispersal.tx_id(tx),)
            case DirectTx():
                return tuple(b"i/g/" + message.id for message in tx.messages)
            case _:
                return ()

    # CHECK

    def check_stateless(self, tx: LaneTx, context: TxContext) -> None:
        """LN-2, LN-4, and that messages decode; of settlements what `settling` asks for."""
        match tx:
            case SealTx():
                ordering.check_form(tx.domain, tx.envelope, self._genesis)
            case KeyTx():
                domains.entry(self._genesis, tx.domain)
                if tx.what is not KeyMessage.DEALING:  # whose size the state limits (LN-6)
                    generation.read(tx.what, tx.message)
            case SubmitTx():
                domains.entry(self._genesis, tx.domain)
                settling.check_stateless(tx, context)
            case DirectTx():
                parameters = self._genesis.parameters
                direct.check_stateless(tx, context, parameters.fee_floor, parameters.max_expiry)
            case DisperseTx():
                dispersal.check_stateless(tx, self._genesis, context)
            case _:
                domains.entry(self._genesis, tx.domain)

    def claims(self, tx: LaneTx) -> tuple[ProofClaim, ...]:  # noqa: ARG002
        """None: which proofs there are is known when a batch is open."""
        return ()

    def check_historical(self, tx: LaneTx, state: StateReader, context: TxContext) -> None:
        """Keys lie in the state, so the proofs of ciphertexts are checked here (PX-14)."""
        match tx:
            case SealTx():
                ordering.check(tx.domain, tx.envelope, state, context.height, self._genesis)
            case KeyTx():
                generation.check_place(tx, state, context.height, self._genesis)
            case DisperseTx():
                dispersal.check_disperse(tx, state, self._genesis, context)
                self._read_ahead(tx)

    def _read_ahead(self, tx: DisperseTx) -> None:
        """LN-37: a blob that members vouch for is read where nobody waits for a lock."""
        with contextlib.suppress(BadEncoding):
            self.services.blobs.blob(tx.certificate.statement.commitment)

    # EFFECT

    def execute(self, tx: LaneTx, state: StateReader, context: TxContext) -> Effects:
        match tx:
            case SealTx():
                return ordering.seal(tx, state, context.height, self._genesis)
            case KeyTx():
                return generation.accept(tx, state, context.height, self._genesis)
            case RevealTx():
                return opening.open_batch(tx, state, context, self.services)
            case SubmitTx():
                return settling.submit(tx, state, context, self.services)
            case EndTx():
                return settling.end(tx, state, context, self.services)
            case DirectTx():
                return direct.settle(tx, state, context, self.services)
            case DisperseTx():
                return dispersal.disperse(tx, state, context, self.services)

    def cross(self, crossing: Crossing, digest: bytes, state: StateReader) -> Effects:  # noqa: ARG002
        """EX-9: the lane holds no value; payers pay out of their accounts."""
        raise InvalidTransaction("EX-9", "the sealed lane holds no value", where="crossing")

    def end_block(
        self,
        commitments: Sequence[int],  # noqa: ARG002 - the lane makes none
        state: StateReader,
        context: TxContext,
    ) -> Effects:
        """Batches close, keys are made. Block 0 has neither."""
        if context.height == 0:
            return Effects()
        closed = ordering.close(state, context.height, self._genesis)
        made = generation.finish(state, context.height, self._genesis)
        return Effects(writes=(*closed, *made))

    # LANE RULES

    def passes(self, data: bytes) -> bool:
        """EX-39: who waits for a batch does not wait with these."""
        return lead.passes(data)

    def signers(self, state: StateReader, height: Height) -> int:
        """LN-48: those of this epoch, and of the next, whose keys are made in this one."""
        now = self.services.lane.epoch_of(max(1, height))
        members = (
            rosters.committee(state, self._genesis, epoch).members for epoch in (now, now + 1)
        )
        return len({member.key for roster in members for member in roster})

    def foresee(self, txs: Sequence[LaneTx], state: StateReader, height: Height) -> None:
        """Proofs of ciphertexts, as those of actions, are verified in one batch for a block."""
        seals = [(tx.domain, tx.envelope) for tx in txs if isinstance(tx, SealTx)]
        ordering.foresee(seals, state, height, self._genesis)

    def waits(self, state: StateReader, height: Height) -> str:
        """EX-39 (P1-1)."""
        return lead.waits(state, height)
