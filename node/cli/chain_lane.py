"""What everyone sees of a transaction of the sealed lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.cli import show

if TYPE_CHECKING:
    from node.lane.direct import DirectTx
    from node.lane.payload import DisperseTx, KeyTx, RevealTx, SealTx
    from node.rpc.schema import ReceiptView

HIDDEN = "what it says, until a block opens its batch"


def lane_data(payload: bytes, receipt: ReceiptView | None) -> dict[str, Any]:
    """A payload of the lane, and what came of it.

    Args:
        payload: of an envelope of the lane.
        receipt: of the transaction, if a block has it.

    Raises:
        DecodeError, LaneRefused, SealRefused: it does not decode.
    """
    from node.lane import payload as payloads
    from node.lane.direct import DirectTx
    from node.lane.payload import DisperseTx, EndTx, KeyTx, RevealTx, SealTx

    tx = payloads.decode(payload)
    match tx:
        case SealTx():
            data = _seal(tx)
        case RevealTx():
            data = _reveal(tx)
        case KeyTx():
            data = _key(tx)
        case DisperseTx():
            data = _disperse(tx)
        case EndTx():
            data = {
                "batch": tx.number,
                "ending": tx.ending.name.lower(),
                **_settlement(tx.settlement),
            }
        case DirectTx():
            return {"kind": "direct", **_direct(tx), **outcome(receipt)}
        case _:
            data = {
                "batch": tx.number,
                "solver": "0x" + tx.solver.hex(),
                "fee": show.amount(tx.fee, "native"),
                "expiry": tx.expiry,
                **_settlement(tx.settlement),
            }
    return {
        "kind": payloads.tag_of(payload).name.lower(),
        "domain": tx.domain,
        **data,
        **outcome(receipt),
    }


def _direct(tx: DirectTx) -> dict[str, Any]:
    return {
        "solver": "0x" + tx.solver.hex(),
        "fee": show.amount(tx.fee, "native"),
        "expiry": tx.expiry,
        "messages": [
            {
                "message": "0x" + message.id.hex(),
                "intent": "0x" + intent.id.hex(),
                "origin": "0x" + message.origin.hex(),
                "fee": show.amount(message.envelope.fee.worth, "native"),
                "hops": [
                    {"node": "0x" + hop.node.hex(), "cut": show.amount(hop.fee_taken, "native")}
                    for hop in message.hops
                ],
            }
            for message, intent in zip(tx.messages, tx.intents, strict=True)
        ],
        **_settlement(tx.settlement.to_bytes()),
    }


def _seal(tx: SealTx) -> dict[str, Any]:
    terms = tx.envelope.terms
    return {
        "epoch": tx.envelope.epoch,
        "payer": "0x" + terms.payer.hex(),
        "fee": show.amount(terms.fee, "native"),
        "gas_cap": terms.gas_cap,
        "expiry": terms.expiry,
        "size": terms.body_bytes,
        "hidden": HIDDEN,
    }


def _reveal(tx: RevealTx) -> dict[str, Any]:
    return {
        "batch": tx.number,
        "epoch": tx.reveal.epoch,
        "closed": tx.reveal.height,
        "root": "0x" + tx.reveal.root.hex(),
        "opened": len(tx.reveal.points),
    }


def _key(tx: KeyTx) -> dict[str, Any]:
    return {
        "epoch": tx.epoch,
        "attempt": tx.attempt,
        "message": tx.what.name.lower(),
        "size": len(tx.message),
    }


def _disperse(tx: DisperseTx) -> dict[str, Any]:
    said = tx.certificate.statement
    return {
        "blob": "0x" + said.commitment.root.hex(),
        "size": said.commitment.size,
        "rows": said.commitment.coding.n,
        "signed_by": f"{len(tx.certificate.signers)} of {tx.certificate.members}",
        "expiry": said.expiry,
    }


def _settlement(data: bytes) -> dict[str, Any]:
    """Components, as far as bytes alone say: which intents, and how they are joined."""
    from node.intents.settlement import Composed, Fills, Settlement

    if not data:
        return {}
    found = Settlement.from_bytes(data)
    names = {Composed: "swaps", Fills: "orders"}
    return {
        "settlement": "0x" + found.id.hex(),
        "components": [
            {
                "what": names.get(type(item), "transaction"),
                "intents": ["0x" + intent.hex() for intent in item.intents],
            }
            for item in found.components
        ],
    }


def outcome(receipt: ReceiptView | None) -> dict[str, Any]:
    """Parts with their results, and the transactions inside."""
    if receipt is None:
        return {}
    parts = [
        {"name": event.data.get("name", ""), "code": event.data.get("code", "")}
        for event in receipt.events
        if event.name == "part"
    ]
    inside = [
        {
            "tx_id": "0x" + event.data.get("tx_id", ""),
            "environment": event.data.get("environment", ""),
        }
        for event in receipt.events
        if event.name == "carried"
    ]
    return ({"parts": parts} if parts else {}) | ({"carried": inside} if inside else {})
