"""Refusals of a ceremony's verifier, each with its own code, for `chiaro explain CER-…`."""

from __future__ import annotations

from typing import Final

from zk.errors import ChiaroError

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "CER-001": (
        "nobody has contributed",
        "δ is then the generator, its secret is 1, and anyone can forge proofs",
    ),
    "CER-002": (
        "a contribution's transcript is not the hash of what precedes it",
        "it was made for another key or order, so the chain says nothing about this key",
    ),
    "CER-003": (
        "a contribution without proof that its maker knew the exponent",
        "whoever does not know it may have cancelled the contributions before",
    ),
    "CER-004": (
        "a key that does not follow from the one before by the contribution's exponent",
        "contributions before it may have been thrown away",
    ),
    "CER-005": (
        "a beacon whose numbers do not follow from its public randomness",
        "its maker chose them, so nobody's choice is excluded",
    ),
    "CER-006": (
        "the key's δ in G1 is not that of the last contribution",
        "the chain of contributions belongs to another key",
    ),
    "CER-007": (
        "δ in G2 is another value than δ in G1",
        "proofs would be checked under a δ that nobody contributed to",
    ),
    "CER-008": (
        "a part that no contribution may change is not that of the initial key",
        "the key is one of another circuit, or of another first phase",
    ),
    "CER-009": (
        "a query that is not the initial one divided by δ",
        "points made otherwise can hide a second secret with which proofs are forged",
    ),
    "CER-010": (
        "the circuit's hash is not that of the initial key",
        "every transcript starts from it",
    ),
    "CER-011": (
        "a contribution that does not decode",
        "what cannot be read cannot be checked",
    ),
    "CER-012": (
        "a beacon that takes more hashes to check than a verifier should spend",
        "whether its maker chose its numbers was not checked",
    ),
    "CER-021": (
        "points that are not successive powers of one τ",
        "points made otherwise can hide a second secret with which proofs are forged",
    ),
    "CER-022": (
        "powers that do not start where the last contribution left them",
        "the chain of contributions belongs to another file",
    ),
    "CER-023": (
        "a next challenge that is not the hash of the file's points",
        "the next contributor would build on points that are not these",
    ),
    "CER-024": (
        "a response that is not the hash of challenge, points and public key",
        "what contributors attest would not be this file",
    ),
    "CER-025": (
        "a Lagrange basis that does not follow from the powers",
        "keys made from it are keys of another circuit",
    ),
}

FIX: Final = "do not use this file; ask for the ceremony's last one that verifies"


class CeremonyError(ChiaroError):
    """A key, or a powers-of-tau file, whose ceremony does not hold; `id` is the table's code."""

    code = "CER-011"
    exit_code = 1

    def __init__(self, code: str, message: str, *, where: str = "") -> None:
        super().__init__(message, where=where, why=REFUSALS[code][1], fix=FIX)
        self._id = code

    @property
    def id(self) -> str:
        return self._id


class MalformedContribution(CeremonyError):
    """A contribution that does not decode: no ceremony can be judged by it (CER-011)."""

    exit_code = 3

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__("CER-011", message, where=where)


def exit_code_of(code: str) -> int:
    """What a process returns for a refusal of the table."""
    malformed = code == CeremonyError.code
    return MalformedContribution.exit_code if malformed else CeremonyError.exit_code
