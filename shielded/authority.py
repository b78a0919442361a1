"""Sender authority: a disclosure signed under the key of its action. Rules SH-61, SH-62.

Each action on the chain names a key rk = ak + [α]B8 and is signed under it. α is a function of the
account's secret and of what the action publishes (SH-61), so the owner finds it again from the 24
words and the chain, however old the action. A Schnorr signature (SH-34) under rk over the digest of
a disclosure then shows that its maker has the spend authority that authorised this action.

It proves   that whoever holds the spending key of this action agreed to this disclosure, for this
            audience and challenge.
It does not who that is; that the one who shows it is the signer (a document can be handed on, so
prove       name an audience, and answer a challenge that the verifier chose); whose notes paid, in
            a transaction that several parties composed.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from node.core.codec import Writer
from node.core.ids import Kind, tagged_hash
from shielded import schnorr, spec
from shielded.address import Address
from shielded.keys import SpendingKey
from shielded.scan import ScannedAction
from shielded.schnorr import SIGNATURE_BYTES, SignatureRefused, SignedMessage
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.errors import DecodeError, Ruled, WrongLength

MAX_TEXT_BYTES: Final = 256
"""Of an audience or a challenge."""
_TAG: Final = "disclosure/sender"


class NotTheSender(Ruled):
    """This wallet did not authorise the action, so it cannot sign for it."""

    code = "SHD-031"
    exit_code = 1
    why = "only the spending key that made an action can prove to have made it"
    fix = "disclose without `--sender`, or ask the sender for the disclosure"

    def __init__(self, message: str, *, where: str = "", rule: str = "SH-61") -> None:
        super().__init__(rule, message, where=where)


class AuthorityRefused(Ruled):
    """The signature of a disclosure is not what its reader needs."""

    code = "SHD-032"
    exit_code = 1
    why = (
        "without it anybody who can read the payment, or was shown it, could claim to have made it"
    )
    fix = "ask the sender for a disclosure with `--sender` and with your `--challenge`"

    def __init__(self, message: str, *, rule: str = "SH-62") -> None:
        super().__init__(rule, message, where="disclosure")


@dataclass(frozen=True, slots=True)
class Claim:
    """What is signed: one opened output of one transaction of one chain.

    Attributes:
        chain_id, tx_id: 32 bytes each.
        action, slot: which output.
        kind, quantity, data, address, memo, rseed: the note as it was opened.
    """

    chain_id: bytes
    tx_id: bytes
    action: int
    slot: int
    kind: Kind
    quantity: int
    data: int
    address: Address
    memo: bytes
    rseed: bytes

    def __repr__(self) -> str:
        return "<Claim: hidden>"

    def digest(self, audience: str, challenge: str) -> bytes:
        """32 bytes over every field and both texts, under a tag of its own.  Rule SH-62."""
        content = (
            Writer()
            .raw(self.chain_id, 32)
            .raw(self.tx_id, 32)
            .u32(self.action)
            .u8(self.slot)
            .raw(self.kind.to_bytes(), 64)
            .u64(self.quantity)
            .fr(self.data)
            .blob(self.address.to_bytes())
            .blob(self.memo)
            .raw(self.rseed, spec.RSEED_BYTES)
            .done()
        )
        return tagged_hash(_TAG, content, audience.encode(), challenge.encode())


@dataclass(frozen=True, slots=True)
class SenderAuthority:
    """The signed part of a disclosure.

    Attributes:
        audience: for whom it was made; empty for anybody.
        challenge: what its reader asked to be signed; empty where nobody asked.
        signature: 64 bytes, under the action's rk.

    Raises:
        DecodeError: a text that is too long, not in normal form C, or holds control characters.
        WrongLength: the signature.
    """

    audience: str
    challenge: str
    signature: bytes

    def __post_init__(self) -> None:
        for text, what in ((self.audience, "audience"), (self.challenge, "challenge")):
            if text != check_text(text, what):
                raise DecodeError(f"the {what} is not in Unicode's normal form C", where=what)
        if len(self.signature) != SIGNATURE_BYTES:
            raise WrongLength(f"a signature has {SIGNATURE_BYTES} bytes", where="signature")


def check_text(text: str, what: str) -> str:
    """A text to be signed, in normal form C: what looks the same is the same.

    Raises:
        DecodeError: more than 256 bytes of UTF-8, or a character that cannot be printed.
    """
    normal = unicodedata.normalize("NFC", text)
    if not normal.isprintable():
        raise DecodeError(f"the {what} holds a control character", where=what, fix="use plain text")
    if len(normal.encode()) > MAX_TEXT_BYTES:
        raise DecodeError(
            f"the {what} has more than {MAX_TEXT_BYTES} bytes",
            where=what,
            fix="use a shorter text, or its hash",
        )
    return normal


def spend_secret(key: SpendingKey, action: ScannedAction, rk: Point) -> int:
    """Ask + α of an action on the chain, if this key authorised it.  Rule SH-61.

    Raises:
        NotTheSender: SH-61, the action's rk is not this key's.
    """
    alpha = spec.spend_randomizer(key.alpha_key, action.nullifiers, action.commitments)
    secret = (key.ask + alpha) % babyjub.ORDER
    if spec.randomized_key(key.ak, alpha) != rk:
        raise NotTheSender("the action was not authorised by this wallet", where="rk")
    return secret


def sign(
    key: SpendingKey,
    claim: Claim,
    action: ScannedAction,
    rk: Point,
    *,
    audience: str = "",
    challenge: str = "",
) -> SenderAuthority:
    """Sign a disclosure as the one who authorised its action. Deterministic.

    Args:
        key: of the wallet.
        claim: what is disclosed.
        action: the one that the claim names, from the chain.
        rk: its key, from the chain.
        audience: for whom.
        challenge: the reader's text.

    Raises:
        NotTheSender: SH-61.
        DecodeError: a text that cannot be signed.
    """
    audience, challenge = check_text(audience, "audience"), check_text(challenge, "challenge")
    secret = spend_secret(key, action, rk)
    seed = spec.expand("disclosure/nonce-seed", key.alpha_key)
    signature = schnorr.sign(secret, claim.digest(audience, challenge), seed=seed)
    return SenderAuthority(audience, challenge, signature)


def verify(
    authority: SenderAuthority | None,
    claim: Claim,
    rk: Point,
    *,
    audience: str | None = None,
    challenge: str | None = None,
) -> None:
    """Check sender authority against the rk on the chain.  Rule SH-62.

    Args:
        authority: of the document; None: it has none.
        claim: what the document says, verified against the chain before.
        rk: of the action that the claim names, from the chain.
        audience: whom it must have been made for; None: anybody.
        challenge: what must have been signed; None: anything.

    Raises:
        AuthorityRefused: none; another audience or challenge; not a signature by rk over this.
    """
    if authority is None:
        raise AuthorityRefused("the disclosure carries no signature of the sender")
    if audience is not None and check_text(audience, "audience") != authority.audience:
        raise AuthorityRefused("the disclosure was made for another audience")
    if challenge is not None and check_text(challenge, "challenge") != authority.challenge:
        raise AuthorityRefused("the disclosure answers another challenge")
    message = claim.digest(authority.audience, authority.challenge)
    try:
        schnorr.verify(SignedMessage(rk, message, authority.signature))
    except (SignatureRefused, DecodeError) as error:
        raise AuthorityRefused(
            "the signature is not by the key that authorised this action, over this disclosure"
        ) from error
