"""Errors of private programs; each carries the rule of SPEC.md that refused.

ProgramRefused (Ruled)
└── ImpossibleTally          totals that no donations have
UnknownProgram (ChiaroError)
"""

from __future__ import annotations

from zk.errors import ChiaroError, Ruled


class ProgramRefused(Ruled):
    """A private program, or what it is given, that a numbered rule refuses."""

    code = "PRG-001"
    why = "what a private program may do, reveal and cost is fixed before anybody gives it a value"
    fix = "`chiaro explain` with the rule's number says what it asks for"


class ImpossibleTally(ProgramRefused):
    """Totals of a project that no list of donations has."""

    code = "PRG-002"
    why = "matching money would be paid for donations that nobody made"
    fix = "open the sums of the round's own cells; their commitments say which these are"


class UnknownProgram(ChiaroError):
    """There is no private program of this name."""

    code = "PRG-003"
    exit_code = 1
