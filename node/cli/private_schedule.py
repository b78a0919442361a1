"""Deadlines of an auction or batch of orders, counted in the chain's steps from the next block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.cli.session import UsageError

if TYPE_CHECKING:
    from node.rpc.client import NodeClient
    from node.rpc.schema import Status

_OPEN: Final = 4
"""Steps in which bids and orders are taken, unless a seller wants other blocks."""
_ACCEPT: Final = 2
_PROVE: Final = 8
"""Steps between the last acceptance and the last result: four attempts."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Under which keys of the committee, and the last heights of the three steps."""

    epoch: int
    close: int
    accept: int
    prove: int


def of(
    client: NodeClient, status: Status, committee: bytes, blocks: int | None, option: str
) -> Schedule:
    """Under the committee's present keys.

    Args:
        client: of a node.
        status: what it said.
        committee: id.
        blocks: in which bids or orders are taken; None: as many as steps have.
        option: which option said so, for messages.

    Raises:
        UsageError: the committee has no keys, or they do not serve for so long.
    """
    latest = client.private_committee(committee).latest
    if latest is None:
        raise UsageError("this committee has no keys yet", where="--committee")
    step = client.private_ceremony(committee).step_heights
    close = status.height + 1 + (blocks or _OPEN * step)
    accept = close + _ACCEPT * step
    found = Schedule(latest.epoch, close, accept, accept + _PROVE * step)
    if found.prove > latest.until - step:
        raise UsageError(
            f"it would end at block {found.prove}, the committee's keys serve to {latest.until}",
            where=option,
            fix="shorten it, or wait for the committee's next keys",
        )
    return found
