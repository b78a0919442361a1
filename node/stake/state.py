"""What the state knows of stake, and how it is read.

    b/v/ ‖ key              a validator: owner, bonded u64, height u64 of its fault or 0
    b/q/ ‖ key ‖ epoch      stake under notice since that epoch, u64
    b/r/ ‖ epoch            roster of the epoch: a committee (`node.core.committee`)
    b/c                     who votes two blocks later: a committee
    b/e/ ‖ epoch ‖ key ‖ k  a fault of kind k in that epoch that was punished: height u64
    b/lost                  base units that faults cost so far, u64

Epochs in keys are u32, big-endian, so that they sort. All of it is written by this environment, in
transactions or at the end of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, AccountId
from node.core.interfaces import StateReader

_VALIDATOR: Final = b"b/v/"
_QUEUE: Final = b"b/q/"
_ROSTER: Final = b"b/r/"
_PUNISHED: Final = b"b/e/"
VOTERS_KEY: Final = b"b/c"
LOST_KEY: Final = b"b/lost"
_EPOCH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Validator:
    """A consensus key with stake behind it.

    Attributes:
        owner: the account that bonded it, and alone may take it back.
        bonded: base units, without what is under notice.
        fault: height of the block that proved a fault of it, 0: none. It never votes again.
    """

    owner: AccountId
    bonded: int
    fault: int = 0

    def to_bytes(self) -> bytes:
        return Writer().raw(self.owner, ID_BYTES).u64(self.bonded).u64(self.fault).done()

    @staticmethod
    def from_bytes(data: bytes) -> Validator:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "validator")
        found = Validator(AccountId(reader.take(ID_BYTES)), reader.u64(), reader.u64())
        reader.done()
        return found


def validator_key(key: bytes) -> bytes:
    """Where the state has a validator."""
    return _VALIDATOR + key


def notice_key(key: bytes, epoch: int) -> bytes:
    """Where the state has what a validator's owner gave notice of in an epoch."""
    return _QUEUE + key + _epoch(epoch)


def roster_key(epoch: int) -> bytes:
    """Where the state has the roster of an epoch."""
    return _ROSTER + _epoch(epoch)


def punished_key(epoch: int, key: bytes, kind: int) -> bytes:
    """Where the state says that a validator's fault of a kind in an epoch was punished."""
    return _PUNISHED + _epoch(epoch) + key + bytes([kind])


def _epoch(epoch: int) -> bytes:
    return epoch.to_bytes(_EPOCH_BYTES, "big")


def validator(state: StateReader, key: bytes) -> Validator | None:
    """The validator of a consensus key, voting or not; None: nobody bonded it."""
    data = state.get(validator_key(key))
    return None if data is None else Validator.from_bytes(data)


def validators(state: StateReader) -> Iterator[tuple[bytes, Validator]]:
    """All of them, by key."""
    for key, value in state.iterate(_VALIDATOR):
        yield key[len(_VALIDATOR) :], Validator.from_bytes(value)


def notices(state: StateReader, key: bytes) -> tuple[tuple[int, int], ...]:
    """A validator's stake under notice: (epoch of the notice, base units), oldest first."""
    prefix = _QUEUE + key
    return tuple(
        (int.from_bytes(found[len(prefix) :], "big"), int.from_bytes(value, "little"))
        for found, value in state.iterate(prefix)
    )


def punished_before(state: StateReader, epoch: int) -> Iterator[bytes]:
    """Keys of punishments for faults in epochs before `epoch`."""
    stop = _PUNISHED + _epoch(max(epoch, 0))
    for key, _ in state.iterate(_PUNISHED):
        if key >= stop:
            return
        yield key


def rosters_before(state: StateReader, epoch: int) -> Iterator[bytes]:
    """Keys of rosters of epochs before `epoch`."""
    stop = _ROSTER + _epoch(max(epoch, 0))
    for key, _ in state.iterate(_ROSTER):
        if key >= stop:
            return
        yield key


def rosters(state: StateReader) -> Iterator[bytes]:
    """All that are kept, by epoch, encoded."""
    return (value for _, value in state.iterate(_ROSTER))


def lost(state: StateReader) -> int:
    """Base units that faults cost so far; they never leave."""
    data = state.get(LOST_KEY)
    return 0 if data is None else int.from_bytes(data, "little")


def amount(value: int) -> bytes | None:
    """An amount as the state has it; nothing is no entry."""
    return value.to_bytes(8, "little") if value else None


def at_stake(state: StateReader) -> int:
    """Base units that the environment must hold: bonded, under notice, or lost for good."""
    bonded = sum(found.bonded for _, found in validators(state))
    waiting = sum(int.from_bytes(value, "little") for _, value in state.iterate(_QUEUE))
    return bonded + waiting + lost(state)
