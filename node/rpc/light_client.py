"""A node over HTTP as a source for a light client; what comes is decoded here, checked there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.core.errors import NotFound
from node.lane import layout, payload
from node.lane.blobs.dispersal import Ordered, ordered_key
from node.light.block import LightBlock, SignedHeader
from node.light.root import VerifiedLedger
from node.light.validators import ValidatorSet
from node.rpc import light_schema as schema
from node.rpc.da_client import entry_of
from node.rpc.errors import BadAnswer
from node.rpc.schema import StateView
from node.rpc.text import bytes_of

if TYPE_CHECKING:
    from node.rpc.client import NodeClient


class NodeSource:
    """`node.light.client.Source` and `node.light.root.LedgerSource` of one node.

    Args:
        node: how it is reached.
    """

    def __init__(self, node: NodeClient) -> None:
        self._node = node

    def light_block(self, height: int | None = None) -> LightBlock:
        """Header, commit and validators of a height, or the newest.

        Raises:
            NotFound: the node does not have it; LC-20, nobody signs its blocks.
            BadAnswer: it does not decode (LC-1).
        """
        place = "tip" if height is None else str(height)
        view = self._node.get(f"/light/commit/{place}", schema.CommitView)
        signed = self._node.checked(lambda: SignedHeader.from_bytes(bytes_of(view.signed)))
        at = signed.header.height
        who = self._node.get(f"/light/validators/{at}", schema.ValidatorsView)
        validators = self._node.checked(lambda: ValidatorSet.from_bytes(bytes_of(who.validators)))
        return LightBlock(signed, validators)

    def state_proof(self, key: bytes, height: int) -> bytes:
        """The proof alone: the root that it is checked against is the caller's."""
        view = self._node.get(f"/state/{key.hex()}", StateView, {"height": height})
        return self._node.checked(lambda: bytes_of(view.proof))

    def ledger_headers(self, first: int, limit: int) -> Sequence[bytes]:
        """Our headers from a height on."""
        query = {"from": first, "limit": limit}
        view = self._node.get("/light/headers", schema.HeadersView, query)
        return [self._node.checked(lambda: bytes_of(h)) for h in view.headers]  # noqa: B023

    def ledger_block(self, height: int) -> bytes:
        """Our block, whole."""
        page = self._node.raw_page(height, 1)
        if [item.height for item in page.blocks] != [height]:
            raise BadAnswer("the node answers for other heights", where=f"height {height}")
        return self._node.checked(lambda: bytes_of(page.blocks[0].block))


def ordered(ledger: VerifiedLedger, root: bytes) -> Ordered:
    """RPC-38 under a verified root: the chain's entry of a blob.

    Raises:
        NotFound: it is proved that no block ordered it.
        LightRefused: LC-18.
        BadAnswer: the entry is not of this blob.
    """
    data = ledger.entry(ordered_key(root))
    if data is None:
        raise NotFound(f"no block up to {ledger.height} has ordered blob {root.hex()}")
    return entry_of(root, data)


def opened_of(
    node: NodeClient, ledger: VerifiedLedger, domain: int, number: int, app: bytes
) -> tuple[bytes, ...]:
    """RPC-31 under a verified root: all opened intents of an application, none left out.

    Raises:
        NotFound: the batch has none that are kept.
        DataRefused: DA-18, something was left out, added or changed.
        LightRefused: LC-18.
    """
    tree = ledger.entry(layout.tree_key(payload.ref(domain, number)))
    if tree is None:
        raise NotFound(f"the state after block {ledger.height} has no opened batch {number}")
    return node.lane.complete(node.lane.completeness(domain, number, app), tree, app)
