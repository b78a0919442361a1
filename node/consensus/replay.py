"""Run blocks again: what an engine does after a crash, and an auditor does from genesis."""

from __future__ import annotations

from collections.abc import Iterable

from node.core.block import Block
from node.core.errors import ConsensusFault
from node.core.ids import StateRoot
from node.core.interfaces import Application
from node.store.proof import EMPTY_ROOT


def replay(app: Application, blocks: Iterable[Block]) -> StateRoot:
    """Finalize and commit, in order, the blocks that `app` does not have; returns the last root.

    Every root but the last is checked by the header that follows (CH-4).

    Raises:
        ConsensusFault: a block that does not follow, or a state that differs from the headers'.
    """
    info = app.info()
    root = info.state_root if info.state_root != EMPTY_ROOT else app.init_chain()
    height = info.height
    for block in blocks:
        if block.header.height <= height:
            continue
        root = app.finalize_block(block)
        if (height := app.commit()) != block.header.height:
            raise ConsensusFault(f"committed {height} for block {block.header.height}")
    return root
