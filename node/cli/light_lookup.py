"""Where a node says that a transaction is, and the id that its bytes really have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.core.errors import NotFound

if TYPE_CHECKING:
    from node.core.genesis import Genesis
    from node.core.ids import TxId
    from node.rpc.schema import TransactionView


def place_of(view: TransactionView) -> tuple[int, int]:
    """Height and index, as the node says.

    Raises:
        NotFound: it is in no block.
    """
    if view.receipt is None:
        raise NotFound(
            f"the transaction is in no block: {view.status}",
            where=view.tx_id,
            why="a light client proves what is in a block; that something is in none it cannot",
        )
    return view.receipt.height, view.receipt.index


def tx_id_of(genesis: Genesis, wire: bytes) -> TxId:
    """Computed from the bytes, by the rules of its environment. Raises DecodeError."""
    from node.app import assembly
    from node.execution.verifier import GrothVerifier

    return assembly.executor(genesis, GrothVerifier({})).intake.decode(wire).tx_id
