"""What a member keeps on its disk.  Rules PV-150, PV-151.

    member.key                 "chiaro-member-key/1 ", the 32 secret bytes in hexadecimal, a newline
    secrets/EPOCH-ATTEMPT      version 1, committee 32, epoch 8, attempt 4, entropy 32, checksum 32
    journal/KEY                what was decided, once

Everything else secret follows from entropy and the chain (`Participant`): a member that comes back
says what it said before, and has the keys that it had. The files are private (0600) and not under a
password: a member must start without a person.
"""

from __future__ import annotations

import re
import secrets as system
from pathlib import Path
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from node.private.member.errors import MemberRefused, MemberSecretLost
from transparent.signature import SigningKey
from zk import files

KEY_FILE: Final = "member.key"
ENTROPY_BYTES: Final = 32
_HEAD: Final = b"chiaro-member-key/1 "
_LENGTH: Final = len(_HEAD) + 2 * 32 + 1
_VERSION: Final = 1
_MOST: Final = 4096
_NAME: Final = re.compile(r"([0-9]+)-([0-9]+)")


def make_key(home: Path) -> SigningKey:
    """A new signing key in a folder of its own.

    Raises:
        MemberRefused: PV-150, there is one, or the folder refuses.
    """
    secret = system.token_bytes(32)
    path = home / KEY_FILE
    try:
        files.make_private_folder(home)
        text = _HEAD + secret.hex().encode() + b"\n"
        files.write(path, text, mode=files.PRIVATE, durable=True, new=True)
    except OSError as error:
        if path.exists():
            raise MemberRefused("PV-150", "there is a member's key", where=str(path)) from None
        raise MemberSecretLost("PV-150", f"no key: {error.strerror}", where=str(path)) from None
    return SigningKey(secret)


def load_key(home: Path) -> SigningKey:
    """The signing key.

    Raises:
        MemberSecretLost: PV-150, there is none, it is damaged, or others can read it.
    """
    path = home / KEY_FILE
    try:
        data = files.read_private(path, _LENGTH)
    except OSError as error:
        said = error.strerror or "unreadable"
        raise MemberSecretLost(
            "PV-150", f"no member's key: {said}", where=str(path),
            fix="`chiaro private member init` makes one",
        ) from None  # fmt: skip
    digits = data[len(_HEAD) : -1]
    whole = len(data) == _LENGTH and data.startswith(_HEAD) and data.endswith(b"\n")
    if not whole or not set(digits) <= set(b"0123456789abcdef"):
        raise MemberSecretLost("PV-150", "the file is damaged", where=str(path))
    return SigningKey(bytes.fromhex(digits.decode()))


class Vault:
    """The entropy of attempts at keys of one committee.

    Args:
        folder: made, private, when the first secret comes.
        committee: id of its declaration; another's file is refused.
    """

    def __init__(self, folder: Path, committee: bytes) -> None:
        self._folder = folder
        self._committee = committee

    def entropy(self, epoch: int, attempt: int) -> bytes:
        """PV-150: of an attempt: what was kept, or fresh, and on the disk when this returns.

        Raises:
            MemberSecretLost: PV-150, it cannot be kept, or the file is damaged or another's.
        """
        found = self.find(epoch, attempt)
        if found is not None:
            return found
        fresh = system.token_bytes(ENTROPY_BYTES)
        body = self._head(epoch, attempt) + fresh
        path = self._path(epoch, attempt)
        try:
            files.make_private_folder(self._folder)
            data = body + _checksum(body)
            files.write(path, data, mode=files.PRIVATE, durable=True, new=True)
        except OSError as error:
            raise MemberSecretLost(
                "PV-150", f"the secret cannot be kept: {error.strerror}", where=str(path)
            ) from None
        return fresh

    def find(self, epoch: int, attempt: int) -> bytes | None:
        """What was kept; None: nothing, or erased. Raises MemberSecretLost: PV-150."""
        path = self._path(epoch, attempt)
        try:
            data = files.read_private(path, _MOST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MemberSecretLost("PV-150", error.strerror or "", where=str(path)) from None
        body, head = data[:-32], self._head(epoch, attempt)
        if len(body) != len(head) + ENTROPY_BYTES or data[-32:] != _checksum(body):
            raise MemberSecretLost("PV-150", "the file is damaged", where=str(path))
        reader = Reader(body, "secret")
        if reader.take(len(head)) != head:
            raise MemberSecretLost("PV-150", "the secret of something else", where=str(path))
        return reader.take(ENTROPY_BYTES)

    def kept(self) -> tuple[tuple[int, int], ...]:
        """Epoch and attempt of each secret, sorted."""
        if not self._folder.is_dir():
            return ()
        names = (_NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return tuple(sorted((int(found[1]), int(found[2])) for found in names if found))

    def erase(self, epoch: int, attempt: int) -> None:
        """PV-150 (PV-37): gone when it returns, with what a crash left of one being written."""
        for path in (self._path(epoch, attempt), *self._folder.glob(".*.tmp")):
            try:
                files.erase(path)
            except OSError as error:
                raise MemberSecretLost(
                    "PV-150", f"cannot be erased: {error.strerror}", where=str(path)
                ) from None

    def _head(self, epoch: int, attempt: int) -> bytes:
        writer = Writer().u8(_VERSION).raw(self._committee, ID_BYTES)
        return writer.u64(epoch).u32(attempt).done()

    def _path(self, epoch: int, attempt: int) -> Path:
        return self._folder / f"{epoch}-{attempt}"


class FileJournal:
    """PV-151: a `private_exec.mpc.context.Journal` on disk: a file for each decision.

    Args:
        folder: made, private, with the first decision.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def record(self, key: bytes, value: bytes) -> bytes:
        """The first value under this key, on the disk when this returns.

        Raises:
            MemberSecretLost: PV-151, it cannot be written, or is damaged.
        """
        path = self._folder / tagged_hash("private/member/decision", key).hex()
        try:
            files.make_private_folder(self._folder)
            body = value + _checksum(value)
            files.write(path, body, mode=files.PRIVATE, durable=True, new=True)
        except FileExistsError:
            return self._read(path)
        except OSError as error:
            raise MemberSecretLost(
                "PV-151", f"cannot be written: {error.strerror}", where=str(path)
            ) from None
        return value

    def _read(self, path: Path) -> bytes:
        try:
            data = files.read_private(path, _MOST)
        except OSError as error:
            raise MemberSecretLost("PV-151", error.strerror or "", where=str(path)) from None
        if data[-32:] != _checksum(data[:-32]):
            raise MemberSecretLost("PV-151", "the file is damaged", where=str(path))
        return data[:-32]


def _checksum(body: bytes) -> bytes:
    return tagged_hash("private/member/secret", body)
