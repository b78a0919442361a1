"""Shielded addresses: what a sender needs, and nothing that links two of them.

d      16 bytes, a block cipher's output under the wallet's dk      (shielded.keys)
g_d    Elligator 2 of d onto Curve25519, times 8                    SH-43 (S-15)
pk_d   X25519(ivk, g_d)                                             SH-44 (S-15)
owner  Poseidon_owner(mpk, d), committed to in every note sent here
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from node.core.codec import Reader, Writer
from shielded import bech32, curve25519, spec
from zk.errors import NonCanonical, WrongLength
from zk.field.params import FR

KEY_BYTES: Final = 32
ADDRESS_BYTES: Final = spec.DIVERSIFIER_BYTES + 2 * 32
DST: Final = b"chiaro/v1/diversifier-with-curve25519_XMD:SHA-512_ELL2_NU_"
PURPOSE: Final = "chiaro"


def diversified_base(d: bytes) -> bytes:
    """Base of an address, g_d = encode_to_curve(d) of RFC 9380.  Rule SH-43 (S-15).

    Raises:
        WrongLength: not 16 bytes.
    """
    if len(d) != spec.DIVERSIFIER_BYTES:
        raise WrongLength(f"a diversifier has {spec.DIVERSIFIER_BYTES} bytes, not {len(d)}")
    return curve25519.encode_to_curve(d, DST)


class X25519Secret:
    """An X25519 scalar, prepared once."""

    __slots__ = ("_key",)

    def __init__(self, scalar: bytes) -> None:
        if len(scalar) != KEY_BYTES:
            raise WrongLength(f"an X25519 scalar has {KEY_BYTES} bytes, not {len(scalar)}")
        self._key = X25519PrivateKey.from_private_bytes(scalar)

    def __repr__(self) -> str:
        return "<X25519Secret: secret>"

    def exchange(self, public: bytes) -> bytes | None:
        """X25519(scalar, public), or None where it is all zero (small order).  Rule SH-49."""
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a note can be sent.

    Attributes:
        diversifier: d, 16 bytes.
        pk_d: transmission key, 32 bytes, of order l on Curve25519.
        owner: owner tag, in [0, r).

    Raises:
        DecodeError: a transmission key that SH-44 refuses, an owner not below r.
    """

    diversifier: bytes
    pk_d: bytes
    owner: int

    def __post_init__(self) -> None:
        if len(self.diversifier) != spec.DIVERSIFIER_BYTES:
            raise WrongLength("a diversifier has 16 bytes", where="address")
        if not 0 <= self.owner < FR.modulus:
            raise NonCanonical("the owner tag is not below r", where="address")
        curve25519.check_public_key(self.pk_d, what="pk_d")

    @property
    def g_d(self) -> bytes:
        """Base of the key exchange for this address."""
        return diversified_base(self.diversifier)

    def to_bytes(self) -> bytes:
        return Writer().raw(self.diversifier, 16).raw(self.pk_d, KEY_BYTES).fr(self.owner).done()

    @staticmethod
    def from_bytes(data: bytes) -> Address:
        reader = Reader(data, "address")
        address = Address(reader.take(spec.DIVERSIFIER_BYTES), reader.take(KEY_BYTES), reader.fr())
        reader.done()
        return address

    def encode(self, network: str) -> str:
        """`chiaro_<network>1…`, Bech32m."""
        return bech32.to_text(PURPOSE, network, self.to_bytes())

    @staticmethod
    def decode(text: str, network: str) -> Address:
        """Strict; refuses another network's address by name.  Rule SH-45."""
        data = bech32.from_text(PURPOSE, network, text, ADDRESS_BYTES, "an address")
        return Address.from_bytes(data)
