"""Shield, send, unshield: propose → (a person agrees) → prove → submit → wait.

    request ── propose ──▶ proposal: what is paid, what is revealed; nothing is promised yet
    proposal ── confirm ─▶ operation: draft, then proved (its bytes are on disk), then submitted
    operation ── wait ───▶ included, rejected or expired

Plain functions: no questions and no printing here. The caller holds the wallet open (and so
locked) from the proposal to the submission, so that two commands never spend the same notes.
"""

from __future__ import annotations

import contextlib
import os
import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import pool_state, wallet_sync
from node.cli.output import Report
from node.cli.wallet_db import Operation, OperationState
from node.cli.wallet_sync import silent
from node.cli.wallets import Secrets, Wallet
from node.core.amounts import format_amount
from node.core.errors import PolicyRefused, Unreachable
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.core.effects import Crossing
    from node.core.ids import Kind
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status, TransactionView
    from shielded.address import Address
    from shielded.build import Prove
    from shielded.history import OwnedNote
    from shielded.plan import Payment, Plan, Summary

SHIELD: Final = "shield"
SEND: Final = "send"
UNSHIELD: Final = "unshield"
_OF_PROGRAMS: Final = ("bid", "order")
"""What a private program is run on."""
SHAPES: Final = {
    SHIELD: "transparent → shielded",
    SEND: "shielded → shielded",
    UNSHIELD: "shielded → transparent",
}
MAX_SPENT: Final = 16
"""Notes that one transaction spends at most: eight actions, half a minute of proving at worst."""
BEHIND: Final = 10
"""How far a process that proves stands back (`nice`) for nodes and people on its machine."""
ACTION_BYTES: Final = 2067
FRAME_BYTES: Final = 512
SMALL_SET: Final = 1000
"""Below so many notes in the tree, a person is told that the crowd is small."""


class InsufficientFunds(PolicyRefused):
    """Not enough that can be spent now."""

    code = "WOP-005"
    fix = "wait for what is pending, shield more, or send less"


class ProposalChanged(PolicyRefused):
    """Between the question and the answer the wallet changed so that the answer no longer fits."""

    code = "WOP-006"
    why = "what would be sent is not what was shown"
    fix = "run the command again"


class UnknownAsset(ChiaroError):
    """No asset of that name on this chain."""

    code = "WOP-007"
    exit_code = 2
    why = "a wrong label would name another asset, or none"
    fix = "use one of the names listed"


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What a person asks for.

    Attributes:
        action: `shield`, `send` or `unshield`.
        amount: base units.
        asset: its name.
        address: whom `send` pays; the wallet itself for `shield` when None.
        account: whom `unshield` credits; the wallet's own account when None.
        memo: text for the receiver.
        fee: base units; None: the least that the chain takes.
        spend: positions of notes that are spent, in place of a choice among all of this asset.
    """

    action: str
    amount: int
    asset: str = "native"
    address: Address | None = None
    account: bytes | None = None
    memo: str = ""
    fee: int | None = None
    spend: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<Request: {self.action}, hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Proposal:
    """A complete plan and what a person should know before agreeing.

    Attributes:
        request: what was asked.
        kind: the asset.
        plan, summary: see `shielded.plan`.
        notes: what would be spent.
        target: receiver, as text.
        chain_id, tip: which chain, at which height.
        set_size: notes in the tree at the anchor: the crowd in which spent notes hide.
        max_expiry: how long a transaction lives.
    """

    request: Request
    kind: Kind
    plan: Plan
    summary: Summary
    notes: tuple[OwnedNote, ...]
    target: str
    chain_id: bytes
    tip: int
    set_size: int
    max_expiry: int

    def __repr__(self) -> str:
        return "<Proposal: hidden>"

    @property
    def shape(self) -> str:
        return SHAPES[self.request.action]

    @property
    def change(self) -> int:
        """Base units of the asset that come back."""
        return self.summary.change.get(self.kind, 0)


# --- propose --------------------------------------------------------------------------------------


def propose(wallet: Wallet, client: NodeClient, request: Request) -> Proposal:
    """Choose notes and make the plan. Synchronise first; nothing is stored or sent.

    Raises:
        InsufficientFunds: says what there is, what is needed and why.
        UnknownAsset: this chain has no asset of that name.
        PolicyRefused: an amount of zero.
        InvalidTransaction: EX-33 or EX-34, the pool's state does not allow it.
    """
    from node.core.ids import ChainId, Height
    from node.rpc.text import bytes_of
    from shielded.plan import Plan, anchor_children
    from shielded.plan import spend as with_path

    status = client.status()
    wallet_sync.check_chain(wallet, status)
    if request.amount <= 0:
        raise PolicyRefused("an amount of zero moves nothing", fix="give an amount above 0")
    pool_state.check(status, request.action)
    kind = kind_of(status, request.asset)
    fee, notes = _fee_and_notes(wallet, status, request, kind)
    context = wallet.state.spend_context(notes)
    plan = Plan(
        seed=randomness.token_bytes(32),
        chain_id=ChainId(bytes_of(status.chain_id, 32)),
        anchor_children=(
            context.paths[0].top if notes else anchor_children(wallet.state.tree.tree())
        ),
        expiry=Height(status.height + status.parameters.max_expiry),
        spends=tuple(
            with_path(note, path) for note, path in zip(notes, context.paths, strict=True)
        ),
        payments=_payments(wallet, request, kind, fee, notes),
        public_values=_public_values(wallet, request, kind, fee),
        fee=fee,
    )
    plan.check_balanced()
    return Proposal(
        request=request,
        kind=kind,
        plan=plan,
        summary=plan.summary(),
        notes=notes,
        target=_target(wallet, request),
        chain_id=plan.chain_id,
        tip=status.height,
        set_size=wallet.state.tree.size,
        max_expiry=status.parameters.max_expiry,
    )


def kind_of(status: Status, asset: str) -> Kind:
    """The kind of a named asset.

    Raises:
        UnknownAsset: lists the names that the chain knows.
    """
    from node.core.ids import NATIVE

    if asset == "native":
        return NATIVE
    named = {view.name: view.kind for view in status.assets if view.name}
    if asset not in named:
        raise UnknownAsset(
            f"this chain has no asset {asset!r}; known: {', '.join(sorted({*named, 'native'}))}"
        )
    return named[asset]


def asset_names(status: Status | None) -> Callable[[Kind], str]:
    """Names of kinds; an unknown one is shown by the start of its label."""
    from node.core.ids import NATIVE

    named = {view.kind: view.name for view in status.assets if view.name} if status else {}
    named[NATIVE] = "native"
    return lambda kind: named.get(kind, f"0x{kind.label:064x}"[:14])


def least_fee(status: Status, actions: int) -> int:
    """What a node takes at least for so many actions."""
    from node.execution.mempool import least_fee as of_size

    size = FRAME_BYTES + actions * ACTION_BYTES
    return of_size(size, actions, int(status.parameters.fee_floor))


def _fee_and_notes(
    wallet: Wallet, status: Status, request: Request, kind: Kind
) -> tuple[int, tuple[OwnedNote, ...]]:
    """The fee depends on how many actions the notes need, the notes on the fee: raise both."""
    from node.core.ids import NATIVE

    if request.action == SHIELD:
        return (least_fee(status, 1) if request.fee is None else request.fee), ()
    wallet.full_key  # noqa: B018 - refuse lesser keys by name before anything else
    actions = 1
    while True:
        fee = least_fee(status, actions) if request.fee is None else request.fee
        if request.spend:
            notes = tuple(n for n in wallet.state.notes if n.position in request.spend)
            if kind != NATIVE:
                notes += _select(wallet, "native", NATIVE, fee, fee)
        elif kind == NATIVE:
            notes = _select(wallet, request.asset, kind, request.amount + fee, fee)
        else:
            paid = _select(wallet, request.asset, kind, request.amount, 0)
            notes = (*paid, *_select(wallet, "native", NATIVE, fee, fee))
        # At most one payment and one change per kind: the notes spent decide.
        needed = max(1, -(-len(notes) // 2), 1 if kind == NATIVE else 2)
        if needed <= actions:
            return fee, notes
        actions = needed


def _select(wallet: Wallet, asset: str, kind: Kind, needed: int, fee: int) -> tuple[OwnedNote, ...]:
    from shielded.selection import InsufficientFunds as NotEnoughNotes

    if not needed:
        return ()
    try:
        return wallet.state.select(kind, needed, most=MAX_SPENT)
    except NotEnoughNotes:
        raise insufficient(wallet, asset, kind, needed, fee) from None


def insufficient(
    wallet: Wallet, asset: str, kind: Kind, needed: int, fee: int, most: int = MAX_SPENT
) -> InsufficientFunds:
    """Why an amount cannot be spent now, for whoever tried.

    Args:
        wallet: whose notes.
        asset: of what.
        kind: the same.
        needed: base units, fee included.
        fee: of that.
        most: notes that may be spent at once.
    """
    from node.cli import intent_notes

    held = wallet.state.balance(kind)
    coming = wallet_sync.incoming_change(wallet).get(kind, 0)
    message = (
        f"have {format_amount(held.spendable)} {asset} spendable, need {format_amount(needed)}"
        + (f" (fee {format_amount(fee)})" if fee else "")
    )
    if held.spendable >= needed:
        return InsufficientFunds(
            message,
            why=f"the amount is spread over more than {most} notes",
            fix="send it to yourself in parts first, which joins notes; or unshield it in parts",
        )
    waiting = held.pending + coming
    mine = [item for item in intent_notes.holders(wallet) if kind in item.amounts]
    under_way = held.locked - sum(item.amounts[kind] for item in mine)
    reasons = [f"{format_amount(waiting)} is pending"] * bool(waiting)
    reasons += [
        f"{format_amount(item.amounts[kind])} is reserved for intent {item.name}, "
        f"up to block {item.until}"
        for item in mine
    ]
    reasons += [f"{format_amount(under_way)} is reserved for a transaction under way"] * (
        under_way > 0
    )
    fixes = ["wait for it: `chiaro tx list` shows what is under way"] * (
        bool(waiting) or under_way > 0
    )
    fixes += [
        f"give intent {item.name} up, where it can be: `chiaro intent cancel {item.name}`"
        for item in mine
    ]
    if reasons:
        return InsufficientFunds(message, why="; ".join(reasons), fix="; or ".join(fixes))
    return InsufficientFunds(
        message,
        why=f"all blocks up to {wallet.state.height} were scanned; there is no more",
        fix="shield more with `chiaro shield AMOUNT`, or send less",
    )


def _payments(
    wallet: Wallet, request: Request, kind: Kind, fee: int, notes: tuple[OwnedNote, ...]
) -> tuple[Payment, ...]:
    from node.core.ids import NATIVE
    from shielded.encryption import memo_from_text
    from shielded.plan import Payment

    payments = []
    if request.action != UNSHIELD:
        address = request.address or wallet.full_key.address(0)
        payments.append(Payment(address, request.amount, kind, memo_from_text(request.memo)))
    if request.action != SHIELD:
        spent: dict[Kind, int] = {}
        for note in notes:
            spent[note.note.kind] = spent.get(note.note.kind, 0) + note.note.quantity
        spent[kind] = spent.get(kind, 0) - request.amount
        spent[NATIVE] = spent.get(NATIVE, 0) - fee
        back = wallet.full_key.address(0, internal=True)
        payments += [
            Payment(back, rest, of, change=True) for of, rest in sorted(spent.items()) if rest
        ]
    return tuple(payments)


def _public_values(wallet: Wallet, request: Request, kind: Kind, fee: int) -> tuple[Crossing, ...]:
    from node.core.effects import Crossing
    from node.core.ids import NATIVE, AccountId, EnvironmentId
    from shielded.transaction import public_value_key

    if request.action == SEND:
        return ()
    account = AccountId(request.account or wallet.account)
    amounts = {kind: request.amount}
    if request.action == SHIELD:
        amounts[NATIVE] = amounts.get(NATIVE, 0) + fee
        amounts = {of: -amount for of, amount in amounts.items()}
    values = [
        Crossing(EnvironmentId.TRANSPARENT, account, of, amount)
        for of, amount in amounts.items()
        if amount
    ]
    return tuple(sorted(values, key=public_value_key))


def _target(wallet: Wallet, request: Request) -> str:
    if request.action == UNSHIELD:
        return "0x" + (request.account or wallet.account).hex()
    address = request.address or wallet.full_key.address(0)
    return address.encode(wallet.network)


# --- funding --------------------------------------------------------------------------------------


# --- confirm --------------------------------------------------------------------------------------


def check_keys(status: Status, profile: str, action: str) -> None:
    """That this installation proves with the keys that the chain verifies with, before anything.

    Value may leave under a version that is marked insecure, else its owners could not save it. Who
    neither bids nor orders is not stopped by a private program's.

    Raises:
        DigestMismatch: the chain's key is another.
        InsecureVersion: nothing is paid under this version, nor into its pool.
        UnknownKey, DevParamsRefused: the installation has no key for the profile.
    """
    from circuits.key_registry import Registry
    from circuits.registry import STATEMENTS
    from zk.errors import DigestMismatch

    listed = Registry.load()
    for item in status.statements:
        entry = listed.find(item.id, profile)
        if action != UNSHIELD and (item.id in STATEMENTS or action in _OF_PROGRAMS):
            entry.require_current()
        if item.verifying_key != "0x" + entry.verifying_key:
            raise DigestMismatch(
                f"the chain verifies {item.id} with key {item.verifying_key[:18]}…, this "
                f"installation proves with 0x{entry.verifying_key[:16]}…",
                where=f"chain {status.name}",
                why="the node would refuse the proof",
                fix="set CHIARO_PARAMS to the folder of this chain's keys (`chiaro setup import`)",
            )


def step_back() -> None:
    """Let who answers others go first: with a prover beside it a node is late otherwise.

    Once a process; a proof takes as long on an idle machine.
    """
    if hasattr(os, "nice") and os.nice(0) < BEHIND:
        with contextlib.suppress(OSError):
            os.nice(BEHIND)


def prover(profile: str, action: str, progress: Report = silent) -> Prove:
    """Makes real proofs; the key is loaded (at first use built) before this returns.

    Raises:
        InsecureVersion: as in `check_keys`.
        UnknownKey, DevParamsRefused, DigestMismatch: no usable key for the profile.
    """
    from circuits.keys import KeyStore
    from shielded.action import STATEMENT
    from shielded.build import statement_prover

    step_back()
    keys = KeyStore(allow_insecure=action == UNSHIELD)
    keys.proving_key(STATEMENT, profile, progress)
    return statement_prover(keys=keys, profile=profile, progress=progress)


def confirm(
    wallet: Wallet, client: NodeClient, proposal: Proposal, secrets: Secrets, prove: Prove
) -> Operation:
    """Draft on disk, prove, bytes on disk, submit. Returns the submitted operation.

    Args:
        wallet: the same, still open.
        client: the node.
        proposal: what was agreed to.
        secrets: of this wallet (`wallets.unlock`).
        prove: `prover(…)`; takes its time.

    Raises:
        ProposalChanged: the chain moved on and the plan could only be renewed differently.
        InvalidTransaction, PolicyRefused: the node refuses it; the operation is `rejected`.
        Unreachable: it stays `proved`; `submit` sends it later.
    """
    proposal = _renewed(wallet, client, proposal)
    operation = wallet.db.add(
        action=proposal.request.action,
        chain_id=proposal.chain_id,
        asset=proposal.request.asset,
        kind=proposal.kind,
        amount=proposal.request.amount,
        fee=proposal.plan.fee,
        target=proposal.target,
        memo=proposal.request.memo,
        expiry=proposal.plan.expiry,
        notes=[note.position for note in proposal.notes],
    )
    operation = _prove(wallet, proposal, operation, secrets, prove)
    return submit(wallet, client, operation)


def _prove(
    wallet: Wallet, proposal: Proposal, operation: Operation, secrets: Secrets, prove: Prove
) -> Operation:
    """Build the transaction and store its bytes; from here on its notes are reserved."""
    from node.core.block import Transaction
    from node.core.ids import EnvironmentId
    from shielded.build import build
    from transparent.spec import crossing_digest

    def authorize(value: Crossing, identity: bytes) -> bytes:
        digest = crossing_digest(value.account, value.kind, -value.amount, identity)
        return secrets.signing.sign(digest)

    tx = build(proposal.plan, secrets.spending, prove, authorize=authorize)
    wire = Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()
    with wallet.db.transaction():
        operation = wallet.db.advance(
            operation.id, OperationState.PROVED, tx_id=bytes(tx.id), wire=wire
        )
        wallet_sync.reserve(wallet, operation)
    return operation


def _renewed(wallet: Wallet, client: NodeClient, proposal: Proposal) -> Proposal:
    """The same request planned again if much of the plan's life went by while a person thought."""
    status = client.status()
    if status.height - proposal.tip <= proposal.max_expiry // 4:
        return proposal
    wallet_sync.sync(wallet, client)
    renewed = propose(wallet, client, proposal.request)
    if _shown(renewed) != _shown(proposal):
        raise ProposalChanged("fee, change or number of actions are not what was shown")
    return renewed


def _shown(proposal: Proposal) -> tuple[object, ...]:
    summary = proposal.summary
    return (summary.paid(), dict(summary.change), summary.fee, summary.actions, summary.inputs)


def submit(wallet: Wallet, client: NodeClient, operation: Operation) -> Operation:
    """Send a proved operation's bytes. May be repeated: they are the same transaction.

    Raises:
        InvalidTransaction, PolicyRefused, …: refused; the operation is `rejected`, unless it was
            sent before and a block may still hold it.
        Unreachable: it stays as it was.
    """
    from node.rpc.errors import BadAnswer, NodeFault, RequestRefused

    if operation.wire is None or operation.tx_id is None:
        raise PolicyRefused(
            f"operation {operation.id} has no proof yet: it was interrupted, nothing was sent",
            fix="run the command again",
        )
    try:
        client.submit(operation.wire)
    except (Unreachable, BadAnswer, NodeFault, RequestRefused):
        raise  # nobody looked at it, or we do not know: it may be sent again
    except ChiaroError as error:
        after = wallet_sync.settle(wallet, operation, client.transaction(operation.tx_id))
        if after.state in {OperationState.INCLUDED, OperationState.SUBMITTED}:
            return after
        if not after.state.final and operation.state is OperationState.PROVED:
            with wallet.db.transaction():
                wallet.db.advance(
                    operation.id, OperationState.REJECTED, error=f"{error.id}: {error.message}"
                )
                wallet_sync.release(wallet, operation)
        raise
    return wallet.db.advance(operation.id, OperationState.SUBMITTED)


def wait(
    wallet: Wallet,
    client: NodeClient,
    operation: Operation,
    timeout: float,
    progress: Callable[[TransactionView], None] | None = None,
) -> Operation:
    """Wait until a submitted operation is settled; its change is in the wallet afterwards.

    Raises:
        StillPending: it is in no block when `timeout` seconds are over; ask again later.
    """
    from node.rpc.errors import StillPending

    if operation.tx_id is None or operation.state.final:
        return operation
    try:
        view = client.wait_for_tx(operation.tx_id, timeout, progress)
    except StillPending as error:
        raise StillPending(
            f"operation {operation.id}: {error.message}",
            where=error.where,
            why=f"it may be included until block {operation.expiry}",
            fix=f"ask again: `chiaro tx status {operation.id} --wait`",
        ) from None
    after = wallet_sync.settle(wallet, operation, view)
    wallet_sync.sync(wallet, client)
    return wallet.db.operation(after.id)
