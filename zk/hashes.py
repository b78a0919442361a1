"""Many Poseidon hashes at once: by a backend's kernels, once these are worth starting.

A hash takes about a millisecond in Python and 0.01 to 0.05 ms in a kernel, but a backend takes as
long to start as hundreds of hashes, and many commands need a few only. So hashes are computed in
Python until a backend runs (proofs start one) or as many were asked for as a start costs; a process
never waits much more than twice the shorter of the two.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from zk.errors import NonCanonical, WrongLength
from zk.hash.poseidon import poseidon

if TYPE_CHECKING:
    from zk.interfaces import Backend

WORTH: Final = 512
"""Hashes that take as long in Python as a backend takes to start, about."""


class Hasher:
    """Decides where hashes are computed; one serves the process.

    Attributes:
        counted: hashes computed in Python so far.
    """

    __slots__ = ("counted",)

    def __init__(self) -> None:
        self.counted = 0

    def poseidon(self, tag: int, rows: Sequence[Sequence[int]]) -> list[int]:
        """Poseidon_tag of each row of integers in [0, r), all of one length; the same everywhere.

        Raises:
            WrongLength: rows of different lengths, of none or of more than 16 values.
            NonCanonical: the tag or a value is not below r.
        """
        if not rows:
            return []
        if any(len(row) != len(rows[0]) for row in rows):
            raise WrongLength("hashes of one batch take equally many inputs")
        backend = self._backend(len(rows))
        if backend is None:
            self.counted += len(rows)
            return [poseidon(tag, row) for row in rows]
        return _by_kernels(backend, tag, rows)

    def _backend(self, wanted: int) -> Backend | None:
        few = self.counted + wanted < WORTH
        if few and "zk.backends" not in sys.modules:  # arrays alone take long to import
            return None
        from zk import backends

        return backends.started() if few else backends.get()


def _by_kernels(backend: Backend, tag: int, rows: Sequence[Sequence[int]]) -> list[int]:
    from zk.field.arrays import LIMBS, from_array, to_array
    from zk.hash.poseidon import MAX_INPUTS

    k = len(rows[0])
    if not 1 <= k <= MAX_INPUTS:
        raise WrongLength(f"Poseidon takes 1 to {MAX_INPUTS} inputs, not {k}")
    try:
        inputs = to_array(value for row in rows for value in row)
    except OverflowError:
        raise NonCanonical("a Poseidon input is not below r") from None
    return from_array(backend.poseidon(tag, inputs.reshape(len(rows), k, LIMBS)))


_HASHER: Final = Hasher()
poseidon_many: Final = _HASHER.poseidon
"""`Hasher.poseidon` of this process."""
