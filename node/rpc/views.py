"""From the chain's values to the documents of the RPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from node.core.block import Block, Receipt
from node.core.effects import Crossing, HiddenValue
from node.core.genesis import Genesis, Parameters
from node.core.ids import NATIVE, EnvironmentId, Kind, StateRoot
from node.execution.pools import PoolRecord
from node.execution.turnstile import Supply
from node.lane.settled import Carried, inner_receipt
from node.rpc import schema
from node.rpc.text import hex_of
from shielded.action import Action
from shielded.transaction import ShieldedTx

Names = Mapping[Kind, str]
"""What the node calls kinds."""


def kind(value: Kind, names: Names) -> schema.KindView:
    """A kind, by its name where it has one."""
    name = "native" if value == NATIVE else names.get(value)
    return schema.KindView(logic=str(value.logic), label=str(value.label), name=name)


def parameters(value: Parameters) -> schema.ParametersView:
    """Constants of the chain."""
    return schema.ParametersView(
        block_time_ms=value.block_time_ms,
        max_expiry=value.max_expiry,
        anchor_window=value.anchor_window,
        fee_floor=str(value.fee_floor),
        max_tx_bytes=value.max_tx_bytes,
        max_block_bytes=value.max_block_bytes,
        max_block_txs=value.max_block_txs,
    )


def statements(
    genesis: Genesis, unsafe: Mapping[str, str], insecure: Mapping[str, str]
) -> list[schema.StatementView]:
    """What the chain verifies, with what must be said of each key and circuit."""
    return [
        schema.StatementView(
            id=item.statement,
            r1cs=hex_of(item.r1cs),
            verifying_key=hex_of(item.verifying_key),
            unsafe=unsafe.get(item.statement, ""),
            insecure=insecure.get(item.statement, ""),
        )
        for item in genesis.statements
    ]


def pool(environment: EnvironmentId, value: PoolRecord, height: int) -> schema.PoolView:
    """What a pool is for block `height`."""
    return schema.PoolView(
        environment=environment.label,
        state=cast("schema.PoolStateName", value.at(height).label),
        ordered=cast("schema.PoolStateName", value.state.label),
        since=value.since,
        reason=value.reason,
        insecure=list(value.insecure),
        closed_for_good=value.closed_for_good(height),
        deadline=value.deadline or None,
    )


def guardians(genesis: Genesis, next_order: int) -> schema.GuardiansView | None:
    """Who may order, and the number of their next order."""
    if not genesis.guardians:
        return None
    return schema.GuardiansView(
        keys=[hex_of(key) for key in genesis.guardians],
        threshold=genesis.guardian_threshold,
        next_order=next_order,
    )


def predecessor(genesis: Genesis) -> schema.PredecessorView | None:
    """The chain before this one."""
    found = genesis.predecessor
    if found is None:
        return None
    return schema.PredecessorView(
        chain_id=hex_of(found.chain_id), height=found.height, block_hash=hex_of(found.block_hash)
    )


def receipt(value: Receipt) -> schema.ReceiptView:
    """How a transaction ended."""
    return schema.ReceiptView(
        tx_id=hex_of(value.tx_id),
        wire_id=hex_of(value.wire_id),
        height=value.height,
        index=value.index,
        environment=value.environment.label,
        code=value.code,
        message=value.message,
        fee=str(value.fee),
        events=[schema.EventView(name=e.name, data=dict(e.data)) for e in value.events],
    )


def carried(outer: Receipt, item: Carried, block: Block, tip: int) -> schema.TransactionView:
    """A transaction that took effect inside another one."""
    return schema.TransactionView(
        tx_id=hex_of(item.tx_id),
        status="included",
        tip=tip,
        environment=item.environment.label,
        tx=None if item.wire is None else hex_of(item.wire),
        receipt=receipt(inner_receipt(outer, item)),
        block_hash=hex_of(block.header.hash),
        carrier=hex_of(outer.tx_id),
    )


def block(value: Block, receipts: Sequence[Receipt], root_after: StateRoot) -> schema.BlockView:
    """A block with receipts and full transactions."""
    header = value.header
    return schema.BlockView(
        height=header.height,
        hash=hex_of(header.hash),
        previous=hex_of(header.previous),
        time_ms=header.time_ms,
        chain_id=hex_of(header.chain_id),
        state_root=hex_of(header.state_root),
        root_after=hex_of(root_after),
        tx_root=hex_of(header.tx_root),
        bytes=len(value.to_bytes()),
        receipts=[receipt(item) for item in receipts],
        txs=[hex_of(tx) for tx in value.txs],
    )


def summary(value: Block, receipts: Sequence[Receipt]) -> schema.BlockSummary:
    """One line of a list of blocks."""
    return schema.BlockSummary(
        height=value.header.height,
        hash=hex_of(value.header.hash),
        time_ms=value.header.time_ms,
        bytes=sum(map(len, value.txs)),
        tx_ids=[hex_of(item.tx_id) for item in receipts],
        refused=sum(not item.ok for item in receipts),
    )


def shielded_tx(tx: ShieldedTx, names: Names) -> schema.ShieldedTxView:
    """What wallets scan of a transaction."""
    return schema.ShieldedTxView(
        tx_id=hex_of(tx.id),
        fee=str(tx.fee),
        public_values=[_crossing(value, names) for value in tx.public_values],
        hidden_values=[_hidden(value, names) for value in tx.hidden_values],
        actions=[_action(action) for action in tx.actions],
    )


def _action(action: Action) -> schema.ActionView:
    public = action.public
    first, second = (hex_of(ciphertext.to_bytes()) for ciphertext in action.ciphertexts)
    return schema.ActionView(
        nullifiers=(str(public.nullifiers[0]), str(public.nullifiers[1])),
        commitments=(str(public.commitments[0]), str(public.commitments[1])),
        ciphertexts=(first, second),
    )


def _crossing(value: Crossing, names: Names) -> schema.CrossingView:
    return schema.CrossingView(
        environment=value.target.label,
        account=hex_of(value.account),
        kind=kind(value.kind, names),
        amount=str(value.amount),
    )


def _hidden(value: HiddenValue, names: Names) -> schema.HiddenValueView:
    return schema.HiddenValueView(
        environment=value.target.label,
        reference=hex_of(value.reference),
        kind=kind(value.kind, names),
        enters=value.enters,
        cv=hex_of(value.cv),
    )


def supply(value: Supply, names: Names) -> schema.SupplyView:
    """One line of the supply audit."""
    return schema.SupplyView(
        kind=kind(value.kind, names),
        issued=str(value.issued),
        transparent=str(value.transparent),
        fees=str(value.fees),
        shielded=str(value.shielded),
        private=str(value.private),
        stake=str(value.stake),
        joint=str(value.joint),
        hidden_into=value.hidden.into,
        hidden_out_of=value.hidden.out_of,
        balanced=value.adds_up,
    )
