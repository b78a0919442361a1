"""What a reader of the explorer typed, strictly: RPC-59."""

from __future__ import annotations

import re
from typing import Final

from node.core.ids import ID_BYTES
from node.explorer.errors import NotSearchable
from node.rpc.errors import BadRequest

MOST_TYPED: Final = 80
_HEIGHT: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_ID: Final = re.compile(r"(?:0x)?([0-9a-f]{64})")
_BATCH: Final = re.compile(r"(0|[1-9][0-9]{0,9})/(0|[1-9][0-9]{0,14})")


def height(text: str) -> int:
    """A height or number in a page's address: one spelling. Raises BadRequest."""
    if not _HEIGHT.fullmatch(text):
        raise BadRequest(
            "RPC-59: a number is written in decimal digits, none in front", where="path"
        )
    return int(text)


def identity(text: str) -> bytes:
    """32 bytes in a page's address: 64 lower-case digits, no prefix. Raises BadRequest."""
    if len(text) != 2 * ID_BYTES or not _ID.fullmatch(text):
        raise BadRequest("RPC-59: an id has 64 lower-case hexadecimal digits", where="path")
    return bytes.fromhex(text)


def typed(text: str) -> int | bytes | tuple[int, int]:
    """What was searched for: a height, an id, or a batch as `domain/number`.

    Blanks around it and upper-case digits are forgiven: people paste.

    Raises:
        NotSearchable: RPC-59.
    """
    wanted = text.strip() if len(text) <= MOST_TYPED else ""
    wanted = wanted.lower() if wanted.isascii() else ""
    if _HEIGHT.fullmatch(wanted):
        return int(wanted)
    if found := _ID.fullmatch(wanted):
        return bytes.fromhex(found[1])
    if found := _BATCH.fullmatch(wanted):
        return int(found[1]), int(found[2])
    raise NotSearchable("RPC-59: neither a height nor an id", where="search")
