"""Transactions of stake: all of them in the light."""

from __future__ import annotations

from typing import Final

from node.explorer.facts import Facts, Picture
from node.rpc.schema import ReceiptView
from node.stake.punishment import PUNISHED
from node.stake.transaction import EvidenceTx, Tag, decode

TONE: Final = "stake"
_TITLES: Final = {
    Tag.BOND: "Stake is bonded",
    Tag.UNBOND: "Notice is given of stake",
    Tag.WITHDRAW: "Stake is withdrawn",
}


def picture(payload: bytes, receipt: ReceiptView | None) -> Picture:
    """A payload of stake.

    Raises:
        ChiaroError: it does not decode.
    """
    tx = decode(payload)
    light = Facts()
    if isinstance(tx, EvidenceTx):
        light.add("fault", tx.kind.label).number("bytes of evidence", len(tx.evidence))
        for event in [] if receipt is None else receipt.events:
            if event.name == PUNISHED and event.data.get("amount", "").isdigit():
                light.text("validator", event.data.get("validator", ""))
                light.native("it cost", int(event.data["amount"]))
        return Picture("Evidence of a fault", TONE, light.done(), ())
    light.code("validator", tx.key.hex()).account("owner", tx.owner)
    if tx.amount:
        light.native("amount", tx.amount)
    for event in [] if receipt is None or tx.amount else receipt.events:
        if event.name == tx.tag.label and event.data.get("amount", "").isdigit():
            light.native("amount", int(event.data["amount"]))
    light.native("fee", tx.fee).number("expires at", tx.expiry)
    return Picture(_TITLES[tx.tag], TONE, light.done(), ())
