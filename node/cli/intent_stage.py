"""Where an intent stands, whom it waits for, and how it ended; from what the chain says.

    kept → pending → ordered → closed → opened → settled | expired | refused
                                                 cancelled before it was sent

What is final is written into the intent's file, and the notes of one that did not settle are
released.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from node.cli import intent_files, intent_make, intent_notes, intent_publish
from node.cli.intent_files import Kept, Outcome, Sent
from node.cli.intent_standing import Standing
from node.cli.session import Places
from node.cli.wallets import Wallet
from node.core.amounts import format_amount
from node.core.errors import NotFound
from node.rpc.errors import BadAnswer, StillPending

if TYPE_CHECKING:
    from node.rpc.client import NodeClient
    from node.rpc.lane_schema import BatchView
    from node.rpc.schema import TransactionView

LONG_POLL: Final = 5.0
OK: Final = "ok"


def standing(client: NodeClient, kept: Kept) -> Standing:
    """Ask the node how far an intent is. Changes nothing."""
    tip = client.status().height
    if kept.over:
        return _over(kept, tip)
    if kept.published is not None:
        return _told(client, kept, intent_publish.standing(client, kept, kept.published, tip))
    if kept.sent is None:
        if tip >= kept.expiry:
            text = f"never sent; it expired at block {kept.expiry}"
            return Standing("expired", "", None, text, tip, why="it was never sent")
        return Standing(
            "kept", "you", kept.expiry, f"not sent: `chiaro intent submit {kept.name}`", tip
        )
    number = kept.batch
    if number is None:
        seen = client.transaction(kept.sent.tx_id)
        number = _batch_of(client, kept.sent, seen)
        if number is None:
            return _not_ordered(kept, kept.sent, seen, tip)
    view = client.lane.batch(kept.domain, number)
    return _told(client, kept, _in_batch(kept, view, _place(view, kept.sent), tip))


def _told(client: NodeClient, kept: Kept, found: Standing) -> Standing:
    """Of a limit order that was settled, how much of it."""
    if found.stage == "settled" and kept.schema == "limit":
        return replace(found, text=found.text + _filled(client, kept))
    return found


def _place(view: BatchView, sent: Sent) -> int:
    """Where a sealed intent stands in its batch. Raises BadAnswer: not there."""
    for index, entry in enumerate(view.entries):
        if entry.id == "0x" + sent.id.hex():
            return index
    raise BadAnswer(
        "the node names a batch that does not have the intent",
        where=f"batch {view.number} of domain {view.domain}",
    )


def _filled(client: NodeClient, kept: Kept) -> str:
    """How much of a limit order was sold, from its record in the state."""
    from node.core.ids import ChainId
    from node.core.intent import Intent
    from node.intents.limit import LimitSchema
    from node.rpc.text import bytes_of

    order = LimitSchema().parse(Intent.from_bytes(kept.intent), ChainId(kept.chain_id))
    value = client.state(order.record_key).value
    sold, asset = int.from_bytes(bytes_of(value or "0x"), "little"), kept.gives[0].asset
    text = f": {format_amount(sold)} of {format_amount(order.amount)} {asset} sold"
    if sold < order.amount:
        text += f"; anybody may order the rest again up to block {kept.expiry}"
    return text


def _over(kept: Kept, tip: int) -> Standing:
    where = "" if kept.height is None else f" in block {kept.height}"
    reason = f": {kept.why}" if kept.why else ""
    text = f"{kept.outcome}{where}{reason}"
    return Standing(
        str(kept.outcome), "", None, text, tip, kept.batch, kept.opened, kept.why, kept.height
    )


def _batch_of(client: NodeClient, sent: Sent, seen: TransactionView) -> int | None:
    """The batch that has a sealed intent; None: no block has ordered it.

    Its own transaction says so for ever. An intent that came in a blob has none: it is looked for.
    """
    if seen.status == "included" and seen.receipt is not None:
        for event in seen.receipt.events:
            if event.name == "sealed" and event.data.get("id") == sent.id.hex():
                return int(event.data["batch"])
    try:
        return client.lane.seal(sent.id).number
    except NotFound:
        return None


def _not_ordered(kept: Kept, sent: Sent, view: TransactionView, tip: int) -> Standing:
    """In no batch: on its way, lost, or refused before it was ordered."""
    if tip >= sent.order_until:
        why = f"no block ordered it up to {sent.order_until}; it was never opened, nothing was paid"
        return Standing("expired", "", None, f"expired: {why}", tip, why=why)
    if view.status == "unknown" and not sent.taken:
        text = f"sealed, but no node confirmed it: `chiaro intent submit {kept.name}` sends it"
        return Standing("pending", "you", sent.order_until, text, tip)
    if view.status == "rejected" and view.receipt is not None:
        why = f"{view.receipt.code}: {view.receipt.message}"
        return Standing("refused", "", None, f"refused before it was ordered: {why}", tip, why=why)
    text = f"waits for a block to order it, up to block {sent.order_until}"
    if view.status in {"unknown", "rejected"}:
        text += f"; this node has it no more: `chiaro intent submit {kept.name}` sends it again"
    return Standing("pending", "a block", sent.order_until, text, tip)


def _in_batch(kept: Kept, view: BatchView, index: int, tip: int) -> Standing:
    number, due = view.number, view.due
    batch = f"batch {kept.domain_name}/{number}"
    if view.stage == "open":
        text = f"ordered in {batch}, which closes at block {due}; nobody can read it yet"
        return Standing("ordered", "the batch to close", due, text, tip, number)
    if view.stage == "closed":
        text = f"{batch} is closed and waits for shares of its validators, up to block {due}"
        return Standing("closed", "the validators", due, text, tip, number)
    fate = view.entries[index].fate
    if view.stage == "unrevealed":
        why = "the validators did not open the batch in time; nobody read it, the fee came back"
        return _ended("expired", why, view, tip, opened=False)
    if fate != OK:
        why = f"{fate}, when it was opened (`chiaro explain {fate}`); the fee is kept"
        return _ended("refused", why, view, tip)
    if view.stage == "solving":
        text = f"{batch} is open to solvers until block {due}"
        text += "; there is a settlement" if view.best else "; there is no settlement yet"
        return Standing("opened", "solvers", due, text, tip, number, opened=True)
    if view.stage == "unsolved" or view.end is None:
        return _ended("expired", "no solver settled the batch", view, tip)
    if "0x" + _intent_id(kept).hex() in view.end.settled:
        text = f"settled in block {view.end.height}"
        return Standing("settled", "", None, text, tip, number, True, height=view.end.height)
    refused = ", ".join(f"{p.name}: {p.code}" for p in view.end.parts if p.code != OK)
    why = "the settlement of its batch did not include it"
    if refused:
        why += f", or a component was refused ({refused})"
    return _ended("expired", why, view, tip)


def _ended(stage: str, why: str, view: BatchView, tip: int, *, opened: bool = True) -> Standing:
    height = view.end.height if view.end is not None else view.height
    return Standing(stage, "", None, f"{stage}: {why}", tip, view.number, opened, why, height)


def _intent_id(kept: Kept) -> bytes:
    from node.core.intent import Intent

    return Intent.from_bytes(kept.intent).id


def record(places: Places, wallet: Wallet, kept: Kept, found: Standing) -> Kept:
    """Write down what is new; release the notes of an intent that ended without being settled.

    Notes of what was opened and not settled stay reserved up to its expiry: its terms are public,
    and anybody may order it once more in its epoch.
    """
    changes: dict[str, object] = {}
    if found.batch is not None and found.batch != kept.batch:
        changes["batch"] = found.batch
    if found.opened and not kept.opened:
        changes["opened"] = True
    if found.outcome is not Outcome.OPEN and not kept.over:
        changes.update(outcome=found.outcome, why=found.why, height=found.height)
    if not changes:
        return kept
    after = kept.with_(**changes)
    ended = after.over and after.outcome is not Outcome.SETTLED
    if ended and not still_valid(after, found.tip):
        intent_make.release(wallet, after)  # first: what is over in the file is not looked at again
    intent_files.save(places, wallet.keystore.name, after)
    return after


def still_valid(kept: Kept, tip: int) -> bool:
    """Whether an intent that ended unsettled was read by all and could be ordered again."""
    unsettled = kept.outcome in {Outcome.EXPIRED, Outcome.REFUSED}
    return unsettled and kept.opened and tip < kept.expiry


def can_repeat(kept: Kept, tip: int) -> bool:
    """Whether an intent that ended without being settled may be ordered once more."""
    return kept.outcome is Outcome.EXPIRED and kept.sent is not None and tip < kept.expiry


def repeated(wallet: Wallet, kept: Kept) -> Kept:
    """The same intent, to be sealed anew; nothing is written or reserved yet.

    Raises:
        PolicyRefused: a note of it was spent meanwhile.
    """
    intent_notes.check_unspent(wallet, kept)
    return kept.with_(sent=None, batch=None, outcome=Outcome.OPEN, why="", height=None)


def wait(
    client: NodeClient,
    kept: Kept,
    timeout: float,
    write: Callable[[Kept, Standing], Kept],
    tell: Callable[[Standing], None],
    until: frozenset[str] = frozenset(Outcome) - {Outcome.OPEN},
) -> tuple[Kept, Standing]:
    """Follow an intent until it is in one of the stages `until`, by default until it is over.

    Args:
        client: the node.
        kept: the intent.
        timeout: seconds.
        write: writes down what is new (`record`).
        tell: called with each new stage.
        until: where to stop.

    Raises:
        StillPending: it is in none of them when `timeout` seconds are over.
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        found = standing(client, kept)
        if found.text != last:
            kept = write(kept, found)
            tell(found)
            last = found.text
        if found.stage in until or found.outcome is not Outcome.OPEN:
            return kept, found
        left = deadline - time.monotonic()
        if left <= 0:
            raise StillPending(
                f"intent {kept.name} is {found.stage} after {timeout:g} s",
                where=f"block {found.tip}",
                why=f"it waits for {found.waits_for}",
                fix=f"ask again: `chiaro intent status {kept.name} --wait`",
            )
        client.events(found.tip, min(left, LONG_POLL))
