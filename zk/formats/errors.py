"""Refusals of documents and files, each with its own stable code.

`PRF-01x … PRF-02x` are JSON documents of snarkjs (proof, public inputs, verifying key), `FMT-01x`
binary files of iden3. The tables are data, so that `chiaro explain CODE` reads what is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zk.errors import DecodeError


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a code means.

    Attributes:
        title: what was found.
        why: what would go wrong if it were accepted.
        fix: what to do.
    """

    title: str
    why: str
    fix: str


_AGAIN: Final = "export the file again with the tool that made it, or reject it"

DOCUMENT_REFUSALS: Final[dict[str, Refusal]] = {
    "PRF-010": Refusal(
        "not one well-formed JSON document",
        "text that two parsers read differently can be two proofs at once",
        _AGAIN,
    ),
    "PRF-011": Refusal(
        "another proof system than groth16",
        "a proof checked by the rules of another system proves nothing",
        "use a verifier of that system",
    ),
    "PRF-012": Refusal(
        "another curve than bn128 (BN254)",
        "coordinates of another curve have no meaning here",
        "use a verifier of that curve",
    ),
    "PRF-013": Refusal(
        "not exactly as many public inputs as the key has",
        "a missing input would be taken for zero",
        "give every public input, in the statement's order",
    ),
    "PRF-014": Refusal(
        "a public input that is not below the field modulus r",
        "two different numbers would then mean the same nullifier (double spend)",
        "reduce the number modulo r where it is made, or reject this proof",
    ),
    "PRF-015": Refusal(
        "a coordinate that is not below the field modulus q",
        "one proof would have several texts",
        _AGAIN,
    ),
    "PRF-016": Refusal(
        "a number that is not a canonical decimal",
        "signs, leading zeros and blanks are second texts of the same number",
        "write numbers as decimal digits without sign or leading zero",
    ),
    "PRF-017": Refusal(
        "a member of the wrong type or shape",
        "a value that is guessed at was not checked",
        _AGAIN,
    ),
    "PRF-018": Refusal(
        "a point that is not on its curve",
        "group laws hold on the curve only; off it proofs can be forged",
        "reject the file: no honest program writes such a point",
    ),
    "PRF-019": Refusal(
        "a point of the twist outside the subgroup G2",
        "pairings are defined on the subgroup only; outside it proofs can be forged",
        "reject the file: no honest program writes such a point",
    ),
    "PRF-020": Refusal(
        "a point at infinity",
        "the neutral element drops its term from the equation",
        "reject the file: no honest program writes such a point",
    ),
    "PRF-021": Refusal(
        "a missing, repeated or unknown member",
        "a member that one reader sees and another ignores makes one file two",
        _AGAIN,
    ),
    "PRF-022": Refusal(
        "a point in projective coordinates other than z = 1",
        "one point would have several texts",
        "write points in affine form with z = 1",
    ),
    "PRF-023": Refusal(
        "a document larger than any of its kind",
        "reading it would cost memory and time for nothing",
        _AGAIN,
    ),
}

FILE_REFUSALS: Final[dict[str, Refusal]] = {
    code: Refusal(
        title,
        "a file that is not exactly what it claims to be may hide another statement or key",
        "make the file again with the tool that wrote it",
    )
    for code, title in {
        "FMT-010": "another kind of file: the first four bytes do not match",
        "FMT-011": "a version that this reader does not know",
        "FMT-012": "the file ends before what it announces",
        "FMT-013": "a section that must be there is missing",
        "FMT-014": "a section stands twice",
        "FMT-015": "a section of another length than its contents need",
        "FMT-016": "another field or curve than BN254",
        "FMT-017": "a number of wires, public inputs or rows that no circuit has",
        "FMT-018": "bytes after the last section",
        "FMT-019": "a point that is not on its curve",
        "FMT-020": "another proof system than groth16",
        "FMT-021": "more sections than a file of any kind has",
        "FMT-022": "a coordinate that is not below the field modulus q",
        "FMT-023": "a point of the twist outside the subgroup G2",
        "FMT-024": "a point at infinity where there must be a proper one",
        "FMT-025": "a coefficient or a wire's value that is not below the field modulus r",
        "FMT-026": "an entry of a matrix, row or wire that does not exist",
        "FMT-027": "a witness whose first wire is not the constant one",
        "FMT-028": "custom gates, which Groth16 does not have",
        "FMT-029": "a combination with a zero coefficient, or with one wire twice",
        "FMT-030": "a line that is not label,wire,component,name of a circuit's wire",
        "FMT-031": "commitments to wires, an extension of Groth16 with another equation",
        "FMT-032": "compressed and uncompressed points in one file",
        "FMT-033": "call data that is no call of a verifier's verifyProof",
        "FMT-035": "bytes of no encoding that is known, or of several",
        "FMT-034": "a verifier contract that cannot be written: its name, or its number of inputs",
    }.items()
}


class MalformedDocument(DecodeError):
    """A JSON document that is refused before any proof is checked; `id` is the table's code."""

    code = "PRF-010"

    def __init__(self, code: str, message: str, *, where: str = "") -> None:
        refusal = DOCUMENT_REFUSALS[code]
        super().__init__(message, where=where, why=refusal.why, fix=refusal.fix)
        self._id = code

    @property
    def id(self) -> str:
        return self._id
