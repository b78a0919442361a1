"""From the stream of actions to what wallets scan."""

from __future__ import annotations

from collections.abc import Iterator

from node.core.effects import Crossing, HiddenValue
from node.core.ids import AccountId, EnvironmentId
from node.rpc import schema
from node.rpc.text import amount_of, bytes_of, element_of
from shielded.encryption import NoteCiphertext
from shielded.scan import ScannedAction, ScannedBlock, ScannedTransaction
from zk.errors import DecodeError


def scanned_blocks(page: schema.ActionPage) -> Iterator[ScannedBlock]:
    """Every height of the page, ascending; the last one carries the page's anchor.

    Raises:
        DecodeError: a value that is not canonical, heights out of order or outside the page.
    """
    at = page.first
    for block in page.blocks:
        if not at <= block.height < page.next:
            raise DecodeError("blocks out of order", where=f"height {block.height}")
        yield from (_empty(page, height) for height in range(at, block.height))
        yield _block(page, block)
        at = block.height + 1
    yield from (_empty(page, height) for height in range(at, page.next))


def _block(page: schema.ActionPage, block: schema.ActionBlock) -> ScannedBlock:
    anchor = block.anchor if block.anchor is not None else _last_anchor(page, block.height)
    return ScannedBlock(
        block.height,
        tuple(_transaction(tx) for tx in block.txs),
        None if anchor is None else element_of(anchor, where=f"block {block.height}"),
    )


def _empty(page: schema.ActionPage, height: int) -> ScannedBlock:
    anchor = _last_anchor(page, height)
    return ScannedBlock(height, (), None if anchor is None else element_of(anchor))


def _last_anchor(page: schema.ActionPage, height: int) -> str | None:
    return page.anchor if height == page.next - 1 else None


def _transaction(view: schema.ShieldedTxView) -> ScannedTransaction:
    return ScannedTransaction(
        bytes_of(view.tx_id, 32),
        tuple(_action(action) for action in view.actions),
        amount_of(view.fee),
        tuple(_crossing(value) for value in view.public_values),
        tuple(_hidden(value) for value in view.hidden_values),
    )


def _action(view: schema.ActionView) -> ScannedAction:
    nullifiers, commitments, ciphertexts = view.nullifiers, view.commitments, view.ciphertexts
    return ScannedAction(
        (element_of(nullifiers[0]), element_of(nullifiers[1])),
        (element_of(commitments[0]), element_of(commitments[1])),
        (
            NoteCiphertext.from_bytes(bytes_of(ciphertexts[0])),
            NoteCiphertext.from_bytes(bytes_of(ciphertexts[1])),
        ),
    )


def _crossing(view: schema.CrossingView) -> Crossing:
    sign, digits = (-1, view.amount[1:]) if view.amount.startswith("-") else (1, view.amount)
    return Crossing(
        environment_of(view.environment),
        AccountId(bytes_of(view.account, 32)),
        view.kind.kind,
        sign * amount_of(digits),
    )


def _hidden(view: schema.HiddenValueView) -> HiddenValue:
    return HiddenValue(
        environment_of(view.environment),
        bytes_of(view.reference, 32),
        view.kind.kind,
        bytes_of(view.cv, 32),
        view.enters,
    )


def environment_of(label: str) -> EnvironmentId:
    """An environment by its name. Raises DecodeError."""
    for environment in EnvironmentId:
        if environment.label == label:
            return environment
    raise DecodeError(f"no environment is called {label!r}")
