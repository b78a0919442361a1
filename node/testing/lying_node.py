"""A node's process that lies: `python -m node.testing.lying_node WRONG_SHARES+FALSE_LEAD run …`.

It is a validator in everything but what its lies change. Its own rules, by which an honest node
keeps such things to itself (CH-42), it breaks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from node.app import __main__ as program
from node.app.node import Node
from node.consensus.application import LedgerApplication
from node.consensus.errors import InvalidBlock
from node.core.block import Block
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import BlockExecutor, SealedLane, StateReader, Store
from node.lane.validator import identity
from node.lane.validator.identity import ConsensusKey
from node.testing.cluster.lane_liars import (
    PROPOSES,
    LaneLie,
    LyingExecutor,
    LyingLane,
    wrong_share,
)
from private_exec.shares import ShareMessage

PROGRAM = "node.testing.lying_node"


class _Liar:
    """`node.testing.cluster.lane_liars.Liar` with a validator's own key."""

    def __init__(self, lie: LaneLie, genesis: Genesis, key: ConsensusKey) -> None:
        self.lie = lie
        self.state: StateReader | None = None
        self._genesis = genesis
        self._key = key

    def shares(self, honest: Iterable[ShareMessage]) -> tuple[ShareMessage, ...]:
        if LaneLie.NO_SHARES in self.lie:
            return ()
        if LaneLie.WRONG_SHARES in self.lie and self.state is not None:
            state = self.state
            return tuple(wrong_share(s, self._genesis, state, self._key.sign) for s in honest)
        return tuple(honest)


class _Lane(LyingLane):
    def __init__(self, liar: _Liar, keeper: SealedLane) -> None:
        super().__init__(liar, keeper)
        self._liar = liar

    def extend(self, state: StateReader, height: Height) -> bytes:
        self._liar.state = state
        return super().extend(state, height)


def lying(lie: LaneLie, key: ConsensusKey) -> type[Node]:
    """A node that does this.

    Args:
        lie: what; `SILENT`, `BAD_DEALER` and `FALSE_ACCUSER` are of clusters only.
        key: of the validator that it is.
    """

    class LyingApplication(LedgerApplication):
        def __init__(
            self,
            genesis: Genesis,
            executor: BlockExecutor,
            store: Store,
            *,
            lane: SealedLane | None = None,
            **rest: Any,
        ) -> None:
            if lane is not None:
                lane = _Lane(_Liar(lie, genesis, key), lane)
            super().__init__(genesis, LyingExecutor(executor, lie), store, lane=lane, **rest)

        def verify_vote_extension(
            self, height: Height, extension: bytes, validator: bytes = b""
        ) -> None:
            if validator != key.public:
                super().verify_vote_extension(height, extension, validator)

        def process_proposal(self, block: Block) -> None:
            try:
                super().process_proposal(block)
            except InvalidBlock as error:
                if error.rule != "CH-36" or not lie & PROPOSES:
                    raise

    class LyingNode(Node):
        application_type = LyingApplication

    return LyingNode


def lie_of(text: str) -> LaneLie:
    """From names with + between them. Raises KeyError."""
    found = LaneLie(0)
    for name in text.split("+"):
        found |= LaneLie[name]
    return found


def main(arguments: Sequence[str]) -> int:
    """The exit code is the node's."""
    lie, *rest = arguments
    home = Path(rest[rest.index("--home") + 1])
    return program.main(rest, lying(lie_of(lie), identity.load(home / identity.KEY_FILE)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
