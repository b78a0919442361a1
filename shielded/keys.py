"""From a seed to spending and viewing keys.  Rule SH-41.

    words ── BIP-39 ──▶ seed (64 bytes) ── hardened derivation ──▶ sk, one per account
    sk ──▶ ask, ak = [ask]B8       spending
       ──▶ nk                      nullifiers
       ──▶ ovk, dk                 outgoing view, diversifiers
       ──▶ alpha key               randomizers of the actions' keys (SH-61)
       ──▶ private key             owners and secrets in the private pool (SH-71)
    ak, nk ──▶ mpk                 owner tags
           ──▶ ivk, ivk_int        incoming view: addresses given out, and change

What each exportable key shows (SH-46):

    full       (ak, nk, ovk, dk)   everything, and spends nothing
    incoming   (ivk, dk, mpk)      what external addresses received; neither change nor spending
    outgoing   (ovk)               what was sent, to whom

Not constant-time: Python's integers leak through timing. Keys stay in the wallet's process.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from node.core.codec import Reader, Writer
from shielded import bech32, spec
from shielded.address import Address, X25519Secret, diversified_base
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.errors import DecodeError, NonCanonical, WrongLength
from zk.field.params import FR

SEED_BYTES: Final = 64
KEY_BYTES: Final = 32
MAX_INDEX: Final = 2**31 - 1
"""Largest child index of the derivation; each is hardened."""
MAX_DIVERSIFIER_INDEX: Final = 2**64 - 1

PURPOSE: Final = 32
COIN_TYPE: Final = 1
"""SLIP-44's "all test networks": this chain has registered no number of its own."""

_MASTER: Final = b"chiaro/v1/hdroot"
_CHILD: Final = b"chiaro/v1/hdnode"


@dataclass(frozen=True, slots=True, repr=False)
class _Secret:
    """Redacts: what a key is may be printed, what it holds never."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: secret>"


@dataclass(frozen=True, slots=True, repr=False)
class SpendingKey(_Secret):
    """The root secret of one account; everything else follows.

    Attributes:
        sk: 32 bytes.
        ask: spend authority, in [1, l).
        ak: [ask]B8.
        nk: nullifier key, in [0, r).
        ovk: 32 bytes, opens the outgoing copies.
        dk: 32 bytes, makes diversifiers.
        alpha_key: 32 bytes, makes and finds again the α of each action.  Rule SH-61.
        private_key: 32 bytes, makes and finds again what is in the private pool.  Rule SH-71.
    """

    sk: bytes
    ask: int = field(init=False)
    ak: Point = field(init=False)
    nk: int = field(init=False)
    ovk: bytes = field(init=False)
    dk: bytes = field(init=False)
    alpha_key: bytes = field(init=False)
    private_key: bytes = field(init=False)

    def __post_init__(self) -> None:
        _check_bytes(self.sk, "sk")
        ask = _int(spec.expand("key/ask", self.sk)) % (babyjub.ORDER - 1) + 1
        _set(self, "ask", ask)
        _set(self, "ak", babyjub.multiply(ask, babyjub.B8))
        _set(self, "nk", _int(spec.expand("key/nk", self.sk)) % FR.modulus)
        _set(self, "ovk", spec.expand("key/ovk", self.sk)[:KEY_BYTES])
        _set(self, "dk", spec.expand("key/dk", self.sk)[:KEY_BYTES])
        _set(self, "alpha_key", spec.expand("key/alpha", self.sk)[:KEY_BYTES])
        _set(self, "private_key", spec.expand("key/private", self.sk)[:KEY_BYTES])

    @staticmethod
    def from_seed(seed: bytes, account: int = 0) -> SpendingKey:
        """Account key of a BIP-39 seed, m / 32' / 1' / account'.

        Args:
            seed: 64 bytes, BIP-39's PBKDF2 output.
            account: 0 … 2³¹ − 1.

        Raises:
            WrongLength: not 64 bytes.
            DecodeError: the account is out of range.
        """
        return SpendingKey(derive(seed, (PURPOSE, COIN_TYPE, account)))

    @property
    def full_viewing_key(self) -> FullViewingKey:
        return FullViewingKey(self.ak, self.nk, self.ovk, self.dk)


@dataclass(frozen=True, slots=True, repr=False)
class FullViewingKey(_Secret):
    """Sees everything of an account, spends nothing.

    Attributes:
        ak, nk, ovk, dk: as in `SpendingKey`.
        mpk: Poseidon_mpk(ak, nk).
        ivk: X25519 scalar of addresses given out.
        ivk_int: X25519 scalar of change addresses.
    """

    ak: Point
    nk: int
    ovk: bytes
    dk: bytes
    mpk: int = field(init=False)
    ivk: bytes = field(init=False)
    ivk_int: bytes = field(init=False)

    def __post_init__(self) -> None:
        babyjub.check(self.ak, what="ak")
        if not 0 <= self.nk < FR.modulus:
            raise NonCanonical("nk is not below r", where="nk")
        _check_bytes(self.ovk, "ovk")
        _check_bytes(self.dk, "dk")
        shared = (babyjub.encode(self.ak), self.nk.to_bytes(32, "little"))
        _set(self, "mpk", spec.mpk(self.ak, self.nk))
        _set(self, "ivk", spec.expand("key/ivk", b"ext", *shared)[:KEY_BYTES])
        _set(self, "ivk_int", spec.expand("key/ivk", b"int", *shared)[:KEY_BYTES])

    @property
    def incoming(self) -> IncomingViewingKey:
        return IncomingViewingKey(self.ivk, self.dk, self.mpk)

    @property
    def outgoing(self) -> OutgoingViewingKey:
        return OutgoingViewingKey(self.ovk)

    def address(self, index: int = 0, *, internal: bool = False) -> Address:
        """Address number `index`; `internal` ones are for change and never given out."""
        ivk = self.ivk_int if internal else self.ivk
        return _address(ivk, self.dk, self.mpk, index, internal=internal)

    def address_index(self, d: bytes, *, internal: bool = False) -> int | None:
        """The index of a diversifier, or None if it is not this account's."""
        return diversifier_index(self.dk, d, internal=internal)

    def to_bytes(self) -> bytes:
        return (
            Writer()
            .raw(babyjub.encode(self.ak), 32)
            .fr(self.nk)
            .raw(self.ovk, KEY_BYTES)
            .raw(self.dk, KEY_BYTES)
            .done()
        )

    @staticmethod
    def from_bytes(data: bytes) -> FullViewingKey:
        """Strict; ak is on the curve, in the subgroup and not the identity."""
        reader = Reader(data, "full viewing key")
        key = FullViewingKey(
            babyjub.decode(reader.take(32), what="ak"),
            reader.fr(),
            reader.take(KEY_BYTES),
            reader.take(KEY_BYTES),
        )
        reader.done()
        return key

    def encode(self, network: str) -> str:
        return bech32.to_text("chiarofvk", network, self.to_bytes())

    @staticmethod
    def decode(text: str, network: str) -> FullViewingKey:
        data = bech32.from_text("chiarofvk", network, text, 4 * 32, "a full viewing key")
        return FullViewingKey.from_bytes(data)


@dataclass(frozen=True, slots=True, repr=False)
class IncomingViewingKey(_Secret):
    """Sees what external addresses receive.  Rule SH-46.

    Attributes:
        ivk: X25519 scalar, 32 bytes.
        dk: 32 bytes.
        mpk: makes owner tags, needed to recompute commitments.
    """

    ivk: bytes
    dk: bytes
    mpk: int

    def __post_init__(self) -> None:
        _check_bytes(self.ivk, "ivk")
        _check_bytes(self.dk, "dk")
        if not 0 <= self.mpk < FR.modulus:
            raise NonCanonical("mpk is not below r", where="mpk")

    def address(self, index: int = 0) -> Address:
        """Address number `index` to give out."""
        return _address(self.ivk, self.dk, self.mpk, index, internal=False)

    def address_index(self, d: bytes) -> int | None:
        """The index of a diversifier, or None if it is not this account's."""
        return diversifier_index(self.dk, d)

    def to_bytes(self) -> bytes:
        return Writer().raw(self.ivk, KEY_BYTES).raw(self.dk, KEY_BYTES).fr(self.mpk).done()

    @staticmethod
    def from_bytes(data: bytes) -> IncomingViewingKey:
        reader = Reader(data, "incoming viewing key")
        key = IncomingViewingKey(reader.take(KEY_BYTES), reader.take(KEY_BYTES), reader.fr())
        reader.done()
        return key

    def encode(self, network: str) -> str:
        return bech32.to_text("chiaroivk", network, self.to_bytes())

    @staticmethod
    def decode(text: str, network: str) -> IncomingViewingKey:
        data = bech32.from_text("chiaroivk", network, text, 3 * 32, "an incoming viewing key")
        return IncomingViewingKey.from_bytes(data)


@dataclass(frozen=True, slots=True, repr=False)
class OutgoingViewingKey(_Secret):
    """Opens the copies that a sender keeps of what it sent.  Rule SH-46."""

    ovk: bytes

    def __post_init__(self) -> None:
        _check_bytes(self.ovk, "ovk")

    def to_bytes(self) -> bytes:
        return self.ovk

    @staticmethod
    def from_bytes(data: bytes) -> OutgoingViewingKey:
        return OutgoingViewingKey(data)

    def encode(self, network: str) -> str:
        return bech32.to_text("chiaroovk", network, self.ovk)

    @staticmethod
    def decode(text: str, network: str) -> OutgoingViewingKey:
        data = bech32.from_text("chiaroovk", network, text, KEY_BYTES, "an outgoing viewing key")
        return OutgoingViewingKey(data)


ViewingKey = FullViewingKey | IncomingViewingKey | OutgoingViewingKey


def decode_viewing_key(text: str, network: str) -> ViewingKey:
    """Whichever viewing key the prefix names.

    Raises:
        DecodeError: another prefix, or no such text.
    """
    found = text.lower().partition("_")[0]
    if found == "chiarofvk":
        return FullViewingKey.decode(text, network)
    if found == "chiaroivk":
        return IncomingViewingKey.decode(text, network)
    return OutgoingViewingKey.decode(text, network)


def derive(seed: bytes, path: tuple[int, ...]) -> bytes:
    """Hardened-only hierarchical derivation after ZIP 32: 32 bytes at a path.  Rule SH-41.

    I = BLAKE2b-512(person "chiaro/v1/hdroot", seed); child i: BLAKE2b-512 keyed by the chain code,
    person "chiaro/v1/hdnode", over sk ‖ (i + 2³¹). Only hardened steps exist, so no public key of a
    branch together with one child key gives away a parent.

    Raises:
        WrongLength: the seed is not 64 bytes.
        DecodeError: an index outside [0, 2³¹).
    """
    if len(seed) != SEED_BYTES:
        raise WrongLength(f"a seed has {SEED_BYTES} bytes, not {len(seed)}", where="seed")
    node = hashlib.blake2b(seed, person=_MASTER).digest()
    for index in path:
        if not 0 <= index <= MAX_INDEX:
            raise DecodeError(f"derivation index {index} is outside [0, 2^31)")
        hardened = (index + (1 << 31)).to_bytes(4, "little")
        node = hashlib.blake2b(node[:32] + hardened, key=node[32:], person=_CHILD).digest()
    return node[:32]


def diversifier(dk: bytes, index: int, *, internal: bool = False) -> bytes:
    """A diversifier, d = AES-256_dk(index ‖ scope ‖ 0⁷): a permutation.

    The holder of dk reads the index back. Without dk a block cipher's outputs look random, which
    makes addresses unlinkable; a permutation never gives one diversifier twice.  Rule SH-41.

    Raises:
        DecodeError: an index outside [0, 2⁶⁴).
    """
    if not 0 <= index <= MAX_DIVERSIFIER_INDEX:
        raise DecodeError(f"address index {index} is outside [0, 2^64)")
    encryptor = _block_cipher(dk).encryptor()
    return encryptor.update(index.to_bytes(8, "little") + _scope(internal))


def diversifier_index(dk: bytes, d: bytes, *, internal: bool = False) -> int | None:
    """The index of a diversifier, or None if it is not one of this key and scope."""
    if len(d) != spec.DIVERSIFIER_BYTES:
        return None
    block = _block_cipher(dk).decryptor().update(d)
    return _int(block[:8]) if block[8:] == _scope(internal) else None


def _scope(internal: bool) -> bytes:
    return bytes((internal,)) + bytes(7)


def _address(ivk: bytes, dk: bytes, mpk: int, index: int, *, internal: bool) -> Address:
    d = diversifier(dk, index, internal=internal)
    pk_d = X25519Secret(ivk).exchange(diversified_base(d))
    if pk_d is None:
        raise DecodeError("this address index has no key", fix="use the next index")
    return Address(d, pk_d, spec.owner(mpk, d))


def _block_cipher(dk: bytes) -> Cipher[modes.ECB]:
    return Cipher(algorithms.AES256(dk), modes.ECB())  # noqa: S305 - one block: a permutation


def _check_bytes(value: bytes, what: str) -> None:
    if len(value) != KEY_BYTES:
        raise WrongLength(f"{what} has {KEY_BYTES} bytes, not {len(value)}", where=what)


def _set(target: object, name: str, value: object) -> None:
    """Fill a derived field of a frozen record while it is being made."""
    object.__setattr__(target, name, value)


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little")
