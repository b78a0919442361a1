"""Following the chain: fetch, scan, store, batch by batch; balances; what became of operations.

Each batch is scanned and stored before the next one is fetched, so that whatever stops a command
(Ctrl-C, kill −9, a node that goes away) costs at most one batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import wallets
from node.cli.output import Report
from node.cli.wallet_db import Operation, OperationState
from node.cli.wallets import Wallet
from zk import jsontext
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.core.ids import Kind
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status, TransactionView

BATCH: Final = 256
"""Blocks per batch."""

_LOCKS: Final = "locks_before_rescan"
PHASES: Final = ("fetched", "scanned", "applied")


class OtherChain(ChiaroError):
    """The node serves another chain than the one this wallet has scanned."""

    code = "WOP-003"
    exit_code = 5
    why = "notes of one chain cannot be spent on another, and balances would be wrong"
    fix = (
        "name the right node with `--node`; after a reset of a development chain, "
        "`chiaro sync --rescan`"
    )


class ChainBehind(ChiaroError):
    """The node has fewer blocks than this wallet has scanned."""

    code = "WOP-004"
    exit_code = 6
    why = "the node is still catching up, or its chain was made anew"
    fix = "wait for the node; after a reset of a development chain, `chiaro sync --rescan`"


@dataclass(frozen=True, slots=True)
class Synced:
    """Where a wallet stands after a synchronisation.

    Attributes:
        start: height before.
        height: height now.
        tip: the node's height.
        blocks: how many were scanned.
        found: movements of this wallet in them.
    """

    start: int
    height: int
    tip: int
    blocks: int
    found: int


@dataclass(frozen=True, slots=True)
class AssetBalance:
    """One asset of a wallet, in base units.

    Attributes:
        asset, kind: which.
        spendable: confirmed notes.
        pending: change and payments of transactions under way.
        reserved: notes of transactions under way, and of intents.
        transparent: on the account, in the clear; None when no node was asked.
    """

    asset: str
    kind: Kind
    spendable: int
    pending: int
    reserved: int
    transparent: int | None


@dataclass(frozen=True, slots=True)
class AssetSum:
    """One asset as a lesser viewing key sees it, in base units: a sum, no balance.  Rule SH-64.

    Attributes:
        asset, kind: which.
        amount: received under an incoming key, sent under an outgoing one.
    """

    asset: str
    kind: Kind
    amount: int


def silent(_phase: str, _share: float) -> None:
    """A progress report that nobody reads."""


def sync(
    wallet: Wallet, client: NodeClient, progress: Report = silent, *, rescan: bool = False
) -> Synced:
    """Scan up to the node's tip, then look what became of open operations.

    Args:
        wallet: open.
        client: the node.
        progress: called with `fetched`, `scanned`, `applied` and the share done.
        rescan: forget what was scanned and start at the birthday.

    Raises:
        Unreachable, BadAnswer: the node.
        OtherChain, ChainBehind: it serves another chain, or is behind.
        AnchorMismatch: what it serves does not add up; the wallet is back where it did.
    """
    status = client.status()
    check_chain(wallet, status, rescan=rescan)
    if rescan:
        _forget(wallet, status)
    start, found = wallet.state.height, len(wallet.state.history)
    if status.height < start:
        raise ChainBehind(f"the node is at height {status.height}, the wallet at {start}")
    tip = _scan_to(wallet, client, start, status.height, progress)
    _lock_again(wallet)
    reconcile(wallet, client)
    state = wallet.state
    return Synced(start, state.height, tip, state.height - start, len(state.history) - found)


def _scan_to(wallet: Wallet, client: NodeClient, start: int, tip: int, progress: Report) -> int:
    """Scan batch by batch; blocks that come meanwhile are taken along. Returns the tip reached."""

    def share(phase: str, height: int) -> None:
        progress(phase, 1.0 if tip <= start else min(1.0, (height - start) / (tip - start)))

    if tip <= start:
        for phase in PHASES:
            progress(phase, 1.0)
    while wallet.state.height < tip:
        first = wallet.state.height + 1
        last = min(tip, first + BATCH - 1)
        blocks = list(
            client.actions(first, last, progress=lambda height, _end: share("fetched", height))
        )
        if not blocks:
            raise ChainBehind(f"the node serves no block {first}")
        try:
            wallet.state.scan_all(blocks, lambda height, _outputs: share("scanned", height))
        finally:
            # After a mismatch of anchors the state is back where it was last right: keep that too.
            wallet.save()
        share("applied", wallet.state.height)
    return tip


def check_chain(wallet: Wallet, status: Status, *, rescan: bool = False) -> None:
    """Refuse a node of another profile or chain; remember the chain at the first meeting.

    Raises:
        WrongProfile, OtherChain.
    """
    from node.rpc.text import bytes_of

    if status.profile != wallet.keystore.profile:
        raise wallets.WrongProfile(
            f"the node's chain is of profile {status.profile}, "
            f"wallet {wallet.keystore.name} of {wallet.keystore.profile}"
        )
    chain_id, known = bytes_of(status.chain_id, 32), wallet.db.get("chain_id")
    if known is None:
        wallet.db.put("chain_id", chain_id)
    elif known != chain_id and not rescan:
        raise OtherChain(
            f"the node serves chain {chain_id.hex()[:12]}…, the wallet knows {known.hex()[:12]}…"
        )


def _forget(wallet: Wallet, status: Status) -> None:
    """Start again at the birthday; on another chain, or a shorter one, at genesis."""
    from node.rpc.text import bytes_of

    chain_id = bytes_of(status.chain_id, 32)
    same = wallet.db.get("chain_id") == chain_id
    with wallet.db.transaction():
        if same:
            _remember_locks(wallet)
        else:
            wallet.db.delete(_LOCKS)
        if not same or status.height < wallet.state.birthday:
            wallet.db.delete("birthday_tree")
        wallet.db.put("chain_id", chain_id)
        wallet.state = wallets.fresh_state(wallet.db, wallet.key)
        wallet.save()


def _remember_locks(wallet: Wallet) -> None:
    """What is reserved stays so over a rescan, and over one that was interrupted."""
    _, _, locks = wallet.state.snapshot()
    locks = _remembered(wallet) | locks
    wallet.db.put(_LOCKS, json.dumps(sorted(locks.items())).encode())


def _remembered(wallet: Wallet) -> dict[int, int]:
    data = wallet.db.get(_LOCKS)
    return {} if data is None else {int(at): int(until) for at, until in jsontext.loads(data)}


def _lock_again(wallet: Wallet) -> None:
    """Reserve again what a rescan found again: places in the note tree are the chain's."""
    locks = _remembered(wallet)
    if not locks:
        return
    for note in wallet.state.notes:
        until = locks.get(note.position, 0)
        if until > wallet.state.height and not note.spent:
            wallet.state.lock([note], until)
    with wallet.db.transaction():
        wallet.save()
        wallet.db.delete(_LOCKS)


def balances(
    wallet: Wallet,
    client: NodeClient | None,
    names: Callable[[Kind], str],
    proved: Mapping[Kind, int] | None = None,
) -> list[AssetBalance]:
    """Balances of every asset seen, native first.

    Args:
        wallet: open.
        client: for the transparent account; None: it is not asked.
        names: name of a kind.
        proved: what lies on the account, from elsewhere; then the node is not asked.
    """
    from node.core.ids import NATIVE

    shielded = wallet.state.balances()
    clear: dict[Kind, int] | None = None
    if proved is not None:
        clear = dict(proved) if wallet.keystore.account else None
    elif client is not None and wallet.keystore.account:
        view = client.account(wallet.account)
        clear = {item.kind.kind: int(item.amount) for item in view.balances}
    kinds = {NATIVE, *shielded, *(clear or {})}
    coming = incoming_change(wallet)
    result = []
    for kind in sorted(kinds, key=lambda kind: (kind != NATIVE, names(kind))):
        held = shielded.get(kind)
        result.append(
            AssetBalance(
                names(kind),
                kind,
                held.spendable if held else 0,
                (held.pending if held else 0) + coming.get(kind, 0),
                held.locked if held else 0,
                None if clear is None else clear.get(kind, 0),
            )
        )
    return result


def sums(wallet: Wallet, names: Callable[[Kind], str]) -> list[AssetSum]:
    """What a wallet without a full viewing key has seen of every asset, native first.

    Raises:
        LedgerMismatch: SH-63, the stored history does not add up.
    """
    from node.core.ids import NATIVE
    from shielded.ledger import ledger

    totals = {NATIVE: 0, **ledger(wallet.state).totals}
    return [
        AssetSum(names(kind), kind, totals[kind])
        for kind in sorted(totals, key=lambda kind: (kind != NATIVE, names(kind)))
    ]


def incoming_change(wallet: Wallet) -> dict[Kind, int]:
    """What open operations will bring back, per kind: their notes less what they pay."""
    from node.core.ids import NATIVE

    by_position = {note.position: note.note for note in wallet.state.notes}
    sums: dict[Kind, int] = {}
    for operation in under_way(wallet):
        spent = [by_position[at] for at in operation.notes if at in by_position]
        if operation.action in {"shield", "claim"}:
            sums[operation.kind] = sums.get(operation.kind, 0) + operation.amount
            continue
        for note in spent:
            sums[note.kind] = sums.get(note.kind, 0) + note.quantity
        sums[operation.kind] = sums.get(operation.kind, 0) - operation.amount
        sums[NATIVE] = sums.get(NATIVE, 0) - operation.fee
    return {kind: amount for kind, amount in sums.items() if amount > 0}


def under_way(wallet: Wallet) -> list[Operation]:
    """Operations whose transaction exists, and may be in a block that is still to come."""
    found = wallet.db.operations(open_only=True)
    return [item for item in found if item.state is not OperationState.DRAFT]


def reconcile(wallet: Wallet, client: NodeClient) -> list[Operation]:
    """Ask the node what became of open operations; returns those that changed."""
    changed = []
    for operation in wallet.db.operations(open_only=True):
        if operation.tx_id is None:
            continue
        after = settle(wallet, operation, client.transaction(operation.tx_id))
        if after.state is not operation.state:
            changed.append(after)
    return changed


def settle(wallet: Wallet, operation: Operation, view: TransactionView) -> Operation:
    """Move an operation to what the node says of its transaction; free its notes if it failed."""
    if operation.state.final:
        return operation
    state, changes = operation.state, dict[str, object]()
    if view.status == "included" and view.receipt is not None:
        state, changes = OperationState.INCLUDED, {"height": view.receipt.height}
    elif view.status == "rejected" and (view.receipt is not None or view.tip >= operation.expiry):
        state, changes = OperationState.REJECTED, {"error": _refusal(view)}
    elif view.status in {"unknown", "rejected"} and view.tip >= operation.expiry:
        # At the expiry height itself the last block that could take it is made.
        state = OperationState.EXPIRED
    elif view.status == "rejected":
        # This node dropped it; another may still include it, so its notes stay reserved.
        changes = {"error": _refusal(view)}
    elif view.status == "pending":
        state = OperationState.SUBMITTED
    if state is operation.state and not changes:
        return operation
    with wallet.db.transaction():
        after = wallet.db.advance(operation.id, state, **changes)
        if state in {OperationState.REJECTED, OperationState.EXPIRED}:
            release(wallet, operation)
    return after


def reserve(wallet: Wallet, operation: Operation) -> None:
    """Keep an operation's notes out of other transactions until it expires."""
    wanted = set(operation.notes)
    wallet.state.lock(
        [note for note in wallet.state.notes if note.position in wanted], operation.expiry
    )
    wallet.save()


def release(wallet: Wallet, operation: Operation) -> None:
    """Make an operation's notes spendable again."""
    wanted = set(operation.notes)
    wallet.state.unlock([note for note in wallet.state.notes if note.position in wanted])
    wallet.save()


def _refusal(view: TransactionView) -> str:
    if view.receipt is not None:
        return f"{view.receipt.code}: {view.receipt.message}"
    return f"{view.error.code}: {view.error.message}" if view.error is not None else "refused"
