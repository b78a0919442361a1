"""Opening: a block carries the secrets of a batch that is final, and everybody reads it.

Each intent gets its fate on the state at this place: `ok`, or the rule that refused it. A fate
touches no other intent, and no intent stops the batch. What valid ones spend is reserved to the
batch until it ends (EX-36), and so is what they may take of accounts (TR-11).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from node.core.effects import BatchScope, Effects, Event, reservation_key
from node.core.ids import AccountId, Height, Kind, tagged_hash
from node.core.intent import Intent
from node.core.interfaces import ProofClaim, StateReader, TxContext
from node.da import batch as batches
from node.da.batch import Outcome
from node.intents.errors import IntentRefused
from node.intents.schema import MACHINE_FAULTS, Decoded, guarded
from node.intents.view import View
from node.lane import covers, layout
from node.lane import view as views
from node.lane.covers import Covers
from node.lane.domains import domain_of
from node.lane.errors import LaneRefused
from node.lane.layout import OK, Live, Stage
from node.lane.payload import RevealTx
from node.lane.sealed import check_reveal, sealed_batch
from node.lane.services import Services
from private_exec import reveal as reveals
from zk.errors import ChiaroError

Write = tuple[bytes, bytes | None]


def open_batch(tx: RevealTx, state: StateReader, context: TxContext, services: Services) -> Effects:
    """LN-13, PX-6, PX-17: open a batch.

    Raises:
        LaneRefused: LN-13, no batch waits under this name.
        RevealRefused: PX-6, PX-17, the secrets are late or not those of the batch.
        DataRefused: DA-26, the batch has expired.
    """
    live = _closed(tx, state)
    batch = layout.batch(state, live.ref)
    if batch is None:
        raise LaneRefused("LN-13", "there is no such batch", where=_name(live))
    domain = domain_of(services.genesis, live.domain)
    sealed = sealed_batch(state, live, services.genesis)
    check_reveal(sealed, tx.reveal, context.height)
    texts = reveals.open_batch(sealed, tx.reveal)
    outcomes = tuple(
        Outcome(entry.id, None if text is None else digest(text))
        for entry, text in zip(batch.entries, texts, strict=True)
    )
    after = batches.step(batch, batches.Reveal(outcomes), domain, context.height)
    # Solvers see what was opened in a block of their own: nobody solves in this one.
    after = batches.step(after, batches.Start(), domain, Height(context.height + 1))
    if not isinstance(after, batches.Solving):
        raise LaneRefused("LN-13", "cannot be solved", where=_name(live))
    solving = layout.replaced(
        layout.live(state), live, stage=Stage.SOLVING, height=int(after.deadline)
    )
    view = views.view(state, live.scope, after.deadline, services)
    caps = [item.terms.gas_cap for item in sealed.envelopes]
    judged = judge(texts, caps, view, live.scope, services)
    writes: list[Write] = [layout.live_write(solving), layout.batch_write(live.ref, after)]
    writes += (
        (layout.open_key(live.ref, index), text)
        for index, text in enumerate(texts)
        if text is not None
    )
    writes.append(layout.fates_write(live.ref, judged.fates))
    root = views.tree(text for text in texts if text is not None).root
    writes.append((layout.tree_key(live.ref), root))
    writes += ((reservation_key(use), live.ref) for use in judged.uses)
    writes += covers.hold(state, live.ref, judged.covers)
    return Effects(writes=tuple(writes), events=(_event(live, judged.fates),))


def digest(plaintext: bytes) -> bytes:
    """What the record of a batch keeps of an intent whose text lies elsewhere in the state."""
    return tagged_hash("lane/opened", plaintext)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a batch holds.

    Attributes:
        fates: per sealed intent, `ok` or the id of the rule that refused it.
        uses: what the valid ones spend, sorted; each once.
        covers: what the valid ones may take of accounts.
    """

    fates: tuple[str, ...]
    uses: tuple[bytes, ...]
    covers: Covers


def judge(
    texts: Sequence[bytes | None],
    gas_caps: Sequence[int],
    view: View,
    scope: BatchScope,
    services: Services,
) -> Judged:
    """The fate of every intent, in order. Total.

    Args:
        texts: plaintexts; None where there is none.
        gas_caps: how many proofs each paid for.
        view: where the batch would settle.
        scope: of the batch.
        services: of the chain.
    """
    read = [_read(text, cap, view, services) for text, cap in zip(texts, gas_caps, strict=True)]
    claims = [claim for item in read if isinstance(item, _Read) for claim in item.claims]
    if claims:
        view.verifier.verify(claims)  # in one batch; `validate` asks again for each intent's
    valid = _Valid()
    fates = tuple(_fate(item, valid, view, scope) for item in read)
    return Judged(fates, tuple(sorted(valid.uses)), covers.within(valid.owed, view.state))


@dataclass(frozen=True, slots=True)
class _Read:
    """An intent that its schema could read, and its proofs."""

    decoded: Decoded
    claims: tuple[ProofClaim, ...]


@dataclass(slots=True)
class _Valid:
    """What the valid intents so far come to."""

    ids: set[bytes] = field(default_factory=set)
    uses: set[bytes] = field(default_factory=set)
    owed: Counter[tuple[AccountId, Kind]] = field(default_factory=Counter)


def _read(text: bytes | None, gas_cap: int, view: View, services: Services) -> _Read | ChiaroError:
    """IN-2, IN-4, IN-5, LN-14: an intent as its schema reads it, or what it is refused by."""
    if text is None:
        return IntentRefused("PX-16", "the sender sealed no intent", where="body")
    try:
        intent = Intent.from_bytes(text)
    except ChiaroError as error:
        return IntentRefused("IN-2", error.message, where="body")
    try:
        decoded = services.decode(intent)
        claims = decoded.claims(view)
    except MACHINE_FAULTS:
        raise
    except ChiaroError as error:
        return error
    if len(claims) > gas_cap:
        return LaneRefused("LN-14", f"{len(claims)} proofs, paid for {gas_cap}", where="gas cap")
    return _Read(decoded, claims)


def _fate(item: _Read | ChiaroError, valid: _Valid, view: View, scope: BatchScope) -> str:
    if isinstance(item, ChiaroError):
        return item.id
    try:
        guarded(lambda: _admit(item.decoded, valid, view, scope))
    except MACHINE_FAULTS:
        raise
    except ChiaroError as error:
        return error.id
    return OK


def _admit(item: Decoded, valid: _Valid, view: View, scope: BatchScope) -> None:
    """IN-12, LN-15, and what its schema demands of the state."""
    if item.intent.id in valid.ids:
        raise IntentRefused("IN-12", "is in the batch already", where="id")
    uses, owed = item.uses, item.covers(view)
    for use in uses:
        if view.state.get(reservation_key(use)) not in (None, scope.ref):
            raise LaneRefused(
                "LN-15", "a batch that is not over has an intent that uses the same", where="uses"
            )
    item.validate(view)
    valid.ids.add(item.intent.id)
    valid.uses.update(uses)
    valid.owed.update(owed)


def _closed(tx: RevealTx, state: StateReader) -> Live:
    live = layout.live_batch(state, tx.domain, tx.number)
    if live is None or live.stage is not Stage.CLOSED:
        raise LaneRefused(
            "LN-13", f"no batch {tx.number} of domain {tx.domain} waits to be opened", where="batch"
        )
    return live


def _name(live: Live) -> str:
    return f"batch {live.number} of domain {live.domain}"


def _event(live: Live, fates: Sequence[str]) -> Event:
    return Event(
        "opened",
        (
            ("domain", str(live.domain)),
            ("batch", str(live.number)),
            ("sealed", str(len(fates))),
            ("valid", str(sum(fate == OK for fate in fates))),
        ),
    )
