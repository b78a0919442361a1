"""What each kind of sale adds to what all of them share.

Inputs, calls, attempts, results and what goes back are the same for every program (sales.py,
calls.py, results.py). A market says what its session reads, which of the new cells are opened, what
that means, and where money goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from node.core.effects import Effects
from node.core.interfaces import StateReader
from node.private.auctions import Auction
from node.private.batches import Batch
from node.private.sale_program import Market as Which
from node.private.sale_state import Sale
from private_exec.committee.cells import Cell
from private_exec.pedersen import Opening
from private_exec.provable.session import Read


class Market(Protocol):
    """Of one program."""

    def check_ready(self, state: StateReader, sale: bytes, found: Sale) -> None:
        """That enough is accepted for a call. Raises PrivateOutdated."""
        ...

    def reads(self, state: StateReader, sale: bytes, found: Sale) -> list[Read]:
        """What a session reads, in the program's order."""
        ...

    def declared(
        self, state: StateReader, sale: bytes, found: Sale, made: Sequence[Cell]
    ) -> list[list[Cell]]:
        """Cells whose sums are opened, in order; nothing else ever is."""
        ...

    def opened(
        self, outputs: Sequence[Opening], state: StateReader, sale: bytes, found: Sale
    ) -> Effects:
        """What follows of the declared outputs. Raises PrivateRefused, values that none has."""
        ...

    def settle(self, state: StateReader, sale: bytes, found: Sale) -> Effects:
        """Everything where it belongs, at once."""
        ...


_MARKETS: Final[dict[Which, Market]] = {Which.AUCTION: Auction(), Which.BATCH: Batch()}


def of(found: Sale) -> Market:
    """Of a sale."""
    return _MARKETS[found.terms.program.market]
