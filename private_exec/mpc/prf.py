"""The pseudo-random function (PV-7): a key that members share, a label → integers, many as asked.

A gate's integers are a stream of AES-256 in counter mode, under a key of its own: BLAKE2b-256 of
the label, keyed with the members' key. A cell's mask is one integer, and cells are many: output j
is BLAKE2b-320 of label and j, keyed alike, which costs a fifth of a cipher's start.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from private_exec.mpc.labels import Label, MaskLabel, SessionLabel
from private_exec.mpc.vectors import WIDE_BYTES

KEY_BYTES: Final = 32
_STREAM: Final = b"chiaro/v1/prss"
_MASK: Final = b"chiaro/v1/mask"
_NONCE: Final = bytes(16)
_ZEROS: Final = bytes(1 << 16)


def stream_key(key: bytes, label: SessionLabel) -> bytes:
    """The key of one label's stream: it gives that stream and nothing else (PV-17)."""
    own = hashlib.blake2b(label.digest, digest_size=KEY_BYTES, key=key, person=_STREAM)
    return own.digest()


def stream(own: bytes, count: int) -> bytes:
    """The first integers of a stream, 40 bytes each, given its own key."""
    return Cipher(AES(own), CTR(_NONCE)).encryptor().update(bytes(WIDE_BYTES * count))


class Source(Protocol):
    """The integers of one key and label, in order, some at a time."""

    def fill(self, target: memoryview) -> None:
        """The next ones, 40 bytes each, little-endian, into bytes that are as many times 40."""
        ...


class _Stream:
    __slots__ = ("_cipher",)

    def __init__(self, key: bytes, label: SessionLabel) -> None:
        self._cipher = Cipher(AES(stream_key(key, label)), CTR(_NONCE)).encryptor()

    def fill(self, target: memoryview) -> None:
        zeros = _ZEROS if target.nbytes <= len(_ZEROS) else bytes(target.nbytes)
        self._cipher.update_into(memoryview(zeros)[: target.nbytes], target)


class _Hashed:
    __slots__ = ("_key", "_label", "_taken")

    def __init__(self, key: bytes, label: MaskLabel) -> None:
        self._key, self._label, self._taken = key, label, 0

    def fill(self, target: memoryview) -> None:
        first, self._taken = self._taken, self._taken + target.nbytes // WIDE_BYTES
        numbers = range(first, self._taken)
        target[:] = b"".join(mask(self._key, self._label, j) for j in numbers)


def source(key: bytes, label: Label) -> Source:
    """What a key gives for a label; the object shows neither."""
    return _Hashed(key, label) if isinstance(label, MaskLabel) else _Stream(key, label)


def mask(key: bytes, label: MaskLabel, number: int = 0) -> bytes:
    """One output of a cell's mask, 40 bytes."""
    data = label.digest + number.to_bytes(4, "little")
    return hashlib.blake2b(data, digest_size=WIDE_BYTES, key=key, person=_MASK).digest()
