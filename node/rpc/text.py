"""Bytes, field elements and amounts as the RPC writes them, and strictly back."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from node.core.amounts import check_amount
from zk import jsontext
from zk.errors import DecodeError, NonCanonical, WrongLength
from zk.field.params import FR

_HEX: Final = re.compile(r"(?:0x)?([0-9a-f]*)")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]*")


Document = TypeVar("Document", bound=msgspec.Struct)


def document_of(data: bytes, kind: type[Document]) -> Document:
    """A document of a declared form; whatever is wrong with the text is one error.

    Its nesting is counted first: msgspec recurses as Python's parser does (`zk.jsontext`).

    Raises:
        msgspec.DecodeError: of another form, not UTF-8, nested deeper than any document.
    """
    if jsontext.nests_deeper(data, jsontext.MAX_DEPTH):
        raise msgspec.DecodeError("nested deeper than any document")
    try:
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError:
        raise msgspec.DecodeError("not UTF-8") from None


def hex_of(data: bytes) -> str:
    """Bytes as the documents show them."""
    return "0x" + data.hex()


def bytes_of(text: str, size: int | None = None, *, where: str = "") -> bytes:
    """Undo `hex_of`; in paths the prefix may be left out.

    Raises:
        NonCanonical: not lower-case hexadecimal.
        WrongLength: not `size` bytes.
    """
    match = _HEX.fullmatch(text)
    if match is None or len(match[1]) % 2:
        raise NonCanonical("bytes are 0x and lower-case hexadecimal digits", where=where)
    data = bytes.fromhex(match[1])
    if size is not None and len(data) != size:
        raise WrongLength(f"{size} bytes were expected, got {len(data)}", where=where)
    return data


def element_of(text: str, *, where: str = "") -> int:
    """A field element from its decimal text.

    Raises:
        DecodeError: no decimal number without leading zeros.
        NonCanonical: not below r.
    """
    value = _decimal(text, 77, where)
    if value >= FR.modulus:
        raise NonCanonical("the value is not below the field modulus r", where=where)
    return value


def amount_of(text: str, *, where: str = "") -> int:
    """An amount from its decimal text. Raises DecodeError."""
    return check_amount(_decimal(text, 20, where), where or "amount")


def _decimal(text: str, digits: int, where: str) -> int:
    if len(text) > digits or not _DECIMAL.fullmatch(text):
        raise DecodeError("a decimal number was expected", where=where)
    return int(text)
