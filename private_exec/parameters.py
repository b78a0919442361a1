"""The numbers of a threshold key: shares, quorum, packing, and the privacy that follows.

    n  virtual shares           T  combining quorum          ℓ  ciphertexts in one share point
    p = T − 2ℓ + 1              shares that a coalition may hold without reading anything (PX-5)

p follows from T and ℓ and is never stored: with T larger than p + 2ℓ − 1 the key would open with
fewer shares than it claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from private_exec.errors import MalformedSeal

MAX_SHARES: Final = 512
MAX_BATCH: Final = 128
"""Sealed intents of one block, at most (PX-24)."""
SMALL: Final = 16
"""Up to this many shares nothing is packed: more than 2/3 must collude to read."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """n, T, ℓ.

    Raises:
        MalformedSeal: PX-5, no key has such numbers.
    """

    shares: int
    quorum: int
    packing: int

    def __post_init__(self) -> None:
        if not 1 <= self.shares <= MAX_SHARES:
            raise MalformedSeal(
                "PX-5", f"{self.shares} shares: 1 to {MAX_SHARES} may be", where="parameters"
            )
        if not (1 <= self.quorum <= self.shares and self.packing >= 1 and self.privacy >= 0):
            raise MalformedSeal(
                "PX-5",
                f"quorum {self.quorum} of {self.shares} with packing {self.packing} protects "
                f"against {self.privacy} shares",
                where="parameters",
            )

    @staticmethod
    def of_equals(shares: int, packing: int | None = None) -> Parameters:
        """For n holders of one share each: T = n − ⌊(n − 1)/3⌋, the default packing."""
        faulty = (shares - 1) // 3
        quorum = shares - faulty
        if packing is None:
            packing = default_packing(shares, quorum, faulty)
        return Parameters(shares, quorum, packing)

    @property
    def privacy(self) -> int:
        """P: that many key shares, and no honest share of a batch, open nothing."""
        return self.quorum - 2 * self.packing + 1

    @property
    def degree(self) -> int:
        """Of the polynomial that is shared: p coefficients are free, ℓ are fixed by the slots."""
        return self.privacy + self.packing - 1

    def sub_batches(self, size: int) -> int:
        """Points that a share of a batch of `size` ciphertexts has."""
        return -(-size // self.packing)

    def to_bytes(self) -> bytes:
        return Writer().u16(self.shares).u16(self.quorum).u16(self.packing).done()

    @staticmethod
    def read(reader: Reader) -> Parameters:
        return Parameters(reader.u16(), reader.u16(), reader.u16())


def default_packing(shares: int, quorum: int, faulty: int) -> int:
    """1 for few shares; else the largest ℓ that still protects against half of them.

    Args:
        shares: n.
        quorum: T.
        faulty: shares of the heaviest coalition that must not read; the result protects against it.
    """
    if shares <= SMALL:
        return 1
    protected = max(-(-shares // 2), faulty)
    return max(1, (quorum + 1 - protected) // 2)
