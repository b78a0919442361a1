"""A chain as somebody has it who executed every block: what checks of a whole run read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from node.core.block import Block, Receipt
from node.core.ids import StateRoot
from node.core.interfaces import StateReader
from node.store.versioned import VersionedStore


class History(Protocol):
    """Blocks from height 1 on, and the states between them."""

    @property
    def final(self) -> Mapping[int, tuple[Block, StateRoot]]:
        """Height → block, and the state root behind it."""
        ...

    @property
    def state(self) -> StateReader:
        """Behind the last block."""
        ...

    @property
    def store(self) -> VersionedStore:
        """The whole chain; not to be written."""
        ...

    def state_at(self, height: int) -> StateReader:
        """Behind an earlier block; 0 is genesis."""
        ...

    def receipts(self, height: int) -> tuple[Receipt, ...]:
        """Of a block."""
        ...
