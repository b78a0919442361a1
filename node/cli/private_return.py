"""What commands have alike that move hidden amounts: into the private environment, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from node.cli import output
from node.cli.session import Session

if TYPE_CHECKING:
    from node.cli.wallet_db import Operation
    from node.cli.wallet_private import Provers
    from node.cli.wallets import Wallet
    from node.rpc.client import NodeClient

_Item = TypeVar("_Item")


def first(session: Session, found: list[_Item], others: str) -> _Item:
    """The one thing that is taken this time, of at least one; the rest is a warning.

    Args:
        session: of the command.
        found: what there is to take, in order.
        others: what is said of the rest: `go back`, `to take`.
    """
    one, *more = found
    if more:
        session.warnings.append(f"{len(more)} more {others}: run the command again")
    return one


def proved(
    session: Session,
    wallet: Wallet,
    client: NodeClient,
    action: str,
    send: Callable[[Provers], Operation],
    timeout: float | None,
) -> Operation:
    """Load the keys, send with progress shown, and wait.

    Args:
        session: of the command.
        wallet: whose operation it is.
        client: a node.
        action: whose keys prove.
        send: proves and submits.
        timeout: seconds to wait for its block; None: not at all.
    """
    from node.cli import wallet_private, wallet_spend

    with output.progress(session, "prove") as progress:
        operation = send(wallet_private.provers(session.profile, action, progress))
    return operation if timeout is None else wallet_spend.wait(wallet, client, operation, timeout)
