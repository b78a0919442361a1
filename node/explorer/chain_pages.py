"""Overview, blocks, a block, what waits."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

from node.core.block import Receipt
from node.core.ids import Height
from node.explorer import lane_pages, spark, state_pages, validator_pages
from node.explorer.page import Ask, Page, Route
from node.rpc.service import Service
from node.rpc.text import hex_of

LATEST: Final = 9
"""Blocks on the overview."""
A_PAGE: Final = 25
"""Blocks on a page of their list."""
TXS_A_PAGE: Final = 100
INTERVALS: Final = 60
MOST_DOTS: Final = 24
_WAITING: Final = 50


def overview(ask: Ask) -> Page:
    """Everything at a glance."""
    service = ask.service
    status, kept = service.status(), service.node.chain.first
    times = _times(service, status.height)
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    context = {
        "status": status,
        "blocks": _lines(service, max(kept, status.height - LATEST + 1), status.height),
        "gaps": gaps,
        "typical": sorted(gaps)[len(gaps) // 2] if gaps else None,
        "spark": spark.bars(gaps),
        "supply": state_pages.shares(service.supply()),
        "lane": lane_pages.glance(service),
        "validators": validator_pages.count(service),
    }
    return Page("overview", "Overview", "overview", context)


def blocks(ask: Ask) -> Page:
    """Newest first."""
    service = ask.service
    tip, kept = service.status().height, service.node.chain.first
    last = min(tip, max(kept, ask.start("from", tip)))
    first = max(kept, last - A_PAGE + 1)
    context = {
        "lines": _lines(service, first, last),
        "newer": last + A_PAGE if last < tip else None,
        "older": first - 1 if first > kept else None,
        "tip": tip,
    }
    return Page("blocks", "Blocks", "blocks", context)


def block(ask: Ask) -> Page:
    """A block with its transactions, some at a time."""
    service = ask.service
    found = service.block(Height(ask.height("height")))
    start = ask.start("at", 0)
    receipts = found.receipts[start : start + TXS_A_PAGE]
    context = {
        "block": found,
        "receipts": receipts,
        "start": start,
        "next": start + TXS_A_PAGE if start + TXS_A_PAGE < len(found.receipts) else None,
        "tip": service.status().height,
        "sizes": [len(tx) // 2 - 1 for tx in found.txs[start : start + TXS_A_PAGE]],
        "refused": sum(not item.ok for item in found.receipts),
    }
    return Page("block", f"Block {found.height:,}", "blocks", context)


def mempool(ask: Ask) -> Page:
    """What waits for a block: ids, environments, fees, sizes."""
    return Page("mempool", "Waiting", "blocks", {"pool": ask.service.mempool(_WAITING)})


def _lines(service: Service, first: int, last: int) -> list[dict[str, Any]]:
    """Blocks of a list, newest first."""
    found = service.blocks(first, last - first + 1).blocks if last >= first else []
    return [
        {
            "height": item.height,
            "hash": item.hash,
            "time_ms": item.time_ms,
            "bytes": item.bytes,
            "txs": len(item.tx_ids),
            "refused": item.refused,
            "dots": _dots(service.node.chain.receipts(Height(item.height))),
        }
        for item in reversed(found)
    ]


def _dots(receipts: Sequence[Receipt]) -> list[dict[str, str]]:
    """One mark a transaction: whose, and how it ended."""
    return [
        {
            "tone": item.environment.label if item.ok else "refused",
            "id": hex_of(item.tx_id).removeprefix("0x"),
            "name": item.environment.label if item.ok else f"refused by {item.code[:16]}",
        }
        for item in receipts[:MOST_DOTS]
    ]


def _times(service: Service, height: int) -> list[int]:
    """When the last blocks were made, milliseconds since 1970."""
    chain = service.node.chain
    first = max(chain.first, height - INTERVALS)
    return [chain.header(Height(item)).time_ms for item in range(first, height + 1)]


ROUTES: Final = (
    Route("", overview),
    Route("/blocks", blocks, ("from",)),
    Route("/blocks/{height}", block, ("at",)),
    Route("/mempool", mempool),
)
