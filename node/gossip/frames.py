"""What peers send each other: messages, digests, requests, evidence. Rule GO-26."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES
from node.gossip.equivocation import EVIDENCE_BYTES
from node.gossip.errors import InvalidMessage, decoding
from node.gossip.message import MAX_MESSAGE

MOST_LISTED: Final = 500
"""Ids in a digest."""
MOST_WANTED: Final = 32
"""Ids in a request: what they bring is below a peer's allowance for a second."""
MAX_FRAME: Final = 1 + MAX_MESSAGE


class FrameKind(IntEnum):
    """First byte of a frame."""

    MESSAGE = 1
    DIGEST = 2
    WANT = 3
    EVIDENCE = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame.

    Attributes:
        kind: what it is.
        data: a message or evidence, encoded; empty for the others.
        ids: of a digest or request: sorted, unique, 32 bytes each.
    """

    kind: FrameKind
    data: bytes = b""
    ids: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        if self.kind in {FrameKind.MESSAGE, FrameKind.EVIDENCE}:
            return bytes((self.kind,)) + self.data
        writer = Writer().u8(self.kind).u16(len(self.ids))
        for name in self.ids:
            writer.raw(name, ID_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Frame:
        """Strict; what a message frame holds is read later, if at all.

        Raises:
            InvalidMessage: GO-26; GO-16 too long.
        """
        check_size(data)
        with decoding("GO-26", "frame"):
            reader = Reader(data, "frame")
            tag = reader.u8()
            if tag == FrameKind.MESSAGE:
                return Frame(FrameKind.MESSAGE, data[1:])
            if tag == FrameKind.EVIDENCE:
                evidence = reader.take(EVIDENCE_BYTES)
                reader.done()
                return Frame(FrameKind.EVIDENCE, evidence)
            if tag not in {FrameKind.DIGEST, FrameKind.WANT}:
                raise InvalidMessage("GO-26", f"no frame has the number {tag}", where="frame")
            most = MOST_LISTED if tag == FrameKind.DIGEST else MOST_WANTED
            count = reader.count(2, most, "ids")
            ids = tuple(reader.take(ID_BYTES) for _ in range(count))
            reader.done()
        if not ids or any(not a < b for a, b in itertools.pairwise(ids)):
            raise InvalidMessage("GO-26", "no ids, or not sorted and unique", where="frame")
        return Frame(FrameKind(tag), ids=ids)


def check_size(data: bytes) -> None:
    """GO-16: looked at before anything else.

    Raises:
        InvalidMessage
    """
    if len(data) > MAX_FRAME:
        raise InvalidMessage("GO-16", f"{len(data)} bytes, at most {MAX_FRAME}", where="frame")
