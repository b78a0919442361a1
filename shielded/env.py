"""ShieldedEnvironment: notes, nullifiers, anchors.

State, under `s/`:

    s/tree                  frontier of the note tree
    s/anchor/ ‖ root        last height after which it was the tree's root, u64
    s/root/ ‖ height        root after that height, in the order of heights: what to forget next

Nullifiers are recorded by the executor, which also refuses those of the block and of the chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from node.core.block import MAX_BLOCK_BYTES
from node.core.codec import Reader, Writer
from node.core.effects import Crossing, Effects, Event
from node.core.errors import InvalidTransaction
from node.core.ids import ChainId, EnvironmentId, Height, TxId
from node.core.interfaces import ProofClaim, StateReader, TxContext
from node.core.lane import MAX_SEALED_BYTES
from shielded import checks
from shielded.action import ACTION_BYTES, STATEMENT, public_inputs
from shielded.errors import StaleAnchor, TreeNearlyFull
from shielded.transaction import ShieldedTx
from shielded.tree import CAPACITY, NoteTree
from zk.errors import ParamsError

TREE_KEY: Final = b"s/tree"
ANCHOR_PREFIX: Final = b"s/anchor/"
ROOT_PREFIX: Final = b"s/root/"
RESERVED_LEAVES: Final = 2 * ((MAX_BLOCK_BYTES + MAX_SEALED_BYTES) // ACTION_BYTES)
"""More notes than any block can create, and the settlements that it carries out (SH-59)."""


class ShieldedEnvironment:
    """Implements `node.core.interfaces.ExecutionEnvironment` for ShieldedTx.

    Args:
        max_expiry: how many heights ahead a party may expire.
        anchor_window: how many recent roots are accepted.
        batch: heights that a batch may take from its close to its end.

    Raises:
        ParamsError: SH-13, a window that is shorter than the longest expiry plus a batch.
    """

    id = EnvironmentId.SHIELDED

    def __init__(self, max_expiry: int, anchor_window: int, batch: int) -> None:
        if anchor_window < max_expiry + batch:
            raise ParamsError(
                f"SH-13: a window of {anchor_window} roots is below {max_expiry} + {batch}",
                why="a transaction could outlive the root that it was proved against (S-24)",
                fix="raise anchor_window or lower max_expiry",
            )
        self._max_expiry = max_expiry
        self._window = anchor_window

    # DECODE

    def preview(self, payload: bytes, chain_id: ChainId) -> int:
        """SH-14, and the fee. Decoding 64 actions decompresses 128 points; this reads 40 bytes."""
        found, fee = ShieldedTx.preview(payload)
        checks.check_chain(found, chain_id)
        return fee

    def is_unpaid(self, payload: bytes) -> bool:  # noqa: ARG002
        """Everybody may send these, so all of them pay."""
        return False

    def whose(self, tx: ShieldedTx, state: StateReader) -> bytes:  # noqa: ARG002
        """EX-44: nobody's, since all of these pay."""
        return b""

    def decode(self, payload: bytes) -> ShieldedTx:
        """SH-1 … SH-5, SH-21 … SH-24, SH-27, SH-28, SH-66, SH-67."""
        return ShieldedTx.from_bytes(payload)

    def tx_id(self, tx: ShieldedTx) -> TxId:
        return tx.id

    def expiry(self, tx: ShieldedTx) -> Height:
        return tx.expiry

    def fee(self, tx: ShieldedTx) -> int:
        return tx.fee

    def conflicts(self, tx: ShieldedTx) -> tuple[bytes, ...]:
        return tuple(b"s/nf/" + nullifier_bytes(nf) for nf in tx.nullifiers)

    # CHECK

    def check_stateless(self, tx: ShieldedTx, context: TxContext) -> None:
        """All that needs no state, cheap rules first; raises ChiaroError or nothing (SH-38)."""
        checks.check_chain(tx.chain_id, context.chain_id)
        checks.check_expiry(tx, context.height, self._max_expiry)
        checks.check_scope(tx, context.scope)
        checks.check_hidden(tx, context.hidden)
        checks.check_logic(tx)
        checks.check_authorizations(tx)
        checks.check_nullifiers(tx)
        checks.check_points(tx)
        checks.check_signatures(tx)

    def claims(self, tx: ShieldedTx) -> tuple[ProofClaim, ...]:
        """SH-6: one claim per action, over exactly its public inputs."""
        return tuple(
            ProofClaim(STATEMENT, public_inputs(action.public), action.proof)
            for action in tx.actions
        )

    def check_historical(self, tx: ShieldedTx, state: StateReader, context: TxContext) -> None:
        """SH-12 (S-4, S-24): every anchor is one of the recent roots."""
        for anchor in dict.fromkeys(action.public.anchor for action in tx.actions):
            known = state.get(anchor_key(anchor))
            if known is None or int.from_bytes(known, "little") + self._window < context.height:
                raise StaleAnchor("SH-12", "the anchor is no recent root", where="anchor")

    # EFFECT

    def execute(self, tx: ShieldedTx, state: StateReader, context: TxContext) -> Effects:
        """SH-9: all nullifiers; commitments, crossings and fee, for the executor to apply.

        Anchors are looked up again: the check before may have been against an older state.
        """
        self.check_historical(tx, state, context)
        check_room(state)
        return Effects(
            nullifiers=tuple(map(nullifier_bytes, tx.nullifiers)),
            commitments=tx.commitments,
            crossings=tx.public_values,
            fee=tx.fee,
            events=tuple(_events(tx)),
            hidden=tx.hidden_values,
        )

    def cross(self, crossing: Crossing, digest: bytes, state: StateReader) -> Effects:  # noqa: ARG002
        """SH-36: never. Entering the pool takes a commitment, leaving it a nullifier.

        Only an action has these, so the shielded side of a crossing is always the transaction
        itself, never its target.
        """
        raise InvalidTransaction(
            "SH-36",
            "only a shielded transaction moves value into or out of the shielded pool",
            where="crossing",
        )

    def end_block(
        self, commitments: Sequence[int], state: StateReader, context: TxContext
    ) -> Effects:
        """SH-37: append, record the new anchor, forget the one that left the window."""
        stored = state.get(TREE_KEY)
        tree = NoteTree() if stored is None else NoteTree.from_bytes(stored)
        writes: list[tuple[bytes, bytes | None]] = []
        if commitments or stored is None:
            tree = tree.append(commitments)
            writes.append((TREE_KEY, tree.to_bytes()))
        # The same root may be current over many blocks: the last of them counts.
        root = tree.root
        writes.append((anchor_key(root), _u64(context.height)))
        writes.append((root_key(context.height), nullifier_bytes(root)))
        writes.extend(self._forget(state, context.height - self._window, root))
        return Effects(writes=tuple(writes))

    def _forget(
        self, state: StateReader, height: int, current: int
    ) -> Iterator[tuple[bytes, bytes | None]]:
        """Drop the root of `height`, which no later block accepts, unless it came up again."""
        if height < 0:
            return
        old = state.get(root_key(height))
        if old is None:
            return
        yield root_key(height), None
        anchor = int.from_bytes(old, "little")
        last = state.get(anchor_key(anchor))
        if anchor != current and last is not None and int.from_bytes(last, "little") <= height:
            yield anchor_key(anchor), None

    def genesis(self, chain_id: ChainId) -> Effects:
        """The empty tree and its root, as height 0 leaves them."""
        return self.end_block((), _Nothing(), TxContext(chain_id, Height(0)))


class _Nothing:
    """The state before genesis."""

    def get(self, key: bytes) -> bytes | None:  # noqa: ARG002
        return None

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:  # noqa: ARG002
        return iter(())


def check_room(state: StateReader) -> None:
    """SH-59: whatever else is in the block, its notes fit, so that it can be closed.

    Raises:
        TreeNearlyFull: SH-59.
    """
    stored = state.get(TREE_KEY)
    size = 0 if stored is None else Reader(stored, "note tree").u64()
    if size + RESERVED_LEAVES > CAPACITY:
        raise TreeNearlyFull("SH-59", "the note tree has no room for a block of notes")


def nullifier_bytes(value: int) -> bytes:
    """32 bytes, canonical, little-endian."""
    return Writer().fr(value).done()


def anchor_key(root: int) -> bytes:
    """Where the state says until when `root` was current."""
    return ANCHOR_PREFIX + nullifier_bytes(root)


def root_key(height: int) -> bytes:
    """Big-endian, so that keys are in the order of heights."""
    return ROOT_PREFIX + height.to_bytes(8, "big")


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _events(tx: ShieldedTx) -> Iterator[Event]:
    """What wallets and receipts name: nothing that the transaction does not show."""
    for action in tx.actions:
        public = action.public
        yield Event(
            "action",
            (
                ("nullifiers", ",".join(nullifier_bytes(v).hex() for v in public.nullifiers)),
                ("commitments", ",".join(nullifier_bytes(v).hex() for v in public.commitments)),
            ),
        )
