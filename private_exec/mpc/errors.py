"""Errors of computing on shares; each carries the rule of SPEC.md that refused.

MpcRefused (Ruled)
├── MalformedVector          also a DecodeError: bytes or arrays that are no vector of values
├── UnfitKeys                keys or sizes that are not what a member of this committee holds
├── TooFewVectors            fewer shares than a polynomial can be told from
├── TooManyLiars             no polynomial that enough shares lie on: nothing is guessed
├── Inconsistent             shares that should all agree do not
├── MessageRefused           also a DecodeError: a message that does not count
│   └── TooEarly             one that counts later: nobody's fault
├── OpeningFailed            no 2t + 1 members stand behind one value
├── Undecided                a batch without a verdict
├── CertificateRefused       a verdict that is none, or a second one
├── BatchBlamed              a batch that somebody spoiled, who is named
├── MaterialRefused          more than was prepared, or twice
└── RangeRefused             bits that a value may not have
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zk.errors import DecodeError, Ruled

if TYPE_CHECKING:
    from private_exec.mpc.certificate import Certificate


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


class MessageRefused(DecodeError, MpcRefused):
    """A message that is nobody's, of another session or round, or contradicts an earlier one."""

    code = "MPC-007"
    why = "what a member did not say for this round of this session would be computed with"
    fix = "drop it; who signed something wrong is noted, and the round goes on without it"


class TooEarly(MessageRefused):
    """A message of a round that this member is too far behind for; to be brought again."""

    code = "MPC-014"
    why = "members go on without one that is slow, and what is kept for it has bounds"
    fix = "bring it again when its round has come; its sender did nothing wrong"


class OpeningFailed(MpcRefused):
    """No 2t + 1 members stand behind one value."""

    code = "MPC-008"
    exit_code = 7
    why = "with fewer behind it, a value may be one that liars chose"
    fix = "the session ends without a result; it is tried again after a record on the chain"


class Undecided(MpcRefused):
    """No verdict about a batch: it is given up, and nothing of it was revealed."""

    code = "MPC-009"
    exit_code = 7
    why = "a batch that some use and others reveal would uncover what it hides"
    fix = (
        "prepare again after a record on the chain; who told two stories is known by its signatures"
    )


class CertificateRefused(MpcRefused):
    """A certificate that does not say what is needed, or a second verdict of one member."""

    code = "MPC-010"
    exit_code = 5
    why = "a batch with two verdicts is used by some and revealed by others"
    fix = "keep to the first verdict; a certificate has 2t + 1 right signatures of one statement"


class BatchBlamed(MpcRefused):
    """Somebody spoiled a batch, and is named; nothing private was touched.

    Attributes:
        liars: members, ascending.
        certificate: 2t + 1 members' word that the batch is blamed.
    """

    code = "MPC-011"
    exit_code = 1
    why = "products that are wrong make every result wrong"
    fix = "prepare again without the members that are named"

    def __init__(self, liars: tuple[int, ...], certificate: Certificate) -> None:
        named = ", ".join(map(str, liars))
        super().__init__("PV-17", "a batch of products is wrong", where=f"members {named}")
        self.liars = liars
        self.certificate = certificate


class MaterialRefused(MpcRefused):
    """More than was prepared, or the same once more."""

    code = "MPC-012"
    exit_code = 70
    why = "two values hidden by one mask show their difference"
    fix = "a session prepares what its program takes, and runs it once"


class RangeRefused(MpcRefused):
    """Bits that a value may not have, or a divisor that is none."""

    code = "MPC-013"
    why = "a value that does not fit its length makes comparisons wrong, and masks too short"
    fix = "declare shorter values"
