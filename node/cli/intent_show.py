"""How intents look: drafts before a question, stages, lists; for people and in JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from node.cli import intent_publish, output, show
from node.cli.intent_files import Kept, Outcome
from node.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from node.cli.intent_make import Draft, Place
    from node.cli.intent_send import Cost
    from node.cli.intent_standing import Standing


def lines(session: Session, lines: list[tuple[str, str]]) -> None:
    """Label and text on stderr, a label only where it changes."""
    if session.json or session.quiet:
        return
    err = output.console(session, stderr=True)
    last = ""
    for label, text in lines:
        err.print(f"  {'' if label == last else label:<8} {text}", markup=False)
        last = label


def draft_lines(session: Session, where: Place, draft: Draft) -> None:
    """What would be kept, on stderr, before the question."""
    from node.cli.intent_make import sums_text

    epoch = "" if draft.epoch is None else f", epoch {draft.epoch} only"
    lines(
        session,
        [
            ("gives", sums_text(draft.gives)),
            *([("wants", sums_text(draft.wants))] if draft.wants else []),
            *([("fee", f"{show.amount_text(draft.fee)} native, if it settles")] * bool(draft.fee)),
            ("where", f"domain {where.domain.name}{epoch}"),
            ("until", f"block {draft.expiry}"),
        ],
    )


def price_lines(session: Session, kept: Kept, price: Cost, pay: str) -> None:
    """What sending takes and makes public, on stderr, before the question."""
    from node.cli import intent_roles
    from node.cli.intent_make import sums_text

    payer = "this wallet's account" if pay == "account" else "a one-time account, from the pool"
    lines(
        session,
        [
            ("gives", sums_text(kept.gives)),
            *([("wants", sums_text(kept.wants))] if kept.wants else []),
            ("order", f"{show.amount_text(price.fee)} native, paid by {payer}"),
            ("sealed", f"{price.size} bytes; may be ordered up to block {price.order_until}"),
            *(("public", line) for line in intent_roles.before_sending(kept, pay)),
        ],
    )


def publish_lines(
    session: Session, kept: Kept, offer: intent_publish.Offer, to: bytes | None
) -> None:
    """What publishing means, on stderr, before the question."""
    from node.cli import intent_roles
    from node.cli.intent_make import sums_text

    who = "everyone, at once; not sealed" if to is None else f"solver 0x{to.hex()} alone, at once"
    lines(
        session,
        [
            ("gives", sums_text(kept.gives)),
            *([("wants", sums_text(kept.wants))] if kept.wants else []),
            ("fee", intent_publish.offer_text(offer)),
            ("readers", f"{who}; not ordered before it is read"),
            *(("public", line) for line in intent_roles.before_publishing(kept, to)),
        ],
    )


def told(session: Session, kept: Kept) -> Callable[[Standing], None]:
    """Tells each new stage on stderr."""

    def tell(found: Standing) -> None:
        output.note(session, f"{kept.name} {found.text}")

    return tell


def stage_on_disk(kept: Kept) -> str:
    """The stage as far as the file knows it, without a node."""
    if kept.over:
        return str(kept.outcome)
    if kept.published is not None:
        return "published"
    return "kept" if kept.sent is None else "pending"


def description(kept: Kept) -> list[tuple[str, str]]:
    """An intent, label and text."""
    from node.cli.intent_make import sums_text

    lines = [
        ("intent", f"{kept.name}, {kept.schema}"),
        ("gives", sums_text(kept.gives)),
        *([("wants", sums_text(kept.wants))] if kept.wants else []),
        *([("fee", f"{show.amount_text(kept.fee)} native, if it settles")] * bool(kept.fee)),
        ("expires", f"block {kept.expiry}"),
        ("domain", kept.domain_name + _in_epoch(kept)),
    ]
    if kept.sent is not None:
        lines.append(("order", f"{show.amount_text(kept.sent.fee)} native, {kept.sent.size} bytes"))
    return lines


def _in_epoch(kept: Kept) -> str:
    return "" if kept.epoch is None else f", in epoch {kept.epoch} only"


def intent_data(kept: Kept, stage: dict[str, Any]) -> dict[str, Any]:
    """An intent in JSON, with the fields of its stage."""
    from node.cli.intent_make import sums_data
    from node.core.intent import Intent

    sent, published = kept.sent, kept.published
    return {
        "intent": kept.name,
        "id": "0x" + Intent.from_bytes(kept.intent).id.hex(),
        "schema": kept.schema,
        "gives": sums_data(kept.gives),
        "wants": sums_data(kept.wants),
        "fee": show.amount(kept.fee, "native"),
        "expiry": kept.expiry,
        "epoch": kept.epoch,
        "domain": kept.domain_name,
        "batch": kept.batch,
        "made": show.when(kept.made_ms),
        "sealed_id": None if sent is None else "0x" + sent.id.hex(),
        "order_fee": None if sent is None else show.amount(sent.fee, "native"),
        "payer": None if sent is None else "0x" + sent.payer.hex(),
        "one_time": None if sent is None else sent.payer_index != 0,
        "order_until": None if sent is None else sent.order_until,
        "fee_model": intent_publish.model_of(kept),
        "message_id": None if published is None else "0x" + published.id.hex(),
        "to": None if published is None or published.to is None else "0x" + published.to.hex(),
        **stage,
    }


def report(
    session: Session, wallet: str, kept: Kept, found: Standing, text: str | None = None
) -> None:
    """Say how an intent stands; one that ended without being settled is the answer no."""
    if text is None and found.outcome in {Outcome.EXPIRED, Outcome.REFUSED}:
        session.exit_code = 1
    stage = {
        "stage": found.stage,
        "waits_for": found.waits_for,
        "until": found.until,
        "text": text or found.text,
        "why": found.why,
        "height": found.height,
    }
    data = {"wallet": wallet, "intent": intent_data(kept, stage)}

    def render(out: Console) -> None:
        mark = {"settled": "✓", "expired": "✗", "refused": "✗"}.get(found.stage, "…")
        out.print(f"{mark} {kept.name} {found.stage}", markup=False)
        said = (text or found.text).removeprefix(f"{found.stage}: ")
        out.print(f"  {said}", markup=False)
        if found.waits_for:
            until = "" if found.until is None else f", up to block {found.until}"
            out.print(f"  waits for {found.waits_for}{until}; now at {found.tip}", markup=False)

    output.emit(session, "intent", data, render, freshness={"height": found.tip})
