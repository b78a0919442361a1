"""Documents for light clients: what CometBFT's validators signed, and our headers."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from node.rpc.schema import Count, Hex, Request, Response

MAX_HEADERS: Final = 1000


class CommitView(Response, frozen=True):
    """CometBFT's header of a height and its commit; `node.light.block.SignedHeader`."""

    height: Count
    signed: Hex


class ValidatorsView(Response, frozen=True):
    """A height's validators; `node.light.validators.ValidatorSet`."""

    height: Count
    validators: Hex


class HeadersQuery(Request, frozen=True):
    """`from`: first height; `limit`: how many at most."""

    first: Annotated[int, Meta(ge=1)] = msgspec.field(name="from", default=1)
    limit: Annotated[int, Meta(ge=1, le=MAX_HEADERS)] = 100


class HeadersView(Response, frozen=True):
    """Our headers from `first` on, ascending; `node.core.block.Header`."""

    first: Count
    tip: Count
    headers: list[Hex]
