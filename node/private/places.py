"""Whose a message is that pays nothing: which committee's.  Rule EX-44.

What anybody may send, a settlement, a call, a freeze, takes the places of the committee that it is
about.
"""

from __future__ import annotations

from node.core.interfaces import StateReader
from node.private import committees, deposits, sale_state, sales
from node.private import state as entries
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
from node.private.payload import PrivateTx
from node.private.sale_payload import BlameTx, CallTx, ResultTx, SilenceTx
from node.private.succession_payload import NameTx, TransferTx


def whose(tx: PrivateTx, state: StateReader) -> bytes:
    """Id of the committee; empty, of what pays.

    Raises:
        PrivateRefused: PV-107, PV-109, PV-170: it is about nothing that there is.
    """
    match tx:
        case CeremonyTx() | RemaskTx() | HandoverTx() | FreezeTx() | NameTx() | TransferTx():
            return tx.committee
        case ComplaintTx():
            return _of_input(state, tx.input)
        case AcceptTx() if committees.is_declared(state, tx.round):
            return tx.round
        case OpenTx() if (sale := sale_state.sale_with(state, tx.round)) is not None:
            return sale_state.sale_of(state, sale).terms.committee
        case AcceptTx() | OpenTx() | SettleTx():
            found = sale_state.find(state, tx.round) or entries.round_of(state, tx.round)
            return found.terms.committee
        case CallTx() | ResultTx() | BlameTx() | SilenceTx():
            return sale_state.sale_of(state, tx.sale).terms.committee
        case _:
            return b""


def _of_input(state: StateReader, identity: bytes) -> bytes:
    if (deposit := deposits.find(state, identity)) is not None:
        return deposit.committee
    if (sale := sales.sale_of_input(state, identity)) is not None:
        return sale_state.sale_of(state, sale).terms.committee
    donation = entries.donation_of(state, identity)
    return entries.round_of(state, donation.round).terms.committee
