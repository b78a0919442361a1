"""Ed25519 signatures of accounts, strict about keys (RFC 8032, verified by `cryptography`).

Keys that libraries disagree on are refused before a signature is looked at (TR-3; see
`node.core.ed25519`), so every node decides alike.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.ed25519 import is_proper, is_signed
from node.core.errors import InvalidTransaction
from node.core.ids import AccountId, tagged_hash


class SigningKey:
    """An account's secret key; prints only its account."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.account = AccountId(self._key.public_key().public_bytes_raw())

    @staticmethod
    def from_seed(seed: bytes, index: int = 0) -> SigningKey:
        """Key `index` of a wallet's seed; independent of its shielded keys by the tag."""
        return SigningKey(account_secret(seed, index))

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign(digest)

    def __repr__(self) -> str:
        return f"SigningKey(account={self.account.hex()})"


def account_secret(seed: bytes, index: int = 0) -> bytes:
    """The 32 secret bytes of a wallet's key `index`, for other signatures of the account."""
    return tagged_hash("transparent/key", seed, index.to_bytes(4, "little"))


def check_key(account: AccountId, *, what: str = "account") -> None:
    """TR-3: a canonical encoding of a point that is not of small order.

    Raises:
        InvalidTransaction: TR-3.
    """
    if not is_proper(account):
        raise InvalidTransaction("TR-3", f"the {what} is no proper Ed25519 key", where=what)


def check_signature(account: AccountId, digest: bytes, signature: bytes, *, rule: str) -> None:
    """The account's signature over `digest`, under a proper key.

    Raises:
        InvalidTransaction: TR-3 for the key, `rule` for the signature.
    """
    check_key(account)
    if not is_signed(account, digest, signature):
        raise InvalidTransaction(
            rule, "the signature is not this account's over this transaction", where="signature"
        )
