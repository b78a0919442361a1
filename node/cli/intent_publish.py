"""Publishing an intent unsealed: to everyone, or to one solver who alone can read it.

    settlement   a fee that the settlement pays: what nodes on the way take, and the rest its solver
    none         nothing is offered
    ordering     is no way to publish: it is paid for a place in an order, by what is sealed

Every message is signed by a key that is made for it and forgotten, so two of one wallet cannot be
linked by who signed them. Its bytes are on disk before they are sent, and sent again if need be.
"""

from __future__ import annotations

import dataclasses
import secrets as randomness
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli import intent_files
from node.cli.intent_files import Kept, Published
from node.cli.intent_standing import Standing
from node.cli.session import Places, UsageError
from node.cli.wallets import Secrets, Wallet
from node.core.errors import NotFound, PolicyRefused

if TYPE_CHECKING:
    from node.core.genesis import Genesis
    from node.gossip.envelope import Envelope
    from node.gossip.sealed import Contact
    from node.rpc.client import NodeClient

SETTLEMENT: Final = "settlement"
ORDERING: Final = "ordering"
NONE: Final = "none"
MODELS: Final = (SETTLEMENT, ORDERING, NONE)


class CannotPublish(PolicyRefused):
    """An intent that cannot go out unsealed."""

    code = "WOP-027"
    why = "what is published is settled as it is, by anybody; an intent for sealed batches is not"
    fix = "make one for it: `chiaro intent new limit`, or `chiaro intent new swap --open`"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a published intent offers.

    Attributes:
        fee: base units; 0: nothing.
        reserved: of these, what no node on the way may take.
    """

    fee: int
    reserved: int


def check_words(
    *, unsealed: bool, model: str | None, fee: str | None, reserved: str | None
) -> bool:
    """Whether the words of a command mean publishing: `--open` or `--to` is among them.

    Raises:
        UsageError: they contradict each other.
    """
    if model is not None and model not in MODELS:
        raise UsageError(
            f"no fee model {model!r}", where="--fee-model", fix="one of " + ", ".join(MODELS)
        )
    if not unsealed:
        if model in {SETTLEMENT, NONE} or fee is not None or reserved is not None:
            raise UsageError(
                "a sealed intent pays for its order",
                why="fees of a settlement are offered by what is published",
                fix="add --open, or --to CONTACT",
            )
        return False
    if model == ORDERING:
        raise UsageError(
            "what is published has no place in an order that it could pay for",
            fix="leave out --open: sealed intents are ordered",
        )
    if model == NONE and (fee is not None or reserved is not None):
        raise UsageError("--fee-model none offers nothing", fix="leave out --fee and --reserved")
    return True


def offer_of(kept: Kept, model: str | None, fee: int | None, reserved: int) -> Offer:
    """What is offered: the intent's own fee, unless another one is said.

    Raises:
        UsageError: the model and the fee do not go together.
    """
    due = 0 if model == NONE else kept.fee if fee is None else fee
    if model == SETTLEMENT and not due:
        raise UsageError("--fee-model settlement offers a fee", fix="say which: --fee N")
    if reserved > due:
        raise UsageError("more is reserved than offered", where="--reserved")
    return Offer(due, reserved)


def offer_text(offer: Offer) -> str:
    """For people."""
    from node.core.amounts import format_amount

    if not offer.fee:
        return "none: whoever settles it does so in an interest of his own"
    most = format_amount(offer.fee - offer.reserved)
    return (
        f"{format_amount(offer.fee)} native if it settles; nodes on the way take {most} of it at "
        "most, its solver gets the rest"
    )


def model_of(kept: Kept) -> str | None:
    """The fee model of an intent that went out; None: it did not."""
    if kept.published is not None:
        return SETTLEMENT if kept.fee else NONE
    return None if kept.sent is None else ORDERING


def check_publishable(kept: Kept, height: int) -> None:
    """Refuse what must not, or cannot, go out unsealed.

    Raises:
        CannotPublish: it is sealed already, or bound to sealed batches; or expires too late.
    """
    from node.gossip.pool import PoolLimits

    if kept.sent is not None:
        raise CannotPublish(
            f"intent {kept.name} is sealed already",
            fix="wait for its batch: `chiaro intent status`; what nobody settled can be made again",
        )
    if kept.epoch is not None:
        raise CannotPublish(
            f"intent {kept.name} settles in sealed batches of epoch {kept.epoch} only"
        )
    ahead = PoolLimits().most_ahead
    if kept.expiry > height + ahead:
        raise CannotPublish(
            f"intent {kept.name} expires at {kept.expiry}, more than {ahead} blocks from now",
            why="nodes keep what is published for so long (GO-19)",
            fix=f"wait until block {kept.expiry - ahead}, or make one with an earlier --expires",
        )


def needs_signature(kept: Kept, offer: Offer) -> bool:
    """Whether the intent must be signed anew: its fee is part of it.

    Raises:
        CannotPublish: it has a proof, which covers its fee.
    """
    if offer.fee == kept.fee:
        return False
    if kept.schema != "limit":
        raise CannotPublish(
            f"the proof of intent {kept.name} covers its fee",
            fix="make it with that fee: `chiaro intent new swap --open --fee N`",
        )
    return True


def with_fee(kept: Kept, fee: int, genesis: Genesis, secrets: Secrets) -> Kept:
    """A limit order of another fee, which nobody has seen yet; signed anew, not written."""
    from node.core.intent import Intent
    from node.intents.limit import LimitSchema, sign_order

    old = Intent.from_bytes(kept.intent)
    order = LimitSchema().parse(old, genesis.chain_id)
    nonce = randomness.token_bytes(32)
    made = sign_order(
        secrets.signing, genesis.chain_id, old.app, order, expiry=old.expiry, fee=fee, nonce=nonce
    )
    return kept.with_(intent=made.to_bytes(), fee=fee)


def publish(
    places: Places,
    wallet: Wallet,
    genesis: Genesis,
    kept: Kept,
    offer: Offer,
    to: Contact | None,
    height: int,
) -> Kept:
    """Sign a message under fresh keys and write it down; nothing is sent.

    Raises:
        InvalidMessage: GO-2, GO-24, GO-25: it does not fit, or the contact is none.
    """
    from node.gossip.message import originate
    from node.gossip.sealed import seal
    from node.gossip.statement import Signer

    envelope = _envelope(kept, offer)
    origin = Signer(randomness.token_bytes(32), genesis.chain_id)
    if to is not None:
        sender = Signer(randomness.token_bytes(32), genesis.chain_id)
        envelope = seal(sender, origin.node, to, envelope)
    message = originate(origin, 0, envelope)
    item = Published(message.to_bytes(), message.id, None if to is None else to.node, height)
    after = kept.with_(published=item)
    intent_files.save(places, wallet.keystore.name, after)
    return after


def _envelope(kept: Kept, offer: Offer) -> Envelope:
    from node.core.intent import Intent
    from node.gossip.envelope import plain
    from node.gossip.fees import SettlementFee

    intent = Intent.from_bytes(kept.intent)
    fee = SettlementFee(offer.fee, offer.reserved) if offer.fee else None
    return plain(intent.app, intent.schema, intent.expiry, kept.intent, fee)


def send(places: Places, wallet: Wallet, client: NodeClient, kept: Kept) -> Kept:
    """Hand the message to the node; may be repeated. What is refused counts as never signed.

    Raises:
        PolicyRefused, NodeError: the node refuses it; its GO-n says why.
        Unreachable: it stays as it was.
    """
    from node.gossip.message import Message

    item = kept.published
    if item is None:
        raise PolicyRefused(f"intent {kept.name} is not signed for publishing")
    try:
        client.gossip.publish(Message.from_bytes(item.message))
    except PolicyRefused:
        if not item.taken:
            intent_files.save(places, wallet.keystore.name, kept.with_(published=None))
        raise
    after = kept.with_(published=dataclasses.replace(item, taken=True))
    intent_files.save(places, wallet.keystore.name, after)
    return after


# --- where it stands ------------------------------------------------------------------------------


def standing(client: NodeClient, kept: Kept, item: Published, tip: int) -> Standing:
    """Of a published intent: settled, expired, or where it waits."""
    from node.core.intent import Intent

    intent_id = Intent.from_bytes(kept.intent).id
    settled, held = _ask(client, intent_id, item.id)
    over = tip >= kept.expiry
    if settled is None and over and not held:
        settled = _in_blocks(client, intent_id, item.height + 1, kept.expiry)
    public = item.to is None
    if settled is not None:
        text = f"settled in block {settled}"
        return Standing("settled", "", None, text, tip, opened=True, height=settled)
    if over:
        why = f"nobody settled it up to block {kept.expiry}"
        return Standing("expired", "", None, f"expired: {why}", tip, opened=public, why=why)
    if not held:
        text = f"this node does not hold it: `chiaro intent submit {kept.name}` sends it again"
        return Standing("published", "you", kept.expiry, text, tip, opened=public)
    readers = "everyone can read it" if public else "its solver alone can read it"
    text = f"published; {readers}, and settle it up to block {kept.expiry}"
    who = "solvers" if public else "its solver"
    return Standing("published", who, kept.expiry, text, tip, opened=public)


def _ask(client: NodeClient, intent_id: bytes, message_id: bytes) -> tuple[int | None, bool]:
    """Height of the settlement, and whether the node holds the message (RPC-43)."""
    held = False
    for name in (intent_id, message_id):
        try:
            view = client.gossip.fate(name)
        except NotFound:
            continue
        if view.settled is not None:
            return view.settled, held
        held = held or view.status == "held"
    return None, held


def _in_blocks(client: NodeClient, intent_id: bytes, first: int, last: int) -> int | None:
    """In which block an intent was settled, from the blocks themselves; 64 of them at most."""
    for height in range(max(1, first), last + 1):
        try:
            block = client.block(height)
        except NotFound:
            return None
        for receipt in block.receipts:
            for event in receipt.events:
                if event.name == "settled" and event.data.get("intent") == intent_id.hex():
                    return height
    return None
