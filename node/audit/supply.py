"""The supply, block by block: recomputed from receipts, compared with the state, summed up.

EX-15: the turnstile's entries follow from genesis and the receipts alone. They say what each
environment holds after every block; that accounts hold together what the turnstile says of the
transparent environment takes a walk over all balances, which is done as often as it stays cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from node.core.block import Receipt
from node.core.genesis import Genesis
from node.core.ids import NATIVE, EnvironmentId, Kind
from node.core.interfaces import StateReader
from node.execution import turnstile
from node.execution.overlay import EmptyState, Overlay
from node.execution.turnstile import Supply
from node.stake.state import at_stake

HOLDERS: Final = (
    EnvironmentId.TRANSPARENT,
    EnvironmentId.SHIELDED,
    EnvironmentId.PRIVATE,
    EnvironmentId.STAKE,
)
"""What can hold value."""
ENTRIES_PER_BLOCK: Final = 1000
"""Entries of the state that the walks may read, on average."""

Held = tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...]


class SupplyAudit:
    """What receipts say of the supply.

    Args:
        genesis: of the chain.
        state: after the last block that held; None: before the first.
    """

    def __init__(self, genesis: Genesis, state: StateReader | None = None) -> None:
        self._genesis = genesis
        self._totals = Overlay(EmptyState())
        if state is None:
            self._totals.update(turnstile.genesis_writes(genesis).items())
        else:
            self._totals.update(turnstile.stored(state).items())
        self._due = 0
        self.walks = 0

    def follow(self, receipts: Sequence[Receipt]) -> Held:
        """Apply a block's receipts; returns what the kinds that moved come to.

        Raises:
            ChiaroError: EX-11, EX-41, or an event that is no movement.
        """
        moved: dict[Kind, None] = {}
        for receipt in receipts:
            if receipt.ok:
                movements, dark = turnstile.told(receipt)
                turnstile.move(self._totals, movements, dark)
                moved.update(dict.fromkeys(movement.kind for movement in movements))
        return self.held(moved)

    def held(self, kinds: Iterable[Kind]) -> Held:
        """What each environment holds of these kinds."""
        return tuple(
            (
                str(kind.logic),
                str(kind.label),
                tuple(
                    (int(tag), str(turnstile.totals(self._totals, tag, kind).held))
                    for tag in HOLDERS
                ),
            )
            for kind in kinds
        )

    def fault(self, height: int, state: StateReader, *, last: bool) -> tuple[str, str] | None:
        """Rule and message of what does not add up after a block; None where all does.

        Args:
            height: of the block.
            state: after it, as execution left it.
            last: it is the last one: sum all balances whatever that takes.
        """
        if turnstile.stored(state) != dict(self._totals.iterate(turnstile.PREFIX)):
            return "EX-15", "the turnstile in the state is not what the receipts come to"
        if last or height >= self._due:
            counted = _Counting(state)
            rows = turnstile.supply(counted)
            self.walks += 1
            self._due = height + 1 + counted.entries // ENTRIES_PER_BLOCK
            message = self._judge(rows)
            if message:
                return "AUD-016", message
            if self._genesis.stake is not None:
                return self._stake_fault(counted)
        return None

    def _stake_fault(self, state: StateReader) -> tuple[str, str] | None:
        """ST-23: what owners have in the pool, and what was lost there, is what it holds."""
        held = turnstile.totals(state, EnvironmentId.STAKE, NATIVE).held
        owned = at_stake(state)
        if held == owned:
            return None
        return "ST-23", f"the pool of stake holds {held}, bonds, notice and losses are {owned}"

    def _judge(self, rows: Sequence[Supply]) -> str:
        """AUD-016: an audit of a state against genesis; what is wrong, or nothing."""
        issued = self._genesis.supply()
        for row in rows:
            name = f"kind {row.kind.label:#066x}"
            if row.issued != issued.get(row.kind, 0):
                return f"{name}: {row.issued} issued, genesis says {issued.get(row.kind, 0)}"
            if not row.adds_up:
                parts = f"{row.transparent} + {row.shielded} + {row.private} + {row.stake}"
                return f"{name}: balances and pools are {parts}, {row.issued} were issued"
        if missing := issued.keys() - {row.kind for row in rows}:
            return f"kind {min(missing).label:#066x} of genesis is not in the state"
        return ""


class _Counting:
    """A state that counts what is read of it."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self.entries = 0

    def get(self, key: bytes) -> bytes | None:
        self.entries += 1
        return self._state.get(key)

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        for entry in self._state.iterate(prefix):
            self.entries += 1
            yield entry
