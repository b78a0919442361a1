"""A transaction as light and shadow, and each of its proofs."""

from __future__ import annotations

from typing import Any, Final

from circuits.action import PUBLIC_NAMES
from node.core.errors import NotFound
from node.core.ids import TxId
from node.core.interfaces import ProofClaim
from node.explorer import describe
from node.explorer.page import Ask, Page, Route
from node.rpc.schema import TransactionView
from node.rpc.service import Service
from node.rpc.text import bytes_of
from shielded.action import STATEMENT

MOST_EVENTS: Final = 64
_PATH: Final = "/tx/{id}/proof/{number}"


def transaction(ask: Ask) -> Page:
    """What it is, what it shows, what it hides, how it ended."""
    service, tx_id = ask.service, ask.identity("id")
    found = known(service, tx_id)
    wire = None if found.tx is None else bytes_of(found.tx)
    picture = (
        describe.nothing(found)
        if wire is None
        else describe.picture(wire, found.receipt, service.node.names)
    )
    receipt = found.receipt
    context = {
        "tx": found,
        "picture": picture,
        "bytes": None if wire is None else len(wire),
        "proofs": 0 if wire is None else len(service.node.executor.intake.claims(wire)),
        "events": [] if receipt is None else receipt.events[:MOST_EVENTS],
        "more_events": 0 if receipt is None else max(0, len(receipt.events) - MOST_EVENTS),
        "carried": _carried(receipt),
        "parts": _parts(receipt),
    }
    return Page("tx", picture.title, "blocks", context)


def known(service: Service, tx_id: bytes) -> TransactionView:
    """A transaction. Raises NotFound where the node knows nothing of it."""
    found = service.transaction(TxId(tx_id))
    if found.status == "unknown":
        raise NotFound(
            f"this node knows no transaction {tx_id.hex()[:16]}…",
            why="it may have expired, wait elsewhere, or be of another chain",
        )
    return found


def _carried(receipt: Any) -> list[dict[str, str]]:
    """Transactions that took effect inside this one."""
    if receipt is None or not receipt.ok:
        return []
    return [
        {"id": event.data["tx_id"], "environment": event.data.get("environment", "")}
        for event in receipt.events
        if event.name == "carried" and _is_id(event.data.get("tx_id", ""))
    ]


def _is_id(digits: str) -> bool:
    return len(digits) == 64 and set(digits) <= set("0123456789abcdef")


def _parts(receipt: Any) -> list[dict[str, str]]:
    return [
        {"name": event.data.get("name", ""), "code": event.data.get("code", "")}
        for event in ([] if receipt is None else receipt.events)
        if event.name == "part"
    ]


# PROOFS


def claim_of(service: Service, tx_id: bytes, number: int) -> tuple[ProofClaim, int]:
    """A proof of a transaction, and how many there are.

    Raises:
        NotFound: no such transaction or proof.
    """
    found = known(service, tx_id)
    claims = () if found.tx is None else service.node.executor.intake.claims(bytes_of(found.tx))
    if not 0 <= number < len(claims):
        raise NotFound(f"this transaction has {len(claims)} proofs, counted from 0")
    return claims[number], len(claims)


def proof(ask: Ask) -> Page:
    """A proof: its bytes, public inputs, key; verified again when asked."""
    service, tx_id, number = ask.service, ask.identity("id"), ask.height("number")
    claim, count = claim_of(service, tx_id, number)
    statement = next(
        (item for item in service.status().statements if item.id == claim.key_id), None
    )
    names = PUBLIC_NAMES if claim.key_id == STATEMENT else ()
    context = {
        "id": tx_id.hex(),
        "number": number,
        "count": count,
        "claim": claim,
        "proof": claim.proof.hex(),
        "inputs": [
            {
                "name": names[index] if index < len(names) else f"input {index}",
                "value": f"{value:064x}",
            }
            for index, value in enumerate(claim.public)
        ],
        "statement": statement,
        "verdict": None,
    }
    return Page("proof", f"Proof {number + 1} of {count}", "blocks", context)


ROUTES: Final = (Route("/tx/{id}", transaction), Route(_PATH, proof))
