"""PrivateEnvironment: the pool of hidden values as an environment like the others.

Here a transaction only finds its way; what it means is elsewhere:

    declare, ceremony             committees.py
    round, donate,
    open, settle                  rounds.py
    complaint, accept             complaints.py, acceptance.py
    claim, withdraw               claims.py
    deposit, place                deposits.py
    remask, handover              custody.py
    freeze                        freezing.py
    name, transfer                succession.py
    offer, bid                    auctions.py
    batch, order                  batches.py
    inputs of both                sales.py
    call, silence, blame          calls.py
    result, and its opening       results.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from node.core.effects import Crossing, Effects
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import ChainId, EnvironmentId, Height, TxId
from node.core.interfaces import ProofClaim, StateReader, TxContext
from node.private import (
    acceptance,
    auctions,
    batches,
    calls,
    claims,
    committees,
    complaints,
    custody,
    deposits,
    freezing,
    places,
    results,
    rounds,
    sale_state,
    statements,
    succession,
    succession_payload,
)
from node.private import payload as payloads
from node.private import state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import BidTx, Carrying, ClaimTx, DepositTx, DonateTx, OrderTx, chain_of
from node.private.messages import (
    AcceptTx,
    CeremonyTx,
    ComplaintTx,
    FreezeTx,
    HandoverTx,
    OpenTx,
    RemaskTx,
    SettleTx,
    Step,
)
from node.private.paid import DeclareTx, Paid, PlaceTx, RoundTx, WithdrawTx
from node.private.payload import PrivateTx
from node.private.sale_payload import BatchTx, BlameTx, CallTx, OfferTx, ResultTx, SilenceTx
from node.private.succession_payload import NameTx, TransferTx
from node.private.tags import UNPAID
from shielded.env import ShieldedEnvironment
from transparent.signature import check_signature

_NEVER: Final = Height(2**63 - 1)
"""Expiry of what counts once and only where the state awaits it."""


class PrivateEnvironment:
    """Implements `node.core.interfaces.ExecutionEnvironment` for PrivateTx.

    Args:
        genesis: of the chain; it has a private environment.
        shielded: the shielded environment, whose transactions these carry.

    Raises:
        ConsensusFault: the chain has none.
    """

    id = EnvironmentId.PRIVATE

    def __init__(self, genesis: Genesis, shielded: ShieldedEnvironment) -> None:
        if genesis.private is None:
            raise ConsensusFault("the chain has no private environment")
        self._parameters: Final = genesis.private
        self._chain_id: Final = genesis.chain_id
        self._max_expiry: Final = genesis.parameters.max_expiry
        self._statements: Final = frozenset(key.statement for key in genesis.statements)
        self._shielded: Final = shielded

    # DECODE

    def preview(self, payload: bytes, chain_id: ChainId) -> int:
        """PV-102, and the fee."""
        found, fee = payloads.preview(payload)
        if found is not None:
            _check_chain(found, chain_id)
        return fee

    def is_unpaid(self, payload: bytes) -> bool:
        """PV-120: few may send these, or they are what somebody paid for."""
        return bool(payload) and payload[0] in UNPAID

    def whose(self, tx: PrivateTx, state: StateReader) -> bytes:
        """EX-44: a committee's."""
        return places.whose(tx, state)

    def decode(self, payload: bytes) -> PrivateTx:
        """PV-101."""
        return payloads.decode(payload)

    def tx_id(self, tx: PrivateTx) -> TxId:
        return payloads.tx_id(tx, self._chain_id)

    def expiry(self, tx: PrivateTx) -> Height:
        match tx:
            case DeclareTx() | RoundTx() | PlaceTx() | WithdrawTx() | OfferTx() | BatchTx():
                return tx.head.expiry
            case DonateTx() | ClaimTx() | DepositTx() | BidTx() | OrderTx():
                return tx.carried.expiry
            case _:
                return _NEVER

    def fee(self, tx: PrivateTx) -> int:
        match tx:
            case DeclareTx() | RoundTx() | PlaceTx() | WithdrawTx() | OfferTx() | BatchTx():
                return tx.head.fee
            case DonateTx() | ClaimTx() | DepositTx() | BidTx() | OrderTx():
                return tx.carried.fee
            case _:
                return 0

    def conflicts(self, tx: PrivateTx) -> tuple[bytes, ...]:
        """A member of a round; a member of a committee and its step; a round and its end."""
        match tx:
            case DeclareTx() | RoundTx() | DepositTx() | PlaceTx():
                return (b"p/t/" + tx.id,)
            case OfferTx() | BidTx() | BatchTx() | OrderTx():
                return (b"p/t/" + tx.id,)
            case CallTx():
                return (b"p/j/" + tx.sale,)
            case ResultTx() | BlameTx():
                return (b"p/v/" + tx.session,)
            case SilenceTx():
                return (b"p/z/" + tx.session + bytes([tx.member]),)
            case DonateTx():
                return (b"p/n/" + tx.given.nullifier.to_bytes(32, "little"),)
            case ClaimTx():
                return (b"p/d/" + tx.wanted.input,)
            case WithdrawTx():
                return (b"p/d/" + tx.input,)
            case RemaskTx() | HandoverTx():
                return (b"p/k/" + tx.committee,)
            case FreezeTx():
                return (b"p/f/" + tx.to_bytes(),)
            case NameTx():
                return (b"p/w/" + tx.committee + bytes([tx.member]),)
            case TransferTx():
                return (b"p/y/" + tx.committee + succession_payload.place_of(tx),)
            case CeremonyTx():
                about = 33 if tx.step is Step.COMPLAINT else 1
                return (b"p/m/" + replace(tx, message=tx.message[:about]).to_bytes(),)
            case ComplaintTx():
                return (b"p/h/" + tx.input + tx.message[:1],)
            case AcceptTx():
                return (b"p/a/" + tx.round,)
            case OpenTx():
                return (b"p/s/" + tx.round,)
            case SettleTx():
                return (b"p/r/" + tx.round,)
            case _:
                assert_never(tx)

    # CHECK

    def check_stateless(self, tx: PrivateTx, context: TxContext) -> None:
        """PV-102, PV-103, PV-107, PV-109 … PV-111, as far as they need no state."""
        match tx:
            case DeclareTx():
                self._check_head(tx, context)
                committees.check_declaration(tx, context.chain_id, self._parameters)
            case RoundTx():
                self._check_head(tx, context)
                rounds.check_terms(tx.terms)
            case DonateTx():
                rounds.check_donation(tx)
                self._check_carried(tx, context)
            case DepositTx():
                deposits.check_input(tx.input, statements.moved(tx).kind)
                self._check_carried(tx, context)
            case OfferTx():
                self._check_head(tx, context)
                auctions.check_offer(tx)
            case BidTx():
                auctions.check_bid(tx)
                self._check_carried(tx, context)
            case BatchTx():
                self._check_head(tx, context)
                batches.check_terms(tx.terms)
            case OrderTx():
                batches.check_order(tx)
                self._check_carried(tx, context)
            case ResultTx():
                results.check_form(tx, self._statements)
            case BlameTx():
                calls.read_blamed(tx.blamed)
            case ClaimTx():
                self._check_carried(tx, context)
            case PlaceTx():
                self._check_head(tx, context)
                deposits.check_place(tx)
            case WithdrawTx():
                self._check_head(tx, context)
                claims.check_withdrawal(tx)
            case RemaskTx() | HandoverTx():
                custody.read(tx.message)
            case TransferTx():
                succession.check_form(tx)
            case CeremonyTx():
                committees.read(tx.step, tx.message)
            case ComplaintTx():
                complaints.read(tx.message)
            case AcceptTx():
                acceptance.read(tx.message)
            case OpenTx() | SettleTx() | FreezeTx() | NameTx() | CallTx() | SilenceTx():
                pass
            case _:
                assert_never(tx)

    def _check_head(self, tx: Paid, context: TxContext) -> None:
        """PV-102, PV-103: of this chain, in time, and its payer's."""
        _check_chain(tx.head.chain_id, context.chain_id)
        last = context.height + self._max_expiry
        if not context.height <= tx.head.expiry <= last:
            raise PrivateOutdated(
                "PV-103",
                f"expires at {tx.head.expiry}; block {context.height} takes up to {last}",
                where="expiry",
            )
        check_signature(tx.head.payer, tx.consent, tx.signature, rule="PV-103")

    def _check_carried(self, tx: Carrying, context: TxContext) -> None:
        """PV-111: the carried transaction is good, and moves exactly what this one names."""
        _check_chain(chain_of(tx), context.chain_id)
        if context.scope is not None:
            raise PrivateRefused("PV-111", "carries a transaction as a part itself", where="scope")
        value = statements.moved(tx)
        self._shielded.check_stateless(tx.carried, replace(context, hidden=(value,)))

    def claims(self, tx: PrivateTx) -> tuple[ProofClaim, ...]:
        """PV-110, PV-119, PV-173, PV-202: linked proofs, and what is carried; PV-171, PV-178."""
        if isinstance(tx, Carrying):
            return (*statements.claims_of(tx), *self._shielded.claims(tx.carried))
        if isinstance(tx, OfferTx):
            return statements.reserve_claims(tx)
        return (results.claim_of(tx),) if isinstance(tx, ResultTx) else ()

    def check_historical(self, tx: PrivateTx, state: StateReader, context: TxContext) -> None:
        """Whether the state awaits it, before anything is computed."""
        height = context.height
        match tx:
            case DonateTx():
                found = entries.round_of(state, tx.given.round)
                rounds.check_open(tx, found, height, self._parameters)
                self._shielded.check_historical(tx.carried, state, context)
            case ClaimTx():
                claims.check_claim(tx, state, height)
                self._shielded.check_historical(tx.carried, state, context)
            case DepositTx():
                self._shielded.check_historical(tx.carried, state, context)
            case WithdrawTx():
                claims.leaving(state, tx.input, height)
            case RemaskTx():
                custody.check_remask(tx, state, height)
            case HandoverTx():
                custody.check_handover(tx, state, height)
            case FreezeTx():
                freezing.check_due(tx, state, height, self._parameters)
            case NameTx():
                succession.check_name(tx, state)
            case TransferTx():
                succession.check_place(tx, state, height, self._parameters)
            case CeremonyTx():
                committees.check_place(tx, state, height)
            case ComplaintTx():
                complaints.check_place(state, tx.input, height)
            case AcceptTx():
                acceptance.check_place(tx, state, height)
            case OpenTx():
                if (sale := sale_state.sale_with(state, tx.round)) is None:
                    rounds.check_phase(entries.round_of(state, tx.round), height)
                else:
                    results.check_openable(sale_state.sale_of(state, sale), height)
            case SettleTx():
                if (of := sale_state.find(state, tx.round)) is None:
                    rounds.check_due(entries.round_of(state, tx.round), height)
                else:
                    results.check_due(of)
            case BidTx():
                auctions.check_open(tx, sale_state.sale_of(state, tx.sale), height)
                self._shielded.check_historical(tx.carried, state, context)
            case OrderTx():
                batches.check_open(tx, sale_state.sale_of(state, tx.ordered.sale), height)
                self._shielded.check_historical(tx.carried, state, context)
            case CallTx():
                calls.check_due(tx, state, height, self._parameters)
            case ResultTx():
                results.check_result(tx, state, height)
            case BlameTx():
                calls.check_blame(tx, state, height)
            case SilenceTx():
                calls.check_silence(tx, state, height)

    # EFFECT

    def execute(self, tx: PrivateTx, state: StateReader, context: TxContext) -> Effects:
        height = context.height
        match tx:
            case DeclareTx():
                return committees.declare(tx, state)
            case CeremonyTx():
                return committees.hear(tx, state, height, self._parameters)
            case RoundTx():
                return rounds.open_round(tx, state, height, self._parameters)
            case DonateTx():
                return rounds.donate(tx, state, height, self._parameters)
            case ComplaintTx():
                return complaints.complain(tx, state, height)
            case AcceptTx():
                return acceptance.accept(tx, state, height)
            case OpenTx():
                if (sale := sale_state.sale_with(state, tx.round)) is None:
                    return rounds.open_sums(tx, state, height)
                return results.open_outputs(tx, sale, state, height)
            case SettleTx():
                if sale_state.find(state, tx.round) is None:
                    return rounds.settle(tx, state, height)
                return results.settle(tx, state)
            case OfferTx():
                return auctions.offer(tx, state, height, self._parameters, self._statements)
            case BidTx():
                return auctions.bid(tx, state, height)
            case BatchTx():
                return batches.open_batch(tx, state, height, self._parameters, self._statements)
            case OrderTx():
                return batches.order(tx, state, height)
            case CallTx():
                return calls.call(tx, state, height, self._parameters, context.chain_id)
            case ResultTx():
                return results.land(tx, state, height)
            case BlameTx():
                return calls.blame(tx, state, height)
            case SilenceTx():
                return calls.hear(tx, state, height)
            case ClaimTx():
                return claims.claim(tx, state, height)
            case DepositTx():
                return deposits.deposit(tx, state, height)
            case PlaceTx():
                return deposits.place(tx, state, height)
            case WithdrawTx():
                return claims.withdraw(tx, state, height)
            case RemaskTx():
                return custody.move(tx, state, height)
            case HandoverTx():
                return custody.hand_over(tx, state, height)
            case FreezeTx():
                return freezing.freeze(tx, state, height, self._parameters)
            case NameTx():
                return succession.name(tx, state)
            case TransferTx():
                return succession.hear(tx, state, height, self._parameters)
            case _:
                assert_never(tx)

    def cross(self, crossing: Crossing, digest: bytes, state: StateReader) -> Effects:  # noqa: ARG002
        """PV-121: value enters and leaves by transactions of this environment alone."""
        raise PrivateRefused(
            "PV-121", "nothing else crosses into the private pool", where="crossing"
        )

    def end_block(
        self,
        commitments: Sequence[int],  # noqa: ARG002 - EX-8: these make none
        state: StateReader,
        context: TxContext,
    ) -> Effects:
        """Ceremonies end. Block 0 has none."""
        if context.height == 0:
            return Effects()
        return Effects(writes=tuple(committees.finish(state, context.height, self._parameters)))


def _check_chain(found: ChainId, chain_id: ChainId) -> None:
    """PV-102."""
    if found != chain_id:
        raise PrivateRefused("PV-102", "made for another chain", where="chain_id")
