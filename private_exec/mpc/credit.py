"""What counts although its signature was not verified yet.  Rules PV-25, PV-26; docs/adr/0035.

    shares of degree t, from their sender's own link    count at once
    everything else                                     is verified first

Who carries messages between members knows of most of them that the sender itself brought them. That
is enough to compute with, since wrong shares do not change what is decoded (PV-13). It is not
enough to accuse, nor to show to anybody: before that the signature is verified. A member that
brought something unsigned has no more credit.
"""

from __future__ import annotations

from typing import Final

from private_exec.mpc.message import Header, Kind, Session

CORRECTED: Final = frozenset({Kind.OPEN})
"""Rounds of shares of degree t: up to t wrong ones do not change what is decoded from them."""


class Credit:
    """What one member took without verifying it.

    Args:
        session: of the computation.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._unverified: set[Header] = set()
        self._unsigned: set[Header] = set()
        self._lost: set[int] = set()

    def covers(self, header: Header) -> bool:
        """PV-25: whether this may count at once, if its sender itself brought it."""
        known = header.sender in self._session.members and header.sender not in self._lost
        return known and header.kind in CORRECTED

    def give(self, header: Header) -> None:
        """It counts, and was not verified."""
        self._unverified.add(header)

    def signed(self, header: Header) -> bool:
        """PV-26: whether the sender of what counts signed it; found out when first asked."""
        if header in self._unverified:
            self._unverified.discard(header)
            if not header.is_signed(self._session):
                self._unsigned.add(header)
        return header not in self._unsigned

    def lose(self, member: int) -> bool:
        """A member brought something unsigned. Returns whether that is new."""
        new = member not in self._lost
        self._lost.add(member)
        return new
