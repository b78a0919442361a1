"""Errors of computing on shares; each carries the rule of SPEC.md that refused.

MpcRefused (Ruled)
├── MalformedVector          also a DecodeError: bytes or arrays that are no vector of values
├── UnfitKeys                keys or sizes that are not what a member of this committee holds
├── TooFewVectors            fewer shares than a polynomial can be told from
├── TooManyLiars             no polynomial that enough shares lie on: nothing is guessed
└── Inconsistent             shares that should all agree do not
"""

from __future__ import annotations

from zk.errors import DecodeError, Ruled


class MpcRefused(Ruled):
    """Something in a computation on shares that a numbered rule refuses."""

    code = "MPC-001"
    why = "a computation on shares stays private and right only under the rules"
    fix = "`chiaro explain` with the rule's number says what it asks for"


class MalformedVector(DecodeError, MpcRefused):
    """Bytes or arrays that are no vector of so many values modulo r."""

    code = "MPC-002"
    exit_code = 3


class UnfitKeys(MpcRefused):
    """A committee's size, or keys of a member, that do not fit."""

    code = "MPC-003"
    why = "one key too few, or a wrong one, makes every share of this member wrong"
    fix = "take part in the next ceremony; until then this member counts as absent"


class TooFewVectors(MpcRefused):
    """Fewer shares than what they hold can be told from."""

    code = "MPC-004"
    exit_code = 7
    why = "fewer shares leave room for a value that liars choose"
    fix = "wait for the shares of more members"


class TooManyLiars(MpcRefused):
    """More wrong shares than can be corrected: no value is taken, nobody is named."""

    code = "MPC-005"
    exit_code = 1
    why = "beyond the bound a wrong value fits as well as the right one"
    fix = "the step fails; what its members signed is compared, as the rules of blame say"


class Inconsistent(MpcRefused):
    """Shares that should lie on one polynomial do not."""

    code = "MPC-006"
    exit_code = 1
    why = "somebody's share is wrong, and where all are needed none can be left out"
    fix = "correct them where there are enough, or deal again"
