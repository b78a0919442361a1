"""A node's part in keeping blobs: it takes them, signs for its rows, serves them, forgets in time.

Nothing here is the chain's. Where the committee of a domain is this node alone, what it signs is a
certificate; in a larger one it sends every member its rows and gathers their signatures.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.block import Block, Receipt
from node.core.errors import NotFound
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.da import blob
from node.da.attest import Attester, MemberKey
from node.da.blob import Dispersal
from node.da.certificate import Certificate, Collector, Statement
from node.da.domain import Domain
from node.da.errors import BadEncoding, DataRefused
from node.da.rows import Commitment, Row
from node.da.shards import Promised, ShardStore
from node.execution.executor import Executor
from node.execution.run import MACHINE_FAULTS
from node.lane import domains, payload
from node.lane.blobs import attached, dispersal
from node.lane.blobs import blob as blobs
from node.lane.blobs.blob import ShardBlobs
from node.lane.blobs.gathering import Fault, gather
from node.lane.blobs.offers import Members, Offer, Promise, disk_bytes
from node.lane.blobs.reading import Reading
from node.lane.payload import SealTx
from node.stake import rosters
from zk.errors import ChiaroError

BEHIND: Final = 2
"""Blocks that another member may lack when it is asked: a statement is of a height that it has."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A blob that the committee took.

    Attributes:
        domain: number.
        certificate: to be ordered.
        entries: how many sealed intents it has.
        faults: members that did not sign.
    """

    domain: int
    certificate: Certificate
    entries: int
    faults: tuple[Fault, ...] = ()

    @property
    def commitment(self) -> Commitment:
        return self.certificate.statement.commitment

    @property
    def expiry(self) -> int:
        return self.certificate.statement.expiry


class Availability:
    """A `blob.BlobSource` and `node.da.sampling.RowSource` over this node's rows and the members'.

    Args:
        genesis: of the chain; it has a lane.
        store: of rows; nobody else writes there.
        key: of the validator; None on a node that keeps nothing for others.
        members: how the others of a committee are reached; None: not at all.
    """

    def __init__(
        self,
        genesis: Genesis,
        store: ShardStore,
        key: MemberKey | None,
        members: Members | None = None,
    ) -> None:
        self._genesis: Final = genesis
        self._store: Final = store
        self._key: Final = key
        self._members: Final = members
        self._rows: Final = ShardBlobs((store,))
        self._reading: Final = Reading(self._rows, members)
        self._keeping: Final = threading.Lock()

    # --- reading ---------------------------------------------------------------------------------

    def blob(self, commitment: Commitment) -> bytes:
        """LN-37: from the rows here, else from members'. Raises BadEncoding, NoBytes."""
        return self._reading.blob(commitment)

    def row(self, commitment: Commitment, index: int) -> Row | None:
        """One row, if it is here."""
        return self._rows.row(commitment, index)

    def anywhere(self, commitment: Commitment, index: int) -> Row | None:
        """One row, here or at the member that has it; None: it is not to be had now."""
        row = self._rows.row(commitment, index)
        if row is not None or self._members is None:
            return row
        likely = self._likely(commitment, index)
        for member in sorted(self._members.others(), key=lambda member: member != likely):
            if (row := self._reading.row_of(member, commitment, index)) is not None:
                return row
        return None

    def _likely(self, commitment: Commitment, index: int) -> bytes:
        """Who holds a row where all of genesis keep rows; else whoever is asked finds out."""
        lane = self._genesis.lane
        if lane is None or not 0 <= index < commitment.coding.n:
            return b""
        shared = domains.domain_of(self._genesis, lane.domains[0].number).assignment
        return shared.holder(index).key

    def commitment(self, root: bytes) -> Commitment:
        """Of a blob whose rows are here. Raises NotFound."""
        return self._store.commitment(root)

    # --- keeping ---------------------------------------------------------------------------------

    def put(
        self,
        domain: int,
        data: bytes,
        executor: Executor,
        reader: StateReader,
        height: Height,
    ) -> Kept:
        """Take a blob, keep this member's rows, have the others keep theirs, gather signatures.

        Args:
            domain: number.
            data: the blob.
            executor: of the chain, which says whether all payers can and want to pay (DA-9).
            reader: its last state.
            height: of the next block.

        Raises:
            LaneRefused: LN-2 no such domain; LN-38 no blob of sealed intents; LN-47.
            DataRefused: DA-8 this validator has no part in the epoch; DA-9 an entry would not be
                ordered behind those before it; DA-11, DA-23 size; DA-12 too few members signed.
            NotFound: this node is no validator.
        """
        key = self._validator()
        stated = Height(max(0, height - BEHIND))
        found = domains.keeping(reader, self._genesis, domain, stated)
        entries = blobs.decode(data)
        coded = blob.encode(data, found.coding)
        said = dispersal.statement(self._genesis, found, coded.commitment, stated)
        wires = [payload.wire(SealTx(domain, item)) for item in entries]

        def promised(_statement: Statement) -> None:
            _check_together(wires, executor, reader, height)

        own = _rows_of(found, key.public, coded)
        mine = Promised(key.public, disk_bytes(own), said.expiry)
        attester = Attester(key.public, key, self._store, promised)
        signature = attester.attest(said, own, found, self._genesis.chain_id, height, mine)
        collector = Collector(said, found.committee)
        collector.add(key.public, signature)
        promise = Promise.sign(key, said, found.committee, len(entries))
        faults = gather(self._offers(found, coded, promise), collector)
        try:
            certificate = collector.certificate()
        except DataRefused as error:
            for fault in faults:
                error.message += f"; {fault.member.hex()[:16]}…: {fault.code} {fault.message}"
            raise
        return Kept(domain, certificate, len(entries), faults)

    def _offers(
        self, domain: Domain, coded: Dispersal, promise: Promise
    ) -> dict[bytes, Callable[[], bytes]]:
        """A call for each other member that has rows."""
        if self._members is None:
            return {}
        carrier, found = self._members, {}
        for member in domain.committee.members:
            rows = _rows_of(domain, member.id, coded)
            if member.id != promise.member and rows:
                found[member.id] = _call(carrier, member.key, Offer(promise, rows))
        return found

    def members(self, reader: StateReader, height: Height) -> frozenset[bytes]:
        """Keys of who keeps rows of what is stated now, or was a moment ago."""
        found: set[bytes] = set()
        for when in {max(0, height - BEHIND), height}:
            epoch = domains.epoch_at(self._genesis, when)
            roster = rosters.committee(reader, self._genesis, epoch)
            found |= {member.key for member in roster.members}
        return frozenset(found)

    def keep(self, offer: Offer, reader: StateReader, height: Height) -> bytes:
        """Another member's offer: the rows that are this node's, on its word that they are paid.

        Args:
            offer: what it sent.
            reader: the last state.
            height: of the next block.

        Returns:
            The signature; the same one if it is asked again.

        Raises:
            DataRefused: DA-35 no promise, or no credit; DA-8, DA-4 rows; DA-11, DA-23 statement.
            LaneRefused: LN-2 no such domain.
            NotFound: this node is no validator.
        """
        key = self._validator()
        said = offer.promise.statement
        seen = min(said.height, height)  # of a later one no roster is known, and DA-11 refuses it
        domain = self._named(said.domain, reader, seen)

        with self._keeping:  # credit is counted, then used
            offer.promise.check(domain.committee, self._store.promised(), offer.size)
            attester = Attester(key.public, key, self._store, _promised)
            chain_id = self._genesis.chain_id
            return attester.attest(said, offer.rows, domain, chain_id, height, offer.promised)

    def _validator(self) -> MemberKey:
        if self._key is None:
            raise NotFound(
                "this node keeps no rows for others",
                why="members of a domain's committee do: the chain's validators",
                fix="ask a validator's node",
            )
        return self._key

    def _named(self, name: bytes, reader: StateReader, height: int) -> Domain:
        """The domain of a statement, with the committee of its height."""
        lane = self._genesis.lane
        for item in () if lane is None else lane.domains:
            if item.id == name:
                return domains.keeping(reader, self._genesis, item.number, height)
        raise DataRefused("DA-11", "made for no domain of this chain", where="statement")

    # --- blocks ----------------------------------------------------------------------------------

    def committed(self, block: Block, receipts: Sequence[Receipt], reader: StateReader) -> None:
        """A block is on the disk: its blobs need no promise, and this member has its rows of them.

        DA-39: who was away when rows were handed out makes its own of the blob that it read.
        """
        for said in attached.ordered(block, receipts):
            self._store.settle(said.commitment.root)
            try:
                self._repair(said, reader)
            except (ChiaroError, OSError) as error:
                _log.error("DA-39: rows not repaired: %s", error)
        self.prune(block.header.height, reader)

    def _repair(self, said: Statement, reader: StateReader) -> None:
        domain = self._named(said.domain, reader, said.height)
        if self._key is None or domain.committee.index(self._key.public) is None:
            return
        own = domain.assignment.rows_of(self._key.public)
        here = set(self._store.indices(said.commitment.root))
        if here >= set(own):
            return
        try:
            coded = blob.encode(self.blob(said.commitment), said.commitment.coding)
        except BadEncoding:
            return  # nobody can make the others; the evidence is with those who have rows
        rows = [coded.row(index) for index in own]
        self._store.put(said, rows, keep_until=said.expiry + domain.retention)
        _log.info("DA-39: %d rows of blob %s… repaired", len(rows), said.commitment.root.hex()[:16])

    def prune(self, height: Height, reader: StateReader) -> int:
        """DA-15, DA-36: forget what nobody may ask for any more; how many blobs that were.

        Args:
            height: of the last block.
            reader: the state after it.
        """
        dropped = 0
        for root, item in self._store.promised().items():
            if item.expiry > height:
                continue
            if dispersal.ordered(reader, root) is None:
                self._store.drop(root)
                dropped += 1
            else:
                self._store.settle(root)
        return dropped + self._store.prune(height)

    def close(self) -> None:
        self._store.close()


def _promised(_statement: Statement) -> None:
    """DA-9: by another member (DA-35), before rows were looked at."""


def _rows_of(domain: Domain, member: bytes, coded: Dispersal) -> tuple[Row, ...]:
    return tuple(coded.row(index) for index in domain.assignment.rows_of(member))


def _call(carrier: Members, member: bytes, offer: Offer) -> Callable[[], bytes]:
    return lambda: carrier.offer(member, offer.to_bytes())


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
