"""A state with pending writes on top of it: one per block, and one per transaction over that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from node.core.interfaces import StateReader


class Overlay:
    """Reads its own writes first, then those of `base`; never writes to `base`.

    Implements `node.core.interfaces.StateReader`. A value of `None` hides a key of the base.
    """

    __slots__ = ("_base", "_writes")

    def __init__(self, base: StateReader) -> None:
        self._base = base
        self._writes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        if key in self._writes:
            return self._writes[key]
        return self._base.get(key)

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys with `prefix`, ascending, as they are now: later writes do not show up."""
        pending = sorted((k, v) for k, v in self._writes.items() if k.startswith(prefix))
        return _merged(self._base.iterate(prefix), pending)

    def put(self, key: bytes, value: bytes | None) -> None:
        self._writes[key] = value

    def update(self, writes: Iterable[tuple[bytes, bytes | None]]) -> None:
        self._writes.update(writes)

    @property
    def writes(self) -> Mapping[bytes, bytes | None]:
        """What was written here, not below: the net effect."""
        return MappingProxyType(self._writes)


class EmptyState:
    """The state before genesis."""

    def get(self, key: bytes) -> bytes | None:  # noqa: ARG002
        return None

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:  # noqa: ARG002
        return iter(())


def _merged(
    base: Iterator[tuple[bytes, bytes]], pending: list[tuple[bytes, bytes | None]]
) -> Iterator[tuple[bytes, bytes]]:
    """Merge two ascending sequences; on equal keys the pending one wins."""
    at = 0
    for key, value in base:
        while at < len(pending) and pending[at][0] < key:
            yield from _present(pending[at])
            at += 1
        if at < len(pending) and pending[at][0] == key:
            yield from _present(pending[at])
            at += 1
        else:
            yield key, value
    for entry in pending[at:]:
        yield from _present(entry)


def _present(entry: tuple[bytes, bytes | None]) -> Iterator[tuple[bytes, bytes]]:
    key, value = entry
    if value is not None:
        yield key, value
