"""Giving an intent up, where that is possible at all; where not, saying until when it binds.

kept        nobody has it: its file says cancelled, its notes are free
published   anybody can settle it until it expires; spending its notes to oneself ends that
pending     on its way: its notes are spent to oneself, so that it cannot settle; an order of a
transparent account, which spends nothing yet, has to run out
ordered …   no: that nobody can change their mind is what the order is for
ended       opened and not settled: its terms are public, and anybody may order it again until
it expires; spending its notes to oneself ends that
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import intent_files, intent_make, intent_stage, wallet_spend, wallet_sync
from node.cli.intent_files import Kept, Outcome
from node.cli.output import Report
from node.cli.session import Places
from node.cli.wallets import Secrets, Wallet
from node.core.errors import PolicyRefused

if TYPE_CHECKING:
    from node.cli.intent_standing import Standing
    from node.rpc.client import NodeClient


class CannotCancel(PolicyRefused):
    """An intent that binds whoever made it."""

    code = "WOP-026"
    why = "who could take an order back after it has its place would have a last look at the others"
    fix = "wait for its batch to end: `chiaro intent status INTENT --wait`"


_HARMLESS: Final = (
    "; should a block order it all the same, it is refused when it is opened, and its fee is lost"
)


@dataclass(frozen=True, slots=True)
class Way:
    """How an intent can be given up.

    Attributes:
        spends: its notes must be spent, which takes a proof and a fee.
        text: what it means.
    """

    spends: bool
    text: str


def way(wallet: Wallet, kept: Kept, found: Standing) -> Way:
    """Whether and how.

    Raises:
        CannotCancel: it is ordered; or an order of an account that is on its way.
        PolicyRefused: it is over.
    """
    unspent = any(n.position in kept.notes and not n.spent for n in wallet.state.notes)
    unsent = kept.sent is None and kept.published is None
    if found.stage == "kept" or (found.stage == "expired" and unsent):
        return Way(False, "cancelled: it was never sent, its notes are free")
    if found.stage in {"ordered", "closed", "opened"}:
        raise CannotCancel(
            f"intent {kept.name} is ordered: {found.text}",
            where=f"batch {kept.domain_name}/{found.batch}",
        )
    if found.stage == "pending":
        _check_not_under_way(wallet, kept)
        if kept.notes and not unspent:
            return Way(False, "its notes are spent already" + _HARMLESS)
        if not unspent:
            until = "" if kept.sent is None else f" up to block {kept.sent.order_until}"
            raise CannotCancel(
                f"intent {kept.name} is on its way and may be ordered{until}",
                why="an order of a transparent account spends nothing that could be taken away",
                fix="wait until then; or move what the account would sell to another account",
            )
        return Way(True, "its notes are spent to yourself" + _HARMLESS)
    if found.stage == "published":
        if not unspent:
            raise CannotCancel(
                f"intent {kept.name} is published: it may be settled up to block {kept.expiry}",
                why="an order of a transparent account spends nothing that could be taken away",
                fix="move what it would sell to another account, or wait until it expires",
            )
        return Way(True, "its notes are spent to yourself: nobody can settle it any more")
    _check_not_under_way(wallet, kept)
    if intent_stage.still_valid(kept, found.tip) and (unspent or not kept.notes):
        if not unspent:
            raise CannotCancel(
                f"anybody can order intent {kept.name} again up to block {kept.expiry}",
                why="it was opened, and what it would sell lies on a transparent account",
                fix="move that to another account, or wait until the order expires",
            )
        return Way(True, "its notes are spent to yourself: nobody can order it again")
    raise PolicyRefused(
        f"intent {kept.name} is {found.stage}: there is nothing to cancel", why=found.why
    )


def _check_not_under_way(wallet: Wallet, kept: Kept) -> None:
    """Refuse to spend the notes a second time while the first spend may still land.

    Raises:
        PolicyRefused: names the operation.
    """
    for operation in wallet_sync.under_way(wallet):
        if set(operation.notes) & set(kept.notes):
            raise PolicyRefused(
                f"operation {operation.id} spends the notes of intent {kept.name} already",
                fix=f"wait for it: `chiaro tx status {operation.id} --wait`",
            )


def request(wallet: Wallet, client: NodeClient, kept: Kept) -> wallet_spend.Request:
    """A payment to oneself of exactly the notes that an intent gives."""
    from node.core.ids import NATIVE

    gives = kept.gives[0]
    notes = [
        note
        for note in wallet.state.notes
        if note.position in kept.notes and note.note.kind == gives.kind
    ]
    total = sum(note.note.quantity for note in notes)
    fee = None
    if gives.kind == NATIVE:
        fee = wallet_spend.least_fee(client.status(), max(1, -(-len(notes) // 2)))
        total -= fee
    return wallet_spend.Request(
        wallet_spend.SEND,
        total,
        gives.asset,
        fee=fee,
        spend=tuple(note.position for note in notes),
    )


def spend(
    wallet: Wallet,
    client: NodeClient,
    kept: Kept,
    wanted: wallet_spend.Request,
    secrets: Secrets,
    timeout: float,
    progress: Report,
) -> None:
    """Spend the notes to oneself, and wait until a block has it.

    Raises:
        StillPending: not within `timeout` seconds; the operation goes on.
        PolicyRefused: it was refused.
    """
    # In memory only: whatever interrupts this, the notes stay reserved to the intent.
    own = set(kept.notes)
    wallet.state.unlock([note for note in wallet.state.notes if note.position in own])
    try:
        proposal = wallet_spend.propose(wallet, client, wanted)
        prove = wallet_spend.prover(wallet.network, wallet_spend.SEND, progress)
        operation = wallet_spend.confirm(wallet, client, proposal, secrets, prove)
        done = wallet_spend.wait(wallet, client, operation, timeout)
        if str(done.state) != "included":
            raise PolicyRefused(f"operation {done.id} is {done.state}", why=done.error)
    except BaseException:
        intent_make.reserve(wallet, kept)
        raise


def conclude(places: Places, wallet: Wallet, kept: Kept, how: Way) -> Kept:
    """Write down that it was given up."""
    if not how.spends:
        intent_make.release(wallet, kept)
    if kept.over:
        return kept
    after = kept.with_(outcome=Outcome.CANCELLED, why=how.text)
    intent_files.save(places, wallet.keystore.name, after)
    return after
