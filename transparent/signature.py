"""Ed25519 signatures of accounts, strict about keys (RFC 8032, verified by `cryptography`).

Libraries disagree on small-order and non-canonical public keys, and under a small-order key one
signature fits many messages. Such keys are refused before a signature is looked at (TR-3), so every
node decides alike.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node.core.errors import InvalidTransaction
from node.core.ids import AccountId, tagged_hash

SIGNATURE_BYTES: Final = 64
_P: Final = 2**255 - 19
# y-coordinates of the eight points whose order divides 8: 0, 1, −1 and ± the two of order 8.
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


class SigningKey:
    """An account's secret key; prints only its account."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.account = AccountId(self._key.public_key().public_bytes_raw())

    @staticmethod
    def from_seed(seed: bytes, index: int = 0) -> SigningKey:
        """Key `index` of a wallet's seed; independent of its shielded keys by the tag."""
        return SigningKey(tagged_hash("transparent/key", seed, index.to_bytes(4, "little")))

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign(digest)

    def __repr__(self) -> str:
        return f"SigningKey(account={self.account.hex()})"


def check_key(account: AccountId, *, what: str = "account") -> None:
    """TR-3: a canonical encoding of a point that is not of small order.

    Raises:
        InvalidTransaction: TR-3.
    """
    y = int.from_bytes(account, "little") & ((1 << 255) - 1)
    if len(account) != 32 or y >= _P or y in _SMALL_ORDER_Y:
        raise InvalidTransaction("TR-3", f"the {what} is no proper Ed25519 key", where=what)


def check_signature(account: AccountId, digest: bytes, signature: bytes, *, rule: str) -> None:
    """The account's signature over `digest`, under a proper key.

    Raises:
        InvalidTransaction: TR-3 for the key, `rule` for the signature.
    """
    check_key(account)
    try:
        Ed25519PublicKey.from_public_bytes(account).verify(signature, digest)
    except (InvalidSignature, ValueError):
        raise InvalidTransaction(
            rule, "the signature is not this account's over this transaction", where="signature"
        ) from None
