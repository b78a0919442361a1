"""Documents of the sealed lane: domains, keys, batches, and where an intent stands.

Nothing in them is known before the block that makes it so is on disk (RPC-27): of a sealed intent
its id, payer, fee, size and expiry; its content once a block has opened it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.rpc.schema import (
    Amount,
    BalanceView,
    Count,
    Hex,
    Id,
    Problem,
    Request,
    Response,
)

KeyState = Literal["none", "generating", "made"]
BatchStage = Literal["open", "closed", "solving", "settled", "unsolved", "unrevealed"]
Namespace = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{58}$", description="29 bytes")]
Score = Annotated[str, Meta(pattern=r"^(?:0|-?[1-9][0-9]{0,39})$", description="in units of 2^-64")]


# --- domains and keys -----------------------------------------------------------------------------


class KeyView(Response, frozen=True):
    """The key of a domain's epoch.

    Attributes:
        first, last: heights of the epoch.
        state: `none`: nobody has begun to make it; `generating`; `made`.
        attempt: number of the latest attempt, where there is one.
        due: height at whose end that attempt is decided, while it goes on.
        digest, key: of the key, once made (`private_exec.keys.EpochKey`).
    """

    domain: Count
    epoch: Count
    first: Count
    last: Count
    state: KeyState
    attempt: Count | None = None
    due: Count | None = None
    digest: Id | None = None
    key: Hex | None = None


class LaneDomainView(Response, frozen=True):
    """A domain (`node.core.lane.LaneDomain`).

    Attributes:
        closes: height at which a batch closes that the next block would add to.
        next_batch: number of the next batch to be made.
        key: of the epoch of the next block; without its bytes.
    """

    number: Count
    name: str
    id: Id
    period: Count
    criterion: str
    fee: Amount
    reveal_window: Count
    solve_period: Count
    closes: Count
    next_batch: Count
    key: KeyView


class LiveBatchView(Response, frozen=True):
    """A batch that is not over.

    Attributes:
        due: `open`: height at which it closes; `closed`: last height at which it may be opened;
            `solving`: height at which it ends.
        closed: height at which it closed.
    """

    domain: Count
    number: Count
    epoch: Count
    stage: BatchStage
    due: Count
    closed: Count | None = None


class LaneView(Response, frozen=True):
    """The lane after block `height`.

    Attributes:
        epoch: of the next block.
        grace: heights behind an epoch in which what was sealed for it may still be opened.
        lead: how many heights before an epoch its key may be made.
        round_heights: of each of the four rounds in which a key is made.
    """

    height: Count
    epoch: Count
    epoch_heights: Count
    grace: Count
    lead: Count
    round_heights: Count
    domains: list[LaneDomainView]
    live: list[LiveBatchView]


class WantedView(Response, frozen=True):
    """Whether this node's validator was told that a key is wanted; `key` as it stands."""

    wanted: bool
    key: KeyView


# --- batches --------------------------------------------------------------------------------------


class EntryView(Response, frozen=True):
    """A sealed intent as everybody sees it.

    Attributes:
        id: of the envelope.
        fate: after the opening `ok`, or the rule that refused the intent.
    """

    id: Id
    payer: Id
    fee: Amount
    size: Count
    expiry: Count
    fate: str = ""


class OpenedView(Response, frozen=True):
    """An intent that was opened, while its batch is being solved.

    Attributes:
        index: place in the batch.
        id: of the intent; another id than its envelope's.
        app: namespace of the application.
        gives, wants, lines: what its schema says of it; empty where it refuses it.
        error: why nothing is said.
    """

    index: Count
    id: Id
    app: Namespace
    schema: str
    expiry: Count
    fee: Amount
    intent: Hex
    gives: list[BalanceView] = msgspec.field(default_factory=list)
    wants: list[BalanceView] = msgspec.field(default_factory=list)
    lines: list[str] = msgspec.field(default_factory=list)
    error: Problem | None = None


class SolutionView(Response, frozen=True):
    """A settlement as the chain took it; `score` was computed by the chain."""

    id: Id
    solver: Id
    score: Score


class PartView(Response, frozen=True):
    """What became of a component of the settlement: `ok` or the rule that refused it."""

    name: str
    code: str


class EndView(Response, frozen=True):
    """How a batch ended.

    Attributes:
        height: of the block.
        settlement: that was carried out; empty without one.
        parts: its components.
        settled: ids of the intents that were settled.
    """

    height: Count
    settlement: Hex
    parts: list[PartView]
    settled: list[Id]


class BatchView(Response, frozen=True):
    """A batch, in whatever stage.

    Attributes:
        height: of its last event.
        due: see LiveBatchView; absent when it is over.
        root: what decryption shares are made for; while it is closed.
        tree: root of the namespaced tree over the opened intents; once opened.
        gathered: validators whose shares are at this node, while it is closed.
        opened: while it is being solved.
        best: best settlement so far, or the one that was carried out.
    """

    domain: Count
    number: Count
    stage: BatchStage
    height: Count
    entries: list[EntryView]
    opened: list[OpenedView]
    epoch: Count | None = None
    due: Count | None = None
    closed: Count | None = None
    root: Id | None = None
    gathered: list[Id] = msgspec.field(default_factory=list)
    tree: Id | None = None
    best: SolutionView | None = None
    end: EndView | None = None


class LeftOut(Response, frozen=True):
    """An intent that cannot settle, and the rule that says so."""

    id: Id
    code: str


class ProblemView(Response, frozen=True):
    """What a solver is given (`node.intents.solvers.problem.Problem`).

    Attributes:
        height: of the state on which it was posed.
        deadline: height at which the batch ends; settlements are taken below it.
        problem: encoded.
        left_out: intents of the batch that are not in it.
    """

    domain: Count
    number: Count
    height: Count
    deadline: Count
    problem: Hex
    left_out: list[LeftOut]


class CompletenessView(Response, frozen=True):
    """All opened intents of one application, and the proof that there are no others.

    Attributes:
        height: of the state whose root the tree's root is proved under.
        tree: root of the namespaced tree.
        data: the intents, in order.
        proof: `node.da.namespaced.NamespaceProof`.
    """

    domain: Count
    number: Count
    height: Count
    app: Namespace
    tree: Id
    data: list[Hex]
    proof: Hex


class SealView(Response, frozen=True):
    """Where a sealed intent is.

    Attributes:
        index: place in its batch.
        fate: after the opening `ok`, or the rule that refused the intent.
    """

    id: Id
    domain: Count
    number: Count
    index: Count
    stage: BatchStage
    fate: str = ""


# --- queries --------------------------------------------------------------------------------------


class EpochQuery(Request, frozen=True):
    """`epoch`: which one; that of the next block without it."""

    epoch: Annotated[int, Meta(ge=0, le=2**62)] | None = None


class AppQuery(Request, frozen=True):
    """`app`: namespace of an application."""

    app: Namespace
