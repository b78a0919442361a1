"""Batches of sealed intents: by domain, with their stages over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from node.core.block import Receipt, Transaction
from node.core.errors import NotFound
from node.core.ids import Height
from node.explorer.page import Ask, Page, Route
from node.explorer.text import plural
from node.lane import payload
from node.lane.payload import RevealTx
from node.rpc.lane_schema import BatchView, LaneDomainView
from node.rpc.service import Service

A_PAGE: Final = 12
"""Batches of a domain on a page."""
MOST_LISTED: Final = 128
"""Intents of a batch on its page: as many as a batch has."""
MOST_LOOKED_AT: Final = 192
"""Blocks in which a batch's stages are looked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of a batch.

    Attributes:
        name: of the stage.
        height: of the block in which it came; None: not yet, or not found.
        state: `done`, `now`, `next`, or `failed`.
        note: what it is about.
    """

    name: str
    height: int | None
    state: str
    note: str = ""


def glance(service: Service) -> dict[str, Any] | None:
    """The lane on the overview; None: the chain has none."""
    if service.genesis.lane is None:
        return None
    found = service.lane.lane()
    return {
        "view": found,
        "domains": [
            {"view": item, "live": [b for b in found.live if b.domain == item.number]}
            for item in found.domains
        ],
    }


def batches(ask: Ask) -> Page:
    """Each domain's latest batches."""
    service = ask.service
    if service.genesis.lane is None:
        return Page("no_lane", "Batches", "batches")
    lane = service.lane.lane()
    found = [
        {"view": domain, "batches": _latest(service, domain, domain.next_batch)}
        for domain in lane.domains
    ]
    return Page("batches", "Batches", "batches", {"lane": lane, "domains": found})


def domain(ask: Ask) -> Page:
    """A domain's batches, some at a time."""
    service, number = ask.service, ask.height("domain")
    lane = service.lane.lane()
    found = next((item for item in lane.domains if item.number == number), None)
    if found is None:
        raise NotFound(f"there is no domain {number}")
    before = min(found.next_batch, ask.start("before", found.next_batch))
    listed = _latest(service, found, before)
    context = {
        "domain": found,
        "batches": listed,
        "older": listed[-1].number if listed and listed[-1].number else None,
    }
    return Page("domain", f"Domain {found.number}", "batches", context)


def _latest(service: Service, domain: LaneDomainView, before: int) -> list[BatchView]:
    numbers = range(before - 1, max(before - 1 - A_PAGE, -1), -1)
    return [service.lane.batch(domain.number, number) for number in numbers]


def batch(ask: Ask) -> Page:
    """A batch: entries, stages, how it ended."""
    service = ask.service
    found = service.lane.batch(ask.height("domain"), ask.height("number"))
    opened = {item.index: item for item in found.opened}
    holders = _holders(service, found)
    context = {
        "holders": holders,
        "gathered": sum(item["here"] for item in holders),
        "batch": found,
        "steps": steps(service, found),
        "entries": [
            {"view": item, "opened": opened.get(index)} for index, item in enumerate(found.entries)
        ],
        "fees": sum(int(item.fee) for item in found.entries),
        "tip": service.status().height,
    }
    return Page("batch", f"Batch {found.number} of domain {found.domain}", "batches", context)


def _holders(service: Service, found: BatchView) -> list[dict[str, Any]]:
    """Who has shares of a batch that waits to be opened, and whether they are here."""
    if found.stage != "closed":
        return []
    keys = service.lane_keys().keys
    reports = [k for k in keys if (k.domain, k.epoch) == (found.domain, found.epoch)]
    names = [h.validator for report in reports for h in report.holders if h.shares]
    return [{"key": name, "here": name in found.gathered} for name in names or found.gathered]


# STAGES OVER TIME


def steps(service: Service, found: BatchView) -> list[Step]:
    """When a batch came into each stage, as its blocks say."""
    seen = _seen(service, found)
    closed = found.closed or seen.get("closed")
    opened, ended = seen.get("opened"), None if found.end is None else found.end.height
    if found.stage == "unrevealed":
        ended = ended or found.height
    solved = 3 if found.best else 2
    reached = {"open": 0, "closed": 1, "solving": solved}.get(found.stage, 4)
    heights = (seen.get("sealed"), closed, opened, seen.get("solution"), ended)
    notes = (
        plural(len(found.entries), "intent"),
        "order is final, nobody has read it",
        "enough shares came" if opened else "",
        _SOLVED[found.best is not None, found.end is not None],
        {"settled": "carried out", "unsolved": "nobody solved it", "unrevealed": "fees went back"}
        .get(found.stage, f"due in block {found.due:,}" if found.due else ""),
    )  # fmt: skip
    names = ("sealed", "closed", "opened", "solved", _ENDS.get(found.stage, "ends"))
    return [
        Step(name, height, _state(index, reached, found.stage), note)
        for index, (name, height, note) in enumerate(zip(names, heights, notes, strict=True))
    ]


_SOLVED: Final = {
    (True, True): "the best settlement won",
    (True, False): "the best settlement so far",
    (False, True): "",
    (False, False): "solvers may offer settlements",
}
_ENDS: Final = {"settled": "settled", "unsolved": "expired", "unrevealed": "expired"}
_FAILED: Final = {"unsolved": (3, 4), "unrevealed": (2, 3, 4)}


def _state(index: int, reached: int, stage: str) -> str:
    if index in _FAILED.get(stage, ()):
        return "failed"
    if index <= reached:
        return "done"
    return "now" if index == reached + 1 else "next"


def _seen(service: Service, found: BatchView) -> dict[str, int]:
    """Heights of a batch's events, the first of each kind; `closed` from its opening."""
    chain, seen = service.node.chain, dict[str, int]()
    last = min(chain.height, found.height)
    closes = found.closed or (found.due if found.stage == "open" else None)
    for height in range(last, max(0, last - MOST_LOOKED_AT), -1):
        if closes is not None and height <= closes - _period(service, found.domain):
            break
        try:
            receipts = chain.receipts(Height(height))
        except NotFound:  # this node keeps it no more
            break
        for receipt in receipts:
            for name in _named(receipt, found.domain, found.number):
                seen[name] = height
                if name == "opened":
                    closes = seen["closed"] = _closed(service, height, receipt)
    return seen


def _period(service: Service, number: int) -> int:
    """Heights from one close of a domain to the next."""
    lane = service.genesis.lane
    found = None if lane is None else lane.domain(number)
    return MOST_LOOKED_AT if found is None else found.period


def _named(receipt: Receipt, domain: int, number: int) -> list[str]:
    if not receipt.ok:
        return []
    wanted = (("domain", str(domain)), ("batch", str(number)))
    return [event.name for event in receipt.events if all(pair in event.data for pair in wanted)]


def _closed(service: Service, height: int, receipt: Receipt) -> int:
    """The height that a reveal names."""
    wire = service.node.chain.block(Height(height)).txs[receipt.index]
    tx = payload.decode(Transaction.from_bytes(wire).payload)
    return tx.reveal.height if isinstance(tx, RevealTx) else height


ROUTES: Final = (
    Route("/batches", batches),
    Route("/batches/{domain}", domain, ("before",)),
    Route("/batches/{domain}/{number}", batch),
)
