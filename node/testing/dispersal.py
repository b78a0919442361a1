"""Blobs of sealed intents, certified by validators whose secrets everybody can derive.  UNSAFE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from node.core.ids import Height
from node.da import blob
from node.da.blob import Dispersal
from node.da.certificate import Certificate, Statement
from node.da.rows import Commitment, Row
from node.da.shards import ShardStore
from node.lane import domains
from node.lane.blobs import dispersal
from node.lane.blobs.blob import NoBlobs, ShardBlobs
from node.store.memory import MemoryKeyValue
from node.testing.lane import LaneChain, envelope_of
from private_exec.envelope import Envelope


def sealed(chain: LaneChain, count: int = 6) -> list[Envelope]:
    """Sealed intents, each paid by another account as far as there are any."""
    payers = chain.payers
    return [
        envelope_of(chain.seal(b"intent %d" % i, payer=payers[i % len(payers)]))
        for i in range(count)
    ]


class Network:
    """`node.lane.blobs.blob.BlobSource`: the rows of all members, in one store.

    Args:
        chain: whose rows.

    Attributes:
        store: the rows.
        gone: roots of blobs that cannot be had now.
        asked: how often bytes were asked for.
    """

    def __init__(self, chain: LaneChain) -> None:
        self.store: Final = ShardStore(MemoryKeyValue(), chain.genesis.chain_id)
        self.gone: set[bytes] = set()
        self.asked = 0
        self._rows: Final = ShardBlobs((self.store,))

    def blob(self, commitment: Commitment) -> bytes:
        """From the rows. Raises BadEncoding, NoBytes."""
        self.asked += 1
        source = NoBlobs() if commitment.root in self.gone else self._rows
        return source.blob(commitment)

    def keep(self, statement: Statement, rows: Sequence[Row]) -> None:
        """Rows of a member, for good."""
        self.store.put(statement, rows, keep_until=statement.expiry + 1000)


def coded(chain: LaneChain, data: bytes, *, torn: bool = False) -> Dispersal:
    """Rows of a blob; torn: one of them changed, so that they are no encoding."""
    found = blob.encode(data, domains.domain_of(chain.genesis, 0).coding)
    if not torn:
        return found
    rows = (bytes([found.data[0][0] ^ 1]) + found.data[0][1:], *found.data[1:])
    return blob.disperse(found.commitment.coding, len(data), rows)


def certified(
    chain: LaneChain,
    network: Network,
    made: Dispersal,
    *,
    domain: int = 0,
    signers: Sequence[int] | None = None,
    expiry: int | None = None,
) -> bytes:
    """The transaction that orders a blob; all its rows are in the network then.

    Args:
        chain: whose validators sign.
        network: where the rows go.
        made: the blob.
        domain: number.
        signers: places of those who sign; default: all.
        expiry: of the statement.
    """
    found = domains.domain_of(chain.genesis, domain)
    said = dispersal.statement(chain.genesis, found, made.commitment, chain.next_height)
    if expiry is not None:
        said = replace(said, expiry=Height(expiry))
    network.keep(said, [made.row(i) for i in range(made.commitment.coding.n)])
    places = tuple(range(len(chain.validators)) if signers is None else signers)
    digest = said.digest(found.committee)
    signatures = tuple(chain.validators[place].sign(digest) for place in places)
    return dispersal.wire(domain, Certificate(said, len(chain.validators), places, signatures))
