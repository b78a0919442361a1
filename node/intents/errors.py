"""Errors of intents and settlements; each names the rule of SPEC.md that refused.

InvalidTransaction
├── IntentRefused        an intent that its schema or the state refuses
└── SettlementRefused    a settlement, or one component of it
ChiaroError
├── TooComplex           a solver that will not search so much
└── SolverFailed         a solver's process: crash, time, memory, or an answer that does not decode
"""

from __future__ import annotations

from node.core.errors import InvalidTransaction
from zk.errors import ChiaroError, Ruled


class IntentRefused(InvalidTransaction):
    """An intent that its schema refuses, for what it says or for the state it meets."""

    code = "INT-001"
    why = "an intent that cannot settle would block or spoil the settlement of others"
    fix = "make the intent again, against the chain as it is now"


class SettlementRefused(InvalidTransaction):
    """A settlement that does more, or other things, than its batch asked for."""

    code = "INT-002"
    why = "a solver is believed in nothing; what its settlement does is computed again"
    fix = "settle the batch anew, with intents of this batch only and within their terms"


class TooComplex(ChiaroError):
    """A batch that a solver will not search in the time it has."""

    code = "INT-003"
    exit_code = 1
    why = "the search grows exponentially; an honest refusal is better than a stopped node"
    fix = "settle a smaller batch, or use a solver made for batches of this size"


class SolverFailed(Ruled):
    """A solver's process crashed, ran out of time or memory, or wrote what does not decode."""

    code = "INT-004"
    exit_code = 1
    why = "its settlement is lost; those of other solvers still count"
    fix = "raise the limits, or leave this solver out"
