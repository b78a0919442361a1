"""What auctions and batches of orders have alike on the command line: lists, calls, their end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from node.cli import connection, output, show
from node.cli.session import Session
from node.cli.typed import digits

if TYPE_CHECKING:
    from node.private.messages import SettleTx
    from node.private.sale_payload import CallTx
    from node.rpc.client import NodeClient
    from node.rpc.sale_schema import AttemptView
    from node.rpc.schema import TransactionView


class _Computed(Protocol):
    """What a committee computes, in attempts."""

    @property
    def attempt(self) -> AttemptView | None: ...


_View = TypeVar("_View", bound=_Computed)


@dataclass(frozen=True, slots=True)
class _Sent(Generic[_View]):
    """A transaction that a node took, what became of it, and the sale behind it."""

    name: bytes
    included: TransactionView | None
    after: _View


@dataclass(frozen=True, slots=True)
class Market(Generic[_View]):
    """A kind of sale.

    Attributes:
        command: `chiaro private …`, of which the documents have their names.
        noun: what one of them is called.
        read: one of them from a node, by its id.
        document: one of them in JSON.
    """

    command: str
    noun: str
    read: Callable[[NodeClient, bytes], _View]
    document: Callable[[_View], dict[str, Any]]

    def _id_of(self, text: str) -> bytes:
        """Of the one that a command is about. Raises UsageError."""
        return digits(text, 32, self.noun.upper())

    def listed(
        self,
        session: Session,
        plural: str,
        views: Sequence[_View],
        height: int,
        headings: tuple[str, ...],
        row: Callable[[_View], tuple[str, ...]],
    ) -> None:
        """Say which there are.

        Args:
            session: of the command.
            plural: what the document calls them.
            views: of a node.
            height: of its last block.
            headings: of the table.
            row: one of them in the table.
        """
        rows = [row(view) for view in views]
        output.emit(
            session,
            f"private.{self.command}.list",
            {plural: [self.document(view) for view in views]},
            lambda out: output.table(out, headings, rows),
            freshness={"height": height},
        )

    def call(self, session: Session, identity: str, timeout: float | None) -> None:
        """Have the committee compute, in the next attempt.

        Args:
            session: of the command.
            identity: of the sale or batch, as it was typed.
            timeout: seconds to wait for its block; None: not at all.
        """
        from node.private.sale_payload import CallTx

        chosen = self._id_of(identity)
        with connection.connected(session) as client:
            attempt = self.read(client, chosen).attempt
            tx = CallTx(chosen, 0 if attempt is None else attempt.number + 1)
            sent = self._send(client, chosen, tx, timeout)
        self._report(session, "call", sent, {"attempt": tx.attempt})

    def settle(self, session: Session, identity: str, timeout: float | None) -> None:
        """End one whose outcome is open; otherwise as `call`."""
        from node.private.messages import SettleTx

        chosen = self._id_of(identity)
        with connection.connected(session) as client:
            self.read(client, chosen)  # one that is not there is said so before anything is sent
            sent = self._send(client, chosen, SettleTx(chosen), timeout)
        self._report(session, "settle", sent, {})

    def _send(
        self, client: NodeClient, identity: bytes, tx: CallTx | SettleTx, timeout: float | None
    ) -> _Sent[_View]:
        from node.cli.wallet_auction import chain_of
        from node.private.payload import tx_id, wire

        name = tx_id(tx, chain_of(client.status()))
        client.submit(wire(tx))
        included = None if timeout is None else client.wait_for_tx(name, timeout)
        return _Sent(name, included, self.read(client, identity))

    def _report(
        self, session: Session, step: str, sent: _Sent[_View], data: dict[str, Any]
    ) -> None:
        full = {**data, self.noun: self.document(sent.after)}
        show.report_transaction(
            session, f"private.{self.command}.{step}", sent.name, sent.included, full
        )
