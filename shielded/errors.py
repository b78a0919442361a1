"""Errors of shielded transactions; each names the rule of SPEC.md that refused.

InvalidTransaction
├── MalformedTransaction     also a DecodeError: bytes or values that no transaction may hold
├── BadSignature             auth or delta signature
├── Unbalanced               the delta signature does not prove that value is conserved
├── StaleAnchor              (Outdated) the root is unknown or has left the window
├── TreeNearlyFull           the note tree cannot take another block's notes
└── Expired                  (Outdated) too late, or too far ahead
PolicyRefused
└── PlanRefused              a plan that cannot or should not become a transaction
"""

from __future__ import annotations

from node.core.errors import InvalidTransaction, Outdated, PolicyRefused
from zk.errors import DecodeError, Ruled


class MalformedTransaction(DecodeError, InvalidTransaction):
    """Bytes or values that no shielded transaction may hold."""

    code = "SHD-001"
    exit_code = 3


class BadSignature(InvalidTransaction):
    """A signature that is not by this key over this message."""

    code = "SHD-002"
    why = "whoever can change what a party signed can keep its gift and drop its price"
    fix = "build the transaction again; a signed one cannot be changed"


class Unbalanced(InvalidTransaction):
    """Value is created or destroyed, or nobody who knows the blinding signed for the balance."""

    code = "SHD-003"
    why = "an unbalanced transaction would mint"
    fix = "compose it with the transactions that bring every kind's sum to zero"


class StaleAnchor(Outdated):
    """The anchor is no root that the chain remembers."""

    code = "SHD-004"
    fix = "synchronise the wallet and build the transaction again"


class TreeNearlyFull(InvalidTransaction):
    """The note tree has less room than the notes of one block may need."""

    code = "SHD-011"
    why = "a block whose notes do not fit could not be closed, and would stop every node"
    fix = "this chain takes no more notes; what is in its pool moves with a new tree"


class Expired(Outdated):
    """The block is behind the expiry height, or the expiry too far ahead."""

    code = "SHD-005"
    fix = "build the transaction again with a later expiry"


class PlanRefused(Ruled, PolicyRefused):
    """A plan or a composition that cannot, or should not, become a transaction."""

    code = "SHD-006"
    exit_code = 5
