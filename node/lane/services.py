"""What the sealed lane needs besides the state: constants of the chain, and who judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.effects import BatchScope
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.intent import Intent
from node.core.interfaces import Admission, BlockResult, ProofVerifier, StateReader
from node.core.lane import LaneParameters
from node.execution.bounded import BoundedCache
from node.execution.executor import Executor
from node.intents.schema import Decoded, Registry
from node.lane.blobs.blob import BlobSource, NoBlobs
from shielded.env import ShieldedEnvironment

_MOST_READ: Final = 2048
_MOST_READ_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Services:
    """The same on every node of a chain, but for where bytes come from, which changes no answer.

    Attributes:
        genesis: of the chain; it has a lane.
        inner: runs transactions of the other environments, to see what a settlement would do.
        verifier: of proofs.
        shielded: the shielded environment of the chain.
        registry: schemas of intents.
        blobs: where the bytes of dispersed intents come from.
    """

    genesis: Genesis
    inner: Executor
    verifier: ProofVerifier
    shielded: ShieldedEnvironment
    registry: Registry
    blobs: BlobSource = field(default_factory=NoBlobs)
    _read: BoundedCache[Intent, Decoded] = field(
        init=False,
        repr=False,
        compare=False,
        default_factory=lambda: BoundedCache(_MOST_READ, _MOST_READ_BYTES),
    )

    def decode(self, intent: Intent) -> Decoded:
        """An intent as its schema reads it; remembered by all its bytes.

        Reading checks signatures and points, and who submits a settlement asks for the whole
        batch, whatever becomes of the submission.

        Raises:
            ChiaroError: as `Registry.decode`.
        """
        found = self._read.get(intent)
        if found is None:
            found = self.registry.decode(intent, self.genesis.chain_id)
            self._read.put(intent, found, len(intent.payload))
        return found

    @property
    def lane(self) -> LaneParameters:
        """Parameters.

        Raises:
            ConsensusFault: the chain has no lane; a bug of who composed the node.
        """
        if self.genesis.lane is None:
            raise ConsensusFault("this chain has no sealed lane")
        return self.genesis.lane


@dataclass(frozen=True, slots=True)
class ScopedExecutor:
    """A `node.intents.view.Judge`: everything is judged as a part of one settlement.

    Attributes:
        inner: which executor.
        scope: of the batch; None outside of batches.
    """

    inner: Executor
    scope: BatchScope | None

    def check(self, txs: Sequence[bytes], reader: StateReader, height: Height) -> list[Admission]:
        """As `BlockExecutor.check`."""
        return self.inner.check(txs, reader, height, self.scope)

    def execute(
        self,
        txs: Sequence[bytes],
        reader: StateReader,
        height: Height,
        time_ms: int,  # noqa: ARG002 - no environment reads the time
    ) -> BlockResult:
        """As `BlockExecutor.execute`, up to the block's end, which comes behind the settlement."""
        return self.inner.rehearse(txs, reader, height, self.scope)
