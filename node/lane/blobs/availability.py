"""A node's part in keeping blobs: it takes them, signs for its rows, serves them, forgets in time.

Nothing here is the chain's. Where the committee of a domain is this node alone, what it signs is a
certificate; in a larger one it is one member's signature, and the others have theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.errors import NotFound
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.da import blob
from node.da.attest import Attester, MemberKey
from node.da.certificate import Certificate, Collector, Statement
from node.da.rows import Commitment, Row
from node.da.shards import ShardStore
from node.execution.executor import Executor
from node.execution.run import MACHINE_FAULTS
from node.lane import domains, payload
from node.lane.blobs import blob as blobs
from node.lane.blobs import dispersal
from node.lane.blobs.blob import ShardBlobs
from node.lane.payload import SealTx
from zk.errors import ChiaroError


@dataclass(frozen=True, slots=True)
class Kept:
    """A blob that this node took.

    Attributes:
        domain: number.
        certificate: to be ordered.
        entries: how many sealed intents it has.
    """

    domain: int
    certificate: Certificate
    entries: int

    @property
    def commitment(self) -> Commitment:
        return self.certificate.statement.commitment

    @property
    def expiry(self) -> int:
        return self.certificate.statement.expiry


class Availability:
    """A `blob.BlobSource` and `node.da.sampling.RowSource` over this node's own rows.

    Args:
        genesis: of the chain; it has a lane.
        store: of rows; nobody else writes there.
        key: of the validator; None on a node that keeps nothing for others.
    """

    def __init__(self, genesis: Genesis, store: ShardStore, key: MemberKey | None) -> None:
        self._genesis: Final = genesis
        self._store: Final = store
        self._key: Final = key
        self._rows: Final = ShardBlobs((store,))

    def blob(self, commitment: Commitment) -> bytes:
        """LN-37: from the rows here. Raises BadEncoding, NoBytes."""
        return self._rows.blob(commitment)

    def row(self, commitment: Commitment, index: int) -> Row | None:
        """One row, if it is here."""
        return self._rows.row(commitment, index)

    def commitment(self, root: bytes) -> Commitment:
        """Of a blob whose rows are here. Raises NotFound."""
        return self._store.commitment(root)

    def put(
        self,
        domain: int,
        data: bytes,
        executor: Executor,
        reader: StateReader,
        height: Height,
    ) -> Kept:
        """Take a blob, keep its rows, sign for them.

        Args:
            domain: number.
            data: the blob.
            executor: of the chain, which says whether all payers can and want to pay (DA-9).
            reader: its last state.
            height: of the next block.

        Raises:
            LaneRefused: LN-2 no such domain; LN-38 no blob of sealed intents; LN-47.
            DataRefused: DA-8 this validator has no part in the epoch; DA-9 an entry would not be
                ordered behind those before it; DA-11, DA-23 size; DA-12 this node alone is no
                quorum.
            NotFound: this node is no validator.
        """
        if self._key is None:
            raise NotFound(
                "this node keeps no rows for others",
                why="members of a domain's committee do: the chain's validators",
                fix="ask a validator's node",
            )
        found = domains.keeping(reader, self._genesis, domain, height)
        entries = blobs.decode(data)
        coded = blob.encode(data, found.coding)
        said = dispersal.statement(self._genesis, found, coded.commitment, height)
        wires = [payload.wire(SealTx(domain, item)) for item in entries]

        def promised(_statement: Statement) -> None:
            _check_together(wires, executor, reader, height)

        attester = Attester(self._key.public, self._key, self._store, promised)
        own = found.assignment.rows_of(self._key.public)
        rows = [coded.row(index) for index in own]
        signature = attester.attest(said, rows, found, self._genesis.chain_id, height)
        collector = Collector(said, found.committee)
        collector.add(self._key.public, signature)
        return Kept(domain, collector.certificate(), len(entries))

    def prune(self, height: Height) -> int:
        """DA-15: forget what nobody may ask for any more; how many blobs that were."""
        return self._store.prune(height)

    def close(self) -> None:
        self._store.close()


def _check_together(
    wires: Sequence[bytes], executor: Executor, reader: StateReader, height: Height
) -> None:
    """Whether all of these take effect in one block, one behind the other.

    Raises:
        ChiaroError: what refuses the first that does not.
    """
    run = executor.begin(reader, height)
    for index, item in enumerate(executor.intake.prepare(wires, executor.intake.context(height))):
        try:
            run.apply(item.passed())
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            error.message = f"entry {index}: {error.message}"
            raise
