"""Errors of sealed intents; each carries the rule of SPEC.md that refused.

SealRefused (InvalidTransaction)
├── MalformedSeal            also a DecodeError: bytes or values that no message may hold
├── BadSeals                 ciphertexts of a batch whose proofs do not hold; names them
├── UnsafeWeights            stake and shares do not fit: names the coalition
├── KeygenRefused            a message of key generation
├── NotFinal                 a share was asked for before the block is final, or for another batch
├── BadShares                shares of a batch that are not what they should be; names their makers
├── TooFewShares
├── OwnShareWrong            this validator's own share does not fit the public key: it sends none
├── RevealRefused            the opened points of a batch are wrong, late or not all there
├── Undecryptable            the body does not open under the right key: the fee is kept
└── LinkRefused              a proof about committed values that is not tied to them
"""

from __future__ import annotations

from collections.abc import Mapping

from node.core.errors import InvalidTransaction
from zk.errors import ChiaroError, DecodeError


class SealRefused(InvalidTransaction):
    """A sealed intent, or a message about one, that a numbered rule refuses."""

    code = "PXE-001"
    why = "sealed intents stay sealed, and open to what their senders wrote, only under the rules"
    fix = "`chiaro explain` with the rule's number says what it asks for"


class MalformedSeal(DecodeError, SealRefused):
    """Bytes or values that no message of the private environment may hold."""

    code = "PXE-002"
    exit_code = 3


class BadSeals(SealRefused):
    """Ciphertexts whose proofs do not hold.

    Attributes:
        culprits: their indices, ascending.
    """

    code = "PXE-003"
    why = "a ciphertext that nobody proved to know was copied or changed; opening it helps a thief"
    fix = "seal the intent again; a sealed one cannot be changed"

    def __init__(self, rule: str, message: str, culprits: tuple[int, ...]) -> None:
        super().__init__(rule, message, where="seal " + ", ".join(map(str, culprits)))
        self.culprits = culprits


class UnsafeWeights(SealRefused):
    """Virtual shares that do not fit the stake behind them.

    Attributes:
        coalition: indices of validators for whom the bound fails.
    """

    code = "PXE-004"
    why = "a coalition with little stake could read sealed intents, or one with much could not open"
    fix = "keep the old key, and assign more shares or less packing before the next epoch"

    def __init__(self, rule: str, message: str, coalition: tuple[int, ...] = ()) -> None:
        named = "validators " + ", ".join(map(str, coalition)) if coalition else ""
        super().__init__(rule, message, where=named)
        self.coalition = coalition


class KeygenRefused(SealRefused):
    """A message of key generation that is wrong, late, or not its sender's."""

    code = "PXE-005"
    why = "one wrong dealing that is counted makes the epoch's key useless or known"
    fix = "send the right message before its deadline; a dealer who does not is left out"


class NotFinal(SealRefused):
    """A share was asked for without the token of a final block, or for a second batch."""

    code = "PXE-006"
    why = "shares of a block that is not final open intents that nobody has to order"
    fix = "wait for the commit; the engine then gives the token"


class BadShares(SealRefused):
    """Decryption shares that do not fit their makers' public keys.

    Attributes:
        culprits: indices of validators, ascending.
        refusals: why, by index.
    """

    code = "PXE-007"
    why = "a wrong share makes a wrong key, and no body opens under it"
    fix = "combine the shares of the others; the culprits are named for evidence"

    def __init__(self, rule: str, message: str, refusals: Mapping[int, ChiaroError]) -> None:
        culprits = tuple(sorted(refusals))
        super().__init__(rule, message, where="validators " + ", ".join(map(str, culprits)))
        self.refusals = dict(refusals)
        self.culprits = culprits


class TooFewShares(SealRefused):
    """Fewer good shares than the combining quorum."""

    code = "PXE-008"
    exit_code = 7
    why = "fewer shares than the quorum fix no key"
    fix = "wait for shares of more validators"


class OwnShareWrong(SealRefused):
    """This validator's share does not fit the public key: it sends none and counts as offline."""

    code = "PXE-009"
    why = "shares made of it would be refused by all others"
    fix = "complain about the dealer, even late; the next epoch's key brings a new share"


class RevealRefused(SealRefused):
    """A reveal that is wrong, late, or not whole."""

    code = "PXE-010"
    why = "a forged reveal would open intents to something that nobody wrote"
    fix = "combine shares that verify; after its last height a batch expires and fees return"


class Undecryptable(SealRefused):
    """A body that does not open under the right key; every node finds the same."""

    code = "PXE-011"
    why = "its sender sealed something else than an intent of this form"
    fix = "nothing to do: it was ordered, its fee is kept, it has no effect"


class LinkRefused(SealRefused):
    """A proof with hidden inputs that is not tied to the commitments beside it."""

    code = "PXE-012"
    exit_code = 1
    why = "without the link the proof is of values that nobody knows, not of those committed to"
    fix = "make proof and link again, of the values of the commitments and for this message"
