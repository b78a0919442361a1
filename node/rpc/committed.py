"""What the views of the private environment share: one committed state.  Rules PV-140, PV-141."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from node.core.errors import NotFound
from node.core.genesis import Genesis
from node.core.ids import Kind
from node.core.private import PrivateParameters
from node.store.versioned import VersionedReader, VersionedStore

Item = TypeVar("Item")


class CommittedViews:
    """Of one node.

    Args:
        genesis: of the chain.
        store: of the node.
        names: of kinds.
    """

    def __init__(self, genesis: Genesis, store: VersionedStore, names: Mapping[Kind, str]) -> None:
        self._genesis: Final = genesis
        self._store: Final = store
        self._names: Final = names

    def _state(self) -> VersionedReader:
        """Behind the last block. Raises NotFound: PV-140."""
        parameters_of(self._genesis)
        return self._store.reader()


def parameters_of(genesis: Genesis) -> PrivateParameters:
    """Of the chain. Raises NotFound: PV-140."""
    if genesis.private is None:
        raise NotFound(
            "PV-140: this chain has no private environment",
            why="its genesis has no section `private`",
        )
    return genesis.private


def page_of(
    every: Iterator[tuple[bytes, Item]], after: bytes, limit: int
) -> tuple[list[tuple[bytes, Item]], bool]:
    """The first of those whose ids are above `after`, and whether others follow."""
    above = (item for item in every if item[0] > after)
    found = list(itertools.islice(above, limit + 1))
    return found[:limit], len(found) > limit


def missing(what: str) -> NotFound:
    """PV-141, to be raised."""
    return NotFound(f"PV-141: there is no such {what}", where="path")
