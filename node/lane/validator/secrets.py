"""What a validator keeps secret of key generation, until the epoch is over.  Rules LN-25, LN-26.

    secrets/DOMAIN-EPOCH-ATTEMPT   version 1, chain id 32, domain 4, epoch 8, attempt 4, entropy 32,
                                   checksum 32

Everything else secret of an attempt derives from the 32 bytes of entropy (`Participant`): kept,
they give the same messages and the same shares after a restart. The files are private (0600) and
not under a password, as the validator's key: a validator must start without a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from node.core.codec import Reader, Writer
from node.core.ids import ChainId, tagged_hash
from node.lane.errors import SecretLost
from zk import files
from zk.errors import DecodeError

ENTROPY_BYTES: Final = 32
_VERSION: Final = 1
_MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, order=True)
class AttemptId:
    """One attempt at a key of a domain and epoch."""

    domain: int
    epoch: int
    attempt: int


class SecretStore(Protocol):
    """Where entropy lies."""

    def get(self, attempt: AttemptId) -> bytes | None:
        """What `put` was told; None: nothing, or erased."""
        ...

    def put(self, attempt: AttemptId, entropy: bytes) -> None:
        """LN-25: durable when it returns; the notice leaves only afterwards."""
        ...

    def erase(self, attempt: AttemptId) -> None:
        """LN-26: gone when it returns."""
        ...

    def kept(self) -> tuple[AttemptId, ...]:
        """Sorted."""
        ...


class MemorySecrets:
    """A `SecretStore` for tests; a validator's lies on disk."""

    def __init__(self) -> None:
        self._items: dict[AttemptId, bytes] = {}

    def __repr__(self) -> str:
        return f"MemorySecrets({len(self._items)})"

    def get(self, attempt: AttemptId) -> bytes | None:
        return self._items.get(attempt)

    def put(self, attempt: AttemptId, entropy: bytes) -> None:
        self._items[attempt] = entropy

    def erase(self, attempt: AttemptId) -> None:
        self._items.pop(attempt, None)

    def kept(self) -> tuple[AttemptId, ...]:
        return tuple(sorted(self._items))


class FileSecrets:
    """A folder with one file for each attempt.

    Args:
        folder: made, private, when the first secret comes.
        chain_id: of the chain; another chain's file is refused.
    """

    def __init__(self, folder: Path, chain_id: ChainId) -> None:
        self._folder = folder
        self._chain_id = chain_id

    def get(self, attempt: AttemptId) -> bytes | None:
        """LN-25.

        Raises:
            SecretLost: the file is damaged, or another attempt's or chain's.
        """
        path = self._path(attempt)
        try:
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretLost(
                f"LN-25: the secret cannot be read: {error.strerror}", where=str(path)
            ) from None
        body, checksum = data[:-32], data[-32:]
        try:
            reader = Reader(body, "secret")
            version = reader.u8()
            belongs = reader.take(32), AttemptId(reader.u32(), reader.u64(), reader.u32())
            entropy = reader.take(ENTROPY_BYTES)
            reader.done()
        except DecodeError:
            raise SecretLost("LN-25: the file is damaged", where=str(path)) from None
        if version != _VERSION or checksum != _checksum(body):
            raise SecretLost("LN-25: the file is damaged", where=str(path))
        if belongs != (self._chain_id, attempt):
            raise SecretLost("LN-25: the secret of something else", where=str(path))
        return entropy

    def put(self, attempt: AttemptId, entropy: bytes) -> None:
        writer = Writer().u8(_VERSION).raw(self._chain_id, 32).u32(attempt.domain)
        writer.u64(attempt.epoch).u32(attempt.attempt).raw(entropy, ENTROPY_BYTES)
        body = writer.done()
        path = self._path(attempt)
        try:
            files.make_private_folder(self._folder)
            self._sweep()
            files.write(path, body + _checksum(body), mode=files.PRIVATE, durable=True)
        except OSError as error:
            raise SecretLost(
                f"LN-25: the secret cannot be kept: {error.strerror}",
                where=str(path),
                fix="make room on the disk, and see to it that the folder is this node's",
            ) from None

    def erase(self, attempt: AttemptId) -> None:
        self._sweep()
        _erase(self._path(attempt))

    def _sweep(self) -> None:
        """LN-26: what a crash left of a file that was being written is a secret, too."""
        for path in self._folder.glob(".*.tmp"):
            _erase(path)

    def kept(self) -> tuple[AttemptId, ...]:
        if not self._folder.is_dir():
            return ()
        names = (path.name.split("-") for path in self._folder.iterdir())
        return tuple(
            sorted(
                AttemptId(*map(int, parts))
                for parts in names
                if len(parts) == 3 and all(part.isdigit() for part in parts)
            )
        )

    def _path(self, attempt: AttemptId) -> Path:
        return self._folder / f"{attempt.domain}-{attempt.epoch}-{attempt.attempt}"


def _erase(path: Path) -> None:
    try:
        files.erase(path)
    except OSError as error:
        raise SecretLost(
            f"LN-26: the secret cannot be erased: {error.strerror}", where=str(path)
        ) from None


def _checksum(body: bytes) -> bytes:
    return tagged_hash("lane/secret", body)
