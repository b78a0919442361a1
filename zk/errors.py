"""The exception tree of the whole project, rooted here in the lowest layer.

    ChiaroError                    expected in normal operation; anything else is a bug
    ├── DecodeError                bytes or text that do not decode
    │   ├── NonCanonical           a second encoding of the same value
    │   ├── WrongLength
    │   ├── NotOnCurve
    │   ├── NotInSubgroup
    │   └── IdentityPoint          the neutral element where none may stand
    ├── FormatError                a file: names its section and offset
    ├── CircuitError
    │   ├── Unsatisfied            carries clause and scope
    │   ├── ShapeMismatch
    │   └── UnusedWire
    ├── InvalidProof               carries statement and key ids, never secrets
    ├── ParamsError
    │   ├── UnknownKey
    │   ├── DigestMismatch
    │   ├── UnsafeKey              a verifying key that S-11 refuses
    │   └── DevParamsRefused
    ├── BackendError               a kernel was given arrays of the wrong shape
    │   └── BackendUnavailable     one asked for by name that this machine cannot run
    └── Ruled                      refused by a numbered rule, whose id it shows

Higher packages add their own leaves in their own `errors.py`.

Every class carries the four parts of a message a person can act on: `code` (stable, looked up by
`chiaro explain`), `exit_code` (what the process returns), `why` it matters and how to `fix` it. The
text of an instance says *what* and `where`. None of them may hold a secret.
"""

from __future__ import annotations

from typing import ClassVar


class ChiaroError(Exception):
    """Base of every error that is expected in normal operation.

    Attributes:
        code: stable identifier, such as `ENC-002`; a rule id where a numbered rule refused.
        exit_code: process exit status (see `docs/cli.md`): 1 no, 2 usage, 3 malformed, 4 locked,
            5 refused by policy, 6 unreachable, 7 pending, 8 key or circuit mismatch, 70 bug.
        where: file, field, index or offset; empty when the message says it all.
        why: one sentence on what would go wrong if this were accepted.
        fix: one sentence on what to do.
    """

    code: ClassVar[str] = "CHI-001"
    exit_code: ClassVar[int] = 3
    why: str = ""
    fix: str = ""

    def __init__(
        self, message: str, *, where: str = "", why: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        if why is not None:
            self.why = why
        if fix is not None:
            self.fix = fix

    @property
    def id(self) -> str:
        """The code shown to people: the class's, unless an instance names a finer rule."""
        return self.code


class Ruled(ChiaroError):
    """What a numbered rule of a SPEC refuses.

    Attributes:
        rule: its id, such as `SH-7`; shown to people in the place of the class's code.
    """

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        where: str = "",
        why: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message, where=where, why=why, fix=fix)
        self.rule = rule

    @property
    def id(self) -> str:
        return self.rule


class DecodeError(ChiaroError):
    """Bytes or text that are not an encoding of the expected type."""

    code = "ENC-001"
    why = "a value that does not decode cannot be checked, so it is never passed on"
    fix = "obtain the data again from its source; it is damaged or of another type"


class NonCanonical(DecodeError):
    """A value has one encoding; this is another one of the same value."""

    code = "ENC-002"
    why = "two encodings of one value let the same nullifier or point be used twice"
    fix = "re-encode the value below its modulus, or reject the data"


class WrongLength(DecodeError):
    """Too short, too long, or followed by trailing bytes."""

    code = "ENC-003"
    why = "padding and truncation are second encodings of the same value"
    fix = "use exactly the documented length"


class NotOnCurve(DecodeError):
    """Coordinates that do not satisfy the curve's equation."""

    code = "ENC-004"
    why = "group laws hold on the curve only; off it, secrets leak and proofs can be forged"
    fix = "reject the data: no honest program writes such a point"


class NotInSubgroup(DecodeError):
    """On the curve, but outside the subgroup of prime order."""

    code = "ENC-005"
    why = "small-order components forge or leak"
    fix = "reject the data: no honest program writes such a point"


class IdentityPoint(DecodeError):
    """The neutral element where a proper point is required."""

    code = "ENC-006"
    why = "the neutral element satisfies equations that it should not"
    fix = "reject the data"


class FormatError(ChiaroError):
    """A file that breaks its format's rules; names the section and the byte offset."""

    code = "FMT-001"
    why = "a file that is not exactly what it claims to be may hide another statement or key"
    fix = "make the file again with the tool that wrote it"

    def __init__(
        self,
        message: str,
        *,
        section: str = "",
        offset: int | None = None,
        where: str = "",
        code: str | None = None,
    ) -> None:
        at = ", ".join(
            part
            for part in (
                where,
                f"section {section}" if section else "",
                f"offset {offset}" if offset is not None else "",
            )
            if part
        )
        super().__init__(message, where=at)
        self.section = section
        self.offset = offset
        self._id = code

    @property
    def id(self) -> str:
        return self._id or self.code


class CircuitError(ChiaroError):
    """A statement that cannot be recorded, or a witness that does not fit it."""

    code = "CIR-001"


class Unsatisfied(CircuitError):
    """A constraint does not hold. Carries the clause and the path of scopes, never wire values."""

    code = "CIR-002"
    exit_code = 1
    why = "a proof can only be made of a true statement"
    fix = "look at the clause named: the witness breaks that rule"

    def __init__(self, clause: str, scope: str, reason: str = "") -> None:
        super().__init__(
            f"clause {clause} does not hold" + (f": {reason}" if reason else ""), where=scope
        )
        self.clause = clause
        self.scope = scope


class ShapeMismatch(CircuitError):
    """Public inputs or witness of the wrong shape, or a value outside the field."""

    code = "CIR-003"


class UnusedWire(CircuitError):
    """A wire that no constraint reads."""

    code = "CIR-004"
    why = "an unconstrained wire means that a value was not checked"


class InvalidProof(ChiaroError):
    """The proof does not verify under this key and these public inputs."""

    code = "PRF-001"
    exit_code = 1
    why = "the statement is not proved: it may be false"
    fix = "ask the prover for a proof of exactly these public inputs under exactly this key"


class ParamsError(ChiaroError):
    """Keys and constants that may not be used."""

    code = "PAR-001"
    exit_code = 8


class UnknownKey(ParamsError):
    """A key that the registry does not list."""

    code = "PAR-002"
    why = "a proof is only as good as the key it is checked with"
    fix = "use a key listed in params/registry.toml"


class DigestMismatch(ParamsError):
    """A file or circuit whose digest differs from the registry's."""

    code = "PAR-003"
    why = "the file was changed, damaged, or belongs to another circuit"
    fix = "restore the file from the release, or rebuild it with `chiaro setup dev`"


class UnsafeKey(ParamsError):
    """A verifying key that lets proofs be forged (rule S-11)."""

    code = "PAR-004"
    why = "with such a key anyone can prove anything; this has been exploited for millions"
    fix = "use a key from a finished ceremony"


class DevParamsRefused(ParamsError):
    """Development keys outside the `dev` profile."""

    code = "PAR-005"
    exit_code = 5
    why = "the secret behind development keys is published: proofs under them prove nothing"
    fix = "use `--profile dev` for experiments, or a ceremony's keys (`chiaro setup import`)"


class InsecureVersion(ParamsError):
    """A version of a circuit that is known to be insecure, for a new proof or a new chain."""

    code = "PAR-006"
    exit_code = 5
    why = "false statements can be proved with it; it is listed so that old blocks stay readable"
    fix = "use a current version (`chiaro circuit list`)"


class BackendError(ChiaroError):
    """Arrays of the wrong shape, type or layout at a kernel's boundary."""

    code = "BCK-001"
    exit_code = 70


class BackendUnavailable(BackendError):
    """A backend asked for by name that does not exist or cannot run on this machine."""

    code = "BCK-002"
    exit_code = 2
    why = "another one would answer in its place, and timings would mislead"
    fix = "`chiaro doctor` lists what runs here; without a name the best of it is taken"
