"""The pseudo-random function (PV-7): a key that members share, a label → integers, many as asked.

AES-256 in counter mode under a key of its own for each label, BLAKE2b-256 of the label keyed with
the members' key; 40 bytes an integer. Streams of different labels are independent, and a longer one
starts with the shorter.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from private_exec.mpc.labels import Label
from private_exec.mpc.vectors import WIDE_BYTES

KEY_BYTES: Final = 32
_PERSON: Final = b"chiaro/v1/prss"
_NONCE: Final = bytes(16)


class Stream:
    """The integers of one key and label, in order, some at a time; shows neither."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes, label: Label) -> None:
        own = hashlib.blake2b(label.digest, digest_size=KEY_BYTES, key=key, person=_PERSON)
        self._cipher = Cipher(AES(own.digest()), CTR(_NONCE)).encryptor()

    def next(self, count: int) -> bytes:
        """The next integers, 40 bytes each, little-endian."""
        return self._cipher.update(bytes(WIDE_BYTES * count))

    def fill(self, target: npt.NDArray[np.uint64]) -> None:
        """The same into a contiguous array whose rows are integers."""
        flat = target.reshape(-1)
        flat[:] = np.frombuffer(self._cipher.update(bytes(flat.nbytes)), dtype="<u8")
