"""Who makes the keys of the sealed lane, how far they are, who is at fault: `GET /lane/keys`.

Everything but `own` and `seen` is in the state of every node; those two are this node's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from node.core.genesis import Genesis
from node.lane import sealed
from node.lane.validator import report
from node.lane.validator.keeper import Keeper
from node.lane.validator.report import KeyReport, Protection
from node.rpc.schema import Count, Id, Response
from node.rpc.text import hex_of
from node.stake import rosters
from node.store.versioned import VersionedReader

KeyStage = Literal["none", "round", "made", "failed"]


class BlameView(Response, frozen=True):
    """A validator that was found at fault in making a key."""

    validator: Id
    fault: str


class HolderView(Response, frozen=True):
    """A validator of an epoch.

    Attributes:
        weight: its stake, as the epoch's roster has it; a decimal number.
        shares: virtual shares of the epoch's keys; 0: it has no part in them.
    """

    validator: Id
    weight: str
    shares: Count


class ProtectionView(Response, frozen=True):
    """What the keys of an epoch promise; fractions are of the epoch's stake.

    Attributes:
        shares: virtual shares in all.
        quorum: shares that open a batch.
        privacy: shares that show nothing of a batch that nobody else opens.
        protected: coalitions with less than this part read nothing early, such as `1/2`.
        opening: the least part that opens a batch.
        batch: most sealed intents of a batch, by what shares weigh.
        holders: digest of who has which shares, which clients can pin (LN-49).
    """

    shares: Count
    quorum: Count
    privacy: Count
    protected: str
    opening: str
    batch: Count
    holders: Id


class KeyReportView(Response, frozen=True):
    """The key of a domain for an epoch.

    Attributes:
        first, last: heights of the epoch.
        stage: `none`; `round`; `made`; `failed`: the last attempt gave none, another may begin.
        attempt: number of it.
        round: 1 notices, 2 commits, 3 dealings, 4 complaints; 0: no attempt is under way.
        until: last height of that round, or at which an attempt may begin.
        reason: why the last attempt failed.
        digest: of the key.
        participants: validators who gave an encryption key.
        dealers: validators whose secrets the key is the sum of.
        held: whether this node's validator has its shares of the key.
        holders: everybody with stake in the epoch.
        protection: what it promises; null: stakes give no safe shares, and `reason` says so.
    """

    domain: Count
    name: str
    epoch: Count
    first: Count
    last: Count
    stage: KeyStage
    attempt: Count
    round: Annotated[int, Meta(ge=0, le=4)]
    until: Count
    reason: str
    digest: Id | None
    participants: list[Id]
    dealers: list[Id]
    faults: list[BlameView]
    held: bool
    holders: list[HolderView]
    protection: ProtectionView | None


class SeenView(Response, frozen=True):
    """What this node saw a validator do wrong with its shares, since it started.

    Attributes:
        domain, height: of the batch.
        rule: PX-18, shares that do not fit; PX-19, shares of two batches of one height.
    """

    validator: Id
    domain: Count
    height: Count
    rule: str


class LaneKeysView(Response, frozen=True):
    """Keys after block `height`.

    Attributes:
        own: consensus key of this node's validator; null: it has no part in this epoch's keys.
        validators: with stake in the epoch of the next block.
        protection: of that epoch's keys; null as in `KeyReportView`.
    """

    height: Count
    own: Id | None
    validators: list[Id]
    protection: ProtectionView | None
    keys: list[KeyReportView]
    seen: list[SeenView]


def view(state: VersionedReader, genesis: Genesis, keeper: Keeper | None) -> LaneKeysView:
    """The document, of a chain that has a lane."""
    now = sealed.parameters_of(genesis).epoch_of(state.height + 1)
    reports = report.key_report(state, genesis, state.height)
    current = next(item for item in reports if item.epoch == now)
    mine = keeper is not None and keeper.has_part(state, now)
    return LaneKeysView(
        height=state.height,
        own=hex_of(keeper.public) if keeper is not None and mine and keeper.public else None,
        validators=[hex_of(item.key) for item in rosters.committee(state, genesis, now).members],
        protection=_protection(current.protection),
        keys=[_key(item, held=_holds(state, keeper, item)) for item in reports],
        seen=[] if keeper is None else _seen(keeper),
    )


def _holds(state: VersionedReader, keeper: Keeper | None, item: KeyReport) -> bool:
    return keeper is not None and keeper.holds(state, item.domain.number, item.epoch)


def _stage(item: KeyReport) -> KeyStage:
    if item.key is not None:
        return "made"
    if item.round:
        return "round"
    return "failed" if item.reason else "none"


def _key(item: KeyReport, *, held: bool) -> KeyReportView:
    return KeyReportView(
        domain=item.domain.number,
        name=item.domain.name,
        epoch=item.epoch,
        first=item.first,
        last=item.last,
        stage=_stage(item),
        attempt=item.attempt,
        round=item.round,
        until=item.until,
        reason=item.reason,
        digest=None if item.key is None else hex_of(item.key.digest),
        participants=[hex_of(key) for key in item.participants],
        dealers=[hex_of(key) for key in item.dealers],
        faults=[
            BlameView(validator=hex_of(blame.validator), fault=blame.kind.value)
            for blame in item.faults
        ],
        held=held,
        holders=[
            HolderView(
                validator=hex_of(share.validator), weight=str(share.weight), shares=share.shares
            )
            for share in item.holders
        ],
        protection=_protection(item.protection),
    )


def _protection(promised: Protection | None) -> ProtectionView | None:
    if promised is None:
        return None
    return ProtectionView(
        shares=promised.shares,
        quorum=promised.quorum,
        privacy=promised.privacy,
        protected=str(promised.protected),
        opening=str(promised.opening),
        batch=promised.batch,
        holders=hex_of(promised.digest),
    )


def _seen(keeper: Keeper) -> list[SeenView]:
    found = [(item.validator, item.domain, item.height, item.rule) for item in keeper.faults]
    found += [
        (pair.validator, pair.domain, pair.first.height, "PX-19") for pair in keeper.two_roots
    ]
    return [
        SeenView(validator=hex_of(validator), domain=domain, height=height, rule=rule)
        for validator, domain, height, rule in found
    ]
