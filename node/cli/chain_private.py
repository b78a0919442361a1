"""What `chiaro chain tx` shows of a private transaction: nothing that it hides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.cli.chain_lane import outcome

if TYPE_CHECKING:
    from node.private.payload import PrivateTx
    from node.rpc.schema import ReceiptView


def private_data(payload: bytes, receipt: ReceiptView | None) -> dict[str, Any]:
    """Kind, and what it is about; transactions inside.

    Raises:
        ChiaroError: it does not decode.
    """
    from node.private import payload as payloads
    from node.private.tags import tag_of

    tx = payloads.decode(payload)
    kind = tag_of(payload).label
    return {"kind": kind, **_about(tx), **outcome(receipt)}


def _about(tx: PrivateTx) -> dict[str, Any]:
    from node.private.gifts import BidTx, ClaimTx, DepositTx, DonateTx, OrderTx
    from node.private.messages import (
        AcceptTx,
        CeremonyTx,
        ComplaintTx,
        FreezeTx,
        HandoverTx,
        OpenTx,
        RemaskTx,
        SettleTx,
    )
    from node.private.paid import DeclareTx, PlaceTx, RoundTx, WithdrawTx
    from node.private.rounds import read_input
    from node.private.sale_payload import (
        BatchTx,
        BlameTx,
        CallTx,
        OfferTx,
        ResultTx,
        SilenceTx,
    )
    from node.private.succession_payload import NameTx, TransferTx
    from private_exec.committee.declaration import Declaration

    match tx:
        case DeclareTx():
            declared = Declaration.from_bytes(tx.declaration)
            return {"committee": _hex(declared.id), "members": declared.size.n}
        case CeremonyTx():
            about = {"committee": _hex(tx.committee), "epoch": tx.epoch, "attempt": tx.attempt}
            return {**about, "step": tx.step.label}
        case RoundTx():
            return {"round": _hex(tx.id), "committee": _hex(tx.terms.committee)}
        case DonateTx():
            return {"round": _hex(tx.given.round), "project": tx.given.project}
        case ComplaintTx():
            return {"input": _hex(tx.input)}
        case ClaimTx():
            return {"input": _hex(tx.wanted.input)}
        case DepositTx() | PlaceTx():
            given = read_input(tx.input)
            return {"committee": _hex(given.committee), "input": _hex(given.id)}
        case WithdrawTx():
            return {"input": _hex(tx.input), "account": _hex(tx.account)}
        case HandoverTx():
            about = {"committee": _hex(tx.committee), "epoch": tx.epoch}
            return {**about, "successor": _hex(tx.successor), "serving": tx.serving}
        case NameTx():
            return {"committee": _hex(tx.committee), "successor": _hex(tx.successor)}
        case TransferTx():
            about = {"committee": _hex(tx.committee), "transfer": tx.retry}
            return {**about, "step": tx.step.label}
        case RemaskTx() | FreezeTx():
            return {"committee": _hex(tx.committee), "epoch": tx.epoch}
        case AcceptTx() | OpenTx() | SettleTx():
            return {"round": _hex(tx.round)}
        case OfferTx() | BatchTx():
            return {"sale": _hex(tx.sale), "committee": _hex(tx.terms.committee)}
        case BidTx():
            return {"sale": _hex(tx.sale), "input": _hex(read_input(tx.input).id)}
        case OrderTx():
            said = tx.ordered
            return {"sale": _hex(said.sale), "input": _hex(read_input(said.input).id)}
        case CallTx():
            return {"sale": _hex(tx.sale), "attempt": tx.attempt}
        case ResultTx() | BlameTx() | SilenceTx():
            return {"sale": _hex(tx.sale), "session": _hex(tx.session)}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
