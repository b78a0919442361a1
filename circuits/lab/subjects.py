"""Which statements can be examined: explicit, one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from circuits.lab import action, crossings
from circuits.lab.subject import Subject
from zk.errors import UnknownKey

SUBJECTS: Final[dict[str, Callable[[str], Subject]]] = {
    "action/1": action.subject,
    "transit/1": crossings.transit,
    "donation/1": crossings.donation,
}


def subject(identifier: str, seed: str) -> Subject:
    """The subject of that id, its examples made from a seed.

    Raises:
        UnknownKey: nobody has written examples for that statement.
    """
    if identifier not in SUBJECTS:
        raise UnknownKey(
            f"there are no examples to examine {identifier} with",
            fix=f"use one of: {', '.join(SUBJECTS)}",
        )
    return SUBJECTS[identifier](seed)
