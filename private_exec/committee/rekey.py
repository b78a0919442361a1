"""The next epoch of the same committee: masks change, members stay.  Rule PV-46.

    opened by the members, robustly:    r′_id − r_id      ρ′_id − ρ_id

Both masks come from keys that were made apart, so the difference is uniform to whoever misses one
key of either. Old keys are erased when every cell has moved (PV-37).
"""

from __future__ import annotations

from collections.abc import Sequence

from private_exec import group
from private_exec.committee.cells import masks
from private_exec.mpc.labels import CellId
from private_exec.mpc.prss import PrssKeys


def differences(old: PrssKeys, new: PrssKeys, ids: Sequence[CellId]) -> tuple[list[int], list[int]]:
    """A member's shares of r′ − r and ρ′ − ρ of each cell, of degree t: what it broadcasts."""
    pairs = list(zip(masks(old, ids), masks(new, ids), strict=True))
    values = [(after.value - before.value) % group.R for before, after in pairs]
    blindings = [(after.blinding - before.blinding) % group.R for before, after in pairs]
    return values, blindings
