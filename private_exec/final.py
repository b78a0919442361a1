"""The token without which no share is made.  Rules PX-1, PX-19.

No share of a ciphertext may exist before the block that orders it is final: a precommitted block
can still lose its round, and its intents would be public without having been ordered. So the type
of what a share is made of is `FinalBlock`, and the only way to one is `finalise`, which asks the
consensus layer for its evidence. There is no constructor, no copy, no pickle and no subclass.
"""

from __future__ import annotations

from typing import Final, NoReturn, Protocol

from private_exec.batch import Batch
from private_exec.errors import NotFinal

_MADE: Final = object()


class FinalityEvidence(Protocol):
    """What the consensus layer knows: a committed block of its store, or a commit certificate."""

    def confirm(self, height: int, block_hash: bytes, batch_root: bytes) -> None:
        """Return if this block is final and orders exactly this batch.

        Raises:
            NotFinal: PX-1, otherwise; also when it merely does not know.
        """
        ...


class RootLog(Protocol):
    """PX-19: what this validator made shares of; outlives the process. One for each domain."""

    def root(self, height: int, epoch: int) -> bytes | None:
        """What `record` was told."""
        ...

    def record(self, height: int, epoch: int, root: bytes) -> None:
        """Durable when it returns: a share leaves the validator only afterwards."""
        ...


class MemoryRoots:
    """A `RootLog` for tests and tools; a validator's lies on disk."""

    def __init__(self) -> None:
        self._roots: dict[tuple[int, int], bytes] = {}

    def root(self, height: int, epoch: int) -> bytes | None:
        return self._roots.get((height, epoch))

    def record(self, height: int, epoch: int, root: bytes) -> None:
        self._roots[height, epoch] = root


class FinalBlock:
    """A batch whose block is final.

    Attributes:
        block_hash: of the block's header.
        batch: the ordered ciphertexts; binds height, epoch, key and root.
    """

    __slots__ = ("batch", "block_hash")
    batch: Batch
    block_hash: bytes

    def __init__(self, made: object, block_hash: bytes, batch: Batch) -> None:
        if made is not _MADE:
            raise TypeError("a FinalBlock is made by private_exec.final.finalise after the commit")
        object.__setattr__(self, "block_hash", block_hash)
        object.__setattr__(self, "batch", batch)

    def __init_subclass__(cls) -> None:
        raise TypeError("FinalBlock has no subclasses")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("a FinalBlock does not change")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a FinalBlock is not copied or pickled; ask for a new one")


def finalise(evidence: FinalityEvidence, block_hash: bytes, batch: Batch) -> FinalBlock:
    """PX-1: the token, if the consensus layer says that the block is final.

    Raises:
        NotFinal: PX-1.
    """
    if type(batch) is not Batch:
        raise NotFinal("PX-1", "only a checked batch can be final", where="batch")
    evidence.confirm(batch.height, block_hash, batch.root)
    return FinalBlock(_MADE, block_hash, batch)


def require_final(token: object) -> FinalBlock:
    """PX-1: refuse everything that is no token, at run time too.

    Raises:
        NotFinal: PX-1.
    """
    if type(token) is not FinalBlock:
        raise NotFinal("PX-1", "shares are made of a FinalBlock only", where="block")
    return token


def claim_root(log: RootLog, batch: Batch) -> None:
    """PX-19: one root per height and epoch, recorded before anything is sent.

    After a crash between recording and sending the same root is claimed again, and the same share
    comes out. Another root is refused for ever: consensus has failed, and this validator takes no
    part in opening both sides.

    Raises:
        NotFinal: PX-19.
    """
    known = log.root(batch.height, batch.key.epoch)
    if known is None:
        log.record(batch.height, batch.key.epoch, batch.root)
    elif known != batch.root:
        raise NotFinal(
            "PX-19",
            f"shares of another batch of height {batch.height} were made",
            where=f"height {batch.height}",
        )
