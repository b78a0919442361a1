"""Documents about the private environment.  Amounts are decimal text, in base units."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from node.rpc.schema import Amount, Count, Element, Hex, Id, KindView, Request, Response


class SeatView(Response, frozen=True):
    """A member: its signing key, and where the others reach it."""

    key: Id
    endpoint: str


class FaultView(Response, frozen=True):
    """Blame of a member, with the public reason."""

    member: Count
    reason: str


class EpochView(Response, frozen=True):
    """An epoch that has keys.

    Attributes:
        epoch: number.
        since, until: heights of blocks that may use them for something new.
        record: what everybody knows of them, encoded.
        qualified: members whose parts the keys are made of.
        faults: of the ceremony.
    """

    epoch: Count
    since: Count
    until: Count
    record: Hex
    qualified: list[Count]
    faults: list[FaultView]


class CommitteeView(Response, frozen=True):
    """A committee behind the last block.

    Attributes:
        id: of its declaration.
        purpose: digest of what it serves.
        epoch_blocks: how long an epoch's keys serve.
        members: 1 … n, in order.
        threshold: t: of so many liars or absent members nothing depends.
        made: epochs that have keys.
        opens: first height of a block that may open the next ceremony.
        latest: the latest epoch with keys.
    """

    id: Id
    purpose: Id
    epoch_blocks: Count
    members: list[SeatView]
    threshold: Count
    made: Count
    opens: Count
    latest: EpochView | None = None


class CommitteesView(Response, frozen=True):
    """Committees, by id, behind a block; `more`: others follow the last."""

    height: Count
    committees: list[CommitteeView]
    more: bool = False


class AfterQuery(Request, frozen=True):
    """`after`: the last id that was seen; `limit`: how many at most."""

    after: Hex = "0x"
    limit: Annotated[int, Meta(ge=1, le=64)] = 64


class WordView(Response, frozen=True):
    """A message of a ceremony, with the height of its block."""

    height: Count
    step: str
    message: Hex


class CeremonyView(Response, frozen=True):
    """The ceremony that is under way, or that a notice would open.

    Attributes:
        height: of the last block.
        epoch, attempt: whose messages count.
        step_heights: heights that each of its three steps takes.
        opened: height of its first block; 0: nobody opened it.
        words: in the chain's order.
    """

    height: Count
    epoch: Count
    attempt: Count
    step_heights: Count
    opened: Count
    words: list[WordView]


class ProjectView(Response, frozen=True):
    """A project of a round.

    Attributes:
        recipient: account.
        minimum: below it the project takes nothing.
        donations: accepted ones.
        weights, amounts: sums of their commitments, compressed points.
        roots, total: S and T, once they are open; null: not opened (yet).
        funded: whether it takes its donations; null: not settled.
        payout: from the pool; null: not settled, or not funded.
    """

    recipient: Id
    minimum: Amount
    donations: Count
    weights: Id
    amounts: Id
    roots: Element | None = None
    total: Amount | None = None
    funded: bool | None = None
    payout: Amount | None = None


class RoundView(Response, frozen=True):
    """A round behind the last block.

    Attributes:
        height: of that block.
        id: of the round's transaction.
        phase: in the next block: `donating`, `accepting`, `opening`, `over`.
        status: `running`, `opened`, `settled`, or `failed`: its sums were not opened in time.
        committee, epoch: whose keys inputs are sealed to.
        provider: account that locked the pool.
        kind, pool: what it locked.
        members: root of the tree of those who may give.
        least: a project with fewer accepted donations is not opened.
        close, accept, open: last heights of the steps.
        inputs: donations, accepted or not.
        projects: in order.
    """

    height: Count
    id: Id
    phase: str
    status: str
    committee: Id
    epoch: Count
    provider: Id
    kind: KindView
    pool: Amount
    members: Element
    least: Count
    close: Count
    accept: Count
    open: Count
    inputs: Count
    projects: list[ProjectView]


class RoundsView(Response, frozen=True):
    """Rounds, by id, behind a block; `more`: others follow the last."""

    height: Count
    rounds: list[RoundView]
    more: bool = False


class InputView(Response, frozen=True):
    """A donation; its amount is hidden.

    Attributes:
        id: of the input.
        round, project: for what.
        owner: key that may claim it back.
        status: `pending`, `accepted`, `refused`, `claimed`.
        claimable: whether it goes back, in the next block.
        weight, amount: commitments, as the donor made them.
        height: of its block.
        message: the whole input, while it waits; null afterwards.
    """

    id: Id
    round: Id
    project: Count
    owner: Id
    status: str
    claimable: bool
    weight: Id
    amount: Id
    height: Count
    message: Hex | None = None


class InputsView(Response, frozen=True):
    """Donations of a round in the order of their blocks."""

    height: Count
    inputs: list[InputView]


class DepositView(Response, frozen=True):
    """A deposit; its amount is in its commitment.

    Attributes:
        id: of the input.
        committee, epoch: whose keys mask its cell; while it waits, those that it was sealed to.
        kind: of the amount.
        owner: key that may take it back.
        status: `pending`, `accepted`, `refused`, `claimed`.
        amount: commitment, as the owner made it.
        cell: id of the cell that it is, or will be.
        height: of its block.
        frozen: height at which those keys were frozen; null: they were not.
        message: the whole input, while it waits; null afterwards.
    """

    id: Id
    committee: Id
    epoch: Count
    kind: KindView
    owner: Id
    status: str
    amount: Id
    cell: Id
    height: Count
    frozen: Count | None = None
    message: Hex | None = None


class DepositsView(Response, frozen=True):
    """Deposits that wait for their committee, by id; the first of them."""

    height: Count
    deposits: list[DepositView]


class HeldView(Response, frozen=True):
    """The cell of a deposit, or what waits to be one, and the epoch whose keys mask it."""

    cell: Id
    epoch: Count


class HeldCellsView(Response, frozen=True):
    """Cells of deposits that a committee holds, oldest keys first; `more`: there are others."""

    height: Count
    cells: list[HeldView]
    more: bool = False


class NamedView(Response, frozen=True):
    """A member's word on who follows its committee, given when so many epochs had keys."""

    member: Count
    successor: Id
    made: Count


class TransferView(Response, frozen=True):
    """Cells on their way to another committee.

    Attributes:
        successor, serving: committee and epoch whose keys will mask them.
        epoch: whose keys do.
        opened: height of its block.
        until: last height at which it may end.
        cells: their ids.
        dealt: members of the old committee who dealt masks.
        guilty: those of them whose masks were wrong.
        handed: the old committee has opened.
    """

    successor: Id
    serving: Count
    epoch: Count
    opened: Count
    until: Count
    cells: list[Id]
    dealt: list[Count]
    guilty: list[Count]
    handed: bool


class SuccessionView(Response, frozen=True):
    """Who follows a committee.

    Attributes:
        height: of the block behind which it is so.
        words: of its members.
        successor: whom 2t + 1 of them name.
        retry: number of the transfer under way, or of the next.
        transfer: the latest, also when its time is over; null: none, or it ended well.
        coming: committees whose cells are on their way to this one.
    """

    height: Count
    words: list[NamedView]
    retry: Count
    coming: list[Id]
    successor: Id | None = None
    transfer: TransferView | None = None


class HeldQuery(Request, frozen=True):
    """`from`: the first epoch that matters."""

    first: Count = msgspec.field(name="from", default=0)


class InputsQuery(Request, frozen=True):
    """`from`: which one first, counted from 0; `limit`: how many at most."""

    first: Count = msgspec.field(name="from", default=0)
    limit: Annotated[int, Meta(ge=1, le=256)] = 64


class CellView(Response, frozen=True):
    """A cell: what everybody sees of a value that nobody can read.

    Attributes:
        id: of the cell.
        epoch: whose keys mask it.
        c: value plus mask.
        com: commitment to the value.
        blind: what of the mask's blinding is public.
    """

    id: Id
    epoch: Count
    c: Element
    com: Id
    blind: Element
