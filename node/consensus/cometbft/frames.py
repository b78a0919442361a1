"""Messages on a stream: each behind its length, a varint.  Rule CH-37."""

from __future__ import annotations

import asyncio
from typing import Final

from google.protobuf.message import DecodeError as NotProtobuf

from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.errors import EngineRefused

MAX_FRAME: Final = 16 * 1024 * 1024
"""Four times the largest block there may be: its transactions, votes and extensions."""
_MAX_LENGTH_BYTES: Final = 4


def encode(message: abci.Response | abci.Request) -> bytes:
    """A whole frame."""
    body: bytes = message.SerializeToString()
    return length_prefix(len(body)) + body


def length_prefix(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


async def read_frame(stream: asyncio.StreamReader) -> bytes | None:
    """The next message; None where the stream ends between two.

    Raises:
        EngineRefused: CH-37, a length that no message has, or an end inside a message.
    """
    length = 0
    for place in range(_MAX_LENGTH_BYTES):
        byte = await stream.read(1)
        if not byte:
            if place:
                raise EngineRefused("CH-37", "the stream ends inside a length")
            return None
        length |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            break
    else:
        raise EngineRefused("CH-37", "a length of more than four bytes")
    if length > MAX_FRAME:
        raise EngineRefused("CH-37", f"{length} bytes, at most {MAX_FRAME}")
    try:
        return await stream.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise EngineRefused(
            "CH-37", f"the stream ends after {len(error.partial)} of {length} bytes"
        ) from None


def request_of(frame: bytes) -> tuple[str, abci.Request]:
    """The kind of call, and the message that holds it.

    Raises:
        EngineRefused: CH-37, no request, or of a kind that 0.38 does not have.
    """
    try:
        request = abci.Request.FromString(frame)
    except NotProtobuf:
        raise EngineRefused("CH-37", "not a request") from None
    kind = request.WhichOneof("value")
    if kind is None:
        raise EngineRefused("CH-37", "a kind of request that is unknown here")
    return kind, request
