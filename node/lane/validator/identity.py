"""A validator's consensus key and its file.  Rule LN-32.

    validator.key      "chiaro-validator-key/1 ", the 32 secret bytes in hexadecimal, a newline

The file is private (0600) and not under a password: a validator must start without a person. Who
can read it can vote and sign shares in its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.lane.errors import BadKeyFile
from zk import files

KEY_FILE: Final = "validator.key"
_HEAD: Final = b"chiaro-validator-key/1 "
_SECRET_BYTES: Final = 32
_LENGTH: Final = len(_HEAD) + 2 * _SECRET_BYTES + 1


class ValidatorKey(Protocol):
    """A consensus key, wherever it lies."""

    @property
    def public(self) -> bytes:
        """32 bytes."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """Ed25519, 64 bytes."""
        ...


class ConsensusKey:
    """An Ed25519 key; prints only its public half.

    Args:
        secret: 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public: Final = self._key.public_key().public_bytes_raw()

    def sign(self, digest: bytes) -> bytes:
        """`private_exec.roster.Signer`."""
        return self._key.sign(digest)

    def secret(self) -> bytes:
        """The 32 secret bytes, for the key file of an engine that signs by itself."""
        return self._key.private_bytes_raw()

    def __repr__(self) -> str:
        return f"ConsensusKey(public={self.public.hex()})"

    def __reduce__(self) -> str:
        raise TypeError("a consensus key is not copied or pickled")


def create(path: Path) -> ConsensusKey:
    """A new key in a new file, on the disk when this returns.

    Raises:
        BadKeyFile: LN-32, there is one already.
        OSError: the folder or the disk refuses.
    """
    secret = os.urandom(_SECRET_BYTES)
    content = _HEAD + secret.hex().encode() + b"\n"
    files.make_private_folder(path.parent)
    try:
        files.write(path, content, mode=files.PRIVATE, durable=True, new=True)
    except FileExistsError:
        raise BadKeyFile("LN-32: there is a validator's key already", where=str(path)) from None
    return ConsensusKey(secret)


def load(path: Path) -> ConsensusKey:
    """The key in a file.

    Raises:
        BadKeyFile: LN-32: missing, readable for others, or no key.
    """
    try:
        data = files.read_private(path, _LENGTH)
    except files.OpenToOthers as error:
        raise BadKeyFile(
            f"LN-32: the validator's key is {error.strerror}",
            where=str(path),
            why="who reads it can vote and sign in this validator's name",
            fix="`chmod 600` it, and think about who may have read it",
        ) from None
    except OSError as error:
        raise BadKeyFile(
            f"LN-32: the validator's key cannot be read: {error.strerror}", where=str(path)
        ) from None
    body = data.removeprefix(_HEAD).removesuffix(b"\n")
    if len(data) != _LENGTH or len(body) != 2 * _SECRET_BYTES or body.strip(b"0123456789abcdef"):
        raise BadKeyFile("LN-32: this is no validator's key", where=str(path))
    return ConsensusKey(bytes.fromhex(body.decode()))
