"""Data availability: blobs, who signed for them, which rows are here."""

from __future__ import annotations

import itertools
from typing import Any, Final

from node.core.block import Transaction
from node.core.errors import NotFound
from node.core.ids import EnvironmentId, Height
from node.da.certificate import Certificate
from node.explorer import spark
from node.explorer.page import Ask, Page, Route
from node.lane import domains, payload
from node.lane.blobs import dispersal
from node.lane.blobs.dispersal import Ordered
from node.lane.payload import DisperseTx
from node.rpc.da_schema import BlobView
from node.rpc.service import Service
from zk.errors import ChiaroError

MOST_BLOBS: Final = 200
"""Of the state, whose order is that of their roots; those shown are sorted by height."""


def blobs(ask: Ask) -> Page:
    """What blocks ordered that lies beside them."""
    service = ask.service
    state = service.node.store.reader()
    entries = itertools.islice(state.iterate(dispersal.ordered_key(b"")), MOST_BLOBS + 1)
    found = [Ordered.from_bytes(value) for _, value in entries]
    listed = sorted(found[:MOST_BLOBS], key=lambda item: -item.height)
    return Page(
        "blobs",
        "Data",
        "da",
        {"blobs": listed, "more": len(found) > MOST_BLOBS, "keeps": service.node.da is not None},
    )


def blob(ask: Ask) -> Page:
    """A blob: who signed, and a map of its rows."""
    service, root = ask.service, ask.identity("root")
    view = service.da.blob(root)
    here = service.da.held(root)
    context: dict[str, Any] = {
        "blob": view,
        "root_id": root.hex(),
        "map": spark.rows(here, view.needed),
        "signers": _signers(service, root, view),
        "verdict": None,
    }
    return Page("blob", "Blob", "da", context)


def _signers(service: Service, root: bytes, view: BlobView) -> list[dict[str, Any]]:
    """Members of the committee, and whether each signed; none for a blob that waits."""
    if view.height is None or view.domain is None:
        return []
    certificate = _certificate(service, root, view.height)
    if certificate is None:
        return []
    state, said = service.node.store.reader(), certificate.statement
    try:
        domain = domains.keeping(state, service.genesis, view.domain, said.height)
    except ChiaroError:  # its epoch's roster is in no state any more
        return []
    return [
        {"key": member.id.hex(), "weight": member.weight, "signed": place in certificate.signers}
        for place, member in enumerate(domain.committee.members)
    ]


def _certificate(service: Service, root: bytes, height: int) -> Certificate | None:
    """What the block ordered it by."""
    try:
        block = service.node.chain.block(Height(height))
    except NotFound:  # this node keeps it no more
        return None
    for data in block.txs:
        try:
            envelope = Transaction.from_bytes(data)
            if envelope.environment is not EnvironmentId.INTENTS:
                continue
            tx = payload.decode(envelope.payload)
        except ChiaroError:
            continue
        if isinstance(tx, DisperseTx) and tx.certificate.statement.commitment.root == root:
            return tx.certificate
    return None


ROUTES: Final = (Route("/da", blobs), Route("/da/{root}", blob))
