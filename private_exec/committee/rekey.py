"""The next epoch of the same committee: masks change, members stay.  Rule PV-46.

    opened by the members, robustly:    r′_id − r_id      ρ′_id − ρ_id

Both masks come from keys that were made apart, so the difference is uniform to whoever misses one
key of either. Old keys are erased when every cell has moved (PV-37).
"""

from __future__ import annotations

from collections.abc import Sequence

from private_exec.committee.cells import combined, masks
from private_exec.mpc.labels import CellId
from private_exec.mpc.prss import PrssKeys
from private_exec.pedersen import Opening


def differences(old: PrssKeys, new: PrssKeys, ids: Sequence[CellId]) -> list[Opening]:
    """A member's shares of (r′ − r, ρ′ − ρ) of each cell, of degree t: what it broadcasts."""
    return [combined((1, -1), pair) for pair in zip(masks(new, ids), masks(old, ids), strict=True)]
