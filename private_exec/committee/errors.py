"""Errors of committees; each carries the rule of SPEC.md that refused.

CommitteeRefused (InvalidTransaction)
├── MalformedCommittee       also a DecodeError: bytes or values that no message may hold
├── CeremonyRefused          a message of a key ceremony
├── KeysUnusable             this member's own keys are not the epoch's, or are erased
├── ComplaintRefused         an accusation that nobody can judge
├── InputRefused             a shared input, or several: names them
├── CellRefused              shares that do not make the cell; names the members
├── CertificateRefused       too few signatures, or about something else
├── OpeningRefused           opened values that their commitments do not hold; names them
└── FrozenRefused            what a frozen epoch no longer does, or an exit that it does not allow
"""

from __future__ import annotations

from collections.abc import Iterable

from node.core.errors import InvalidTransaction
from zk.errors import DecodeError


class CommitteeRefused(InvalidTransaction):
    """A message of a committee, or to one, that a numbered rule refuses."""

    code = "CTE-001"
    why = "values stay secret, and right, only where members and their messages follow the rules"
    fix = "`chiaro explain` with the rule's number says what it asks for"


class MalformedCommittee(DecodeError, CommitteeRefused):
    """Bytes or values that no message of a committee may hold."""

    code = "CTE-002"
    exit_code = 3


class CeremonyRefused(CommitteeRefused):
    """A message of a key ceremony that is wrong, late, or not its sender's."""

    code = "CTE-003"
    why = "one wrong dealing that is counted leaves members with different keys"
    fix = "send the right message before its deadline; a dealer who does not is left out"


class KeysUnusable(CommitteeRefused):
    """This member's keys are not the epoch's, or were erased: it sends nothing that needs them."""

    code = "CTE-004"
    why = "shares made of other keys would be taken for lies"
    fix = "complain about the dealer, even late; the next epoch brings new keys"


class ComplaintRefused(CommitteeRefused):
    """An accusation that is not its member's, or about something that cannot be complained of."""

    code = "CTE-005"
    why = "a complaint publishes a key; an inadmissible one could open what somebody else sealed"
    fix = "send the complaint of the member concerned, in time, about a message that stands"


class _Named(CommitteeRefused):
    """A refusal that names whom or what it is about.

    Attributes:
        culprits: indices, ascending.
    """

    noun = "item"

    def __init__(self, rule: str, message: str, culprits: Iterable[int] = ()) -> None:
        named = tuple(sorted(culprits))
        where = f"{self.noun} " + ", ".join(map(str, named)) if named else ""
        super().__init__(rule, message, where=where)
        self.culprits = named


class InputRefused(_Named):
    """A shared input that is malformed, copied, or of another round, owner or committee."""

    code = "CTE-006"
    why = "who shares a value that he copied learns of another's through the result"
    fix = "share the value again, for this committee, epoch and round"
    noun = "input"


class CellRefused(_Named):
    """Shares that do not make the value in the commitment, or cannot."""

    code = "CTE-007"
    why = "a cell whose shares and commitment differ could never be used or opened again"
    fix = "sign nothing about it; the members named sent what is wrong"
    noun = "member"


class CertificateRefused(CommitteeRefused):
    """Fewer than 2t + 1 members' signatures, or about something else."""

    code = "CTE-008"
    why = "fewer signatures may all be of members who lie"
    fix = "gather the signatures of 2t + 1 members"


class OpeningRefused(_Named):
    """Opened values that their commitments do not hold."""

    code = "CTE-009"
    why = "a wrong value would be believed of a commitment that says otherwise"
    fix = "decode the members' shares again: those that were opened do not fit"
    noun = "output"


class FrozenRefused(CommitteeRefused):
    """Something that a frozen epoch no longer does, or an exit that it does not allow."""

    code = "CTE-010"
    why = "a cell that leaves by its owner's proof may not also be used by a committee"
    fix = "owners of cells with one owner leave with a proof; what has none stays"
