"""What makes a link its caller's, without sockets.  Rules PV-28, PV-152; docs/adr/0035.

    listener    key 32                       X25519, of this link only
    caller      member 1, key 32, signature 64     over committee, caller, listener, both keys
    caller      length 4, sealed …           ChaCha20-Poly1305, numbered from 0

Both ends have one key, which nobody else has if the caller's signature is right: who sits between
them has neither secret. So what opens under it was sealed by the caller, in this order, for this
listener. The listener does not say who it is, so what is sealed may still be read by whoever
answers at its address: nothing here is meant to be hidden.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from node.core.ids import tagged_hash
from node.private.member.errors import MemberRefused
from private_exec.committee.declaration import Declaration
from private_exec.roster import SIGNATURE_BYTES, Signer

KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
LENGTH_BYTES: Final = 4
HELLO_BYTES: Final = 1 + KEY_BYTES + SIGNATURE_BYTES
_NONCE_BYTES: Final = 12


class _Sealed:
    """One direction under one key: every frame has the next number."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._number = 0

    def _next(self) -> bytes:
        number, self._number = self._number, self._number + 1
        return number.to_bytes(_NONCE_BYTES, "little")


class Sealer(_Sealed):
    """The caller's end."""

    def seal(self, data: bytes) -> bytes:
        """A frame: its length, then what only the listener opens."""
        sealed = self._cipher.encrypt(self._next(), data, None)
        return len(sealed).to_bytes(LENGTH_BYTES, "little") + sealed


class Opener(_Sealed):
    """The listener's end."""

    def open(self, sealed: bytes) -> bytes:
        """What the caller sealed as its next frame.

        Raises:
            MemberRefused: PV-28, it did not seal this.
        """
        try:
            return self._cipher.decrypt(self._next(), sealed, None)
        except InvalidTag:
            raise MemberRefused("PV-28", "not sealed by the link's caller", where="link") from None


def _agreed(own: X25519PrivateKey, other: bytes, digest: bytes) -> bytes:
    """The key of a link.

    Raises:
        MemberRefused: PV-152, the other key is one with which everybody agrees on the same.
    """
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError:
        raise MemberRefused("PV-152", "a key that is no secret's", where="link") from None
    return tagged_hash("private/member/link", digest, shared)


def hello(committee: bytes, caller: int, listener: int, keys: tuple[bytes, bytes]) -> bytes:
    """What the caller signs: the listener's key and its own are of this link alone."""
    return tagged_hash("private/member/hello", committee, bytes([caller, listener]), *keys)


def call(
    declaration: Declaration, caller: int, listener: int, signer: Signer, greeting: bytes
) -> tuple[bytes, Sealer]:
    """What a caller answers to a listener's key, and what it speaks through.

    Raises:
        MemberRefused: PV-152, that is no key to speak under.
    """
    secret = X25519PrivateKey.generate()
    public = secret.public_key().public_bytes_raw()
    digest = hello(declaration.id, caller, listener, (greeting, public))
    key = _agreed(secret, greeting, digest)
    return bytes([caller]) + public + signer.sign(digest), Sealer(key)


class Listener:
    """Who waits for a caller to say who it is.

    Attributes:
        greeting: to be sent to the caller.
    """

    def __init__(self) -> None:
        self._secret = X25519PrivateKey.generate()
        self.greeting = self._secret.public_key().public_bytes_raw()

    def meet(self, declaration: Declaration, listener: int, said: bytes) -> tuple[int, Opener]:
        """Which member calls, and what its frames are opened with.

        Args:
            declaration: of the committee.
            listener: this member.
            said: HELLO_BYTES.

        Raises:
            MemberRefused: PV-152, it is no other member.
        """
        caller, public, signature = said[0], said[1 : 1 + KEY_BYTES], said[1 + KEY_BYTES :]
        digest = hello(declaration.id, caller, listener, (self.greeting, public))
        if caller == listener or not declaration.is_signed(caller, digest, signature):
            raise MemberRefused("PV-152", "a caller is no other member", where="link")
        return caller, Opener(_agreed(self._secret, public, digest))
