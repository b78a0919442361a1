"""Documents of open intents: messages of the gossip overlay, what became of them, problems."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.rpc.lane_schema import LeftOut
from node.rpc.schema import Amount, Count, Hex, Id, Request, Response

FateName = Literal["held", "settled", "expired"]
FeeModel = Literal["settlement", "ordering", "none"]


class PublishRequest(Request, frozen=True):
    """A message (`node.gossip.message.Message`) by its origin."""

    message: Hex


class PublishedView(Response, frozen=True):
    """A message that the node holds and passes on.

    Attributes:
        id: of the message.
        height: of the chain, when this was said.
        expiry: last height at which it is of use.
    """

    id: Id
    height: Count
    expiry: Count


class MessagesQuery(Request, frozen=True):
    """Which messages.

    Attributes:
        app: first bytes of the namespace, hexadecimal.
        schema: first characters of the schema.
        sealed: those that one recipient can open, which have neither; else the open ones.
        since: `order` of the last one known.
        solver: account that will settle them; their paths end there.
        limit: at most so many.
    """

    app: Annotated[str, Meta(pattern=r"^0x(?:[0-9a-f]{2}){0,29}$")] = "0x"
    schema: Annotated[str, Meta(pattern=r"^[a-z0-9._/-]{0,64}$")] = ""
    sealed: bool = False
    since: Annotated[int, Meta(ge=0, le=2**62)] = 0
    solver: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=64)] = 64


class MessageView(Response, frozen=True):
    """A message.

    Attributes:
        order: place in the order of arrival at this node, since its process began.
        message: whole, with its path; the rest is said in it too.
        fee: what is offered; `left`: what its hops have not taken of it.
    """

    order: Count
    id: Id
    message: Hex
    sealed: bool
    schema: str
    expiry: Count
    model: FeeModel
    fee: Amount
    left: Amount


class MessagePage(Response, frozen=True):
    """Messages in the order of arrival; `next` is the next `since`, absent behind the last.

    Attributes:
        node: key of the node on the overlay, and the account that its cuts are paid to.
    """

    node: Id
    height: Count
    messages: list[MessageView]
    next: Count | None = None


class FateView(Response, frozen=True):
    """What became of a message, or of the intent in one that was settled.

    Attributes:
        height: of the chain, when this was said.
        expiry: of a message that is held or expired.
        settled: height of the block that settled it first; `tx_id`: by which transaction.
    """

    id: Id
    status: FateName
    height: Count
    expiry: Count | None = None
    settled: Count | None = None
    tx_id: Id | None = None


class PoseRequest(Request, frozen=True):
    """Intents (`node.core.intent.Intent`) that somebody wants to settle together."""

    intents: Annotated[list[Hex], Meta(min_length=1, max_length=64)]


class OpenProblemView(Response, frozen=True):
    """What a solver is given (`node.intents.solvers.problem.Problem`).

    Attributes:
        height: of the block that would settle it, the next one.
        problem: encoded.
        left_out: intents that are not in it.
    """

    height: Count
    problem: Hex
    left_out: list[LeftOut] = msgspec.field(default_factory=list)
