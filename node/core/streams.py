"""What comes from elsewhere in parts: taken whole within bounds, or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterable


class TooLong(ValueError):
    """More bytes than there may be."""


class TooSlow(TimeoutError):
    """Not all of it in time, however regularly a byte came."""


def whole(parts: Iterable[bytes], most: int, seconds: float) -> bytes:
    """All parts as one.

    Args:
        parts: as they come; each may make the caller wait for as long as it comes.
        most: bytes.
        seconds: for all of them, looked at when a part has come.

    Raises:
        TooLong, TooSlow: nothing is returned.
    """
    taken, size, deadline = [], 0, time.monotonic() + seconds
    for part in parts:
        size += len(part)
        if size > most:
            raise TooLong(f"more than {most} bytes")
        if time.monotonic() > deadline:
            raise TooSlow(f"not all of it within {seconds:g} s")
        taken.append(part)
    return b"".join(taken)
