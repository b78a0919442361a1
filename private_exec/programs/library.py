"""The programs that come with the house."""

from __future__ import annotations

from typing import Final

from private_exec.programs.auction import auction
from private_exec.programs.darkpool import darkpool
from private_exec.programs.errors import UnknownProgram
from private_exec.programs.funding import funding
from private_exec.programs.program import PrivateProgram

PROGRAMS: Final = {p.declaration.name: p for p in (auction, darkpool, funding)}
"""By name."""


def program(name: str) -> PrivateProgram:
    """A program of the house.

    Raises:
        UnknownProgram: there is none of this name.
    """
    if name not in PROGRAMS:
        have = ", ".join(PROGRAMS)
        raise UnknownProgram(f"no program is called {name}", fix=f"there are: {have}")
    return PROGRAMS[name]
