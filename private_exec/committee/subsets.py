"""Who deals the parts of which set's key.  Rule PV-32.

A key of a set A of n − t members is made of parts that t + 1 of A deal, so one of them is honest.
Which ones is fixed, and turns with the set, so that all deal about equally many.
"""

from __future__ import annotations

from functools import lru_cache

from private_exec.mpc.prss import Subset, members_of, subsets
from private_exec.mpc.shamir import Size


@lru_cache(maxsize=8)
def dealers(size: Size) -> dict[Subset, tuple[int, ...]]:
    """All sets, ascending, each with the t + 1 of its members who deal parts of its key."""
    found = {}
    for rank, subset in enumerate(subsets(size)):
        among = members_of(size, subset)
        turned = (among[(rank + k) % len(among)] for k in range(size.t + 1))
        found[subset] = tuple(sorted(turned))
    return found


@lru_cache(maxsize=64)
def dealt_by(size: Size, dealer: int) -> tuple[Subset, ...]:
    """The sets for which this member deals a part, ascending."""
    return tuple(subset for subset, among in dealers(size).items() if dealer in among)
