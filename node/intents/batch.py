"""A batch: intents whose order is final, decrypted together, to be settled together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Writer
from node.core.ids import ID_BYTES, ChainId, tagged_hash
from node.core.intent import Intent
from node.intents.errors import IntentRefused
from node.intents.schema import MACHINE_FAULTS, Decoded, Registry
from shielded.transaction import Scope
from zk.errors import ChiaroError

MAX_BATCH: Final = 4096


@dataclass(frozen=True, slots=True)
class Batch:
    """A closed set.

    Attributes:
        chain_id: where.
        scope: domain and epoch (S-19); None where there are none.
        intents: in the order in which they became final; no id twice.

    Raises:
        IntentRefused: IN-12, one intent twice, or more than 4096.
    """

    chain_id: ChainId
    scope: Scope | None
    intents: tuple[Intent, ...]

    def __post_init__(self) -> None:
        if len(self.intents) > MAX_BATCH:
            raise IntentRefused("IN-12", f"more than {MAX_BATCH} intents", where="batch")
        if len({intent.id for intent in self.intents}) != len(self.intents):
            raise IntentRefused("IN-12", "an intent is there twice", where="batch")

    @property
    def id(self) -> bytes:
        """32 bytes over chain, scope and the ids in order."""
        writer = Writer().raw(self.chain_id, ID_BYTES).u8(self.scope is not None)
        if self.scope is not None:
            writer.u32(self.scope.domain).u64(self.scope.epoch)
        writer.u32(len(self.intents))
        for intent in self.intents:
            writer.raw(intent.id, ID_BYTES)
        return tagged_hash("intents/batch", writer.done())

    def decode(self, registry: Registry) -> dict[bytes, Decoded | ChiaroError]:
        """Every intent by id, decoded or with the reason why it is none. Total (IN-5)."""
        found: dict[bytes, Decoded | ChiaroError] = {}
        for intent in self.intents:
            try:
                found[intent.id] = registry.decode(intent, self.chain_id)
            except MACHINE_FAULTS:
                raise
            except ChiaroError as error:
                found[intent.id] = error
        return found
