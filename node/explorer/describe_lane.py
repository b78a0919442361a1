"""Transactions of the sealed lane as light and shadow."""

from __future__ import annotations

from typing import Final

from node.explorer.facts import Facts, Hidden, Picture
from node.intents.settlement import Composed, Fills, Settlement
from node.lane import payload as payloads
from node.lane.direct import DirectTx
from node.lane.payload import DisperseTx, EndTx, KeyTx, RevealTx, SealTx, SubmitTx
from node.rpc.schema import ReceiptView

TONE: Final = "intents"
SEALED: Final = (
    Hidden("what is given"),
    Hidden("what is wanted, and at which price"),
    Hidden("which application it is for"),
    Hidden("who signed it", "the payer may be an account made for this once"),
)
_UNTIL: Final = "Until its place is final. Then enough validators together open the whole batch."
_MOST_LISTED: Final = 24


def picture(payload: bytes, receipt: ReceiptView | None) -> Picture:
    """A payload of the lane.

    Raises:
        ChiaroError: it does not decode.
    """
    tx = payloads.decode(payload)
    match tx:
        case SealTx():
            return _seal(tx, receipt)
        case RevealTx():
            return _reveal(tx)
        case EndTx():
            light = Facts().batch(tx.domain, tx.number).add("ends", tx.ending.name.lower())
            return Picture("End of a batch", TONE, _settlement(light, tx.settlement).done(), ())
        case KeyTx():
            return _key(tx, receipt)
        case DisperseTx():
            return _disperse(tx)
        case SubmitTx():
            light = Facts().batch(tx.domain, tx.number).account("solver", tx.solver)
            light.native("fee", tx.fee).number("expires at", tx.expiry)
            return Picture(
                "A settlement is offered", TONE, _settlement(light, tx.settlement).done(), ()
            )
        case DirectTx():
            return _direct(tx)


def _seal(tx: SealTx, receipt: ReceiptView | None) -> Picture:
    terms = tx.envelope.terms
    light = Facts()
    for event in [] if receipt is None else receipt.events:
        if event.name == "sealed" and event.data.get("batch", "").isdigit():
            light.batch(tx.domain, int(event.data["batch"]))
    light.number("domain", tx.domain).number("epoch of the key", tx.envelope.epoch)
    light.account("who pays the fee", terms.payer).native("fee", terms.fee)
    light.number("sealed length", terms.body_bytes, "one of a few lengths, whatever it says")
    light.number("expires at", terms.expiry)
    return Picture("Sealed intent", TONE, light.done(), SEALED, _UNTIL)


def _reveal(tx: RevealTx) -> Picture:
    light = Facts().batch(tx.domain, tx.number).number("epoch of the key", tx.reveal.epoch)
    light.block("closed in block", tx.reveal.height)
    light.number("intents opened", len(tx.reveal.points), "32 bytes each; no validator's share")
    light.code("root of the batch", tx.reveal.root.hex())
    return Picture("A batch is opened", TONE, light.done(), ())


def _key(tx: KeyTx, receipt: ReceiptView | None) -> Picture:
    light = Facts().number("domain", tx.domain).number("epoch", tx.epoch)
    light.number("attempt", tx.attempt).add("round", tx.what.name.lower())
    light.number("bytes", len(tx.message))
    for event in [] if receipt is None else receipt.events:
        if event.name == "key":
            light.text("member", event.data.get("member", ""))
            if event.data.get("faults"):
                light.text("found at fault", event.data["faults"])
    dark = (Hidden("the validator’s part of the secret", "no one ever has the whole"),)
    return Picture("Key generation", TONE, light.done(), dark)


def _disperse(tx: DisperseTx) -> Picture:
    said = tx.certificate.statement
    light = Facts().number("domain", tx.domain)
    root = said.commitment.root.hex()
    light.add("blob", root[:16] + "…", href=f"/da/{root}", mono=True)
    light.number("bytes", said.commitment.size).number("rows", said.commitment.coding.n)
    light.add("signed by", f"{len(tx.certificate.signers)} of {tx.certificate.members} members")
    light.number("expires at", said.expiry)
    return Picture("Sealed intents, kept beside the block", TONE, light.done(), SEALED, _UNTIL)


def _direct(tx: DirectTx) -> Picture:
    light = Facts().account("solver", tx.solver).native("fee", tx.fee)
    light.number("expires at", tx.expiry).number("open intents", len(tx.intents))
    _settlement(light, tx.settlement.to_bytes())
    return Picture("Open intents are settled", TONE, light.done(), ())


def _settlement(light: Facts, data: bytes) -> Facts:
    """Components as far as bytes alone say: which intents, and how they are joined."""
    if not data:
        return light
    found = Settlement.from_bytes(data)
    names = {Composed: "swap", Fills: "orders filled"}
    light.code("settlement", found.id.hex())
    for item in found.components[:_MOST_LISTED]:
        light.add(
            "joins", f"{len(item.intents)} intents", note=names.get(type(item), "transaction")
        )
    if len(found.components) > _MOST_LISTED:
        light.number("and more components", len(found.components) - _MOST_LISTED)
    return light
