"""What a process that holds secrets owes to them."""

from __future__ import annotations

import contextlib
import sys


def forbid_core_dumps() -> None:
    """No image of this process's memory in a file, whatever becomes of it; inherited by children.

    Where the system pipes such images to a program of its own, that program decides.
    """
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):  # what cannot be lowered is low
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
