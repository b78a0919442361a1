"""Ordering what the committee of a domain keeps: a certificate in the block, the bytes elsewhere.

A blob has many sealed intents. Its certificate says that enough members have its rows, so every
node can read it (or find out that it is ⊥ for everybody) before the block is executed. Each entry
then goes the way of a sealed intent in a transaction of its own, as a part: its payer pays, its
proof is checked, and one that a rule refuses does not keep the others out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Effects, Event, Part
from node.core.genesis import Genesis
from node.core.ids import Height, TxId, tagged_hash
from node.core.interfaces import StateReader, TxContext
from node.da.certificate import Certificate, Statement, check_certificate, check_statement
from node.da.domain import Domain
from node.da.errors import BadEncoding, DataRefused
from node.da.rows import Commitment
from node.execution.bounded import BoundedCache
from node.lane import domains, ordering, payload
from node.lane.blobs import blob as blobs
from node.lane.errors import LaneRefused
from node.lane.payload import DisperseTx, SealTx
from node.lane.services import Services

BLOB: Final = "blob"
"""Event of an ordered blob: its root, how many entries, `ok` or why it has none."""
_CHECKED: Final[BoundedCache[bytes, bool]] = BoundedCache(512)


def statement(
    genesis: Genesis, domain: Domain, commitment: Commitment, height: Height, *, life: int = 32
) -> Statement:
    """What members are asked to sign for a blob that is to be ordered within `life` heights."""
    expiry = Height(height + min(life, domain.lifetime))
    return Statement(genesis.chain_id, domain.id, commitment, height, expiry)


def tx_id(tx: DisperseTx) -> TxId:
    """Of the domain and the statement: whoever signed it, it is the same blob."""
    number = tx.domain.to_bytes(4, "little")
    return TxId(tagged_hash("lane/disperse", number, tx.certificate.statement.to_bytes()))


def check_stateless(tx: DisperseTx, genesis: Genesis, context: TxContext) -> None:
    """LN-33, as far as it needs no state: the statement is of this chain and domain, and timely.

    Raises:
        LaneRefused: LN-2, no such domain; LN-33, which names the rule of `node.da` that refuses.
    """
    domain = domains.domain_of(genesis, tx.domain)
    with _named():
        check_statement(tx.certificate.statement, domain, context.chain_id, context.height)


def check_disperse(
    tx: DisperseTx, state: StateReader, genesis: Genesis, context: TxContext
) -> None:
    """LN-33, LN-47: signed by the committee of the epoch in which it was stated.

    What passed is remembered: pools and blocks ask for the same.

    Raises:
        LaneRefused: LN-2, LN-47; LN-33, which names the rule of `node.da` that refuses.
    """
    check_stateless(tx, genesis, context)  # its height is no later than the block's
    said = tx.certificate.statement
    domain = domains.keeping(state, genesis, tx.domain, said.height)
    name = tagged_hash("lane/certificate", tx.certificate.to_bytes(), domain.committee.digest)
    if _CHECKED.get(name) is None:
        with _named():
            check_certificate(tx.certificate, domain, context.chain_id, context.height)
        _CHECKED.put(name, True)


@contextmanager
def _named() -> Iterator[None]:
    """LN-33, for what `node.da` refuses."""
    try:
        yield
    except DataRefused as error:
        raise LaneRefused("LN-33", f"{error.id}: {error.message}", where=error.where) from error


def disperse(tx: DisperseTx, state: StateReader, context: TxContext, services: Services) -> Effects:
    """LN-34 … LN-37: order the entries of a blob.

    Args:
        tx: passed `check_disperse`.
        state: at its place in the block.
        context: of the block.
        services: of the chain; where its bytes come from changes nothing.

    Raises:
        LaneRefused: LN-34.
        NodeError: LN-37, this machine does not have the bytes; no reason to refuse anything.
    """
    said = tx.certificate.statement
    root = said.commitment.root
    if (before := ordered(state, root)) is not None:
        raise LaneRefused(
            "LN-34", f"ordered in block {before.height} already", where=f"blob {root.hex()[:16]}…"
        )
    parts: tuple[Part, ...] = ()
    code, why = "ok", ""
    try:
        entries = blobs.decode(services.blobs.blob(said.commitment))
        parts = tuple(
            Part(f"entry {index}", wires=(payload.wire(SealTx(tx.domain, item)),))
            for index, item in enumerate(entries)
        )
        named = [(tx.domain, item) for item in entries]
        ordering.foresee(named, state, context.height, services.genesis)
    except (BadEncoding, LaneRefused) as error:
        # LN-36: the same on every node, whichever rows it read: so it is an empty blob, for good.
        code, why = "LN-36", error.id
    record = Ordered(tx.domain, context.height, len(parts), said.expiry, said.commitment)
    event = Event(
        BLOB, (("root", root.hex()), ("entries", str(len(parts))), ("code", code), ("why", why))
    )
    return Effects(writes=(record.write(),), events=(event,), parts=parts)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A blob that a block ordered, as the state has it under `i/blob/ root`.

    Attributes:
        domain: number.
        height: of the block.
        entries: how many it has; 0: it is empty for everybody (LN-36).
        expiry: of its statement: members keep the rows for the domain's retention after it.
        commitment: what rows are proved against.
    """

    domain: int
    height: int
    entries: int
    expiry: int
    commitment: Commitment

    def write(self) -> tuple[bytes, bytes]:
        """The write that stores it."""
        return ordered_key(self.commitment.root), self.to_bytes()

    def to_bytes(self) -> bytes:
        writer = Writer().u32(self.domain).u64(self.height).u16(self.entries).u64(self.expiry)
        self.commitment.write(writer)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Ordered:
        """Strict. Raises DecodeError; DataRefused (DA-2)."""
        reader = Reader(data, "ordered blob")
        found = Ordered(
            reader.u32(), reader.u64(), reader.u16(), reader.u64(), Commitment.read(reader)
        )
        reader.done()
        return found


def ordered_key(root: bytes) -> bytes:
    """Where the state says that a blob was ordered."""
    return b"i/blob/" + root


def ordered(state: StateReader, root: bytes) -> Ordered | None:
    """What the state says of a blob; None if no block ordered it."""
    data = state.get(ordered_key(root))
    return None if data is None else Ordered.from_bytes(data)


def wire(domain: int, certificate: Certificate) -> bytes:
    """The transaction that orders a blob."""
    return payload.wire(DisperseTx(domain, certificate))
