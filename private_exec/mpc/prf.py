"""The pseudo-random function (PV-7): a key that members share, a label → integers, many as asked.

A gate's integers are a stream of AES-256 in counter mode, under a key of its own: BLAKE2b-256 of
the label, keyed with the members' key. A cell's mask is one integer, and cells are many: output j
is BLAKE2b-320 of label and j, keyed alike, which costs a fifth of a cipher's start.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from private_exec.mpc.labels import Label, MaskLabel, SessionLabel
from private_exec.mpc.vectors import WIDE_BYTES

KEY_BYTES: Final = 32
_STREAM: Final = b"chiaro/v1/prss"
_MASK: Final = b"chiaro/v1/mask"
_NONCE: Final = bytes(16)


def stream_key(key: bytes, label: SessionLabel) -> bytes:
    """The key of one label's stream: it gives that stream and nothing else (PV-17)."""
    own = hashlib.blake2b(label.digest, digest_size=KEY_BYTES, key=key, person=_STREAM)
    return own.digest()


def stream(own: bytes, count: int) -> bytes:
    """The first integers of a stream, 40 bytes each, given its own key."""
    return Cipher(AES(own), CTR(_NONCE)).encryptor().update(bytes(WIDE_BYTES * count))


class Source(Protocol):
    """The integers of one key and label, in order, some at a time."""

    def next(self, count: int) -> bytes:
        """The next ones, 40 bytes each, little-endian."""
        ...


class _Stream:
    __slots__ = ("_cipher",)

    def __init__(self, key: bytes, label: SessionLabel) -> None:
        self._cipher = Cipher(AES(stream_key(key, label)), CTR(_NONCE)).encryptor()

    def next(self, count: int) -> bytes:
        return self._cipher.update(bytes(WIDE_BYTES * count))


class _Hashed:
    __slots__ = ("_key", "_label", "_taken")

    def __init__(self, key: bytes, label: MaskLabel) -> None:
        self._key, self._label, self._taken = key, label, 0

    def next(self, count: int) -> bytes:
        first, self._taken = self._taken, self._taken + count
        return b"".join(mask(self._key, self._label, j) for j in range(first, self._taken))


def source(key: bytes, label: Label) -> Source:
    """What a key gives for a label; the object shows neither."""
    return _Hashed(key, label) if isinstance(label, MaskLabel) else _Stream(key, label)


def mask(key: bytes, label: MaskLabel, number: int = 0) -> bytes:
    """One output of a cell's mask, 40 bytes."""
    data = label.digest + number.to_bytes(4, "little")
    return hashlib.blake2b(data, digest_size=WIDE_BYTES, key=key, person=_MASK).digest()


def fill(source: Source, target: npt.NDArray[np.uint64]) -> None:
    """The next integers into a contiguous array, whose rows they are."""
    flat = target.reshape(-1)
    flat[:] = np.frombuffer(source.next(flat.nbytes // WIDE_BYTES), dtype="<u8")
