"""Where something listens: `HOST:PORT`, in settings and in CometBFT's configuration."""

from __future__ import annotations

import re
from typing import Final

_PLACE: Final = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")


def is_place(value: object, *, least: int = 0) -> bool:
    """Whether it is a name or an address, and a port that exists.

    Args:
        value: from anybody.
        least: lowest port; 0 asks for a free one.
    """
    if not isinstance(value, str) or _PLACE.fullmatch(value) is None:
        return False
    return least <= int(value.rpartition(":")[2]) < 1 << 16
