"""Parameters of the private environment: what genesis says of rounds of hidden values.

Who may compute on what is hidden is declared on the chain, by application (`node.private`); here
are only the bounds that hold for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.block import Transaction
from node.core.codec import Reader, Writer
from node.core.ids import EnvironmentId
from zk.errors import DecodeError

DONATION: Final = "donation/1"
TRANSIT: Final = "transit/1"
STATEMENTS: Final = (DONATION, TRANSIT)
"""What a chain with a private environment verifies beside those of every chain; sorted."""
MAX_DONATIONS: Final = 1 << 16
"""Of one round: Σw of so many w below 2³² stays below 2⁴⁸."""
_MAX_HEIGHTS: Final = 2**32 - 1
SAID: Final = frozenset({2, 5, 6, 7, 13, 15, 16, 17, 22, 23, 24, 25})
"""First bytes of payloads that committees send and that move nothing (`node.private.tags`):
ceremony, complaint, accept, open, remask, handover, name, transfer, call, result, blame,
silence."""


def is_said(data: bytes) -> bool:
    """Whether a whole transaction is a committee's, and only writes what the private state has.

    These have deadlines by height, which do not wait; no intent reads what they write, and they
    read nothing that an intent changes (EX-39).
    """
    try:
        envelope = Transaction.from_bytes(data)
    except DecodeError:
        return False
    mine = envelope.environment is EnvironmentId.PRIVATE and bool(envelope.payload)
    return mine and envelope.payload[0] in SAID


@dataclass(frozen=True, slots=True)
class PrivateParameters:
    """PV-100: fixed for the chain.

    Attributes:
        step_heights: heights that lie between two deadlines at least: of a round, so that members
            and donors of a slow network have their say; and of every step of a key ceremony.
        round_heights: heights that a round may take at most, from its block to its last deadline.
        max_donations: of one round.

    Raises:
        DecodeError: PV-100.
    """

    step_heights: int = 10
    round_heights: int = 100_000
    max_donations: int = 4096

    def __post_init__(self) -> None:
        limits = {
            "step_heights": (1, _MAX_HEIGHTS),
            "round_heights": (3 * self.step_heights, _MAX_HEIGHTS),
            "max_donations": (1, MAX_DONATIONS),
        }
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise DecodeError(
                    f"PV-100: {name} {getattr(self, name)} is outside [{least}, {most}]",
                    where="private",
                )

    def write(self, writer: Writer) -> None:
        """u32 each."""
        writer.u32(self.step_heights).u32(self.round_heights).u32(self.max_donations)

    @staticmethod
    def read(reader: Reader) -> PrivateParameters:
        """Strict. Raises DecodeError."""
        return PrivateParameters(reader.u32(), reader.u32(), reader.u32())
